"""Numbers from predictions: counts by scikit-learn and SciPy, intervals by resampling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from course_utils.errors import InputError

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
class ClassificationReport:
    """Shares in [0, 1]. ``macro_f1`` averages over the labels that occur in the gold labels or the predictions."""

    accuracy: float
    macro_f1: float
    per_label: tuple[LabelScore, ...]


@dataclass(frozen=True)
class EntityScores:
    """Scores of whole entities: a prediction counts when type, start and end are all right."""

    precision: float
    recall: float
    f1: float
    num_gold: int
    num_predicted: int
    num_correct: int
    per_type: tuple[LabelScore, ...]


@dataclass(frozen=True)
class RegressionReport:
    """Errors in the unit of the target; ``spearman`` lies in [-1, 1], NaN if one side is constant."""

    mean_absolute_error: float
    root_mean_squared_error: float
    spearman: float


@dataclass(frozen=True)
class Interval:
    """A confidence interval."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


def _same_length(labels: Sequence | np.ndarray, predictions: Sequence | np.ndarray) -> None:
    if len(labels) != len(predictions):
        raise InputError(f"labels and predictions must be equally long, got {len(labels)} and {len(predictions)}.")
    if len(labels) == 0:
        raise InputError("there is nothing to score: got no labels.")


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, num_labels: int) -> np.ndarray:
    """Counts: row is the gold label, column the predicted one.

    Parameters
    ----------
    labels, predictions : int arrays of shape (num_examples,), values in [0, num_labels)
    num_labels : number of rows and columns

    Returns
    -------
    int array of shape (num_labels, num_labels)

    Examples
    --------
    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 2)
    array([[1, 1],
           [0, 1]])
    """
    from sklearn.metrics import confusion_matrix as count

    _same_length(labels, predictions)
    return count(labels, predictions, labels=range(num_labels))


def classification_report(
    labels: np.ndarray, predictions: np.ndarray, label_names: Sequence[str]
) -> ClassificationReport:
    """Accuracy, macro F1 and the scores of each label.

    Parameters
    ----------
    labels, predictions : int arrays of shape (num_examples,); a prediction of ``NO_PREDICTION`` is always wrong
    label_names : names in the order of the label numbers

    Raises
    ------
    InputError
        If the lengths differ, there are no examples, or a gold label has no name.

    Examples
    --------
    >>> report = classification_report(np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1]), ["no", "yes"])
    >>> report.accuracy, round(report.macro_f1, 3)
    (0.75, 0.733)
    """
    from sklearn.metrics import precision_recall_fscore_support

    labels, predictions = np.asarray(labels), np.asarray(predictions)
    _same_length(labels, predictions)
    if labels.min() < 0 or labels.max() >= len(label_names):
        raise InputError(f"gold labels must lie in [0, {len(label_names)}), got {labels.min()} to {labels.max()}.")
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predictions, labels=range(len(label_names)), zero_division=0
    )
    rows = zip(label_names, precision, recall, f1, support)
    return ClassificationReport(
        accuracy=float(np.mean(labels == predictions)),
        macro_f1=macro_f1(labels, predictions, len(label_names)),
        per_label=tuple(LabelScore(n, float(p), float(r), float(f), int(s)) for n, p, r, f, s in rows),
    )


def macro_f1(labels: np.ndarray, predictions: np.ndarray, num_labels: int) -> float:
    """Unweighted mean of F1 over the labels that occur in the gold labels or the predictions.

    Equal to scikit-learn's, and fast enough to be computed a thousand times for an interval.
    """
    gold = np.bincount(labels, minlength=num_labels)
    predicted = np.bincount(predictions[predictions >= 0], minlength=num_labels)
    correct = np.bincount(labels[labels == predictions], minlength=num_labels)
    present = gold + predicted > 0
    return float(np.mean(2 * correct[present] / (gold + predicted)[present]))


