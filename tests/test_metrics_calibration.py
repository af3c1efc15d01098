"""Calibration: worked out by hand, and equal to scikit-learn, PyTorch and plain simulation."""

import warnings

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from scipy.special import expit, softmax
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss as scikit_log_loss

from course_utils.errors import InputError
from course_utils.metrics import (
    ReliabilityBin,
    calibration_null_band,
    expected_calibration_error,
    fit_temperature,
    log_loss,
    reliability_bins,
)

STRATEGIES = ["uniform", "quantile"]


def binary(confidence) -> np.ndarray:
    """Probabilities that predict label 0 with the given confidences, all above one half."""
    confidence = np.asarray(confidence, dtype=float)
    return np.column_stack([confidence, 1 - confidence])


def draw(probabilities: np.ndarray, seed: int) -> np.ndarray:
    """Labels from the rows' distributions, by the largest of log p plus Gumbel noise."""
    noise = np.random.default_rng(seed).gumbel(size=probabilities.shape)
    return np.argmax(np.log(probabilities) + noise, axis=1)


@pytest.fixture(scope="module")
def overconfident():
    """Probabilities of 405 examples over 4 labels, sharper than the labels deserve."""
    random = np.random.default_rng(0)
    logits = random.normal(scale=1.5, size=(405, 4))
    return softmax(2 * logits, axis=1), draw(softmax(logits, axis=1), seed=1)


# The bins


def test_bins_worked_out_by_hand():
    probabilities = binary([0.55, 0.65, 0.95, 0.85, 0.75])
    labels = np.array([0, 1, 0, 0, 1])
    bins = reliability_bins(probabilities, labels, num_bins=5)
    # (0.4, 0.6] holds 0.55; (0.6, 0.8] holds 0.65 and 0.75, both wrong; (0.8, 1] holds 0.85 and 0.95, both right
    assert [(b.low, b.high) for b in bins] == [pytest.approx(e) for e in [(0.4, 0.6), (0.6, 0.8), (0.8, 1.0)]]
    assert [b.confidence for b in bins] == pytest.approx([0.55, 0.70, 0.90])
    assert [b.accuracy for b in bins] == [1, 0, 1]
    assert [b.count for b in bins] == [1, 2, 2]
    error = 1 / 5 * 0.45 + 2 / 5 * 0.70 + 2 / 5 * 0.10
    assert expected_calibration_error(probabilities, labels, num_bins=5) == pytest.approx(error)


def test_bins_of_equal_mass_worked_out_by_hand():
    probabilities = binary([0.90, 0.60, 0.62, 0.99, 0.97, 0.64])
    labels = np.array([0, 0, 1, 0, 1, 0])
    first, second = reliability_bins(probabilities, labels, num_bins=2, strategy="quantile")
    assert first == ReliabilityBin(0.60, 0.64, pytest.approx(0.62), pytest.approx(2 / 3), 3)
    assert second == ReliabilityBin(0.64, 0.99, pytest.approx(2.86 / 3), pytest.approx(2 / 3), 3)
    error = expected_calibration_error(probabilities, labels, num_bins=2, strategy="quantile")
    assert error == pytest.approx((2 / 3 - 0.62) / 2 + (2.86 / 3 - 2 / 3) / 2)
    # six in four bins: ranks 1.5, 3, 4.5 and 6, rounded up
    bins = reliability_bins(probabilities, labels, num_bins=4, strategy="quantile")
    assert [(b.low, b.high, b.count) for b in bins] == [
        (0.60, 0.62, 2),
        (0.62, 0.64, 1),
        (0.64, 0.97, 2),
        (0.97, 0.99, 1),
    ]


def test_figures_are_plain_numbers():
    (only,) = reliability_bins(binary([0.8]), np.array([0]))
    assert only == ReliabilityBin(pytest.approx(11 / 15), pytest.approx(12 / 15), 0.8, 1.0, 1)
    assert [type(v) for v in (only.low, only.high, only.confidence, only.accuracy, only.count)] == [float] * 4 + [int]
    assert type(expected_calibration_error(binary([0.8]), np.array([0]))) is float
    assert expected_calibration_error(binary([0.8]), np.array([0])) == pytest.approx(0.2)


