"""Whether a model that says 80 % is right in 80 % of such cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from course_utils.errors import InputError
from course_utils.metrics.inputs import check_count, check_option, check_probabilities, check_rows
from course_utils.metrics.intervals import Interval, percentile_interval

STRATEGIES = ("uniform", "quantile")
Strategy = Literal["uniform", "quantile"]


@dataclass(frozen=True)
class ReliabilityBin:
    """One bar of a reliability diagram.

    Attributes
    ----------
    low, high : the bin's borders: confidences above ``low``, up to and including ``high``; the first bin of equal mass
        begins with the lowest confidence
    confidence : mean probability of the predicted labels
    accuracy : share of right predictions
    count : number of examples
    """

    low: float
    high: float
    confidence: float
    accuracy: float
    count: int


def reliability_bins(
    probabilities: np.ndarray, labels: np.ndarray, *, num_bins: int = 15, strategy: Strategy = "uniform"
) -> tuple[ReliabilityBin, ...]:
    """Confidence against accuracy, the data of a reliability diagram.

    Parameters
    ----------
    probabilities : float array of shape (num_examples, num_labels), rows sum to 1
    labels : int array of shape (num_examples,), values in [0, num_labels)
    num_bins : at least 1
    strategy : ``"uniform"`` for bins of equal width on [0, 1]; ``"quantile"`` for bins of equal mass, that is, of
        equally many examples as far as equal confidences allow

    Returns
    -------
    Bins by rising confidence; empty ones have no accuracy and are left out.

    Raises
    ------
    InputError
        If lengths differ, a row is no distribution, a label is outside its range, or an option is unknown.

    References
    ----------
    Guo et al. (2017), On Calibration of Modern Neural Networks.
    Nguyen and O'Connor (2015), Posterior Calibration and Exploratory Analysis for Natural Language Processing Models,
    for bins of equal mass.

    Examples
    --------
    >>> probabilities = np.array([[0.7, 0.3], [0.6, 0.4], [0.1, 0.9]])
    >>> reliability_bins(probabilities, np.array([0, 1, 1]), num_bins=2)
    (ReliabilityBin(low=0.5, high=1.0, confidence=0.733..., accuracy=0.666..., count=3),)
    """
    confidence, correct = _confidence_and_correctness(probabilities, labels)
    edges = _bin_edges(confidence, num_bins, strategy)
    number = _bin_numbers(confidence, edges)
    return tuple(
        ReliabilityBin(
            low=float(edges[k]),
            high=float(edges[k + 1]),
            confidence=float(confidence[number == k].mean()),
            accuracy=float(correct[number == k].mean()),
            count=int(np.sum(number == k)),
        )
        for k in np.unique(number)
    )


def expected_calibration_error(
    probabilities: np.ndarray, labels: np.ndarray, *, num_bins: int = 15, strategy: Strategy = "uniform"
) -> float:
    """Average gap between confidence and accuracy over confidence bins, weighed by their counts.

    Parameters
    ----------
    probabilities, labels, num_bins, strategy : as in ``reliability_bins``

    Returns
    -------
    Share in [0, 1], not per cent. 0 is perfect, but a perfect model is not at 0 on a finite test set: compare with
    ``calibration_null_band``.

    Raises
    ------
    InputError
        As ``reliability_bins``.

    References
    ----------
    Guo et al. (2017), On Calibration of Modern Neural Networks, equation 3.

    Examples
    --------
    >>> round(expected_calibration_error(np.array([[0.7, 0.3], [0.6, 0.4], [0.1, 0.9]]), np.array([0, 1, 1])), 3)
    0.333
    """
    confidence, correct = _confidence_and_correctness(probabilities, labels)
    number = _bin_numbers(confidence, _bin_edges(confidence, num_bins, strategy))
    return _calibration_error(confidence, correct, number)


def calibration_null_band(
    probabilities: np.ndarray,
    *,
    num_bins: int = 15,
    strategy: Strategy = "uniform",
    num_simulations: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Where the calibration error of these probabilities would lie if they were perfectly calibrated.

    Labels are drawn from the probabilities themselves, again and again. An error above the band shows a miscalibrated
    model; one in the band shows nothing, and one below it is luck.

    Parameters
    ----------
    probabilities, num_bins, strategy : as in ``reliability_bins``
    num_simulations : how often labels are drawn, at least 1
    confidence : share of the simulated errors that the band holds, in (0, 1)
    seed : of the draws

    Raises
    ------
    InputError
        If a row is no distribution or an option is outside its range.

    References
    ----------
    Bröcker and Smith (2007), Increasing the Reliability of Reliability Diagrams.
    Vaicenavicius et al. (2019), Evaluating Model Calibration in Classification.

    Examples
    --------
    >>> band = calibration_null_band(np.tile([0.8, 0.2], (300, 1)))  # one bin, standard error 0.023
    >>> 0 <= band.low < 0.002, 0.04 < band.high < 0.06
    (True, True)
    """
    check_count("num_simulations", num_simulations)
    probabilities = np.asarray(probabilities, dtype=float)
    check_probabilities(probabilities)
    highest = probabilities.max(axis=1)
    number = _bin_numbers(highest, _bin_edges(highest, num_bins, strategy))
    random = np.random.default_rng(seed)
    # Only whether the label is the predicted one enters the error, and that has the highest probability.
    errors = np.empty(num_simulations)
    for k in range(num_simulations):
        errors[k] = _calibration_error(highest, random.random(len(highest)) < highest, number)
    return percentile_interval(errors, confidence)


