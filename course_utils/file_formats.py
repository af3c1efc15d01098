"""Read a learner's own files, and say exactly what is wrong with them.

Text files (``.csv``, ``.tsv``, ``.jsonl``) give one example a row; tagged files (``.conll``, ``.conllu``, ``.iob2``)
one token a line and a blank line between sentences. Nothing is repaired and nothing is dropped without being counted.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from course_utils.errors import InputError

TEXT_SUFFIXES = (".csv", ".tsv", ".jsonl")
TAGGED_SUFFIXES = (".conll", ".conllu", ".iob2")
GROUP_COLUMNS = ("document", "author")
TASKS = ("pos", "ner", "classify", "regress")


@dataclass
class TextFile:
    """Rows of a text file: ``labels`` are names (classification) or numbers (regression)."""

    texts: list[str] = field(default_factory=list)
    labels: list[str | float] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    groups: dict[str, list[str]] = field(default_factory=dict)  # "document" or "author", where the file has one
    notes: list[str] = field(default_factory=list)


@dataclass
class TaggedFile:
    """Sentences of a tagged file. ``tags`` maps ``pos_tags`` and ``ner_tags`` to one list of names a sentence."""

    tokens: list[list[str]] = field(default_factory=list)
    tags: dict[str, list[list[str]]] = field(default_factory=dict)
    lines: list[int] = field(default_factory=list)  # the line on which each sentence begins
    meta: list[dict[str, str]] = field(default_factory=list)  # "# key = value" comments in force at each sentence
    notes: list[str] = field(default_factory=list)


def fail(path: Path, line: int | None, found: str, remedy: str) -> InputError:
    """The one form of every complaint about a file: file, line, what was found, what to do."""
    place = f"{path}:{line}" if line else str(path)
    return InputError(" ".join(f"{place}: {found}. {remedy}".split()))


def read_utf8(path: Path) -> str:
    """The text of a file, byte order mark removed; every complaint names the line."""
    if not path.exists():
        raise fail(path, None, "no such file", "Check the path.")
    if not path.is_file():
        raise fail(path, None, "not a file", "Give a file, or a folder with train, validation and test files.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise fail(path, None, f"cannot be read ({error.strerror})", "Check its permissions.") from error
    if not data.strip():
        raise fail(path, None, "the file is empty", "Give a file with examples.")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise fail(path, 1, "the file is UTF-16, expected UTF-8", "Save it again as UTF-8.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise fail(
            path, line, f"byte 0x{data[error.start]:02x} is not UTF-8", "Save the file again as UTF-8."
        ) from error
    if not text.strip():  # nothing but a byte order mark
        raise fail(path, None, "the file is empty", "Give a file with examples.")
    if "\0" in text:
        raise fail(
            path, text.count("\n", 0, text.index("\0")) + 1, "a NUL character", "Is this a text file? Remove it."
        )
    return text


def _shorten(text: object, width: int = 40) -> str:
    shown = " ".join(str(text).split())
    return f'"{shown[: width - 1]}…"' if len(shown) > width else f'"{shown}"'


# Text files


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    # In .tsv a quotation mark is a character like others, as in the GLUE files; in .csv it quotes.
    if path.suffix.lower() == ".tsv":
        reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
    else:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    start = 1
    try:
        for row in reader:
            if row:
                yield start, row
            start = reader.line_num + 1
    except csv.Error as error:
        raise fail(
            path, start, f"broken quoting ({error})", 'Double every quotation mark inside a field ("").'
        ) from error


def _table_records(path: Path, text: str) -> Iterator[tuple[int, dict[str, object]]]:
    rows = _csv_rows(path, text)
    start, header = next(rows)
    header = [name.strip() for name in header]
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise fail(path, start, f"column {_shorten(twice[0])} occurs twice in the header", "Give each column a name.")
    line = start
    for line, row in rows:
        if len(row) != len(header):
            quote = " (a comma inside a text must be quoted)" if path.suffix.lower() == ".csv" else ""
            raise fail(
                path, line, f"{len(row)} columns, expected {len(header)} as in the header", f"Mend the row{quote}."
            )
        yield line, dict(zip(header, row))
    if line == start:
        raise fail(path, start, f"only a header ({', '.join(header)})", "Add rows, or a header line if it is missing.")


def _is_unicode(record: object) -> bool:
    try:
        json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _jsonl_records(path: Path, text: str) -> Iterator[tuple[int, dict[str, object]]]:
    for line, content in enumerate(text.split("\n"), 1):
        if not content.strip():
            continue
        try:
            record = json.loads(content)
        except json.JSONDecodeError as error:
            raise fail(
                path, line, f"not JSON ({error.msg} at column {error.colno})", "Give one object a line."
            ) from error
        if "\\u" in content and not _is_unicode(record):
            raise fail(path, line, "half a character (one of a \\ud83c\\udf72 pair)", "Write both halves of the pair.")
        if not isinstance(record, dict):
            raise fail(
                path, line, f"a JSON {type(record).__name__}, expected an object", 'Write {"text": …, "label": …}.'
            )
        yield line, record


def read_text_file(
    path: Path, *, task: str = "classify", text_column: str = "text", label_column: str = "label"
) -> TextFile:
    """Read ``.csv``, ``.tsv`` or ``.jsonl``.

    Parameters
    ----------
    path : the file; its suffix decides the format
    task : ``classify`` reads labels as names, ``regress`` as finite numbers
    text_column, label_column : column or key names

    Raises
    ------
    InputError
        With file, line, what was found and what to do.
    """
    if text_column == label_column:
        raise InputError(f'text and label column are both "{text_column}". Name two different columns.')
    content = read_utf8(path)
    records = _jsonl_records(path, content) if path.suffix.lower() == ".jsonl" else _table_records(path, content)
    result = TextFile()
    for line, record in records:
        for column, option in ((text_column, "--text-column"), (label_column, "--label-column")):
            if column not in record:
                known = ", ".join(str(name) for name in record if name) or "none"
                raise fail(
                    path, line, f'no column "{column}"; columns are {known}', f"Name the right one with {option}."
                )
        text, label = record[text_column], record[label_column]
        if not isinstance(text, str):
            raise fail(path, line, f'"{text_column}" is {_shorten(text)}, not a text', "Put the text in quotes.")
        if not text.strip():
            raise fail(path, line, f'"{text_column}" is empty', "Write the text, or remove the row.")
        if label is None or not str(label).strip():
            raise fail(path, line, f'"{label_column}" is empty', "Give the label, or remove the row.")
        if isinstance(label, (dict, list)):
            raise fail(path, line, f'"{label_column}" is {_shorten(label)}', "Give one name or number a row.")
        result.texts.append(text)
        result.labels.append(_number(path, line, label_column, label) if task == "regress" else str(label).strip())
        result.lines.append(line)
        for column in GROUP_COLUMNS:
            if column in record:
                result.groups.setdefault(column, []).append(str(record[column]))
    for column, values in list(result.groups.items()):
        if len(values) != len(result.texts):
            raise fail(
                path, None, f'"{column}" is given on {len(values)} of {len(result.texts)} rows', "Give it on all."
            )
    return result


def _number(path: Path, line: int, column: str, label: object) -> float:
    try:
        number = float(str(label)) if not isinstance(label, bool) else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise fail(path, line, f'"{column}" is {_shorten(label)}, not a finite number', "Regression needs numbers.")
    return number


# Tagged files


def read_tagged_file(path: Path, *, task: str | None = None, scheme: str = "iob2") -> TaggedFile:
    """Read ``.conll``, ``.conllu`` or ``.iob2``.

    ``.conll``: ``token TAB tag`` (the task's tag), or ``token TAB pos TAB ner``; a comment starts with ``# `` and has
    no tab. ``.conllu``: ten columns, universal tags are read; ranges and empty nodes are counted and left out.
    ``.iob2``: ``id TAB token TAB tag …`` or ``token TAB tag``.

    Parameters
    ----------
    path : the file; its suffix decides the format
    task : ``pos`` or ``ner``: what a two-column file holds; ``None`` infers it from the tags
    scheme : ``iob2``, or ``iob1``, which is converted to IOB2

    Raises
    ------
    InputError
        With file, line, what was found and what to do.
    """
    if scheme not in ("iob2", "iob1"):
        raise InputError(f'scheme must be "iob2" or "iob1", got "{scheme}".')
    content = read_utf8(path)
    readers = {".conll": _conll_sentences, ".conllu": _conllu_sentences, ".iob2": _iob2_sentences}
    result = TaggedFile()
    sentences = list(readers[path.suffix.lower()](path, content, result.notes))
    if not sentences:
        raise fail(path, None, "no sentences, only comments or blank lines", "Give one token and its tag a line.")
    columns = _column_names(path, [row for _, rows, _ in sentences for row in rows], task)
    result.tags = {name: [] for name in columns}
    for lines, rows, meta in sentences:
        result.tokens.append([row[0] for row in rows])
        result.lines.append(lines[0])
        result.meta.append(meta)
        for k, name in enumerate(columns, 1):
            result.tags[name].append([row[k] for row in rows])
    if "ner_tags" in result.tags:
        converted = 0
        for (lines, _, _), tags in zip(sentences, result.tags["ner_tags"]):
            converted += check_bio(path, lines, tags, scheme)
        if converted:
            result.notes.append(f"{converted} tags converted from IOB1 to IOB2")
    return result


Sentence = tuple[list[int], list[tuple[str, ...]], dict[str, str]]  # line of each token, its cells, comments in force


def _column_names(path: Path, rows: list[tuple[str, ...]], task: str | None) -> tuple[str, ...]:
    if path.suffix.lower() == ".conllu":
        if task == "ner":
            raise fail(path, None, "a .conllu file has no entity tags", "Use .conll or .iob2 for ner.")
        return ("pos_tags",)
    if len(rows[0]) == 3:
        return ("pos_tags", "ner_tags")
    if path.suffix.lower() == ".iob2":
        if task == "pos":
            raise fail(path, None, "an .iob2 file has no part-of-speech tags", "Use .conll or .conllu for pos.")
        return ("ner_tags",)
    if task is None:
        task = "ner" if all(tag == "O" or tag[:2] in ("B-", "I-") for _, tag in rows) else "pos"
    return (f"{task}_tags",)


def blocks(content: str) -> Iterator[tuple[int, list[tuple[int, str]]]]:
    """Runs of lines between blank lines, numbered. Only line feeds end a line: a token may hold U+2028."""
    block: list[tuple[int, str]] = []
    for number, line in enumerate([*content.split("\n"), ""], 1):
        line = line.rstrip("\r")
        if line.strip():
            block.append((number, line))
        elif block:
            yield block[0][0], block
            block = []


def _conll_sentences(path: Path, content: str, notes: list[str]) -> Iterator[Sentence]:
    meta: dict[str, str] = {}
    width = None
    for _, block in blocks(content):
        rows: list[tuple[str, ...]] = []
        lines: list[int] = []
        for number, line in block:
            if line.startswith("# ") and "\t" not in line:
                key, equals, value = line[2:].partition("=")
                if equals:
                    meta = {**meta, key.strip(): value.strip()}
                continue
            parts = tuple(line.split("\t"))
            if len(parts) == 1:
                raise fail(
                    path, number, f"no tab in {_shorten(line)}", "Write token TAB tag (a comment starts with '# ')."
                )
            if len(parts) > 3:
                raise fail(path, number, f"{len(parts)} columns, expected 2 or 3", "Keep the token and its tag.")
            if width is not None and len(parts) != width:
                raise fail(
                    path, number, f"{len(parts)} columns, expected {width} as before", "Give all lines the same."
                )
            width = len(parts)
            _check_cells(path, number, parts)
            rows.append(parts)
            lines.append(number)
        if rows:
            yield lines, rows, meta


def _check_cells(path: Path, line: int, cells: tuple[str, ...]) -> None:
    if not cells[0].strip():
        raise fail(path, line, "an empty token", "Write the token, or remove the line.")
    for tag in cells[1:]:
        if not tag.strip() or tag != tag.strip() or " " in tag:
            raise fail(path, line, f"the tag {_shorten(tag)} is empty or has a space", "Write one tag without spaces.")


def _conllu_sentences(path: Path, content: str, notes: list[str]) -> Iterator[Sentence]:
    meta: dict[str, str] = {}
    ranges = empty = 0
    for _, block in blocks(content):
        rows: list[tuple[str, ...]] = []
        lines: list[int] = []
        for number, line in block:
            if line.startswith("#"):
                if line.startswith("# newdoc id"):
                    meta = {"document": line.partition("=")[2].strip()}
                continue
            parts = line.split("\t")
            if len(parts) != 10:
                raise fail(path, number, f"{len(parts)} columns, expected the 10 of CoNLL-U", "Mend the line.")
            if re.fullmatch(r"\d+-\d+", parts[0]):
                ranges += 1
                continue
            if re.fullmatch(r"\d+\.\d+", parts[0]):
                empty += 1
                continue
            if not parts[0].isdigit():
                raise fail(path, number, f"the id {_shorten(parts[0])} is not a number", "Number the words from 1.")
            if parts[3] == "_":
                raise fail(path, number, f"the word {_shorten(parts[1])} has no universal tag", "Fill column 4 (UPOS).")
            _check_cells(path, number, (parts[1], parts[3]))
            rows.append((parts[1], parts[3]))
            lines.append(number)
        if rows:
            yield lines, rows, meta
    if ranges or empty:
        notes.append(f"{ranges} multiword ranges and {empty} empty nodes left out (their words are read)")


def _iob2_sentences(path: Path, content: str, notes: list[str]) -> Iterator[Sentence]:
    for _, block in blocks(content):
        rows: list[tuple[str, ...]] = []
        lines: list[int] = []
        for number, line in block:
            if line.startswith("#") and "\t" not in line:
                continue
            parts = line.split("\t")
            if len(parts) == 1:
                raise fail(path, number, f"no tab in {_shorten(line)}", "Write token TAB tag, or id TAB token TAB tag.")
            if len(parts) > 2 and not parts[0].isdigit():
                raise fail(path, number, f"the id {_shorten(parts[0])} is not a number", "Write id TAB token TAB tag.")
            cells = (parts[0], parts[1]) if len(parts) == 2 else (parts[1], parts[2])
            _check_cells(path, number, cells)
            rows.append(cells)
            lines.append(number)
        if rows:
            yield lines, rows, {}


def check_bio(path: Path, lines: Sequence[int], tags: list[str], scheme: str) -> int:
    """Check one sentence's BIO tags; under ``iob1`` rewrite them in place as IOB2 and return how many changed."""
    changed = 0
    previous = "O"
    for k, tag in enumerate(tags):
        if tag != "O" and not re.fullmatch(r"[BI]-.+", tag):
            raise fail(path, lines[k], f"unknown tag {_shorten(tag)}", "Entity tags are O, B-TYPE and I-TYPE.")
        if tag.startswith("I-") and previous[2:] != tag[2:]:
            if scheme == "iob2":
                raise fail(
                    path,
                    lines[k],
                    f'"{tag}" follows "{previous}", but an entity begins with B- under IOB2',
                    f'Write "B-{tag[2:]}", or load the file with scheme="iob1" if it is in that scheme.',
                )
            tags[k] = f"B-{tag[2:]}"
            changed += 1
        previous = tags[k]
    return changed