def test_a_border_belongs_to_the_bin_below():
    bins = reliability_bins(binary([0.75, 0.76, 1.0]), np.array([0, 0, 0]), num_bins=4)
    assert [(b.low, b.high, b.count) for b in bins] == [(0.5, 0.75, 1), (0.75, 1.0, 2)]
    (lowest,) = reliability_bins(np.full((1, 4), 0.25), np.array([0]), num_bins=4)
    assert (lowest.low, lowest.high) == (0, 0.25)


def test_equal_confidences_share_a_bin_and_order_does_not_matter():
    confidence = np.array([0.9] * 6 + [0.6, 0.7])
    labels = np.array([0, 1, 0, 1, 0, 1, 0, 0])
    bins = reliability_bins(binary(confidence), labels, num_bins=4, strategy="quantile")
    assert [b.count for b in bins] == [2, 6]
    order = np.random.default_rng(0).permutation(8)
    again = reliability_bins(binary(confidence[order]), labels[order], num_bins=4, strategy="quantile")
    assert [(b.low, b.high, b.accuracy, b.count) for b in again] == [(b.low, b.high, b.accuracy, b.count) for b in bins]


@pytest.mark.parametrize("number", [300, 301, 307])
def test_bins_of_equal_mass_differ_by_one_at_most(number):
    probabilities = binary(0.5 + np.random.default_rng(0).random(number) / 2)
    bins = reliability_bins(probabilities, np.zeros(number, dtype=int), strategy="quantile")
    counts = [b.count for b in bins]
    assert len(counts) == 15 and sum(counts) == number and max(counts) - min(counts) <= 1


def naive_calibration_error(probabilities, labels, num_bins) -> float:
    """Guo et al. (2017), equation 3, example by example."""
    bins = [[] for _ in range(num_bins)]
    for row, label in zip(probabilities, labels):
        for m in range(num_bins):
            if m / num_bins < max(row) <= (m + 1) / num_bins:
                bins[m].append((max(row), int(row.argmax()) == label))
    gaps = [len(b) * abs(sum(right for _, right in b) / len(b) - sum(c for c, _ in b) / len(b)) for b in bins if b]
    return sum(gaps) / len(labels)


def test_the_error_equals_the_formula_and_the_bins(overconfident):
    for num_bins in (1, 7, 15):
        error = expected_calibration_error(*overconfident, num_bins=num_bins)
        assert error == pytest.approx(naive_calibration_error(*overconfident, num_bins))
    for strategy in STRATEGIES:
        bins = reliability_bins(*overconfident, strategy=strategy)
        by_bins = sum(b.count * abs(b.accuracy - b.confidence) for b in bins) / 405
        assert expected_calibration_error(*overconfident, strategy=strategy) == pytest.approx(by_bins)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("num_bins", [1, 5, 15])
def test_bins_equal_scikit_learns(overconfident, strategy, num_bins):
    # scikit-learn interpolates quantiles; the bins are the same where the number of examples is a multiple of theirs.
    probabilities, labels = overconfident
    right = probabilities.argmax(axis=1) == labels
    accuracy, confidence = calibration_curve(right, probabilities.max(axis=1), n_bins=num_bins, strategy=strategy)
    bins = reliability_bins(probabilities, labels, num_bins=num_bins, strategy=strategy)
    assert [b.accuracy for b in bins] == pytest.approx(accuracy)
    assert [b.confidence for b in bins] == pytest.approx(confidence)
    assert sum(b.count for b in bins) == 405


def test_the_defaults(overconfident):
    explicit = {"num_bins": 15, "strategy": "uniform"}
    assert reliability_bins(*overconfident) == reliability_bins(*overconfident, **explicit)
    assert expected_calibration_error(*overconfident) == expected_calibration_error(*overconfident, **explicit)
    assert expected_calibration_error(*overconfident) != expected_calibration_error(*overconfident, num_bins=16)
    band = calibration_null_band(overconfident[0])
    explicit |= {"num_simulations": 1000, "confidence": 0.95, "seed": 0}
    assert band == calibration_null_band(overconfident[0], **explicit)
    for other in ({"num_simulations": 999}, {"confidence": 0.96}, {"seed": 1}, {"num_bins": 16}):
        assert band != calibration_null_band(overconfident[0], **(explicit | other))


