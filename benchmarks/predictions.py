"""What three models of each kind answer on validation and test: the predictions that notebooks 08 and 09 judge.

    python benchmarks/predictions.py [most]     (about 40 minutes on one quiet core; at most so many runs)

``minilm`` is fine-tuned on the Eastmere collection with the defaults of ``course train``, three seeds each:

- ``polarity`` and ``domain``: the logits of every review;
- ``entities``: the tag of every word and the probability that it got.

The polarity models also answer the behavioural cases of ``data/eastmere/behavioural_cases.csv`` and texts without an
opinion in which names are swapped, the entity models the sentence of the course. A trained model is kept in
``_build/predictions``, so that a new case needs no new training. The vault is not opened. Writes
benchmarks/results/predictions.json after every run; runs that are in it already are not repeated.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from datasets import Dataset
from scipy.special import softmax
from transformers import (
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from course_utils.checkpoints import remove_checkpoints
from course_utils.corpora import LABEL_COLUMNS, label_names, load_corpus
from course_utils.models import (
    default_learning_rate,
    load_saved,
    load_sequence_classifier,
    load_token_classifier,
    load_tokenizer,
    save,
)
from course_utils.runtime import describe, set_seed
from course_utils.tasks import encode, group_column, word_predictions
from course_utils.tokenization import encode_texts, encode_words, first_pieces
from course_utils.training import Predictions, TrainingConfig, fit, predict
from course_utils.workflows import default_epochs

RESULTS = Path(__file__).parent / "results" / "predictions.json"
MODELS = Path(__file__).parents[1] / "_build" / "predictions"
CASES = Path(__file__).parents[1] / "data" / "eastmere" / "behavioural_cases.csv"
SENTENCE = ["Anna", "May", "left", "the", "May", "Queen", "at", "the", "harbour", "."]
NAMES = {  # none of them occurs in the reviews
    "English": ["Eleanor", "Geoffrey", "Rosalind", "Nigel", "Beatrice", "Trevor"],
    "West African": ["Adaeze", "Kwame", "Folasade", "Chinedu", "Ngozi", "Kofi"],
    "South Asian": ["Sunita", "Rajesh", "Lakshmi", "Harpreet", "Nasreen", "Tariq"],
    "East European": ["Katarzyna", "Sergei", "Ludmila", "Bogdan", "Svetlana", "Wojciech"],
}
TEMPLATES = [
    "{} took our order.",
    "{} was at the desk when we arrived.",
    "We spoke to {} on the telephone.",
    "{} drove us to the harbour.",
    "I gave the form to {}.",
    "{} showed us where to sit.",
    "The person we dealt with was {}.",
    "{} answered my letter on Monday.",
]
SEEDS, BATCH_SIZE, CHECKPOINT_EVERY = (0, 1, 2), 16, 25
TASKS = {
    "polarity": ("eastmere-polarity", "classify"),
    "entities": ("eastmere-tagged", "ner"),
    "domain": ("eastmere-reviews", "classify"),
}
"""Name of the task to its corpus and the task's name for ``course train``."""


def config_of(model: PreTrainedModel, task: str, seed: int, folder: Path) -> TrainingConfig:
    """The defaults of ``course train``, with checkpoints in a folder."""
    return TrainingConfig(
        learning_rate=default_learning_rate(model, task),
        num_epochs=default_epochs(task),
        batch_size=BATCH_SIZE,
        seed=seed,
        checkpoint_every=CHECKPOINT_EVERY,
        output_dir=str(folder),
    )


def logits(model: PreTrainedModel, encoded: Dataset) -> list[list[float]]:
    """Four decimals of the logits of each label, one row a text."""
    return np.asarray(predict(model, encoded, precision="float32").logits, dtype=float).round(4).tolist()


def write_runs(results: Path, head: dict[str, Any], runs: list[dict[str, Any]]) -> None:
    """One line a run: a table of numbers is not worth a line each."""
    lines = ",\n".join(json.dumps(run) for run in runs)
    results.parent.mkdir(exist_ok=True)
    results.write_text(f'{json.dumps(head)[:-1]},\n "runs": [\n{lines}\n ]\n}}\n', "utf-8")


