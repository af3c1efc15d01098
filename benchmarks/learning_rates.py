"""How the default learning rates were chosen: on validation data, with small training sets.

    COURSE_MIRROR=… python benchmarks/learning_rates.py        (three seeds: about half an hour on two cores)

The rates were chosen by seed 0, which is what the stored file has so far. Writes
benchmarks/results/learning_rates.json; runs that are in it already are not repeated.
"""

import json
import sys
from pathlib import Path

from course_utils.corpora import LABEL_COLUMNS, label_names, load_corpus
from course_utils.models import load_sequence_classifier, load_token_classifier, load_tokenizer
from course_utils.runtime import describe, set_seed
from course_utils.tasks import encode, evaluate_model, headline_of, is_tagging, sample
from course_utils.training import TrainingConfig, fit

RESULTS = Path(__file__).parent / "results" / "learning_rates.json"
SEEDS = (0, 1, 2)
# task, corpus, training rows, epochs, rates
SWEEPS = (
    ("pos", "brown", 400, 2, (1e-4, 3e-4, 1e-3)),
    ("classify", "sst2", 1600, 2, (3e-5, 1e-4, 3e-4)),
    ("ner", "wnut17", 800, 4, (1e-4, 3e-4, 1e-3)),
)
NUM_VALIDATION = 500


def main() -> None:
    """Run what is missing and write after every run."""
    runs = json.loads(RESULTS.read_text("utf-8"))["runs"] if RESULTS.exists() else []
    done = {(run["data"], run["learning_rate"], run["seed"]) for run in runs}
    tokenizer = load_tokenizer("minilm")
    for seed in SEEDS:  # all rates with one seed first: an interrupted sweep still compares them
        for task, data, rows, epochs, rates in SWEEPS:
            missing = [rate for rate in rates if (data, rate, seed) not in done]
            if not missing:
                continue
            corpus = load_corpus(data, task=task)
            names = label_names(corpus, LABEL_COLUMNS[task])
            train, validation = sample(corpus["train"], rows, seed), sample(corpus["validation"], NUM_VALIDATION, seed)
            for rate in missing:
                set_seed(seed)
                load = load_token_classifier if is_tagging(task) else load_sequence_classifier
                model = load("minilm", names)
                config = TrainingConfig(learning_rate=rate, num_epochs=epochs, seed=seed)
                history = fit(model, encode(train, tokenizer, task), encode(validation, tokenizer, task), config)
                figures = evaluate_model(model, tokenizer, task, validation, data=data, split="validation")
                run = {"task": task, "data": data, "learning_rate": rate, "seed": seed, "train_rows": rows}
                run |= {"epochs": epochs, "validation_loss": history.records[-1]["validation_loss"]}
                run |= {headline_of(task): figures[headline_of(task)]}
                runs.append(run)
                RESULTS.parent.mkdir(exist_ok=True)
                RESULTS.write_text(json.dumps({"machine": describe(), "runs": runs}, indent=1) + "\n", "utf-8")
                print(run, file=sys.stderr)


if __name__ == "__main__":
    main()
