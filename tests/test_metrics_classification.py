"""Scores of labels: worked out by hand, and equal to scikit-learn's."""

import warnings

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from course_utils.errors import InputError
from course_utils.metrics import (
    NO_PREDICTION,
    AverageScore,
    LabelScore,
    classification_report,
    confusion_matrix,
    macro_f1,
    precision_recall_curve,
)


def test_a_report_worked_out_by_hand():
    #          gold: cat cat cat dog dog bird; predicted: cat cat dog dog cat dog
    gold, predicted = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 0, 1])
    report = classification_report(gold, predicted, ["cat", "dog", "bird"])
    cat, dog, bird = report.per_label
    assert report.accuracy == pytest.approx(3 / 6)
    assert cat == LabelScore("cat", pytest.approx(2 / 3), pytest.approx(2 / 3), pytest.approx(2 / 3), 3)
    assert dog == LabelScore("dog", pytest.approx(1 / 3), pytest.approx(1 / 2), pytest.approx(2 / 5), 2)
    assert bird == LabelScore("bird", 0, 0, 0, 1)
    assert report.macro_f1 == report.macro.f1 == pytest.approx((2 / 3 + 2 / 5 + 0) / 3)
    assert report.macro.precision == pytest.approx((2 / 3 + 1 / 3 + 0) / 3)
    assert report.macro.recall == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    assert report.weighted.precision == pytest.approx((3 * 2 / 3 + 2 * 1 / 3 + 1 * 0) / 6)
    assert report.weighted.recall == pytest.approx(report.accuracy)  # always so: support cancels
    assert report.weighted.f1 == pytest.approx((3 * 2 / 3 + 2 * 2 / 5 + 1 * 0) / 6)
    assert report.micro == AverageScore(pytest.approx(0.5), pytest.approx(0.5), pytest.approx(0.5))
    assert confusion_matrix(gold, predicted, 3).tolist() == [[2, 1, 0], [1, 1, 0], [0, 1, 0]]
    assert confusion_matrix(gold, predicted, 4).shape == (4, 4)


def test_figures_are_plain_numbers():
    report = classification_report(np.array([0, 1]), np.array([0, 1]), ["a", "b"])
    score = report.per_label[0]
    floats = [report.accuracy, report.macro_f1, report.micro.recall, score.precision, score.recall, score.f1]
    assert {type(value) for value in floats} == {float} and type(score.support) is int


@pytest.mark.parametrize("seed", range(20))
def test_figures_equal_scikit_learns(seed):
    random = np.random.default_rng(seed)
    gold, predicted = random.integers(0, 6, 40), random.integers(0, 7, 40)
    names = list("abcdefgh")  # two labels that never occur, and one that only predictions have
    assert macro_f1(gold, predicted, 8) == pytest.approx(sklearn_metrics.f1_score(gold, predicted, average="macro"))
    report = classification_report(gold, predicted, names)
    assert report.accuracy == pytest.approx(sklearn_metrics.accuracy_score(gold, predicted))
    for average in ("micro", "macro", "weighted"):
        ours, options = getattr(report, average), {"average": average, "zero_division": 0}
        assert ours.precision == pytest.approx(sklearn_metrics.precision_score(gold, predicted, **options))
        assert ours.recall == pytest.approx(sklearn_metrics.recall_score(gold, predicted, **options))
        assert ours.f1 == pytest.approx(sklearn_metrics.f1_score(gold, predicted, **options))
    each = sklearn_metrics.f1_score(gold, predicted, labels=range(8), average=None, zero_division=0)
    assert [score.f1 for score in report.per_label] == pytest.approx(each)
    assert [score.label for score in report.per_label] == names


def test_labels_without_gold_or_without_predictions_score_0_and_warn_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = classification_report(np.array([1, 1, 2]), np.array([0, 1, 1]), list("abcd"))
    assert report.per_label == (
        LabelScore("a", 0, 0, 0, 0),
        LabelScore("b", 1 / 2, 1 / 2, 1 / 2, 2),
        LabelScore("c", 0, 0, 0, 1),
        LabelScore("d", 0, 0, 0, 0),
    )
    assert report.macro.f1 == pytest.approx((0 + 1 / 2 + 0) / 3)  # label 0 was predicted and counts, 3 does not


def test_averages_leave_out_labels_that_occur_nowhere():
    gold, predicted = np.array([0, 0, 1]), np.array([0, 0, 1])
    assert classification_report(gold, predicted, list("abc")).macro == AverageScore(1, 1, 1)
    assert macro_f1(gold, predicted, 3) == 1
    assert macro_f1(gold, predicted, 2) == 1
    # a label that is only predicted counts, with F1 0
    assert macro_f1(np.array([0, 0]), np.array([0, 1]), 2) == pytest.approx((2 / 3 + 0) / 2)


