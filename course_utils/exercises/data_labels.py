"""Exercises of notebook 04 on labels and splits: agreement, word pieces, BIO tags, copies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from course_utils.exercises import Exercise, Inputs, Mistake
from course_utils.tokenization import IGNORE_INDEX

# 04.3

kappa = Exercise(
    id="04.3",
    title="Agreement beyond chance",
    kind="recall",
    stub="kappa = ...  # two annotators, 100 words: each calls 10 of them a name, on 90 words they agree\n",
    reference=(0.9 - 0.82) / (1 - 0.82),
    tolerance=0.005,
    mistakes=(
        Mistake(0.9, "This is the raw agreement. How often would they agree if each drew labels at random?"),
        Mistake(
            0.82, "This is how often they would agree by chance. It has to be taken off, above and below the line."
        ),
        Mistake(0.08, "The agreement beyond chance, but as a share of what? Chance left room for more than that."),
        Mistake(0.8, "You take chance to be one half. But both say *no name* most of the time, which agrees often."),
        Mistake(0.89, "You count only one way to agree by chance. They can agree on a name or on no name: add both."),
    ),
)

# 04.4


def align_labels(labels: Sequence[int], word_ids: Sequence[int | None]) -> list[int]:
    """The word's label at its first piece, ``IGNORE_INDEX`` everywhere else."""
    previous = [None, *word_ids[:-1]]
    return [
        IGNORE_INDEX if word is None or word == before else labels[word] for word, before in zip(word_ids, previous)
    ]


def _labels_and_pieces(random: np.random.Generator) -> Iterator[Inputs]:
    for pieces in ((1, 2, 1), (3, 1), (2, 2, 1, 3), (1, 1, 4, 1, 2)):
        labels = random.permutation(np.arange(1, 9))[: len(pieces)].tolist()
        yield labels, [None, *np.repeat(np.arange(len(pieces)), pieces).tolist(), None]
    yield [5, 5, 2], [None, 0, 0, 1, 2, None]  # two words of one label
    yield [4, 7, 1, 3], [None, 0, 1, 1, None]  # the rest is cut off


def _zipped(labels: Sequence[int], word_ids: Sequence[int | None]) -> list[int]:
    """One label after another, whatever the words."""
    rest = iter(labels)
    return [IGNORE_INDEX if word is None else next(rest, IGNORE_INDEX) for word in word_ids]


def _by_change_of_label(labels: Sequence[int], word_ids: Sequence[int | None]) -> list[int]:
    every = [IGNORE_INDEX if word is None else labels[word] for word in word_ids]
    return [IGNORE_INDEX if label == before else label for label, before in zip(every, [None, *every])]


alignment = Exercise(
    id="04.4",
    title="Word labels for word pieces",
    kind="apply",
    stub='''\
def align_labels(labels, word_ids):
    """One label for each piece, from one label for each word.

    labels: list of label numbers, one a word; word_ids: for each piece the position of its word, None for [CLS] and
    [SEP]. The first piece of a word gets its label, everything else -100. Truncation may have cut words off the end.
    Returns a list as long as word_ids.
    """
    ...
''',
    reference=align_labels,
    cases=_labels_and_pieces,
    mistakes=(
        Mistake(
            _zipped,
            "The labels are dealt out one after another, so from the first word of two pieces on everything is "
            "shifted: pieces carry the labels of other words.",
        ),
        Mistake(
            lambda labels, word_ids: [IGNORE_INDEX if word is None else labels[word] for word in word_ids],
            "Every piece carries its word's label, so a long word counts more often than a short one, and a name that "
            "begins would begin again inside a word.",
        ),
        Mistake(
            lambda labels, word_ids: [
                0 if label == IGNORE_INDEX else label for label in align_labels(labels, word_ids)
            ],
            "The rest gets 0, and 0 is a label like any other: the model would learn it, and be scored on it.",
        ),
        Mistake(
            lambda labels, word_ids: align_labels(labels, word_ids[::-1])[::-1],
            "You label the last piece of each word. It can be done that way, but asked for is the first.",
        ),
        Mistake(
            _by_change_of_label,
            "A word is skipped when it has the same label as the word before it. What tells that a new word begins?",
        ),
        Mistake(
            lambda labels, word_ids: [label for label in align_labels(labels, word_ids) if label != IGNORE_INDEX],
            "As many labels as words. The model wants one for every piece, also where there is nothing to learn.",
        ),
    ),
)

# 04.5


def stray_tags(tags: Sequence[str]) -> list[int]:
    """Positions of ``I-`` tags that continue nothing."""
    pairs = zip(tags, ["O", *tags])
    return [i for i, (tag, before) in enumerate(pairs) if tag[0] == "I" and before[1:] != tag[1:]]


def _tag_rows(random: np.random.Generator) -> Iterator[Inputs]:
    yield (["B-PER", "I-PER", "O", "I-LOC"],)
    yield (["I-ORG", "I-ORG", "O", "B-ORG"],)
    yield (["I-PER", "O"],)
    yield (["B-PER", "I-LOC", "I-LOC", "O", "B-LOC", "B-LOC", "I-LOC"],)
    yield (["O", "B-MISC", "I-MISC", "I-MISC"],)
    names = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    for length in (8, 12):
        yield (random.choice(names, size=length).tolist(),)


