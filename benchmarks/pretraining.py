"""What pretraining is worth: the same network from pretrained and from random weights, on 50, 200 and all examples.

    python benchmarks/pretraining.py        (about a quarter of an hour on one core)

``minilm`` classifies the polarity of the Eastmere reviews, all weights trained; each seed draws its own training rows.
Both starts get the same modules, examples, steps and learning rate. Everything is measured on the validation part: the
test part is not opened here. TF-IDF stands beside them. Writes benchmarks/results/pretraining.json; runs that are in it
already are not repeated.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from course_utils.baselines import tfidf_logistic_regression
from course_utils.corpora import label_names, load_corpus
from course_utils.models import default_learning_rate, load_sequence_classifier, load_tokenizer
from course_utils.runtime import describe, set_seed
from course_utils.tasks import encode, sample
from course_utils.training import TrainingConfig, fit, predict

RESULTS = Path(__file__).parent / "results" / "pretraining.json"
CORPUS, BATCH_SIZE = "eastmere-polarity", 8
SEEDS = (0, 1, 2)
# training rows (None: all) and epochs: more epochs on fewer examples, so that every size has its steps
SIZES = ((50, 8), (200, 3), (None, 1))


def main() -> None:
    """Run what is missing and write after every run."""
    runs = json.loads(RESULTS.read_text("utf-8"))["runs"] if RESULTS.exists() else []
    done = {(run["method"], run["train_rows"], run["seed"]) for run in runs}
    corpus = load_corpus(CORPUS, task="classify")
    names, tokenizer = label_names(corpus, "label"), load_tokenizer("minilm")
    gold, authors = np.array(corpus["validation"]["label"][:]), corpus["validation"]["author"][:]
    validation = encode(corpus["validation"], tokenizer, "classify")

    def keep(run: dict[str, Any], predicted: np.ndarray) -> None:
        right = predicted == gold
        runs.append(run | {"accuracy": float(right.mean()), "right": "".join("01"[int(answer)] for answer in right)})
        settings = {"corpus": CORPUS, "batch_size": BATCH_SIZE, "authors": authors}
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps({"machine": describe()} | settings | {"runs": runs}, indent=1) + "\n", "utf-8")
        print(run, runs[-1]["accuracy"], file=sys.stderr)

    for seed in SEEDS:  # everything with one seed first: interrupted, it still compares
        for rows, epochs in SIZES:
            train = sample(corpus["train"], rows, seed)
            where = {"train_rows": len(train), "seed": seed}
            if ("tf-idf", len(train), seed) not in done:
                tfidf = tfidf_logistic_regression().fit(train["text"][:], train["label"][:])
                keep({"method": "tf-idf"} | where, tfidf.predict(corpus["validation"]["text"][:]))
            encoded = encode(train, tokenizer, "classify")
            for method in ("pretrained", "random"):
                if (method, len(train), seed) in done:
                    continue
                set_seed(seed)
                model = load_sequence_classifier("minilm", names)
                rate = default_learning_rate(model, "classify")
                if method == "random":
                    set_seed(seed)
                    model = type(model)(model.config)  # the same modules, none of the trained numbers
                config = TrainingConfig(learning_rate=rate, num_epochs=epochs, batch_size=BATCH_SIZE, seed=seed)
                started = time.process_time()
                # Only the loss of the last epoch would be looked at: a few rows are enough to watch.
                fit(model, encoded, validation.select(range(16)), config)
                run = {"method": method, "learning_rate": rate, "epochs": epochs} | where
                run |= {"cpu_seconds": round(time.process_time() - started, 1)}
                keep(run, predict(model, validation).logits.argmax(axis=-1))


if __name__ == "__main__":
    main()
