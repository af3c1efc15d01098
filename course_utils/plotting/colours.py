"""The palette, and what can be read on what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.typing import ColorType

from course_utils.errors import InputError

PLATE = "#ffffff"  # the background, on dark pages too
INK = "#262626"
MUTED = "#666666"
GRID = "#dddddd"
SHARES = mpl.colormaps["Blues"]  # from light to dark: the same order in grey print and without colour vision


@dataclass(frozen=True)
class Series:
    """How one of several series is drawn: told apart without its colour too."""

    colour: str
    marker: str
    line: str | tuple[int, tuple[float, ...]]


# Found by a search, from six colours picked by eye, for the largest smallest difference between any two (CIEDE2000) as
# seen with normal sight and without red-, green- or blue-sensitive cones, with 3:1 against white and against #121212.
SERIES = (
    Series("#1073d4", "o", "-"),
    Series("#ed6e0c", "s", (0, (5, 1.5))),
    Series("#2ba290", "^", (0, (1.2, 1.2))),
    Series("#a43685", "D", (0, (5, 1.5, 1.2, 1.5))),
    Series("#c6413e", "v", (0, (9, 2))),
    Series("#7e5860", "P", (0, (5, 1.2, 1.2, 1.2, 1.2, 1.2))),
)


def series_for(names: Sequence[str]) -> dict[str, Series]:
    """A colour, marker and line style for each name.

    Raises
    ------
    InputError
        If there are none, or more than can be told apart.
    """
    if not 1 <= len(names) <= len(SERIES):
        raise InputError(
            f"1 to {len(SERIES)} series can be told apart in one figure, got {len(names)}. Draw several figures."
        )
    return dict(zip(names, SERIES))


def contrast(one: ColorType, other: ColorType) -> float:
    """Contrast ratio of two colours, from 1 to 21; letters need 4.5, lines and markers 3.

    References
    ----------
    W3C (2023), Web Content Accessibility Guidelines 2.2, "contrast ratio", success criteria 1.4.3 and 1.4.11.

    Examples
    --------
    >>> round(contrast("black", "white"), 2)
    21.0
    """
    colours = np.array([to_rgb(one), to_rgb(other)])
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    dark, light = sorted(linear @ [0.2126, 0.7152, 0.0722])
    return float((light + 0.05) / (dark + 0.05))


def readable_on(background: ColorType) -> str:
    """Black or white letters, whichever stand out more: on every colour at least 4.5 to 1.

    Examples
    --------
    >>> readable_on("white"), readable_on("navy")
    ('black', 'white')
    """
    return max(("black", "white"), key=lambda colour: contrast(colour, background))


def tint(colour: str, share: float = 0.25) -> str:
    """A pale colour: ``share`` of the colour, the rest white.

    Examples
    --------
    >>> tint("#000000", 0.2)
    '#cccccc'
    """
    channels = share * np.array(to_rgb(colour)) + (1 - share)
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in channels)
