"""How far a figure would move with other test examples: the bootstrap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from course_utils.errors import InputError
from course_utils.metrics.inputs import check_count, check_option, check_share

METHODS = ("percentile", "bca")


@dataclass(frozen=True)
class Interval:
    """A confidence interval, both ends included."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


def bootstrap_interval(
    statistic: Callable[..., float],
    *arrays: np.ndarray,
    groups: Sequence[Any] | np.ndarray | None = None,
    method: Literal["percentile", "bca"] = "percentile",
    num_resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Bootstrap interval of a statistic of one sample.

    Whole groups are drawn with replacement: examples of one document or one author are not independent, and drawing
    them one by one would make the interval too narrow.

    Parameters
    ----------
    statistic : takes the resampled arrays, returns a number; resamples for which it is NaN are left out
    arrays : each of shape (num_examples, ...)
    groups : the group of each example; ``None`` makes each example a group of its own
    method : ``"percentile"`` reads the interval off the resampled values; ``"bca"`` (bias-corrected and accelerated)
        moves both ends for a statistic whose resampled values lie to one side of it, or whose spread changes with its
        value, and calls it once more for each group
    num_resamples : how often the sample is drawn
    confidence : in (0, 1)
    seed : of the draws

    Raises
    ------
    InputError
        If lengths differ, an option is outside its range, or the correction of BCa does not exist for this statistic.

    References
    ----------
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapters 13 and 14.

    Examples
    --------
    >>> interval = bootstrap_interval(np.mean, np.array([0, 1] * 200))
    >>> 0.44 < interval.low < 0.47 and 0.53 < interval.high < 0.56
    True
    """
    check_option("method", method, METHODS)
    check_share("confidence", confidence)
    arrays = tuple(np.asarray(array) for array in arrays)
    values = bootstrap_distribution(statistic, *arrays, groups=groups, num_resamples=num_resamples, seed=seed)
    if method == "percentile" or np.isnan(values).all():
        return percentile_interval(values, confidence)
    left_out = _jackknife(statistic, arrays, _group_numbers(len(arrays[0]), groups))
    values = values[~np.isnan(values)]
    percents = _bca_percents(values, statistic(*arrays), left_out, _central_percents(confidence))
    return Interval(*map(float, np.percentile(values, percents)))


def bootstrap_distribution(
    statistic: Callable[..., float],
    *arrays: np.ndarray,
    groups: Sequence[Any] | np.ndarray | None = None,
    num_resamples: int = 1000,
    seed: int = 0,
) -> np.ndarray:
    """Values of a statistic on resamples of its sample: what an interval is read from, and a histogram shows.

    Parameters
    ----------
    statistic, arrays, groups, num_resamples, seed : as in ``bootstrap_interval``

    Returns
    -------
    float array of shape (num_resamples,)

    Raises
    ------
    InputError
        If lengths differ, there are no examples, or ``num_resamples`` is below 1.

    Examples
    --------
    >>> bootstrap_distribution(np.mean, np.array([1.0, 1.0]), num_resamples=3)
    array([1., 1., 1.])
    """
    size = len(arrays[0]) if arrays else 0
    if size == 0 or any(len(array) != size for array in arrays) or (groups is not None and len(groups) != size):
        named = "" if groups is None else f" and {len(groups)} groups"
        raise InputError(
            f"arrays and groups must be equally long and not empty, got {[len(array) for array in arrays]}{named}."
        )
    check_count("num_resamples", num_resamples)
    arrays = tuple(np.asarray(array) for array in arrays)
    group = _group_numbers(size, groups)
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
    return values


def percentile_interval(values: np.ndarray, confidence: float = 0.95) -> Interval:
    """Interval that holds the middle share ``confidence`` of the values; NaN values are left out.

    Parameters
    ----------
    values : float array of shape (num_values,); if all are NaN, or there are none, so are the ends
    confidence : in (0, 1)

    Raises
    ------
    InputError
        If ``confidence`` is outside its range.

    Examples
    --------
    >>> percentile_interval(np.arange(101.0), confidence=0.5)
    Interval(low=25.0, high=75.0)
    """
    check_share("confidence", confidence)
    if np.isnan(values).all():
        return Interval(float("nan"), float("nan"))
    return Interval(*map(float, np.nanpercentile(values, _central_percents(confidence))))


def _central_percents(confidence: float) -> np.ndarray:
    tail = 100 * (1 - confidence) / 2
    return np.array([tail, 100 - tail])


def _group_numbers(size: int, groups: Sequence[Any] | np.ndarray | None) -> np.ndarray:
    return np.arange(size) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]


def _jackknife(statistic: Callable[..., float], arrays: tuple[np.ndarray, ...], group: np.ndarray) -> np.ndarray:
    """The statistic without one group, for each group."""
    num_groups = int(group.max()) + 1
    if num_groups < 2:
        raise InputError('method="bca" leaves out one group after another and needs at least 2, got 1.')
    return np.array([statistic(*(array[group != k] for array in arrays)) for k in range(num_groups)])


def _bca_percents(values: np.ndarray, estimate: float, left_out: np.ndarray, percents: np.ndarray) -> np.ndarray:
    """The percentiles to read instead of ``percents``: Efron and Tibshirani, equations 14.10, 14.14 and 14.15."""
    from scipy.special import ndtr, ndtri

    if np.isnan([estimate, *left_out]).any():
        raise InputError(
            'method="bca" needs a statistic that is defined when any one group is left out; use method="percentile".'
        )
    # A value equal to the estimate, as accuracy often is, lies half below it.
    below = float(np.mean(values < estimate) + np.mean(values <= estimate)) / 2
    if below in (0, 1):
        raise InputError(
            f'method="bca" cannot correct the bias of a statistic whose resampled values all lie on one side of '
            f'{estimate:.4g}; use method="percentile".'
        )
    bias = ndtri(below)
    distance = left_out.mean() - left_out
    constant = np.ptp(left_out) == 0  # then the spread cannot change with the value
    acceleration = 0.0 if constant else np.sum(distance**3) / (6 * np.sum(distance**2) ** 1.5)
    shifted = bias + ndtri(percents / 100)
    return 100 * ndtr(bias + shifted / (1 - acceleration * shifted))
