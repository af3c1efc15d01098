"""Remove HTML from a text."""

from __future__ import annotations

import html
import re
from html.entities import html5

# Not html.parser, which reads as a browser would: "</3 a>", "<your name>" and a "<b" without its ">" vanish, some of
# them only in some releases of Python, and "&copy=2" becomes "©=2". Here all of them are text.
_BLOCK = (
    "address|article|aside|blockquote|body|br|caption|center|dd|details|dialog|dir|div|dl|dt|fieldset|figcaption|figure"
    "|footer|form|h[1-6]|head|header|hgroup|hr|html|legend|li|main|menu|nav|ol|optgroup|option|p|pre|search|section"
    "|summary|table|tbody|td|tfoot|th|thead|title|tr|ul"
)
_INLINE = (
    "a|abbr|acronym|area|audio|b|base|bdi|bdo|big|button|canvas|cite|code|col|colgroup|data|datalist|del|dfn|em|embed"
    "|font|i|iframe|img|input|ins|kbd|label|link|map|mark|meta|meter|noscript|object|output|picture|progress|q|rp|rt"
    "|ruby|s|samp|script|select|slot|small|source|span|strike|strong|style|sub|sup|svg|template|textarea|time|track|tt"
    "|u|var|video|wbr"
)
_MARKUP = re.compile(
    rf"""
    <!--.*?-->
    | <!doctype\s[^<>]*>
    | <(?P<hidden>script|style)(?=[\s>])[^<>]*>.*?</(?P=hidden)\s*>
    | </?(?:(?P<block>{_BLOCK})|{_INLINE})(?=[\s/>])(?:[^<>"']|"[^"]*"|'[^']*')*>  # in quotes anything goes
    """,
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|(?P<name>[A-Za-z][A-Za-z0-9]*));")


def clean_html(text: str) -> str:
    r"""The text of a piece of HTML: no tags, no comments, no scripts and styles, entities decoded.

    Only what is complete and known to HTML is markup: ``a < b``, ``3 <5``, ``<your name>``, ``<anna@example.org>``,
    ``R&B`` and ``?a=1&copy=2`` stay as they are. Tags that begin or end a block (``<p>``, ``<br>``, ``<td>``, …) become
    a line feed, others nothing. Entities are decoded once: ``&amp;lt;`` becomes ``&lt;``.

    All text stays, also that of menus and footers: this is for pieces of pages.

    Parameters
    ----------
    text : a piece of a page, or a text that may hold markup

    Examples
    --------
    >>> clean_html("<p>Fish &amp; <b>chips</b></p>")
    '\nFish & chips\n'
    """

    def between(match: re.Match[str]) -> str:
        return "\n" if match["block"] else ""

    def character(match: re.Match[str]) -> str:
        # Asked for a name that it does not know, html.unescape would decode a known one at its beginning.
        return html.unescape(match[0]) if match["name"] is None or f"{match['name']};" in html5 else match[0]

    return _ENTITY.sub(character, _MARKUP.sub(between, text))
