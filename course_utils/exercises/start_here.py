"""Exercises of notebook 00, Start here: labels, predictions, accuracy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from course_utils.exercises import Exercise, Inputs, Mistake
from course_utils.tokenization import IGNORE_INDEX

NAMES = ("negative", "positive", "mixed", "unclear")

# 00.1


def _is_percentage(got: np.ndarray, expected: np.ndarray) -> bool:
    return bool(got > 1)


majority = Exercise(
    id="00.1",
    title="What the majority baseline reaches",
    kind="recall",
    stub="majority_accuracy = ...  # 60 test notes complain and 40 praise; train has the same shares\n",
    reference=0.6,
    mistakes=(
        Mistake(0.5, "A half is what a fair coin reaches. This baseline does not toss: it always gives one answer."),
        Mistake(0.4, "So many notes have the rarer label. Which of the two labels does the baseline give?"),
        Mistake(1.0, "It would be right every time if all notes had one label. Which notes does it get wrong?"),
        Mistake(60, "Accuracy is a share, so it lies between 0 and 1.", recognise=_is_percentage),
    ),
)

# 00.2


def predicted_labels(logits: np.ndarray, names: list[str]) -> list[str]:
    """Name of the label with the highest score, for each example."""
    return [names[number] for number in logits.argmax(axis=-1)]


def _logits(random: np.random.Generator) -> Iterator[Inputs]:
    for num_examples, num_labels in ((2, 2), (3, 2), (4, 3), (3, 4), (6, 4)):
        # More labels than examples and the other way round: the two axes cannot be taken for each other.
        order = random.permuted(np.tile(np.arange(num_labels), (num_examples, 1)), axis=1)
        yield order - 0.5 * num_labels, list(NAMES[:num_labels])
    yield np.array([[-3.0, -1.0], [-1.0, -3.0]]), list(NAMES[:2])


predicted = Exercise(
    id="00.2",
    title="From scores to labels",
    kind="apply",
    stub='''\
def predicted_labels(logits, names):
    """Name of the label with the highest score, for each example.

    logits: array of shape (examples, labels); names: list of the labels' names, in the order of their numbers.
    Returns a list with one name for each example.
    """
    ...
''',
    reference=predicted_labels,
    cases=_logits,
    mistakes=(
        Mistake(
            lambda logits, names: logits.argmax(axis=-1),
            "These are the numbers of the labels. What the reader wants to see are their names.",
        ),
        Mistake(
            lambda logits, names: [names[number] for number in logits.argmin(axis=-1)],
            "You name the label with the lowest score. A high score speaks for a label, also if all are negative.",
        ),
        Mistake(
            lambda logits, names: [names[number] for number in logits.argmax(axis=0)],
            "You look for the best example of each label. A row is an example: look along it for its best label.",
        ),
        Mistake(
            lambda logits, names: logits.max(axis=-1),
            "These are the highest scores. Needed is where in its row each stands, and the name that belongs there.",
        ),
        Mistake(
            lambda logits, names: names[logits.argmax()],
            "This is one name for the whole array. Every row is an example and gets an answer of its own.",
        ),
        Mistake(
            lambda logits, names: [names[int(row[-1] > 0)] for row in logits],
            "You compare a score with zero. The scores of a row are compared with each other, however many there are.",
        ),
    ),
)

# 00.3


def accuracy(labels: np.ndarray, predictions: np.ndarray) -> float:
    """Share of right predictions among those whose label counts."""
    counted = labels != IGNORE_INDEX
    return float((labels == predictions)[counted].mean())


def _labelled_words(random: np.random.Generator) -> Iterator[Inputs]:
    for num_labelled, num_right, num_ignored in ((4, 1, 0), (3, 1, 2), (8, 6, 3), (5, 3, 6), (10, 7, 5)):
        labels = random.integers(0, 12, num_labelled + num_ignored)
        wrong = np.arange(len(labels)) >= num_right
        predictions = np.where(wrong, (labels + random.integers(1, 12, len(labels))) % 12, labels)
        labels[num_labelled:] = IGNORE_INDEX
        order = random.permutation(len(labels))
        yield labels[order], predictions[order]


tag_accuracy = Exercise(
    id="00.3",
    title="Accuracy when some labels are left out",
    kind="transfer",
    stub='''\
def accuracy(labels, predictions):
    """Share of right predictions among the pieces that have a label.

    labels, predictions: integer arrays of one length. A label of -100 means: leave this piece out.
    Returns a number in [0, 1].
    """
    ...
''',
    reference=accuracy,
    cases=_labelled_words,
    mistakes=(
        Mistake(
            lambda labels, predictions: (labels == predictions).mean(),
            "The pieces with -100 count as wrong in your figure. They have no right answer, so leave them out of it.",
        ),
        Mistake(
            lambda labels, predictions: ((labels == predictions) | (labels == IGNORE_INDEX)).mean(),
            "The pieces with -100 count as right in your figure, which flatters. They have no right answer at all.",
        ),
        Mistake(
            lambda labels, predictions: (labels == predictions).sum(),
            "This is how many are right. Accuracy is a share: out of how many?",
        ),
        Mistake(
            lambda labels, predictions: 1 - accuracy(labels, predictions),
            "This is the share of mistakes, the error rate.",
        ),
        Mistake(
            lambda labels, predictions: 100 * accuracy(labels, predictions),
            "This is a percentage. Give the share, between 0 and 1.",
        ),
        Mistake(
            lambda labels, predictions: (labels == predictions)[labels != IGNORE_INDEX],
            "You have said of each labelled piece whether it is right. One number should sum this up.",
        ),
    ),
)

EXERCISES = (majority, predicted, tag_accuracy)
