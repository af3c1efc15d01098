"""Exercises of notebook 07 on smoothing, searching and long texts: targets, rates, the best of many, windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from course_utils.exercises import Exercise, Inputs, Mistake, normal

if TYPE_CHECKING:
    import torch

# 07.4


def smoothed_loss(logits: torch.Tensor, labels: torch.Tensor, smoothing: float) -> torch.Tensor:
    """Cross-entropy with a target that is not quite certain."""
    log_probabilities = logits.log_softmax(dim=-1)
    hard = -log_probabilities[range(len(labels)), labels]
    even = -log_probabilities.mean(dim=-1)
    return ((1 - smoothing) * hard + smoothing * even).mean()


def _scores_and_labels(random: np.random.Generator) -> Iterator[Inputs]:
    import torch

    for num_labels, smoothing in ((2, 0.1), (3, 0.2), (6, 0.3)):
        labels = torch.from_numpy(random.integers(0, num_labels, 5))
        yield 3 * normal(random, 5, num_labels), labels, smoothing


def _smoothed(
    right: Callable[[float, int], float], wrong: Callable[[float, int], float]
) -> Callable[..., torch.Tensor]:
    """The loss with other targets for the right label and for the others."""

    def loss(logits: torch.Tensor, labels: torch.Tensor, smoothing: float) -> torch.Tensor:
        log_probabilities, num_labels = logits.log_softmax(dim=-1), logits.shape[-1]
        hard = log_probabilities[range(len(labels)), labels]
        others = log_probabilities.sum(dim=-1) - hard
        return -(right(smoothing, num_labels) * hard + wrong(smoothing, num_labels) * others).mean()

    return loss


smoothing = Exercise(
    id="07.4",
    title="Cross-entropy with label smoothing",
    kind="apply",
    stub='''\
def smoothed_loss(logits, labels, smoothing):
    """Mean cross-entropy, in nats, when a share of the target is spread evenly over all labels.

    logits: float tensor of shape (examples, labels); labels: int tensor of shape (examples,); smoothing: in [0, 1).
    With K labels the right one has the target 1 - smoothing + smoothing / K, each other one smoothing / K.
    Returns one number.
    """
    ...
''',
    reference=smoothed_loss,
    cases=_scores_and_labels,
    mistakes=(
        Mistake(
            _smoothed(lambda share, count: 1.0, lambda share, count: 0.0),
            "This is the loss without smoothing: the other labels get nothing.",
        ),
        Mistake(
            _smoothed(lambda share, count: 1 - share, lambda share, count: share / count),
            "Your targets do not sum to 1. The share is spread over all labels, the right one among them.",
        ),
        Mistake(
            _smoothed(lambda share, count: 1 - share, lambda share, count: share / (count - 1)),
            "You spread the share over the wrong labels alone. That is smoothing, too, but by another amount: here "
            "the right label gets its part back.",
        ),
        Mistake(
            lambda logits, labels, smoothing: len(labels) * smoothed_loss(logits, labels, smoothing),
            "This is the sum over the examples. Their mean is asked for.",
        ),
        Mistake(
            lambda logits, labels, smoothing: -smoothed_loss(logits, labels, smoothing),
            "A loss of this kind cannot be negative. Logarithms of probabilities can.",
        ),
        Mistake(
            lambda logits, labels, smoothing: smoothed_loss(logits, labels, 1 - smoothing),
            "The two shares are changed over: nearly all of your target is spread, and little is left for the label.",
        ),
        Mistake(
            _smoothed(lambda share, count: 1 - share, lambda share, count: 0.0),
            "You take something from the right label and give it to nobody. The loss only gets smaller by that.",
        ),
    ),
)

# 07.5


def rate_at(share: float, low: float, high: float) -> float:
    """A learning rate whose logarithm lies a share of the way from that of ``low`` to that of ``high``."""
    return low * (high / low) ** share


def _ranges(random: np.random.Generator) -> Iterator[Inputs]:
    yield from ((0.0, 1e-5, 1e-3), (0.5, 1e-5, 1e-3), (1.0, 1e-4, 1e-2))
    for low in (1e-5, 1e-4, 3e-5):
        yield float(random.uniform(0.2, 0.8)), low, low * float(random.uniform(20, 300))


rates = Exercise(
    id="07.5",
    title="Learning rates to try",
    kind="apply",
    tolerance=1e-6,
    stub='''\
def rate_at(share, low, high):
    """Learning rate at a share of the way from low to high, counted in factors.

    share: number in [0, 1], 0 gives low and 1 gives high; equal steps of share multiply the rate by equal factors,
    so that random shares try each power of ten equally often.
    """
    ...
''',
    reference=rate_at,
    cases=_ranges,
    mistakes=(
        Mistake(
            lambda share, low, high: low + share * (high - low),
            "Equal steps add equal amounts here. From 1e-5 to 1e-3, nine tenths of your rates lie above 1e-4.",
        ),
        Mistake(
            lambda share, low, high: 10 ** (low + share * (high - low)),
            "You put the rates themselves into the power. It is their logarithms that are to be evenly spread.",
        ),
        Mistake(
            lambda share, low, high: np.log(low) + share * (np.log(high) - np.log(low)),
            "This is the logarithm of the rate. A rate is never negative: undo the logarithm.",
        ),
        Mistake(
            lambda share, low, high: high * (low / high) ** share,
            "You go from high to low. What should a share of 0 give?",
        ),
        Mistake(
            lambda share, low, high: 10 ** (np.log(low) + share * (np.log(high) - np.log(low))),
            "The logarithm has base e and the power base 10. Use one base for both.",
        ),
        Mistake(
            lambda share, low, high: low * (high - low) ** share,
            "Half-way, the rate should be as many times above low as high is above it. Is it?",
        ),
    ),
)

# 07.6


def expected_best(scores: Sequence[float], budget: int) -> float:
    """Mean of the highest of ``budget`` scores, drawn with replacement."""
    ranked, places = np.sort(scores), np.arange(len(scores) + 1)
    at_most = (places / len(scores)) ** budget  # that none of the draws is above the score in this place
    return float(ranked @ np.diff(at_most))


def _searches(random: np.random.Generator) -> Iterator[Inputs]:
    yield [0.5, 0.9], 1
    yield [0.9, 0.5], 2
    yield [0.6, 0.8, 0.7], 3
    for size, budget in ((4, 2), (6, 5), (8, 10)):
        yield random.uniform(0.6, 0.9, size).round(3).tolist(), budget


best_of = Exercise(
    id="07.6",
    title="What a larger search finds",
    kind="transfer",
    stub='''\
def expected_best(scores, budget):
    """Highest validation score to be expected of a search with so many tries.

    scores: list with the scores of the configurations that were tried; budget: number of tries, each of which draws
    one of these scores with equal probability, also one that was drawn before.
    Returns the mean, over all ways to draw, of the highest score drawn: exact, without any random numbers.
    Note: all draws are at most the k-th smallest of n scores with probability (k / n) to the power of the budget.
    """
    ...
''',
    reference=expected_best,
    cases=_searches,
    mistakes=(
        Mistake(
            lambda scores, budget: max(scores),
            "This is what a search without a limit finds in the end. With few tries the best one may not be drawn.",
        ),
        Mistake(
            lambda scores, budget: np.mean(scores),
            "Right for one try. What happens to the highest when there are more?",
        ),
        Mistake(
            lambda scores, budget: max(scores[:budget]),
            "This is what happened to come first in the list. Draws are random, and the answer is a mean over them.",
        ),
        Mistake(
            lambda scores, budget: np.asarray(scores) @ np.diff((np.arange(len(scores) + 1) / len(scores)) ** budget),
            "The probabilities are right but belong to the scores in rising order. Yours stand as they came.",
        ),
        Mistake(
            lambda scores, budget: np.sort(scores) @ (np.arange(1, len(scores) + 1) / len(scores)) ** budget,
            "That all draws are at most a score is not that the highest is this score. Subtract what belongs to the "
            "score below it.",
        ),
        Mistake(
            lambda scores, budget: np.sort(scores) @ np.diff((np.arange(len(scores) + 1) / len(scores)) * budget),
            "Independent draws multiply their probabilities. You have added them up.",
        ),
        Mistake(
            lambda scores, budget: (
                np.sort(scores)[::-1] @ np.diff((np.arange(len(scores) + 1) / len(scores)) ** budget)
            ),
            "Your scores fall. With more tries your result gets smaller, so it is the lowest that you follow.",
        ),
    ),
)

# 07.7


def windows(ids: Sequence[int], size: int, stride: int) -> list[list[int]]:
    """Overlapping windows that cover a text."""
    starts = range(0, max(len(ids) - size, 0) + stride, stride)
    return [list(ids[start : start + size]) for start in starts]


def _texts(random: np.random.Generator) -> Iterator[Inputs]:
    for length, size, stride in ((10, 4, 3), (11, 4, 3), (4, 4, 2), (3, 4, 2), (12, 6, 3), (13, 5, 2)):
        yield random.integers(100, 1000, length).tolist(), size, stride


cutting = Exercise(
    id="07.7",
    title="Windows over a long text",
    kind="apply",
    stub='''\
def windows(ids, size, stride):
    """Cut a text into overlapping windows.

    ids: list of pieces; size: pieces a window; stride: a new window begins after so many pieces, at most size.
    Every piece is in some window, the last window may be shorter, and no window begins once the text's end is covered.
    Returns a list of lists.
    """
    ...
''',
    reference=windows,
    cases=_texts,
    mistakes=(
        Mistake(
            lambda ids, size, stride: [ids[start : start + size] for start in range(0, len(ids), stride)],
            "Your last windows lie wholly inside others: they begin after the end of the text was covered. Its end "
            "would be counted several times.",
        ),
        Mistake(
            lambda ids, size, stride: [ids[start : start + size] for start in range(0, len(ids) - size + 1, stride)],
            "Only full windows: the end of many texts is lost, and a short text has no window at all.",
        ),
        Mistake(
            lambda ids, size, stride: [ids[start : start + size] for start in range(0, len(ids), size)],
            "No two of your windows overlap. Where does the next one begin?",
        ),
        Mistake(
            lambda ids, size, stride: [ids[start : start + stride] for start in range(0, len(ids), stride)],
            "Your windows are as long as a stride. How long should they be?",
        ),
        Mistake(
            lambda ids, size, stride: [ids[:size]],
            "This is truncation: one window, and the rest of the text is gone.",
        ),
        Mistake(
            lambda ids, size, stride: [
                ids[start : start + size] for start in range(0, max(len(ids) - size, 0) + 1, stride)
            ],
            "Full windows, and short texts are fine, too. But what is left behind the last full window is lost.",
        ),
    ),
)

EXERCISES = (smoothing, rates, best_of, cutting)
