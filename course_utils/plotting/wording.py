"""Numbers and labels as words, for labels and alternative texts."""

from __future__ import annotations

import math
import textwrap

LABEL_WIDTH = 18  # characters in a line of a label


def number(value: float) -> str:
    """Three significant digits, thousands separated.

    Examples
    --------
    >>> [number(x) for x in (0.03125, 12.345, 4, 1234.5, 0.0003, -0.5)]
    ['0.0312', '12.3', '4', '1,234', '3e-4', '-0.5']
    >>> number(0.99987)  # not 1
    '0.99987'
    """
    if abs(value) >= 1000 or value == int(value):
        return f"{value:,.0f}"
    if 0.9995 <= value < 1:
        return rounded(value, 1 - value)
    return scientific(value) if abs(value) < 1e-3 else f"{value:.3g}"


def scientific(value: float) -> str:
    """Up to three significant digits and a power of ten, as learning rates are written in code.

    Examples
    --------
    >>> [scientific(x) for x in (3e-4, 0.001, 1.5e-5, 12)]
    ['3e-4', '1e-3', '1.5e-5', '1.2e1']
    """
    digits, exponent = f"{value:.2e}".split("e")
    return f"{float(digits):g}e{int(exponent)}"


def rounded(value: float, spread: float) -> str:
    """The value with as many decimals as show two digits of its spread: more would be noise.

    Examples
    --------
    >>> rounded(0.87132, 0.0034), rounded(0.0034, 0.0034), rounded(0.71, 0.29), rounded(12.5, 3.2)
    ('0.8713', '0.0034', '0.71', '12.5')
    >>> rounded(0.5, 0.0)
    '0.5'
    """
    if spread == 0:
        return number(value)
    return f"{value:,.{max(1 - math.floor(math.log10(spread)), 0)}f}"


def percent(share: float) -> str:
    """A share in [0, 1] as per cent with three significant digits.

    Examples
    --------
    >>> percent(0.0374), percent(1.0), percent(0.9126), percent(0.99987)
    ('3.74 %', '100 %', '91.3 %', '99.987 %')
    """
    return f"{100 * share:.3g} %" if not 0.9995 <= share < 1 else f"{rounded(100 * share, 100 * (1 - share))} %"


def whole_percent(share: float) -> str:
    """A share in [0, 1] as a whole number of per cent, 0 and 100 only where it is exactly that.

    Examples
    --------
    >>> whole_percent(0.37), whole_percent(0.001), whole_percent(0.9996), whole_percent(1.0)
    ('37 %', '<1 %', '>99 %', '100 %')
    """
    if 0 < share < 0.005:
        return "<1 %"
    return ">99 %" if 0.995 <= share < 1 else f"{100 * share:.0f} %"


def plural(count: int, noun: str) -> str:
    """The number and the noun.

    Examples
    --------
    >>> plural(1, "seed"), plural(1200, "example")
    ('1 seed', '1,200 examples')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def wrapped(label: str) -> str:
    r"""A label in lines that leave room for the figure, also on a telephone.

    Examples
    --------
    >>> wrapped("frozen encoder and a linear head")
    'frozen encoder and\na linear head'
    """
    return textwrap.fill(label, LABEL_WIDTH)


def sentence(text: str) -> str:
    """The text with a capital at its beginning.

    Examples
    --------
    >>> sentence("validation loss (nats)")
    'Validation loss (nats)'
    """
    return text[:1].upper() + text[1:]
