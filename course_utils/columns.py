"""Columns of plain lists become datasets with label numbers: what every way of loading a corpus shares."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from course_utils.cleaning import split_grouped

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

SPLITS = ("train", "validation", "test")
SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
LABEL_COLUMNS = {"pos": "pos_tags", "ner": "ner_tags", "classify": "label", "regress": "label"}
logger = logging.getLogger(__name__)

Columns = dict[str, list[Any]]
Splits = dict[str, Columns]


def select_rows(columns: Columns, positions: Sequence[int]) -> Columns:
    """The rows at the given positions."""
    return {name: [values[i] for i in positions] for name, values in columns.items()}


def rarest_tags(tagged: list[list[str]]) -> list[str]:
    """For each sentence its rarest tag: stratifying by it spreads rare tags, and a single one goes to train."""
    counts = Counter(tag for tags in tagged for tag in tags)
    return [min(tags, key=lambda tag: (counts[tag], tag)) for tags in tagged]


def split_columns(
    columns: Columns,
    groups: Sequence[Any],
    *,
    shares: dict[str, float] = SHARES,
    stratify: Sequence[Any] | None = None,
    seed: int = 0,
) -> Splits:
    """Split columns by group, as ``split_grouped`` does with positions."""
    positions = split_grouped(groups, shares, labels=stratify, seed=seed)
    return {name: select_rows(columns, chosen) for name, chosen in positions.items()}


def features_of(columns: Columns, names: dict[str, list[str]]) -> Any:
    """The type of every column: labels where ``names`` says so, tokens, numbers, texts."""
    from datasets import ClassLabel, Features, Sequence, Value

    features: dict[str, Any] = {}
    for name, values in columns.items():
        if name in names:
            label = ClassLabel(names=names[name])
            features[name] = Sequence(label) if name.endswith("_tags") else label
        elif name == "tokens":
            features[name] = Sequence(Value("string"))
        else:
            kinds = {float: "float32", int: "int64"}
            features[name] = Value(kinds.get(type(values[0]) if values else str, "string"))
    return Features(features)


def sort_labels(labels: set[str]) -> list[str]:
    """Numbers by value, other names by alphabet."""
    numeric = all(re.fullmatch(r"-?\d+(\.\d+)?", label) for label in labels)
    return sorted(labels, key=(lambda label: (float(label), label)) if numeric else None)


def bio_labels(tags: set[str]) -> list[str]:
    """``O`` first, then ``B-`` and ``I-`` of every type, whether or not both occur."""
    return ["O"] + [f"{prefix}-{kind}" for kind in sorted({tag[2:] for tag in tags} - {""}) for prefix in "BI"]


def label_sets(splits: Splits) -> dict[str, list[str]]:
    """The label names of every label column, in the order of their numbers."""
    names: dict[str, list[str]] = {}
    first = next(iter(splits.values()))
    for column in first:
        if column.endswith("_tags"):
            seen = {tag for part in splits.values() for tags in part[column] for tag in tags}
            names[column] = bio_labels(seen) if column in ("ner_tags", "chunk_tags") else sort_labels(seen)
        elif column == "label" and not isinstance(first[column][0], float):
            names[column] = sort_labels({label for part in splits.values() for label in part[column]})
    return names


def to_dataset(columns: Columns, names: dict[str, list[str]]) -> Dataset:
    """Columns with label names become a dataset with label numbers."""
    from datasets import Dataset

    numbered = dict(columns)
    for column, known in names.items():
        number = {label: i for i, label in enumerate(known)}
        nested = column.endswith("_tags")
        numbered[column] = [[number[tag] for tag in row] if nested else number[row] for row in columns[column]]
    return Dataset.from_dict(numbered, features=features_of(numbered, names))


def build(splits: Splits, notes: list[str], *, names: dict[str, list[str]] | None = None) -> DatasetDict:
    """The splits as datasets, notes in their description; ``names`` of labels are by default those that occur."""
    from datasets import DatasetDict

    names = label_sets(splits) if names is None else names
    splits = {name: splits[name] for name in sorted(splits, key=[*SPLITS, *splits].index)}
    result = DatasetDict()
    for split in splits:
        result[split] = to_dataset(splits[split], names)
        result[split].info.description = "\n".join(notes)
    for note in notes:
        logger.info(note)
    return result
