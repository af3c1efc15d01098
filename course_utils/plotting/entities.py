"""Entities marked in a text."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from course_utils.errors import InputError
from course_utils.metrics import spans_from_bio
from course_utils.plotting.colours import INK, SERIES, tint
from course_utils.plotting.wording import plural

if TYPE_CHECKING:
    from IPython.display import HTML

ENTITY_TYPES = ("PER", "LOC", "ORG", "MISC")  # have the same colours in every text
BORDERS = ("solid", "dashed", "dotted", "double")
# Brackets around the label for those who hear the text; the border and small bold letters are for those who see it.
HEARD = '<span style="position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%)">{}</span>'
MARK = (
    '<mark style="background: {bg}; border-bottom: 3px {border} {edge}; '
    + f"color: {INK}; "
    # a mark that goes on in the next line has its edges in both
    + "padding: 0.15em 0.35em; border-radius: 0.25em; box-decoration-break: clone; -webkit-box-decoration-break: clone"
    + '">{text}&nbsp;<span style="font-size: 0.8em; font-weight: bold">'
    + f"{HEARD.format('(')}{{label}}{HEARD.format(')')}</span></mark>"
)


def show_entities(tokens: Sequence[str], tags: Sequence[str] | Mapping[str, Sequence[str]]) -> HTML:
    """Entities of one sentence, marked in its text by displaCy.

    Each type has a colour, a border and, in letters, its name. To compare gold tags with predictions, give both.

    Parameters
    ----------
    tokens : of the sentence
    tags : one BIO tag a token, or several such lists, each under its own heading

    Raises
    ------
    InputError
        If tokens and tags differ in number, or a tag is not BIO.

    Examples
    --------
    >>> page = show_entities(["Anna", "May", "left"], ["B-PER", "I-PER", "O"])
    >>> 'aria-label="1 entity: Anna May (PER)"' in page.data
    True
    """
    from IPython.display import HTML
    from spacy import displacy

    lines = tags if isinstance(tags, Mapping) else {"": tags}
    spans = {}
    for name, line in lines.items():
        if len(line) != len(tokens):
            raise InputError(f"there must be a tag for each of {plural(len(tokens), 'token')}, got {len(line)}.")
        spans[name] = spans_from_bio(line)
    others = sorted({kind for found in spans.values() for kind, _, _ in found} - set(ENTITY_TYPES))
    places = {kind: place for place, kind in enumerate([*ENTITY_TYPES, *others])}

    text = " ".join(tokens)
    starts = [0, *itertools.accumulate(len(token) + 1 for token in tokens)]
    blocks = []
    for name, found in spans.items():
        entities = [
            {"label": kind, "start": starts[first], "end": starts[end] - 1, "params": _look(places[kind], kind)}
            for kind, first, end in found
        ]
        document = {"text": text, "ents": entities}
        marked = displacy.render(document, style="ent", manual=True, jupyter=False, options={"template": MARK})
        heading = f'<div style="font-weight: bold">{escape(name)}</div>' if name else ""
        named = [f"{' '.join(tokens[first:end])} ({kind})" for kind, first, end in found]
        summary = f"{len(found)} {'entity' if len(found) == 1 else 'entities'}: {', '.join(named) or 'none'}"
        blocks.append(f'<div role="group" aria-label="{escape(summary)}">{heading}{marked}</div>')
    return HTML("".join(blocks))


def _look(place: int, kind: str) -> dict[str, str]:
    """What the template needs for the entity type with this number."""
    colour = SERIES[place % len(SERIES)].colour
    border = BORDERS[place % len(BORDERS)]
    return {"bg": tint(colour), "edge": colour, "border": border, "label": escape(kind)}
