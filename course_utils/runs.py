"""A saved run: evaluate it, and predict with it. What ``course evaluate`` and ``course predict`` do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import metrics
from course_utils.corpora import CORPORA, LABEL_COLUMNS, SPLITS, corpus_notes, label_names, load_single_file
from course_utils.errors import InputError
from course_utils.models import load_saved, load_tokenizer
from course_utils.runtime import choose_device
from course_utils.tasks import DataOptions, evaluate_model, is_tagging, sample
from course_utils.tokenization import encode_texts, encode_words, first_pieces
from course_utils.training import predict
from course_utils.workflows import RUN_FILE, Say

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass
class SavedRun:
    """A folder that ``course train --output`` wrote."""

    folder: Path
    record: dict[str, Any]
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase

    @property
    def task(self) -> str:
        """What the model was trained for."""
        return self.record["task"]

    @property
    def precision(self) -> str:
        """The precision to predict in: that of training, if this machine has it; for numbers float32."""
        if self.task == "regress":
            return "float32"
        precision = self.record["options"]["precision"]
        return "auto" if precision == "float16" and self.model.device.type == "cpu" else precision

    @property
    def names(self) -> list[str]:
        """Label names in the order of their numbers."""
        return [self.model.config.id2label[i] for i in range(self.model.config.num_labels)]


def load_run(folder: Path) -> SavedRun:
    """Load model, tokenizer and record of a saved run.

    Raises
    ------
    InputError
        If the folder is missing, or is not one that ``course train`` finished.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder. Give the folder that course train --output wrote.")
    if not (folder / RUN_FILE).is_file():
        why = "its training was not finished" if (folder / "checkpoints").exists() else f"it has no {RUN_FILE}"
        raise InputError(f"{folder}: {why}. Give the folder that course train --output wrote.")
    try:
        record = json.loads((folder / RUN_FILE).read_text("utf-8"))
        task = record["task"]
        if (
            task not in LABEL_COLUMNS
            or "max_length" not in record
            or not {"seed", "precision"} <= set(record["options"])
        ):
            raise ValueError(task)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder / RUN_FILE}: damaged ({type(error).__name__}). Train again.") from error
    from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification

    factory = AutoModelForTokenClassification if is_tagging(task) else AutoModelForSequenceClassification
    place = folder.resolve()  # a folder may be called "bert", which means another model
    model = load_saved(factory, place)
    return SavedRun(folder, record, model.to(choose_device()).eval(), load_tokenizer(place))


def evaluate_run(
    folder: Path, data: DataOptions, *, split: str = "test", eval_size: int | None = None, say: Say = lambda _: None
) -> dict[str, Any]:
    """Evaluate a saved run on a split of a corpus, or on a whole file.

    Raises
    ------
    InputError
        If a label of the data is unknown to the model, besides what loading may find.
    """
    if split not in SPLITS:
        raise InputError(f'--split must be one of {", ".join(SPLITS)}, got "{split}".')
    run = load_run(folder)
    trained = run.record.get("data", {})
    if data.data not in CORPORA or data.data == trained.get("data"):  # the columns that it was trained on, unless told
        data = DataOptions(
            data.data,
            data.text_column or trained.get("text_column"),
            data.label_column or trained.get("label_column"),
        )
    text_column, label_column = data.text_column or "text", data.label_column or "label"
    path = Path(data.data).expanduser()
    if data.data not in CORPORA and path.is_file():
        dataset = load_single_file(path, task=run.task, text_column=text_column, label_column=label_column)
        split = "all"
        for note in corpus_notes(dataset):
            say(note)
        say(f"{path.name}: the whole file, {len(dataset)} examples")
    else:
        corpus = data.load(run.task)
        for note in corpus_notes(corpus):
            say(note)
        dataset = corpus[split]
    dataset = sample(dataset, eval_size, run.record["options"]["seed"])
    dataset = renumber_labels(dataset, run)
    return evaluate_model(
        run.model,
        run.tokenizer,
        run.task,
        dataset,
        data=data.data,
        split=split,
        max_length=run.record["max_length"],
        precision=run.precision,
    )


def renumber_labels(dataset: Dataset, run: SavedRun) -> Dataset:
    """Give the labels of a dataset the numbers that the model uses, by name."""
    from datasets import ClassLabel, Features, Sequence

    column = LABEL_COLUMNS[run.task]
    if run.task == "regress":
        return dataset
    names = label_names(dataset, column)
    rows = dataset[column][:]
    used = {names[i] for row in rows for i in (row if isinstance(row, list) else [row])}
    unknown = sorted(used - set(run.names))
    if unknown:
        raise InputError(
            f'label "{unknown[0]}" is not known to the model in {run.folder}. The data have {", ".join(sorted(used))}; '
            f"the model knows {', '.join(run.names)}. Evaluate on data with the same labels."
        )
    number = {name: i for i, name in enumerate(run.names)}
    renumbered = [[number[names[i]] for i in row] if isinstance(row, list) else number[names[row]] for row in rows]
    label = ClassLabel(names=run.names)
    feature = Sequence(label) if is_tagging(run.task) else label
    columns = {name: dataset[name][:] for name in dataset.column_names} | {column: renumbered}
    from datasets import Dataset

    return Dataset.from_dict(columns, features=Features(dict(dataset.features) | {column: feature}))


# Prediction

ABBREVIATIONS = re.compile(
    "Mrs?|Ms|Dr|Prof|[SJ]r|St|Rev|Gen|Sen|Rep|Gov|Capt|Lt|Col|Sgt|Inc|Ltd|Corp?|Co|Bros|No|Mt|vs|etc|"
    "Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec"
)


