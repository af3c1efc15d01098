"""Exercises of notebook 08 on scores and errors: a threshold, average precision, what mending would gain."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from course_utils.exercises import Exercise, Inputs, Mistake

# 08.5


def threshold_for_recall(labels: np.ndarray, scores: np.ndarray, least: float) -> float:
    """The highest score that is a threshold with at least this recall."""
    found = np.sort(scores[labels == 1])[::-1]
    needed = int(np.ceil(least * len(found) - 1e-9))
    return float(found[needed - 1])


def _scored(random: np.random.Generator) -> Iterator[Inputs]:
    for positives, negatives, least in ((4, 3, 0.75), (5, 5, 0.6), (8, 4, 0.9), (3, 6, 0.5), (10, 5, 0.8)):
        labels = random.permutation(np.repeat([1, 0], [positives, negatives]))
        scores = random.permutation(np.arange(1, len(labels) + 1)) / 20
        top = int(scores.argmax())  # the highest score is that of a negative, the lowest that of a positive
        for place, wanted in ((top, 0), (int(scores.argmin()), 1)):
            if labels[place] != wanted:
                other = random.choice(np.flatnonzero((labels == wanted) & (np.arange(len(labels)) != top)))
                labels[[place, other]] = labels[[other, place]]
        yield labels, scores, least


def _by_share_of_all(labels: np.ndarray, scores: np.ndarray, least: float) -> float:
    ordered = np.sort(scores)[::-1]
    return float(ordered[int(np.ceil(least * len(scores) - 1e-9)) - 1])


def _for_precision(labels: np.ndarray, scores: np.ndarray, least: float) -> float:
    for threshold in np.sort(scores):
        if labels[scores >= threshold].mean() >= least:
            return float(threshold)
    return float("nan")


threshold = Exercise(
    id="08.5",
    title="The threshold for a promised recall",
    kind="transfer",
    stub='''\
def threshold_for_recall(labels, scores, least):
    """The highest threshold with which at least the share `least` of the positives is found.

    labels: integer array, 1 for a positive, else 0; scores: float array of the same length, no two equal.
    An example is called positive if its score is at least the threshold. Give a score that occurs.
    """
    ...
''',
    reference=threshold_for_recall,
    cases=_scored,
    mistakes=(
        Mistake(
            lambda labels, scores, least: scores[labels == 1].min(),
            "This finds every positive. Less was promised, so a higher threshold will do, with fewer false alarms.",
        ),
        Mistake(
            _by_share_of_all,
            "You call that share of *all* examples positive. The promise is about the positives alone.",
        ),
        Mistake(
            _for_precision,
            "You look for a share of right ones among what is called positive: that is a precision.",
        ),
        Mistake(
            lambda labels, scores, least: np.quantile(scores[labels == 1], 1 - least),
            "A quantile may lie between two scores, and then one positive more or less is found than you think. "
            "Sort the scores of the positives and count.",
        ),
        Mistake(
            lambda labels, scores, least: least,
            "A score of 0.75 does not promise a recall of 0.75. Which of the positives would still be found?",
        ),
        Mistake(
            lambda labels, scores, least: (scores[labels == 1] >= least).mean(),
            "This is the recall that a threshold gives. The other way round is asked: a recall is given.",
        ),
    ),
)

# 08.6


def average_precision(ranked: np.ndarray) -> float:
    """Mean, over the positives, of the precision down to each of them."""
    places = np.flatnonzero(ranked == 1) + 1
    return float((np.arange(1, len(places) + 1) / places).mean())


def _rankings(random: np.random.Generator) -> Iterator[Inputs]:
    yield (np.array([1, 0, 1, 0, 0]),)
    yield (np.array([0, 1, 1, 0, 1, 0]),)
    for positives, negatives in ((3, 4), (2, 7), (5, 3)):
        ranked = random.permutation(np.repeat([1, 0], [positives, negatives]))
        yield (np.concatenate([[0, 1], ranked]),)


def _precisions(ranked: np.ndarray) -> np.ndarray:
    return np.cumsum(ranked) / np.arange(1, len(ranked) + 1)


ranking = Exercise(
    id="08.6",
    title="Average precision of a ranking",
    kind="apply",
    stub='''\
def average_precision(ranked):
    """Average precision of a ranking.

    ranked: integer array of the labels by falling score, the likeliest example first: 1 for a positive, else 0.
    Returns the mean, over the positives, of the precision among the examples down to and including this one.
    """
    ...
''',
    reference=average_precision,
    cases=_rankings,
    mistakes=(
        Mistake(
            lambda ranked: _precisions(ranked).mean(),
            "You take the precision at every place. Only the places count at which a positive is found.",
        ),
        Mistake(
            lambda ranked: (_precisions(ranked) * ranked).sum() / len(ranked),
            "The sum is right. How many terms does it have that are not zero?",
        ),
        Mistake(
            lambda ranked: ranked.mean(),
            "This is the share of positives: what a ranking at random reaches. The order does not matter to it.",
        ),
        Mistake(
            lambda ranked: average_precision(ranked[::-1]),
            "You begin with the least likely example. The first of the array is the one with the highest score.",
        ),
        Mistake(
            lambda ranked: ranked[: int(ranked.sum())].mean(),
            "This is the precision at one place. The average looks at the place of each positive.",
        ),
        Mistake(
            lambda ranked: (1 / (np.flatnonzero(ranked == 1) + 1)).mean(),
            "You divide 1 by each place. At the second positive, two positives have been found.",
        ),
    ),
)

# 08.7


def accuracy_if_mended(correct: np.ndarray, kinds: list[str], kind: str) -> float:
    """Accuracy over all examples if those of one kind had no mistake."""
    return float((correct | _of_kind(kinds, kind)).mean())


def _of_kind(kinds: list[str], kind: str) -> np.ndarray:
    return np.array([own == kind for own in kinds])


def _kinds(random: np.random.Generator) -> Iterator[Inputs]:
    names = ["irony", "plain", "contrast"]
    for size in (8, 12, 15, 10):
        kinds = [*names, *random.choice(names, size - 3).tolist()]
        correct = random.random(size) < 0.6
        correct[:3], correct[3] = (False, True, False), False
        kinds[3] = "irony"
        yield correct, kinds, "irony"
    yield np.array([True, True, False, True, False]), ["plain", "irony", "plain", "plain", "plain"], "irony"


mended = Exercise(
    id="08.7",
    title="What mending one kind would gain",
    kind="apply",
    stub='''\
def accuracy_if_mended(correct, kinds, kind):
    """The accuracy over all examples if every example of one kind were right.

    correct: bool array, whether each example is right now; kinds: list of the kind of each example; kind: one of them.
    Returns a number in [0, 1]: what mending this kind could gain at most is this less the accuracy now.
    """
    ...
''',
    reference=accuracy_if_mended,
    cases=_kinds,
    mistakes=(
        Mistake(
            lambda correct, kinds, kind: correct[_of_kind(kinds, kind)].mean(),
            "This is the accuracy of that kind now. Asked for is the accuracy over all examples, afterwards.",
        ),
        Mistake(
            lambda correct, kinds, kind: correct[~_of_kind(kinds, kind)].mean(),
            "You leave the kind out. Its examples do not go away: they stay in the test and are right.",
        ),
        Mistake(
            lambda correct, kinds, kind: _of_kind(kinds, kind).mean(),
            "This is how frequent the kind is. It says nothing about how often it is wrong.",
        ),
        Mistake(
            lambda correct, kinds, kind: np.mean(~correct & _of_kind(kinds, kind)),
            "This is the gain. Asked for is the accuracy that would be reached.",
        ),
        Mistake(
            lambda correct, kinds, kind: correct.mean() + _of_kind(kinds, kind).mean(),
            "You add every example of the kind. Some of them are right already.",
        ),
        Mistake(
            lambda correct, kinds, kind: correct.mean(),
            "This is the accuracy as it is.",
        ),
    ),
)

EXERCISES = (threshold, ranking, mended)