# The null band


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_band_equals_simulation_by_hand(strategy):
    confidence = 0.5 + np.random.default_rng(0).random(60) / 2
    random = np.random.default_rng(8)
    errors = [
        expected_calibration_error(
            binary(confidence), (random.random(60) >= confidence).astype(int), num_bins=6, strategy=strategy
        )
        for _ in range(40)
    ]
    options = {"num_bins": 6, "strategy": strategy, "num_simulations": 40, "confidence": 0.8, "seed": 8}
    band = calibration_null_band(binary(confidence), **options)
    assert (band.low, band.high) == pytest.approx(tuple(np.quantile(errors, [0.1, 0.9])))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_band_holds_the_error_of_a_perfect_model(overconfident, strategy):
    # Labels drawn from whole rows, not only right or wrong. Of 400 draws 380 are expected in the band,
    # with a standard error of 4.4.
    probabilities = overconfident[0]
    band = calibration_null_band(probabilities, strategy=strategy)
    inside = sum(
        expected_calibration_error(probabilities, draw(probabilities, seed), strategy=strategy) in band
        for seed in range(400)
    )
    assert 360 <= inside <= 398
    assert expected_calibration_error(*overconfident, strategy=strategy) > band.high


def test_a_perfect_model_is_not_at_zero_with_300_examples():
    probabilities = softmax(np.random.default_rng(2).normal(scale=1.5, size=(300, 3)), axis=1)
    small, large = calibration_null_band(probabilities), calibration_null_band(np.tile(probabilities, (16, 1)))
    assert small.low > 0.02
    # Sixteen times the examples: the error is a mean of absolute deviations and falls by the root.
    assert small.high / large.high == pytest.approx(4, rel=0.2)


def test_one_simulation_is_enough():
    band = calibration_null_band(binary([0.8, 0.9]), num_simulations=1)
    assert band.low == band.high


# Log-loss


def test_log_loss_worked_out_by_hand():
    assert log_loss(binary([0.5, 0.9]), np.array([0, 0])) == pytest.approx((np.log(2) - np.log(0.9)) / 2)
    assert log_loss(np.full((3, 8), 1 / 8), np.array([0, 3, 7])) == pytest.approx(np.log(8))
    assert log_loss(np.array([[0.0, 1.0]]), np.array([1])) == 0


def test_log_loss_equals_other_libraries(overconfident):
    probabilities, labels = overconfident
    ours = log_loss(probabilities, labels)
    assert ours == pytest.approx(scikit_log_loss(labels, probabilities))
    logits = torch.tensor(np.log(probabilities))
    assert ours == pytest.approx(torch.nn.functional.cross_entropy(logits, torch.tensor(labels)).item())
    assert type(ours) is float


def test_a_label_held_impossible_costs_infinitely_much():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert log_loss(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([1, 0])) == float("inf")


# Temperature


def test_a_temperature_worked_out_by_hand():
    # Four logit gaps of 2, three right: softmax(2 / T) must be 3/4, so T = 2 / ln 3.
    logits, labels = np.array([[2.0, 0.0]] * 4), np.array([0, 0, 0, 1])
    assert fit_temperature(logits, labels) == pytest.approx(2 / np.log(3))
    assert expit(2 / fit_temperature(logits, labels)) == pytest.approx(3 / 4)
    # A gap of 0.5 needs a temperature below 1: the search must go beyond where it starts.
    assert fit_temperature(logits / 4, labels) == pytest.approx(0.5 / np.log(3))
    assert fit_temperature(logits / 4000, labels) == pytest.approx(0.0005 / np.log(3))
    assert fit_temperature(logits * 1000, labels) == pytest.approx(2000 / np.log(3))
    assert type(fit_temperature(logits, labels)) is float


@pytest.mark.parametrize("seed", range(5))
def test_the_temperature_that_made_the_labels_comes_back(seed):
    # Seeds 0 to 4 gave 1.92 to 2.07.
    logits = np.random.default_rng(seed).normal(scale=4, size=(4000, 3))
    labels = draw(softmax(logits / 2, axis=1), seed=seed + 100)
    assert fit_temperature(logits, labels) == pytest.approx(2, abs=0.15)


@pytest.mark.parametrize("seed", range(5))
def test_no_other_temperature_has_a_lower_loss(seed):
    random = np.random.default_rng(seed)
    logits = random.normal(scale=3, size=(100, 5))
    labels = draw(softmax(logits / 3, axis=1), seed=seed)

    def loss(log_temperature):
        return scikit_log_loss(labels, softmax(logits / np.exp(log_temperature), axis=1), labels=range(5))

    best = minimize_scalar(loss, bounds=(-3, 5), method="bounded", options={"xatol": 1e-9})
    assert fit_temperature(logits, labels) == pytest.approx(np.exp(best.x), rel=1e-4)


