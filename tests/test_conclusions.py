"""The transfer table: the rule for its verdicts by hand, its runs with pretended or tiny arms, its page in the book."""

import itertools
import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Sequence, Value
from tiny import tiny_classifier, tiny_tagger

from course_utils.errors import InputError

NAMES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


@pytest.fixture
def conclusions(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "benchmarks"))
    import conclusions

    return conclusions


@pytest.mark.parametrize(
    ("by_seed", "interval", "expected"),
    [
        ([0.1, 0.2, 0.3], (0.05, 0.4), "holds"),
        ([-0.1, -0.2, -0.3], (-0.4, -0.05), "does not hold"),
        ([0.1, 0.2, 0.3], (0.0, 0.4), "undecided"),  # the interval reaches zero
        ([0.0, 0.2, 0.3], (0.05, 0.4), "undecided"),  # one seed sees nothing
        ([-0.1, 0.2, 0.3], (0.05, 0.4), "undecided"),
        ([-0.1, -0.2, 0.0], (-0.4, -0.05), "undecided"),
        ([0.1, 0.2], (0.05, 0.4), "undecided"),  # two seeds decide nothing
    ],
)
def test_the_rule(conclusions, by_seed, interval, expected):
    assert conclusions.verdict(by_seed, interval) == expected


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["holds", "holds"], "holds"),
        (["holds"], "undecided"),  # one corpus is no table
        ([], "undecided"),
        (["holds", "undecided"], "undecided"),
        (["holds", "does not hold"], "does not hold"),
    ],
)
def test_the_rule_over_corpora(conclusions, verdicts, expected):
    assert conclusions.overall(verdicts) == expected


def pretended(better, worse, seed, groups=None):
    """A run of two arms with these answers."""
    line = lambda numbers: " ".join(map(str, numbers))  # noqa: E731
    arms = {name: [line(right), line([1] * len(right))] for name, right in (("a", better), ("b", worse))}
    return {"seed": seed, "num_examples": len(better), "groups": groups and line(groups), "arms": arms}


def test_a_difference_is_the_mean_of_the_seeds(conclusions):
    claim = conclusions.Conclusion("01", "a beats b", "texts", "a", "b")
    runs = [pretended([1] * 40, [1, 0] * 20, 0), pretended([1] * 40, [1, 1, 1, 0] * 10, 1)]
    judged = conclusions.judge(runs, claim)
    assert (judged["better"], judged["worse"], judged["difference"]) == (1.0, 0.625, 0.375)
    assert (judged["low"], judged["high"], judged["seeds"], judged["num_examples"]) == (0.25, 0.5, 2, 40)
    assert judged["interval"][0] > 0.2 and judged["verdict"] == "undecided"  # two seeds
    assert conclusions.judge([*runs, pretended([1] * 40, [0, 1] * 20, 2)], claim)["verdict"] == "holds"


def test_documents_are_drawn_whole(conclusions):
    claim = conclusions.Conclusion("01", "a beats b", "texts", "a", "b")
    better, worse, documents = [1] * 30 + [0] * 10, [0] * 30 + [1] * 10, [0] * 30 + [1] * 10
    alone = conclusions.judge([pretended(better, worse, seed) for seed in range(3)], claim)
    whole = conclusions.judge([pretended(better, worse, seed, documents) for seed in range(3)], claim)
    assert alone["verdict"] == "holds" and alone["difference"] == whole["difference"] == 0.5
    assert whole["verdict"] == "undecided" and whole["interval"][0] == -1  # a resample can hold one document only


def test_the_best_legal_row_of_tags_is_that_of_trying_all(conclusions):
    for seed in range(20):
        scores = np.random.default_rng(seed).normal(size=(4, len(NAMES)))

        def is_legal(path):
            tags = ["O", *(NAMES[i] for i in path)]
            return all(after[0] != "I" or before[1:] == after[1:] for before, after in itertools.pairwise(tags))

        legal = filter(is_legal, itertools.product(range(len(NAMES)), repeat=4))
        best = max(legal, key=lambda path: sum(scores[i, tag] for i, tag in enumerate(path)))
        assert tuple(conclusions.legal_path(scores, NAMES)) == best


def test_every_conclusion_names_arms_of_its_family(conclusions):
    assert len({row.claim for row in conclusions.CONCLUSIONS}) == len(conclusions.CONCLUSIONS)
    assert {row.notebook for row in conclusions.CONCLUSIONS} == {f"0{i}" for i in range(1, 8)}
    for name, corpora in conclusions.FAMILIES.items():
        if name != "long texts":  # Eastmere has none
            assert corpora[0].startswith(conclusions.OWN) and len(corpora) >= 3  # the own one and two real ones
        assert name in conclusions.ARMS


WORDS = ["Anna", "left", "Eastmere", "the", "harbour", "bad", "good"]


def corpus_of(task):
    """Small splits with the columns of a corpus."""
    random = np.random.default_rng(0)
    # the later sentences hold a word that the earlier ones do not
    rows = [[WORDS[i] for i in random.integers(len(WORDS) - (k < 18), size=5)] for k in range(30)]
    if task == "classify":
        columns = {"text": [" ".join(row) for row in rows], "label": [i % 2 for i in range(30)]}
        features = Features({"text": Value("string"), "label": ClassLabel(names=["no", "yes"])})
    else:
        names = NAMES if task == "ner" else ["NOUN", "VERB", "X"]
        tags = [[int(i) for i in random.integers(2, size=5)] for _ in rows]
        column = {"ner": "ner_tags", "pos": "pos_tags"}[task]
        columns = {"tokens": rows, column: tags, "document": [f"d{i // 5}" for i in range(30)]}
        features = Features(
            {
                "tokens": Sequence(Value("string")),
                column: Sequence(ClassLabel(names=names)),
                "document": Value("string"),
            }
        )
    whole = Dataset.from_dict(columns, features=features)
    parts = {"train": range(18), "validation": range(18, 24), "test": range(24, 30)}
    return DatasetDict({name: whole.select(rows) for name, rows in parts.items()})


