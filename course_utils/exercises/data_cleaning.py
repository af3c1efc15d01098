"""Exercises of notebook 04 on texts: fields as collected, cleaning, augmentation."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from html import escape

import numpy as np

from course_utils.cleaning import clean_html, normalise_unicode, normalise_whitespace, repair_encoding
from course_utils.exercises import Exercise, Inputs, Mistake

# 04.1

NUMBERS = ("one", "two", "three", "four", "five")


def parse_stars(field: str) -> int | None:
    """Number of stars in a field as collected; None if it is empty."""
    if not field:
        return None
    if field in NUMBERS:
        return NUMBERS.index(field) + 1
    return field.count("★") or int(field[0])


def _fields(random: np.random.Generator) -> Iterator[Inputs]:
    for stars in random.permutation(np.arange(1, 5))[:2].tolist():  # of 5, "5/5" could be read from either end
        yield from ((str(stars),), (f"{stars}/5",), (NUMBERS[stars - 1],), ("★" * stars,))
    yield from (("5",), ("★" * 5,), ("",))


def _read(field: str, *, empty: int | None = None, slash: int = 0, one_star: bool = False) -> int | None:
    """Read a field with one thing done wrongly."""
    if not field:
        return empty
    if "★" in field:
        return 1 if one_star else len(field)
    return NUMBERS.index(field) + 1 if field in NUMBERS else int(field[slash])


stars = Exercise(
    id="04.1",
    title="Stars in every spelling",
    kind="apply",
    stub='''\
def parse_stars(field):
    """Number of stars in a field as collected.

    field: a text such as "4", "4/5", "four" or "★★★★"; empty if nothing was given.
    Returns an integer from 1 to 5, or None for an empty field.
    """
    ...
''',
    reference=parse_stars,
    cases=_fields,
    mistakes=(
        Mistake(
            lambda field: int(field),
            "`int` reads only whole numbers. Count how the field is written in the data: there are four ways, and "
            "sometimes nothing.",
        ),
        Mistake(
            lambda field: _read(field, empty=0),
            "A missing field has become zero stars, below the worst. Missing is not a number.",
        ),
        Mistake(
            lambda field: _read(field, empty=3),
            "You have put the middle of the scale where nothing was given. That invents an opinion.",
        ),
        Mistake(
            lambda field: _read(field, slash=-1),
            'In "4/5" you read what stands after the stroke. That is the length of the scale.',
        ),
        Mistake(
            lambda field: _read(field, one_star=True),
            "However many ★ there are, you see one. How many times does the character occur?",
        ),
        Mistake(
            lambda field: len(field),
            "The length of the text is the answer only where each character is a star.",
        ),
    ),
)

# 04.2


def clean_text(text: str) -> str:
    """Markup first, then the encoding, then the Unicode form, then white space."""
    return normalise_whitespace(normalise_unicode(repair_encoding(clean_html(text)).text))


def _as_read_wrongly(text: str) -> str:
    return text.encode("utf-8").decode("latin-1")


def _escaped(text: str) -> str:
    return escape(text).encode("ascii", "xmlcharrefreplace").decode("ascii")


def _texts(random: np.random.Generator) -> Iterator[Inputs]:
    for place in random.permutation(["quay", "pier", "harbour"]).tolist():
        text = f"Fish & crêpes at the café on the {place}."
        yield (f"<p>{_escaped(text)}</p>",)
        yield (_escaped(_as_read_wrongly(text)),)
        yield (unicodedata.normalize("NFD", text).replace(" ", "\u00a0 "),)
        yield (f"<p>{_as_read_wrongly(unicodedata.normalize('NFD', text))}<br/>Closed  on Mondays</p>",)


cleaning = Exercise(
    id="04.2",
    title="Clean from the outside",
    kind="apply",
    stub='''\
def clean_text(text):
    """Clean a text as collected.

    Use clean_html, normalise_unicode, normalise_whitespace and repair_encoding (take its `.text`), each once.
    Returns the text without markup, its characters mended and composed, one space between words, none at the ends.
    """
    ...
''',
    reference=clean_text,
    cases=_texts,
    mistakes=(
        Mistake(
            lambda text: normalise_whitespace(normalise_unicode(clean_html(repair_encoding(text).text))),
            "In some texts wrongly read characters are hidden behind entities such as `&#195;`. As long as they are, "
            "nobody can see that they are wrong: what was wrapped around the text last?",
        ),
        Mistake(
            lambda text: normalise_unicode(repair_encoding(clean_html(normalise_whitespace(text))).text),
            "New line feeds appear after you have removed them: a tag such as `<br/>` becomes one.",
        ),
        Mistake(
            lambda text: normalise_whitespace(repair_encoding(normalise_unicode(clean_html(text))).text),
            "Some letters still consist of two characters. Mending the encoding can bring such letters to light, so "
            "what composes them has to come later.",
        ),
        Mistake(
            lambda text: normalise_whitespace(normalise_unicode(repair_encoding(clean_html(text)))),  # type: ignore[arg-type]
            "`repair_encoding` gives back a report, not a text: what it replaced, and the text in one of its fields.",
        ),
        Mistake(
            lambda text: normalise_whitespace(normalise_unicode(clean_html(text))),
            "Markup is gone, but some letters are still pairs of strange signs: UTF-8 that was read as something else.",
        ),
        Mistake(
            lambda text: clean_text(text).lower(),
            "The text is clean and has lost its capitals. Nobody asked for that, and names need them.",
        ),
        Mistake(
            lambda text: re.sub(r"[^\w\s]", "", clean_text(text)),
            "The text is clean and has lost its punctuation. That is not dirt.",
        ),
    ),
)

# 04.7

NEGATIONS = ("no", "not", "never", "nothing", "nobody")


def delete_words(words: list[str], positions: list[int]) -> list[str]:
    """Leave out the words at these positions, negations excepted."""

    def is_negation(word: str) -> bool:
        return word.lower() in NEGATIONS or word.lower().endswith("n't")

    return [word for i, word in enumerate(words) if i not in positions or is_negation(word)]


def _sentences(random: np.random.Generator) -> Iterator[Inputs]:
    for text in (
        "The room was not clean and the bed was hard",
        "Nobody came , so we did n't stay",
        "Never again will I eat there",
        "I had no reason to complain about the quick ferry",
        "The soup , bread and cake were good",
    ):
        words = text.split()
        negation = [i for i, word in enumerate(words) if word.lower() in (*NEGATIONS, "n't")]
        start = int(random.integers(1, 3))
        yield words, sorted({*negation, start, start + 1, len(words) - 1})
    yield ["We", "do", "n't", "mind"], []


def _pop(words: list[str], positions: list[int]) -> list[str]:
    left = list(words)
    for position in positions:
        if position < len(left) and not _is_protected(left[position]):
            left.pop(position)
    return left


def _is_protected(word: str) -> bool:
    return word.lower() in (*NEGATIONS, "n't")


augmentation = Exercise(
    id="04.7",
    title="Delete words, keep the label",
    kind="transfer",
    stub='''\
def delete_words(words, positions):
    """A copy of a sentence without some of its words, for augmentation.

    words: list of words; positions: which to leave out. Negations stay, also where a sentence begins with one: no,
    not, never, nothing, nobody, and whatever ends in n't.
    Returns a new list.
    """
    ...
''',
    reference=delete_words,
    cases=_sentences,
    mistakes=(
        Mistake(
            lambda words, positions: [word for i, word in enumerate(words) if i not in positions],
            "Negations are deleted too: from *not clean* is left *clean*, with the label of a complaint.",
        ),
        Mistake(
            lambda words, positions: [w for i, w in enumerate(words) if i not in positions or w in (*NEGATIONS, "n't")],
            "A negation with a capital is lost. Sentences begin with them, too.",
        ),
        Mistake(
            lambda words, positions: [w for i, w in enumerate(words) if i not in positions or w.lower() in NEGATIONS],
            "The negation in *did n't* is lost: it is not in the list, it is the ending that counts.",
        ),
        Mistake(
            _pop,
            "After the first word is gone, the others have moved up, and the positions point at their neighbours.",
        ),
        Mistake(
            lambda words, positions: [w for i, w in enumerate(words) if i in positions and not _is_protected(w)],
            "These are the words that are to be left out.",
        ),
        Mistake(
            lambda words, positions: " ".join(delete_words(words, positions)),
            "The words are right, but glued to one text. A list of words is asked for.",
        ),
    ),
)

EXERCISES = (stars, cleaning, augmentation)
