"""What the metrics ask of their input: one rule a function, one message a rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from course_utils.errors import InputError

TOLERANCE = 1e-3
"""How far the probabilities of an example may sum from 1: softmax in float32 stays well below it."""


def check_same_length(**columns: Sequence[Any] | np.ndarray) -> None:
    """Raise an ``InputError`` unless the named columns are equally long and not empty."""
    *first, last = columns
    lengths = [len(column) for column in columns.values()]
    if len(set(lengths)) > 1:
        found = f"{', '.join(map(str, lengths[:-1]))} and {lengths[-1]}"
        raise InputError(f"{', '.join(first)} and {last} must be equally long, got {found}.")
    if lengths[0] == 0:
        raise InputError(f"there is nothing to score: got no {first[0]}.")


def check_labels(labels: np.ndarray, num_labels: int) -> None:
    """Raise an ``InputError`` unless all labels lie in [0, num_labels)."""
    if labels.min() < 0 or labels.max() >= num_labels:
        raise InputError(f"gold labels must lie in [0, {num_labels}), got {labels.min()} to {labels.max()}.")


def check_rows(name: str, rows: np.ndarray, labels: np.ndarray) -> None:
    """Raise an ``InputError`` unless ``rows`` holds one row of finite numbers for each label."""
    check_same_length(labels=labels, **{name: rows})
    if rows.ndim != 2 or not np.isfinite(rows).all():
        raise InputError(f"{name} must be finite, of shape (num_examples, num_labels), got shape {rows.shape}.")
    check_labels(labels, rows.shape[1])


def check_probabilities(probabilities: np.ndarray) -> None:
    """Raise an ``InputError`` unless every row is a distribution over the labels."""
    if probabilities.ndim != 2 or len(probabilities) == 0:
        raise InputError(f"probabilities must have shape (num_examples, num_labels), got {probabilities.shape}.")
    sums = probabilities.sum(axis=1)
    # Written so that NaN, which is neither below nor above anything, fails.
    if not (probabilities.min() >= 0 and np.abs(sums - 1).max() <= TOLERANCE):
        raise InputError(
            f"probabilities must not be negative and each row must sum to 1, got a lowest value of "
            f"{probabilities.min():.3g} and sums from {sums.min():.3g} to {sums.max():.3g}; "
            f"logits need softmax first (scipy.special.softmax, axis=1)."
        )


def check_share(name: str, value: float) -> None:
    """Raise an ``InputError`` unless a share such as a confidence lies in (0, 1), ends excluded."""
    if not 0 < value < 1:
        raise InputError(f"{name} must lie in (0, 1), got {value}.")


def check_count(name: str, value: int) -> None:
    """Raise an ``InputError`` unless a count is at least 1."""
    if value < 1:
        raise InputError(f"{name} must be at least 1, got {value}.")


def check_option(name: str, value: object, known: Sequence[object]) -> None:
    """Raise an ``InputError`` unless an option has one of its known values."""
    if value not in known:
        raise InputError(f"{name} must be one of {', '.join(map(repr, known))}, got {value!r}.")
