"""Exercises of notebook 09 on comparing models: standard errors, two variances, whole authors, McNemar's test."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from course_utils.exercises import Exercise, Inputs, Mistake

# 09.1

standard_error = Exercise(
    id="09.1",
    title="The standard error of an accuracy",
    kind="recall",
    stub="standard_error = ...  # a model has 360 of 400 test examples right, drawn independently\n",
    reference=0.015,
    mistakes=(
        Mistake(0.3, "This is the standard deviation of one example, right or wrong. The accuracy is a mean of 400."),
        Mistake(0.000225, "This is the variance, in squared units. Take its root."),
        Mistake(0.00075, "The spread of a mean falls with the root of the number of examples, not with the number."),
        Mistake(
            0.05, "You left out how often the model is right: accuracies near 0 or 1 spread less than those near 1/2."
        ),
        Mistake(0.0294, "This is half of a 95 % interval. The standard error is what was multiplied to get it."),
        Mistake(0.03, "Twice too much: that is about half of a 95 % interval."),
        Mistake(1.5, "Right in points. Give it as a share, as the accuracy is."),
        Mistake(0.025, "This is for a model that is right in half of the cases, the widest there is."),
    ),
)

# 09.2


def spreads(right: np.ndarray) -> list[float]:
    """Standard deviation over seeds, and standard error over examples."""
    of_seeds, of_examples = right.mean(axis=1), right.mean(axis=0)
    return [float(of_seeds.std(ddof=1)), float(of_examples.std(ddof=1) / len(of_examples) ** 0.5)]


def _tables(random: np.random.Generator) -> Iterator[Inputs]:
    yield (np.array([[1, 1, 0, 1], [1, 0, 0, 1]]),)
    for num_seeds, num_examples in ((3, 12), (4, 30), (5, 40)):
        easy = random.uniform(0.2, 1.0, num_examples)
        yield ((random.random((num_seeds, num_examples)) < easy).astype(int),)


def _spread(values: np.ndarray, ddof: int = 1) -> float:
    return float(values.std(ddof=ddof))


two_variances = Exercise(
    id="09.2",
    title="Two variances of one table",
    kind="transfer",
    stub='''\
def spreads(right):
    """How much of the spread of an accuracy comes from seeds, and how much from test examples.

    right: int array of shape (seeds, examples), 1 where the model of that seed has that example right.
    Returns a list of two numbers: the sample standard deviation (ddof=1) of the seeds' accuracies; and the standard
    error of their mean accuracy under other test examples, which is the sample standard deviation (ddof=1) of the
    examples' mean rightness, divided by the root of the number of examples.
    """
    ...
''',
    reference=spreads,
    cases=_tables,
    mistakes=(
        Mistake(lambda right: spreads(right)[::-1], "Both numbers are right. Which of them did the task name first?"),
        Mistake(lambda right: spreads(right.T), "The axes are changed over: rows are seeds, columns are examples."),
        Mistake(
            lambda right: [_spread(right.mean(axis=1), 0), _spread(right.mean(axis=0), 0) / right.shape[1] ** 0.5],
            "You divide by the number of values, not by one less. With so few seeds that is far too small.",
        ),
        Mistake(
            lambda right: [_spread(right.mean(axis=1)), _spread(right.ravel()) / right.size**0.5],
            "You take each seed's answer for a new example. Five seeds on 600 examples are not 3,000 examples: hard "
            "examples are hard for all of them.",
        ),
        Mistake(
            lambda right: [_spread(right.mean(axis=1)), _spread(right.mean(axis=0))],
            "The second is the spread of single examples. How far does their mean move?",
        ),
        Mistake(
            lambda right: [_spread(right.mean(axis=1)) ** 2, _spread(right.mean(axis=0)) ** 2 / right.shape[1]],
            "These are the variances. Take their roots, so that the unit is that of the accuracy.",
        ),
        Mistake(
            lambda right: [
                _spread(right.mean(axis=1)) / len(right) ** 0.5,
                _spread(right.mean(axis=0)) / right.shape[1] ** 0.5,
            ],
            "Your first number says how well the mean over seeds is known. Asked for is how far one seed lies from it.",
        ),
    ),
)

# 09.3


def resampled_rows(groups: Sequence[str], drawn: Sequence[str]) -> list[int]:
    """Positions of the examples of all drawn groups, as often as their group was drawn."""
    return sorted(row for name in drawn for row, group in enumerate(groups) if group == name)


def _draws(random: np.random.Generator) -> Iterator[Inputs]:
    yield ["Ada", "Ada", "Ben", "Cem"], ["Ben", "Ada", "Ben"]
    yield ["Ada", "Ben", "Ada"], ["Ada", "Ada"]
    for _ in range(3):
        names = ["Ada", "Ben", "Cem", "Dot"]
        groups = [*names, *random.choice(names, 6).tolist()]
        yield [*random.permutation(groups).tolist()], ["Dot", "Dot", *random.choice(names[:3], 2).tolist()]


drawing = Exercise(
    id="09.3",
    title="Draw whole authors",
    kind="apply",
    stub='''\
def resampled_rows(groups, drawn):
    """Which examples a resample of whole groups consists of.

    groups: list with the group of each example, such as its author; drawn: list of the groups that were drawn, with
    replacement, so that a name may occur several times.
    Returns a sorted list of positions of examples; the examples of a group that was drawn twice occur twice.
    """
    ...
''',
    reference=resampled_rows,
    cases=_draws,
    mistakes=(
        Mistake(
            lambda groups, drawn: [row for row, group in enumerate(groups) if group in drawn],
            "A group that was drawn twice counts once here. Without that, resamples would differ too little.",
        ),
        Mistake(
            lambda groups, drawn: sorted(groups.index(name) for name in drawn),
            "Only the first example of each group. A group comes with all that belongs to it.",
        ),
        Mistake(
            lambda groups, drawn: [group for group in groups for name in drawn if group == name],
            "These are names. Positions are asked for, so that labels and predictions can be looked up.",
        ),
        Mistake(
            lambda groups, drawn: [row for name in drawn for row, group in enumerate(groups) if group == name],
            "The right examples, as often as they should occur. Only their order is not the one asked for.",
        ),
        Mistake(
            lambda groups, drawn: [row for row, group in enumerate(groups) if group not in drawn],
            "These are the examples of the groups that were not drawn.",
        ),
        Mistake(
            lambda groups, drawn: sorted([row for name in drawn for row, g in enumerate(groups) if g == name])[
                : len(groups)
            ],
            "You cut the resample to the old number of examples. It may be larger or smaller: the number of groups is "
            "what stays.",
        ),
    ),
)

# 09.4


def mcnemar_p(only_first: int, only_second: int) -> float:
    """Probability of a split at least so uneven, if each of these examples is a fair coin."""
    num_flips, rarer = only_first + only_second, min(only_first, only_second)
    tail = sum(math.comb(num_flips, k) for k in range(rarer + 1)) / 2**num_flips
    return min(1.0, 2 * tail)


def _splits(random: np.random.Generator) -> Iterator[Inputs]:
    yield from ((0, 3), (9, 2), (5, 5), (0, 0))
    for most in (12, 25, 40):
        rarer = int(random.integers(2, most // 2))
        yield (rarer, most - rarer) if random.random() < 0.5 else (most - rarer, rarer)


def _one_tail(only_first: int, only_second: int) -> float:
    num_flips = only_first + only_second
    return sum(math.comb(num_flips, k) for k in range(min(only_first, only_second) + 1)) / 2**num_flips


def _by_formula(only_first: int, only_second: int, correction: int = 0) -> float:
    """McNemar's statistic, approximately of the chi-squared distribution."""
    if only_first + only_second == 0:
        return 1.0
    lead = max(abs(only_first - only_second) - correction, 0)
    return math.erfc(math.sqrt(lead**2 / (only_first + only_second) / 2))


