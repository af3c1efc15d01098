"""The references of notebook 09's exercises, against the helpers and libraries that share nothing with them."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.dummy import DummyRegressor
from sklearn.model_selection import PredefinedSplit, cross_val_predict

from course_utils.checks.grading import draw_cases
from course_utils.exercises import calibration, comparing_models
from course_utils.metrics import expected_calibration_error, mcnemar_test

SEEDS = range(5)


def test_spreads_by_hand():
    # Seeds: accuracies 3/4 and 2/4. Examples: 1, 1/2, 0, 1 with mean 5/8 and a sum of squared distances of 11/16.
    expected = [np.sqrt(1 / 32), np.sqrt(11 / 16 / 3 / 4)]
    assert comparing_models.spreads(np.array([[1, 1, 0, 1], [1, 0, 0, 1]])) == pytest.approx(expected)


def test_rows_of_drawn_groups_by_hand():
    assert comparing_models.resampled_rows(["Ada", "Ben", "Ada"], ["Ada", "Ada"]) == [0, 0, 2, 2]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_coins_equal_the_helper(seed):
    for only_first, only_second in draw_cases(comparing_models.coins, seed):
        first = np.repeat([1, 0, 1], [only_first, only_second, 1])
        second = np.repeat([0, 1, 1], [only_first, only_second, 1])
        expected = mcnemar_test(np.ones(len(first)), first, second).p_value
        assert comparing_models.mcnemar_p(only_first, only_second) == pytest.approx(expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_means_out_of_fold_equal_the_library(seed):
    for values, folds in draw_cases(calibration.out_of_fold, seed):
        rows = np.zeros((len(values), 1))
        expected = cross_val_predict(DummyRegressor(), rows, values, cv=PredefinedSplit(folds))
        np.testing.assert_allclose(calibration.out_of_fold_means(values, folds), expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_bins_of_equal_mass_equal_the_helper(seed):
    for confidence, correct, num_bins in draw_cases(calibration.equal_mass, seed):
        probabilities = np.stack([confidence, 1 - confidence], axis=1)  # label 0 is predicted each time
        expected = expected_calibration_error(probabilities, 1 - correct, num_bins=num_bins, strategy="quantile")
        assert calibration.equal_mass_error(confidence, correct, num_bins) == pytest.approx(expected)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_temperature_on_probabilities_equals_temperature_on_logits(temperature):
    logits = np.random.default_rng(0).normal(0, 3, (6, 4))
    expected = softmax(logits / temperature, axis=1)
    np.testing.assert_allclose(calibration.tempered(softmax(logits, axis=1), temperature), expected)
