"""Agreement of annotators: worked out by hand, and equal to the formulas."""

import warnings

import numpy as np
import pytest

from course_utils.errors import InputError
from course_utils.metrics import cohen_kappa, entity_f1, span_f1

STARS = [1, 2, 3, 4, 5]


def test_kappa_worked_out_by_hand():
    # 50 texts: both yes 20, both no 15, only the first yes 5, only the second yes 10. They agree on 0.7;
    # chance gives 0.5 * 0.6 + 0.5 * 0.4 = 0.5.
    first = ["yes"] * 20 + ["no"] * 15 + ["yes"] * 5 + ["no"] * 10
    second = ["yes"] * 20 + ["no"] * 15 + ["no"] * 5 + ["yes"] * 10
    assert cohen_kappa(first, second) == pytest.approx((0.7 - 0.5) / (1 - 0.5))
    assert cohen_kappa(second, first) == pytest.approx(0.4)
    assert cohen_kappa(np.array(first), np.array(second), labels=["no", "yes"]) == pytest.approx(0.4)
    assert type(cohen_kappa(first, second)) is float


def test_the_ends_of_the_scale():
    assert cohen_kappa([0, 1, 1], [0, 1, 1]) == 1
    assert cohen_kappa([0, 1], [1, 0]) == -1
    assert cohen_kappa([0, 0, 1, 1], [0, 1, 0, 1]) == 0


def test_one_label_throughout_says_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(cohen_kappa(["a", "a"], ["a", "a"]))
        assert np.isnan(cohen_kappa([3, 3], [3, 3], weights="linear", labels=STARS))
    assert cohen_kappa(["a", "a"], ["a", "b"]) == 0


def weighted_kappa(first, second, power: int) -> float:
    """Cohen (1968): one minus observed over expected disagreement, over all pairs of answers."""
    observed = np.mean([abs(a - b) ** power for a, b in zip(first, second)])
    expected = np.mean([abs(a - b) ** power for a in first for b in second])
    return 1 - observed / expected


@pytest.mark.parametrize("seed", range(5))
def test_weights_equal_the_formula(seed):
    random = np.random.default_rng(seed)
    first = random.integers(1, 6, 40)
    second = np.clip(first + random.integers(-1, 2, 40), 1, 5)
    kappa = {
        power: cohen_kappa(first, second, weights=name, labels=STARS)
        for name, power in (("linear", 1), ("quadratic", 2))
    }
    assert kappa[1] == pytest.approx(weighted_kappa(first, second, 1))
    assert kappa[2] == pytest.approx(weighted_kappa(first, second, 2))
    # annotators who are never more than a star apart agree better than plain kappa says
    assert cohen_kappa(first, second) < kappa[1] < kappa[2]
    assert cohen_kappa(first, second) == cohen_kappa(first, second, weights=None, labels=None)


@pytest.mark.parametrize(("weights", "power"), [("linear", 1), ("quadratic", 2)])
def test_a_number_of_stars_that_nobody_gave_is_a_step_of_the_scale(weights, power):
    first, second = [5, 2, 2, 1, 1, 1], [1, 1, 1, 5, 2, 5]
    whole = cohen_kappa(first, second, weights=weights, labels=STARS)
    assert whole == pytest.approx(weighted_kappa(first, second, power))
    assert whole != pytest.approx(cohen_kappa(first, second, weights=weights, labels=[1, 2, 5]))


@pytest.mark.parametrize(
    ("first", "second", "options", "message"),
    [
        ([1], [1, 2], {}, "^first and second must be equally long, got 1 and 2"),
        ([], [], {}, "got no first"),
        ([1], [2], {"weights": "cubic"}, r"^weights must be one of None, 'linear', 'quadratic', got 'cubic'\.$"),
        (
            [1],
            [2],
            {"weights": "linear"},
            r'^weights="linear" needs labels: all labels in their order, given or not\.$',
        ),
        ([1, 6], [0, 2], {"labels": STARS}, r"^labels must hold every label that was given, but lacks 0, 6\.$"),
        (["x"], ["y"], {"labels": ["y"]}, r"lacks x\.$"),
    ],
)
def test_annotations_that_cannot_be_compared(first, second, options, message):
    with pytest.raises(InputError, match=message):
        cohen_kappa(first, second, **options)


# Spans


def test_agreement_on_spans_worked_out_by_hand():
    first = ["B-PER I-PER O B-LOC".split(), "O O".split()]
    second = ["B-PER I-PER O O".split(), "B-ORG O".split()]
    # two spans each, one in common
    assert span_f1(first, second) == pytest.approx(2 * 1 / (2 + 2))
    assert span_f1(first, second) == span_f1(second, first) == entity_f1(first, second).f1
    assert span_f1(first, first) == 1


def test_neither_annotator_is_the_gold():
    first, second = [["B-PER", "O", "B-LOC"]], [["B-PER", "O", "O"]]
    assert span_f1(first, second) == span_f1(second, first) == pytest.approx(2 / 3)


def test_spans_where_one_or_both_marked_nothing():
    assert np.isnan(span_f1([["O", "O"]], [["O", "O"]]))
    assert span_f1([["O", "B-PER"]], [["O", "O"]]) == 0
    assert span_f1([["O", "O"]], [["O", "B-PER"]]) == 0


def test_spans_that_cannot_be_compared():
    with pytest.raises(InputError, match="sentence 0: 1 gold and 2 predicted tags"):
        span_f1([["O"]], [["O", "O"]])
