"""Exercises of notebook 10 on tensors: padding with its mask, the loss that labels choose, a look at a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from course_utils.exercises import Exercise, Inputs, Mistake

Rows = Sequence[Sequence[int]]
Padded = tuple[list[list[int]], list[list[int]]]

# 10.4


def pad_batch(rows: Rows, pad_id: int) -> Padded:
    """Rows filled up to the longest, and what of them is real."""
    longest = max(map(len, rows))
    ids = [[*row, *[pad_id] * (longest - len(row))] for row in rows]
    mask = [[1] * len(row) + [0] * (longest - len(row)) for row in rows]
    return ids, mask


def _rows(random: np.random.Generator) -> Iterator[Inputs]:
    for pad_id, lengths in ((0, (4, 2, 3)), (0, (2, 5)), (1, (3, 3, 6, 1)), (9, (1, 4))):
        yield [random.integers(10, 99, size=length).tolist() for length in lengths], pad_id
    # As in a model whose first id is a real piece: the id that fills up also occurs in a text.
    yield [[11, 0, 24, 12], [11, 12]], 0


def _to_width(rows: Rows, pad_id: int, width: int) -> Padded:
    ids = [[*row, *[pad_id] * width][:width] for row in rows]
    mask = [([1] * len(row) + [0] * width)[:width] for row in rows]
    return ids, mask


def _mask_by_id(rows: Rows, pad_id: int) -> Padded:
    ids, _ = pad_batch(rows, pad_id)
    return ids, [[int(token != pad_id) for token in row] for row in ids]


def _left(rows: Rows, pad_id: int) -> Padded:
    longest = max(map(len, rows))
    ids = [[*[pad_id] * (longest - len(row)), *row] for row in rows]
    return ids, [[0] * (longest - len(row)) + [1] * len(row) for row in rows]


padding = Exercise(
    id="10.4",
    title="Pad a batch and say what is padding",
    kind="apply",
    stub='''\
def pad_batch(rows, pad_id):
    """Make the rows of a batch equally long.

    rows: lists of ids of unequal length; pad_id: the id that fills up. A text may hold this id as well.
    Returns two lists of lists, ids and attention mask: each row filled up at its end to the length of the longest;
    the mask has 1 where a piece is real and 0 where it is padding.
    """
    ...
''',
    reference=pad_batch,
    cases=_rows,
    mistakes=(
        Mistake(
            _mask_by_id,
            "A real piece that has the id of padding is masked. Whether a position is padding depends on where a row "
            "ends, not on the id.",
        ),
        Mistake(
            lambda rows, pad_id: _to_width(rows, pad_id, min(map(len, rows))),
            "You cut every row to the shortest one. Nothing of a text may get lost.",
        ),
        Mistake(
            lambda rows, pad_id: _to_width(rows, pad_id, 512),
            "Every row is as long as the model can take at most. Most of the time would be spent on padding.",
        ),
        Mistake(_left, "You fill up at the beginning. Then [CLS] is not at position 0, where the head looks for it."),
        Mistake(
            lambda rows, pad_id: (
                pad_batch(rows, pad_id)[0],
                [[1 - bit for bit in row] for row in pad_batch(rows, pad_id)[1]],
            ),
            "Your mask has its two values the wrong way round: the model would read the padding and nothing else.",
        ),
        Mistake(
            lambda rows, pad_id: (pad_batch(rows, pad_id)[0], [[1] * max(map(len, rows)) for _ in rows]),
            "Your mask calls everything real. That is the same as no mask.",
        ),
        Mistake(
            lambda rows, pad_id: pad_batch(rows, pad_id)[0],
            "These are the ids. Without a mask the model cannot know where a text ends.",
        ),
    ),
)

# 10.5

REGRESSION, SINGLE, MULTI = "regression", "single_label_classification", "multi_label_classification"


def problem_type(num_labels: int, labels: np.ndarray) -> str:
    """What the library makes of a number of outputs and the type of the labels."""
    if num_labels == 1:
        return REGRESSION
    return SINGLE if np.issubdtype(labels.dtype, np.integer) else MULTI


def _labels(random: np.random.Generator) -> Iterator[Inputs]:
    yield 1, random.integers(0, 2, size=4)
    yield 1, random.integers(1, 6, size=4).astype(float)
    yield 2, random.integers(0, 2, size=4)
    yield 6, random.integers(0, 6, size=4)
    yield 3, np.eye(3)[random.integers(0, 3, size=4)]
    yield 2, np.eye(2)[random.integers(0, 2, size=4)]
    yield 4, random.integers(0, 2, size=(3, 4)).astype(float)


def _by_labels(num_labels: int, labels: np.ndarray) -> str:
    """By what the labels look like, not by the rule."""
    if labels.ndim == 2:
        return SINGLE if (labels.sum(axis=1) == 1).all() else MULTI
    return SINGLE if np.issubdtype(labels.dtype, np.integer) else REGRESSION


inference = Exercise(
    id="10.5",
    title="Which loss will it be?",
    kind="recall",
    stub='''\
def problem_type(num_labels, labels):
    """Which loss the library chooses if `problem_type` is not set.

    num_labels: number of outputs; labels: NumPy array, of whole numbers or of floats.
    Returns "regression", "single_label_classification" or "multi_label_classification".
    """
    ...
''',
    reference=problem_type,
    cases=_labels,
    mistakes=(
        Mistake(
            _by_labels,
            "That is what the labels were meant to be. The library does not look at their values or their shape: only "
            "at the number of outputs and at the type of the numbers.",
        ),
        Mistake(
            lambda num_labels, labels: SINGLE if np.issubdtype(labels.dtype, np.integer) else REGRESSION,
            "The type of the labels is asked second. What comes first, and what do floats mean with several outputs?",
        ),
        Mistake(
            lambda num_labels, labels: SINGLE if np.issubdtype(labels.dtype, np.integer) else MULTI,
            "With one output it is something else, whatever the type of the labels.",
        ),
        Mistake(
            lambda num_labels, labels: REGRESSION if num_labels == 1 else SINGLE,
            "With several outputs, floats give another loss than whole numbers do.",
        ),
        Mistake(
            lambda num_labels, labels: {1: REGRESSION, 2: SINGLE}.get(num_labels, MULTI),
            "More than two classes do not make it multi-label. What is it about the labels that does?",
        ),
    ),
)

# 10.6

NO_LABEL, COPIED, RANGE, ON_PADDING = "no label", "labels are the mask", "out of range", "label on padding"


def look_at(attention_mask: np.ndarray, labels: np.ndarray, num_labels: int) -> list[str]:
    """The faults of a batch by name."""
    is_real, used = labels != -100, attention_mask == 1
    found = {
        NO_LABEL: not is_real.any(),
        COPIED: (labels == attention_mask).all(),
        RANGE: (labels[is_real] >= num_labels).any() or (labels[is_real] < 0).any(),
        ON_PADDING: (is_real & ~used).any(),
    }
    return sorted(name for name, holds in found.items() if holds)


def _batches(random: np.random.Generator) -> Iterator[Inputs]:
    mask = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    labels = np.where(mask == 1, random.integers(1, 4, size=mask.shape), -100)
    labels[:, 0] = -100
    yield mask, labels, 4
    yield mask, np.full_like(mask, -100), 4
    yield mask, mask.copy(), 2
    too_high, too_low, everywhere = labels.copy(), labels.copy(), labels.copy()
    too_high[0, 2], too_low[1, 1] = 4, -1
    everywhere[mask == 0] = 0
    yield mask, too_high, 4
    yield mask, too_low, 4
    yield mask, everywhere, 4
    both = everywhere.copy()
    both[0, 1] = 7
    yield mask, both, 4


def _without(*names: str) -> object:
    def look(attention_mask: np.ndarray, labels: np.ndarray, num_labels: int) -> list[str]:
        return [name for name in look_at(attention_mask, labels, num_labels) if name not in names]

    return look


def _counts_ignored(attention_mask: np.ndarray, labels: np.ndarray, num_labels: int) -> list[str]:
    found = set(look_at(attention_mask, labels, num_labels))
    return sorted(found | {RANGE} if (labels < 0).any() else found)


def _only_above(attention_mask: np.ndarray, labels: np.ndarray, num_labels: int) -> list[str]:
    found = set(look_at(attention_mask, labels, num_labels))
    return sorted(found if (labels >= num_labels).any() else found - {RANGE})


def _equal_allowed(attention_mask: np.ndarray, labels: np.ndarray, num_labels: int) -> list[str]:
    return look_at(attention_mask, labels, num_labels + 1)


look = Exercise(
    id="10.6",
    title="A look at a batch before training",
    kind="transfer",
    stub='''\
def look_at(attention_mask, labels, num_labels):
    """Find the faults of a batch for token classification before a model sees it.

    attention_mask, labels: NumPy arrays of shape (batch, seq); labels are -100 where there is nothing to learn.
    Returns a sorted list of those that hold: "no label" (nothing to learn at all), "labels are the mask",
    "out of range" (a label that no output stands for), "label on padding".
    """
    ...
''',
    reference=look_at,
    cases=_batches,
    mistakes=(
        Mistake(_counts_ignored, "You report -100 as out of range. It is no label: it says that there is none."),
        Mistake(_only_above, "A label below 0 that is not -100 passes. No output stands for it."),
        Mistake(_equal_allowed, "Outputs are counted from 0, so the highest label is one less than their number."),
        Mistake(_without(ON_PADDING), "A label on padding passes. Where the mask is 0, which label belongs there?"),
        Mistake(_without(COPIED), "Labels that equal the mask everywhere pass. A model would learn what is padding."),
        Mistake(_without(NO_LABEL), "A batch with nothing but -100 passes. Its loss is not a number."),
        Mistake(
            lambda attention_mask, labels, num_labels: look_at(attention_mask, labels, num_labels)[:1],
            "You stop at the first fault. A batch can have several.",
        ),
    ),
)

EXERCISES = (padding, inference, look)
