"""Make ``reviews_raw.csv``: the reviews of train, validation and test as if collected from the web.

``python make_reviews_raw.py [FOLDER]`` writes it, and ``reviews_raw_key.csv`` with the source and the faults of every
row, into FOLDER (by default the folder of this script). Every review has random numbers of its own, drawn from the
seed and its id: the same reviews give the same bytes, and a change in one review reaches other rows only in their
running ids.
"""

import csv
import html
import re
import sys
import unicodedata
from collections.abc import Callable
from html.entities import codepoint2name
from pathlib import Path
from random import Random

SEED = 2024
HERE = Path(__file__).parent
COLUMNS = ("text", "stars", "domain", "author")
SHARE_OF_COPIES = 0.03  # exact ones, and as many near ones
SHARE_OF_LOST_FIELDS = 0.06
SHARE_OF_WRONG_STARS = 0.05
SHARE_OF_OTHER_FORMATS = 0.10
NUMBER_WORDS = ("one", "two", "three", "four", "five")


# Dirt in a text. Each function returns the text as it was when it has nothing to spoil.


def curl_quotes(text: str, rng: Random) -> str:
    """Typographic quotation marks and apostrophes."""
    text = re.sub(r'(^|(?<=[\s(]))"', "“", text).replace('"', "”")
    return re.sub(r"(^|(?<=[\s(“]))'", "‘", text).replace("'", "’")


def decompose_accents(text: str, rng: Random) -> str:
    """An accent becomes a character of its own after its letter."""
    return unicodedata.normalize("NFD", text)


def add_zero_width(text: str, rng: Random) -> str:
    """A zero-width space, a byte order mark or a soft hyphen somewhere."""
    place = rng.randrange(len(text))
    return text[:place] + rng.choice("\u200b\ufeff\u00ad") + text[place:]


def widen_a_word(text: str, rng: Random) -> str:
    """One word in the full-width letters of East Asian fonts."""
    word = rng.choice(re.findall(r"[A-Za-z]+", text))
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in word)
    return re.sub(rf"\b{word}\b", wide, text, count=1)


def break_spaces(text: str, rng: Random) -> str:
    """Tabs, doubled and no-break spaces, line breaks."""
    wrong = rng.choice(("\t", "  ", "\u00a0", "\n", "\n\n"))
    spaces = [match.start() for match in re.finditer(" ", text)]
    for place in sorted(rng.sample(spaces, min(3, len(spaces))), reverse=True):
        text = text[:place] + wrong + text[place + 1 :]
    return text + rng.choice(("", "", " ", "\n"))


def decode_wrongly(text: str, rng: Random) -> str:
    """UTF-8 read as Windows-1252, or as Latin-1 where that fails."""
    data = text.encode("utf-8")
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:  # five bytes mean nothing in cp1252
        return data.decode("latin-1")


def escape_characters(text: str, rng: Random) -> str:
    """Entities for everything that has one."""
    named = {code: f"&{name};" for code, name in codepoint2name.items() if code > 127}
    return html.escape(text).translate(named)


def add_tags(text: str, rng: Random) -> str:
    """A paragraph, line breaks or a word in bold."""
    kind = rng.choice(("paragraph", "break", "bold"))
    if kind == "bold":
        word = rng.choice(list(re.finditer(r"(?<!&)\b[A-Za-z]+\b(?!;)", text)))
        return f"{text[: word.start()]}<b>{word[0]}</b>{text[word.end() :]}"
    if kind == "break" and re.search(r"[.!?] ", text):
        return re.sub(r"(?<=[.!?]) ", "<br/>", text)
    return f"<p>{text}</p>"


Spoil = Callable[[str, Random], str]
DIRT: tuple[tuple[str, float, Spoil], ...] = (  # in the order in which it happens; shares are of the texts drawn
    ("curly-quotes", 0.08, curl_quotes),
    ("decomposed", 0.40, decompose_accents),
    ("zero-width", 0.02, add_zero_width),
    ("full-width", 0.01, widen_a_word),
    ("white-space", 0.10, break_spaces),
    ("mojibake", 0.30, decode_wrongly),
    ("html-entities", 0.12, escape_characters),
    ("html-tags", 0.10, add_tags),
)


