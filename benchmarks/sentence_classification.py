"""What notebook 06 states but has no time to run: six domains and stars, three seeds each.

    python benchmarks/sentence_classification.py        (about twenty minutes on one quiet core)

``minilm`` is fine-tuned on the Eastmere reviews, all weights trained. The figures are those of the test part; the
predictions are kept too, so that confusion matrices and intervals can be computed from them. Writes
benchmarks/results/sentence_classification.json; runs that are in it already are not repeated.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from datasets import DatasetDict
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from course_utils.corpora import label_names, load_corpus
from course_utils.models import load_sequence_classifier, load_tokenizer, rescale_output
from course_utils.runtime import describe, set_seed
from course_utils.tasks import encode, sample, score, with_labels
from course_utils.training import TrainingConfig, fit, predict

RESULTS = Path(__file__).parent / "results" / "sentence_classification.json"
CORPUS, BATCH_SIZE = "eastmere-reviews", 8
SEEDS = (0, 1, 2)
# six new outputs need more and larger steps than one: after two epochs the validation loss still fell fast
EPOCHS = {"stars": 2, "domain": 4}
RATES = {"stars": 1e-4, "domain": 2e-4}


def domain_run(seed: int) -> dict[str, Any]:
    """The six domains; figures and predictions on test."""
    corpus, tokenizer = load_corpus(CORPUS, task="classify"), load_tokenizer("minilm")
    names = label_names(corpus, "label")
    set_seed(seed)
    model = load_sequence_classifier("minilm", names)
    run = train(model, corpus, tokenizer, "domain", seed)
    predicted = predict(model, encode(corpus["test"], tokenizer, "classify")).logits.argmax(axis=-1)
    return run | score("classify", corpus["test"], predicted, names) | {"predicted": "".join(map(str, predicted))}


def stars_run(seed: int) -> dict[str, Any]:
    """Stars as numbers; figures and predictions on test, neither rounded to whole stars nor clipped."""
    corpus, tokenizer = load_corpus(CORPUS, task="regress"), load_tokenizer("minilm")
    stars = np.array(corpus["train"]["label"][:])
    mean, deviation = float(stars.mean()), float(stars.std())
    set_seed(seed)
    model = load_sequence_classifier("minilm")
    run = train(model, corpus, tokenizer, "stars", seed, mean=mean, deviation=deviation)
    rescale_output(model, mean=mean, deviation=deviation)
    predicted = predict(model, encode(corpus["test"], tokenizer, "regress")).logits[:, 0].astype(float)
    predicted = predicted.round(3)
    return run | score("regress", corpus["test"], predicted, []) | {"predicted": predicted.tolist()}


def train(
    model: PreTrainedModel,
    corpus: DatasetDict,
    tokenizer: PreTrainedTokenizerBase,
    name: str,
    seed: int,
    *,
    mean: float = 0.0,
    deviation: float = 1.0,
) -> dict[str, Any]:
    """Train a model in place; what was done, for the record. Stars are learned as standard scores."""
    task = "regress" if name == "stars" else "classify"
    examples = encode(corpus["train"], tokenizer, task)
    watched = encode(sample(corpus["validation"], 100, seed), tokenizer, task)
    if name == "stars":
        examples, watched = (
            with_labels(part, (np.array(part["labels"][:]) - mean) / deviation) for part in (examples, watched)
        )
    config = TrainingConfig(learning_rate=RATES[name], num_epochs=EPOCHS[name], batch_size=BATCH_SIZE, seed=seed)
    started = time.process_time()
    history = fit(model, examples, watched, config)
    run = {
        "task": name,
        "seed": seed,
        "learning_rate": RATES[name],
        "epochs": EPOCHS[name],
        "train_rows": len(examples),
    }
    run |= {"validation_losses": [round(row["validation_loss"], 4) for row in history.records]}
    return run | {"cpu_seconds": round(time.process_time() - started, 1)}


def main() -> None:
    """Run what is missing and write after every run; one seed of both before the next."""
    runs = json.loads(RESULTS.read_text("utf-8"))["runs"] if RESULTS.exists() else []
    done = {(run["task"], run["seed"]) for run in runs}
    for seed in SEEDS:
        for task, make in (("domain", domain_run), ("stars", stars_run)):
            if (task, seed) in done:
                continue
            runs.append(make(seed))
            RESULTS.parent.mkdir(exist_ok=True)
            content = {"machine": describe(), "corpus": CORPUS, "batch_size": BATCH_SIZE, "runs": runs}
            RESULTS.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
            print({key: value for key, value in runs[-1].items() if key != "predicted"}, file=sys.stderr)


if __name__ == "__main__":
    main()