def log_loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean of -ln of the probability that the gold label got: cross-entropy, in nats.

    Unlike accuracy it sees confidence, and unlike the calibration error it is lowest only for the true probabilities.
    Infinite if a gold label got probability 0, which scikit-learn's function hides by clipping.

    Parameters
    ----------
    probabilities, labels : as in ``reliability_bins``

    Raises
    ------
    InputError
        If lengths differ, a row is no distribution, or a label is outside its range.

    Examples
    --------
    >>> round(log_loss(np.array([[0.5, 0.5], [0.9, 0.1]]), np.array([0, 0])), 3)
    0.399
    """
    probabilities, labels = _checked(probabilities, labels)
    with np.errstate(divide="ignore"):
        return float(np.mean(-np.log(probabilities[np.arange(len(labels)), labels])))


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature T for which softmax(logits / T) has the lowest log-loss.

    T > 1 takes confidence away, T < 1 adds some; no prediction changes. Fit it on validation data, apply it to test
    data.

    Parameters
    ----------
    logits : float array of shape (num_examples, num_labels), before softmax
    labels : int array of shape (num_examples,), values in [0, num_labels)

    Raises
    ------
    InputError
        If lengths differ, a label is outside its range, or no temperature is best: with every prediction right the
        loss falls for ever towards T = 0, with logits that know nothing of the labels towards infinity.

    References
    ----------
    Guo et al. (2017), On Calibration of Modern Neural Networks, section 4.2.

    Examples
    --------
    >>> logits = np.array([[2.0, 0.0]] * 4)  # says 88 %, is right in 75 %
    >>> round(fit_temperature(logits, np.array([0, 0, 0, 1])), 3)
    1.82
    """
    from scipy.optimize import brentq
    from scipy.special import softmax

    logits, labels = np.asarray(logits, dtype=float), np.asarray(labels)
    check_rows("logits", logits, labels)
    gold = logits[np.arange(len(labels)), labels]
    if (gold == logits.max(axis=1)).all():
        raise InputError("every prediction is right, so no temperature is best; use more validation examples.")

    def slope(inverse: float) -> float:
        """Derivative of the log-loss by 1/T: expected minus actual logit of the gold label."""
        expected = np.sum(softmax(inverse * logits, axis=1) * logits, axis=1)
        return float(np.mean(expected - gold))

    if slope(0.0) >= 0:
        raise InputError("the logits of the gold labels are no higher than the others; the model must learn first.")
    # The log-loss is convex in 1/T: its slope rises through 0 just once.
    high = 1.0
    while slope(high) < 0:
        high *= 2
    return 1 / brentq(slope, 0.0, high)


def _checked(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    probabilities, labels = np.asarray(probabilities, dtype=float), np.asarray(labels)
    check_rows("probabilities", probabilities, labels)
    check_probabilities(probabilities)
    return probabilities, labels


def _confidence_and_correctness(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probability of the predicted label, and whether it is right: two arrays of shape (num_examples,)."""
    probabilities, labels = _checked(probabilities, labels)
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == labels


def _bin_edges(confidence: np.ndarray, num_bins: int, strategy: Strategy) -> np.ndarray:
    """The ``num_bins + 1`` borders, rising."""
    check_count("num_bins", num_bins)
    check_option("strategy", strategy, STRATEGIES)
    if strategy == "uniform":
        return np.linspace(0, 1, num_bins + 1)
    # Bin k ends with the example of rank n * k / num_bins, rounded up.
    ranks = -(-len(confidence) * np.arange(num_bins + 1) // num_bins)
    return np.sort(confidence)[np.maximum(ranks - 1, 0)]


def _bin_numbers(confidence: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Number of each confidence's bin. A border belongs to the bin below it, so equal confidences share a bin."""
    return np.searchsorted(edges[1:-1], confidence, side="left")


def _calibration_error(confidence: np.ndarray, correct: np.ndarray, number: np.ndarray) -> float:
    """Sum over bins of count / n * |accuracy - confidence|; the count cancels against those in the means."""
    return float(np.abs(np.bincount(number, weights=correct - confidence)).sum() / len(number))
