"""White space, Unicode forms, wide letters and quotation marks."""

from __future__ import annotations

import unicodedata

INVISIBLE = {
    "\u00ad": "soft hyphen",
    "\u200b": "zero-width space",
    "\u2060": "word joiner",
    "\ufeff": "byte order mark",
}
"""Characters that nobody sees and ``normalise_whitespace`` removes, with their names."""

_NO_INVISIBLE = str.maketrans(dict.fromkeys(INVISIBLE))
_WIDE = {wide: wide - 0xFEE0 for wide in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))}
_STRAIGHT = str.maketrans(dict.fromkeys("“”„‟", '"') | dict.fromkeys("‘’‚‛", "'"))


def normalise_whitespace(text: str) -> str:
    r"""One space between words, none at the ends.

    White space is what ``str.split`` takes for it: space, tab, every line and page end (``\n``, ``\r``, ``\v``, ``\f``,
    U+001C to U+001F, U+0085, U+2028, U+2029) and every Unicode space (no-break U+00A0 and U+202F, U+1680, U+2000 to
    U+200A, U+205F, ideographic U+3000). The characters of ``INVISIBLE`` are removed.

    Zero-width joiners (U+200C, U+200D), direction marks and variation selectors stay: emoji, Persian and Arabic need
    them. In Thai and Khmer the zero-width space separates words: do not use this function there.

    Parameters
    ----------
    text : any text, line ends included

    Examples
    --------
    >>> normalise_whitespace(" the\u00a0quay,\r\n\tat\u200b last ")
    'the quay, at last'
    """
    return " ".join(text.translate(_NO_INVISIBLE).split())


def normalise_unicode(text: str) -> str:
    r"""The canonical composed form, NFC: "é" is one character, however it was typed.

    What looks the same on every screen becomes equal, also signs that stand for a letter (U+212B for "Å"). What looks
    different stays: quotation marks, dashes, ligatures, superscripts, full-width letters, case.

    Parameters
    ----------
    text : in any mixture of forms

    References
    ----------
    Unicode Standard Annex 15, Unicode Normalization Forms.

    Examples
    --------
    >>> len("cafe\u0301"), len(normalise_unicode("cafe\u0301"))
    (5, 4)
    """
    return unicodedata.normalize("NFC", text)


def fold_width(text: str) -> str:
    """Full-width Latin letters and digits become the usual ones; full-width punctuation belongs to Chinese and stays.

    Parameters
    ----------
    text : in any language

    Examples
    --------
    >>> fold_width("ｆｅｒｒｙ ７，好")
    'ferry 7，好'
    """
    return text.translate(_WIDE)


def straighten_quotes(text: str) -> str:
    """Typographic quotation marks and apostrophes become those of the keyboard; angle quotes (« ») stay.

    Parameters
    ----------
    text : in any language

    Examples
    --------
    >>> print(straighten_quotes("“It’s late”"))
    "It's late"
    """
    return text.translate(_STRAIGHT)
