"""Exercises of notebook 05, Token classification: labels that count, back-off, accuracy by tag."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from course_utils.exercises import Exercise, Inputs, Mistake

Tags = Sequence[Sequence[str]]

# 05.1


def tag_of(word: str, best: Mapping[str, str], unknown: str) -> str:
    """The word's best tag; of an unknown word that of its small form; else ``unknown``."""
    return best.get(word, best.get(word.lower(), unknown))


def _words(random: np.random.Generator) -> Iterator[Inputs]:
    best = {"the": "DET", "may": "VERB", "May": "NOUN", "Left": "NOUN", "left": "VERB", "boat": "NOUN", "new": "ADJ"}
    for word in ("boat", "The", "May", "may", "MAY", "Left", "Boat", "Saltholm", "quay", "NEW"):
        keys = random.permutation(list(best)).tolist()
        yield word, {key: best[key] for key in keys}, "X"


back_off = Exercise(
    id="05.1",
    title="A tag for a word that was never seen",
    kind="apply",
    stub='''\
def tag_of(word, best, unknown):
    """Tag of one word by the unigram tagger with back-off.

    best: dict from each word of train, as it was written, to its most frequent tag there.
    A word that is not in it is looked up in small letters; if that fails too, its tag is `unknown`.
    """
    ...
''',
    reference=tag_of,
    cases=_words,
    mistakes=(
        Mistake(
            lambda word, best, unknown: best[word],
            "A word that train has not seen raises an error here. The tagger has to answer for every word.",
        ),
        Mistake(
            lambda word, best, unknown: best.get(word, unknown),
            "A known word at the beginning of a sentence, such as *Boat*, is called unknown. Use its small letters.",
        ),
        Mistake(
            lambda word, best, unknown: best.get(word.lower(), unknown),
            "You make every word small first. The table knows *May* and *may* apart, and you throw that away.",
        ),
        Mistake(
            lambda word, best, unknown: best.get(word, best.get(word.lower())),
            "A word that is found in neither form gets None. There is a tag for that case.",
        ),
        Mistake(
            lambda word, best, unknown: best.get(word) or best.get(word.capitalize(), unknown),
            "You look for the word with a capital. Sentences begin with one, so the missing form is the other.",
        ),
        Mistake(
            lambda word, best, unknown: Counter(best.values()).most_common(1)[0][0] if word not in best else best[word],
            "Unknown words get the commonest tag of the table. First try another spelling, then take what is given.",
        ),
    ),
)

# 05.2

counted = Exercise(
    id="05.2",
    title="How many labels count",
    kind="recall",
    stub="num_counted = ...  # 9 words; 2 of them are cut into 3 pieces each, the others stay whole\n",
    reference=9,
    mistakes=(
        Mistake(13, "So many pieces there are. Do all of them carry a tag, or is the tag of a word given only once?"),
        Mistake(15, "You count every position, the special tokens among them. Which of them have a right answer?"),
        Mistake(7, "You leave out the words that are cut. They have a tag too: on which of their pieces?"),
        Mistake(11, "The special tokens carry -100: nobody asks what part of speech they are."),
        Mistake(6, "Those are the pieces of the words that are cut. The other words have tags as well."),
    ),
)

# 05.3


def accuracy_by_tag(gold: Tags, predicted: Tags) -> dict[str, float]:
    """Share of right predictions among the words of each gold tag."""
    pairs = [pair for rows in zip(gold, predicted) for pair in zip(*rows)]
    total, right = Counter(tag for tag, _ in pairs), Counter(tag for tag, said in pairs if tag == said)
    return {tag: right[tag] / total[tag] for tag in total}


def _two_taggings(random: np.random.Generator) -> Iterator[Inputs]:
    names = np.array(["NOUN", "VERB", "ADJ", "DET"])
    # Written out, so that no two ways to count agree by chance; the order of words is drawn.
    tables = (
        ("NNNNVV", "NNNVVN"),
        ("NNNVVAA", "NNVVVNA"),
        ("NNNNNVVVAD", "NNNVAVVNAN"),
        ("DDDNNVVVV", "DDNNVVVVN"),
        ("AAAAVVN", "AANNVVA"),
    )
    for gold, said in tables:
        order = random.permutation(len(gold))
        rows = [[names[["NVAD".index(row[i]) for i in order]].tolist()] for row in (gold, said)]
        cut = len(gold) // 2  # two sentences
        yield tuple([row[0][:cut], row[0][cut:]] for row in rows)


def _precision(gold: Tags, predicted: Tags) -> dict[str, float]:
    return accuracy_by_tag(predicted, gold)


def _share_of_all(gold: Tags, predicted: Tags) -> dict[str, float]:
    size, counts = sum(map(len, gold)), Counter(tag for row in gold for tag in row)
    return {tag: share * counts[tag] / size for tag, share in accuracy_by_tag(gold, predicted).items()}


def _mean_over_sentences(gold: Tags, predicted: Tags) -> dict[str, float]:
    parts = [accuracy_by_tag([row], [said]) for row, said in zip(gold, predicted)]
    found = {tag: [part[tag] for part in parts if tag in part] for part in parts for tag in part}
    return {tag: sum(shares) / len(shares) for tag, shares in found.items()}


by_tag = Exercise(
    id="05.3",
    title="Accuracy by tag",
    kind="apply",
    stub='''\
def accuracy_by_tag(gold, predicted):
    """Of the words that have a tag, the share that is given it, for each tag.

    gold, predicted: for each sentence a list of tags such as ["DET", "NOUN"], one a word.
    Returns a dict from every gold tag to a number in [0, 1].
    """
    ...
''',
    reference=accuracy_by_tag,
    cases=_two_taggings,
    mistakes=(
        Mistake(
            _precision,
            "You sort the words by the tag that they were given. Sort them by the tag that they should have.",
        ),
        Mistake(
            _share_of_all,
            "You divide by the number of all words. A rare tag would look bad only because it is rare.",
        ),
        Mistake(
            lambda gold, predicted: {tag: 1 - share for tag, share in accuracy_by_tag(gold, predicted).items()},
            "These are the shares of mistakes.",
        ),
        Mistake(
            lambda gold, predicted: sum(
                tag == said for rows in zip(gold, predicted) for tag, said in zip(*rows)
            ) / sum(map(len, gold)),
            "This is one number for all words. Asked for is one for each tag.",
        ),
        Mistake(
            _mean_over_sentences,
            "You take the mean of the sentences' shares. A word of a sentence with few such tags then weighs more.",
        ),
        Mistake(
            lambda gold, predicted: dict(
                Counter(tag for rows in zip(gold, predicted) for tag, said in zip(*rows) if tag == said)
            ),
            "These are counts of right words. A share says: out of how many words with that tag?",
        ),
    ),
)  # fmt: skip

EXERCISES = (back_off, counted, by_tag)
