"""Exercises of notebook 06, Sentence classification: the head, pooling, F1, and stars from a regression."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from course_utils.exercises import Exercise, Inputs, Mistake, normal

if TYPE_CHECKING:
    from torch import Tensor

# 06.1

head_size = Exercise(
    id="06.1",
    title="The weights of a head",
    kind="recall",
    stub="new_weights = ...  # a linear head for six domains on a vector of 384 numbers: how many weights begin anew\n",
    reference=384 * 6 + 6,
    mistakes=(
        Mistake(384 * 6, "That is the matrix. A linear layer adds something to each of its outputs as well."),
        Mistake(384 * 2 + 2, "So many has the head for two labels. How many domains are there?"),
        Mistake(384 + 6, "Each output has a number of its own for *every* number of the vector."),
        Mistake(
            384 * 6 + 6 + 384 * 384 + 384,
            "You have counted the pooler too. This checkpoint brings it along; only what is on top of it is new.",
        ),
        Mistake(
            384 * 5 + 5, "Two labels can share one output, and six could share five. The library gives each its own."
        ),
        Mistake(384 * 6 + 384, "One number is added to each *output*, not to each number of the vector."),
    ),
)

# 06.2


def f1_of(matrix: np.ndarray, label: int) -> float:
    """F1 of one label from a confusion matrix."""
    right = matrix[label, label]
    precision, recall = right / matrix[:, label].sum(), right / matrix[label].sum()
    return float(2 * precision * recall / (precision + recall))


def _matrices(random: np.random.Generator) -> Iterator[Inputs]:
    for num_labels, label in ((2, 1), (2, 0), (3, 2), (4, 1)):
        matrix = random.integers(1, 9, (num_labels, num_labels))
        matrix[label] += np.arange(num_labels)  # rows and columns of one sum would hide a confusion of the two
        matrix[label, label] += 10
        matrix[label, (label + 1) % num_labels] += 4
        yield matrix, label


f1 = Exercise(
    id="06.2",
    title="F1 from a confusion matrix",
    kind="apply",
    stub='''\
def f1_of(matrix, label):
    """F1 of one label.

    matrix: int array of shape (labels, labels), rows gold, columns predicted; label: a row's number.
    Precision is the share of right ones among the texts that were called so, recall the share that was found among
    those that are so. F1 is 2 * precision * recall / (precision + recall).
    """
    ...
''',
    reference=f1_of,
    cases=_matrices,
    mistakes=(
        Mistake(
            lambda matrix, label: matrix[label, label] / matrix[:, label].sum(),
            "This is the precision. It says nothing of the texts that were missed.",
        ),
        Mistake(
            lambda matrix, label: matrix[label, label] / matrix[label].sum(),
            "This is the recall. Calling every text so would make it 1.",
        ),
        Mistake(
            lambda matrix, label: (
                (matrix[label, label] / matrix[:, label].sum() + matrix[label, label] / matrix[label].sum()) / 2
            ),
            "This is the plain mean of precision and recall. F1 is lower, the more the two differ.",
        ),
        Mistake(
            lambda matrix, label: matrix.trace() / matrix.sum(),
            "This is the accuracy, of all labels together.",
        ),
        Mistake(
            lambda matrix, label: f1_of(matrix, (label + 1) % len(matrix)),
            "This is the F1 of another label.",
        ),
        Mistake(
            lambda matrix, label: float(np.mean([f1_of(matrix, other) for other in range(len(matrix))])),
            "This is the mean over all labels, the macro F1. Asked for is one label.",
        ),
    ),
)

# 06.3


def mean_pooling(hidden: Tensor, mask: Tensor) -> Tensor:
    """Mean of the vectors of a text's real tokens."""
    weights = mask[..., None].to(hidden.dtype)  # (batch, seq, 1)
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1)


def _hidden_and_mask(random: np.random.Generator) -> Iterator[Inputs]:
    import torch

    for lengths, size in (((3, 1), 2), ((2, 4, 3), 3), ((5, 2), 4), ((4, 4, 1, 2), 2)):
        longest = max(lengths)
        mask = torch.tensor([[int(place < length) for place in range(longest)] for length in lengths])
        yield normal(random, len(lengths), longest, size), mask


