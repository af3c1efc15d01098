"""Find texts that occur twice, exactly or nearly."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from course_utils.errors import InputError


def shingles(text: str, size: int = 3) -> frozenset[tuple[str, ...]]:
    """The set of word n-grams of a text, lower-cased; a shorter text is one shingle of all its words.

    Parameters
    ----------
    text : case and punctuation do not count
    size : words in a shingle

    Examples
    --------
    >>> sorted(shingles("The boat is late.", size=2))
    [('boat', 'is'), ('is', 'late'), ('the', 'boat')]
    """
    words = re.findall(r"\w+", text.lower())
    return frozenset(zip(*(words[i:] for i in range(size)))) or frozenset([tuple(words)])


def find_near_duplicates(texts: Sequence[str], *, threshold: float = 0.8) -> list[tuple[int, int]]:
    """Pairs of texts whose word 3-grams overlap: Jaccard similarity of at least ``threshold``.

    Exact, not sampled: only the rarest shingles of a text are indexed, so that few candidates are compared, and the
    prefix is long enough that no pair above the threshold can be missed.

    100,000 reviews of 35 words take about 20 seconds on one core. A group of n equal texts gives n * (n - 1) / 2 pairs,
    so look for many exact copies with ``duplicate_groups`` first. Texts without any word are duplicates of each other.

    Parameters
    ----------
    texts : the texts; case and punctuation do not count
    threshold : Jaccard similarity in (0, 1]; 1 finds only texts with exactly the same 3-grams

    Returns
    -------
    Pairs ``(i, j)`` with ``i < j``, sorted.

    Raises
    ------
    InputError
        If ``threshold`` is not in (0, 1].

    References
    ----------
    Bayardo, Ma and Srikant (2007), Scaling Up All Pairs Similarity Search.

    Examples
    --------
    >>> find_near_duplicates(["The boat is late again.", "the boat is late again", "No boat today."])
    [(0, 1)]
    """
    if not 0 < threshold <= 1:
        raise InputError(f"threshold must lie in (0, 1], got {threshold}.")
    sets = [shingles(text) for text in texts]
    frequency = Counter(gram for grams in sets for gram in grams)
    index: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    pairs = []
    for i, grams in enumerate(sets):
        # Two sets with Jaccard >= t share one of the rarest len - ceil(t * len) + 1 shingles of each.
        fewest = math.ceil(threshold * len(grams) - 1e-9)  # 0.56 * 25 is a little more than 14
        rarest = sorted(grams, key=lambda gram: (frequency[gram], gram))[: len(grams) - fewest + 1]
        for j in {j for gram in rarest for j in index[gram]}:
            shared = len(grams & sets[j])
            if shared / (len(grams) + len(sets[j]) - shared) >= threshold:
                pairs.append((j, i))
        for gram in rarest:
            index[gram].append(i)
    return sorted(pairs)


def duplicate_groups(texts: Sequence[str]) -> list[int]:
    """A group number for each text; texts with the same words (case and punctuation aside) share one.

    Parameters
    ----------
    texts : one without any word shares its number only with texts of the same characters

    Returns
    -------
    For each text the position of the first of its group.

    Examples
    --------
    >>> duplicate_groups(["Late again.", "On time!", "late again"])
    [0, 1, 0]
    """
    first: dict[str, int] = {}
    return [first.setdefault(" ".join(re.findall(r"\w+", t.lower())) or t, i) for i, t in enumerate(texts)]