def test_temperature_mends_confidence_and_changes_no_prediction(overconfident):
    probabilities, labels = overconfident
    logits = np.log(probabilities) + 5  # a constant added to all logits of a row changes nothing
    temperature = fit_temperature(logits, labels)
    # The labels were drawn at temperature 2; 405 of them, so the fit is rough.
    assert temperature == pytest.approx(2, abs=0.4)
    mended = softmax(logits / temperature, axis=1)
    assert log_loss(mended, labels) < log_loss(probabilities, labels)
    assert expected_calibration_error(mended, labels) in calibration_null_band(mended)
    assert np.array_equal(mended.argmax(axis=1), probabilities.argmax(axis=1))


@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [
        ([[2.0, 0.0], [0.0, 1.0]], [0, 1], r"^every prediction is right, so no temperature is best; use more"),
        ([[1.0, 1.0, 0.0]], [0], "^every prediction is right"),
        ([[2.0, 0.0], [0.0, 2.0]], [1, 0], r"^the logits of the gold labels are no higher than the others; the model"),
        ([[2.0, 0.0], [2.0, 0.0]], [1, 0], "^the logits of the gold labels are no higher"),
        ([[2.0, 0.0]], [0, 0], "^labels and logits must be equally long, got 2 and 1"),
        ([[2.0, np.inf]], [0], "^logits must be finite"),
        ([[2.0, 0.0]], [2], r"gold labels must lie in \[0, 2\)"),
    ],
)
def test_logits_without_a_best_temperature(logits, labels, message):
    with pytest.raises(InputError, match=message):
        fit_temperature(np.array(logits), np.array(labels))


# What is refused


@pytest.mark.parametrize("function", [reliability_bins, expected_calibration_error, log_loss])
@pytest.mark.parametrize(
    ("probabilities", "labels", "message"),
    [
        (binary([0.8]), [0, 1], "^labels and probabilities must be equally long, got 2 and 1"),
        ([[2.0, 0.0]], [0], "logits need softmax first"),
        ([[1.5, -0.5]], [0], "must not be negative"),
        ([[np.nan, 1.0]], [0], "^probabilities must be finite"),
        (binary([0.8]), [2], r"gold labels must lie in \[0, 2\), got 2 to 2"),
    ],
)
def test_probabilities_that_cannot_be_judged(function, probabilities, labels, message):
    with pytest.raises(InputError, match=message):
        function(np.array(probabilities), np.array(labels))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_bins": 0}, r"^num_bins must be at least 1, got 0\.$"),
        ({"strategy": "equal"}, r"^strategy must be one of 'uniform', 'quantile', got 'equal'\.$"),
    ],
)
def test_options_outside_their_range(options, message):
    labels = np.array([0])
    for function in (reliability_bins, expected_calibration_error, lambda p, _, **o: calibration_null_band(p, **o)):
        with pytest.raises(InputError, match=message):
            function(binary([0.8]), labels, **options)


@pytest.mark.parametrize(
    ("probabilities", "options", "message"),
    [
        (binary([0.8]), {"num_simulations": 0}, r"^num_simulations must be at least 1, got 0\.$"),
        (binary([0.8]), {"confidence": 1}, r"^confidence must lie in \(0, 1\), got 1\.$"),
        ([[3.0, 1.0]], {}, "logits need softmax first"),
    ],
)
def test_bands_that_make_no_sense(probabilities, options, message):
    with pytest.raises(InputError, match=message):
        calibration_null_band(np.array(probabilities), **options)


def test_lists_do_as_well_as_arrays():
    probabilities, labels = [[0.8, 0.2], [0.4, 0.6]], [0, 0]
    assert expected_calibration_error(probabilities, labels) == pytest.approx((0.2 + 0.6) / 2)
    assert log_loss(probabilities, labels) == pytest.approx(-(np.log(0.8) + np.log(0.4)) / 2)
    assert calibration_null_band(probabilities).high <= 1
    assert fit_temperature([[2, 0]] * 4, [0, 0, 0, 1]) == pytest.approx(2 / np.log(3))
