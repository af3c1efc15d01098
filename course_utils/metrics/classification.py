"""Scores of predicted labels: from the confusion matrix to the precision-recall curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from course_utils.errors import InputError
from course_utils.metrics.inputs import check_labels, check_same_length

NO_PREDICTION = -1
"""The prediction of a word that truncation cut off: it is never right."""


@dataclass(frozen=True)
class LabelScore:
    """Precision, recall and F1 of one label in [0, 1]; ``support`` is its number of gold examples."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class AverageScore:
    """Precision, recall and F1 in [0, 1], averaged over labels or examples."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class ClassificationReport:
    """Scores in [0, 1]; averages are over the labels that occur in the gold labels or the predictions.

    Attributes
    ----------
    accuracy : share of right predictions
    micro : precision, recall and F1 of all labels' counts added up; with one prediction an example all three are
        the accuracy
    macro : mean over labels: each label weighs the same, rare or frequent
    weighted : mean over labels, each weighed by its support
    per_label : one score a label, in the order of the label numbers
    """

    accuracy: float
    micro: AverageScore
    macro: AverageScore
    weighted: AverageScore
    per_label: tuple[LabelScore, ...]

    @property
    def macro_f1(self) -> float:
        """Mean of the labels' F1, not the F1 of mean precision and mean recall."""
        return self.macro.f1


@dataclass(frozen=True, eq=False)
class PrecisionRecallCurve:
    """What each threshold on the score would give.

    Attributes
    ----------
    precision, recall : float arrays of shape (num_thresholds + 1,); entry k is for "positive if the score is at
        least ``thresholds[k]``", and a last point (1, 0) ends the curve
    thresholds : float array of shape (num_thresholds,), rising: the scores that occur
    average_precision : mean of the precisions, each weighed by the recall that its threshold adds; the positives'
        share for random scores
    """

    precision: np.ndarray
    recall: np.ndarray
    thresholds: np.ndarray
    average_precision: float


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, num_labels: int) -> np.ndarray:
    """Counts: row is the gold label, column the predicted one.

    Parameters
    ----------
    labels, predictions : int arrays of shape (num_examples,), values in [0, num_labels)
    num_labels : number of rows and columns

    Returns
    -------
    int array of shape (num_labels, num_labels)

    Raises
    ------
    InputError
        If the lengths differ or there are no examples.

    Examples
    --------
    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 2)
    array([[1, 1],
           [0, 1]])
    """
    from sklearn.metrics import confusion_matrix as count

    check_same_length(labels=labels, predictions=predictions)
    return count(labels, predictions, labels=range(num_labels))


def classification_report(
    labels: np.ndarray, predictions: np.ndarray, label_names: Sequence[str]
) -> ClassificationReport:
    """Accuracy, the scores of each label, and their averages.

    Parameters
    ----------
    labels, predictions : int arrays of shape (num_examples,); a prediction of ``NO_PREDICTION`` is always wrong
    label_names : names in the order of the label numbers

    Raises
    ------
    InputError
        If the lengths differ, there are no examples, or a gold label has no name.

    References
    ----------
    Opitz and Burst (2019), Macro F1 and Macro F1, on the two figures that go by this name.

    Examples
    --------
    >>> report = classification_report(np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1]), ["no", "yes"])
    >>> report.accuracy, round(report.macro_f1, 3)
    (0.75, 0.733)
    """
    from sklearn.metrics import precision_recall_fscore_support

    labels, predictions = np.asarray(labels), np.asarray(predictions)
    check_same_length(labels=labels, predictions=predictions)
    check_labels(labels, len(label_names))
    present = np.union1d(labels, predictions[predictions >= 0])

    def average(kind: str) -> AverageScore:
        scores = precision_recall_fscore_support(labels, predictions, labels=present, average=kind, zero_division=0)
        return AverageScore(*map(float, scores[:3]))

    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predictions, labels=range(len(label_names)), zero_division=0
    )
    rows = zip(label_names, precision, recall, f1, support)
    return ClassificationReport(
        accuracy=float(np.mean(labels == predictions)),
        micro=average("micro"),
        macro=average("macro"),
        weighted=average("weighted"),
        per_label=tuple(LabelScore(n, float(p), float(r), float(f), int(s)) for n, p, r, f, s in rows),
    )


def macro_f1(labels: np.ndarray, predictions: np.ndarray, num_labels: int) -> float:
    """Unweighted mean of F1 over the labels that occur in the gold labels or the predictions.

    Equal to scikit-learn's, and fast enough to be computed a thousand times for an interval.

    Parameters
    ----------
    labels, predictions : int arrays of shape (num_examples,); a prediction of ``NO_PREDICTION`` is always wrong
    num_labels : number of labels that there are, occurring or not

    Examples
    --------
    The label 0 has F1 0.8 and the label 1 has 2/3; the label 2 does not occur:

    >>> round(macro_f1(np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1]), 3), 3)
    0.733
    """
    gold = np.bincount(labels, minlength=num_labels)
    predicted = np.bincount(predictions[predictions >= 0], minlength=num_labels)
    correct = np.bincount(labels[labels == predictions], minlength=num_labels)
    present = gold + predicted > 0
    return float(np.mean(2 * correct[present] / (gold + predicted)[present]))


def precision_recall_curve(labels: np.ndarray, scores: np.ndarray) -> PrecisionRecallCurve:
    """Precision and recall of one label at every threshold, and their average precision.

    Parameters
    ----------
    labels : int or bool array of shape (num_examples,): 1 where the label is right, else 0
    scores : float array of shape (num_examples,): the larger, the likelier the label; probability or logit

    Raises
    ------
    InputError
        If the lengths differ, a label is neither 0 nor 1, there is no 1, or a score is not finite.

    Examples
    --------
    >>> curve = precision_recall_curve(np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.6, 0.9]))
    >>> curve.thresholds.tolist(), curve.recall.tolist()
    ([0.1, 0.4, 0.6, 0.9], [1.0, 1.0, 0.5, 0.5, 0.0])
    >>> round(curve.average_precision, 3)
    0.833
    """
    from sklearn import metrics

    labels, scores = np.asarray(labels), np.asarray(scores)
    check_same_length(labels=labels, scores=scores)
    if not np.isin(labels, (0, 1)).all() or not labels.any():
        raise InputError(f"labels must be 0 and 1 with at least one 1, got {np.unique(labels).tolist()}.")
    if not np.isfinite(scores).all():
        raise InputError(f"scores must be finite, got {scores[~np.isfinite(scores)][0]}.")
    precision, recall, thresholds = metrics.precision_recall_curve(labels, scores)
    return PrecisionRecallCurve(precision, recall, thresholds, float(metrics.average_precision_score(labels, scores)))