def test_a_word_without_a_prediction_is_wrong_but_is_no_label_of_its_own():
    assert NO_PREDICTION == -1
    report = classification_report(np.array([0, 1, 1]), np.array([0, 1, NO_PREDICTION]), ["a", "b"])
    assert report.accuracy == pytest.approx(2 / 3)
    assert report.macro_f1 == pytest.approx((1 + 2 / 3) / 2)
    # two answers for three words: precision and recall part
    assert report.micro == AverageScore(1.0, pytest.approx(2 / 3), pytest.approx(4 / 5))
    assert macro_f1(np.array([0, 1, 1]), np.array([0, 1, -1]), 2) == pytest.approx((1 + 2 / 3) / 2)


@pytest.mark.parametrize(
    ("labels", "predictions", "message"),
    [
        ([0, 1], [0], "^labels and predictions must be equally long, got 2 and 1"),
        ([], [], "got no labels"),
        ([0, 5], [0, 1], r"must lie in \[0, 2\), got 0 to 5"),
        ([-100, 0], [0, 0], r"must lie in \[0, 2\), got -100 to 0"),
    ],
)
def test_labels_that_cannot_be_scored(labels, predictions, message):
    with pytest.raises(InputError, match=message):
        classification_report(np.array(labels, dtype=int), np.array(predictions, dtype=int), ["a", "b"])


def test_a_confusion_matrix_needs_examples():
    with pytest.raises(InputError, match="labels and predictions must be equally long, got 1 and 2"):
        confusion_matrix(np.array([0]), np.array([0, 1]), 2)


# The precision-recall curve


def test_a_curve_worked_out_by_hand():
    # by falling score: right, wrong, right, wrong
    curve = precision_recall_curve(np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.6, 0.9]))
    assert curve.thresholds.tolist() == [0.1, 0.4, 0.6, 0.9]
    assert curve.precision == pytest.approx([2 / 4, 2 / 3, 1 / 2, 1, 1])
    assert curve.recall == pytest.approx([1, 1, 1 / 2, 1 / 2, 0])
    assert curve.average_precision == pytest.approx(1 / 2 * 1 + 1 / 2 * 2 / 3)
    assert type(curve.average_precision) is float


@pytest.mark.parametrize("seed", range(5))
def test_each_point_of_the_curve_is_a_threshold_tried(seed):
    random = np.random.default_rng(seed)
    labels, scores = random.integers(0, 2, 50).astype(bool), random.normal(size=50).round(1)
    curve = precision_recall_curve(labels, scores)
    assert len(curve.precision) == len(curve.recall) == len(curve.thresholds) + 1
    for precision, recall, threshold in zip(curve.precision, curve.recall, curve.thresholds):
        positive = scores >= threshold
        assert precision == pytest.approx(labels[positive].mean())
        assert recall == pytest.approx(positive[labels].mean())
    steps = -np.diff(curve.recall)
    assert curve.average_precision == pytest.approx(np.sum(steps * curve.precision[:-1]))


def test_random_scores_reach_the_share_of_positives():
    # Five seeds gave 0.293 to 0.309.
    random = np.random.default_rng(0)
    labels = np.arange(5000) % 10 < 3
    assert precision_recall_curve(labels, random.random(5000)).average_precision == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([0, 1], [0.5], "^labels and scores must be equally long, got 2 and 1"),
        ([0, 2], [0.5, 0.6], r"^labels must be 0 and 1 with at least one 1, got \[0, 2\]\.$"),
        ([0, 0], [0.5, 0.6], r"at least one 1, got \[0\]\."),
        ([0, 1], [0.5, np.nan], r"^scores must be finite, got nan\.$"),
        ([0, 1, 1], [0.5, np.inf, -np.inf], r"^scores must be finite, got inf\.$"),
    ],
)
def test_curves_that_cannot_be_drawn(labels, scores, message):
    with pytest.raises(InputError, match=message):
        precision_recall_curve(np.array(labels), np.array(scores))


def test_a_curve_of_positives_alone():
    curve = precision_recall_curve(np.array([1, 1]), np.array([0.2, 0.7]))
    assert curve.average_precision == 1 and curve.precision.tolist() == [1, 1, 1]


def test_curves_are_compared_as_objects():
    """Arrays have no single answer to ==."""
    first, second = (precision_recall_curve(np.array([0, 1]), np.array([0.2, 0.7])) for _ in range(2))
    assert first == first and first != second
