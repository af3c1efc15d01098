"""What the scores say: confusions, calibration, seeds, slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_utils.errors import InputError
from course_utils.metrics import ReliabilityBin
from course_utils.plotting.colours import GRID, INK, MUTED, PLATE, SERIES, SHARES, readable_on
from course_utils.plotting.inputs import Intervals, Numbers, as_intervals, as_numbers
from course_utils.plotting.style import (
    FONT_SIZE,
    SMALL,
    WIDE,
    WIDTH,
    count_axis,
    described,
    drawing,
    panels,
    prepare,
    reference_line,
    style,
)
from course_utils.plotting.wording import number, percent, plural, rounded, sentence, whole_percent, wrapped

MANY_LABELS = 7  # from so many labels on the letters in a confusion matrix are small


def plot_confusion_matrix(counts: Numbers, label_names: Sequence[str], *, ax: Axes | None = None) -> Figure:
    """Counts and, below them and as colour, the share of the row: where the examples of each gold label went.

    Parameters
    ----------
    counts : shape (num_labels, num_labels), row gold, column predicted, as ``metrics.confusion_matrix`` returns it
    label_names : in the order of the rows
    ax : to draw into; ``None`` makes a new figure

    Raises
    ------
    InputError
        If the matrix does not fit the names, or holds no examples or something else than counts.

    Examples
    --------
    >>> plot_confusion_matrix([[8, 2], [1, 9]], ["negative", "positive"]).alt
    'Confusion matrix of 20 examples, rows gold, columns predicted. Correct: 85 %; negative 80 % of 10, positive 90 % of
    10. Most frequent confusion: negative taken for positive, 2 times (20 % of negative).'
    """
    names = [str(name) for name in label_names]
    size = len(names)
    table = as_numbers("counts", counts, shape=(size, size), low=0)
    if table.sum() == 0 or (table != table.round()).any():
        raise InputError("counts must be whole numbers, at least one above 0. Give counts, not shares.")
    totals = table.sum(axis=1)
    shares = np.divide(table, totals[:, None], out=np.zeros_like(table), where=totals[:, None] > 0)

    small = size >= MANY_LABELS
    cell = 0.42 if small else 0.8  # inches
    turned = small or max(map(len, names)) > 8
    below = 0.1 * max(map(len, names)) if turned else 0.2  # inches
    with drawing(ax, width=WIDE if small else WIDTH, height=size * cell + below + 0.8, grid="") as axes:
        axes.spines[:].set_visible(False)
        axes.imshow(shares, cmap=SHARES, vmin=0, vmax=1)
        for row, column in np.argwhere(table):
            count, share = int(table[row, column]), shares[row, column]
            shown = f"{count / 1000:.3g}k" if small and count >= 10_000 else f"{count:,}"
            axes.text(
                column,
                row,
                f"{shown}\n{whole_percent(share)}",
                ha="center",
                va="center",
                fontsize=SMALL if small else FONT_SIZE,
                linespacing=1.1,
                color=readable_on(SHARES(share)),
            )
        axes.set_xticks(range(size), names, rotation=90 if turned else 0)
        axes.set_yticks(range(size), [f"{wrapped(name)}  n = {int(total):,}" for name, total in zip(names, totals)])
        axes.set_xticks(np.arange(size + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(size + 1) - 0.5, minor=True)
        axes.grid(visible=True, which="minor", color=GRID, linewidth=1)
        axes.tick_params(which="both", length=0)
        axes.set_xlabel("predicted label (empty: no example)")
        axes.set_ylabel("gold label")

    right = [f"{name} {percent(shares[k, k])} of {int(totals[k]):,}" for k, name in enumerate(names)]
    alt = (
        f"Confusion matrix of {plural(int(table.sum()), 'example')}, rows gold, columns predicted. "
        f"Correct: {percent(np.trace(table) / table.sum())}; {', '.join(right)}. "
    )
    wrong = table - np.diag(np.diag(table))
    row, column = divmod(int(wrong.argmax()), size)
    if wrong.any():
        times = plural(int(wrong[row, column]), "time")
        share = percent(shares[row, column])
        alt += f"Most frequent confusion: {names[row]} taken for {names[column]}, {times} ({share} of {names[row]})."
    else:
        alt += "No confusion."
    return described(axes, alt, given=ax)


def plot_reliability(bins: Sequence[ReliabilityBin], *, null_band: bool = False) -> Figure:
    """Accuracy against confidence, bin by bin, and below how many examples each bin has.

    Parameters
    ----------
    bins : by rising confidence, as ``metrics.reliability_bins`` returns them
    null_band : whether to show where the accuracies of a perfectly calibrated model lie in 95 % of samples of this
        size; with few examples even such a model is not on the diagonal. Right answers in a bin are taken as binomial
        with the bin's mean confidence, which makes the band a little too wide where confidences differ within a bin

    Raises
    ------
    InputError
        If there are no bins, a bin is empty, or a share lies outside [0, 1].

    References
    ----------
    Guo et al. (2017), On Calibration of Modern Neural Networks, figure 1.
    Bröcker and Smith (2007), Increasing the Reliability of Reliability Diagrams, for the band.

    Examples
    --------
    >>> bins = [ReliabilityBin(0.5, 0.75, confidence=0.6, accuracy=0.5, count=10),
    ...         ReliabilityBin(0.75, 1.0, confidence=0.95, accuracy=0.9, count=30)]
    >>> plot_reliability(bins).alt
    'Reliability diagram of 40 examples in 2 bins. Mean confidence 0.863, accuracy 0.8. Most of the gap: confidence
    0.95, accuracy 0.9, 30 examples.'
    """
    shape = ("num_bins",)
    confidence = as_numbers("confidence", [one.confidence for one in bins], shape=shape, low=0, high=1)
    accuracy = as_numbers("accuracy", [one.accuracy for one in bins], shape=shape, low=0, high=1)
    count = as_numbers("count", [one.count for one in bins], shape=shape, low=1)
    edges = np.array([(one.low, one.high) for one in bins])

    figure, (top, bottom) = panels(2, height=5.6, row_heights=[4, 1], share_x=True)
    with style():
        prepare(top, grid="both")
        prepare(bottom)
        low = np.floor(10 * edges.min()) / 10
        top.plot([low, 1], [low, 1], color=MUTED, linewidth=1.5, linestyle=(0, (4, 3)), label="perfect")
        top.vlines(confidence, confidence, accuracy, color=SERIES[1].colour, linewidth=2, label="gap")
        top.plot(confidence, accuracy, SERIES[0].marker, color=SERIES[0].colour, markersize=8, label="this model")
        if null_band:
            band = _null_band(confidence, count)
            top.fill_between(confidence, *band.T, color=MUTED, alpha=0.2, linewidth=0, label="perfect, 95 % of samples")
        top.set(xlim=(low - 0.03, 1.03), ylabel="accuracy (share)")
        top.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
        bottom.bar(edges.mean(axis=1), count, width=np.diff(edges)[:, 0], color=SERIES[0].colour, edgecolor=PLATE)
        bottom.set(xlabel="confidence (share)", ylabel="examples")
        count_axis(bottom, "y")
        figure.align_ylabels()

    gap = int((count * np.abs(accuracy - confidence)).argmax())
    alt = (
        f"Reliability diagram of {plural(int(count.sum()), 'example')} in {plural(len(bins), 'bin')}. "
        f"Mean confidence {number(np.average(confidence, weights=count))}, "
        f"accuracy {number(np.average(accuracy, weights=count))}. "
        f"Most of the gap: confidence {number(confidence[gap])}, accuracy {number(accuracy[gap])}, "
        f"{plural(int(count[gap]), 'example')}."
    )
    if null_band:
        outside = int(np.sum((accuracy < band[:, 0]) | (accuracy > band[:, 1])))
        alt += f" {plural(outside, 'bin')} outside the band of a perfectly calibrated model."
    return described(top, alt)


def plot_seeds(
    scores: Mapping[str, Numbers],
    *,
    reference: tuple[str, float] | None = None,
    x_label: str = "accuracy (share)",
    ax: Axes | None = None,
) -> Figure:
    """One point a seed, one row a setting; beside them mean and sample standard deviation.

    Parameters
    ----------
    scores : shape (num_seeds,) by setting; the number of seeds may differ
    reference : name and value of a dashed line, such as a baseline
    x_label : what the scores are, with their unit
    ax : to draw into; ``None`` makes a new figure

    Raises
    ------
    InputError
        If there are no settings, or a setting has no finite scores.

    Examples
    --------
    >>> plot_seeds({"mean": [0.8, 0.84], "first token": [0.7]}, reference=("majority", 0.5)).alt
    'Accuracy (share) of several seeds. mean: 2 seeds, mean 0.820, standard deviation 0.028. first token: 1 seed, 0.7.
    majority: 0.5.'
    """
    values = {name: as_numbers(f'scores of "{name}"', seeds, shape=("num_seeds",)) for name, seeds in scores.items()}
    if not values:
        raise InputError("scores must have at least one setting, got none.")
    words, told = [], []
    with drawing(ax, height=0.55 * len(values) + 1.2, grid="x") as axes:
        for row, (name, seeds) in enumerate(values.items()):
            mean = float(seeds.mean())
            # Equal scores would hide each other: the points of a row lie on four heights in turn.
            heights = row + 0.2 * np.resize([-0.5, 0.5, -1.0, 1.0], len(seeds))
            axes.plot(seeds, heights, "o", color=SERIES[0].colour, alpha=0.8, label=name)
            axes.plot([mean], [row], "|", color=INK, markersize=20, markeredgewidth=2.5)
            if len(seeds) > 1:
                spread = float(seeds.std(ddof=1))
                middle, width = rounded(mean, spread), rounded(spread, spread)
                axes.plot([mean - spread, mean + spread], [row, row], color=INK, linewidth=1.5)
                told.append(f"{middle} ± {width}")
                words.append(f"{len(seeds)} seeds, mean {middle}, standard deviation {width}")
            else:
                told.append(number(mean))
                words.append(f"1 seed, {number(mean)}")
        _rows(axes, [wrapped(name) for name in values], told)
        if reference:
            reference_line(axes, *reference, axis="x")
        axes.set_xlabel(f"{x_label}\nbar: mean ± standard deviation")
    alt = f"{sentence(x_label)} of several seeds. " + " ".join(f"{n}: {w}." for n, w in zip(values, words))
    return described(axes, alt + _reference(reference), given=ax)


def plot_slices(
    names: Sequence[str],
    scores: Numbers,
    intervals: Intervals,
    counts: Numbers,
    *,
    reference: tuple[str, float] | None = None,
    x_label: str = "accuracy (share)",
    ax: Axes | None = None,
) -> Figure:
    """Score of each slice of the data with its 95 % interval, and its number of examples beside its name.

    Parameters
    ----------
    names : of the slices, from the top
    scores, counts : shape (num_slices,)
    intervals : of each slice, as ``metrics.bootstrap_interval`` returns them, or pairs of low and high
    reference : name and value of a dashed line, such as the score of all examples
    x_label : what the scores are, with their unit
    ax : to draw into; ``None`` makes a new figure

    Raises
    ------
    InputError
        If the shapes do not fit.

    Examples
    --------
    >>> plot_slices(["short", "long"], [0.9, 0.7], [(0.86, 0.93), (0.55, 0.82)], [250, 40]).alt
    'Accuracy (share) by slice, with 95 % intervals. short: 0.900 [0.860, 0.930], n = 250. long: 0.70 [0.55, 0.82], n =
    40.'
    """
    score = as_numbers("scores", scores, shape=("num_slices",))
    count = as_numbers("counts", counts, shape=(len(score),), low=0)
    bounds = as_intervals("intervals", intervals, len(score))
    if len(names) != len(score):
        raise InputError(f"names must have one for each of {plural(len(score), 'score')}, got {len(names)}.")
    told = []
    for one, (low, high) in zip(score, bounds):
        middle, left, right = (rounded(value, high - low) for value in (one, low, high))
        told.append(f"{middle} [{left}, {right}]")
    with drawing(ax, height=0.5 * len(score) + 1.2, grid="x") as axes:
        rows = np.arange(len(score))
        axes.hlines(rows, *bounds.T, color=SERIES[0].colour, linewidth=2.5)
        axes.plot(score, rows, SERIES[0].marker, color=SERIES[0].colour, markersize=8)
        _rows(axes, [f"{wrapped(name)}\nn = {n:,.0f}" for name, n in zip(names, count)], told)
        if reference:
            reference_line(axes, *reference, axis="x")
        axes.set_xlabel(f"{x_label}\nline: 95 % interval")
    words = [f"{name}: {text}, n = {n:,.0f}." for name, text, n in zip(names, told, count)]
    alt = f"{sentence(x_label)} by slice, with 95 % intervals. {' '.join(words)}{_reference(reference)}"
    return described(axes, alt, given=ax)


def _null_band(confidence: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Shape (num_bins, 2): ends of the accuracies that a perfectly calibrated model has in 95 % of samples."""
    from scipy.stats import binom

    return np.transpose(binom.interval(0.95, count, confidence)) / count[:, None]


def _rows(ax: Axes, names: Sequence[str], numbers: Sequence[str]) -> None:
    """Names at the left of the rows, from the top, numbers at their right."""
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    for row, text in enumerate(numbers):
        ax.annotate(text, (1.02, row), xycoords=("axes fraction", "data"), va="center", annotation_clip=False)


def _reference(reference: tuple[str, float] | None) -> str:
    return f" {reference[0]}: {number(reference[1])}." if reference else ""
