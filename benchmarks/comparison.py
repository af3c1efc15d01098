"""Seeds of two settings on polarity: what notebook 09 compares, beside the runs of ``predictions.py``.

    python benchmarks/comparison.py [most]        (about a quarter of an hour on one quiet core; at most so many runs)

``minilm`` is fine-tuned on the polarity of the Eastmere reviews as ``predictions.py`` does it: same examples, learning
rate, number of epochs and size of a batch. Its first three layers alone get five seeds; the whole model gets two more,
since ``predictions.py`` has stored three. Kept are the logits on validation and test. The vault is not opened. Writes
benchmarks/results/comparison.json after every run; runs that are in it already are not repeated.
"""

import json
import sys
from pathlib import Path
from typing import Any

from datasets import DatasetDict
from predictions import BATCH_SIZE, config_of, logits, write_runs
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from course_utils.checkpoints import remove_checkpoints
from course_utils.corpora import label_names, load_corpus
from course_utils.models import load_sequence_classifier, load_tokenizer
from course_utils.runtime import describe, set_seed
from course_utils.tasks import encode
from course_utils.training import fit

RESULTS = Path(__file__).parent / "results" / "comparison.json"
MODELS = Path(__file__).parents[1] / "_build" / "comparison"  # only while a training is under way
CORPUS = "eastmere-polarity"
SETTINGS = {3: (0, 1, 2, 3, 4), 6: (3, 4)}
"""Number of layers to the seeds."""


def train(
    corpus: DatasetDict, tokenizer: PreTrainedTokenizerBase, layers: int, seed: int
) -> tuple[PreTrainedModel, dict[str, Any]]:
    """Train once; the model, and what it answers: the logits of every review of validation and test, in their order.

    An interrupted training goes on where its last checkpoint is.
    """
    folder = MODELS / f"{layers}-{seed}"
    set_seed(seed)
    model = load_sequence_classifier("minilm", label_names(corpus, "label"), num_layers=layers)
    encoded = {part: encode(corpus[part], tokenizer, "classify") for part in ("train", "validation", "test")}
    config = config_of(model, "classify", seed, folder)
    resume_from = folder if (folder / "checkpoints").exists() else None
    history = fit(model, encoded["train"], encoded["validation"], config, resume_from=resume_from)
    run = {"task": "polarity", "layers": layers, "seed": seed, "learning_rate": config.learning_rate}
    run |= {"epochs": config.num_epochs, "train_rows": len(corpus["train"])}
    run |= {"validation_losses": [round(row["validation_loss"], 4) for row in history.records]}
    run |= {part: {"logits": logits(model, encoded[part])} for part in ("validation", "test")}
    remove_checkpoints(folder / "checkpoints")
    return model, run


def main() -> None:
    """Run what is missing, at most so many, and write after every run."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else None
    runs = json.loads(RESULTS.read_text("utf-8"))["runs"] if RESULTS.exists() else []
    done = {(run["layers"], run["seed"]) for run in runs}
    corpus, tokenizer = load_corpus(CORPUS, task="classify"), load_tokenizer("minilm")
    todo = [(layers, seed) for layers, seeds in SETTINGS.items() for seed in seeds if (layers, seed) not in done]
    for layers, seed in todo[:most]:
        runs.append(train(corpus, tokenizer, layers, seed)[1])
        write_runs(RESULTS, {"machine": describe(), "corpus": CORPUS, "batch_size": BATCH_SIZE}, runs)
        print({key: runs[-1][key] for key in ("layers", "seed", "validation_losses")}, file=sys.stderr)


if __name__ == "__main__":
    main()