def soil(text: str, rng: Random) -> tuple[str, list[str]]:
    """The text with some dirt, and the names of what was put in."""
    faults = []
    for name, share, spoil in DIRT:
        if rng.random() < share and (spoiled := spoil(text, rng)) != text:
            text = spoiled
            faults.append(name)
    return text, faults


def vary(text: str, rng: Random) -> tuple[str, str]:
    """The text as someone might post it once more, and what is different."""
    kind = rng.choice(("case", "dropped-word", "punctuation", "signature"))
    words = text.split()
    dropped = rng.randrange(1, len(words))
    return {
        "case": text.lower() if text != text.lower() else text.upper(),
        "dropped-word": " ".join(words[:dropped] + words[dropped + 1 :]),
        "punctuation": re.sub(r"[.,;:]", "", text) + "!!",
        "signature": f"{text} Sent from my phone",
    }[kind], kind


def spoil_fields(row: dict[str, str], text: str, rng: Random) -> tuple[list[str], list[str]]:
    """The four fields of a raw row, and the names of what was put in."""
    lost = rng.choice(COLUMNS) if rng.random() < SHARE_OF_LOST_FIELDS else None
    text, faults = soil(text, rng) if lost != "text" else ("", [])
    stars = row["stars"]
    if lost != "stars" and rng.random() < SHARE_OF_WRONG_STARS:
        stars = rng.choice([other for other in "12345" if other != row["stars"]])
        faults.append("wrong-stars")
    if lost != "stars" and rng.random() < SHARE_OF_OTHER_FORMATS:
        stars = rng.choice((f"{stars}/5", NUMBER_WORDS[int(stars) - 1], "★" * int(stars)))
        faults.append("stars-format")
    fields = {"text": text, "stars": stars, "domain": row["domain"], "author": row["author"]}
    if lost:
        fields[lost] = ""
        faults.append(f"missing-{lost}")
    return list(fields.values()), faults


def make_rows(reviews: list[dict[str, str]]) -> list[tuple[list[str], str, list[str]]]:
    """Fields, id of the source and faults of every raw row, in random order; a copy comes after its original."""
    placed = []
    for review in reviews:
        rng = Random(f"{SEED} {review['id']}")
        place = rng.random()
        fields, faults = spoil_fields(review, review["text"], rng)
        placed.append((place, fields, review["id"], faults))
        if fields[0] and rng.random() < SHARE_OF_COPIES:
            placed.append((rng.uniform(place, 1), fields, review["id"], [*faults, "exact-duplicate"]))
        if fields[0] and rng.random() < SHARE_OF_COPIES:
            text, kind = vary(review["text"], rng)
            fields, faults = spoil_fields(review, text, rng)
            if fields[0]:
                placed.append((rng.uniform(place, 1), fields, review["id"], [*faults, "near-duplicate", kind]))
    return [(fields, source, faults) for _, fields, source, faults in sorted(placed, key=lambda row: row[0])]


def main(folder: Path = HERE) -> None:
    """Write both files into a folder."""
    with open(HERE / "reviews.csv", encoding="utf-8", newline="") as handle:
        rows = make_rows([row for row in csv.DictReader(handle) if row["split"] != "vault"])
    with (
        open(folder / "reviews_raw.csv", "w", encoding="utf-8", newline="") as raw_file,
        open(folder / "reviews_raw_key.csv", "w", encoding="utf-8", newline="") as key_file,
    ):
        raw, key = (csv.writer(handle, lineterminator="\n") for handle in (raw_file, key_file))
        raw.writerow(["id", *COLUMNS])
        key.writerow(["id", "source", "faults"])
        for number, (fields, source, faults) in enumerate(rows, 1):
            raw.writerow([f"c{number:04}", *fields])
            key.writerow([f"c{number:04}", source, " ".join(faults)])


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
