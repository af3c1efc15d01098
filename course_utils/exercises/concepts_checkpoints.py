"""Exercises of notebook 01, Concepts: where a layer's weights are, and who may look at whom."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from course_utils.exercises import Exercise, Inputs, Mistake

# 01.5


def feed_forward_share(hidden: int, intermediate: int) -> float:
    """Two matrices of the feed-forward part, four of attention."""
    return 2 * hidden * intermediate / (2 * hidden * intermediate + 4 * hidden * hidden)


def _widths(random: np.random.Generator) -> Iterator[Inputs]:
    yield from ((16, 64), (24, 96), (10, 10), (8, 40))
    yield int(random.integers(4, 20)), int(random.integers(21, 100))


share = Exercise(
    id="01.5",
    title="Where a layer's weights are",
    kind="apply",
    stub='''\
def feed_forward_share(hidden, intermediate):
    """Share of the weights of one encoder layer that the feed-forward part has, between 0 and 1.

    hidden: length of a token's vector; intermediate: length in the middle of the feed-forward part.
    Count the matrices alone, without biases and LayerNorm.
    """
    ...
''',
    reference=feed_forward_share,
    cases=_widths,
    mistakes=(
        Mistake(
            lambda hidden, intermediate: intermediate / (intermediate + 2 * hidden) * 100,
            "This is a percentage. Give the share, between 0 and 1.",
        ),
        Mistake(
            lambda hidden, intermediate: 2 * intermediate / (2 * intermediate + 3 * hidden),
            "Attention has one matrix more than query, key and value. Look at the list of modules again.",
        ),
        Mistake(
            lambda hidden, intermediate: intermediate / (intermediate + 4 * hidden),
            "The feed-forward part goes from hidden to intermediate. How do the vectors become short again?",
        ),
        Mistake(
            lambda hidden, intermediate: intermediate / (2 * hidden),
            "This compares the feed-forward part with attention. A share compares a part with the whole.",
        ),
        Mistake(
            lambda hidden, intermediate: 2 * hidden / (2 * hidden + intermediate),
            "This is what attention has. Asked for is the rest.",
        ),
        Mistake(
            lambda hidden, intermediate: intermediate**2 / (intermediate**2 + 2 * hidden**2),
            "No matrix of a layer has intermediate rows and intermediate columns: see in_features and out_features.",
        ),
    ),
)

# 01.6


def encoder_decoder_mask(num_source: int, num_target: int) -> np.ndarray:
    """Causal, but the source is open to all."""
    size = num_source + num_target
    return np.tri(size, dtype=bool) | (np.arange(size) < num_source)


def _lengths(random: np.random.Generator) -> Iterator[Inputs]:
    yield from ((2, 3), (3, 2), (1, 4), (4, 1))
    yield int(random.integers(3, 6)), int(random.integers(3, 6))


def _blocks(num_source: int, num_target: int, *, upper_right: bool, lower_right: np.ndarray) -> np.ndarray:
    """The right mask with other blocks in its right half."""
    mask = np.ones((num_source + num_target,) * 2, dtype=bool)
    mask[:num_source, num_source:] = upper_right
    mask[num_source:, num_source:] = lower_right
    return mask


three_blocks = Exercise(
    id="01.6",
    title="The mask of an encoder–decoder",
    kind="transfer",
    stub='''\
def encoder_decoder_mask(num_source, num_target):
    """Who may look at whom when source and target stand in one row, the source first.

    Each source token may look at the whole source and at nothing else. Each target token may look at the whole
    source, at the target tokens before it, and at itself. Returns a bool array of shape
    (num_source + num_target, num_source + num_target), True where the token of the row may look at that of the column.
    """
    ...
''',
    reference=encoder_decoder_mask,
    cases=_lengths,
    mistakes=(
        Mistake(
            lambda num_source, num_target: np.tri(num_source + num_target, dtype=bool),
            "This is a decoder: the source, too, is read from left to right only. Which block has to be opened?",
        ),
        Mistake(
            lambda num_source, num_target: np.ones((num_source + num_target,) * 2, dtype=bool),
            "This is an encoder: a target token sees the words that it should learn to predict.",
        ),
        Mistake(
            lambda num_source, num_target: _blocks(
                num_source, num_target, upper_right=True, lower_right=np.tri(num_target, dtype=bool)
            ),
            "The source may look at the target. When the translation begins there is no target yet.",
        ),
        Mistake(
            lambda num_source, num_target: _blocks(
                num_source, num_target, upper_right=False, lower_right=np.ones((num_target,) * 2, dtype=bool)
            ),
            "Source and target are well separated, but inside the target each word still sees those that come after.",
        ),
        Mistake(
            lambda num_source, num_target: _blocks(
                num_source, num_target, upper_right=False, lower_right=np.tri(num_target, k=-1, dtype=bool)
            ),
            "A target token may not look at itself here. It should: what it has to predict is the token after it.",
        ),
        Mistake(
            lambda num_source, num_target: _blocks(
                num_source, num_target, upper_right=False, lower_right=np.zeros((num_target,) * 2, dtype=bool)
            ),
            "No target token sees any target token, so each word is chosen without knowing what has been said already.",
        ),
        Mistake(
            lambda num_source, num_target: encoder_decoder_mask(num_source, num_target).T,
            "Rows and columns have changed places. The row is the token that looks.",
        ),
    ),
)

EXERCISES = (share, three_blocks)
