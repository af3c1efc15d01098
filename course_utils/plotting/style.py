"""The look of the figures: sizes, axes, ticks, labels at the ends of lines, the alternative text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator, StrMethodFormatter

from course_utils.plotting.colours import GRID, INK, MUTED, PLATE, Series
from course_utils.plotting.wording import wrapped

WIDTH = 5.8  # inches: in a book's column at full size, on a telephone at half
WIDE = 6.4  # for large tables
DPI = 100
FONT_SIZE = 11.5  # points: 16 pixels at DPI, the size of the text around the figure
SMALL = 8.5  # points; only for letters in the cells and beside the rows of large tables
LINE_HEIGHT = 1.3 * FONT_SIZE  # points

STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.formatter.useoffset": False,
    "axes.labelcolor": INK,
    "axes.labelsize": FONT_SIZE,
    "axes.titlesize": FONT_SIZE,
    "font.size": FONT_SIZE,
    "hatch.linewidth": 1.0,
    "lines.linewidth": 2.0,
    "lines.markersize": 6.0,
    "text.color": INK,
    "text.parse_math": False,  # a token may be a dollar
    "xtick.labelsize": FONT_SIZE,
    "ytick.labelsize": FONT_SIZE,
}
BESIDE: dict[str, Any] = {"textcoords": "offset points", "va": "bottom", "color": MUTED}
JOINED = {"arrowstyle": "-", "color": MUTED, "lw": 1, "ls": ":", "shrinkA": 0, "shrinkB": 6}


def style() -> AbstractContextManager[None]:
    """The look of the course's figures, for as long as the context lasts, whatever the caller's own style is."""
    return plt.style.context(STYLE, after_reset=True)


def panels(
    rows: int = 1,
    columns: int = 1,
    *,
    width: float = WIDTH,
    height: float = 3.4,
    row_heights: Sequence[float] | None = None,
    share_x: bool = False,
) -> tuple[Figure, tuple[Axes, ...]]:
    """Make a new figure in the course's look, and its axes, row by row.

    Parameters
    ----------
    rows, columns : of the grid of axes
    width, height : of the whole figure, in inches of 100 pixels
    row_heights : relative to each other; equal by default
    share_x : whether the axes of a column have one x-axis

    Examples
    --------
    >>> from course_utils.plotting import plot_seeds
    >>> figure, (left, right) = panels(1, 2)
    >>> plot_seeds({"small": [0.7, 0.8], "large": [0.9, 0.8]}, ax=left) is figure
    True
    """
    # Not within style(): the first figure of a kernel makes pyplot interactive, which style() would take back.
    figure = plt.figure(figsize=(width, height), dpi=DPI, facecolor=PLATE, edgecolor=PLATE, frameon=True)
    plt.close(figure)  # or pyplot would show it at the end of the cell, besides the cell's value
    figure.set_layout_engine(ConstrainedLayoutEngine(h_pad=0.06, w_pad=0.08, hspace=0.02, wspace=0.02))
    with style():
        axes = figure.subplots(rows, columns, squeeze=False, sharex=share_x, height_ratios=row_heights)
    return figure, tuple(axes.flat)


@contextmanager
def drawing(ax: Axes | None, *, width: float = WIDTH, height: float = 3.4, grid: str = "y") -> Iterator[Axes]:
    """The style, and prepared axes to draw on: those that are given, or the only ones of a new figure."""
    if ax is None:
        _, (ax,) = panels(width=width, height=height)
    with style():
        prepare(ax, grid=grid)
        yield ax


def prepare(ax: Axes, *, grid: str = "y") -> None:
    """Give axes, the caller's too, the course's spines, ticks and grid (``x``, ``y``, ``both`` or none)."""
    ax.set_facecolor(PLATE)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["bottom", "left"]].set_color(MUTED)
    ax.tick_params(which="both", labelsize=FONT_SIZE, color=MUTED, labelcolor=INK)
    ax.grid(visible=False)
    if grid:
        ax.grid(visible=True, axis=grid, color=GRID, linewidth=0.8)  # type: ignore[arg-type]


def described(ax: Axes, alt: str, *, given: Axes | None = None) -> Figure:
    """The figure with its alternative text; on the caller's axes the text is added to that of other panels."""
    figure: Any = ax.figure.figure  # the whole figure, also if the axes lie in a subfigure
    earlier = getattr(figure, "alt", "") if given is not None else ""
    figure.alt = f"{earlier} {alt}".strip()
    return figure


