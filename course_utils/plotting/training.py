"""How training went: one run, several runs, several learning rates, several training sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_utils.errors import InputError
from course_utils.plotting.colours import INK, SERIES, series_for
from course_utils.plotting.inputs import Numbers, as_numbers
from course_utils.plotting.style import (
    count_axis,
    described,
    drawing,
    label_lines,
    panels,
    prepare,
    style,
)
from course_utils.plotting.wording import number, plural, scientific, sentence

LOSSES = {"train_loss": "training", "validation_loss": "validation"}


def plot_history(
    records: Sequence[Mapping[str, float]],
    *,
    metric: str | None = None,
    learning_rates: Numbers | None = None,
    loss_label: str = "loss (nats)",
    metric_label: str | None = None,
) -> Figure:
    """Training and validation loss per epoch; below them, if given, a metric and the learning rate.

    Parameters
    ----------
    records : one row an epoch with ``epoch``, ``train_loss`` and ``validation_loss``, as ``fit`` returns them
    metric : key of a validation metric in the rows
    learning_rates : shape (num_steps,), one an optimiser step; each epoch has equally many steps
    loss_label, metric_label : labels with units; cross-entropy is in nats, a squared error is not

    Raises
    ------
    InputError
        If there are no rows, a key is missing, or the steps cannot be shared out among the epochs.

    Examples
    --------
    >>> rows = [{"epoch": 1, "train_loss": 0.9, "validation_loss": 0.7},
    ...         {"epoch": 2, "train_loss": 0.4, "validation_loss": 0.8}]
    >>> plot_history(rows).alt
    'Losses over 2 epochs, in loss (nats): training from 0.9 to 0.4; validation from 0.7 to 0.8, lowest 0.7 after
    epoch 1.'
    """
    if len(records) == 0:
        raise InputError("records must have one row an epoch, got none. Train for at least one epoch.")
    keys = ["epoch", *LOSSES, *([metric] if metric else [])]
    for key in keys:
        if any(key not in row for row in records):
            raise InputError(f'records have no "{key}" in every row; the first has {", ".join(map(str, records[0]))}.')
    columns = {key: as_numbers(key, [row[key] for row in records], shape=("num_epochs",)) for key in keys}
    epochs, validation = columns["epoch"], columns["validation_loss"]
    rates = None
    if learning_rates is not None:
        rates = as_numbers("learning_rates", learning_rates, shape=("num_steps",), low=0)
        if len(rates) % len(records):
            raise InputError(
                f"learning_rates must be equally many for each of {plural(len(records), 'epoch')}, got {len(rates)}."
            )

    best = int(validation.argmin())
    heights = [2.6] + [1.5] * ((metric is not None) + (rates is not None))
    figure, (top, *below) = panels(len(heights), height=sum(heights) + 0.6, row_heights=heights, share_x=True)
    with style():
        for ax in (top, *below):
            prepare(ax)
            ax.axvline(epochs[best], color=INK, linewidth=1, linestyle=(0, (1, 3)), zorder=1.5)
        for (key, name), series in zip(LOSSES.items(), SERIES):
            top.plot(epochs, columns[key], color=series.colour, marker=series.marker, linestyle=series.line, label=name)
        top.set_ylabel(loss_label)
        if metric:
            ax = below[0]
            ax.plot(epochs, columns[metric], color=SERIES[1].colour, marker=SERIES[1].marker, linestyle=SERIES[1].line)
            metric_label = metric_label or metric.replace("_", " ")
            ax.set_ylabel(metric_label)
        if rates is not None:
            steps_per_epoch = len(rates) // len(records)
            ax = below[-1]
            ax.plot(epochs[0] - 1 + np.arange(1, len(rates) + 1) / steps_per_epoch, rates, color=SERIES[2].colour)
            ax.set_ylabel("learning rate")
            ax.yaxis.set_major_formatter(lambda value, position: scientific(value) if value else "0")
        bottom = (top, *below)[-1]
        bottom.set_xlabel("epoch (dotted: lowest validation loss)")
        count_axis(bottom, "x")
        figure.align_ylabels()
        last = [(epochs[-1], columns[key][-1]) for key in LOSSES]
        label_lines(top, list(zip(LOSSES.values(), SERIES, last)))

    words = [
        f"Losses over {plural(len(records), 'epoch')}, in {loss_label}: training {_from_to(columns['train_loss'])}; "
        f"validation {_from_to(validation)}, lowest {number(validation[best])} after epoch {number(epochs[best])}."
    ]
    if metric:
        low, high = number(columns[metric].min()), number(columns[metric].max())
        words.append(f"{sentence(str(metric_label))}: {_from_to(columns[metric])}, between {low} and {high}.")
    if rates is not None:
        words.append(
            f"Learning rate over {plural(len(rates), 'step')}: {_from_to(rates)}, highest {number(rates.max())}."
        )
    return described(top, " ".join(words))


def plot_runs(
    runs: Mapping[str, Numbers],
    *,
    x: Numbers | None = None,
    x_label: str = "optimiser step",
    y_label: str = "training loss (nats)",
    smoothing: int = 1,
    ax: Axes | None = None,
) -> Figure:
    """Curves of several runs, each with its name at its end; loss curves, or schedules with another ``y_label``.

    Parameters
    ----------
    runs : float array of shape (num_steps,) by name; a curve ends where it stops being finite, with a cross
    x : shape (num_steps,), where the values were taken; 1, 2, 3, … by default
    x_label, y_label : what steps and values are, with their units
    smoothing : number of steps in a running mean; the values themselves are drawn pale behind it
    ax : to draw into; ``None`` makes a new figure

    Raises
    ------
    InputError
        If there are no runs or more than can be told apart, or a run has no finite first value.

    Examples
    --------
    >>> plot_runs({"warm-up": [2.0, 1.0, 0.5], "none": [2.0, 9.0, float("nan")]}).alt
    'Training loss (nats) against optimiser step. warm-up: from 2 to 0.5. none: from 2 to 9, not finite after
    optimiser step 2.'
    """
    styles = series_for(list(runs))
    values = {name: as_numbers(f'run "{name}"', run, shape=("num_steps",), finite=False) for name, run in runs.items()}
    longest = max(map(len, values.values()))
    steps = np.arange(1.0, longest + 1) if x is None else as_numbers("x", x, shape=("num_steps",))
    if len(steps) < longest:
        raise InputError(f"x must have a place for each of {plural(longest, 'step')}, got {len(steps)}.")
    if smoothing < 1:
        raise InputError(f"smoothing must be a number of steps of at least 1, got {smoothing}.")

    words, ends = [], []
    with drawing(ax) as axes:
        for position, (name, series) in enumerate(styles.items()):
            finite = np.isfinite(values[name])
            length = len(finite) if finite.all() else int(finite.argmin())
            if length < smoothing:
                raise InputError(f'run "{name}" has {length} finite values at its start; smoothing needs {smoothing}.')
            run = values[name][:length]
            smooth = np.convolve(run, np.full(smoothing, 1 / smoothing), mode="valid")
            if smoothing > 1:
                axes.plot(steps[:length], run, color=series.colour, linewidth=1, alpha=0.3)
            every = max(len(smooth) // 6, 1)
            axes.plot(
                steps[smoothing - 1 : length],
                smooth,
                color=series.colour,
                linestyle=series.line,
                marker=series.marker,
                markevery=(position * every // len(styles), every),
                label=name,
            )
            end = (steps[length - 1], smooth[-1])
            words.append(f"{name}: {_from_to(smooth)}")
            label = name
            if length < len(finite):
                axes.plot(*end, color=INK, marker="x", markersize=10, markeredgewidth=2)
                label = f"{name}: not finite after {number(end[0])}"
                words[-1] += f", not finite after {x_label} {number(end[0])}"
            ends.append((label, series, end))
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        label_lines(axes, ends)
    what = sentence(y_label) + (f", mean over {smoothing} steps," if smoothing > 1 else "")
    return described(axes, f"{what} against {x_label}. {'. '.join(words)}.", given=ax)


def _from_to(values: np.ndarray) -> str:
    return f"from {number(values[0])} to {number(values[-1])}"
