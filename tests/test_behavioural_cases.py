"""The behavioural cases: their columns, their balance, and that none of them is a text of the collection."""

import csv
from collections import Counter

import pytest

from course_utils.eastmere import data_folder

FOLDER = data_folder() / "eastmere"
EXPECTED = {"minimum": {"negative", "positive"}, "invariance": {"same"}, "direction": {"higher", "lower"}}


def read(name: str) -> list[dict[str, str]]:
    with open(FOLDER / name, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


CASES = read("behavioural_cases.csv")


def test_there_are_at_least_sixty_cases_in_six_capabilities():
    counts = Counter(case["capability"] for case in CASES)
    assert len(CASES) >= 60 and len(counts) == 6 and min(counts.values()) >= 10
    assert len({case["id"] for case in CASES}) == len({(case["text"], case["changed"]) for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_case_has_what_its_kind_of_test_needs(case):
    assert case["expected"] in EXPECTED[case["test"]]
    assert bool(case["changed"]) == (case["test"] != "minimum") and case["text"] != case["changed"]
    assert case["id"].startswith(case["capability"]) and bool(case["group"]) == (case["capability"] == "fairness")


def test_both_labels_are_wanted_equally_often():
    wanted = Counter((case["capability"], case["expected"]) for case in CASES if case["test"] == "minimum")
    for capability in {name for name, _ in wanted}:
        assert wanted[capability, "negative"] == wanted[capability, "positive"]


def test_no_case_is_a_text_of_the_collection():
    written = {row["text"] for row in read("reviews.csv")}
    assert not written & {text for case in CASES for text in (case["text"], case["changed"])}
