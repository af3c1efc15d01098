"""Exercises of notebook 09 on k-fold and calibration: answers out of fold, bins of equal mass, temperature."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from course_utils.exercises import Exercise, Inputs, Mistake

# 09.5


def out_of_fold_means(values: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """For each example the mean of the examples of all other folds."""
    return np.array([values[folds != fold].mean() for fold in folds])


def _folded(random: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([1.0, 2.0, 3.0, 6.0]), np.array([0, 0, 1, 1])
    for size, num_folds in ((7, 3), (10, 4), (12, 5)):
        folds = np.concatenate([np.arange(num_folds), random.integers(0, num_folds, size - num_folds)])
        folds[-1] = folds[0]  # no fold order that is that of the examples, and one fold of two at least
        yield random.uniform(1, 5, size).round(2), folds


def _without_oneself(values: np.ndarray, folds: np.ndarray) -> np.ndarray:
    return (values.sum() - values) / (len(values) - 1)


def _mean_of_means(values: np.ndarray, folds: np.ndarray) -> np.ndarray:
    means = {fold: values[folds == fold].mean() for fold in folds}
    return np.array([np.mean([mean for other, mean in means.items() if other != fold]) for fold in folds])


out_of_fold = Exercise(
    id="09.5",
    title="Answers from the other folds",
    kind="apply",
    stub='''\
def out_of_fold_means(values, folds):
    """Out-of-fold predictions of the simplest model there is: it always answers the mean of its training values.

    values: float array of shape (examples,), what is to be predicted; folds: int array of shape (examples,), the fold
    of each example. The model that answers for an example was trained on the examples of all other folds.
    Returns a float array of shape (examples,): one prediction an example, in the order of the examples.
    """
    ...
''',
    reference=out_of_fold_means,
    cases=_folded,
    mistakes=(
        Mistake(
            lambda values, folds: np.full(len(values), values.mean()),
            "One model, trained on everything, answers for what it has learned from. No fold was left out.",
        ),
        Mistake(
            lambda values, folds: np.array([values[folds == fold].mean() for fold in folds]),
            "Your models were trained on the fold that they answer for. Turn it round.",
        ),
        Mistake(
            _without_oneself,
            "You leave out one example at a time. The whole fold has to stay out: it may hold texts of that author.",
        ),
        Mistake(
            _mean_of_means,
            "A mean of means weighs a small fold like a large one. The model has seen examples, not folds.",
        ),
        Mistake(
            lambda values, folds: np.array([values[folds != fold].mean() for fold in np.unique(folds)]),
            "One number a fold. Each example gets the answer of its fold's model, in the order of the examples.",
        ),
        Mistake(
            lambda values, folds: np.array([np.median(values[folds != fold]) for fold in folds]),
            "The right examples, and their median. This model answers the mean.",
        ),
    ),
)

# 09.6


def equal_mass_error(confidence: np.ndarray, correct: np.ndarray, num_bins: int) -> float:
    """Mean gap between confidence and accuracy over bins of equally many examples."""
    order = np.argsort(confidence).reshape(num_bins, -1)
    gaps = np.abs(confidence[order].mean(axis=1) - correct[order].mean(axis=1))
    return float(gaps.mean())


def _answers(random: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([0.9, 0.6, 0.8, 0.7]), np.array([1, 1, 1, 0]), 2
    for num_bins, each in ((2, 6), (3, 5), (4, 8), (5, 6)):
        confidence = random.choice(np.arange(510, 1000), num_bins * each, replace=False) / 1000
        confidence[: num_bins * each // 2] = 0.9 + confidence[: num_bins * each // 2] / 10  # most are nearly sure
        correct = (random.random(len(confidence)) < confidence - 0.15).astype(int)
        correct[np.argmin(confidence)] = 1
        yield random.permutation(confidence), correct, num_bins


def _binned(summary: Callable[[np.ndarray], float]) -> Callable[[np.ndarray, np.ndarray, int], float]:
    """Another way to make one number of the signed gaps of the bins."""

    def error(confidence: np.ndarray, correct: np.ndarray, num_bins: int) -> float:
        order = np.argsort(confidence).reshape(num_bins, -1)
        return float(summary(confidence[order].mean(axis=1) - correct[order].mean(axis=1)))

    return error


def _unsorted(confidence: np.ndarray, correct: np.ndarray, num_bins: int) -> float:
    return float(np.abs((confidence - correct).reshape(num_bins, -1).mean(axis=1)).mean())


def _sorted_alone(confidence: np.ndarray, correct: np.ndarray, num_bins: int) -> float:
    return float(np.abs((np.sort(confidence) - correct).reshape(num_bins, -1).mean(axis=1)).mean())


def _equal_width(confidence: np.ndarray, correct: np.ndarray, num_bins: int) -> float:
    number = np.minimum((confidence * num_bins).astype(int), num_bins - 1)
    return float(np.abs(np.bincount(number, weights=confidence - correct)).sum() / len(confidence))


equal_mass = Exercise(
    id="09.6",
    title="Bins of equal mass",
    kind="apply",
    stub='''\
def equal_mass_error(confidence, correct, num_bins):
    """Expected calibration error over bins that hold equally many examples.

    confidence: float array of shape (examples,), all different; correct: int array of the same shape, 1 where the
    prediction is right; num_bins: divides the number of examples. The first bin holds the lowest confidences.
    Returns the mean over the bins of |mean confidence - share of right predictions|.
    """
    ...
''',
    reference=equal_mass_error,
    cases=_answers,
    mistakes=(
        Mistake(
            _unsorted,
            "Your bins take the examples as they come. Confident and doubtful ones mix, and their gaps cancel.",
        ),
        Mistake(
            _sorted_alone,
            "You sorted the confidences and left the right answers where they were: each stands beside another "
            "example's confidence now.",
        ),
        Mistake(
            _equal_width,
            "These bins are equally wide. Most examples fall into the last one, and the others hold a handful.",
        ),
        Mistake(
            _binned(np.mean),
            "Signed gaps cancel: a bin that is too sure hides one that is not sure enough.",
        ),
        Mistake(_binned(lambda gaps: np.abs(gaps).max()), "This is the worst bin. Their mean is asked for."),
        Mistake(
            _binned(lambda gaps: np.abs(gaps).sum()), "This is the sum over the bins, which grows with their number."
        ),
        Mistake(
            _binned(lambda gaps: float(np.sqrt(np.mean(gaps**2)))),
            "You take the root of the mean square. The error asked for is a plain mean of distances.",
        ),
    ),
)

# 09.7


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """What softmax(logits / T) gives, from softmax(logits) alone."""
    powers = probabilities ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


def _distributions(random: np.random.Generator) -> Iterator[Inputs]:
    yield np.array([[0.9, 0.1], [0.5, 0.5]]), 2.0
    for num_labels, temperature in ((2, 0.5), (3, 1.5), (4, 3.0)):
        yield random.dirichlet(np.ones(num_labels), 4), temperature


def _softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


cooling = Exercise(
    id="09.7",
    title="Temperature without logits",
    kind="transfer",
    stub='''\
def tempered(probabilities, temperature):
    """The probabilities that a model would have given with softmax(logits / temperature).

    probabilities: float array of shape (examples, labels), softmax of logits that you do not have; all above 0.
    Returns an array of the same shape. Note: logits may be moved by a constant a row without any change of softmax,
    and the logarithms of the probabilities are such logits.
    """
    ...
''',
    reference=tempered,
    cases=_distributions,
    mistakes=(
        Mistake(
            lambda probabilities, temperature: probabilities / temperature,
            "Rows no longer sum to 1, and scaling them back would undo all that you did.",
        ),
        Mistake(
            lambda probabilities, temperature: probabilities + 0,
            "Nothing has changed. Dividing a whole row by a number and scaling it back is one way to get there.",
        ),
        Mistake(
            lambda probabilities, temperature: probabilities ** (1 / temperature),
            "The right powers, but the rows do not sum to 1.",
        ),
        Mistake(
            lambda probabilities, temperature: _softmax(probabilities / temperature),
            "You treat probabilities as logits. With temperature 1 they should come out as they went in: do they?",
        ),
        Mistake(
            lambda probabilities, temperature: tempered(probabilities, 1 / temperature),
            "A temperature above 1 should take confidence away. Yours adds some.",
        ),
        Mistake(
            lambda probabilities, temperature: np.log(probabilities) / temperature,
            "These are logits, divided by the temperature. One step is missing.",
        ),
        Mistake(
            lambda probabilities, temperature: (
                probabilities ** (1 / temperature) / (probabilities ** (1 / temperature)).sum(axis=0, keepdims=True)
            ),
            "Your columns sum to 1. Each row is a distribution over the labels.",
        ),
    ),
)

EXERCISES = (out_of_fold, equal_mass, cooling)
