"""Errors of predicted numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from course_utils.errors import InputError
from course_utils.metrics.inputs import check_same_length


@dataclass(frozen=True)
class RegressionReport:
    """Errors in the unit of the target; ``spearman`` lies in [-1, 1], NaN if one side is constant."""

    mean_absolute_error: float
    root_mean_squared_error: float
    spearman: float


def regression_report(targets: np.ndarray, predictions: np.ndarray) -> RegressionReport:
    """Mean absolute error, root mean squared error and Spearman's rank correlation.

    Parameters
    ----------
    targets, predictions : float arrays of shape (num_examples,)

    Raises
    ------
    InputError
        If the shapes differ or there are no examples. Shapes (n,) and (n, 1) would give n² differences.

    Examples
    --------
    >>> report = regression_report(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 5.0]))
    >>> round(report.mean_absolute_error, 3), report.spearman
    (0.667, 1.0)
    """
    check_same_length(targets=targets, predictions=predictions)
    if np.shape(targets) != np.shape(predictions):
        raise InputError(
            f"targets and predictions must have one shape, got {np.shape(targets)} and {np.shape(predictions)}."
        )
    return RegressionReport(
        mean_absolute_error(targets, predictions),
        root_mean_squared_error(targets, predictions),
        spearman(targets, predictions),
    )


def mean_absolute_error(targets: np.ndarray, predictions: np.ndarray) -> float:
    """Mean distance from the target, in the target's unit.

    Parameters
    ----------
    targets, predictions : float arrays of shape (num_examples,)

    Examples
    --------
    >>> mean_absolute_error(np.array([1.0, 2.0]), np.array([1.0, 5.0]))
    1.5
    """
    return float(np.mean(np.abs(np.subtract(predictions, targets, dtype=float))))


def root_mean_squared_error(targets: np.ndarray, predictions: np.ndarray) -> float:
    """Root of the mean squared distance: large errors weigh more.

    Parameters
    ----------
    targets, predictions : float arrays of shape (num_examples,)

    Examples
    --------
    >>> root_mean_squared_error(np.array([1.0, 2.0]), np.array([2.0, 9.0]))
    5.0
    """
    return float(np.sqrt(np.mean(np.square(np.subtract(predictions, targets, dtype=float)))))


def spearman(targets: np.ndarray, predictions: np.ndarray) -> float:
    """Rank correlation in [-1, 1]: Pearson's correlation of the ranks, ties sharing their mean rank.

    NaN if one side is constant, since ranks then say nothing.

    Parameters
    ----------
    targets, predictions : float arrays of shape (num_examples,)

    Examples
    --------
    >>> spearman(np.array([1.0, 2.0, 3.0]), np.array([10.0, 1000.0, 100.0]))
    0.5
    """
    from scipy.stats import rankdata

    if np.ptp(targets) == 0 or np.ptp(predictions) == 0:
        return float("nan")
    return round(float(np.corrcoef(rankdata(targets), rankdata(predictions))[0, 1]), 12)
