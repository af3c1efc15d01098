"""Tagging in numbers: the learning rate of a tutorial, the number of sentences, and entities with their scores.

    python benchmarks/tagging.py [most]        (about a quarter of an hour on two quiet cores; at most so many runs)

``minilm`` on Eastmere's tagged texts, three seeds each:

- ``recipe``: parts of speech by plain Adam in batches of 32 with the first three layers, as in the notebook, once at
  2e-5 for ten epochs, as a tutorial has it for BERT, and once at 1e-3 for two;
- ``size``: parts of speech from 50 and 200 sentences by the course's recipe with all layers, beside a unigram tagger
  (all sentences: ``eastmere_transfer.json``);
- ``entities``: entity tags of the test sentences, with all layers. Where the best tag of each word breaks the rules of
  BIO, the logits of the sentence are kept, so that it can be decoded in another way.

Writes benchmarks/results/tagging.json after every run; runs that are in it already are not repeated.
"""

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from datasets import DatasetDict

from course_utils.baselines import UnigramTagger
from course_utils.corpora import LABEL_COLUMNS, label_names, load_corpus
from course_utils.models import default_learning_rate, load_token_classifier, load_tokenizer
from course_utils.runtime import describe, set_seed
from course_utils.tasks import encode, sample, word_predictions
from course_utils.tokenization import first_pieces
from course_utils.training import Predictions, TrainingConfig, fit, predict

RESULTS = Path(__file__).parent / "results" / "tagging.json"
CORPUS, SEEDS = "eastmere-tagged", (0, 1, 2)
PLAIN_ADAM: dict[str, Any] = {
    "batch_size": 32,
    "weight_decay": 0.0,
    "warmup_steps": 0,
    "schedule": "constant",
    "max_grad_norm": math.inf,
}
# kind, training rows (None: all), learning rate (None: the course's), epochs, layers, further settings
RUNS: tuple[tuple[str, int | None, float | None, int, int, dict[str, Any]], ...] = (
    ("recipe", None, 2e-5, 10, 3, PLAIN_ADAM),
    ("recipe", None, 1e-3, 2, 3, PLAIN_ADAM),
    ("size", 50, None, 16, 6, {}),  # more epochs on fewer sentences, so that every size has its steps
    ("size", 200, None, 8, 6, {}),
    ("entities", None, None, 6, 6, {}),
)


def accuracy(predictions: Predictions) -> dict[str, float]:
    """Share of the labelled pieces that are right."""
    logits, labels = predictions.flat()
    return {"validation_accuracy": float(np.mean(logits.argmax(axis=-1) == labels))}


def breaks_bio(tags: list[str]) -> bool:
    """Whether an ``I-`` continues nothing."""
    return any(tag[0] == "I" and before[1:] != tag[1:] for tag, before in zip(tags, ["O", *tags]))


def one_run(
    kind: str, rows: int | None, rate: float | None, epochs: int, layers: int, seed: int, settings: dict[str, Any]
) -> dict[str, Any]:
    """Train once; what the test sentences get."""
    task = "ner" if kind == "entities" else "pos"
    corpus, tokenizer = load_corpus(CORPUS, task=task), load_tokenizer("minilm")
    names = label_names(corpus, LABEL_COLUMNS[task])
    set_seed(seed)
    model = load_token_classifier("minilm", names, num_layers=layers)
    train, test = sample(corpus["train"], rows, seed), encode(corpus["test"], tokenizer, task)
    rate = rate or default_learning_rate(model, task)
    config = TrainingConfig(learning_rate=rate, num_epochs=epochs, seed=seed, **settings)
    started = time.perf_counter()
    history = fit(
        model, encode(train, tokenizer, task), encode(corpus["validation"], tokenizer, task), config, metric=accuracy
    )
    seconds = round(time.perf_counter() - started, 1)
    predictions = predict(model, test)
    said = word_predictions(test, predictions)
    right = [int(np.sum(np.equal(*pair))) for pair in zip(said, corpus["test"][LABEL_COLUMNS[task]][:])]
    kept = ("train_loss", "validation_loss", "validation_accuracy")
    result: dict[str, Any] = {"learning_rate": rate, "epochs": epochs, "layers": layers}
    result |= {"train_rows": len(train), "seconds": seconds}
    result["history"] = [{name: round(row[name], 4) for name in kept} for row in history.records]
    result |= {"accuracy": sum(right) / sum(map(len, said)), "right": right}
    if kind == "size":
        result["unigram_accuracy"] = unigram_accuracy(corpus, train.to_dict())
    if kind == "entities":
        result["tags"] = ["".join(map(str, row)) for row in said]
        scores = [logits[first_pieces(ids)] for logits, ids in zip(predictions.logits, test["word_ids"][:])]
        broken = [i for i, row in enumerate(said) if breaks_bio([names[tag] for tag in row])]
        result["logits"] = {str(i): scores[i].astype(float).round(3).tolist() for i in broken}
    return result


def unigram_accuracy(corpus: DatasetDict, train: dict[str, Any]) -> float:
    """The baseline from the same sentences."""
    tagger = UnigramTagger[int]().fit(train["tokens"], train["pos_tags"])
    said = np.concatenate([np.array(row) for row in tagger.predict(corpus["test"]["tokens"][:])])
    return float(np.mean(said == np.concatenate(list(corpus["test"]["pos_tags"][:]))))


def main(most: int | None = None) -> None:
    """Run what is missing, at most so many, and write after every run."""
    runs = json.loads(RESULTS.read_text("utf-8"))["runs"] if RESULTS.exists() else []
    done = {(run["kind"], run["asked_rows"], run["asked_rate"], run["seed"]) for run in runs}
    todo = [(seed, *run) for run in RUNS for seed in SEEDS if (*run[:3], seed) not in done]
    for seed, kind, rows, rate, epochs, layers, settings in todo[:most]:
        run = {"kind": kind, "asked_rows": rows, "asked_rate": rate, "seed": seed}
        run |= one_run(kind, rows, rate, epochs, layers, seed, settings)
        runs.append(run)
        content = {"machine": describe(), "corpus": CORPUS, "runs": runs}
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(one_line_a_row(content) + "\n", "utf-8")
        print(kind, rows, run["learning_rate"], seed, run["accuracy"], run["seconds"], file=sys.stderr)


def one_line_a_row(content: dict[str, Any]) -> str:
    """JSON with a line for each run: a table of numbers is not worth a line each."""
    runs = ",\n".join(json.dumps(run) for run in content["runs"])
    head = json.dumps({name: value for name, value in content.items() if name != "runs"}, indent=1)
    return f'{head[:-2]},\n "runs": [\n{runs}\n ]\n}}'


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else None)
