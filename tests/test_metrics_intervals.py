"""The bootstrap: equal to SciPy's on the same resamples, near a published interval, and by whole groups."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import bootstrap, norm

from course_utils.errors import InputError
from course_utils.metrics import Interval, bootstrap_distribution, bootstrap_interval, macro_f1, percentile_interval

SCIPYS = {"percentile": "percentile", "bca": "BCa"}


def ends(interval) -> tuple[float, float]:
    return interval.low, interval.high


def correlation(x, y) -> float:
    return float(np.corrcoef(x, y)[0, 1])


def samples():
    random = np.random.default_rng(7)
    skewed = random.exponential(size=40)
    labels = random.integers(0, 3, 60)
    predictions = np.where(random.random(60) < 0.7, labels, random.integers(0, 3, 60))
    return {
        "skewed mean": (np.mean, (skewed,)),
        "variance, biased": (np.var, (skewed,)),
        "correlation": (correlation, (skewed, skewed + random.normal(size=40))),
        "accuracy, which ties with its resamples": (lambda a, b: np.mean(a == b), (labels, predictions)),
        "macro F1": (lambda a, b: macro_f1(a, b, 3), (labels, predictions)),
    }


@pytest.mark.parametrize("method", ["percentile", "bca"])
@pytest.mark.parametrize("name", samples())
def test_the_interval_equals_scipys_on_the_same_resamples(name, method):
    statistic, arrays = samples()[name]
    values = bootstrap_distribution(statistic, *arrays, num_resamples=500, seed=3)
    theirs = bootstrap(
        arrays,
        statistic,
        paired=len(arrays) > 1,
        vectorized=False,
        n_resamples=0,  # no resamples of its own, but these
        bootstrap_result=SimpleNamespace(bootstrap_distribution=values),
        confidence_level=0.9,
        method=SCIPYS[method],
    ).confidence_interval
    ours = bootstrap_interval(statistic, *arrays, method=method, num_resamples=500, confidence=0.9, seed=3)
    assert ends(ours) == pytest.approx(ends(theirs), abs=1e-9)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_the_interval_equals_scipys_within_the_error_of_resampling(method):
    x = np.random.default_rng(7).exponential(size=40)
    runs = [
        bootstrap((x,), np.mean, n_resamples=500, method=SCIPYS[method], rng=np.random.default_rng(seed))
        for seed in range(100, 110)
    ]
    theirs = np.array([ends(run.confidence_interval) for run in runs])
    ours = np.array([ends(bootstrap_interval(np.mean, x, method=method, num_resamples=500, seed=s)) for s in range(10)])
    # The means of ten ends each, in units of the standard error of their difference.
    error = np.sqrt((theirs.var(axis=0, ddof=1) + ours.var(axis=0, ddof=1)) / 10)
    assert np.abs((ours.mean(axis=0) - theirs.mean(axis=0)) / error).max() < 4


def test_bca_comes_near_the_published_interval():
    # Efron and Tibshirani (1993), tables 14.1 and 14.2: variance of 26 children's scores in a test of spatial
    # perception, 90 %: BCa (115.8, 259.6), percentile (100.8, 233.9). Seeds 0 to 4 with 2,000 resamples gave low ends
    # of 116.6 to 119.0 and high ends of 261 to 269, by percentiles 96.7 to 99.0 and 232 to 239.
    scores = np.array(
        [48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6, 0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26, 30, 41]
    )
    assert np.var(scores) == pytest.approx(171.5, abs=0.05)
    options = {"num_resamples": 2000, "confidence": 0.9}
    low, high = ends(bootstrap_interval(np.var, scores, method="bca", **options))
    assert low == pytest.approx(115.8, abs=5) and high == pytest.approx(259.6, abs=12)
    low, high = ends(bootstrap_interval(np.var, scores, **options))
    assert low == pytest.approx(100.8, abs=5) and high == pytest.approx(233.9, abs=12)


def test_the_interval_of_a_mean_is_the_textbooks():
    # 400 draws of a fair coin: the standard error of the mean is 0.025.
    interval = bootstrap_interval(np.mean, np.array([0, 1] * 200), num_resamples=4000)
    assert interval.low == pytest.approx(0.5 - 1.96 * 0.025, abs=0.006)
    assert interval.high == pytest.approx(0.5 + 1.96 * 0.025, abs=0.006)


def test_an_interval_holds_its_ends():
    interval = Interval(0.25, 0.5)
    assert 0.25 in interval and 0.4 in interval and 0.5 in interval
    assert 0.24 not in interval and 0.51 not in interval


# Groups


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_groups_are_drawn_whole(method):
    # Twenty documents of 50 equal answers: as many independent facts as documents, not as answers.
    answers = np.repeat(np.arange(20) % 2, 50)
    alone = bootstrap_interval(np.mean, answers, method=method)
    grouped = bootstrap_interval(np.mean, answers, groups=np.repeat(np.arange(20), 50), method=method)
    ratio = (grouped.high - grouped.low) / (alone.high - alone.low)
    assert ratio == pytest.approx(np.sqrt(50), rel=0.2)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_a_mean_of_equal_groups_is_a_mean_of_their_means(method):
    random = np.random.default_rng(0)
    rows = random.exponential(size=(30, 4))
    grouped = bootstrap_interval(np.mean, rows.ravel(), groups=np.repeat(np.arange(30), 4), method=method)
    assert ends(grouped) == pytest.approx(ends(bootstrap_interval(np.mean, rows.mean(axis=1), method=method)))


def test_bca_of_unequal_groups_equals_scipys_of_their_sums():
    # A ratio of sums over groups is what the mean over their rows is; SciPy resamples the pairs (sum, size).
    random = np.random.default_rng(1)
    sizes = random.integers(1, 6, 25)
    groups = random.permutation(np.repeat(np.arange(25), sizes))
    rows = random.exponential(size=len(groups)) + groups / 10
    sums = np.bincount(groups, weights=rows)
    values = bootstrap_distribution(np.mean, rows, groups=groups)
    theirs = bootstrap(
        (sums, sizes.astype(float)),
        lambda total, size: total.sum() / size.sum(),
        paired=True,
        vectorized=False,
        n_resamples=0,
        bootstrap_result=SimpleNamespace(bootstrap_distribution=values),
        method="BCa",
    ).confidence_interval
    ours = bootstrap_interval(np.mean, rows, groups=groups, method="bca")
    assert ends(ours) == pytest.approx(ends(theirs))


def test_unequal_groups_keep_their_rows_together():
    groups = ["b", "a", "b", "c", "c", "c"]
    rows = np.array([1, 10, 1, 100, 100, 100])
    seen = set()

    def check(values):
        ones, hundreds = int((values == 1).sum()), int((values == 100).sum())
        assert ones % 2 == 0 and hundreds % 3 == 0
        assert ones // 2 + int((values == 10).sum()) + hundreds // 3 == 3
        seen.add(tuple(sorted(values)))
        return float(values.mean())

    bootstrap_interval(check, rows, groups=groups, num_resamples=200)
    assert len(seen) == 10  # three draws from three groups, order aside


# Draws


def test_values_are_those_of_rows_drawn_with_replacement():
    x, y = np.arange(5.0), np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0], [8.0, 9.0]])
    random = np.random.default_rng(4)
    drawn = [random.integers(5, size=5) for _ in range(3)]
    values = bootstrap_distribution(lambda a, b: a.sum() + b.sum(), x, y, num_resamples=3, seed=4)
    assert values.tolist() == [x[rows].sum() + y[rows].sum() for rows in drawn]


def test_arrays_are_resampled_together():
    x = np.arange(30.0)

    def difference(a, b):
        return float(np.abs(a - b).max())

    assert ends(bootstrap_interval(difference, x, x + 1)) == (1.0, 1.0)


def test_the_seed_decides():
    x = np.arange(30.0)
    first, same = bootstrap_interval(np.mean, x, seed=1), bootstrap_interval(np.mean, x, seed=1)
    assert first == same != bootstrap_interval(np.mean, x, seed=2)


def test_the_defaults():
    x = np.random.default_rng(0).exponential(size=30)
    calls = []

    def mean(values):
        calls.append(len(values))
        return float(values.mean())

    interval = bootstrap_interval(mean, x)
    assert calls == [30] * 1000
    explicit = {"groups": None, "method": "percentile", "num_resamples": 1000, "confidence": 0.95, "seed": 0}
    assert interval == bootstrap_interval(mean, x, **explicit)
    values = bootstrap_distribution(np.mean, x)
    assert np.array_equal(values, bootstrap_distribution(np.mean, x, num_resamples=1000, seed=0))
    assert interval == percentile_interval(values) == percentile_interval(values, 0.95)
    assert interval == percentile_interval(values, confidence=0.95) != percentile_interval(values, confidence=0.96)


def test_bca_calls_once_for_each_group_and_once_for_the_sample():
    calls = []

    def mean(values):
        calls.append(len(values))
        return float(values.mean())

    bootstrap_interval(mean, np.arange(12.0), groups=np.arange(12) // 3, method="bca", num_resamples=50)
    assert len(calls) == 50 + 4 + 1
    assert sorted(calls[50:]) == [9, 9, 9, 9, 12]


def test_lists_do_as_well_as_arrays():
    for method in SCIPYS:
        from_list = bootstrap_interval(np.mean, [0.0, 1.0, 5.0], method=method)
        assert from_list == bootstrap_interval(np.mean, np.array([0.0, 1.0, 5.0]), method=method)
        assert type(from_list.low) is float and type(from_list.high) is float


# Percentiles


def test_percentiles_worked_out_by_hand():
    assert percentile_interval(np.arange(101.0), confidence=0.5) == Interval(25.0, 75.0)
    low, high = ends(percentile_interval(np.arange(201.0), confidence=0.9))
    assert (low, high) == pytest.approx((10, 190))
    assert percentile_interval(np.array([3.0])) == Interval(3.0, 3.0)


def test_undefined_values_are_left_out_of_the_percentiles():
    values = np.array([np.nan, *range(101), np.nan])
    assert percentile_interval(values, confidence=0.5) == Interval(25.0, 75.0)
    for nothing in (np.array([]), np.array([np.nan, np.nan])):
        assert np.isnan(ends(percentile_interval(nothing))).all()


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_a_statistic_that_is_never_defined_has_no_interval(method):
    assert np.isnan(ends(bootstrap_interval(lambda x: float("nan"), np.arange(5), method=method))).all()


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_resamples_without_a_value_are_left_out(method):
    def mean_of_varied(values):  # undefined on about a third of the resamples
        return float(values.mean()) if len(np.unique(values)) > 3 else float("nan")

    x = np.array([0.0, 1.0, 3.0, 7.0, 12.0])
    values = bootstrap_distribution(mean_of_varied, x)
    assert 300 < np.isnan(values).sum() < 700
    interval = bootstrap_interval(mean_of_varied, x, method=method)
    defined = values[~np.isnan(values)]
    assert defined.min() <= interval.low < interval.high <= defined.max()
    if method == "percentile":
        assert interval == percentile_interval(defined)


# What BCa cannot do


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_a_constant_statistic_has_an_interval_without_width(method):
    assert bootstrap_interval(lambda x: 0.75, np.arange(8), method=method) == Interval(0.75, 0.75)
    all_right = np.ones(20)
    assert bootstrap_interval(np.mean, all_right, method=method) == Interval(1.0, 1.0)


def test_a_statistic_that_no_single_group_moves_has_no_acceleration():
    # The median of this sample stays 1 whichever row is left out, but not on every resample. The bias stays.
    x = np.array([0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0])
    values = bootstrap_distribution(np.median, x)
    below = (np.mean(values < 1) + np.mean(values <= 1)) / 2
    assert 0.5 < below < 0.6
    shares = norm.cdf(2 * norm.ppf(below) + norm.ppf([0.025, 0.975]))
    interval = bootstrap_interval(np.median, x, method="bca")
    assert ends(interval) == pytest.approx(tuple(np.quantile(values, shares)))


@pytest.mark.parametrize(
    ("statistic", "rows", "options", "message"),
    [
        (
            lambda x: len(np.unique(x)),
            np.arange(20),
            {},
            r'^method="bca" cannot correct the bias of a statistic whose resampled values all lie on one side of 20; '
            r'use method="percentile"\.$',
        ),
        (lambda x: -len(np.unique(x)), np.arange(20), {}, "all lie on one side of -20;"),
        (
            np.mean,
            np.arange(4),
            {"groups": ["d"] * 4},
            r'^method="bca" leaves out one group after another and needs at least 2, got 1\.$',
        ),
        (
            lambda x: float(np.mean(x)) if 9 in x else float("nan"),
            np.array([1, 2, 3, 9]),
            {},
            r'^method="bca" needs a statistic that is defined when any one group is left out; '
            r'use method="percentile"\.$',
        ),
    ],
)
def test_statistics_that_bca_cannot_correct(statistic, rows, options, message):
    with pytest.raises(InputError, match=message):
        bootstrap_interval(statistic, rows, method="bca", **options)
    bootstrap_interval(statistic, rows, **options)


def test_two_groups_are_enough_for_bca():
    interval = bootstrap_interval(np.mean, np.arange(4.0), groups=[0, 0, 1, 1], method="bca")
    assert (interval.low, interval.high) == (0.5, 2.5)


# What is refused


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([1], [1, 2]), {}, r"^arrays and groups must be equally long and not empty, got \[1, 2\]\.$"),
        (([],), {}, r"not empty, got \[0\]\.$"),
        ((), {}, r"not empty, got \[\]\.$"),
        (([1, 2],), {"groups": [1]}, r"equally long and not empty, got \[2\] and 1 groups\.$"),
        (([1, 2],), {"groups": [1, 2, 3]}, r"got \[2\] and 3 groups\.$"),
        (([1, 2],), {"num_resamples": 0}, r"^num_resamples must be at least 1, got 0\.$"),
        (([1, 2],), {"confidence": 1}, r"^confidence must lie in \(0, 1\), got 1\.$"),
        (([1, 2],), {"confidence": 0}, r"^confidence must lie in \(0, 1\), got 0\.$"),
        (([1, 2],), {"method": "basic"}, r"^method must be one of 'percentile', 'bca', got 'basic'\.$"),
    ],
)
def test_bootstraps_that_make_no_sense(arguments, options, message):
    calls = []
    with pytest.raises(InputError, match=message):
        bootstrap_interval(lambda *a: calls.append(1) or 0.0, *(np.array(a) for a in arguments), **options)
    assert calls == []  # refused before the work, not after


def test_one_resample_is_enough():
    assert len(bootstrap_distribution(np.mean, np.arange(3.0), num_resamples=1)) == 1


def test_percentiles_of_no_share():
    with pytest.raises(InputError, match=r"^confidence must lie in \(0, 1\), got 95\.$"):
        percentile_interval(np.arange(3.0), 95)