def trained(name: str, seed: int) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, dict[str, Any]]:
    """The model of a run, trained or read from its folder, with its tokenizer and how it was trained.

    An interrupted training goes on where its last checkpoint is.
    """
    corpus_name, task = TASKS[name]
    folder = MODELS / f"{name}-{seed}"
    if (folder / "run.json").exists():
        run = json.loads((folder / "run.json").read_text("utf-8"))
        factory = AutoModelForTokenClassification if task == "ner" else AutoModelForSequenceClassification
        return load_saved(factory, folder), load_tokenizer(folder), run
    corpus, tokenizer = load_corpus(corpus_name, task=task), load_tokenizer("minilm")
    set_seed(seed)
    load = load_token_classifier if task == "ner" else load_sequence_classifier
    model = load("minilm", label_names(corpus, LABEL_COLUMNS[task]))
    config = config_of(model, task, seed, folder)
    train, validation = (encode(corpus[part], tokenizer, task) for part in ("train", "validation"))
    history = fit(model, train, validation, config, resume_from=folder if (folder / "checkpoints").exists() else None)
    run = {"task": name, "seed": seed, "learning_rate": config.learning_rate, "epochs": config.num_epochs}
    run |= {"batch_size": config.batch_size, "train_rows": len(corpus["train"])}
    run |= {"validation_losses": [round(row["validation_loss"], 4) for row in history.records]}
    save(model, tokenizer, folder)
    remove_checkpoints(folder / "checkpoints")
    (folder / "run.json").write_text(json.dumps(run) + "\n", "utf-8")
    return model, tokenizer, run


def answers(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, part: Dataset, task: str) -> dict[str, Any]:
    """What a model says about the rows of a part, in their order."""
    encoded = encode(part, tokenizer, task)
    if task == "ner":
        return tag_answers(encoded, predict(model, encoded, precision="float32"))
    return {"logits": logits(model, encoded)}


def tag_answers(encoded: Dataset, predictions: Predictions) -> dict[str, Any]:
    """A digit a word for its tag, and the probability of that tag."""
    scores = [logits[first_pieces(ids)] for logits, ids in zip(predictions.logits, encoded["word_ids"][:])]
    sure = [softmax(rows.astype(float), axis=-1).max(axis=-1).round(4).tolist() for rows in scores]
    return {"tags": ["".join(map(str, row)) for row in word_predictions(encoded, predictions)], "probability": sure}


def case_texts() -> list[str]:
    """The behavioural cases, their changed copies, and the texts with swapped names."""
    cases = pd.read_csv(CASES)
    swapped = [text.format(person) for group in NAMES.values() for person in group for text in TEMPLATES]
    return list(dict.fromkeys([*cases["text"], *cases["changed"].dropna(), *swapped]))


def extras(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, name: str) -> dict[str, Any]:
    """The behavioural cases and swapped names for polarity, the course's sentence for entities."""
    if name == "polarity":
        texts = case_texts()
        encoded = encode_texts(Dataset.from_dict({"text": texts}), tokenizer)
        return {"cases": {"texts": texts, "logits": logits(model, encoded)}}
    if name == "entities":
        encoded = encode_words(Dataset.from_dict({"tokens": [SENTENCE]}), tokenizer)
        return {"sentence": tag_answers(encoded, predict(model, encoded, precision="float32"))}
    return {}


def described(name: str) -> dict[str, Any]:
    """Label names, and of validation and test the gold labels and the groups to resample by."""
    corpus_name, task = TASKS[name]
    corpus = load_corpus(corpus_name, task=task)
    result: dict[str, Any] = {"corpus": corpus_name, "label_names": label_names(corpus, LABEL_COLUMNS[task])}
    for part in ("validation", "test"):
        gold = list(corpus[part][LABEL_COLUMNS[task]][:])
        told = ["".join(map(str, row)) for row in gold] if task == "ner" else gold
        result[part] = {"gold": told, "groups": list(corpus[part][group_column(corpus[part])][:])}
    return result


def one_run(name: str, seed: int) -> dict[str, Any]:
    """Train, or read, one model and ask it about validation, test and the extras."""
    corpus_name, task = TASKS[name]
    model, tokenizer, run = trained(name, seed)
    corpus = load_corpus(corpus_name, task=task)
    run |= {part: answers(model, tokenizer, corpus[part], task) for part in ("validation", "test")}
    return run | extras(model, tokenizer, name)


def write(runs: list[dict[str, Any]]) -> None:
    """What all runs share, and the runs."""
    head = {"machine": describe(), "tasks": {name: described(name) for name in TASKS}}
    head["swaps"] = {"names": NAMES, "templates": TEMPLATES}
    write_runs(RESULTS, head, runs)


def main(most: int | None = None) -> None:
    """Run what is missing, at most so many, and write after every run."""
    runs = json.loads(RESULTS.read_text("utf-8"))["runs"] if RESULTS.exists() else []
    done = {(run["task"], run["seed"]) for run in runs}
    for run in runs:  # cases may have been added since
        if run["task"] == "polarity" and run["cases"]["texts"] != case_texts():
            run |= extras(*trained("polarity", run["seed"])[:2], "polarity")
    todo = [(name, seed) for name in TASKS for seed in SEEDS if (name, seed) not in done]
    for name, seed in todo[:most]:
        runs.append(one_run(name, seed))
        write(runs)
        kept = ("task", "seed", "validation_losses")
        print({key: runs[-1][key] for key in kept}, file=sys.stderr)
    write(runs)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else None)
