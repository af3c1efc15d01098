"""Exercises of notebook 02 on attention itself: scores, weights, the whole."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from course_utils.exercises import Exercise, Inputs, Mistake, normal

if TYPE_CHECKING:
    from torch import Tensor

# 02.1


def attention_scores(query: Tensor, key: Tensor) -> Tensor:
    """Scaled dot product of each query with each key."""
    return query @ key.T / math.sqrt(query.shape[-1])


def _queries_and_keys(random: np.random.Generator) -> Iterator[Inputs]:
    for num_queries, num_keys, size in ((2, 3, 4), (3, 2, 5), (4, 4, 2), (1, 5, 8), (6, 3, 16)):
        yield normal(random, num_queries, size), normal(random, num_keys, size)


def _is_multiple(got: np.ndarray, expected: np.ndarray) -> bool:
    """Whether one factor turns all expected numbers into the ones that came."""
    factor = float((got * expected).sum() / (expected**2).sum())
    return abs(factor) > 1e-3 and np.allclose(got, factor * expected, rtol=1e-4, atol=1e-4)


scores = Exercise(
    id="02.1",
    title="Scores, and why they are scaled",
    kind="apply",
    stub='''\
def attention_scores(query, key):
    """Scaled dot product of each query with each key.

    query: tensor of shape (queries, d); key: tensor of shape (keys, d).
    Returns a tensor of shape (queries, keys) whose spread does not grow with d.
    """
    ...
''',
    reference=attention_scores,
    cases=_queries_and_keys,
    mistakes=(
        Mistake(
            lambda query, key: query @ key.T,
            "The scores are not scaled. A score sums d products: how does its standard deviation grow with d?",
        ),
        Mistake(
            lambda query, key: query @ key.T / query.shape[-1],
            "You divide by too much. The *variance* of a score grows like d; its spread grows more slowly.",
        ),
        Mistake(
            lambda query, key: query @ key.T * math.sqrt(query.shape[-1]),
            "You scale in the wrong direction: the spread of these scores grows twice as fast as without scaling.",
        ),
        Mistake(
            lambda query, key: key @ query.T / math.sqrt(query.shape[-1]),
            "Rows and columns have changed places. A row belongs to a query, a column to a key.",
        ),
        Mistake(
            lambda query, key: query @ key / math.sqrt(query.shape[-1]),
            "The inner sizes of a matrix product must be equal, here both d. One of the two has to be turned.",
        ),
        Mistake(
            lambda query, key: query * key / math.sqrt(query.shape[-1]),
            "`*` multiplies place by place. A score is a sum over the products of one query with one key.",
        ),
        Mistake(
            lambda query, key: query @ key.T / math.sqrt(len(key)),
            "The dot products are right, the factor is not. It depends on the length of a vector, not on their number.",
            recognise=_is_multiple,
        ),
    ),
)

# 02.2


def attention_weights(scores: Tensor) -> Tensor:
    """Softmax over the keys."""
    return scores.softmax(dim=-1)


def _scores(random: np.random.Generator) -> Iterator[Inputs]:
    for num_queries, num_keys in ((2, 3), (3, 3), (4, 2), (1, 5), (5, 6)):
        yield (normal(random, num_queries, num_keys),)
    yield (normal(random, 2, 3) + 200,)  # exp(200) is beyond float32


def _columns_sum_to_one(got: np.ndarray, expected: np.ndarray) -> bool:
    return got.ndim == 2 and np.allclose(got.sum(axis=0), 1, atol=1e-4)


weights = Exercise(
    id="02.2",
    title="Which axis softmax takes",
    kind="recall",
    stub='''\
def attention_weights(scores):
    """How each query shares its attention among the keys.

    scores: tensor of shape (queries, keys). Returns weights of the same shape.
    """
    ...
''',
    reference=attention_weights,
    cases=_scores,
    mistakes=(
        Mistake(
            lambda scores: scores.softmax(dim=0),
            "Each column sums to one, so each key is shared among the queries. Whose attention is to be shared out?",
            recognise=_columns_sum_to_one,
        ),
        Mistake(
            lambda scores: scores.flatten().softmax(dim=0).view(scores.shape),
            "All weights together sum to one. Each query has an attention of its own to share out.",
        ),
        Mistake(
            lambda scores: scores.exp() / scores.exp().sum(dim=-1, keepdim=True),
            "Right for small scores, NaN for large ones: their exponential is infinite. "
            "Softmax stays the same if you first subtract one number from a whole row.",
        ),
        Mistake(
            lambda scores: scores / scores.sum(dim=-1, keepdim=True),
            "The rows sum to one, but some weights are negative or above one. "
            "Something has to make the scores positive before they are divided.",
        ),
        Mistake(
            lambda scores: scores.exp(),
            "All positive, but a row does not sum to one. What has every number of a row to be divided by?",
        ),
        Mistake(
            lambda scores: scores.sigmoid(),
            "Each weight lies between 0 and 1, but was found without looking at the other keys. Keys compete.",
        ),
        Mistake(
            lambda scores: scores.log_softmax(dim=-1),
            "These are the logarithms of the weights: they are negative.",
        ),
    ),
)

# 02.3


def attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Values mixed by the weights."""
    return attention_weights(attention_scores(query, key)) @ value


def _queries_keys_values(random: np.random.Generator) -> Iterator[Inputs]:
    for num_queries, num_keys, size, value_size in (
        (2, 3, 4, 5),
        (3, 3, 2, 2),
        (4, 2, 6, 3),
        (1, 5, 3, 1),
        (5, 6, 8, 8),
    ):
        yield normal(random, num_queries, size), normal(random, num_keys, size), normal(random, num_keys, value_size)


whole = Exercise(
    id="02.3",
    title="Attention from beginning to end",
    kind="apply",
    stub='''\
def attention(query, key, value):
    """softmax(Q K^T / sqrt(d)) V.

    query: tensor of shape (queries, d); key: (keys, d); value: (keys, d_value).
    Returns a tensor of shape (queries, d_value).
    """
    ...
''',
    reference=attention,
    cases=_queries_keys_values,
    mistakes=(
        Mistake(
            lambda query, key, value: (query @ key.T).softmax(dim=-1) @ value,
            "Every step is there but the scaling of the scores.",
        ),
        Mistake(
            lambda query, key, value: attention_scores(query, key).softmax(dim=0) @ value,
            "Softmax runs along the wrong axis: the weights of one *query* have to sum to one.",
        ),
        Mistake(
            lambda query, key, value: (query @ key.T).softmax(dim=-1) / math.sqrt(query.shape[-1]) @ value,
            "You scale after softmax, so the weights of a query no longer sum to one. What is it that spreads too far?",
        ),
        Mistake(
            lambda query, key, value: attention_weights(attention_scores(query, key)),
            "These are the weights. They say how much of each value goes into the answer: what is left to do?",
        ),
        Mistake(
            lambda query, key, value: attention_scores(query, key) @ value,
            "You mix the values by their raw scores. What makes weights of scores?",
        ),
        Mistake(
            lambda query, key, value: attention_weights(attention_scores(query, key)).T @ value,
            "The weights are turned the wrong way. Look at their shape: each row of the answer belongs to one query.",
        ),
        Mistake(
            lambda query, key, value: attention_weights(attention_scores(query, key)) @ key,
            "The answer is mixed from the keys. Keys are what is compared; what is mixed comes in on its own.",
        ),
    ),
)

EXERCISES = (scores, weights, whole)