# Ticks


def count_axis(ax: Axes, axis: str) -> None:
    """Whole numbers with thousands separated along ``x`` or ``y``."""
    chosen = getattr(ax, f"{axis}axis")
    chosen.set_major_locator(MaxNLocator(nbins=6, integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
    chosen.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def log_axis(ax: Axes, values: np.ndarray, written: Callable[[float], str], *, most: int = 7) -> None:
    """A logarithmic x-axis with ticks at the values that were measured, thinned out if there are many."""
    ax.set_xscale("log")
    ticks = np.unique(values)
    ticks = ticks[:: -(-len(ticks) // most)]
    ax.set_xticks(ticks, [written(tick) for tick in ticks])
    ax.xaxis.set_minor_locator(NullLocator())


# Labels


def spread_apart(centres: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Centres near those given, so that things of these sizes do not overlap and none lies above 1.

    Examples
    --------
    >>> spread_apart(np.array([0.5, 0.2, 0.5]), np.array([0.1, 0.1, 0.3])).round(2)
    array([0.5, 0.2, 0.7])
    >>> spread_apart(np.array([1.0, 1.0]), np.array([0.25, 0.25]))
    array([0.75, 1.  ])
    """
    order = np.argsort(centres, kind="stable")
    placed, size = np.clip(centres[order], 0, 1), sizes[order]
    gaps = (size[1:] + size[:-1]) / 2
    for k, gap in enumerate(gaps):  # upwards as far as needed, then down from the upper end
        placed[k + 1] = max(placed[k + 1], placed[k] + gap)
    placed[-1] = min(placed[-1], 1.0)
    for k, gap in reversed(list(enumerate(gaps))):
        placed[k] = min(placed[k], placed[k + 1] - gap)
    result = np.empty_like(placed)
    result[order] = placed
    return result


def label_lines(ax: Axes, ends: Sequence[tuple[str, Series, tuple[float, float]]]) -> None:
    """Write each line's name to the right of the axes, at its end, none over another: no legend to look up.

    Parameters
    ----------
    ends : label, look and last point, in data coordinates, of each line
    """
    ax.figure.draw_without_rendering()  # type: ignore[union-attr]  # limits and sizes are known only now
    texts = [wrapped(label) for label, _, _ in ends]
    heights = ax.transAxes.inverted().transform(ax.transData.transform([point for _, _, point in ends]))[:, 1]
    inches = ax.get_window_extent().height / ax.figure.dpi
    lines = np.array([text.count("\n") + 1 for text in texts])
    places = spread_apart(heights, lines * LINE_HEIGHT / 72 / inches)
    left, middle, right = 1.05, 1.08, 1.11  # of the samples of the lines, as shares of the width of the axes
    for text, (_, series, point), place in zip(texts, ends, places):
        ax.annotate("", xy=point, xytext=(left, place), textcoords="axes fraction", arrowprops=JOINED)
        sample = Line2D([left, middle, right], [place] * 3, marker=series.marker, markevery=[1])
        sample.set(color=series.colour, linestyle=series.line, transform=ax.transAxes, clip_on=False)
        ax.add_artist(sample)
        ax.annotate(text, (right, place), (5, 0), "axes fraction", "offset points", annotation_clip=False, va="center")


def reference_line(ax: Axes, name: str, value: float, *, axis: str) -> None:
    """Draw a dashed line across the axes at ``value`` of the ``x`` or ``y`` axis, with its name at its end."""
    dashes: dict[str, Any] = {"color": MUTED, "linewidth": 1.5, "linestyle": (0, (4, 3)), "zorder": 1.5}
    if axis == "x":
        ax.axvline(value, **dashes)
        ax.annotate(name, (value, 1), xycoords=("data", "axes fraction"), xytext=(0, 4), ha="center", **BESIDE)
    else:
        ax.axhline(value, **dashes)
        ax.annotate(name, (1, value), xycoords=("axes fraction", "data"), xytext=(4, 0), **BESIDE | {"va": "center"})
