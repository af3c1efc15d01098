"""Errors of numbers: worked out by hand, and equal to SciPy's."""

import warnings

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn import metrics as sklearn_metrics

from course_utils.errors import InputError
from course_utils.metrics import mean_absolute_error, regression_report, root_mean_squared_error, spearman


def test_regression_worked_out_by_hand():
    report = regression_report(np.array([1.0, 2.0, 4.0]), np.array([2.0, 2.0, 1.0]))
    assert report.mean_absolute_error == pytest.approx(4 / 3)
    assert report.root_mean_squared_error == pytest.approx(np.sqrt(10 / 3))
    assert report.spearman == pytest.approx(-np.sqrt(3) / 2)  # ranks 1 2 3 against 2.5 2.5 1


def test_ranks_of_a_constant_say_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # and nothing is divided by 0
        assert np.isnan(spearman(np.array([1.0, 2.0]), np.array([3.0, 3.0])))
        assert np.isnan(spearman(np.array([3.0, 3.0]), np.array([1.0, 2.0])))
    assert spearman(np.array([3, 4]), np.array([1, 2])) == 1.0
    assert spearman(np.array([4, 3]), np.array([1, 2])) == -1.0


@pytest.mark.parametrize("seed", range(5))
def test_errors_equal_those_of_other_libraries(seed):
    random = np.random.default_rng(seed)
    x, y = random.integers(0, 5, 30), random.normal(size=30)
    assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic)
    assert mean_absolute_error(x, y) == pytest.approx(sklearn_metrics.mean_absolute_error(x, y))
    assert root_mean_squared_error(x, y) == pytest.approx(sklearn_metrics.root_mean_squared_error(x, y))
    report = regression_report(x, y)
    assert report.mean_absolute_error == mean_absolute_error(x, y)
    assert report.root_mean_squared_error == root_mean_squared_error(x, y)
    assert report.spearman == spearman(x, y)


def test_a_correlation_is_rounded_so_that_perfect_is_one():
    x = np.arange(7.0)
    assert spearman(x, x**3) == 1.0
    value = spearman(np.arange(7), np.array([1, 0, 2, 3, 4, 6, 5]))
    assert value == 0.928571428571  # 1 - 6 * 4 / (7 * 48), to twelve digits


def test_small_whole_numbers_do_not_wrap():
    # uint8: 2 - 22 would be 236, and its square 144
    targets, predictions = np.array([22, 2], dtype=np.uint8), np.array([2, 22], dtype=np.uint8)
    assert mean_absolute_error(targets, predictions) == 20
    assert root_mean_squared_error(targets, predictions) == 20
    assert {type(f(targets, predictions)) for f in (mean_absolute_error, root_mean_squared_error, spearman)} == {float}


@pytest.mark.parametrize(
    ("targets", "predictions", "message"),
    [
        ([1.0, 2.0], [1.0], "^targets and predictions must be equally long, got 2 and 1"),
        ([], [], "got no targets"),
        ([1.0, 2.0], [[1.0], [2.0]], r"^targets and predictions must have one shape, got \(2,\) and \(2, 1\)\.$"),
    ],
)
def test_targets_that_cannot_be_scored(targets, predictions, message):
    with pytest.raises(InputError, match=message):
        regression_report(np.array(targets), np.array(predictions))
