"""How a result changes with the learning rate, the number of examples or the length of the input."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from course_utils.errors import InputError
from course_utils.plotting.colours import INK, SERIES, series_for
from course_utils.plotting.inputs import Intervals, Numbers, as_intervals, as_numbers
from course_utils.plotting.style import described, drawing, label_lines, log_axis, reference_line
from course_utils.plotting.wording import number, plural, scientific, sentence


def plot_learning_rate_sweep(
    learning_rates: Numbers,
    results: Numbers,
    *,
    higher_is_better: bool = False,
    reference: tuple[str, float] | None = None,
    y_label: str = "validation loss (nats)",
    ax: Axes | None = None,
) -> Figure:
    """The result of each learning rate, one point a seed, their means joined; runs that diverged are marked on top.

    Parameters
    ----------
    learning_rates : shape (num_rates,), positive, rising
    results : shape (num_rates,) or (num_rates, num_seeds); NaN or infinity for a run that diverged
    higher_is_better : whether the best rate is that of the highest mean
    reference : name and value of a dashed line, such as the loss before training
    y_label : what the results are, with their unit
    ax : to draw into; ``None`` makes a new figure

    Raises
    ------
    InputError
        If the shapes do not fit, the rates do not rise, or every rate has a run that diverged.

    Examples
    --------
    >>> plot_learning_rate_sweep([1e-5, 1e-4, 1e-3], [0.6, 0.3, float("nan")]).alt
    'Validation loss (nats) against learning rate, 1 seed each. 1e-5: 0.6; 1e-4: 0.3; 1e-3: 1 of 1 diverged. Best: 1e-4
    with 0.3.'
    """
    rates = as_numbers("learning_rates", learning_rates, shape=("num_rates",), low=0)
    if rates[0] == 0 or (np.diff(rates) <= 0).any():
        raise InputError(f"learning_rates must be positive and rise, got {', '.join(map(number, rates))}. Sort them.")
    table = np.asarray(results, dtype=object)
    table = as_numbers(
        "results",
        table[:, None] if table.ndim == 1 else table,
        shape=(len(rates), "num_seeds"),
        finite=False,
    )
    diverged = (~np.isfinite(table)).sum(axis=1)
    kept = diverged == 0
    if not kept.any():
        raise InputError("results must have a rate without a run that diverged, got none. Add lower learning rates.")
    means = np.where(kept, np.where(kept[:, None], table, 0).mean(axis=1), np.nan)
    best = int(np.nanargmax(means) if higher_is_better else np.nanargmin(means))

    line = SERIES[0]
    with drawing(ax) as axes:
        log_axis(axes, rates, scientific)
        for seed in table.T:
            axes.plot(rates, seed, "o", color=line.colour, markersize=4, alpha=0.6)
        axes.plot(rates, means, color=line.colour, marker=line.marker, label="mean")
        axes.plot(rates[best], means[best], "o", markersize=15, markerfacecolor="none", color=INK, markeredgewidth=1.5)
        if reference:
            reference_line(axes, *reference, axis="y")
        axes.margins(x=0.1, y=0.15)
        if diverged.any():
            low, high = axes.get_ylim()
            axes.set_ylim(low, high + 0.35 * (high - low))  # room for the crosses
            crossed = rates[~kept]
            axes.plot(crossed, np.full(len(crossed), 0.95), "x", color=INK, transform=axes.get_xaxis_transform())
            for rate, count in zip(crossed, diverged[~kept]):
                axes.annotate(
                    f"{count} of {table.shape[1]}\ndiverged",
                    (rate, 0.95),
                    xycoords=axes.get_xaxis_transform(),
                    xytext=(0, -8),
                    textcoords="offset points",
                    ha="center",
                    va="top",
                )
        axes.set_xlabel("learning rate (log scale)\nring: best mean")
        axes.set_ylabel(y_label)
    words = "; ".join(
        f"{scientific(rate)}: " + (f"{count} of {table.shape[1]} diverged" if count else number(mean))
        for rate, mean, count in zip(rates, means, diverged)
    )
    alt = (
        f"{sentence(y_label)} against learning rate, {plural(table.shape[1], 'seed')} each. {words}. "
        f"Best: {scientific(rates[best])} with {number(means[best])}."
    )
    if reference:
        alt += f" {reference[0]}: {number(reference[1])}."
    return described(axes, alt, given=ax)


def plot_learning_curves(
    num_examples: Numbers,
    scores: Mapping[str, Numbers],
    *,
    intervals: Mapping[str, Intervals] | None = None,
    y_label: str = "accuracy (share)",
    ax: Axes | None = None,
) -> Figure:
    """Score against the number of training examples, with a band around each curve.

    Parameters
    ----------
    num_examples : shape (num_sizes,), positive, rising
    scores : by name, shape (num_sizes, num_seeds), drawn as their mean in a band from the lowest to the highest;
        with ``intervals`` shape (num_sizes,)
    intervals : by the same names, for each size a 95 % interval from ``metrics`` or a pair of low and high
    y_label : what the scores are, with their unit
    ax : to draw into; ``None`` makes a new figure

    Raises
    ------
    InputError
        If the shapes or names do not fit, or there are more curves than can be told apart.

    Examples
    --------
    >>> plot_learning_curves([50, 200], {"pretrained": [[0.7, 0.8], [0.9, 0.92]]}).alt
    'Accuracy (share) against training examples, with bands from the lowest to the highest of 2 seeds. pretrained: 0.75
    with 50, 0.91 with 200 (0.9 to 0.92).'
    """
    styles = series_for(list(scores))
    sizes = as_numbers("num_examples", num_examples, shape=("num_sizes",), low=1)
    if (np.diff(sizes) <= 0).any():
        raise InputError(f"num_examples must rise, got {', '.join(map(number, sizes))}. Sort them.")
    if intervals is not None and set(intervals) != set(scores):
        raise InputError(f"intervals must have the names of scores, got {sorted(intervals)} and {sorted(scores)}.")

    words, ends = [], []
    num_seeds: set[int] = set()
    with drawing(ax) as axes:
        log_axis(axes, sizes, number)
        for name, series in styles.items():
            if intervals is None:
                table = as_numbers(f'scores of "{name}"', scores[name], shape=(len(sizes), "num_seeds"))
                num_seeds.add(table.shape[1])
                means, low, high = table.mean(axis=1), table.min(axis=1), table.max(axis=1)
            else:
                means = as_numbers(f'scores of "{name}"', scores[name], shape=(len(sizes),))
                low, high = as_intervals(f'intervals of "{name}"', intervals[name], len(sizes)).T
            axes.fill_between(sizes, low, high, color=series.colour, alpha=0.2, linewidth=0)
            axes.plot(
                sizes, means, color=series.colour, marker=series.marker, linestyle=series.line, label=name, zorder=3
            )
            ends.append((name, series, (sizes[-1], means[-1])))
            told = ", ".join(f"{number(mean)} with {number(size)}" for mean, size in zip(means, sizes))
            words.append(f"{name}: {told} ({number(low[-1])} to {number(high[-1])}).")
        least, most = min(num_seeds, default=0), max(num_seeds, default=0)
        seeds = plural(most, "seed") if least == most else f"{least} to {most} seeds"
        band = "95 % intervals" if intervals is not None else f"from the lowest to the highest of {seeds}"
        axes.set_xlabel(f"training examples (log scale)\nbands: {band}")
        axes.set_ylabel(y_label)
        label_lines(axes, ends)
    bands = "with bands " + ("of 95 % intervals" if intervals is not None else band)
    alt = f"{sentence(y_label)} against training examples, {bands}. {' '.join(words)}"
    return described(axes, alt, given=ax)


def plot_cost(
    lengths: Numbers,
    costs: Mapping[str, Numbers],
    *,
    x_label: str = "length (tokens)",
    y_label: str = "time (ms)",
    ax: Axes | None = None,
) -> Figure:
    """Cost against length on logarithmic axes, each curve with the power law that fits it best.

    A straight line on these axes is a power law, and its slope the exponent: 1 for a cost that grows with the length,
    2 for one that grows with its square. It is fitted by least squares on the logarithms, over all lengths given.

    Parameters
    ----------
    lengths : shape (num_lengths,), at least two, positive, rising
    costs : shape (num_lengths,) by name, positive
    x_label, y_label : what lengths and costs are, with their units
    ax : to draw into; ``None`` makes a new figure

    Raises
    ------
    InputError
        If the shapes do not fit, a number is not positive, or there are more curves than can be told apart.

    Examples
    --------
    >>> plot_cost([64, 128, 256], {"scores": [1, 4, 16], "layer": [3, 6, 12]}).alt
    'Time (ms) against length (tokens), both logarithmic. scores: from 1 at 64 to 16 at 256, exponent 2. layer: from 3
    at 64 to 12 at 256, exponent 1.'
    """
    styles = series_for(list(costs))
    sizes = as_numbers("lengths", lengths, shape=("num_lengths",))
    values = {name: as_numbers(f'costs of "{name}"', cost, shape=(len(sizes),)) for name, cost in costs.items()}
    if len(sizes) < 2 or (np.diff(sizes) <= 0).any() or min(sizes[0], *map(np.min, values.values())) <= 0:
        raise InputError("lengths must be two or more that rise; lengths and costs must be above 0.")
    words, ends = [], []
    with drawing(ax, grid="both") as axes:
        log_axis(axes, sizes, number)
        for name, series in styles.items():
            exponent, constant = np.polyfit(np.log(sizes), np.log(values[name]), 1)
            fitted = np.exp(constant) * sizes**exponent
            axes.plot(sizes, fitted, color=series.colour, linestyle=series.line, linewidth=1.5)
            axes.plot(sizes, values[name], series.marker, color=series.colour, label=name)
            ends.append((f"{name}: exponent {exponent:.2f}", series, (sizes[-1], fitted[-1])))
            first, last = values[name][[0, -1]]
            words.append(
                f"{name}: from {number(first)} at {number(sizes[0])} to {number(last)} at {number(sizes[-1])}, "
                f"exponent {number(round(exponent, 2))}."
            )
        axes.set_yscale("log")
        decades = np.log10(max(map(np.max, values.values())) / min(map(np.min, values.values())))
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0,) if decades > 2 else (1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set_xlabel(f"{x_label}, log scale")
        axes.set_ylabel(f"{y_label}, log scale")
        label_lines(axes, ends)
    alt = f"{sentence(y_label)} against {x_label}, both logarithmic. {' '.join(words)}"
    return described(axes, alt, given=ax)
