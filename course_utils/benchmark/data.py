"""What the benchmark trains on: three kinds of input and one bare step, encoded and written to a folder.

With ``COURSE_MIRROR`` the texts are of SST-2, film reviews and the Brown corpus, without it the Eastmere collection.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.corpora import LABEL_COLUMNS, load_corpus
from course_utils.errors import InputError
from course_utils.models import load_tokenizer
from course_utils.tasks import encode, sample

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

LONG = 256  # word pieces of a long text
SENTENCE = 16  # words of a sentence, at least: about 27 word pieces on average
STEP = 128  # word pieces of each input of the bare step
COLUMNS = ["input_ids", "attention_mask", "labels"]
PERCENTILES = (5, 25, 50, 75, 95, 100)


@dataclass(frozen=True)
class Case:
    """A kind of work."""

    name: str
    task: str
    num_train: int
    num_eval: int
    batch_size: int = 16
    num_epochs: int = 1
    max_turns: int | None = None  # ``None`` for as many as asked for


CASES = {
    case.name: case
    for case in (
        Case("sentences", "classify", 1000, 1000),
        Case("tagging", "pos", 500, 500),
        Case("long", "classify", 64, 64),
        # One step an epoch, and the median epoch counts. Every token is labelled, so that all outputs of all layers are
        # needed. One turn is enough: it tells how the processor is used.
        Case("step", "pos", 32, 2, batch_size=32, num_epochs=5, max_turns=1),
    )
}
QUICK: dict[str, Any] = {"num_train": 32, "num_eval": 16, "num_epochs": 1}


@dataclass(frozen=True)
class Prepared:
    """What was written, in words and numbers."""

    description: str
    num_labels: int
    lengths: dict[str, dict[str, float]]  # split to mean and percentiles of the word pieces


def describe_lengths(lengths: Sequence[int]) -> dict[str, float]:
    """Mean and percentiles.

    Examples
    --------
    >>> describe_lengths([2, 4, 6])["mean"]
    4.0
    """
    return {"mean": float(np.mean(lengths))} | {f"p{p}": float(np.percentile(lengths, p)) for p in PERCENTILES}


def random_inputs(count: int, pieces: int, *, per_token: bool = False, seed: int = 0) -> Dataset:
    """Inputs of random word pieces, all of one length, with two labels: for measurements that need no language."""
    from datasets import Dataset

    random = np.random.default_rng(seed)
    ids = random.integers(1000, 30_000, size=(count, pieces))  # ordinary pieces of the vocabulary of minilm
    mask, labels = np.ones_like(ids), random.integers(0, 2, size=ids.shape if per_token else count)
    return Dataset.from_dict(dict(zip(COLUMNS, (ids.tolist(), mask.tolist(), labels.tolist()))))


def prepare(case: Case, folder: Path) -> Prepared:
    """Encode the data of a case and write them to ``train.json`` and ``validation.json`` in a folder.

    Raises
    ------
    InputError
        If there are not enough examples.
    """
    wanted = {"train": case.num_train, "validation": case.num_eval}
    if case.name == "step":
        description, num_labels = f"random inputs of {STEP} word pieces", 2
        parts = {
            split: random_inputs(size, STEP, per_token=True, seed=k) for k, (split, size) in enumerate(wanted.items())
        }
    else:
        build = {"sentences": _sentences, "tagging": _tagged_sentences, "long": _long_texts}[case.name]
        corpus, description = build(bool(os.environ.get("COURSE_MIRROR")))
        num_labels = corpus["train"].features[LABEL_COLUMNS[case.task]]
        num_labels = getattr(num_labels, "feature", num_labels).num_classes  # of a list of tags, or of one label
        tokenizer = load_tokenizer()
        parts = {}
        for split, size in wanted.items():
            # Not every text is long enough.
            rows = sample(corpus[split], 2 * size if case.name == "long" else size, seed=0)
            encoded = encode(rows, tokenizer, case.task, LONG)
            if case.name == "long":
                full = [i for i, ids in enumerate(encoded["input_ids"][:]) if len(ids) == LONG]
                encoded = encoded.select(full[:size])
            if len(encoded) < size:
                raise InputError(f"{case.name}: {len(encoded)} {split} examples, expected {size}. Ask for fewer.")
            parts[split] = encoded.select_columns(COLUMNS)
    folder.mkdir(parents=True, exist_ok=True)
    for split, part in parts.items():
        (folder / f"{split}.json").write_text(json.dumps(part.to_dict()), "utf-8")
    lengths = {split: describe_lengths([len(ids) for ids in part["input_ids"][:]]) for split, part in parts.items()}
    return Prepared(description, num_labels, lengths)


def _rebuilt(corpus: DatasetDict, rows: dict[str, Iterator[dict[str, Any]]]) -> DatasetDict:
    """Other rows of ``text`` and ``label``, with the label names of the corpus."""
    from datasets import Dataset, DatasetDict, Features, Value

    features = Features({"text": Value("string"), "label": corpus["train"].features["label"]})
    return DatasetDict({split: Dataset.from_list(list(part), features=features) for split, part in rows.items()})


def _reviews() -> DatasetDict:
    """Eastmere's reviews with their domain as label; validation and test together, to have enough."""
    from datasets import DatasetDict, concatenate_datasets

    corpus = load_corpus("eastmere-reviews", task="classify")
    both = concatenate_datasets([corpus["validation"], corpus["test"]])
    return DatasetDict({"train": corpus["train"], "validation": both})


def _sentences(real: bool) -> tuple[DatasetDict, str]:
    if real:
        # Whole sentences with a label of their own, so that the accuracy can tell a good recipe from a bad one.
        corpus = load_corpus("sst2", task="classify")
        corpus = corpus.filter(lambda row: len(row["text"].split()) >= SENTENCE)
        return corpus, f"sentences of sst2 of {SENTENCE} words or more"

    def beginnings(part: Dataset) -> Iterator[dict[str, Any]]:
        for i, row in enumerate(part):
            sentences = re.split(r"(?<=[.!?])\s+", row["text"])
            yield {"text": " ".join(sentences[: 1 + i % 4]), "label": row["label"]}

    corpus = _reviews()
    rows = {split: beginnings(part) for split, part in corpus.items()}
    return _rebuilt(corpus, rows), "the first one to four sentences of eastmere-reviews, with their domain as label"


def _tagged_sentences(real: bool) -> tuple[DatasetDict, str]:
    from datasets import DatasetDict, concatenate_datasets

    if real:
        return load_corpus("brown", task="pos"), "sentences of brown with parts of speech"
    corpus = load_corpus("eastmere-tagged", task="pos")
    both = concatenate_datasets([corpus["validation"], corpus["test"]])  # one alone has too few sentences
    parts = DatasetDict({"train": corpus["train"], "validation": both})
    return parts, "sentences of eastmere-tagged with parts of speech"


def _long_texts(real: bool) -> tuple[DatasetDict, str]:
    if real:
        return load_corpus("movie-reviews", task="classify"), f"movie-reviews, cut at {LONG} word pieces"

    def joined(part: Dataset) -> Iterator[dict[str, Any]]:
        for label in sorted(set(part["label"][:])):
            texts = [text for text, own in zip(part["text"][:], part["label"][:]) if own == label]
            for i in range(0, len(texts) - 9, 10):
                yield {"text": " ".join(texts[i : i + 10]), "label": label}

    corpus = _reviews()
    rows = {split: joined(part) for split, part in corpus.items()}
    return _rebuilt(corpus, rows), f"ten eastmere-reviews of one domain, cut at {LONG} word pieces"
