"""Which of two models is better, when both answered the same test examples."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_utils.errors import InputError
from course_utils.metrics.inputs import check_count, check_same_length, check_share
from course_utils.metrics.intervals import Interval, bootstrap_distribution, percentile_interval


@dataclass(frozen=True)
class McNemarResult:
    """How often each of two models was right, counted together, and a test of equal accuracy.

    Attributes
    ----------
    both_right, only_first, only_second, both_wrong : numbers of examples; only the two in the middle tell the models
        apart
    p_value : probability of a split at least as uneven as ``only_first`` to ``only_second`` if both are equally good
    """

    both_right: int
    only_first: int
    only_second: int
    both_wrong: int
    p_value: float

    @property
    def num_examples(self) -> int:
        """All four numbers added up."""
        return self.both_right + self.only_first + self.only_second + self.both_wrong

    @property
    def difference(self) -> float:
        """Accuracy of the second model minus that of the first, a share in [-1, 1]."""
        return (self.only_second - self.only_first) / self.num_examples

    @property
    def discordance(self) -> float:
        """Share of the examples that one model got right and the other wrong."""
        return (self.only_second + self.only_first) / self.num_examples


@dataclass(frozen=True)
class PairedDifference:
    """The difference of two models on the same examples.

    Attributes
    ----------
    difference : figure of the second model minus that of the first
    interval : percentile bootstrap interval of the difference
    p_value : two-sided; below 0.05 where the 95 % interval leaves out 0, give or take one resample
    """

    difference: float
    interval: Interval
    p_value: float


def mcnemar_test(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> McNemarResult:
    """Test whether two models are equally accurate: McNemar's test, exact.

    Examples that both got right, or both wrong, say nothing about the difference. If the models are equally good, each
    of the others is a fair coin, so the test is a binomial one. It takes examples as independent: where several come
    from one document or author, use ``paired_bootstrap`` with groups.

    Parameters
    ----------
    labels : gold labels, array of shape (num_examples,)
    first, second : the predictions of the two models, same shape

    Raises
    ------
    InputError
        If the lengths differ or there are no examples.

    References
    ----------
    McNemar (1947), Note on the Sampling Error of the Difference Between Correlated Proportions or Percentages.
    Dietterich (1998), Approximate Statistical Tests for Comparing Supervised Classification Learning Algorithms.

    Examples
    --------
    >>> mcnemar_test(np.zeros(6), np.array([0, 0, 1, 1, 1, 1]), np.array([0, 0, 0, 0, 0, 1]))
    McNemarResult(both_right=2, only_first=0, only_second=3, both_wrong=1, p_value=0.25)
    """
    from scipy.stats import binomtest

    check_same_length(labels=labels, first=first, second=second)
    one, two = np.equal(first, labels), np.equal(second, labels)
    only_first, only_second = int(np.sum(one & ~two)), int(np.sum(~one & two))
    discordant = only_first + only_second
    p_value = binomtest(only_first, discordant).pvalue if discordant else 1.0
    return McNemarResult(int(np.sum(one & two)), only_first, only_second, int(np.sum(~one & ~two)), float(p_value))


def paired_bootstrap(
    statistic: Callable[[np.ndarray, np.ndarray], float],
    labels: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    *,
    groups: Sequence[Any] | np.ndarray | None = None,
    num_resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> PairedDifference:
    """Difference of two models in any statistic, both scored on the same resamples.

    What makes an example hard makes it hard for both, so the difference moves less than either figure: two overlapping
    intervals do not show that two models are equal.

    Parameters
    ----------
    statistic : takes labels and predictions, returns a number, as ``accuracy_score`` does
    labels : gold labels, array of shape (num_examples, ...)
    first, second : the predictions of the two models, arrays of shape (num_examples, ...)
    groups, num_resamples, confidence, seed : as in ``bootstrap_interval``

    Raises
    ------
    InputError
        If lengths differ or an option is outside its range.

    Notes
    -----
    The p-value is the ``1 - confidence`` at which the interval just reaches 0: twice the share of resamples on the
    rarer side of 0, zeros counted on both sides, and one added to both counts so that it is never 0.

    References
    ----------
    Koehn (2004), Statistical Significance Tests for Machine Translation Evaluation.
    Berg-Kirkpatrick, Burkett and Klein (2012), An Empirical Investigation of Statistical Significance in NLP.

    Examples
    --------
    >>> right = lambda labels, predictions: float(np.mean(labels == predictions))
    >>> labels = np.zeros(100)
    >>> result = paired_bootstrap(right, labels, np.arange(100) % 2, np.arange(100) % 4 == 1)
    >>> result.difference, 0 in result.interval, result.p_value < 0.01
    (0.25, False, True)
    """
    check_same_length(labels=labels, first=first, second=second)
    check_share("confidence", confidence)

    def difference(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
        return statistic(labels, second) - statistic(labels, first)

    arrays = [np.asarray(array) for array in (labels, first, second)]
    values = bootstrap_distribution(difference, *arrays, groups=groups, num_resamples=num_resamples, seed=seed)
    values = values[~np.isnan(values)]
    rarer = min(np.sum(values <= 0), np.sum(values >= 0))
    return PairedDifference(
        float(difference(*arrays)),
        percentile_interval(values, confidence),
        float(min(1.0, 2 * (rarer + 1) / (len(values) + 1))),
    )


def examples_needed(difference: float, discordance: float, *, power: float = 0.8, alpha: float = 0.05) -> int:
    """How many test examples tell two models apart.

    By a normal approximation to McNemar's test. The exact ``mcnemar_test`` needs some per cent more: see
    ``mcnemar_power``.

    Parameters
    ----------
    difference : true difference of the accuracies, a share: 0.02 is two points
    discordance : share of the examples that only one of the models gets right; at least ``abs(difference)``
    power : probability with which the difference is to be found, above ``alpha`` and below 1
    alpha : p-value from which on it counts as found, in (0, 1)

    Raises
    ------
    InputError
        If a share is outside its range.

    References
    ----------
    Connor (1987), Sample Size for Testing Differences in Proportions for the Paired-Sample Design, Biometrics 43.
    Card et al. (2020), With Little Power Comes Great Responsibility, on the power of experiments in this field.

    Examples
    --------
    >>> examples_needed(0.02, 0.10)
    1960
    """
    from scipy.special import ndtri

    _check_effect(difference, discordance, alpha)
    if not alpha < power < 1:
        raise InputError(f"power must lie between alpha, {alpha}, and 1, got {power}.")
    under_equality = -ndtri(alpha / 2) * math.sqrt(discordance)
    under_difference = ndtri(power) * math.sqrt(discordance - difference**2)
    return math.ceil(((under_equality + under_difference) / difference) ** 2)


def mcnemar_power(num_examples: int, difference: float, discordance: float, *, alpha: float = 0.05) -> float:
    """Probability that ``mcnemar_test`` finds a difference that is there.

    Exact: for each possible number of discordant examples its probability times the probability of a split so uneven
    that the p-value is at most ``alpha``.

    Parameters
    ----------
    num_examples : size of the test set, at least 1
    difference, discordance, alpha : as in ``examples_needed``

    Raises
    ------
    InputError
        If a number is outside its range.

    References
    ----------
    Duffy (1984), Asymptotic and Exact Power for the McNemar Test and its Analogue with R Controls per Case.

    Examples
    --------
    >>> round(mcnemar_power(300, 0.02, 0.10), 2), round(mcnemar_power(1960, 0.02, 0.10), 2)
    (0.14, 0.78)
    """
    from scipy.stats import binom

    check_count("num_examples", num_examples)
    _check_effect(difference, discordance, alpha)
    discordant = np.arange(num_examples + 1)
    # The most uneven splits, which fair coins give in at most alpha / 2 of all cases a side.
    most = binom.ppf(alpha / 2, discordant, 0.5)
    most = np.where(binom.cdf(most, discordant, 0.5) <= alpha / 2, most, most - 1)
    share = (1 + difference / discordance) / 2  # that the second model has of the discordant examples
    found = binom.cdf(most, discordant, share) + binom.cdf(most, discordant, 1 - share)
    return float(np.sum(binom.pmf(discordant, num_examples, discordance) * found))


def _check_effect(difference: float, discordance: float, alpha: float) -> None:
    if not 0 < abs(difference) <= discordance <= 1:
        raise InputError(
            f"difference and discordance must be shares with 0 < |difference| <= discordance <= 1, "
            f"got {difference} and {discordance}; two points are 0.02."
        )
    check_share("alpha", alpha)
