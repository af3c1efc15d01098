"""Two models on one test set: tests against exact fractions, other implementations and simulation."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from scipy.stats import binom, binomtest, chi2
from sklearn.metrics import accuracy_score

from course_utils.errors import InputError
from course_utils.metrics import (
    NO_PREDICTION,
    Interval,
    McNemarResult,
    bootstrap_distribution,
    bootstrap_interval,
    entity_counts,
    entity_f1,
    examples_needed,
    mcnemar_power,
    mcnemar_test,
    paired_bootstrap,
    percentile_interval,
    precision_recall_f1,
)


def accuracy(labels, predictions) -> float:
    return float(np.mean(labels == predictions))


def answers(both_right: int, only_first: int, only_second: int, both_wrong: int):
    """Gold labels and the predictions of two models that agree and differ so often."""
    numbers = (both_right, only_first, only_second, both_wrong)
    first, second = np.repeat([0, 0, 1, 1], numbers), np.repeat([0, 1, 0, 1], numbers)
    return np.zeros(sum(numbers), dtype=int), first, second


def exact_p_value(b: int, c: int) -> Fraction:
    """Twice the smaller tail of fair coins, at most 1."""
    tail = sum(Fraction(comb(b + c, k), 2 ** (b + c)) for k in range(min(b, c) + 1))
    return min(Fraction(1), 2 * tail)


# McNemar


def test_a_table_worked_out_by_hand():
    result = mcnemar_test(*answers(50, 2, 8, 40))
    # two of ten fair coins or fewer, both sides: 2 (1 + 10 + 45) / 1024
    assert result == McNemarResult(50, 2, 8, 40, pytest.approx(2 * 56 / 1024))
    assert result.num_examples == 100
    assert result.difference == pytest.approx(0.06)
    assert result.discordance == pytest.approx(0.10)
    swapped = mcnemar_test(*answers(50, 8, 2, 40))
    assert swapped.difference == pytest.approx(-0.06) and swapped.p_value == result.p_value
    assert type(result.both_right) is type(result.only_second) is int and type(result.p_value) is float


def test_the_p_value_equals_exact_fractions():
    for b in range(9):
        for c in range(9):
            assert mcnemar_test(*answers(1, b, c, 0)).p_value == pytest.approx(float(exact_p_value(b, c)))


@pytest.mark.parametrize(("b", "c"), [(300, 220), (1000, 900), (40, 41)])
def test_the_p_value_equals_other_tests(b, c):
    p_value = mcnemar_test(*answers(0, b, c, 5)).p_value
    assert p_value == pytest.approx(binomtest(b, b + c, 0.5, alternative="two-sided").pvalue)
    # McNemar's chi-square with Edwards's continuity correction is its approximation.
    assert p_value == pytest.approx(chi2.sf((abs(b - c) - 1) ** 2 / (b + c), 1), abs=0.003)


def test_models_that_never_differ():
    assert mcnemar_test(*answers(3, 0, 0, 4)) == McNemarResult(3, 0, 0, 4, 1.0)
    assert mcnemar_test([0], [0], [0]) == McNemarResult(1, 0, 0, 0, 1.0)


def test_a_missing_prediction_is_wrong():
    result = mcnemar_test(np.array([0, 1]), np.array([0, NO_PREDICTION]), np.array([0, 1]))
    assert (result.both_right, result.only_second) == (1, 1)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (([0], [0], [0, 1]), r"^labels, first and second must be equally long, got 1, 1 and 2\.$"),
        (([], [], []), "got no labels"),
    ],
)
def test_predictions_that_cannot_be_compared(arrays, message):
    for compare in (mcnemar_test, lambda *a: paired_bootstrap(accuracy, *a)):
        with pytest.raises(InputError, match=message):
            compare(*map(np.array, arrays))


# The paired bootstrap


@pytest.fixture(scope="module")
def models():
    random = np.random.default_rng(5)
    labels = random.integers(0, 3, 200)
    first = np.where(random.random(200) < 0.7, labels, random.integers(0, 3, 200))
    second = np.where(random.random(200) < 0.5, first, labels)
    return labels, first, second


def test_the_difference_and_its_interval(models):
    labels, first, second = models
    result = paired_bootstrap(accuracy, *models)
    assert result.difference == pytest.approx(accuracy_score(labels, second) - accuracy_score(labels, first))
    assert result.difference == pytest.approx(mcnemar_test(*models).difference)

    def difference(g, a, b):
        return accuracy(g, b) - accuracy(g, a)

    assert result.interval == bootstrap_interval(difference, *models)
    assert {type(v) for v in (result.difference, result.p_value, result.interval.low)} == {float}


def test_pairing_makes_the_interval_narrower_than_either_alone(models):
    labels, first, second = models
    paired = paired_bootstrap(accuracy, *models).interval
    alone = [bootstrap_interval(accuracy, labels, predicted) for predicted in (first, second)]
    apart = np.sqrt(sum((interval.high - interval.low) ** 2 for interval in alone))
    assert paired.high - paired.low < 0.8 * apart


def test_the_options_reach_the_resampling(models):
    labels, first, second = models
    groups = np.arange(200) // 4
    options = {"groups": groups, "num_resamples": 120, "seed": 9}
    result = paired_bootstrap(accuracy, *models, confidence=0.8, **options)
    correct = (second == labels).astype(float) - (first == labels)
    values = bootstrap_distribution(np.mean, correct, **options)
    expected = percentile_interval(values, 0.8)
    assert (result.interval.low, result.interval.high) == pytest.approx((expected.low, expected.high))


def test_the_defaults(models):
    explicit = paired_bootstrap(accuracy, *models, groups=None, num_resamples=1000, confidence=0.95, seed=0)
    assert paired_bootstrap(accuracy, *models) == explicit
    assert paired_bootstrap(accuracy, *models, seed=1) != explicit


def test_p_values_worked_out_by_hand():
    labels, right, wrong = np.zeros(10), np.zeros(10), np.ones(10)
    better = paired_bootstrap(accuracy, labels, wrong, right, num_resamples=99)
    # none of 99 resamples on the other side, one added to both counts, both sides
    assert (better.difference, better.interval, better.p_value) == (1.0, Interval(1.0, 1.0), pytest.approx(2 / 100))
    worse = paired_bootstrap(accuracy, labels, right, wrong, num_resamples=99)
    assert (worse.difference, worse.p_value) == (-1.0, pytest.approx(2 / 100))
    equal = paired_bootstrap(accuracy, labels, right, right, num_resamples=99)
    assert (equal.difference, equal.p_value) == (0.0, 1.0)


@pytest.mark.parametrize(("better", "worse"), [(14, 6), (6, 14)])
def test_the_p_value_counts_the_rarer_side_and_the_zeros(better, worse):
    labels, first, second = answers(20, worse, better, 0)
    values = bootstrap_distribution(np.mean, (second == labels).astype(float) - (first == labels), num_resamples=400)
    at_most, at_least = np.sum(values <= 0), np.sum(values >= 0)
    assert min(at_most, at_least) > 0 and at_most + at_least > 400  # some are zero
    p_value = paired_bootstrap(accuracy, labels, first, second, num_resamples=400).p_value
    assert p_value == pytest.approx(2 * (min(at_most, at_least) + 1) / 401)


def test_the_p_value_and_the_interval_say_the_same():
    random = np.random.default_rng(0)
    said = []
    for seed in range(30):
        labels, first, second = answers(30, int(random.integers(0, 15)), int(random.integers(0, 15)), 5)
        result = paired_bootstrap(accuracy, labels, first, second, num_resamples=400, seed=seed)
        said.append(0 not in result.interval)
        # The interval lies between two resamples, and the p-value counts one more: near 0.05 they may part.
        if said[-1]:
            assert result.p_value < 0.05 + 2 * 2 / 401
        else:
            assert result.p_value > 0.05
    assert 5 < sum(said) < 25


def test_the_p_value_comes_near_mcnemars():
    # Seeds 0 to 9 gave 0.008 to 0.026 less than McNemar's exact test, which is conservative.
    arrays = answers(300, 50, 72, 30)
    difference = mcnemar_test(*arrays).p_value - paired_bootstrap(accuracy, *arrays).p_value
    assert abs(difference) < 0.04


def test_groups_that_agree_count_once():
    labels, first, second = answers(4, 2, 8, 2)
    copies = [np.repeat(array, 10) for array in (labels, first, second)]
    blind = paired_bootstrap(accuracy, *copies).p_value
    grouped = paired_bootstrap(accuracy, *copies, groups=np.repeat(np.arange(16), 10)).p_value
    assert blind < 0.01 < 0.03 < grouped == paired_bootstrap(accuracy, labels, first, second).p_value


def test_entities_are_compared_by_their_counts():
    gold = [["B-PER", "O"], ["B-LOC", "I-LOC"], ["O", "B-PER"], ["B-ORG", "O"]] * 5
    first = [["B-PER", "O"], ["B-LOC", "O"], ["O", "O"], ["B-LOC", "O"]] * 5
    second = [["B-PER", "O"], ["B-LOC", "I-LOC"], ["O", "B-PER"], ["B-LOC", "O"]] * 5
    a, b = entity_counts(gold, first), entity_counts(gold, second)

    def f1(num_gold, rest):
        return precision_recall_f1(num_gold.sum(), *rest.sum(axis=0))[2]

    result = paired_bootstrap(f1, a[:, 0], a[:, 1:], b[:, 1:])
    assert result.difference == pytest.approx(entity_f1(gold, second).f1 - entity_f1(gold, first).f1)
    assert 0 not in result.interval


def test_resamples_without_a_difference_are_left_out():
    def undefined_on_some(labels, predictions):
        return float(np.mean(labels == predictions)) if len(np.unique(labels)) > 2 else float("nan")

    labels = np.arange(4)
    result = paired_bootstrap(undefined_on_some, labels, labels + 1, labels, num_resamples=200)
    values = bootstrap_distribution(lambda g: undefined_on_some(g, g), labels, num_resamples=200)
    defined = int(np.sum(~np.isnan(values)))
    assert defined < 200
    assert result.p_value == pytest.approx(2 / (defined + 1)) and result.interval == Interval(1.0, 1.0)


def test_a_difference_that_is_never_defined():
    result = paired_bootstrap(lambda g, p: float("nan"), *answers(1, 1, 1, 1))
    assert np.isnan(result.difference) and np.isnan(result.interval.low) and result.p_value == 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"confidence": 1.0}, r"^confidence must lie in \(0, 1\), got 1\.0\.$"),
        ({"num_resamples": 0}, "^num_resamples must be at least 1, got 0"),
        ({"groups": [1]}, "got .4, 4, 4. and 1 groups"),
    ],
)
def test_options_outside_their_range(options, message):
    calls = []
    with pytest.raises(InputError, match=message):
        paired_bootstrap(lambda g, p: calls.append(1) or 0.0, *answers(1, 1, 1, 1), **options)
    assert calls == []


# Power


def test_numbers_of_examples_as_published():
    # Connor (1987), as calculators based on it give: 23 for cells of 0.45 and 0.05.
    assert examples_needed(0.40, 0.50) == 23
    # by hand: ((1.959964 sqrt 0.1 + 0.841621 sqrt 0.0996) / 0.02)^2 = 1959.01...
    z_alpha, z_power = 1.959964, 0.841621
    by_hand = ((z_alpha * np.sqrt(0.1) + z_power * np.sqrt(0.1 - 0.0004)) / 0.02) ** 2
    assert examples_needed(0.02, 0.10) == int(np.ceil(by_hand)) == 1960
    assert examples_needed(-0.02, 0.10) == 1960
    assert type(examples_needed(0.02, 0.10)) is int


def test_what_makes_a_difference_hard_to_see():
    base = examples_needed(0.02, 0.10)
    assert examples_needed(0.02, 0.10, power=0.8, alpha=0.05) == base
    assert examples_needed(0.02, 0.10, power=0.9) == 2623
    assert examples_needed(0.02, 0.10, alpha=0.01) == 2917
    assert examples_needed(0.01, 0.10) == pytest.approx(4 * base, rel=0.01)
    assert examples_needed(0.02, 0.20) == pytest.approx(2 * base, rel=0.01)
    assert examples_needed(0.1, 0.1) == 77  # one model is never the only one to be right


def power_by_enumeration(n: int, first: float, second: float, alpha: float) -> float:
    """Sum over all tables of n examples."""
    total = 0.0
    for b in range(n + 1):
        for c in range(n + 1 - b):
            ways = comb(n, b) * comb(n - b, c)
            if exact_p_value(b, c) <= alpha:
                total += ways * first**b * second**c * (1 - first - second) ** (n - b - c)
    return total


@pytest.mark.parametrize(
    ("n", "difference", "discordance", "alpha"),
    [
        (1, 0.3, 0.5, 0.05),
        (12, 0.3, 0.5, 0.05),
        (25, -0.2, 0.4, 0.05),
        (25, 0.1, 0.3, 0.2),
        (20, 0.6, 0.6, 0.1),
        (8, 0.5, 1, 0.3),
    ],
)
def test_power_equals_the_sum_over_all_tables(n, difference, discordance, alpha):
    second, first = (discordance + difference) / 2, (discordance - difference) / 2
    expected = power_by_enumeration(n, first, second, alpha)
    assert mcnemar_power(n, difference, discordance, alpha=alpha) == pytest.approx(expected, abs=1e-12)


def test_power_where_models_never_agree_is_a_sum_over_coins():
    wins = np.arange(601)
    found = 2 * binom.cdf(np.minimum(wins, 600 - wins), 600, 0.5) <= 0.05
    assert mcnemar_power(600, 0.08, 1) == pytest.approx(binom.pmf(wins[found], 600, 0.54).sum())


def test_a_p_value_of_just_alpha_counts_as_found():
    # six of six: p = 2 / 64, whatever the sign
    assert mcnemar_power(6, 1, 1, alpha=2 / 64) == pytest.approx(1)
    assert mcnemar_power(6, 1, 1, alpha=2 / 65) == pytest.approx(0)
    assert mcnemar_power(5, 1, 1) == pytest.approx(0)
    assert mcnemar_power(6, -1, 1) == pytest.approx(1)


def test_power_equals_simulation():
    random = np.random.default_rng(0)
    tables = random.multinomial(150, [0.25, 0.10, 0.65], size=4000)
    first, second = tables[:, 0], tables[:, 1]
    found = np.mean(2 * binom.cdf(np.minimum(first, second), first + second, 0.5) <= 0.05)
    # 4,000 simulations: standard error 0.008
    assert mcnemar_power(150, 0.15, 0.35) == pytest.approx(found, abs=0.03)
    assert type(mcnemar_power(150, 0.15, 0.35)) is float


@pytest.mark.parametrize(("difference", "discordance"), [(0.02, 0.10), (0.05, 0.15), (0.1, 0.3), (0.3, 0.5)])
def test_the_exact_test_falls_a_little_short_of_the_formula(difference, discordance):
    needed = examples_needed(difference, discordance)
    assert 0.76 < mcnemar_power(needed, difference, discordance) < 0.80
    assert mcnemar_power(int(1.1 * needed), difference, discordance) > 0.80


def test_the_default_alpha():
    assert (
        mcnemar_power(100, 0.1, 0.3)
        == mcnemar_power(100, 0.1, 0.3, alpha=0.05)
        != mcnemar_power(100, 0.1, 0.3, alpha=0.06)
    )


@pytest.mark.parametrize(
    ("difference", "discordance"), [(0, 0.1), (2, 0.1), (0.2, 0.1), (-0.2, 0.1), (0.1, 1.1), (0.1, -0.1), (np.nan, 0.1)]
)
def test_effects_that_are_no_shares(difference, discordance):
    message = (
        rf"^difference and discordance must be shares with 0 < \|difference\| <= discordance <= 1, "
        rf"got {difference} and {discordance}; two points are 0\.02\.$"
    )
    for function in (examples_needed, lambda *effect: mcnemar_power(10, *effect)):
        with pytest.raises(InputError, match=message):
            function(difference, discordance)


@pytest.mark.parametrize("power", [0.05, 0.01, 1, 1.2])
def test_a_power_outside_its_range(power):
    with pytest.raises(InputError, match=rf"^power must lie between alpha, 0\.05, and 1, got {power}\.$"):
        examples_needed(0.1, 0.2, power=power)


def test_numbers_outside_their_range():
    for function in (examples_needed, lambda *a, **k: mcnemar_power(10, *a, **k)):
        with pytest.raises(InputError, match=r"^alpha must lie in \(0, 1\), got 0\.$"):
            function(0.1, 0.2, alpha=0)
    with pytest.raises(InputError, match=r"^num_examples must be at least 1, got 0\.$"):
        mcnemar_power(0, 0.1, 0.2)
