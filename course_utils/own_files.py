"""A learner's own files and folders: read, checked, and split where splits are missing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_utils import file_formats
from course_utils.cleaning import duplicate_groups
from course_utils.columns import (
    LABEL_COLUMNS,
    SPLITS,
    Columns,
    build,
    label_sets,
    rarest_tags,
    split_columns,
    to_dataset,
)
from course_utils.file_formats import TAGGED_SUFFIXES, TEXT_SUFFIXES, fail

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict


def _files_of(path: Path) -> dict[str, Path]:
    """``{"all": file}`` for a file, or one file a split for a folder."""
    known = ", ".join(TEXT_SUFFIXES + TAGGED_SUFFIXES)
    if not path.is_dir():
        if not path.exists():
            raise fail(path, None, "no such file", "Check the path.")
        if path.suffix.lower() not in TEXT_SUFFIXES + TAGGED_SUFFIXES:
            raise fail(path, None, f'unknown file type "{path.suffix}"', f"Use one of {known}.")
        return {"all": path}
    found: dict[str, Path] = {}
    for file in sorted(path.iterdir()):
        if file.stem in SPLITS and file.suffix.lower() in TEXT_SUFFIXES + TAGGED_SUFFIXES:
            if file.stem in found:
                raise fail(path, None, f"both {found[file.stem].name} and {file.name}", "Keep one file a split.")
            found[file.stem] = file
    if "train" not in found:
        raise fail(path, None, "the folder has no train file", f"Add train with one of {known}.")
    if len({file.suffix for file in found.values()}) > 1:
        names = ", ".join(file.name for file in found.values())
        raise fail(path, None, f"files of different types ({names})", "Give all splits the same type.")
    return found


def read_file(
    path: Path, *, task: str | None, text_column: str = "text", label_column: str = "label", scheme: str = "iob2"
) -> tuple[Columns, list[int], list[str]]:
    """The columns of one file of one's own, the line of each row, and notes."""
    if path.suffix.lower() in TAGGED_SUFFIXES:
        if task in ("classify", "regress"):
            raise fail(
                path, None, f"a tagged file cannot be used for {task}", f"Use one of {', '.join(TEXT_SUFFIXES)}."
            )
        tagged = file_formats.read_tagged_file(path, task=task, scheme=scheme)
        columns: Columns = {"tokens": tagged.tokens, **tagged.tags}
        for key in ("document", "genre"):
            if all(key in meta for meta in tagged.meta):
                columns[key] = [meta[key] for meta in tagged.meta]
        return columns, tagged.lines, tagged.notes
    if task in ("pos", "ner"):
        raise fail(path, None, f"a text file cannot be used for {task}", f"Use one of {', '.join(TAGGED_SUFFIXES)}.")
    text = file_formats.read_text_file(
        path, task=task or "classify", text_column=text_column, label_column=label_column
    )
    return {"text": text.texts, "label": text.labels, **text.groups}, text.lines, text.notes


def _label_columns(columns: Columns) -> list[str]:
    return [name for name in columns if name.endswith("_tags") or name == "label"]


def _labels_of(row: Any) -> set[Any]:
    return {tag.removeprefix("B-").removeprefix("I-") for tag in row} if isinstance(row, list) else {row}


def _check_labels(
    parts: dict[str, Columns], lines: dict[str, list[int]], files: dict[str, Path], columns: list[str]
) -> None:
    """Every label of validation and test must occur in train, and there must be at least two."""
    for column in columns:
        if isinstance(parts["train"][column][0], float):
            continue
        known = {label for row in parts["train"][column] for label in _labels_of(row)}
        for split in SPLITS[1:]:
            for row, line in zip(parts[split][column], lines[split]):
                unknown = sorted(_labels_of(row) - known)
                if unknown:
                    file = files.get(split, files.get("train", files.get("all")))
                    assert file is not None
                    raise fail(
                        file,
                        line,
                        f'label "{unknown[0]}" occurs in {split}, not in train (which has {", ".join(sorted(known))})',
                        "Add training examples of it, or remove it.",
                    )
        if len(known) < 2:
            raise fail(
                files.get("train", files.get("all", Path())),
                None,
                f'only one label, "{next(iter(known))}", in "{column}"',
                "A model needs at least two to tell apart.",
            )


