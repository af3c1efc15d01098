"""The package ``metrics`` as a whole: its names, its cost, and what it refuses."""

import subprocess
import sys
from dataclasses import is_dataclass

import numpy as np
import pytest

from course_utils import metrics
from course_utils.errors import InputError
from course_utils.metrics.inputs import (
    check_count,
    check_labels,
    check_option,
    check_probabilities,
    check_rows,
    check_same_length,
    check_share,
)

NAMES = """NO_PREDICTION bootstrap_interval classification_report cohen_kappa confusion_matrix entity_counts entity_f1
    expected_calibration_error fit_temperature macro_f1 mcnemar_test mean_absolute_error paired_bootstrap
    precision_recall_f1 regression_report root_mean_squared_error spans_from_bio spearman"""


def test_the_names_that_others_rely_on_are_the_packages_own():
    assert set(NAMES.split()) <= set(metrics.__all__)
    assert [name for name in metrics.__all__ if not hasattr(metrics, name)] == []
    assert len(set(metrics.__all__)) == len(metrics.__all__)


def test_results_cannot_be_changed():
    results = [value for value in vars(metrics).values() if is_dataclass(value)]
    assert len(results) == 10
    assert all(result.__dataclass_params__.frozen for result in results)


def test_the_package_loads_no_library_before_it_counts():
    code = "import sys, course_utils.metrics; print(*(n for n in ('sklearn', 'scipy', 'torch') if n in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"labels": [1], "predictions": [1, 2]}, r"^labels and predictions must be equally long, got 1 and 2\.$"),
        ({"a": [1], "b": [1], "c": []}, r"^a, b and c must be equally long, got 1, 1 and 0\.$"),
        ({"targets": [], "predictions": []}, r"^there is nothing to score: got no targets\.$"),
        ({"labels": [], "first": [], "second": []}, r"^there is nothing to score: got no labels\.$"),
    ],
)
def test_columns_of_different_length_or_none(columns, message):
    with pytest.raises(InputError, match=message):
        check_same_length(**columns)


def test_columns_of_one_length_pass():
    check_same_length(labels=np.zeros(1), predictions=[0])
    check_same_length(one=[1, 2], two=[3, 4], three=[5, 6])


@pytest.mark.parametrize(
    ("labels", "message"),
    [([0, 3], r"^gold labels must lie in \[0, 3\), got 0 to 3\.$"), ([-1, 1], r"in \[0, 3\), got -1 to 1\.$")],
)
def test_labels_outside_their_range(labels, message):
    with pytest.raises(InputError, match=message):
        check_labels(np.array(labels), 3)


def test_labels_at_both_ends_of_their_range_pass():
    check_labels(np.array([0, 2]), 3)


@pytest.mark.parametrize(
    ("rows", "labels", "message"),
    [
        (np.zeros((2, 3)), [0], r"^labels and logits must be equally long, got 1 and 2\.$"),
        (np.zeros(2), [0, 0], r"^logits must be finite, of shape \(num_examples, num_labels\), got shape \(2,\)\.$"),
        (np.zeros((1, 2, 2)), [0], r"got shape \(1, 2, 2\)\.$"),
        (np.array([[0, np.inf]]), [0], "^logits must be finite"),
        (np.array([[0, np.nan]]), [0], "^logits must be finite"),
        (np.zeros((1, 2)), [2], r"gold labels must lie in \[0, 2\), got 2 to 2"),
    ],
)
def test_rows_that_do_not_fit_the_labels(rows, labels, message):
    with pytest.raises(InputError, match=message):
        check_rows("logits", rows, np.array(labels))


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [
        (np.ones(3), r"^probabilities must have shape \(num_examples, num_labels\), got \(3,\)\.$"),
        (np.ones((0, 3)), r"got \(0, 3\)\.$"),
        (np.array([[1.1, -0.1]]), r"^probabilities must not be negative and each row must sum to 1, got a lowest value "
            r"of -0\.1 and sums from 1 to 1; logits need softmax first \(scipy\.special\.softmax, axis=1\)\.$"),
        (np.array([[0.5, 0.5], [2.0, 1.0]]), r"lowest value of 0\.5 and sums from 1 to 3;"),
        (np.array([[0.5, 0.498]]), "sums from 0.998 to 0.998"),
        (np.array([[0.5, 0.502]]), "sums from 1 to 1;"),
        (np.array([[0.5, np.nan]]), "sums from nan to nan"),
    ],
)  # fmt: skip
def test_rows_that_are_no_distributions(probabilities, message):
    with pytest.raises(InputError, match=message):
        check_probabilities(probabilities)


def test_distributions_pass_within_rounding():
    check_probabilities(np.array([[0.0, 1.0], [0.5, 0.5009], [0.5, 0.4991]]))
    check_probabilities(np.array([[1.0]]))


@pytest.mark.parametrize("value", [0, 1, -0.1, 1.5, float("nan")])
def test_a_share_excludes_its_ends(value):
    with pytest.raises(InputError, match=rf"^confidence must lie in \(0, 1\), got {value}\.$"):
        check_share("confidence", value)
    check_share("confidence", 0.01)
    check_share("confidence", 0.99)


@pytest.mark.parametrize("value", [0, -3])
def test_a_count_is_at_least_one(value):
    with pytest.raises(InputError, match=rf"^num_bins must be at least 1, got {value}\.$"):
        check_count("num_bins", value)
    check_count("num_bins", 1)


def test_an_option_is_one_of_those_known():
    with pytest.raises(InputError, match=r"^method must be one of None, 'a', got 'b'\.$"):
        check_option("method", "b", (None, "a"))
    check_option("method", None, (None, "a"))
    check_option("method", "a", (None, "a"))
