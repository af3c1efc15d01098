"""Mend texts that were decoded wrongly."""

from __future__ import annotations

from dataclasses import dataclass

# Bytes 0x80 to 0x9F are characters in Windows-1252, five of them excepted, and control characters in Latin-1.
_LATIN_1 = {
    ord(character): byte for byte in range(0x80, 0xA0) for character in bytes([byte]).decode("cp1252", errors="ignore")
}
_AFTER_A_LETTER = frozenset("\u00a0…“”‘’´–—•†‡›»‹«™®°ªº¹²³·")


@dataclass(frozen=True)
class EncodingRepair:
    """A text after ``repair_encoding``.

    ``replaced`` has every sequence that was mended and what became of it; it is empty if the text is as it was.
    ``rounds`` counts how often the text had been read wrongly.
    """

    text: str
    replaced: dict[str, str]
    rounds: int


def repair_encoding(text: str) -> EncodingRepair:
    """Mend a text that was written as UTF-8 and read as Windows-1252 or Latin-1: "cafÃ©" becomes "café".

    Only where that is certain. Two things must come together:

    - Every character outside ASCII takes part. A text is read wrongly as a whole, so one "é" that is right acquits it.
    - Some sequence is nothing that anybody writes: a letter with a sign that cannot follow it ("Ã©", "â€™"), a capital
      within a word ("PetroviÄ‡"), or "Â" or "Ã" that does not end a word in capitals ("Â°", "TÃªte"). Not enough is
      "AMANHÃ…", Portuguese and three dots, though its bytes are UTF-8 too.

    A text that was read wrongly twice is mended twice. What was lost cannot be mended: a text with "�" or "?" in place
    of a byte stays as it is.

    Parameters
    ----------
    text : as it was read; the whole of it, since one character that is right acquits it

    References
    ----------
    Speer (2019), ftfy, whose ``fix_encoding`` knows more encodings and mends parts of a text, too.

    Examples
    --------
    >>> repair_encoding("The cafÃ©â€™s menu")
    EncodingRepair(text='The café’s menu', replaced={'Ã©': 'é', 'â€™': '’'}, rounds=1)
    >>> repair_encoding("AMANHÃ…").replaced
    {}
    """
    replaced: dict[str, str] = {}
    rounds = 0
    while sequences := _wrong_sequences(text):
        replaced |= sequences
        text = _as_utf8(text)
        rounds += 1
    return EncodingRepair(text, replaced, rounds)


def _as_utf8(text: str) -> str:
    return text.translate(_LATIN_1).encode("latin-1").decode("utf-8")


def _wrong_sequences(text: str) -> dict[str, str]:
    """The sequences that stand for one character each; none if the text is not certainly wrong."""
    try:
        mended = _as_utf8(text)
    except UnicodeError:
        return {}
    sequences = {}
    certain = False
    start = 0
    for character in mended:
        end = start + len(character.encode())
        if end - start > 1:
            sequences[text[start:end]] = character
            first, before, after = text[start], text[start - 1 : start], text[end : end + 1]
            certain |= (
                not _AFTER_A_LETTER.issuperset(text[start + 1 : end])
                or (first.isupper() and before.islower())
                or (first in "ÂÃ" and (after.islower() or not before.isupper()))
            )
        start = end
    return sequences if certain else {}