pooling = Exercise(
    id="06.3",
    title="The mean over real tokens",
    kind="apply",
    stub='''\
def mean_pooling(hidden, mask):
    """Mean of the vectors of each text's real tokens: padding does not count.

    hidden: float tensor of shape (texts, tokens, size); mask: int tensor of shape (texts, tokens), 1 for a real token
    and 0 for padding. Returns a tensor of shape (texts, size).
    """
    ...
''',
    reference=mean_pooling,
    cases=_hidden_and_mask,
    mistakes=(
        Mistake(
            lambda hidden, mask: hidden.mean(dim=1),
            "The vectors of the padding are in your mean. The same text would get another vector in a longer batch.",
        ),
        Mistake(
            lambda hidden, mask: (hidden * mask[..., None]).mean(dim=1),
            "The sum leaves the padding out, but you divide by all positions. How many tokens of a text are real?",
        ),
        Mistake(
            lambda hidden, mask: (hidden * mask[..., None]).sum(dim=1),
            "This is the sum. A long text would have a long vector only because it is long.",
        ),
        Mistake(
            lambda hidden, mask: hidden[:, 0],
            "This is the vector of the first token. The mean should hear all of them.",
        ),
        Mistake(
            lambda hidden, mask: hidden.mean(dim=-1),
            "You take the mean along the numbers of a vector. Which axis counts the tokens?",
        ),
        Mistake(
            lambda hidden, mask: (hidden * mask[..., None]).sum(dim=0) / mask[..., None].sum(dim=0),
            "You take the mean over the texts of the batch. Texts have nothing to do with each other.",
        ),
        Mistake(
            lambda hidden, mask: (hidden * mask[..., None]).sum(dim=1) / mask.sum(),
            "You divide by the real tokens of the whole batch. Each text has a number of its own.",
        ),
        Mistake(
            lambda hidden, mask: hidden * mask,
            "The shapes do not fit: a mask of (texts, tokens) needs one more axis beside vectors. `None` in an index "
            "makes one.",
        ),
    ),
)

# 06.4


def to_stars(outputs: np.ndarray, mean: float, deviation: float) -> np.ndarray:
    """Whole stars from standard scores."""
    return np.clip(np.round(outputs * deviation + mean), 1, 5)


def _standard_scores(random: np.random.Generator) -> Iterator[Inputs]:
    for size in (4, 6, 8, 5):
        scores = random.uniform(-1, 1, size)
        scores[:2] = -2.5, 2.5  # beyond one star and beyond five
        yield scores, float(random.uniform(2.6, 3.4)), float(random.uniform(1.2, 1.6))


stars = Exercise(
    id="06.4",
    title="From the output of a regression to stars",
    kind="apply",
    stub='''\
def to_stars(outputs, mean, deviation):
    """Whole stars, from 1 to 5, as an array of numbers.

    outputs: float array of shape (texts,), from a model that learned (stars - mean) / deviation;
    mean, deviation: of the stars it was trained on.
    """
    ...
''',
    reference=to_stars,
    cases=_standard_scores,
    mistakes=(
        Mistake(
            lambda outputs, mean, deviation: np.round(outputs * deviation + mean),
            "Some answers are 0 or 6 stars. A regression knows no limits; the scale does.",
        ),
        Mistake(
            lambda outputs, mean, deviation: np.clip(outputs * deviation + mean, 1, 5),
            "These are stars with decimals. Whole ones are asked for.",
        ),
        Mistake(
            lambda outputs, mean, deviation: np.clip(np.floor(outputs * deviation + mean), 1, 5),
            "You cut the decimals off, so 3.9 becomes 3. Which whole number is nearest? (`astype(int)` cuts, too.)",
        ),
        Mistake(
            lambda outputs, mean, deviation: np.clip(np.round(outputs), 1, 5),
            "These outputs are not in stars yet: 0 means an average review.",
        ),
        Mistake(
            lambda outputs, mean, deviation: np.clip(np.round((outputs - mean) / deviation), 1, 5),
            "That is the way from stars to what was learned. Take it backwards.",
        ),
        Mistake(
            lambda outputs, mean, deviation: np.clip(np.round((outputs + mean) * deviation), 1, 5),
            "The right steps in the wrong order. What was done last in training is undone first.",
        ),
        Mistake(
            lambda outputs, mean, deviation: np.clip(np.round(outputs) * deviation + mean, 1, 5),
            "You round before the numbers are stars. Round what the reader is to see.",
        ),
    ),
)

EXERCISES = (head_size, f1, pooling, stars)
