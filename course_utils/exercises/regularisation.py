"""Exercises of notebook 07 on overfitting and what is done about it: curves, early stopping, penalties."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from course_utils.exercises import Exercise, Inputs, Mistake, normal

if TYPE_CHECKING:
    import torch

# 07.1

_VERDICTS = ["underfits", "overfits", "fits", "diverges"]


def _verdicts(**changed: str) -> list[str]:
    """The right answer but for some places: ``_verdicts(b="fits")``."""
    return [changed.get(letter, verdict) for letter, verdict in zip("abcd", _VERDICTS)]


curves = Exercise(
    id="07.1",
    title="Read four pairs of curves",
    kind="recall",
    stub="""\
# Losses of four runs with two labels, first epoch -> last epoch. Each is one of
# "fits", "overfits", "underfits" (has learned too little), "diverges" (gets worse where it trains):
#   a. train 0.69 -> 0.68, validation 0.69 -> 0.69
#   b. train 0.66 -> 0.02, validation 0.62 -> 1.10, lowest in epoch 3
#   c. train 0.66 -> 0.35, validation 0.62 -> 0.41, lowest in the last epoch
#   d. train 0.75 -> 2.30, validation 0.90 -> 2.10
verdicts = ...
""",
    reference=_VERDICTS,
    mistakes=(
        Mistake(
            _verdicts(a="fits"),
            "Look at a. Both curves stay together, but where? Compare with the loss of a model that knows nothing.",
        ),
        Mistake(
            _verdicts(b="diverges"),
            "Look at b. Its validation loss rises, yes. And the loss on what it trains on?",
        ),
        Mistake(
            _verdicts(c="overfits"),
            "Look at c. A train loss below the validation loss is usual. Has the validation loss begun to rise?",
        ),
        Mistake(
            _verdicts(d="overfits"),
            "Look at d. Whoever learns examples by heart gets better on them. Does this run?",
        ),
        Mistake(
            _verdicts(c="underfits"),
            "Look at c. It could go on, since the curve still falls. But has it learned too little to be of any use?",
        ),
        Mistake(
            _verdicts(b="diverges", d="overfits"),
            "Look at the train losses of b and d alone, and then at the words in brackets in the task.",
        ),
    ),
)

# 07.2


def early_stopping(losses: Sequence[float], patience: int) -> tuple[int, int]:
    """Epochs that are run, and the best of them, counted from 1."""
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        elif epoch - best >= patience:
            return epoch + 1, best + 1
    return len(losses), best + 1


def _loss_curves(random: np.random.Generator) -> Iterator[Inputs]:
    yield [0.7, 0.5, 0.6, 0.4, 0.45, 0.44, 0.43, 0.9], 2
    yield [0.7, 0.5, 0.6, 0.4, 0.45, 0.44, 0.3, 0.9], 1
    yield [0.7, 0.6, 0.65, 0.55, 0.6, 0.5, 0.52, 0.51], 2
    yield [0.7, 0.6, 0.5, 0.4], 1
    yield [0.6, 0.5, 0.5, 0.45, 0.5, 0.5], 1
    yield random.uniform(0.3, 0.9, 9).round(2).tolist(), 2


def _stops_by(
    *,
    better: Callable[[float, Sequence[float], int, int], bool] = lambda loss, losses, best, epoch: loss < losses[best],
    resets: bool = True,
    late: int = 0,
    answer: Callable[[int, int], tuple[int, int]] = lambda epochs, best: (epochs, best),
) -> Callable[[Sequence[float], int], tuple[int, int]]:
    """A wrong rule: what counts as better, whether a gain is a new start, how late it stops, what it returns."""

    def wrong(losses: Sequence[float], patience: int) -> tuple[int, int]:
        best = waited = 0
        for epoch, loss in enumerate(losses):
            if epoch == 0 or better(loss, losses, best, epoch):
                best, waited = epoch, 0 if resets else waited
            else:
                waited += 1
            if waited >= patience + late:
                return answer(epoch + 1, best + 1)
        return answer(len(losses), best + 1)

    return wrong


stopping = Exercise(
    id="07.2",
    title="Early stopping as a function",
    kind="apply",
    stub='''\
def early_stopping(losses, patience):
    """When training stops, and which weights are kept.

    losses: list with the validation loss after each epoch, as it would be if nobody stopped; patience: training stops
    after so many epochs in a row that were not better than the best so far. Equal is not better.
    Returns two whole numbers, both counted from 1: epochs that are run, the epoch with the best weights.
    """
    ...
''',
    reference=early_stopping,
    cases=_loss_curves,
    mistakes=(
        Mistake(
            lambda losses, patience: (len(losses), int(np.argmin(losses)) + 1),
            "You look at the whole list and stop nowhere. When you decide, the later losses do not exist yet.",
        ),
        Mistake(
            _stops_by(better=lambda loss, losses, best, epoch: loss < losses[epoch - 1]),
            "You compare with the epoch before. A loss can fall a little and still be worse than the best so far.",
        ),
        Mistake(
            _stops_by(resets=False),
            "You add up all epochs without a gain. Each new best one starts the count from 0 again: they must be in a "
            "row.",
        ),
        Mistake(
            _stops_by(late=1),
            "You stop one epoch late. With a patience of 1, the first epoch that is no better is the last that is run.",
        ),
        Mistake(
            _stops_by(answer=lambda epochs, best: (epochs, best - 1)),
            "The number of the best epoch is one too small. Lists begin at 0, epochs here at 1.",
        ),
        Mistake(
            _stops_by(answer=lambda epochs, best: (best, best)),
            "Those are the weights to keep. The epochs spent on waiting were run, too, and have cost time.",
        ),
        Mistake(
            _stops_by(answer=lambda epochs, best: (epochs, epochs)),
            "You keep the last weights. Training stopped because they were not the best.",
        ),
        Mistake(
            _stops_by(better=lambda loss, losses, best, epoch: loss <= losses[best]),
            "You count an equal loss as a gain. It is none.",
        ),
    ),
)

# 07.3


def pull(weights: torch.Tensor, start: torch.Tensor, kind: str, strength: float) -> torch.Tensor:
    """Slope of a penalty."""
    if kind == "l1":
        return strength * weights.sign()
    centre = start if kind == "start" else 0.0
    return 2 * strength * (weights - centre)


def _weights(random: np.random.Generator) -> Iterator[Inputs]:
    for kind in ("l1", "l2", "start"):
        for size in (2, 5):
            start = normal(random, size) + 1
            weights = start + 0.3 * normal(random, size)
            weights[0] = -weights[0].abs()  # both sides of 0
            yield weights, start, kind, float(random.uniform(0.1, 0.5))


penalties = Exercise(
    id="07.3",
    title="Where a penalty pulls",
    kind="apply",
    stub='''\
def pull(weights, start, kind, strength):
    """What a penalty adds to the gradient.

    weights, start: tensors of one shape, the weights now and the pretrained ones; strength: one number.
    kind: "l1" for strength times the sum of |w|, "l2" for strength times the sum of w squared,
    "start" for strength times the sum of (w - start) squared.
    Returns a tensor of the same shape: the slope of the penalty in each weight.
    """
    ...
''',
    reference=pull,
    cases=_weights,
    mistakes=(
        Mistake(
            lambda weights, start, kind, strength: (
                strength * weights.sign() if kind == "l1" else 2 * strength * weights
            ),
            "Your penalty of the third kind pulls towards 0 like the second. Where is it 0, and so has no slope?",
        ),
        Mistake(
            lambda weights, start, kind, strength: (
                strength * (weights.sign() if kind == "l1" else weights - start if kind == "start" else weights)
            ),
            "The slope of a square has a factor in front that is missing here.",
        ),
        Mistake(
            lambda weights, start, kind, strength: -pull(weights, start, kind, strength),
            "The signs are turned round. A gradient points uphill; it is the optimiser that goes the other way.",
        ),
        Mistake(
            lambda weights, start, kind, strength: (
                2 * strength * (start - weights) if kind == "start" else pull(weights, start, kind, strength)
            ),
            "For the third kind you push away from the start. Which way does the penalty grow?",
        ),
        Mistake(
            lambda weights, start, kind, strength: (
                strength * weights.abs() if kind == "l1" else pull(weights, start, kind, strength)
            ),
            "For L1 you return the penalty itself. How steep is the absolute value, left and right of 0?",
        ),
        Mistake(
            lambda weights, start, kind, strength: (
                strength * weights / weights if kind == "l1" else pull(weights, start, kind, strength)
            ),
            "For L1 your slope is the same everywhere. Left of 0 the absolute value falls.",
        ),
        Mistake(
            lambda weights, start, kind, strength: (
                {
                    "l1": weights.abs(),
                    "l2": weights**2,
                    "start": (weights - start) ** 2,
                }[kind]
                * strength
            ),
            "These are the penalties of the single weights. What is asked is how each grows when its weight does.",
        ),
    ),
)

EXERCISES = (curves, stopping, penalties)
