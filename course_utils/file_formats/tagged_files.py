"""Tagged files, one token a line and a blank line between sentences: ``.conll``, ``.conllu``, ``.iob2``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from course_utils.errors import InputError
from course_utils.file_formats.reading import fail, read_utf8, shorten

TAGGED_SUFFIXES = (".conll", ".conllu", ".iob2")

Sentence = tuple[list[int], list[tuple[str, ...]], dict[str, str]]  # line of each token, its cells, comments in force


@dataclass
class TaggedFile:
    """Sentences of a tagged file. ``tags`` maps ``pos_tags`` and ``ner_tags`` to one list of names a sentence."""

    tokens: list[list[str]] = field(default_factory=list)
    tags: dict[str, list[list[str]]] = field(default_factory=dict)
    lines: list[int] = field(default_factory=list)  # the line on which each sentence begins
    meta: list[dict[str, str]] = field(default_factory=list)  # "# key = value" comments in force at each sentence
    notes: list[str] = field(default_factory=list)


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
                    path, number, f"no tab in {shorten(line)}", "Write token TAB tag (a comment starts with '# ')."
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
            raise fail(path, line, f"the tag {shorten(tag)} is empty or has a space", "Write one tag without spaces.")


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
                raise fail(path, number, f"the id {shorten(parts[0])} is not a number", "Number the words from 1.")
            if parts[3] == "_":
                raise fail(path, number, f"the word {shorten(parts[1])} has no universal tag", "Fill column 4 (UPOS).")
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
                raise fail(path, number, f"no tab in {shorten(line)}", "Write token TAB tag, or id TAB token TAB tag.")
            if len(parts) > 2 and not parts[0].isdigit():
                raise fail(path, number, f"the id {shorten(parts[0])} is not a number", "Write id TAB token TAB tag.")
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
            raise fail(path, lines[k], f"unknown tag {shorten(tag)}", "Entity tags are O, B-TYPE and I-TYPE.")
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
