"""Text files, one example a row: ``.csv`` and ``.tsv`` tables, ``.jsonl`` objects."""

from __future__ import annotations

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from course_utils.errors import InputError
from course_utils.file_formats.reading import fail, read_utf8, shorten

TEXT_SUFFIXES = (".csv", ".tsv", ".jsonl")
GROUP_COLUMNS = ("document", "author")


@dataclass
class TextFile:
    """Rows of a text file: ``labels`` are names (classification) or numbers (regression)."""

    texts: list[str] = field(default_factory=list)
    labels: list[str | float] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    groups: dict[str, list[str]] = field(default_factory=dict)  # "document" or "author", where the file has one
    notes: list[str] = field(default_factory=list)


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
            raise fail(path, line, f'"{text_column}" is {shorten(text)}, not a text', "Put the text in quotes.")
        if not text.strip():
            raise fail(path, line, f'"{text_column}" is empty', "Write the text, or remove the row.")
        if label is None or not str(label).strip():
            raise fail(path, line, f'"{label_column}" is empty', "Give the label, or remove the row.")
        if isinstance(label, (dict, list)):
            raise fail(path, line, f'"{label_column}" is {shorten(label)}', "Give one name or number a row.")
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
        raise fail(path, line, f'"{column}" is {shorten(label)}, not a finite number', "Regression needs numbers.")
    return number


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
        raise fail(path, start, f"column {shorten(twice[0])} occurs twice in the header", "Give each column a name.")
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
