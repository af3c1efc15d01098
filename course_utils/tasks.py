"""What a task is: its data, its inputs, its predictions, its figures and the baselines that a model must beat."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import metrics
from course_utils.baselines import (
    MajorityClassifier,
    UnigramTagger,
    can_fit_tfidf,
    tfidf_logistic_regression,
    tfidf_ridge,
)
from course_utils.corpora import LABEL_COLUMNS, load_corpus
from course_utils.tokenization import encode_texts, encode_words, first_pieces
from course_utils.training import Predictions, predict

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

MAX_LENGTH = 256


@dataclass(frozen=True)
class DataOptions:
    """Which data a command reads; a column that is ``None`` has its usual name."""

    data: str
    text_column: str | None = None
    label_column: str | None = None

    def load(self, task: str) -> DatasetDict:
        """The corpus with its three splits."""
        text_column, label_column = self.text_column or "text", self.label_column or "label"
        return load_corpus(self.data, task=task, text_column=text_column, label_column=label_column)


def sample(dataset: Dataset, size: int | None, seed: int) -> Dataset:
    """A seeded random sample of ``size`` rows, or the whole dataset if it is not larger."""
    if size is None or size >= len(dataset):
        return dataset
    return dataset.select(np.sort(np.random.default_rng(seed).permutation(len(dataset))[:size]))


def is_tagging(task: str) -> bool:
    """Whether the task labels words."""
    return task in ("pos", "ner")


def encode(dataset: Dataset, tokenizer: PreTrainedTokenizerBase, task: str, max_length: int = MAX_LENGTH) -> Dataset:
    """Encode a corpus for a task, labels included."""
    label_column = LABEL_COLUMNS[task]
    if is_tagging(task):
        return encode_words(dataset, tokenizer, label_column=label_column, max_length=max_length)
    return encode_texts(dataset, tokenizer, label_column=label_column, max_length=max_length)


def with_labels(encoded: Dataset, labels: np.ndarray) -> Dataset:
    """The same inputs with other labels."""
    return encoded.remove_columns("labels").add_column("labels", [float(label) for label in labels])


def word_predictions(encoded: Dataset, predictions: Predictions) -> list[list[int]]:
    """One label number a word, from the first piece of each word; ``NO_PREDICTION`` for words that were cut off."""
    result = []
    for logits, word_ids, cut in zip(predictions.logits, encoded["word_ids"][:], encoded["num_truncated_words"][:]):
        best = logits.argmax(axis=-1)
        result.append([int(best[i]) for i in first_pieces(word_ids)] + [metrics.NO_PREDICTION] * cut)
    return result


def group_column(dataset: Dataset) -> str | None:
    """The column to resample by: examples of one document or author are not independent."""
    return next((column for column in ("document", "author") if column in dataset.column_names), None)


def score(task: str, dataset: Dataset, predicted: Sequence[Any] | np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    """The figures of a task with 95 % intervals, resampled by document or author where there is one.

    Parameters
    ----------
    predicted : for tags one list of label numbers a sentence; for classification label numbers; for regression floats
    names : label names in the order of their numbers
    """
    column = group_column(dataset)
    groups = np.arange(len(dataset)) if column is None else np.unique(dataset[column][:], return_inverse=True)[1]
    gold = dataset[LABEL_COLUMNS[task]][:]
    result: dict[str, Any] = {}

    def headline(name: str, statistic: Callable[..., float], *arrays: np.ndarray, by: np.ndarray) -> None:
        result[name] = statistic(*arrays)
        interval = metrics.bootstrap_interval(statistic, *arrays, groups=by)
        result[f"{name}_interval"] = [interval.low, interval.high]

    if task == "regress":
        targets, values = np.asarray(gold, dtype=float), np.asarray(predicted, dtype=float)
        headline("mean_absolute_error", metrics.mean_absolute_error, targets, values, by=groups)
        headline("root_mean_squared_error", metrics.root_mean_squared_error, targets, values, by=groups)
        headline("spearman", metrics.spearman, targets, values, by=groups)
        return result
    if is_tagging(task):
        counts = [len(row) for row in gold]
        flat_gold, flat_predicted = np.concatenate(list(gold)), np.concatenate([np.asarray(row) for row in predicted])
        flat_groups = np.repeat(groups, counts)
        result["num_words"] = len(flat_gold)
    else:
        flat_gold, flat_predicted, flat_groups = np.asarray(gold), np.asarray(predicted), groups
    headline("accuracy", lambda g, p: float(np.mean(g == p)), flat_gold, flat_predicted, by=flat_groups)
    headline("macro_f1", lambda g, p: metrics.macro_f1(g, p, len(names)), flat_gold, flat_predicted, by=flat_groups)
    if task == "ner":
        tag = lambda row: [names[i] if i >= 0 else "O" for i in row]  # noqa: E731
        per_sentence = metrics.entity_counts([tag(row) for row in gold], [tag(row) for row in predicted])
        for k, name in enumerate(("entity_precision", "entity_recall", "entity_f1")):
            headline(name, lambda c, k=k: metrics.precision_recall_f1(*c.sum(axis=0))[k], per_sentence, by=groups)
    return result


def predicted_labels(task: str, encoded: Dataset, predictions: Predictions) -> Sequence[Any] | np.ndarray:
    """What ``score`` wants, from the logits."""
    if is_tagging(task):
        return word_predictions(encoded, predictions)
    assert isinstance(predictions.logits, np.ndarray)
    return predictions.logits[:, 0] if task == "regress" else predictions.logits.argmax(axis=-1)


def evaluate_model(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    task: str,
    dataset: Dataset,
    *,
    data: str,
    split: str,
    max_length: int = MAX_LENGTH,
    precision: str = "auto",
) -> dict[str, Any]:
    """Predict a labelled dataset and score it: the dictionary that ``course evaluate --json`` writes."""
    started = time.perf_counter()
    encoded = encode(dataset, tokenizer, task, max_length)
    # bfloat16 knows 3 digits: too few for a number such as a year
    predictions = predict(model, encoded, precision="float32" if task == "regress" else precision)
    seconds = time.perf_counter() - started
    names = [model.config.id2label[i] for i in range(model.config.num_labels)]
    result = {"task": task, "data": data, "split": split, "num_examples": len(dataset), "seconds": round(seconds, 3)}
    result |= score(task, dataset, predicted_labels(task, encoded, predictions), names)
    if is_tagging(task):
        result["num_truncated_words"] = sum(encoded["num_truncated_words"][:])
    else:
        result["num_truncated_examples"] = sum(cut > 0 for cut in encoded["num_truncated_pieces"][:])
    return result


def baseline_scores(task: str, train: Dataset, test: Dataset, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What the model must beat, on the same test rows: name of the baseline to its figures.

    ``tfidf`` is left out where it cannot be fitted (see ``can_fit_tfidf``).
    """
    # [:] reads a column as one list; reading it row by row is slow.
    gold, expected = train[LABEL_COLUMNS[task]][:], test[LABEL_COLUMNS[task]][:]
    if is_tagging(task):
        majority = MajorityClassifier[int]().fit([tag for tags in gold for tag in tags])
        unigram = UnigramTagger[int]().fit(train["tokens"][:], gold)
        return {
            "majority": score(task, test, [majority.predict(len(row)) for row in expected], names),
            "unigram": score(task, test, unigram.predict(test["tokens"][:]), names),
        }
    texts = train["text"][:]
    if task == "regress":
        simple: Sequence[Any] = [float(np.mean(gold))] * len(test)
        name, tfidf = "mean", tfidf_ridge()
    else:
        simple = MajorityClassifier[int]().fit(gold).predict(len(test))
        name, tfidf = "majority", tfidf_logistic_regression()
    scores = {name: score(task, test, simple, names)}
    if can_fit_tfidf(texts, gold):
        scores["tfidf"] = score(task, test, tfidf.fit(texts, gold).predict(test["text"][:]), names)
    return scores


def headline_of(task: str) -> str:
    """The one figure that is named first."""
    return {"pos": "accuracy", "ner": "entity_f1", "classify": "accuracy", "regress": "mean_absolute_error"}[task]
