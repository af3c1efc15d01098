"""Whether the decimals and percentages of a text occur in code or outputs."""

import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from decimal import Decimal

DIGITS = r"\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?"
NUMBER = re.compile(rf"({DIGITS})\s*(%?)")
STATED = re.compile(
    rf"(?<![\w.])(?P<digits>{DIGITS})(?!\d|\.\d|,\d\d\d)"
    r"(?P<percent>\s?%|\sper\s?cent\b)?(?P<scale>\s(?:thousand|million|billion)\b)?"
)
SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9}

# What is no claim about a result
LEFT_OUT = re.compile(
    r"^(`{3,}|~{3,}).*?^\1\s*$"  # fenced code
    r"|(?:\{[\w:]+\})?(?P<ticks>`+)(?:(?!\n\n).)+?(?P=ticks)"  # code spans and roles
    r"|\]\([^)]*\)"  # targets of links
    r"|</?[a-z]+(?:\s[^<>]*)?>"  # HTML, but not "p < 0.05"
    r"|\b(?:Python|PyTorch|torch|transformers|NumPy|NLTK|spaCy|[Vv]ersion) v?\d+(?:\.\d+)*",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Number:
    """A decimal or a percentage as it is written, its value, and how far a figure may be from it."""

    written: str
    value: float
    tolerance: float
    is_percentage: bool

    def covers(self, value: float, *, is_percentage: bool) -> bool:
        """Whether this number is a figure of the evidence, rounded.

        A percentage may be shown as a share: 5 % is 0.05.
        """
        shown = [value]
        if self.is_percentage:
            shown.append(100 * value)
        elif is_percentage:
            shown.append(value / 100)
        slack = 1e-9 * max(1.0, abs(self.value))
        return any(abs(number - self.value) <= self.tolerance + slack for number in shown)


def stated_numbers(text: str, *, names: Set[str] = frozenset()) -> Iterator[Number]:
    """The decimals and percentages of a Markdown text, without those in code, in links and in versions.

    Parameters
    ----------
    text : Markdown
    names : what looks like a decimal and is none: the ids of exercises

    >>> [number.written for number in stated_numbers("The 24 notes of 2017 give 0.69, or 5 %, not `0.5`.")]
    ['0.69', '5 %']
    """
    prose = LEFT_OUT.sub(" ", text).replace("\\%", "%").replace("{,}", ",").replace("\\,", " ")
    for match in STATED.finditer(prose):
        digits, percent, scale = match["digits"], match["percent"], (match["scale"] or "").strip()
        is_decimal = "." in digits or "e" in digits
        if digits in names or re.match(r"0\d", digits) or not (is_decimal or percent):
            continue
        exact, factor = Decimal(digits.replace(",", "")), SCALES.get(scale, 1)
        tolerance = 0.5 * 10.0 ** int(exact.as_tuple().exponent) * factor
        yield Number(" ".join(match[0].split()), float(exact) * factor, tolerance, bool(percent))


def without_comments(source: str) -> str:
    """Code without its comments: what only a comment says, nothing checks."""
    lines = source.splitlines()
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                row, column = token.start
                lines[row - 1] = lines[row - 1][:column]
    except (tokenize.TokenError, SyntaxError):
        pass
    return "\n".join(lines)


def figures(text: str) -> Iterator[tuple[float, bool]]:
    """The numbers of a text, and whether a per cent sign follows.

    >>> list(figures("lr = 3e-4; 30_522 pieces, 12.5 %"))
    [(0.0003, False), (30522.0, False), (12.5, True)]
    """
    text = re.sub(r"(?<=\d)_(?=\d)", "", text)
    for digits, percent in NUMBER.findall(text):
        yield float(digits.replace(",", "")), bool(percent)


def unsupported_numbers(text: str, shown: Iterable[tuple[str, str]], *, names: Set[str] = frozenset()) -> list[str]:
    """The numbers of a text that no code and no output holds, as they are written.

    Parameters
    ----------
    text : Markdown
    shown : source and output of each code cell
    names : what looks like a decimal and is none
    """
    evidence = {figure for source, output in shown for figure in figures(without_comments(source) + "\n" + output)}
    return [
        number.written
        for number in stated_numbers(text, names=names)
        if not any(number.covers(value, is_percentage=percent) for value, percent in evidence)
    ]
