"""Exercises of notebook 08 on counting: F1, the confusion matrix, an average over labels, the kinds of wrong spans."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from course_utils.exercises import Exercise, Inputs, Mistake
from course_utils.metrics.entities import Span

# 08.1


def _is_percentage(got: np.ndarray, expected: np.ndarray) -> bool:
    return bool(got > 1)


complaints = Exercise(
    id="08.1",
    title="F1 of a filter for complaints",
    kind="recall",
    stub="f1 = ...  # 60 of 200 reviews complain; the filter marks 40, and 30 of these complain\n",
    reference=0.6,
    tolerance=0.002,
    mistakes=(
        Mistake(0.75, "So many of the marked reviews complain: this is the precision. F1 also asks what was missed."),
        Mistake(
            0.5, "So many of the complaints were marked: this is the recall. F1 also asks what was wrongly marked."
        ),
        Mistake(0.625, "This is the ordinary mean of precision and recall. F1 is their harmonic mean, which is lower."),
        Mistake(0.8, "This is the accuracy. It counts the reviews that are rightly left unmarked; F1 does not."),
        Mistake(0.3, "Check the denominator: count the marked reviews and the complaints, both once."),
        Mistake(60, "F1 is a share, so it lies between 0 and 1.", recognise=_is_percentage),
    ),
)

# 08.2


def count_confusions(gold: np.ndarray, predicted: np.ndarray, num_labels: int) -> np.ndarray:
    """Counts: row is the gold label, column the predicted one."""
    filled = np.zeros((num_labels, num_labels), dtype=int)
    np.add.at(filled, (gold, predicted), 1)
    return filled


def _answers(random: np.random.Generator) -> Iterator[Inputs]:
    for num_labels, num_examples in ((2, 6), (3, 9), (4, 12), (3, 7)):
        gold = random.integers(0, num_labels - 1, num_examples)  # the last label is never gold
        predicted = np.where(random.random(num_examples) < 0.5, gold, (gold + 1) % num_labels)
        gold[:5], predicted[:5] = (0, 0, 0, 0, 1), (0, 1, 1, 0, 1)  # twice right, twice the same confusion
        yield gold, predicted, num_labels


def _once(gold: np.ndarray, predicted: np.ndarray, num_labels: int) -> np.ndarray:
    counts = np.zeros((num_labels, num_labels), dtype=int)
    counts[gold, predicted] += 1  # a pair that occurs twice is counted once
    return counts


def _without_empty(gold: np.ndarray, predicted: np.ndarray, num_labels: int) -> np.ndarray:
    return count_confusions(gold, predicted, num_labels)[: gold.max() + 1]


matrix = Exercise(
    id="08.2",
    title="Count the confusions",
    kind="apply",
    stub='''\
def count_confusions(gold, predicted, num_labels):
    """The confusion matrix, without a library's help.

    gold, predicted: integer arrays of one length, values from 0 to num_labels - 1.
    Returns an integer array of shape (num_labels, num_labels): row gold, column predicted.
    """
    ...
''',
    reference=count_confusions,
    cases=_answers,
    mistakes=(
        Mistake(
            lambda gold, predicted, num_labels: count_confusions(predicted, gold, num_labels),
            "Rows and columns are the wrong way round. The gold label says in which row an example is counted.",
        ),
        Mistake(
            _once,
            "With `+=` on a list of places, NumPy adds 1 to each place once, however often the place is named. "
            "Go through the examples one by one, or look up `np.add.at`.",
        ),
        Mistake(
            lambda gold, predicted, num_labels: (
                count_confusions(gold, predicted, num_labels)
                / np.maximum(np.bincount(gold, minlength=num_labels), 1)[:, None]
            ),
            "These are shares of each row. Asked for are counts, from which shares can be made later.",
        ),
        Mistake(
            lambda gold, predicted, num_labels: np.diag(np.bincount(gold[gold == predicted], minlength=num_labels)),
            "Only the right answers are counted. The wrong ones are what the matrix is for.",
        ),
        Mistake(
            _without_empty,
            "A label that is never gold still has a row, full of zeros. There is one row and one column a label.",
        ),
    ),
)

# 08.3


def balanced_accuracy(counts: np.ndarray) -> float:
    """Mean of the labels' recalls; labels without a gold example are left out."""
    support = counts.sum(axis=1)
    return float((np.diag(counts)[support > 0] / support[support > 0]).mean())


def _matrices(random: np.random.Generator) -> Iterator[Inputs]:
    for size in (2, 3, 4):
        yield (random.integers(0, 5, (size, size)) + np.diag(random.integers(3, 40, size)),)
    counts = random.integers(1, 6, (3, 3)) + np.diag([30, 4, 0])
    counts[2] = 0  # predicted now and then, never gold
    yield (counts,)
    yield (np.array([[90, 0], [10, 0]]),)


