"""Entity tags in BIO, mended and never in silence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from course_utils.errors import InputError

SCHEMES = ("iob2", "iob1")


@dataclass(frozen=True)
class TagChange:
    """One tag that was changed."""

    position: int
    found: str
    repaired: str
    reason: str


@dataclass(frozen=True)
class BioRepair:
    """The tags of a sentence in IOB2, and every change that made them so."""

    tags: list[str]
    changes: tuple[TagChange, ...]


def repair_bio(tags: Sequence[str], scheme: str = "iob2") -> BioRepair:
    """Entity tags in IOB2, where every entity begins with ``B-``, and a report of what was changed.

    An ``I-`` after ``O``, at the start, or after another type becomes ``B-``. That is how conlleval reads it, so the
    entities are the same before and after. In IOB2 such a tag is a mistake; in IOB1 it is the rule (``B-`` is only for
    an entity right after one of its type), and the change is a conversion. The report says which.

    Parameters
    ----------
    tags : of one sentence: ``O``, ``B-TYPE`` or ``I-TYPE``
    scheme : what the tags were meant to be: ``iob2`` or ``iob1``

    Raises
    ------
    InputError
        If the scheme or a tag is unknown.

    References
    ----------
    Tjong Kim Sang and Buchholz (2000), Introduction to the CoNLL-2000 Shared Task: Chunking.

    Examples
    --------
    >>> repair = repair_bio(["I-PER", "I-PER", "O", "B-LOC"])
    >>> repair.tags
    ['B-PER', 'I-PER', 'O', 'B-LOC']
    >>> repair.changes
    (TagChange(position=0, found='I-PER', repaired='B-PER', reason='I-PER at the start of the sentence'),)
    """
    if scheme not in SCHEMES:
        raise InputError(f'scheme must be "iob2" or "iob1", got "{scheme}".')
    if isinstance(tags, str):
        raise InputError(f'tags must be a list with one tag a word, got the text "{tags}".')
    repaired: list[str] = []
    changes: list[TagChange] = []
    for position, tag in enumerate(tags):
        if not re.fullmatch(r"O|[BI]-.+", str(tag)):
            raise InputError(
                f'entity tags must be O, B-TYPE or I-TYPE, got "{tag}" at position {position}. Mend it by hand.'
            )
        previous = tags[position - 1] if position else ""
        if tag[0] == "I" and tag[2:] != previous[2:]:
            place = f"after {previous}" if previous else "at the start of the sentence"
            repaired.append(f"B-{tag[2:]}")
            reason = f"{tag} {place}" if scheme == "iob2" else f"IOB1 begins an entity with I-: {tag} {place}"
            changes.append(TagChange(position, tag, repaired[-1], reason))
        else:
            repaired.append(tag)
    return BioRepair(repaired, tuple(changes))