def _positions(tags: Sequence[str], *, after_o: bool = True, at_start: bool = True, other: bool = True) -> list[int]:
    """The stray tags of some kinds only."""
    kinds = {i: "start" if i == 0 else "o" if tags[i - 1] == "O" else "other" for i in stray_tags(tags)}
    wanted = {"start": at_start, "o": after_o, "other": other}
    return [i for i, kind in kinds.items() if wanted[kind]]


stray = Exercise(
    id="04.5",
    title="Tags that continue nothing",
    kind="apply",
    stub='''\
def stray_tags(tags):
    """Where a row of BIO tags breaks the rule of IOB2: an I-X must follow a B-X or an I-X of the same type.

    tags: list such as ["B-PER", "I-PER", "O", "I-LOC"], one tag a word of one sentence.
    Returns the positions of the tags that break it, rising.
    """
    ...
''',
    reference=stray_tags,
    cases=_tag_rows,
    mistakes=(
        Mistake(
            lambda tags: _positions(tags, other=False),
            "An `I-LOC` right after `B-PER` passes. It continues something, but something of another type.",
        ),
        Mistake(
            lambda tags: _positions(tags, at_start=False),
            "The first word of the sentence passes whatever it has. What would an `I-` there continue?",
        ),
        Mistake(
            lambda tags: _positions(tags, other=False, at_start=False),
            "You look for an `I-` after `O`. That is one of three ways to break the rule.",
        ),
        Mistake(
            lambda tags: [i for i, tag in enumerate(tags) if tag[0] == "I" and tags[i - 1][1:] != tag[1:]],
            "For the first word you look at position -1, which is the last word of the sentence.",
        ),
        Mistake(
            lambda tags: [i for i, (t, u) in enumerate(zip(tags, ["O", *tags])) if t[0] == "I" and u != "B" + t[1:]],
            "You also report the third word of a long name. An `I-` may follow an `I-` of its type.",
        ),
        Mistake(
            lambda tags: [tags[i] for i in stray_tags(tags)],
            "These are the tags. To mend them, one has to know where they stand.",
        ),
    ),
)

# 04.6


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def leaked(train: list[str], test: list[str]) -> list[int]:
    """Positions of the test texts whose words are those of a train text."""
    known = {_words(text) for text in train}
    return [i for i, text in enumerate(test) if _words(text) in known]


NOTES = (
    "The ferry was late again.",
    "Lovely cakes, slow service.",
    "Do not miss the museum!",
    "Warm soup and kind people.",
    "The app lost my ticket.",
    "A quiet room with a view.",
    "Nobody answered the phone.",
    "Clean, cheap and central.",
)


def _two_parts(random: np.random.Generator) -> Iterator[Inputs]:
    def exactly(text: str) -> str:
        return text

    def spaced(text: str) -> str:
        return f" {text.replace(' ', '  ')}\n"

    def bare(text: str) -> str:
        return re.sub(r"[^\w\s]", "", text) + " !!"

    for changes in ((exactly, str.upper), (exactly, spaced, bare), (str.lower, bare), (spaced,)):
        order = random.permutation(len(NOTES))
        train = [NOTES[i] for i in order[:4]]
        copies = [change(train[k + 1]) for k, change in enumerate(changes)]
        twice = [NOTES[order[4]]] * 2  # a copy within test is no leak
        test = [*twice, NOTES[order[5]], *copies, NOTES[order[6]]]
        yield train, test
    yield list(NOTES[:3]), list(NOTES[3:6])


copies = Exercise(
    id="04.6",
    title="Which test texts does the model know?",
    kind="transfer",
    stub='''\
def leaked(train, test):
    """Positions of the test texts that also occur in train.

    train, test: lists of texts. Case, punctuation and white space do not count as a difference; words do.
    Returns a list of positions in test, rising.
    """
    ...
''',
    reference=leaked,
    cases=_two_parts,
    mistakes=(
        Mistake(
            lambda train, test: [i for i, text in enumerate(test) if text in train],
            "You find the exact copies only. A copy in capitals is just as well known to the model.",
        ),
        Mistake(
            lambda train, test: [i for i, t in enumerate(test) if t.lower() in {u.lower() for u in train}],
            "Capitals are dealt with; copies with other spaces or punctuation still pass as new.",
        ),
        Mistake(
            lambda train, test: [
                i
                for i, t in enumerate(test)
                if " ".join(t.lower().split()) in {" ".join(u.lower().split()) for u in train}
            ],
            "Capitals and spaces are dealt with; a copy that lost its full stop still passes as new.",
        ),
        Mistake(
            lambda train, test: leaked(test, train),
            "These are positions in train. What has to leave, or to be reported, is a text of test.",
        ),
        Mistake(
            lambda train, test: [
                i
                for i, text in enumerate(test)
                if _words(text) in {_words(other) for other in [*train, *test[:i], *test[i + 1 :]]}
            ],
            "You also report texts that occur twice within test. They are a fault, but the model has not seen them.",
        ),
        Mistake(
            lambda train, test: len(leaked(train, test)),
            "This is how many there are. To look at them, one has to know where they stand.",
        ),
        Mistake(
            lambda train, test: [test[i] for i in leaked(train, test)],
            "These are the texts. Their positions are asked for.",
        ),
    ),
)

EXERCISES = (kappa, alignment, stray, copies)