def _mean_precision(counts: np.ndarray) -> float:
    return balanced_accuracy(counts.T)


def _recalls(counts: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.diag(counts) / counts.sum(axis=1)


def _weighted(counts: np.ndarray) -> float:
    return float(np.trace(counts) / counts.sum())


def _empty_as_zero(counts: np.ndarray) -> float:
    return float((np.diag(counts) / np.maximum(counts.sum(axis=1), 1)).mean())


balanced = Exercise(
    id="08.3",
    title="An accuracy in which each label counts the same",
    kind="transfer",
    stub='''\
def balanced_accuracy(counts):
    """Mean of the labels' recalls.

    counts: confusion matrix, row gold, column predicted. A label without a gold example has no recall: leave it out.
    Returns a number in [0, 1].
    """
    ...
''',
    reference=balanced_accuracy,
    cases=_matrices,
    mistakes=(
        Mistake(
            _weighted,
            "This is the ordinary accuracy: a frequent label has more say in it. First a share for each label, then "
            "their mean.",
        ),
        Mistake(
            _mean_precision,
            "You divide by what was predicted, so this is a mean of precisions. Recall asks about the gold examples.",
        ),
        Mistake(
            _empty_as_zero,
            "A label without a gold example counts as 0 in your mean. Nothing can be found where nothing is.",
        ),
        Mistake(
            _recalls,
            "These are the recalls of the labels, and NaN where there is none. One number should come out.",
        ),
        Mistake(
            lambda counts: _recalls(counts).mean(),
            "A label without a gold example has no recall, 0 divided by 0, and the mean becomes NaN.",
        ),
    ),
)

# 08.4


def judge_span(span: Span, gold: list[Span]) -> str:
    """What is wrong with a predicted entity, if anything."""
    _, start, end = span
    if span in gold:
        return "right"
    if any((first, last) == (start, end) for _, first, last in gold):
        return "type"
    overlaps = any(first < end and start < last for _, first, last in gold)
    return "border" if overlaps else "invented"


def _spans(random: np.random.Generator) -> Iterator[Inputs]:
    gold: list[Span] = [("PER", 1, 3), ("LOC", 5, 6), ("MISC", 8, 11)]
    tried: list[Span] = [
        ("PER", 1, 3),
        ("ORG", 5, 6),
        ("MISC", 9, 11),
        ("MISC", 8, 12),
        ("PER", 3, 5),
        ("LOC", 6, 8),
        ("ORG", 2, 4),
        ("LOC", 12, 13),
        ("MISC", 9, 10),
    ]
    shift = int(random.integers(0, 4))
    for i in random.permutation(len(tried)):
        kind, start, end = tried[i]
        yield (kind, start + shift, end + shift), [(k, first + shift, last + shift) for k, first, last in gold]


def _touching(span: Span, gold: list[Span]) -> str:
    found = judge_span(span, gold)
    touches = any(first <= span[2] and span[1] <= last for _, first, last in gold)
    return "border" if found == "invented" and touches else found


def _same_type_only(span: Span, gold: list[Span]) -> str:
    return judge_span(span, [one for one in gold if one[0] == span[0]])


def _shared_end(span: Span, gold: list[Span]) -> str:
    found = judge_span(span, gold)
    shared = any(first == span[1] or last == span[2] for _, first, last in gold)
    return "invented" if found == "border" and not shared else found


spans = Exercise(
    id="08.4",
    title="What is wrong with an entity",
    kind="apply",
    stub='''\
def judge_span(span, gold):
    """What is wrong with a predicted entity, if anything.

    span: (type, start, end), end exclusive; gold: list of the gold entities of the sentence, written the same way.
    Returns "right" if it is among them; "type" if one has its start and end, but another type; "border" if it shares
    at least one word with one of them, whatever the type; else "invented".
    """
    ...
''',
    reference=judge_span,
    cases=_spans,
    mistakes=(
        Mistake(
            lambda span, gold: "right" if judge_span(span, gold) == "type" else judge_span(span, gold),
            "You accept an entity of the wrong type. It is right only if all three agree.",
        ),
        Mistake(
            _touching,
            "You call two spans that only touch overlapping. The end is exclusive: words 3 and 4 are `(…, 3, 5)`.",
        ),
        Mistake(
            _same_type_only,
            "You compare with gold entities of the same type only. What is it when the type differs too?",
        ),
        Mistake(
            _shared_end,
            "You ask for a common start or end. One word in common is enough, wherever it stands.",
        ),
        Mistake(
            lambda span, gold: "right" if span in gold else "invented",
            "You tell right from wrong, but not the kinds of wrong. Two kinds are close to a gold entity.",
        ),
    ),
)

EXERCISES = (complaints, matrix, balanced, spans)
