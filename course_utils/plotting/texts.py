"""What goes into a model and where it looks: lengths and attention."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from course_utils.errors import InputError
from course_utils.plotting.colours import INK, PLATE, SERIES, SHARES, readable_on, tint
from course_utils.plotting.inputs import Numbers, as_numbers
from course_utils.plotting.style import (
    FONT_SIZE,
    SMALL,
    WIDE,
    count_axis,
    described,
    drawing,
    panels,
    prepare,
    style,
)
from course_utils.plotting.wording import number, percent, plural

PITCH = 0.13  # inches that a token needs beside a small map
SMALL_CELL = 0.2  # inches; up to this size of a cell the tokens are in small letters
LARGE_CELL = 0.42  # inches; a cell of this size has room for its number


def plot_lengths(
    lengths: Numbers,
    *,
    max_length: int | None = None,
    x_label: str = "length (word pieces)",
    y_label: str = "texts",
    num_bins: int = 30,
    ax: Axes | None = None,
) -> Figure:
    """Histogram of lengths, with the limit of truncation marked, and counted what lies beyond it.

    Parameters
    ----------
    lengths : shape (num_texts,), whole numbers
    max_length : longest input that is not cut
    x_label, y_label : what lengths and counts are, with their units
    num_bins : at most so many bars, each of the same whole number of lengths; one begins just above the limit
    ax : to draw into; ``None`` makes a new figure

    Raises
    ------
    InputError
        If there are no lengths, or they are not whole numbers.

    Examples
    --------
    >>> plot_lengths([3, 5, 5, 9, 12], max_length=8).alt
    'Histogram of 5 lengths (word pieces): median 5, longest 12. Longer than 8: 2 of 5 (40 %); cutting them loses 5 of
    34 (14.7 %).'
    """
    sizes = as_numbers("lengths", lengths, shape=("num_texts",), low=0)
    if (sizes != sizes.round()).any():
        raise InputError("lengths must be whole numbers.")
    if num_bins < 1 or (max_length is not None and max_length < 1):
        raise InputError(f"num_bins and max_length must be at least 1, got {num_bins} and {max_length}.")
    limit = max_length if max_length is not None else 0
    width = max(int(np.ceil((sizes.max() - sizes.min() + 1) / num_bins)), 1)
    first = limit - width * np.ceil((limit + 1 - sizes.min()) / width)
    edges = (np.arange(first, sizes.max() + width + 1, width) + 0.5).tolist()  # one of them is limit + 0.5
    over = sizes > limit if max_length is not None else np.zeros(len(sizes), dtype=bool)

    with drawing(ax) as axes:
        axes.hist(sizes[~over], bins=edges, color=SERIES[0].colour, edgecolor=PLATE, linewidth=0.5)
        if max_length is not None:
            axes.hist(
                sizes[over], bins=edges, color=tint(SERIES[1].colour, 0.4), edgecolor=SERIES[1].colour, hatch="///"
            )
            axes.axvline(limit + 0.5, color=INK, linewidth=1.5, linestyle=(0, (4, 3)))
            axes.annotate(
                f"limit {limit:,}\n{over.sum():,} of {len(sizes):,} longer ({percent(over.mean())})",
                (limit + 0.5, 1),
                xycoords=("data", "axes fraction"),
                xytext=(0, 4),
                textcoords="offset points",
                ha="right" if limit > (sizes.min() + sizes.max()) / 2 else "left",
                va="bottom",
            )
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        count_axis(axes, "x")
        count_axis(axes, "y")
    noun = x_label.replace("length", "lengths", 1)
    alt = (
        f"Histogram of {len(sizes):,} {noun}: median {number(float(np.median(sizes)))}, longest {number(sizes.max())}."
    )
    if max_length is not None:
        lost, total = np.maximum(sizes - limit, 0).sum(), max(sizes.sum(), 1)
        alt += (
            f" Longer than {limit:,}: {over.sum():,} of {len(sizes):,} ({percent(over.mean())}); cutting them loses "
            f"{number(lost)} of {number(total)} ({percent(lost / total)})."
        )
    return described(axes, alt, given=ax)


def plot_attention(
    weights: Numbers,
    tokens: Sequence[str],
    *,
    key_tokens: Sequence[str] | None = None,
    titles: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Attention weights as maps: which token (row) looks at which (column). Dark on white, fit for print.

    Parameters
    ----------
    weights : shape (num_tokens, num_tokens), or (num_heads, num_tokens, num_tokens) for small maps side by side; with
        ``key_tokens`` the last size is their number. In [0, 1]: after the softmax
    tokens : of the rows, and of the columns unless ``key_tokens`` are given
    key_tokens : of the columns, where other tokens are looked at
    titles : of the maps; ``head 1``, ``head 2``, … by default
    ax : to draw a single map into; ``None`` makes a new figure

    Raises
    ------
    InputError
        If the shapes do not fit the tokens or titles, or a weight lies outside [0, 1].

    Examples
    --------
    >>> plot_attention([[0.9, 0.1], [0.4, 0.6]], ["Anna", "left"]).alt
    'Attention map of 2 tokens. Strongest in each row: Anna at Anna (0.9), left at left (0.6).'
    """
    keys = list(tokens if key_tokens is None else key_tokens)
    shape = (len(tokens), len(keys))
    single = np.ndim(weights) == 2
    maps = as_numbers("weights", weights, shape=shape if single else ("num_heads", *shape), low=0, high=1 + 1e-3)
    if ax is not None and not single:
        raise InputError("ax can hold one map. Give weights of shape (num_tokens, num_tokens), or leave ax out.")
    maps = maps[None] if single else maps
    heads = [f"head {head + 1}" for head in range(len(maps))]
    names = ([""] if single else heads) if titles is None else list(titles)
    if len(names) != len(maps):
        raise InputError(f"titles must have one for each of {plural(len(maps), 'map')}, got {len(names)}.")

    letters = 0.08 * max(map(len, [*tokens, *keys]))  # inches that the tokens take at the left and below
    width = WIDE - letters - 0.5
    columns = int(np.clip(width / (PITCH * len(keys)), 1, min(4, len(maps))))
    rows = -(-len(maps) // columns)
    cell = min((width / columns - 0.1) / len(keys), LARGE_CELL)
    grid: tuple[Axes, ...] = () if ax is None else (ax,)
    if ax is None:
        width = columns * (cell * len(keys) + 0.1) + letters + 0.5
        height = rows * (cell * len(tokens) + 0.35) + letters + 1.1
        _, grid = panels(rows, columns, width=max(width, 3.2), height=height)
    with style():
        for axes in grid[len(maps) :]:
            axes.set_axis_off()
        for place, (axes, weight, name) in enumerate(zip(grid, maps, names)):
            image = _draw_map(axes, weight, highest=float(maps.max()) or 1.0, cell=cell)
            axes.set_xticks(range(len(keys)), keys if place + columns >= len(maps) else [], rotation=90)
            axes.set_yticks(range(len(tokens)), tokens if place % columns == 0 else [])
            axes.set_title(name)
        scale = grid[0].figure.colorbar(image, ax=grid, location="top", shrink=0.7, aspect=30, label="attention weight")
        scale.outline.set_visible(False)
        if single:
            grid[0].set(xlabel="looked at (key)", ylabel="looking (query)")
        else:
            figure = grid[0].figure
            figure.supxlabel("looked at (key)", fontsize=FONT_SIZE)
            figure.supylabel("looking (query)", fontsize=FONT_SIZE)

    if single:
        told = [f"{token} at {keys[row.argmax()]} ({number(row.max())})" for token, row in zip(tokens, maps[0])]
        alt = f"Attention map of {plural(len(tokens), 'token')}. Strongest in each row: {', '.join(told)}."
    else:
        told = []
        for name, weight in zip(names, maps):
            row, column = divmod(int(weight.argmax()), len(keys))
            told.append(f"{name}: {tokens[row]} at {keys[column]} ({number(weight.max())})")
        size = f"{plural(len(maps), 'head')} over {plural(len(tokens), 'token')}"
        alt = f"Attention maps of {size}. Strongest weights: {', '.join(told)}."
    return described(grid[0], alt, given=ax)


def _draw_map(ax: Axes, weights: np.ndarray, *, highest: float, cell: float) -> AxesImage:
    """One attention map with thin white lines between its cells, and numbers in them if they are large enough."""
    prepare(ax, grid="")
    image = ax.imshow(weights, cmap=SHARES, vmin=0, vmax=highest)
    ax.spines[:].set_visible(False)
    ax.set_xticks(np.arange(weights.shape[1] + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(weights.shape[0] + 1) - 0.5, minor=True)
    ax.grid(visible=True, which="minor", color=PLATE, linewidth=1)
    ax.tick_params(which="both", length=0, labelsize=FONT_SIZE if cell > SMALL_CELL else SMALL)
    if cell == LARGE_CELL:
        for (row, column), weight in np.ndenumerate(weights):
            colour = readable_on(SHARES(weight / highest))
            ax.text(column, row, f"{weight:.2f}".lstrip("0"), ha="center", va="center", color=colour)
    return image
