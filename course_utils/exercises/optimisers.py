"""Exercises of notebook 03 on optimisers, steps and learning rates."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from course_utils.exercises import Exercise, Inputs, Mistake, normal

if TYPE_CHECKING:
    from torch import Tensor

# 03.4


def adamw_step(
    weight: Tensor,
    gradient: Tensor,
    mean: Tensor,
    square: Tensor,
    step: int,
    learning_rate: float,
    weight_decay: float,
) -> Tensor:
    """One step of AdamW with its usual constants."""
    mean = 0.9 * mean + 0.1 * gradient
    square = 0.999 * square + 0.001 * gradient**2
    direction = mean / (1 - 0.9**step) / ((square / (1 - 0.999**step)).sqrt() + 1e-8)
    return weight - learning_rate * (direction + weight_decay * weight)


def _optimiser_states(random: np.random.Generator) -> Iterator[Inputs]:
    for step, size, learning_rate, weight_decay in ((1, 2, 0.1, 0.5), (2, 3, 0.2, 0.3), (10, 2, 0.1, 0.4)):
        past = 0 if step == 1 else 1  # before the first step both averages are 0
        mean, square = past * normal(random, size), past * (0.5 + normal(random, size) ** 2)
        yield 2 + normal(random, size), normal(random, size), mean, square, step, learning_rate, weight_decay


def _variant(
    direction: Callable[[Tensor, Tensor, Tensor, int], Tensor] | None = None,
    *,
    coupled: bool = False,
    update: Callable[[Tensor, Tensor, float, float], Tensor] | None = None,
) -> Callable[..., Tensor]:
    """AdamW with one part replaced: ``direction(gradient, mean, square, step)`` or ``update(weight, ...)``."""

    def usual(gradient: Tensor, mean: Tensor, square: Tensor, step: int) -> Tensor:
        return mean / (1 - 0.9**step) / ((square / (1 - 0.999**step)).sqrt() + 1e-8)

    def wrong(
        weight: Tensor, gradient: Tensor, mean: Tensor, square: Tensor, step: int, rate: float, decay: float
    ) -> Tensor:
        if coupled:
            gradient, decay = gradient + decay * weight, 0.0
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        way = (direction or usual)(gradient, mean, square, step)
        return update(weight, way, rate, decay) if update else weight - rate * (way + decay * weight)

    return wrong


def _before_this_step(
    weight: Tensor, gradient: Tensor, mean: Tensor, square: Tensor, step: int, rate: float, decay: float
) -> Tensor:
    direction = mean / (1 - 0.9**step) / ((square / (1 - 0.999**step)).sqrt() + 1e-8)
    return weight - rate * (direction + decay * weight)


adamw = Exercise(
    id="03.4",
    title="One step of AdamW",
    kind="apply",
    stub='''\
def adamw_step(weight, gradient, mean, square, step, learning_rate, weight_decay):
    """The weights after one step of AdamW, with betas 0.9 and 0.999 and epsilon 1e-8.

    weight, gradient: tensors of one shape; mean, square: the two running averages *before* this step, same shape;
    step: number of this step, from 1. Returns the new weights.
    """
    ...
''',
    reference=adamw_step,
    cases=_optimiser_states,
    mistakes=(
        Mistake(
            _variant(coupled=True),
            "The decay has gone into the gradient, and so through Adam's averages. That is L2 inside Adam. "
            "In AdamW the decay bypasses them.",
        ),
        Mistake(
            _variant(lambda gradient, mean, square, step: mean / (square.sqrt() + 1e-8)),
            "The averages start at 0 and are too small at first. Both have to be corrected before they are used.",
        ),
        Mistake(
            _variant(lambda gradient, mean, square, step: mean / (1 - 0.9**step) / (square.sqrt() + 1e-8)),
            "The mean is corrected for its start at 0, the average of the squares is not.",
        ),
        Mistake(
            _variant(lambda gradient, mean, square, step: mean / (1 - 0.9**step) / (square / (1 - 0.999**step) + 1e-8)),
            "You divide by the average *square*. Its root has the size of a gradient, so that the units cancel.",
        ),
        Mistake(
            _variant(lambda gradient, mean, square, step: gradient / ((square / (1 - 0.999**step)).sqrt() + 1e-8)),
            "You step along the gradient of this step alone. Adam steps along a running average of the gradients.",
        ),
        Mistake(
            _variant(update=lambda weight, way, rate, decay: weight + rate * (way - decay * weight)),
            "Uphill. The gradient says where the loss grows; a step goes the other way.",
        ),
        Mistake(
            _variant(update=lambda weight, way, rate, decay: (1 - decay) * weight - rate * way),
            "The decay is too strong: in AdamW it is multiplied by the learning rate as well.",
        ),
        Mistake(
            _variant(update=lambda weight, way, rate, decay: weight - rate * way),
            "This is Adam. The decay of the weights themselves is missing.",
        ),
        Mistake(
            _variant(update=lambda weight, way, rate, decay: weight - rate * (way - decay * weight)),
            "Your decay lets the weights grow. It should pull them towards 0.",
        ),
        Mistake(
            _before_this_step,
            "You use the averages as they were *before* this step. First let them take in the new gradient.",
        ),
    ),
)

# 03.5

steps = Exercise(
    id="03.5",
    title="How many steps",
    kind="recall",
    stub="num_steps = ...  # 1,260 reviews, batches of 16, gradients of 4 batches added for a step, 3 epochs\n",
    reference=60,
    mistakes=(
        Mistake(237, "So many batches are read. How many of them make one step of the optimiser?"),
        Mistake(20, "This is one epoch."),
        Mistake(59, "The incomplete last batch of an epoch, and its incomplete last step, count as well: round up."),
        Mistake(
            1260 * 3 / 64,
            "There are no fractions of a step. Round up where a batch or a step is not full, once in every epoch.",
        ),
        Mistake(57, "You let the incomplete step at the end of each epoch fall away. `fit` takes it."),
        Mistake(948, "You multiply by the number of batches that share a step. Sharing makes fewer steps, not more."),
        Mistake(3780, "So many reviews are read, each three times. A step reads many at once."),
    ),
)

# 03.6


def step_loss(batch_losses: np.ndarray, num_labelled: np.ndarray) -> float:
    """Mean over all labelled tokens of a step, from the means of its batches."""
    some = num_labelled > 0
    return float(np.average(batch_losses[some], weights=num_labelled[some]))


def _batches(random: np.random.Generator) -> Iterator[Inputs]:
    for counts in ((30, 10), (4, 4, 40), (25, 5, 10, 60), (12, 0, 36)):
        losses = random.uniform(0.2, 3.0, len(counts))
        num_labelled = np.array(counts)
        yield np.where(num_labelled > 0, losses, np.nan), num_labelled


accumulated = Exercise(
    id="03.6",
    title="Add up batches, and weigh the tokens right",
    kind="transfer",
    stub='''\
def step_loss(batch_losses, num_labelled):
    """Mean loss over all labelled tokens of a step that is made of several batches.

    batch_losses: float array of shape (batches,), the mean over the labelled tokens of each batch;
    num_labelled: int array of shape (batches,), how many those are. Where there are none, the batch's loss is NaN,
    the mean of nothing. Returns one number, as if all batches had been one.
    """
    ...
''',
    reference=step_loss,
    cases=_batches,
    mistakes=(
        Mistake(
            lambda batch_losses, num_labelled: batch_losses.mean(),
            "A mean of means: a token in a small batch counts for more than one in a large batch.",
        ),
        Mistake(
            lambda batch_losses, num_labelled: np.nanmean(batch_losses),
            "The empty batch is out, but each of the others counts the same, however many tokens it has.",
        ),
        Mistake(
            lambda batch_losses, num_labelled: np.nansum(batch_losses),
            "This is the sum of the batches' means. It grows with their number.",
        ),
        Mistake(
            lambda batch_losses, num_labelled: (batch_losses * num_labelled).sum() / num_labelled.sum(),
            "Right until a batch has no labelled token. 0 times NaN is NaN, so weighing by 0 does not leave it out.",
        ),
        Mistake(
            lambda batch_losses, num_labelled: np.nansum(batch_losses * num_labelled) / len(num_labelled),
            "The sum over the tokens is right, but you divide by the number of batches.",
        ),
        Mistake(
            lambda batch_losses, num_labelled: np.nansum(batch_losses * num_labelled),
            "This is the sum over all tokens. For the mean, one division is missing.",
        ),
    ),
)

# 03.7


def learning_rate_at(step: int, num_steps: int, warmup_steps: int, peak: float) -> float:
    """Linear warm-up, then linear decay to 0."""
    if step < warmup_steps:
        return peak * step / warmup_steps
    return peak * (num_steps - step) / (num_steps - warmup_steps)


def _places(random: np.random.Generator) -> Iterator[Inputs]:
    num_steps, warmup_steps = int(random.integers(60, 100)), int(random.integers(10, 20))
    for step in (0, warmup_steps // 2, warmup_steps, (num_steps + warmup_steps) // 2, num_steps - 1):
        yield step, num_steps, warmup_steps, 3e-4
    yield 0, 10, 0, 1e-3  # without a warm-up


def _warmed_up(after: Callable[[int, int, int], float], *, first: int = 0) -> Callable[..., float]:
    """A linear warm-up from step ``first``, then a share of the peak that ``after`` gives."""

    def wrong(step: int, num_steps: int, warmup_steps: int, peak: float) -> float:
        if step < warmup_steps:
            return peak * (step + first) / warmup_steps
        return peak * after(step, num_steps, warmup_steps)

    return wrong


def _right(step: int, num_steps: int, warmup_steps: int) -> float:
    return (num_steps - step) / (num_steps - warmup_steps)


schedule = Exercise(
    id="03.7",
    title="Warm-up and decay as a function",
    kind="apply",
    tolerance=1e-9,
    stub='''\
def learning_rate_at(step, num_steps, warmup_steps, peak):
    """Learning rate of a step: rising in a straight line from 0 to the peak, then falling in one to 0.

    step: from 0 to num_steps - 1; warmup_steps: the step with this number has the peak, may be 0;
    a step with the number num_steps, which is never made, would have rate 0.
    """
    ...
''',
    reference=learning_rate_at,
    cases=_places,
    mistakes=(
        Mistake(
            _warmed_up(lambda step, num_steps, warmup_steps: 1.0),
            "The rate rises and then stays. Nothing makes it fall unless you write it.",
        ),
        Mistake(
            _warmed_up(_right, first=1),
            "Your warm-up is one step ahead. Which rate does the step with number 0 have?",
        ),
        Mistake(
            _warmed_up(lambda step, num_steps, warmup_steps: (num_steps - step) / num_steps),
            "There is a jump at the end of the warm-up: your decay behaves as if it had begun at step 0.",
        ),
        Mistake(
            lambda step, num_steps, warmup_steps, peak: peak * (num_steps - step) / num_steps,
            "There is no warm-up: the first rate is the peak.",
        ),
        Mistake(
            _warmed_up(
                lambda step, num_steps, warmup_steps: (num_steps - 1 - step) / max(num_steps - 1 - warmup_steps, 1)
            ),
            "Your last step has rate 0, so it changes nothing. The straight line reaches 0 one step later.",
        ),
        Mistake(
            _warmed_up(
                lambda step, num_steps, warmup_steps: (
                    (1 + math.cos(math.pi * (step - warmup_steps) / (num_steps - warmup_steps))) / 2
                )
            ),
            "This is the cosine schedule. It begins and ends as asked, but is no straight line in between.",
        ),
        Mistake(
            lambda step, num_steps, warmup_steps, peak: min(
                peak * step / warmup_steps, peak * (num_steps - step) / (num_steps - warmup_steps)
            ),
            "Fine unless there is no warm-up: then you divide by 0.",
        ),
    ),
)

EXERCISES = (adamw, steps, accumulated, schedule)