def spans_from_bio(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """Entities of one sentence as ``(type, start, end)``, end exclusive.

    As in conlleval, an ``I-`` after ``O``, at the start, or after another type begins an entity.

    Raises
    ------
    InputError
        If a tag is not ``O``, ``B-TYPE`` or ``I-TYPE``.

    Examples
    --------
    >>> spans_from_bio(["B-PER", "I-PER", "O", "I-LOC"])
    [('PER', 0, 2), ('LOC', 3, 4)]
    """
    spans: list[tuple[str, int, int]] = []
    kind, start = "", 0
    for position, tag in enumerate([*tags, "O"]):
        prefix, _, here = tag.partition("-")
        if tag != "O" and (prefix not in ("B", "I") or not here):
            raise InputError(f'entity tags must be O, B-TYPE or I-TYPE, got "{tag}".')
        if kind and (prefix != "I" or here != kind):
            spans.append((kind, start, position))
            kind = ""
        if here and not kind:
            kind, start = here, position
    return spans


def entity_counts(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> np.ndarray:
    """Per sentence the number of gold, predicted and correct entities: int array of shape (num_sentences, 3)."""
    _same_length(gold, predicted)
    rows = []
    for position, (gold_tags, predicted_tags) in enumerate(zip(gold, predicted)):
        if len(gold_tags) != len(predicted_tags):
            raise InputError(f"sentence {position}: {len(gold_tags)} gold and {len(predicted_tags)} predicted tags.")
        right, said = set(spans_from_bio(gold_tags)), set(spans_from_bio(predicted_tags))
        rows.append((len(right), len(said), len(right & said)))
    return np.array(rows)


def precision_recall_f1(num_gold: float, num_predicted: float, num_correct: float) -> tuple[float, float, float]:
    """Precision, recall and F1 from counts; 0 where a denominator is 0."""
    precision = num_correct / num_predicted if num_predicted else 0.0
    recall = num_correct / num_gold if num_gold else 0.0
    return float(precision), float(recall), float(2 * num_correct / max(num_gold + num_predicted, 1))


def entity_f1(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> EntityScores:
    """Micro-averaged precision, recall and F1 of whole entities, and the scores of each type.

    Parameters
    ----------
    gold, predicted : one list of BIO tags a sentence

    Raises
    ------
    InputError
        If sentences or tags differ in number, or a tag is not BIO.

    References
    ----------
    Tjong Kim Sang and De Meulder (2003), Introduction to the CoNLL-2003 Shared Task.

    Examples
    --------
    >>> entity_f1([["B-PER", "I-PER", "O"]], [["B-PER", "O", "O"]]).f1
    0.0
    """
    num_gold, num_predicted, num_correct = entity_counts(gold, predicted).sum(axis=0)
    by_type = [Counter[str](), Counter[str](), Counter[str]()]
    for gold_tags, predicted_tags in zip(gold, predicted):
        right, said = set(spans_from_bio(gold_tags)), set(spans_from_bio(predicted_tags))
        for counter, spans in zip(by_type, (right, said, right & said)):
            counter.update(kind for kind, _, _ in spans)
    kinds = sorted(by_type[0] | by_type[1])
    per_type = [
        LabelScore(kind, *precision_recall_f1(*(counter[kind] for counter in by_type)), support=by_type[0][kind])
        for kind in kinds
    ]
    scores = precision_recall_f1(num_gold, num_predicted, num_correct)
    return EntityScores(*scores, int(num_gold), int(num_predicted), int(num_correct), tuple(per_type))


def regression_report(targets: np.ndarray, predictions: np.ndarray) -> RegressionReport:
    """Mean absolute error, root mean squared error and Spearman's rank correlation.

    Parameters
    ----------
    targets, predictions : float arrays of shape (num_examples,)

    Examples
    --------
    >>> report = regression_report(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 5.0]))
    >>> round(report.mean_absolute_error, 3), report.spearman
    (0.667, 1.0)
    """
    _same_length(targets, predictions)
    return RegressionReport(
        mean_absolute_error(targets, predictions),
        root_mean_squared_error(targets, predictions),
        spearman(targets, predictions),
    )


def mean_absolute_error(targets: np.ndarray, predictions: np.ndarray) -> float:
    """Mean distance from the target, in the target's unit."""
    return float(np.mean(np.abs(np.subtract(predictions, targets, dtype=float))))


def root_mean_squared_error(targets: np.ndarray, predictions: np.ndarray) -> float:
    """Root of the mean squared distance: large errors weigh more."""
    return float(np.sqrt(np.mean(np.square(np.subtract(predictions, targets, dtype=float)))))


def spearman(targets: np.ndarray, predictions: np.ndarray) -> float:
    """Rank correlation in [-1, 1]: Pearson's correlation of the ranks, ties sharing their mean rank.

    NaN if one side is constant, since ranks then say nothing.
    """
    from scipy.stats import rankdata

    if np.ptp(targets) == 0 or np.ptp(predictions) == 0:
        return float("nan")
    return round(float(np.corrcoef(rankdata(targets), rankdata(predictions))[0, 1]), 12)


def bootstrap_interval(
    statistic: Callable[..., float],
    *arrays: np.ndarray,
    groups: Sequence | np.ndarray | None = None,
    num_resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap interval of a statistic of one sample.

    Whole groups are drawn with replacement: examples of one document or one author are not independent, and drawing
    them one by one would make the interval too narrow.

    Parameters
    ----------
    statistic : takes the resampled arrays, returns a number
    arrays : each of shape (num_examples, ...)
    groups : the group of each example; ``None`` makes each example a group of its own
    num_resamples : how often the sample is drawn
    confidence : in (0, 1)
    seed : of the draws

    Raises
    ------
    InputError
        If lengths differ or a number is outside its range.

    References
    ----------
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.

    Examples
    --------
    >>> interval = bootstrap_interval(np.mean, np.array([0, 1] * 200))
    >>> 0.44 < interval.low < 0.47 and 0.53 < interval.high < 0.56
    True
    """
    size = len(arrays[0]) if arrays else 0
    if size == 0 or any(len(array) != size for array in arrays) or (groups is not None and len(groups) != size):
        raise InputError(
            f"arrays and groups must be equally long and not empty, got {[len(array) for array in arrays]}."
        )
    if not 0 < confidence < 1 or num_resamples < 1:
        raise InputError(
            f"confidence must lie in (0, 1), num_resamples be positive, got {confidence}, {num_resamples}."
        )
    arrays = tuple(np.asarray(array) for array in arrays)
    group = np.arange(size) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    order = np.argsort(group, kind="stable")
    length = np.bincount(group)
    start = np.cumsum(length) - length
    random = np.random.default_rng(seed)
    values = np.empty(num_resamples)
    for k in range(num_resamples):
        drawn = random.integers(len(length), size=len(length))
        count = length[drawn]
        # The positions of each drawn group, one run after another, without a Python loop over groups.
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        rows = order[np.repeat(start[drawn], count) + within]
        values[k] = statistic(*(array[rows] for array in arrays))
    if np.isnan(values).all():
        return Interval(float("nan"), float("nan"))
    tail = 100 * (1 - confidence) / 2
    low, high = np.nanpercentile(values, [tail, 100 - tail])
    return Interval(float(low), float(high))
