"""Guesses: what a learner expects of an experiment, written down before it and compared with what came out."""

from __future__ import annotations

import re
from typing import Any

from course_utils.checks.cards import Card, Table, number, show
from course_utils.checks.comparison import describe, plain
from course_utils.checks.journal import JOURNAL, Record
from course_utils.errors import InputError

Value = int | float | str

MAX_TEXT = 80
"""Characters of a guess in words."""


def guess(name: str, value: Any = None, *, question: str = "", unit: str = "") -> None:
    """Write down a guess before an experiment; the guess that stands at the first ``reveal`` is the one that counts.

    Parameters
    ----------
    name : notebook and a word, such as ``"05.lr"``
    value : a number or a short text; ``None`` is no guess
    question : what is guessed, in a few words
    unit : of the number, such as ``"%"``

    Raises
    ------
    InputError
        If the name has another form.

    Examples
    --------
    >>> guess("05.lr", None, question="best learning rate")
    ○ Guess 05.lr, best learning rate: no guess yet
    """
    _check_name(name)
    title = f"Guess {name}, {question}" if question else f"Guess {name}"
    if value is None or value is ...:
        JOURNAL.session.append(_record(name, None, question, unit))
        show(Card("○", f"{title}: no guess yet"))
        return
    kept = _value(value)
    if kept is None:
        rule = f"A guess is one number or a text of at most {MAX_TEXT} characters, got {describe(value)}."
        show(Card("✗", f"{title}: not kept", (rule,)))
        return
    told = JOURNAL.append(**_record(name, kept, question, unit))
    show(Card("✓", f"{title}: you guess {_with_unit(kept, unit)}", told))


def reveal(name: str, actual: Any) -> None:
    """Show what came out beside the guess, and keep both; without a guess there is nothing to keep.

    Parameters
    ----------
    name : as given to ``guess``
    actual : a number or a short text

    Raises
    ------
    InputError
        If the name or the actual value has another form.

    Examples
    --------
    >>> reveal("05.example", 0.5)
    ○ 05.example: it is 0.5. There was no guess
    """
    _check_name(name)
    came = _value(actual)
    if came is None:
        raise InputError(f"what is revealed must be one number or a short text, got {describe(actual)}.")
    made = _latest_guess(name)
    guessed, unit = made["guess"], made["unit"]
    if guessed is None:
        show(Card("○", f"{name}: it is {_with_unit(came, unit)}. There was no guess"))
        return
    told = JOURNAL.append("reveal", name=name, guess=guessed, question=made["question"], unit=unit, actual=came)
    title = f"{name}: it is {_with_unit(came, unit)}, you guessed {_with_unit(guessed, unit)}"
    show(Card("✓", title, (*_distance(guessed, came, unit), *told)))


def guesses() -> Table:
    """Every guess of this machine beside what came out, for the end of the course."""
    contents = JOURNAL.read()
    standing: dict[str, Record] = {}
    settled: dict[str, Record] = {}
    for record in contents.records:
        if record["kind"] == "guess":
            standing[record["name"]] = record
        elif record["kind"] == "reveal":
            settled.setdefault(record["name"], record)
    rows = []
    for name, record in sorted((standing | settled).items()):
        actual = _with_unit(record["actual"], record["unit"]) if "actual" in record else "not revealed"
        off = "; ".join(_distance(record["guess"], record["actual"], record["unit"])) if "actual" in record else ""
        rows.append((name, record["question"], _with_unit(record["guess"], record["unit"]), actual, off))
    columns = ("guess", "about", "you guessed", "it is", "distance")
    return Table(f"Guesses: {len(settled)} of {len(rows)} revealed", columns, tuple(rows), contents.notes)


def _check_name(name: str) -> None:
    if not isinstance(name, str) or not re.fullmatch(r"\d\d\.[a-z0-9_-]+", name):
        raise InputError(f'a guess\'s name must be notebook and a word such as "05.lr", got "{name}".')


def _record(name: str, value: Value | None, question: str, unit: str) -> Record:
    return {"kind": "guess", "name": name, "guess": value, "question": question, "unit": unit}


def _value(value: Any) -> Value | None:
    """A Python number or a short text; None if it is neither."""
    if isinstance(value, str):
        return value if 0 < len(value) <= MAX_TEXT else None
    array = plain(value)
    return array.item() if getattr(array, "shape", None) == () else None


def _latest_guess(name: str) -> Record:
    """The last guess of this kernel, or of an earlier one if this one has not come by the cell."""
    for records in (JOURNAL.session, JOURNAL.read().records):
        for record in reversed(records):
            if record["kind"] == "guess" and record["name"] == name:
                return record
    return _record(name, None, "", "")


def _with_unit(value: Value, unit: str) -> str:
    return f"{number(value)} {unit}".rstrip()


def _distance(guessed: Value, actual: Value, unit: str) -> tuple[str, ...]:
    """How far off a guess was, in one line, or nothing where only a reader can tell."""
    if isinstance(guessed, str) or isinstance(actual, str):
        return ("as guessed",) if guessed == actual else ()
    off = guessed - actual
    if off == 0:
        return ("as guessed",)
    return (f"{_with_unit(abs(off), unit)} too {'high' if off > 0 else 'low'}",)
