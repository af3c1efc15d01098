"""Exercises of notebook 02 on masks and heads."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from course_utils.exercises import Exercise, Inputs, Mistake, normal

if TYPE_CHECKING:
    from torch import Tensor

# 02.4


def causal_mask(size: int) -> np.ndarray:
    """True at and below the diagonal."""
    return np.tri(size, dtype=bool)


def _sizes(random: np.random.Generator) -> Iterator[Inputs]:
    yield from ((3,), (1,), (2,), (int(random.integers(6, 12)),))


causal = Exercise(
    id="02.4",
    title="The causal mask",
    kind="apply",
    stub='''\
def causal_mask(size):
    """Mask of a model that reads from left to right.

    Returns a tensor of shape (size, size), True where the token of the row may look at the token of the column:
    at itself and at what came before.
    """
    ...
''',
    reference=causal_mask,
    cases=_sizes,
    mistakes=(
        Mistake(
            lambda size: ~np.tri(size, dtype=bool),
            "The mask is turned round: here True means *may look*. Some libraries mean the opposite; read their rule.",
        ),
        Mistake(
            lambda size: np.tri(size, k=-1, dtype=bool),
            "No token may look at itself, and the first may look at nothing: its softmax has nothing to share.",
        ),
        Mistake(
            lambda size: np.tri(size, dtype=bool).T,
            "Each token looks at itself and at what comes *after* it. Is the row the one that looks, or the column?",
        ),
        Mistake(
            lambda size: np.where(np.tri(size, dtype=bool), 0, -math.inf),
            "This is the mask to be added to scores: 0 and minus infinity. Asked for is the one of True and False.",
        ),
        Mistake(
            lambda size: np.ones((size, size), dtype=bool),
            "Every token may look at every other, also at what is still to come. That is an encoder.",
        ),
        Mistake(
            lambda size: np.eye(size, dtype=bool),
            "Each token may look only at itself. It should see what came before as well.",
        ),
    ),
)

# 02.5


def masked_weights(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the keys that the mask allows."""
    return scores.masked_fill(~mask, -math.inf).softmax(dim=-1)


def _scores_and_masks(random: np.random.Generator) -> Iterator[Inputs]:
    import torch

    for size in (2, 3, 5):
        yield normal(random, size, size), torch.from_numpy(causal_mask(size))
    for num_queries, num_keys, num_real in ((2, 4, 3), (3, 6, 2)):  # the last keys are padding
        padding = torch.arange(num_keys).expand(num_queries, num_keys) < num_real
        yield normal(random, num_queries, num_keys), padding


def _has_nan(got: np.ndarray, expected: np.ndarray) -> bool:
    return bool(np.isnan(got).any())


masking = Exercise(
    id="02.5",
    title="Mask before softmax",
    kind="apply",
    stub='''\
def masked_weights(scores, mask):
    """Attention weights when some keys must not be seen.

    scores: tensor of shape (queries, keys); mask: bool tensor of the same shape, True where the query may look.
    Every query may look at one key at least. Returns weights of the same shape; each row sums to one.
    """
    ...
''',
    reference=masked_weights,
    cases=_scores_and_masks,
    mistakes=(
        Mistake(
            lambda scores, mask: scores.softmax(dim=-1) * mask,
            "You mask after softmax: what the forbidden keys had is thrown away, and a row no longer sums to one.",
        ),
        Mistake(
            lambda scores, mask: scores.masked_fill(~mask, 0).softmax(dim=-1),
            "Forbidden keys still get weight: a score of 0 is a score like any other, since exp(0) = 1. "
            "Which score has the exponential 0?",
        ),
        Mistake(
            lambda scores, mask: scores.masked_fill(mask, -math.inf).softmax(dim=-1),
            "You have shut out the keys that may be seen. True means that the query may look.",
        ),
        Mistake(
            lambda scores, mask: scores.softmax(dim=-1),
            "The mask has had no effect. Has a result been thrown away? `masked_fill` returns a new tensor.",
        ),
        Mistake(
            lambda scores, mask: scores.masked_fill(~mask, -math.inf).softmax(dim=0),
            "The mask is right, the axis is not: the weights of one query have to sum to one.",
        ),
        Mistake(
            lambda scores, mask: (scores + ~mask * -math.inf).softmax(dim=-1),
            "Some weights are NaN. 0 times infinity is NaN, and so is infinity divided by infinity: "
            "write minus infinity only where the mask forbids, and leave the other scores alone.",
            recognise=_has_nan,
        ),
    ),
)

# 02.6


def split_heads(vectors: Tensor, num_heads: int) -> Tensor:
    """Split hidden, then let tokens and heads change places."""
    batch, tokens, hidden = vectors.shape
    return vectors.view(batch, tokens, num_heads, hidden // num_heads).transpose(1, 2)


def _vectors(random: np.random.Generator) -> Iterator[Inputs]:
    for batch, tokens, num_heads, head_size in ((1, 3, 2, 4), (2, 4, 2, 3), (2, 3, 3, 2), (3, 2, 4, 5)):
        yield normal(random, batch, tokens, num_heads * head_size), num_heads


heads = Exercise(
    id="02.6",
    title="Many heads: view is not transpose",
    kind="transfer",
    stub='''\
def split_heads(vectors, num_heads):
    """Cut each token's vector into equal parts, one for each head.

    vectors: tensor of shape (batch, tokens, hidden); hidden is a multiple of num_heads.
    Returns a tensor of shape (batch, num_heads, tokens, hidden // num_heads): head 0 gets the first numbers of every
    token, head 1 the next ones, and so on.
    """
    ...
''',
    reference=split_heads,
    cases=_vectors,
    mistakes=(
        Mistake(
            lambda vectors, num_heads: vectors.view(len(vectors), num_heads, vectors.shape[1], -1),
            "The shape is right, but the numbers of different tokens are mixed. `view` counts on through memory and "
            "cuts anew: it can split an axis, never move one past another.",
        ),
        Mistake(
            lambda vectors, num_heads: vectors.view(*vectors.shape[:2], num_heads, -1),
            "Well split, but the axes are in the order (batch, tokens, heads, size). Two have to change places.",
        ),
        Mistake(
            lambda vectors, num_heads: vectors.view(*vectors.shape[:2], -1, num_heads).permute(0, 3, 1, 2),
            "A head has got numbers from all over a token's vector. It should get neighbours: which of the two new "
            "axes comes first when hidden is split?",
        ),
        Mistake(
            lambda vectors, num_heads: vectors.transpose(1, 2).view(len(vectors), num_heads, vectors.shape[1], -1),
            "`view` refuses because after `transpose` the numbers no longer lie in memory in the order of the axes. "
            "The message offers `reshape`, which would hide the fault. Which axis is to be split, and where is it now?",
        ),
        Mistake(
            lambda vectors, num_heads: vectors.transpose(1, 2).reshape(len(vectors), num_heads, vectors.shape[1], -1),
            "The shape is right, the numbers are not: tokens and hidden have changed places, and `reshape` then copied "
            "without complaint. Split hidden while it is still the last axis.",
        ),
        Mistake(
            lambda vectors, num_heads: vectors.view(*vectors.shape[:2], num_heads, -1).permute(0, 2, 3, 1),
            "The order is (batch, heads, size, tokens). In attention, dot products sum over the last axis.",
        ),
    ),
)

EXERCISES = (causal, masking, heads)
