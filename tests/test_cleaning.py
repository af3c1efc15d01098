"""Near duplicates against brute force; splits by their invariants."""

import math
from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from course_utils.cleaning import duplicate_groups, find_near_duplicates, shingles, split_grouped
from course_utils.errors import InputError

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}


# Near duplicates


def related_texts(seed: int, count: int = 60) -> list[str]:
    """Texts of 1 to 25 words, about half of them edited copies of an earlier one: every similarity occurs."""
    rng = np.random.default_rng(seed)
    vocabulary = [f"w{i}" for i in range(12)]
    texts: list[list[str]] = []
    for _ in range(count):
        if texts and rng.random() < 0.6:
            words = list(texts[rng.integers(len(texts))])
            for _ in range(rng.integers(0, 4)):
                place = int(rng.integers(len(words)))
                match rng.integers(3):
                    case 0:
                        words[place] = str(rng.choice(vocabulary))
                    case 1:
                        words.insert(place, str(rng.choice(vocabulary)))
                    case 2 if len(words) > 1:
                        del words[place]
        else:
            words = [str(word) for word in rng.choice(vocabulary, size=rng.integers(1, 26))]
        texts.append(words)
    return [" ".join(words) for words in texts]


def similarity(first: str, second: str) -> float:
    """Jaccard similarity of word 3-grams, written without the module under test."""
    grams = []
    for text in (first, second):
        words = text.split()
        grams.append({tuple(words[i : i + 3]) for i in range(len(words) - 2)} or {tuple(words)})
    return len(grams[0] & grams[1]) / len(grams[0] | grams[1])


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.5, 0.6, 2 / 3, 0.7, 0.8, 0.9, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_near_duplicates_equal_brute_force(seed, threshold):
    texts = related_texts(seed)
    expected = [(i, j) for (i, a), (j, b) in combinations(enumerate(texts), 2) if similarity(a, b) >= threshold - 1e-12]
    assert expected, "a test without pairs shows nothing"
    assert len(expected) < math.comb(len(texts), 2)
    assert find_near_duplicates(texts, threshold=threshold) == expected


def test_near_duplicates_by_hand():
    texts = ["a b c d e", "A, b: c d -- f!", "a b c", "x", "X.", "y"]
    # 3-grams: {abc bcd cde}, {abc bcd cdf}, {abc}: 2 shared of 4, 1 of 3, 1 of 3; "x" and "X." are one word each.
    assert find_near_duplicates(texts, threshold=0.5) == [(0, 1), (3, 4)]
    assert find_near_duplicates(texts, threshold=1 / 3) == [(0, 1), (0, 2), (1, 2), (3, 4)]
    assert find_near_duplicates(texts, threshold=0.51) == [(3, 4)]
    assert find_near_duplicates([]) == []


@pytest.mark.parametrize(("shared", "union"), [(14, 25), (7, 25), (55, 100), (4, 5), (2, 3)])
def test_a_similarity_of_exactly_the_threshold_is_found(shared, union):
    """14 of 25 is 0.56, though 0.56 * 25 is more than 14 in binary."""
    words = [f"w{i}" for i in range(union + 2)]
    texts = [" ".join(words), " ".join(words[: shared + 2])]
    assert find_near_duplicates(texts, threshold=shared / union) == [(0, 1)]
    assert find_near_duplicates(texts, threshold=shared / union + 1e-6) == []


def test_shingles_of_short_texts():
    assert shingles("One two") == {("one", "two")}
    assert shingles("One two, three four") == {("one", "two", "three"), ("two", "three", "four")}


@pytest.mark.parametrize("threshold", [0, -0.1, 1.01, float("nan")])
def test_threshold_outside_its_range(threshold):
    with pytest.raises(InputError, match=r"threshold must lie in \(0, 1\], got"):
        find_near_duplicates(["a"], threshold=threshold)


def test_duplicate_groups_ignore_case_and_punctuation_but_not_words():
    texts = ["Good film!", "good film", "good films", "...", "!!!", "", "Good, FILM", "..."]
    assert duplicate_groups(texts) == [0, 0, 2, 3, 4, 5, 0, 3]


# Splits


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
    groups = np.repeat(np.arange(30), rng.integers(1, 30, size=30)).tolist()
    labels = rng.choice(["a", "b", "rare"], p=[0.6, 0.39, 0.01], size=len(groups)).tolist()
    parts = split_grouped(groups, SHARES, labels=labels, seed=seed)
    assert {labels[i] for i in parts["train"]} == set(labels)


def test_seed_decides_and_repeats():
    groups, labels = examples(0)
    first = split_grouped(groups, SHARES, labels=labels, seed=0)
    assert split_grouped(groups, SHARES, labels=labels, seed=0) == first
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
        ([1, 2, 3], SHARES, ["a"], "labels must be as long as groups: got 1 labels and 3 groups"),
        ([1, 2], {"train": 0.8, "test": 0.1}, None, "shares must be positive and sum to 1"),
        ([1, 2], {"train": 1.2, "test": -0.2}, None, "shares must be positive and sum to 1"),
        ([1, 2], {"train": 1.0, "test": 0.0}, None, "shares must be positive and sum to 1"),
        ([1, 1, 2], SHARES, None, "2 groups cannot fill 3 splits"),
        ([], SHARES, None, "0 groups cannot fill 3 splits"),
    ],
)
def test_split_errors(groups, shares, labels, message):
    with pytest.raises(InputError, match=message):
        split_grouped(groups, shares, labels=labels)