@pytest.fixture
def small(conclusions, monkeypatch):
    """Corpora, models and numbers of examples that train in a moment."""
    monkeypatch.setattr(conclusions, "load_corpus", lambda name, task: corpus_of(task))
    make = {"load_sequence_classifier": tiny_classifier, "load_token_classifier": tiny_tagger}
    for name, factory in make.items():
        monkeypatch.setattr(conclusions, name, lambda _, labels, make=factory: make(len(labels), vocab_size=30522))
    monkeypatch.setattr(conclusions, "default_learning_rate", lambda model, task: 1e-3)
    for name, size in {
        "NUM_TEXTS": 8,
        "NUM_SENTENCES": 8,
        "NER_SENTENCES": 8,
        "TAGGING_EPOCHS": 1,
        "NER_EPOCHS": 1,
    }.items():
        monkeypatch.setattr(conclusions, name, size)
    return conclusions


@pytest.mark.parametrize("family", ["texts", "long texts", "topics", "tags", "entities"])
def test_the_runs_of_a_family_hold_all_arms_that_its_conclusions_name(small, family):
    run = small.one_run(family, "some", 1)
    assert run["num_examples"] == 12 and (run["groups"] is not None) == (family in ("tags", "entities"))
    for name, (right, out_of) in run["arms"].items():
        right, out_of = small.numbers(right), small.numbers(out_of)
        assert len(right) == len(out_of) == 12 and np.all((right >= 0) & (right <= out_of)), name
    rows = [row for row in small.CONCLUSIONS if row.family == family]
    assert rows and all(-1 <= small.judge([run], row)["difference"] <= 1 for row in rows)


def test_runs_go_on_where_they_stopped_and_are_shown_in_the_book(conclusions, monkeypatch, tmp_path):
    few = [
        row for row in conclusions.CONCLUSIONS if row.worse in ("tf-idf", "probe", "look-up") and row.notebook != "01"
    ]
    monkeypatch.setattr(conclusions, "CONCLUSIONS", few)
    calls, said, results = [], [], tmp_path / "conclusions.json"

    def run(family, corpus, seed):
        calls.append((family, corpus, seed))
        if corpus == "wnut17":
            raise InputError("no mirror")
        names = {row.better for row in conclusions.CONCLUSIONS} | {row.worse for row in conclusions.CONCLUSIONS}
        # "fine-tuned" is right on more examples than all others, by one more with every seed
        right = {name: 1 if name == "fine-tuned" else 0 for name in names}
        zeros, ones = "0 " * 30, "1 " * 30
        arms = {name: [ones if good else "1 " * (10 - seed) + "0 " * (20 + seed), ones] for name, good in right.items()}
        if corpus == "sst2":
            arms["tf-idf"] = [zeros, ones]
            arms["fine-tuned"], arms["probe"] = arms["probe"], arms["fine-tuned"]
        facts = {"family": family, "data": corpus, "seed": seed, "num_examples": 30, "seconds": 1.0, "groups": None}
        return facts | {"arms": arms}

    conclusions.main(run, results, seeds=(0, 1), say=said.append)
    jobs = [(family, name) for family, corpora in conclusions.FAMILIES.items() for name in corpora if name != "wnut17"]
    assert [call for call in calls if call[1] != "wnut17"] == [(*job, seed) for seed in (0, 1) for job in jobs]
    assert sum(call[1] == "wnut17" for call in calls) == 1 and "wnut17 is left out: no mirror" in said
    assert {row["real_corpora"] for row in json.loads(results.read_text("utf-8"))["conclusions"]} == {"undecided"}
    calls.clear()
    conclusions.main(run, results, seeds=(0, 1, 2), say=said.append)
    assert [call for call in calls if call[1] != "wnut17"] == [(*job, 2) for job in jobs]

    rows = {row["claim"]: row for row in json.loads(results.read_text("utf-8"))["conclusions"]}
    assert rows["Fine-tuning beats TF-IDF: texts"]["real_corpora"] == "holds"
    assert rows["Fine-tuning beats a linear probe: texts"]["real_corpora"] == "does not hold"  # on sst2
    assert rows["Fine-tuning beats a table look-up: entities"]["real_corpora"] == "undecided"  # one real corpus only
    assert list(rows["Fine-tuning beats a table look-up: entities"]["corpora"]) == ["eastmere-tagged", "wikigold"]

    write_page = runpy.run_path(str(Path(__file__).parents[1] / "book" / "results.py"))["write_page"]
    write_page(tmp_path, results=tmp_path)
    page = (tmp_path / "results.md").read_text("utf-8")
    line = next(line for line in page.splitlines() if "Fine-tuning beats a linear probe: texts" in line)
    assert line.count("does not hold") == 2 and line.count(" holds") == 2 and "+70.0 [" in line
    assert line.startswith("| 06: ") and line.endswith("| **does not hold** |")