def load_path(path: Path, task: str | None, text_column: str, label_column: str, scheme: str, seed: int) -> DatasetDict:
    """A file or a folder as a corpus; arguments as for ``load_corpus``."""
    files = _files_of(path)
    notes: list[str] = []
    if path.is_dir():
        tables = (file for file in sorted(path.iterdir()) if file.suffix.lower() in TEXT_SUFFIXES + TAGGED_SUFFIXES)
        if others := [file.name for file in tables if file not in files.values()]:
            notes.append(f"{path.name}: not read: {', '.join(others)} (the splits are {', '.join(SPLITS)})")
    read: dict[str, Columns] = {}
    lines: dict[str, list[int]] = {}
    for split, file in files.items():
        read[split], lines[split], said = read_file(
            file, task=task, text_column=text_column, label_column=label_column, scheme=scheme
        )
        notes += [f"{file.name}: {note}" for note in said]
    first = "all" if "all" in read else "train"
    label_columns = _label_columns(read[first])
    for split, columns in read.items():
        if _label_columns(columns) != label_columns:
            found, expected = ", ".join(_label_columns(columns)), ", ".join(label_columns)
            place = files[first].name
            raise fail(files[split], None, f"it has {found}, but {place} has {expected}", "Give all splits the same.")
    if task is not None:  # of two tag columns only the task's own must be fit for it
        label_columns = [column for column in label_columns if column == LABEL_COLUMNS[task]]
    have = [split for split in SPLITS if split in read]
    if len(have) < len(SPLITS):
        pool = "all" if "all" in read else "train"
        missing = [split for split in SPLITS[1:] if split not in read]
        shares = {"train": 1 - 0.1 * len(missing)} | dict.fromkeys(missing, 0.1)
        columns = read.pop(pool) | {"_line": lines.pop(pool)}
        label = label_columns[-1]
        stratify = None
        if not isinstance(columns[label][0], float):
            stratify = rarest_tags(columns[label]) if label.endswith("_tags") else columns[label]
        grouping = next((name for name in file_formats.GROUP_COLUMNS if name in columns), None)
        texts = columns["text"] if "text" in columns else [" ".join(tokens) for tokens in columns["tokens"]]
        groups = columns[grouping] if grouping else duplicate_groups(texts)
        if len(set(groups)) < len(shares):
            kind = f'different values of "{grouping}"' if grouping else "different examples"
            raise fail(files[pool], None, f"{len(set(groups))} {kind}", f"At least {len(shares)} are needed to split.")
        for split, part in split_columns(columns, groups, shares=shares, stratify=stratify, seed=seed).items():
            lines[split] = part.pop("_line")
            read[split] = part
        rule = f'by "{grouping}"' if grouping else "with identical texts kept together"
        sizes = ", ".join(f"{split} {share:.0%}" for split, share in shares.items())
        notes.append(f"{files[pool].name}: {' and '.join(missing)} made from it ({sizes}; {rule}; seed {seed})")
    _check_labels(read, lines, files, label_columns)
    return build(read, notes)


def load_single_file(
    path: Path, *, task: str, text_column: str = "text", label_column: str = "label", scheme: str = "iob2"
) -> Dataset:
    """A whole file as one dataset, without splitting it: for evaluation.

    Raises
    ------
    InputError
        As ``load_corpus``.
    """
    _files_of(path)
    columns, _, notes = read_file(path, task=task, text_column=text_column, label_column=label_column, scheme=scheme)
    dataset = to_dataset(columns, label_sets({"train": columns}))
    dataset.info.description = "\n".join(f"{path.name}: {note}" for note in notes)
    return dataset
