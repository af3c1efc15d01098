"""Exercises of notebook 05 on what follows the logits: transitions, the sigmoid, from pieces to words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from course_utils.exercises import Exercise, Inputs, Mistake
from course_utils.tokenization import IGNORE_INDEX

# 05.4


def num_tags_given(logits: np.ndarray) -> list[int]:
    """How many labels have a probability of more than one half, for each word."""
    return [int(count) for count in (logits > 0).sum(axis=-1)]


def _sigmoid_scores(random: np.random.Generator) -> Iterator[Inputs]:
    for counts, num_labels in (((0, 1, 2), 4), ((1, 3, 0, 2), 5), ((2, 0), 3), ((0, 4, 1, 1, 3, 2), 6)):
        logits = -random.uniform(0.1, 0.9, size=(len(counts), num_labels))  # above -1: exp and rounding are no help
        for row, count in zip(logits, counts):
            row[random.permutation(num_labels)[:count]] = random.uniform(0.1, 0.4, size=count)
        yield (logits,)


given = Exercise(
    id="05.4",
    title="How many tags a sigmoid gives",
    kind="transfer",
    stub='''\
def num_tags_given(logits):
    """How many tags each word gets if every tag is a yes-or-no question of its own.

    logits: float array of shape (words, tags). A tag is given if its sigmoid, 1 / (1 + exp(-logit)), is above 0.5.
    Returns a list with one whole number for each word.
    """
    ...
''',
    reference=num_tags_given,
    cases=_sigmoid_scores,
    mistakes=(
        Mistake(
            lambda logits: (logits > 0.5).sum(axis=-1),
            "You compare the logits with one half. The rule is about the sigmoid: which logit has a sigmoid of 0.5?",
        ),
        Mistake(
            lambda logits: (logits > 0).sum(axis=0),
            "You count along the words: so often each tag is given. A row is a word.",
        ),
        Mistake(
            lambda logits: int((logits > 0).sum()),
            "This is the number of all tags given. Each word should have a number of its own.",
        ),
        Mistake(
            lambda logits: [1] * len(logits),
            "One tag for each word is what softmax with the highest score gives. Here no tag knows of the others.",
        ),
        Mistake(
            lambda logits: (logits > 0).any(axis=-1),
            "You say whether a word gets any tag. How many does it get?",
        ),
    ),
)

# 05.5


def may_follow(before: str, after: str) -> bool:
    """Whether BIO allows a tag after another: ``I-X`` only inside an X."""
    return not after.startswith("I-") or before[2:] == after[2:]


def _tag_pairs(random: np.random.Generator) -> Iterator[Inputs]:
    pairs = [("O", "O"), ("O", "B-PER"), ("O", "I-PER"), ("B-PER", "I-PER"), ("I-PER", "I-PER"), ("B-PER", "B-PER")]
    pairs += [("B-PER", "I-LOC"), ("I-LOC", "I-PER"), ("I-LOC", "B-PER"), ("I-PER", "O"), ("I-LOC", "B-LOC")]
    yield from (pairs[i] for i in random.permutation(len(pairs)))


transitions = Exercise(
    id="05.5",
    title="Which tag may follow which",
    kind="apply",
    stub='''\
def may_follow(before, after):
    """Whether BIO allows the tag `after` directly after the tag `before`.

    before, after: "O", "B-TYPE" or "I-TYPE". An I-TYPE continues an entity of its own type; nothing else is forbidden.
    Returns True or False.
    """
    ...
''',
    reference=may_follow,
    cases=_tag_pairs,
    mistakes=(
        Mistake(
            lambda before, after: not (before == "O" and after.startswith("I-")),
            "You forbid an I- after O. What of an I-LOC after a B-PER: which entity does it continue?",
        ),
        Mistake(
            lambda before, after: not after.startswith("I-") or before == "B-" + after[2:],
            "An entity of three words is B, I, I. Your rule ends every entity after its second word.",
        ),
        Mistake(
            lambda before, after: may_follow(before, after) and not (before != "O" and after.startswith("B-")),
            "Two entities may touch: a B- may follow anything. That is why there is a B- at all.",
        ),
        Mistake(
            lambda before, after: before == "O" or after == "O" or before[2:] == after[2:],
            "You compare types everywhere. Only an I- has to agree with what stands before it, and after O it cannot.",
        ),
        Mistake(
            lambda before, after: may_follow(after, before),
            "You have the two tags the wrong way round: `before` comes first in the sentence.",
        ),
        Mistake(
            lambda before, after: not may_follow(before, after),
            "Your answer is True for what is forbidden.",
        ),
    ),
)

# 05.6


def word_scores(logits: np.ndarray, word_ids: Sequence[int | None]) -> np.ndarray:
    """For each word the mean of the scores of its pieces."""
    words = np.array([IGNORE_INDEX if word is None else word for word in word_ids])
    return np.stack([logits[words == word].mean(axis=0) for word in range(words.max() + 1)])


def _pieces(random: np.random.Generator) -> Iterator[Inputs]:
    for counts in ((1, 2, 1), (3, 1), (2, 2), (1, 4, 2, 1)):
        word_ids = [None, *np.repeat(np.arange(len(counts)), counts).tolist(), None]
        yield random.normal(size=(len(word_ids), 3)).round(1), word_ids


def _from_one(pick: int, logits: np.ndarray, word_ids: Sequence[int | None]) -> np.ndarray:
    places: dict[int, list[int]] = {}
    for i, word in enumerate(word_ids):
        if word is not None:
            places.setdefault(word, []).append(i)
    return np.stack([logits[rows[pick]] for rows in places.values()])


def _sums(logits: np.ndarray, word_ids: Sequence[int | None]) -> np.ndarray:
    counts = Counter(word for word in word_ids if word is not None)
    return word_scores(logits, word_ids) * np.array([[counts[word]] for word in sorted(counts)])


def _with_special(logits: np.ndarray, word_ids: Sequence[int | None]) -> np.ndarray:
    words = [0 if word is None else word for word in word_ids]
    return word_scores(logits, words)


pieces_to_words = Exercise(
    id="05.6",
    title="All pieces of a word vote",
    kind="transfer",
    stub='''\
def word_scores(logits, word_ids):
    """Scores of each word: the mean of the scores of all its pieces, not only those of the first.

    logits: float array of shape (pieces, tags); word_ids: for each piece the position of its word, None for [CLS]
    and [SEP]. Every word has a piece.
    Returns a float array of shape (words, tags).
    """
    ...
''',
    reference=word_scores,
    cases=_pieces,
    mistakes=(
        Mistake(
            lambda logits, word_ids: _from_one(0, logits, word_ids),
            "You take the first piece of each word, as in training. Here its other pieces vote as well.",
        ),
        Mistake(
            lambda logits, word_ids: _from_one(-1, logits, word_ids),
            "You take the last piece of each word. All its pieces vote.",
        ),
        Mistake(
            _sums,
            "You add the scores up. A word of three pieces then has scores three times as large: divide.",
        ),
        Mistake(
            _with_special,
            "The special tokens vote for the first word. `None` and the word 0 are not the same: test for `None`.",
        ),
        Mistake(
            lambda logits, word_ids: logits[[word is not None for word in word_ids]],
            "The special tokens are gone, but there is still a row for every piece. Asked for is one for every word.",
        ),
        Mistake(
            lambda logits, word_ids: word_scores(logits, word_ids).mean(axis=0),
            "One row for the whole sentence: you took the mean over all words. Each word keeps a row.",
        ),
    ),
)

EXERCISES = (given, transitions, pieces_to_words)
