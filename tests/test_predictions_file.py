"""The stored predictions fit the corpora that notebooks 08 and 09 read beside them."""

import pytest

from course_utils.corpora import LABEL_COLUMNS, label_names, load_corpus
from course_utils.stored import stored_results
from course_utils.tasks import group_column

STORED = stored_results("predictions")
TASKS = {"polarity": "classify", "domain": "classify", "entities": "ner"}


def test_there_are_three_seeds_of_each_task():
    assert {(run["task"], run["seed"]) for run in STORED["runs"]} == {
        (name, seed) for name in TASKS for seed in range(3)
    }


@pytest.mark.parametrize("name", TASKS)
def test_rows_are_those_of_the_corpus(name):
    task, told = TASKS[name], STORED["tasks"][name]
    corpus = load_corpus(told["corpus"], task=task)
    assert told["label_names"] == label_names(corpus, LABEL_COLUMNS[task])
    for part in ("validation", "test"):
        gold = list(corpus[part][LABEL_COLUMNS[task]][:])
        assert told[part]["gold"] == (["".join(map(str, row)) for row in gold] if task == "ner" else gold)
        assert told[part]["groups"] == list(corpus[part][group_column(corpus[part])][:])


@pytest.mark.parametrize("run", STORED["runs"], ids=lambda run: f"{run['task']}-{run['seed']}")
def test_every_row_has_an_answer(run):
    told = STORED["tasks"][run["task"]]
    for part in ("validation", "test"):
        if run["task"] == "entities":
            assert [len(row) for row in run[part]["tags"]] == [len(row) for row in told[part]["gold"]]
            assert [len(row) for row in run[part]["probability"]] == [len(row) for row in told[part]["gold"]]
        else:
            shape = (len(told[part]["gold"]), len(told["label_names"]))
            assert (len(run[part]["logits"]), {len(row) for row in run[part]["logits"]}) == (shape[0], {shape[1]})
