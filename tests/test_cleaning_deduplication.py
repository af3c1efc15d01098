"""Near duplicates against brute force."""

import math
from itertools import combinations

import numpy as np
import pytest

from course_utils.cleaning import duplicate_groups, find_near_duplicates, shingles
from course_utils.errors import InputError


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


def test_texts_without_words_are_duplicates_of_each_other():
    assert find_near_duplicates(["", "a", "...", "!"]) == [(0, 2), (0, 3), (2, 3)]


def test_the_default_threshold_is_four_fifths():
    texts = ["a b c d e f", "a b c d e f g", "h i j k l", "h i j k l m"]
    assert find_near_duplicates(texts) == [(0, 1)]  # 4 of 5, and 3 of 4
    assert find_near_duplicates(texts, threshold=0.75) == [(0, 1), (2, 3)]


def test_shingles_of_short_texts():
    assert shingles("One two") == {("one", "two")}
    assert shingles("One two, three four") == {("one", "two", "three"), ("two", "three", "four")}
    assert shingles("One two, three", size=2) == {("one", "two"), ("two", "three")}
    assert shingles("") == {()}


@pytest.mark.parametrize("threshold", [0, -0.1, 1.01, float("nan")])
def test_threshold_outside_its_range(threshold):
    with pytest.raises(InputError) as caught:
        find_near_duplicates(["a"], threshold=threshold)
    assert str(caught.value) == f"threshold must lie in (0, 1], got {threshold}."


def test_duplicate_groups_ignore_case_and_punctuation_but_not_words():
    texts = ["Good film!", "good film", "good films", "...", "!!!", "", "Good, FILM", "...", "goodfilm"]
    assert duplicate_groups(texts) == [0, 0, 2, 3, 4, 5, 0, 3, 8]
