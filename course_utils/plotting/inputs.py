"""Checks of the numbers that are to be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from course_utils.errors import InputError
from course_utils.metrics import Interval

Numbers = Sequence[Any] | np.ndarray
"""Anything that NumPy turns into an array of numbers."""
Intervals = Sequence[Interval | tuple[float, float]] | np.ndarray
"""Intervals, or pairs of a low and a high end."""


def as_numbers(
    name: str,
    values: Numbers,
    *,
    shape: tuple[int | str, ...],
    low: float = -np.inf,
    high: float = np.inf,
    finite: bool = True,
) -> np.ndarray:
    """A float array of the shape that is expected.

    Parameters
    ----------
    name : how the message calls the values
    shape : sizes; a word stands for any size of at least 1
    low, high : range of the values, ends included
    finite : whether NaN and infinity are refused

    Raises
    ------
    InputError
        If the values are not numbers, have another shape, or lie outside the range.

    Examples
    --------
    >>> as_numbers("counts", [1, 2], shape=("num_bins",), low=0)
    array([1., 2.])
    """
    expected = f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be numbers of shape {expected}: {error}.") from error
    fits = array.ndim == len(shape) and all(
        size > 0 if isinstance(rule, str) else size == rule for size, rule in zip(array.shape, shape)
    )
    if not fits:
        raise InputError(f"{name} must have shape {expected}, got {array.shape}.")
    if finite and not np.isfinite(array).all():
        raise InputError(f"{name} must be finite, got NaN or infinity {np.sum(~np.isfinite(array))} times.")
    known = array[np.isfinite(array)]
    if known.size and not low <= known.min() <= known.max() <= high:
        raise InputError(f"{name} must lie in [{low:g}, {high:g}], got {known.min():g} to {known.max():g}.")
    return array


def as_intervals(name: str, values: Intervals, size: int) -> np.ndarray:
    """Float array of shape (size, 2), low and high ends.

    Raises
    ------
    InputError
        If there are not ``size`` intervals, or one ends before it begins.

    Examples
    --------
    >>> as_intervals("intervals", [Interval(0.1, 0.3), (0.2, 0.5)], 2)
    array([[0.1, 0.3],
           [0.2, 0.5]])
    """
    pairs = [(one.low, one.high) if isinstance(one, Interval) else one for one in values]
    array = as_numbers(name, pairs, shape=(size, 2))
    for low, high in array:
        if low > high:
            raise InputError(f"{name} must be pairs of low and high, got ({low:g}, {high:g}).")
    return array