def _this_split(only_first: int, only_second: int) -> float:
    num_flips = only_first + only_second
    return min(1.0, 2 * math.comb(num_flips, only_first) / 2**num_flips)


def _beyond(only_first: int, only_second: int) -> float:
    num_flips = only_first + only_second
    return min(1.0, 2 * sum(math.comb(num_flips, k) for k in range(min(only_first, only_second))) / 2**num_flips)


coins = Exercise(
    id="09.4",
    title="McNemar's test with coins",
    kind="apply",
    stub='''\
def mcnemar_p(only_first, only_second):
    """p-value of McNemar's test, exact and two-sided.

    only_first, only_second: numbers of examples that only the first, or only the second model has right.
    Returns the probability that so many flips of a fair coin fall at least as unevenly, to either side; never more
    than 1, and 1 if there are no such examples. `math.comb(n, k)` counts the ways to have k heads in n flips.
    """
    ...
''',
    reference=mcnemar_p,
    cases=_splits,
    mistakes=(
        Mistake(_one_tail, "This is one side only. A split as uneven to the other side counts as well."),
        Mistake(
            lambda only_first, only_second: 2 * _one_tail(only_first, only_second),
            "Nearly: with an even split the two sides overlap, and your probability is more than 1.",
        ),
        Mistake(_this_split, "This is the probability of just this split. Add those that are still more uneven."),
        Mistake(_beyond, "Only what is more uneven than the split that was seen. At least as uneven is asked for."),
        Mistake(_by_formula, "This is the approximation with a square over the sum. Count the coins: it is exact."),
        Mistake(
            lambda only_first, only_second: _by_formula(only_first, only_second, 1),
            "This is the approximation with its correction. Counting the coins needs neither.",
        ),
        Mistake(
            lambda only_first, only_second: 1 - mcnemar_p(only_first, only_second),
            "This grows as the split gets more uneven. The probability asked for gets smaller.",
        ),
    ),
)

EXERCISES = (standard_error, two_variances, drawing, coins)
