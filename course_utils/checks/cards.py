"""What the course shows below a cell: a card of a few lines, or a table, as plain text and as HTML.

Both forms say the same, and nothing in them depends on time, machine or chance. State is never said by colour alone.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

COLOURS = {"✓": "#2e8b57", "✗": "#c8591a", "○": "#808080"}
STYLE = "border-inline-start: 0.3em solid {colour}; padding-inline-start: 0.8em; margin-block: 0.5em"


@dataclass(frozen=True)
class Card:
    """A headline with a mark (``✓`` done, ``✗`` not yet, ``○`` nothing so far) and lines below it.

    Text between backticks is code.

    Examples
    --------
    >>> Card("✗", "02.1 Scores: not yet", ("Hint: `view` is not `transpose`.",))
    ✗ 02.1 Scores: not yet
      Hint: `view` is not `transpose`.
    """

    mark: str
    title: str
    lines: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "\n".join([f"{self.mark} {self.title}", *(f"  {line}" for line in self.lines)])

    def _repr_html_(self) -> str:
        mark = f'<span aria-hidden="true">{self.mark}</span>'  # the title says it in words
        head = f"<p><strong>{mark} {_inline(self.title)}</strong></p>"
        body = "".join(f"<p>{_inline(line)}</p>" for line in self.lines)
        return f'<div role="status" style="{STYLE.format(colour=COLOURS[self.mark])}">{head}{body}</div>'


@dataclass(frozen=True)
class Table:
    """Rows under named columns, with a caption above and notes below.

    Examples
    --------
    >>> Table("Guesses", ("guess", "result"), (("0.9", "0.87"),))
    Guesses
    guess  result
    0.9    0.87
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        cells = [self.columns, *([str(cell) for cell in row] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells)]
        return "\n".join([self.caption, *(_pad(row, widths) for row in cells), *self.notes])

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{_inline(name)}</th>' for name in self.columns)
        rows = ("".join(f"<td>{_inline(str(cell))}</td>" for cell in row) for row in self.rows)
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        notes = "".join(f"<p>{_inline(note)}</p>" for note in self.notes)
        caption = f"<caption>{_inline(self.caption)}</caption>"
        # The class of pandas' tables: pages know how to show those in the dark.
        return f'<table class="dataframe">{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{notes}'


def show(card: Card | Table) -> None:
    """Show a card or a table below the cell, or on standard output outside a notebook."""
    from IPython.display import display

    display(card)


def number(value: float | str) -> str:
    """A number or a text as a reader wants it: integers whole, other numbers with four digits.

    Examples
    --------
    >>> number(0.123456), number(30522), number("falls")
    ('0.1235', '30522', 'falls')
    """
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _inline(text: str) -> str:
    """Escaped text in which code between backticks is marked up."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def _pad(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
