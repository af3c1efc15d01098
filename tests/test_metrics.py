"""Figures worked out by hand, and equal to other implementations."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import accuracy_score, f1_score

from course_utils.metrics import (
    NO_PREDICTION,
    bootstrap_interval,
    classification_report,
    confusion_matrix,
    entity_f1,
    macro_f1,
    regression_report,
    spans_from_bio,
)


def test_a_report_worked_out_by_hand():
    #          gold: cat cat cat dog dog bird; predicted: cat cat dog dog cat dog
    gold, predicted = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 0, 1])
    report = classification_report(gold, predicted, ["cat", "dog", "bird"])
    cat, dog, bird = report.per_label
    assert report.accuracy == pytest.approx(3 / 6)
    assert (cat.precision, cat.recall, cat.support) == pytest.approx((2 / 3, 2 / 3, 3))
    assert (dog.precision, dog.recall, dog.f1) == pytest.approx((1 / 3, 1 / 2, 2 / 5))
    assert (bird.precision, bird.recall, bird.f1) == (0, 0, 0)
    assert report.macro_f1 == pytest.approx((2 / 3 + 2 / 5 + 0) / 3)
    assert confusion_matrix(gold, predicted, 3).tolist() == [[2, 1, 0], [1, 1, 0], [0, 1, 0]]


@pytest.mark.parametrize("seed", range(20))
def test_macro_f1_equals_scikit_learn(seed):
    random = np.random.default_rng(seed)
    gold, predicted = random.integers(0, 6, 40), random.integers(0, 6, 40)
    assert macro_f1(gold, predicted, 8) == pytest.approx(f1_score(gold, predicted, average="macro"))
    report = classification_report(gold, predicted, list("abcdefgh"))
    assert report.accuracy == pytest.approx(accuracy_score(gold, predicted))


def test_a_word_without_a_prediction_is_wrong_but_is_no_label_of_its_own():
    report = classification_report(np.array([0, 1, 1]), np.array([0, 1, NO_PREDICTION]), ["a", "b"])
    assert report.accuracy == pytest.approx(2 / 3)
    assert report.macro_f1 == pytest.approx((1 + 2 / 3) / 2)


@pytest.mark.parametrize(
    ("labels", "predictions", "message"),
    [
        ([0, 1], [0], "equally long, got 2 and 1"),
        ([], [], "got no labels"),
        ([0, 5], [0, 1], r"must lie in \[0, 2\), got 0 to 5"),
        ([-100, 0], [0, 0], r"must lie in \[0, 2\), got -100 to 0"),
    ],
)
def test_labels_that_cannot_be_scored(labels, predictions, message):
    with pytest.raises(ValueError, match=message):
        classification_report(np.array(labels, dtype=int), np.array(predictions, dtype=int), ["a", "b"])


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("O O", []),
        ("B-PER I-PER O", [("PER", 0, 2)]),
        ("B-PER B-PER", [("PER", 0, 1), ("PER", 1, 2)]),
        ("I-PER I-PER", [("PER", 0, 2)]),
        ("O I-LOC", [("LOC", 1, 2)]),
        ("B-PER I-LOC", [("PER", 0, 1), ("LOC", 1, 2)]),
        ("B-PER O I-PER", [("PER", 0, 1), ("PER", 2, 3)]),
        ("B-a-b I-a-b", [("a-b", 0, 2)]),
        ("", []),
    ],
)
def test_spans_as_conlleval_reads_them(tags, spans):
    assert spans_from_bio(tags.split()) == spans


@pytest.mark.parametrize("tag", ["PER", "S-PER", "B-", "o", ""])
def test_a_tag_that_is_not_bio_is_an_error(tag):
    with pytest.raises(ValueError, match="entity tags must be O, B-TYPE or I-TYPE"):
        spans_from_bio(["O", tag])


def test_entity_scores_worked_out_by_hand():
    gold = ["B-PER I-PER O B-LOC".split(), "B-ORG O".split()]
    predicted = ["B-PER I-PER O B-ORG".split(), "O O".split()]
    scores = entity_f1(gold, predicted)
    assert (scores.num_gold, scores.num_predicted, scores.num_correct) == (3, 2, 1)
    assert (scores.precision, scores.recall, scores.f1) == pytest.approx((1 / 2, 1 / 3, 2 / 5))
    assert {s.label: (s.precision, s.recall, s.support) for s in scores.per_type} == {
        "LOC": (0, 0, 1),
        "ORG": (0, 0, 1),
        "PER": (1, 1, 1),
    }


def test_an_entity_of_the_right_place_and_wrong_type_or_length_does_not_count():
    assert entity_f1([["B-PER", "I-PER"]], [["B-PER", "O"]]).f1 == 0
    assert entity_f1([["B-PER", "I-PER"]], [["B-ORG", "I-ORG"]]).f1 == 0
    assert entity_f1([["O", "O"]], [["O", "O"]]).f1 == 0


def test_sentences_of_different_length_are_an_error():
    with pytest.raises(ValueError, match="sentence 1: 2 gold and 1 predicted tags"):
        entity_f1([["O"], ["O", "O"]], [["O"], ["O"]])


def test_regression_worked_out_by_hand():
    report = regression_report(np.array([1.0, 2.0, 4.0]), np.array([2.0, 2.0, 1.0]))
    assert report.mean_absolute_error == pytest.approx(4 / 3)
    assert report.root_mean_squared_error == pytest.approx(np.sqrt(10 / 3))
    assert report.spearman == pytest.approx(-np.sqrt(3) / 2)  # ranks 1 2 3 against 2.5 2.5 1
    assert np.isnan(regression_report(np.array([1.0, 2.0]), np.array([3.0, 3.0])).spearman)


@pytest.mark.parametrize("seed", range(5))
def test_spearman_equals_scipy(seed):
    random = np.random.default_rng(seed)
    x, y = random.integers(0, 5, 30), random.normal(size=30)
    assert regression_report(x, y).spearman == pytest.approx(spearmanr(x, y).statistic)


def test_a_statistic_that_is_never_defined_has_no_interval():
    interval = bootstrap_interval(lambda x: float("nan"), np.arange(5))
    assert np.isnan(interval.low) and np.isnan(interval.high)


def test_the_interval_of_a_mean_is_the_textbooks():
    # 400 draws of a fair coin: the standard error of the mean is 0.025.
    interval = bootstrap_interval(np.mean, np.array([0, 1] * 200), num_resamples=4000)
    assert interval.low == pytest.approx(0.5 - 1.96 * 0.025, abs=0.006)
    assert interval.high == pytest.approx(0.5 + 1.96 * 0.025, abs=0.006)
    assert 0.5 in interval and 0.6 not in interval


def test_groups_are_drawn_whole():
    # Twenty documents of 50 equal answers: as many independent facts as documents, not as answers.
    answers = np.repeat(np.arange(20) % 2, 50)
    alone = bootstrap_interval(np.mean, answers)
    grouped = bootstrap_interval(np.mean, answers, groups=np.repeat(np.arange(20), 50))
    ratio = (grouped.high - grouped.low) / (alone.high - alone.low)
    assert ratio == pytest.approx(np.sqrt(50), rel=0.2)


def test_unequal_groups_keep_their_rows_together():
    groups = np.array(["b", "a", "b", "c", "c", "c"])
    rows = np.array([1, 10, 1, 100, 100, 100])

    def check(values):
        ones, hundreds = int((values == 1).sum()), int((values == 100).sum())
        assert ones % 2 == 0 and hundreds % 3 == 0
        assert ones // 2 + int((values == 10).sum()) + hundreds // 3 == 3
        return float(values.mean())

    bootstrap_interval(check, rows, groups=groups, num_resamples=50)


def test_arrays_are_resampled_together_and_the_seed_decides():
    x = np.arange(30.0)

    def difference(a, b):
        return float(np.abs(a - b).max())

    assert bootstrap_interval(difference, x, x + 1).high == 1.0
    first, same = bootstrap_interval(np.mean, x, seed=1), bootstrap_interval(np.mean, x, seed=1)
    assert first == same != bootstrap_interval(np.mean, x, seed=2)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([1], [1, 2]), {}, "equally long"),
        (([],), {}, "not empty"),
        (([1, 2],), {"groups": [1]}, "equally long"),
        (([1, 2],), {"confidence": 1}, "confidence must lie in"),
        (([1, 2],), {"num_resamples": 0}, "num_resamples be positive"),
    ],
)
def test_bootstraps_that_make_no_sense(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(lambda *a: 0.0, *(np.array(a) for a in arguments), **options)
