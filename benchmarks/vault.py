"""What the chosen polarity model answers on the vault: the predictions that the last cell of notebook 09 judges.

    python benchmarks/vault.py        (about five minutes on one quiet core; once, after all choices are made)

The setting is the one whose stored runs (``predictions.json``, ``comparison.json``) have the lowest mean validation
loss; its run with seed 0 is the model. Neither test nor vault has a part in this choice. The model is trained again and
must give the stored run's answers on the test part, so that it is that model. Then it reads the texts of the vault and
answers; the gold labels are not looked at, and nothing about them is written or printed. Writes
benchmarks/results/vault.json, and refuses to run if that file is there: there is no second try.
"""

import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from comparison import CORPUS, train
from datasets import Dataset
from predictions import BATCH_SIZE, logits

from course_utils.corpora import load_corpus
from course_utils.models import load_tokenizer
from course_utils.runtime import describe
from course_utils.stored import stored_results
from course_utils.tokenization import encode_texts

RESULTS = Path(__file__).parent / "results" / "vault.json"
SEED = 0


def stored_runs() -> list[dict[str, Any]]:
    """Every stored run on polarity, with its number of layers."""
    whole = [run | {"layers": 6} for run in stored_results("predictions")["runs"] if run["task"] == "polarity"]
    return whole + stored_results("comparison")["runs"]


def chosen_layers(runs: list[dict[str, Any]]) -> int:
    """The number of layers whose runs have the lowest mean validation loss after their last epoch."""
    losses: dict[int, list[float]] = {}
    for run in runs:
        losses.setdefault(run["layers"], []).append(run["validation_losses"][-1])
    return min(losses, key=lambda layers: float(np.mean(losses[layers])))


def share_that_differs(one: list[list[float]], other: list[list[float]]) -> float:
    """Share of the rows whose predicted label is not the same."""
    return float(np.mean(np.argmax(one, axis=1) != np.argmax(other, axis=1)))


def main() -> None:
    """Choose, train, compare with the stored run, answer, write."""
    if RESULTS.exists():
        sys.exit(f"{RESULTS.name} is there already: the vault is answered once.")
    runs = stored_runs()
    layers = chosen_layers(runs)
    stored = next(run for run in runs if (run["layers"], run["seed"]) == (layers, SEED))
    corpus, tokenizer = load_corpus(CORPUS, task="classify"), load_tokenizer("minilm")
    model, run = train(corpus, tokenizer, layers, SEED)
    differs = share_that_differs(run["test"]["logits"], stored["test"]["logits"])
    if differs > 0.01:  # another machine rounds otherwise; another model differs in several per cent
        sys.exit(f"this model answers {differs:.1%} of the test reviews otherwise than the stored run. Nothing opened.")
    texts = load_corpus(CORPUS, task="classify", vault=True)["vault"]["text"][:]
    answers = logits(model, encode_texts(Dataset.from_dict({"text": texts}), tokenizer))
    kept = ("layers", "seed", "learning_rate", "epochs", "train_rows", "validation_losses")
    content = {"machine": describe(), "corpus": CORPUS, "batch_size": BATCH_SIZE} | {name: run[name] for name in kept}
    content |= {"test_answers_that_differ": differs, "texts_sha256": sha256("\n".join(texts).encode()).hexdigest()}
    RESULTS.write_text(f'{json.dumps(content)[:-1]},\n "logits": {json.dumps(answers)}\n}}\n', "utf-8")
    print(f"{len(answers)} reviews answered with {layers} layers, seed {SEED}", file=sys.stderr)


if __name__ == "__main__":
    main()
