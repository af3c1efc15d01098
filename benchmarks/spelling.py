"""What spelling tells a finder of names: Eastmere's entities as written, without punctuation, and with capitals shown.

    python benchmarks/spelling.py        (about ten minutes on one core)

``minilm`` is uncased, so its tokenizer makes *May* and *may* one word. Three ways to give it the same sentences, three
seeds each, with the first three layers and three epochs, as in notebook 05:

- ``as written``;
- ``no punctuation``: words without a letter or a digit are left out of train, validation and test. No entity begins
  with such a word, so as many entities are left to be found;
- ``capitals shown``: the pieces of a word that begins with a capital are given as tokens of type 1, all others as type
  0. BERT has these two types to tell two texts of a pair apart; one text alone leaves the second one unused.

Stored is, for every test sentence, how many entities it has, how many were predicted and how many of those are right,
so that differences can be paired. Writes benchmarks/results/spelling.json after every run; runs that are in it already
are not repeated.
"""

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

from datasets import Dataset

from course_utils.corpora import label_names, load_corpus
from course_utils.metrics import entity_counts
from course_utils.models import default_learning_rate, load_token_classifier, load_tokenizer
from course_utils.runtime import describe, set_seed
from course_utils.tasks import word_predictions
from course_utils.tokenization import encode_words
from course_utils.training import TrainingConfig, fit, predict

RESULTS = Path(__file__).parent / "results" / "spelling.json"
CORPUS, SEEDS, LAYERS, EPOCHS = "eastmere-tagged", (0, 1, 2), 3, 3
WAYS = ("as written", "no punctuation", "capitals shown")


def without_punctuation(row: dict[str, Any]) -> dict[str, Any]:
    """The words that have a letter or a digit, with their labels."""
    kept = [i for i, word in enumerate(row["tokens"]) if re.search(r"\w", word)]
    return {name: [row[name][i] for i in kept] for name in ("tokens", "ner_tags")}


def show_capitals(encoded: Dataset, tokens: list[list[str]]) -> Dataset:
    """Type 1 for every piece of a word that begins with a capital, else type 0."""
    types = [
        [int(word >= 0 and words[word][0].isupper()) for word in word_ids]
        for words, word_ids in zip(tokens, encoded["word_ids"][:])
    ]
    return encoded.add_column("token_type_ids", types)


def one_run(way: str, seed: int) -> dict[str, Any]:
    """Train once; what the test sentences get."""
    corpus, tokenizer = load_corpus(CORPUS, task="ner"), load_tokenizer("minilm")
    names = label_names(corpus, "ner_tags")
    if way == "no punctuation":
        corpus = corpus.map(without_punctuation).filter(lambda row: row["tokens"])
    data = {part: encode_words(rows, tokenizer, label_column="ner_tags") for part, rows in corpus.items()}
    if way == "capitals shown":
        data = {part: show_capitals(rows, corpus[part]["tokens"][:]) for part, rows in data.items()}
    set_seed(seed)
    model = load_token_classifier("minilm", names, num_layers=LAYERS)
    rate = default_learning_rate(model, "ner")
    started = time.perf_counter()
    config = TrainingConfig(learning_rate=rate, num_epochs=EPOCHS, seed=seed)
    history = fit(model, data["train"], data["validation"], config)
    seconds = round(time.perf_counter() - started, 1)
    said = word_predictions(data["test"], predict(model, data["test"]))
    gold, predicted = ([[names[tag] for tag in row] for row in rows] for rows in (corpus["test"]["ner_tags"][:], said))
    result: dict[str, Any] = {"way": way, "seed": seed, "learning_rate": rate, "epochs": EPOCHS, "layers": LAYERS}
    result |= {"seconds": seconds, "validation_loss": [round(row["validation_loss"], 4) for row in history.records]}
    counts = entity_counts(gold, predicted)
    result |= {"sentences": len(gold), "documents": corpus["test"]["document"][:], "counts": counts.tolist()}
    return result


def main() -> None:
    """Run what is missing, and write after every run."""
    runs = json.loads(RESULTS.read_text("utf-8"))["runs"] if RESULTS.exists() else []
    done = {(run["way"], run["seed"]) for run in runs}
    for seed in SEEDS:
        for way in WAYS:
            if (way, seed) in done:
                continue
            runs.append(one_run(way, seed))
            rows = ",\n".join(json.dumps(run) for run in runs)
            head = json.dumps({"machine": describe(), "corpus": CORPUS}, indent=1)
            RESULTS.parent.mkdir(exist_ok=True)
            RESULTS.write_text(f'{head[:-2]},\n "runs": [\n{rows}\n ]\n}}\n', "utf-8")
            _, predicted, right = map(sum, zip(*runs[-1]["counts"]))
            print(way, seed, predicted, right, runs[-1]["seconds"], file=sys.stderr)


if __name__ == "__main__":
    main()