def _ends_sentence(word: str, rest: str) -> bool:
    """Whether the full stop of ``word`` ends a sentence inside the line: NLTK expects one sentence at a time."""
    if len(word) < 3 or word[-1] != "." or not word[:-1].isalnum() or ABBREVIATIONS.fullmatch(word[:-1]):
        return False
    following = rest.lstrip()[:1]
    return rest[:1].isspace() and following != "" and not (following.islower() or following.isdigit())


def split_words(text: str) -> list[tuple[str, int, int]]:
    """Words of a raw text as the Penn Treebank splits them, with character offsets, end exclusive.

    Examples
    --------
    >>> split_words("Don't go.")
    [('Do', 0, 2), ("n't", 2, 5), ('go', 6, 8), ('.', 8, 9)]
    >>> [word for word, _, _ in split_words("Mr. Lee left. I stayed.")]
    ['Mr.', 'Lee', 'left', '.', 'I', 'stayed', '.']
    """
    from nltk.tokenize import NLTKWordTokenizer

    result = []
    position = 0
    for token in NLTKWordTokenizer().tokenize(text):
        # The tokenizer writes double quotes as `` and ''; look for what stands in the text.
        forms = [token] + (['"', "``", "''", "“", "”"] if token in ("``", "''") else [])
        places = [(text.find(form, position), form) for form in forms]
        start, form = min((place for place in places if place[0] >= 0), default=(-1, ""))
        if start < 0 or text[position:start].strip():
            return split_on_space(text)  # never seen; whatever happens, offsets must be right
        position = start + len(form)
        if _ends_sentence(form, text[position:]):
            result += [(form[:-1], start, position - 1), (".", position - 1, position)]
        else:
            result.append((form, start, position))
    return result


def split_on_space(text: str) -> list[tuple[str, int, int]]:
    """Words between white space, with character offsets."""
    return [(match.group(), match.start(), match.end()) for match in re.finditer(r"\S+", text)]


def predict_lines(
    run: SavedRun, lines: Iterable[str], *, words: bool = False, chunk: int = 512
) -> Iterator[dict[str, Any]]:
    """One dictionary a line, in order, blank lines included.

    Parameters
    ----------
    lines : raw text, or, with ``words``, words separated by spaces
    chunk : lines that are predicted together, so that a long file needs little memory
    """
    block: list[str] = []
    for line in lines:
        block.append(line)
        if len(block) == chunk:
            yield from _predict_block(run, block, words)
            block = []
    if block:
        yield from _predict_block(run, block, words)


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def _predict_block(run: SavedRun, lines: list[str], words: bool) -> Iterator[dict[str, Any]]:
    if is_tagging(run.task):
        yield from _tag_block(run, lines, words)
        return
    from datasets import Dataset

    filled = [line for line in lines if line.strip()]
    logits: Iterator[np.ndarray] = iter(())
    if filled:
        dataset = Dataset.from_dict({"text": filled})
        encoded = encode_texts(dataset, run.tokenizer, max_length=run.record["max_length"])
        logits = iter(list(predict(run.model, encoded, precision=run.precision).logits))
    for line in lines:
        if not line.strip():
            yield {"text": line, "label": None, "scores": {}}
            continue
        row = next(logits)
        if run.task == "regress":
            yield {"text": line, "label": round(float(row[0]), 4), "scores": {}}
        else:
            shares = _softmax(row.astype(float))
            scores = {name: round(float(share), 4) for name, share in zip(run.names, shares)}
            yield {"text": line, "label": run.names[int(shares.argmax())], "scores": scores}


def _tag_block(run: SavedRun, lines: list[str], words: bool) -> Iterator[dict[str, Any]]:
    cut = [split_on_space(line) if words else split_words(line) for line in lines]
    shares: list[list[np.ndarray]] = [[] for _ in lines]
    # A line longer than the model's input is tagged piece by piece: no word stays without a tag.
    todo = [(i, 0) for i, found in enumerate(cut) if found]
    while todo:
        from datasets import Dataset

        dataset = Dataset.from_dict({"tokens": [[word for word, _, _ in cut[i][start:]] for i, start in todo]})
        encoded = encode_words(dataset, run.tokenizer, max_length=run.record["max_length"])
        logits = predict(run.model, encoded, precision=run.precision).logits
        rest = []
        for (i, _), row, word_ids, missing in zip(
            todo, logits, encoded["word_ids"][:], encoded["num_truncated_words"][:]
        ):
            shares[i].extend(_softmax(row[first_pieces(word_ids)].astype(float)))
            if missing:
                rest.append((i, len(cut[i]) - missing))
        todo = rest
    for line, found, rows in zip(lines, cut, shares):
        tags = [run.names[int(row.argmax())] for row in rows]
        yield {"tokens": [word for word, _, _ in found], "tags": tags, "spans": _spans(run, line, found, tags, rows)}


def _spans(
    run: SavedRun, line: str, found: list[tuple[str, int, int]], tags: list[str], rows: list[np.ndarray]
) -> list[dict[str, Any]]:
    """Character spans: joined entities for ner, single words for pos. The score is that of the least certain word."""
    spans = metrics.spans_from_bio(tags) if run.task == "ner" else [(tag, i, i + 1) for i, tag in enumerate(tags)]
    return [
        {
            "start": found[first][1],
            "end": found[last - 1][2],
            "label": kind,
            "text": line[found[first][1] : found[last - 1][2]],
            "score": round(min(float(row.max()) for row in rows[first:last]), 4),
        }
        for kind, first, last in spans
    ]
