"""The Eastmere collection: the course's own corpora, carried by the package.

Its card is ``data/eastmere/README.md``.
"""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

from course_utils.columns import Columns, Splits, select_rows
from course_utils.file_formats import read_tagged_file
from course_utils.runtime import state_folder

GENRES = ("chat", "encyclopedia", "letters", "news", "notices", "story")
PARTS = ("train", "validation", "test", "vault")
POLARITY = {1: "negative", 2: "negative", 4: "positive", 5: "positive"}


def data_folder() -> Path:
    """The folder of the course's own data: inside an installed wheel, or beside the package in a checkout."""
    inside = Path(__file__).parent / "data"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "data"


def load_tagged() -> tuple[Splits, list[str]]:
    """Parts of speech and entities, split by document."""
    columns: Columns = {name: [] for name in ("tokens", "pos_tags", "ner_tags", "document", "genre")}
    parts: list[str] = []
    for path in sorted((data_folder() / "eastmere" / "tagged").glob("*.conll")):
        read = read_tagged_file(path)
        columns["tokens"] += read.tokens
        for name in ("pos_tags", "ner_tags"):
            columns[name] += read.tags[name]
        for name in ("document", "genre"):
            columns[name] += [meta[name] for meta in read.meta]
        parts += [meta["split"] for meta in read.meta]
    return _by_part(columns, parts), ["eastmere-tagged: synthetic text of an invented town, split by document"]


def load_reviews() -> tuple[Splits, list[str]]:
    """Reviews with stars, domain, author and phenomenon, split by author."""
    columns, parts = _reviews()
    return _by_part(columns, parts), ["eastmere-reviews: synthetic reviews of an invented town, split by author"]


def load_polarity() -> tuple[Splits, list[str]]:
    """The same reviews with two labels: one or two stars are negative, four or five positive."""
    columns, parts = _reviews()
    kept = [i for i, stars in enumerate(columns["stars"]) if stars in POLARITY]
    columns["label"] = [POLARITY.get(stars) for stars in columns["stars"]]
    left_out = sum(stars not in POLARITY and part != "vault" for stars, part in zip(columns["stars"], parts))
    return _by_part(select_rows(columns, kept), [parts[i] for i in kept]), [
        "eastmere-polarity: synthetic reviews of an invented town, split by author; 1 and 2 stars are negative, "
        f"4 and 5 positive, and {left_out} reviews with 3 stars are left out (not counting the vault)"
    ]


def load_raw() -> tuple[Splits, list[str]]:
    """The reviews as collected: all columns are texts, empty where a field is missing."""
    rows = _read_csv("reviews_raw.csv")
    columns: Columns = {name: [row[name] for row in rows] for name in ("id", "text", "stars", "domain", "author")}
    return {"raw": columns}, ["eastmere-reviews-raw: synthetic reviews as collected: uncleaned, and without splits"]


def _read_csv(name: str) -> list[dict[str, str]]:
    with open(data_folder() / "eastmere" / name, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def _reviews() -> tuple[Columns, list[str]]:
    rows = _read_csv("reviews.csv")
    columns: Columns = {name: [row[name] for row in rows] for name in ("text", "domain", "author", "phenomenon")}
    columns["stars"] = [int(row["stars"]) for row in rows]
    return columns, [row["split"] for row in rows]


def _by_part(columns: Columns, parts: list[str]) -> Splits:
    return {part: select_rows(columns, [i for i, own in enumerate(parts) if own == part]) for part in PARTS}


# The vault


def vault_record() -> Path:
    """The file that remembers when the vault was opened."""
    return state_folder() / "vault.jsonl"


def record_vault_opening(corpus: str) -> int:
    """Write down that the vault of a corpus was opened, and return how often that has happened."""
    path = vault_record()
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as handle:
        handle.write(json.dumps({"corpus": corpus, "time": datetime.now(UTC).isoformat(timespec="seconds")}) + "\n")
    return sum(opening["corpus"] == corpus for opening in vault_openings())


def vault_openings() -> list[dict[str, str]]:
    """Corpus and time of every opening of the vault on this machine."""
    path = vault_record()
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
