"""Whether an answer equals what was expected, and if not, in which words.

Tensors, arrays, numbers and nested lists are compared as numbers, whichever of these kinds they are.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

NUMERIC = "biuf"  # kinds of NumPy dtypes that can be compared with a tolerance
SHORT = 8  # rows of so many numbers are shown, not only counted


@dataclass(frozen=True)
class Difference:
    """The first difference that was found.

    ``text`` ends without a full stop. Only a difference of kind ``value`` tells something about the right answer
    beyond its form.
    """

    kind: Literal["type", "shape", "value"]
    text: str


def plain(value: Any) -> Any:
    """A value as NumPy arrays where it is made of numbers, and as lists and dictionaries of such elsewhere.

    Parameters
    ----------
    value : anything; tensors may need gradients, have half precision or lie on a GPU

    Examples
    --------
    >>> plain([[1, 2], (3, 4)])
    array([[1, 2],
           [3, 4]])
    >>> plain(["DET", "NOUN"])
    ['DET', 'NOUN']
    """
    torch = sys.modules.get("torch")  # whoever has a tensor has imported it
    if torch is not None and isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = value.double().numpy() if value.is_floating_point() else value.numpy()  # NumPy has no bfloat16
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | range):
        parts = [plain(part) for part in value]
        if all(isinstance(part, np.ndarray) and part.shape == parts[0].shape for part in parts):
            return np.stack(parts) if parts else np.zeros(0)
        return parts
    if isinstance(value, bool | int | float | complex) or hasattr(value, "__array__"):
        array = np.asarray(value)
        if array.dtype.kind in NUMERIC:
            return array
        return plain(array.tolist()) if array.ndim else array.item()
    return value


def describe(value: Any) -> str:
    """What kind of thing it is, in a few words.

    Examples
    --------
    >>> describe(0.5), describe(np.zeros((3, 2))), describe("DET"), describe(len)
    ('a number', 'numbers of shape (3, 2)', 'a text', 'a function')
    """
    if callable(value):
        return "a class" if isinstance(value, type) else "a function"
    value = plain(value)
    if isinstance(value, np.ndarray):
        if value.ndim:
            return f"numbers of shape {value.shape}"
        return "True or False" if value.dtype.kind == "b" else "a number"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    names = {str: "a text", dict: "a dictionary", type(None): "None", type(...): "`...`"}
    return names.get(type(value), f"something of type {type(value).__name__}")


def find_difference(got: Any, expected: Any, tolerance: float) -> Difference | None:
    """The first difference between two values, or None if they are equal.

    Parameters
    ----------
    got, expected : what ``plain`` returns
    tolerance : relative and absolute; NaN equals NaN

    Examples
    --------
    >>> find_difference(plain([1.0, 3.0]), plain([1.0, 2.0]), 1e-5).text
    'at [1] expected 2, got 3; 1 of 2 numbers differ'
    """
    if isinstance(got, np.ndarray) and isinstance(expected, np.ndarray):
        return _compare_arrays(got, expected, tolerance)
    if isinstance(got, list) and isinstance(expected, list):
        if len(got) != len(expected):
            return Difference("shape", f"expected {describe(expected)}, got {describe(got)}")
        return _first({f"item {i}": (g, e) for i, (g, e) in enumerate(zip(got, expected))}, tolerance)
    if isinstance(got, dict) and isinstance(expected, dict):
        if got.keys() != expected.keys():
            return Difference("shape", f"expected the keys {_keys(expected)}, got {_keys(got)}")
        return _first({f"item {key!r}": (got[key], expected[key]) for key in expected}, tolerance)
    if expected is None and isinstance(got, np.ndarray) and not got.ndim:
        return Difference("value", f"expected None, got {_number(got[()], 4)}")
    if type(got) is not type(expected):
        return Difference("type", f"expected {describe(expected)}, got {describe(got)}")
    if isinstance(got, str) and got != expected and _look_alike(got, expected):
        return Difference("value", f"expected {expected!a}, got {got!a}")
    return None if got == expected else Difference("value", f"expected {expected!r}, got {got!r}")


def _look_alike(first: str, second: str) -> bool:
    """Whether two texts differ only in characters that print alike, such as kinds of spaces or composed letters."""
    return unicodedata.normalize("NFKC", first) == unicodedata.normalize("NFKC", second)


def _first(pairs: dict[str, tuple[Any, Any]], tolerance: float) -> Difference | None:
    for place, (got, expected) in pairs.items():
        if difference := find_difference(got, expected, tolerance):
            inside = ", " if difference.text.startswith("item ") else ": "
            return Difference(difference.kind, f"{place}{inside}{difference.text}")
    return None


def _keys(mapping: dict[Any, Any]) -> str:
    return ", ".join(map(repr, mapping)) or "none"


def _compare_arrays(got: np.ndarray, expected: np.ndarray, tolerance: float) -> Difference | None:
    if got.shape != expected.shape:
        if expected.ndim == 0 or got.ndim == 0:
            return Difference("shape", f"expected {describe(expected)}, got {describe(got)}")
        if got.ndim == expected.ndim == 1 and max(got.size, expected.size) <= SHORT:
            return Difference("value", f"expected {show_numbers(expected)}, got {show_numbers(got)}")
        return Difference("shape", f"expected shape {expected.shape}, got {got.shape}")
    close = np.isclose(got.astype(float), expected.astype(float), rtol=tolerance, atol=tolerance, equal_nan=True)
    if close.all():
        return None
    place = tuple(int(i) for i in np.argwhere(~close)[0])
    wanted, came = _two_numbers(expected[place], got[place])
    if not place:
        return Difference("value", f"expected {wanted}, got {came}")
    count = f"{(~close).sum()} of {close.size} numbers differ"
    return Difference("value", f"at {list(place)} expected {wanted}, got {came}; {count}")


def _number(value: Any, digits: int) -> str:
    return str(bool(value)) if value.dtype.kind == "b" else f"{value:.{digits}g}"


def show_numbers(array: np.ndarray) -> str:
    """An array as nested lists, four digits a number.

    Examples
    --------
    >>> show_numbers(np.array([[1 / 3, 2.0], [0.0, -100.0]]))
    '[[0.3333, 2], [0, -100]]'
    """
    return f"[{', '.join(map(show_numbers, array))}]" if array.ndim else _number(array[()], 4)


def _two_numbers(first: Any, second: Any) -> tuple[str, str]:
    """Two different numbers with as few digits as show that they differ."""
    pairs = [(_number(first, digits), _number(second, digits)) for digits in (4, 7, 12, 17)]
    return next((pair for pair in pairs if pair[0] != pair[1]), pairs[-1])
