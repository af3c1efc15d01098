"""Splits by their invariants."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from course_utils.cleaning import split_grouped
from course_utils.errors import InputError

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}


def examples(seed: int, num_groups: int = 150) -> tuple[list[int], list[str]]:
    """Groups of 1 to 6 examples; three labels with shares of about 70, 25 and 5 %."""
    rng = np.random.default_rng(1000 + seed)
    groups = np.repeat(np.arange(num_groups), rng.integers(1, 7, size=num_groups))
    rng.shuffle(groups)
    labels = rng.choice(["often", "less", "rare"], p=[0.7, 0.25, 0.05], size=len(groups))
    return groups.tolist(), labels.tolist()


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("stratified", [True, False])
def test_every_example_once_and_no_group_twice(seed, stratified):
    groups, labels = examples(seed)
    parts = split_grouped(groups, SHARES, labels=labels if stratified else None, seed=seed)
    assert list(parts) == ["train", "validation", "test"]
    assert sorted(i for part in parts.values() for i in part) == list(range(len(groups)))
    assert all(part == sorted(part) for part in parts.values())
    for first, second in combinations(parts.values(), 2):
        assert not {groups[i] for i in first} & {groups[i] for i in second}


@pytest.mark.parametrize("seed", range(10))
def test_shares_and_labels_are_kept(seed):
    groups, labels = examples(seed)
    total = Counter(labels)
    parts = split_grouped(groups, SHARES, labels=labels, seed=seed)
    for name, share in SHARES.items():
        found = Counter(labels[i] for i in parts[name])
        # Over 200 seeds: sizes miss their share by at most 4.6 examples, labels theirs by at most 2.2.
        assert abs(len(parts[name]) - share * len(groups)) <= 5
        for label, count in total.items():
            assert abs(found[label] - share * count) <= 3


def test_single_examples_are_split_to_the_example():
    labels = ["a"] * 100 + ["b"] * 50 + ["c"] * 10
    parts = split_grouped(range(160), SHARES, labels=labels)
    assert {name: Counter(labels[i] for i in part) for name, part in parts.items()} == {
        "train": {"a": 80, "b": 40, "c": 8},
        "validation": {"a": 10, "b": 5, "c": 1},
        "test": {"a": 10, "b": 5, "c": 1},
    }


def test_rare_labels_go_to_train():
    labels = ["common"] * 100 + [f"once {i}" for i in range(10)] + ["twice", "twice"]
    for seed in range(20):
        parts = split_grouped(range(len(labels)), SHARES, labels=labels, seed=seed)
        assert {label for label in labels if label != "common"} <= {labels[i] for i in parts["train"]}
        assert all(labels[i] == "common" for name in ("validation", "test") for i in parts[name])


@pytest.mark.parametrize("seed", range(100))
def test_every_label_is_in_the_first_split(seed):
    """Also one that hides in a few large groups: a model cannot learn what is only in validation and test."""
    rng = np.random.default_rng(seed)
    num_groups = rng.integers(4, 12)
    groups = np.repeat(np.arange(num_groups), rng.integers(1, 30, size=num_groups)).tolist()
    labels = rng.choice(["a", "b"], size=len(groups)).tolist()
    labels[rng.integers(len(groups))] = "rare"  # without the rule for it, with 29 seeds not in train
    parts = split_grouped(groups, SHARES, labels=labels, seed=seed)
    assert {labels[i] for i in parts["train"]} == {"a", "b", "rare"}


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        # In order of size, by how far a split is behind its share of what the group brings:
        # 4 (15 a) to train, by room; 0 (12 a, 2 b) to test, 13.8 behind, before validation, 12.6, and train, 7.3;
        # 2 to train, the last chance for b; 3 (7 a) to validation; 1 to train, 0.30 before 0.22; 5 to test
        (
            [(12, 2), (2, 0), (8, 1), (7, 0), (15, 0), (1, 0)],
            {"train": {1, 2, 4}, "test": {0, 5}, "validation": {3}},
        ),
        # 0 to train by room; 1 to test; 5 to validation; 3 and 4 to train; 2 (1 b) is a tie, and test has more room
        (
            [(9, 2), (9, 1), (0, 1), (7, 0), (6, 0), (7, 1)],
            {"train": {0, 3, 4}, "test": {1, 2}, "validation": {5}},
        ),
        # 0 to train; for the last two groups the two empty splits come first, the one with the larger share before
        ([(3, 0), (1, 0), (2, 0)], {"train": {0}, "test": {2}, "validation": {1}}),
    ],
)
def test_the_rule_by_hand(sizes, expected):
    """Sizes are numbers of labels a and b in each group; no two groups are equally large, so no seed matters."""
    groups = [number for number, (a, b) in enumerate(sizes) for _ in range(a + b)]
    labels = [label for a, b in sizes for label in "a" * a + "b" * b]
    for seed in range(3):
        parts = split_grouped(groups, {"train": 0.6, "test": 0.3, "validation": 0.1}, labels=labels, seed=seed)
        assert {name: {groups[i] for i in part} for name, part in parts.items()} == expected


def test_a_tie_goes_to_the_split_with_more_room():
    """Groups of 12 a, 5 a, 4 b, 3 a and 2 b: when the four b come, train has 12 of 19.5 examples and test 5 of 6.5."""
    groups = [0] * 12 + [1] * 5 + [2] * 4 + [3] * 3 + [4] * 2
    labels = ["a"] * 17 + ["b"] * 4 + ["a"] * 3 + ["b"] * 2
    parts = split_grouped(groups, {"train": 0.75, "test": 0.25}, labels=labels)
    assert {name: {groups[i] for i in part} for name, part in parts.items()} == {"train": {0, 2, 3}, "test": {1, 4}}


def test_seed_decides_and_repeats():
    groups, labels = examples(0)
    first = split_grouped(groups, SHARES, labels=labels, seed=0)
    assert split_grouped(groups, SHARES, labels=labels, seed=0) == first
    assert split_grouped(groups, SHARES, labels=labels) == first
    assert all(split_grouped(groups, SHARES, labels=labels, seed=seed) != first for seed in range(1, 6))


def test_names_of_groups_do_not_matter():
    groups, labels = examples(3)
    renamed = [f"document {group}" for group in groups]
    assert split_grouped(renamed, SHARES, labels=labels) == split_grouped(groups, SHARES, labels=labels)


@pytest.mark.parametrize("num_groups", range(3, 15))
def test_no_split_is_empty_however_few_groups(num_groups):
    for seed in range(5):
        assert all(split_grouped(range(num_groups), SHARES, seed=seed).values())


def test_one_giant_group_goes_to_train_whole():
    groups = ["giant"] * 80 + [f"small {i}" for i in range(20)]
    parts = split_grouped(groups, SHARES)
    assert parts["train"] == list(range(80))
    assert {name: len(part) for name, part in parts.items()} == {"train": 80, "validation": 10, "test": 10}


@pytest.mark.parametrize(
    ("groups", "shares", "labels", "message"),
    [
        ([1, 2, 3], SHARES, ["a"], "labels must be as long as groups: got 1 labels and 3 groups."),
        ([1, 2], {"a": 0.8, "b": 0.1}, None, "shares must be positive and sum to 1, got {'a': 0.8, 'b': 0.1}."),
        ([1, 2], {"a": 1.2, "b": -0.2}, None, "shares must be positive and sum to 1, got {'a': 1.2, 'b': -0.2}."),
        ([1, 2], {"a": 1.0, "b": 0.0}, None, "shares must be positive and sum to 1, got {'a': 1.0, 'b': 0.0}."),
        ([1, 1, 2], SHARES, None, "2 groups cannot fill 3 splits. Give more examples, or splits of your own."),
        ([], SHARES, None, "0 groups cannot fill 3 splits. Give more examples, or splits of your own."),
    ],
)
def test_split_errors(groups, shares, labels, message):
    with pytest.raises(InputError) as caught:
        split_grouped(groups, shares, labels=labels)
    assert str(caught.value) == message
