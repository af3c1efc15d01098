"""What ``torchrun`` starts in test_processes.py: train tiny models, and write down what this process saw."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import torch
from tiny import classified, no_dropout, tagged, tiny_classifier, tiny_tagger

from course_utils.processes import current_processes, leave_processes
from course_utils.training import TrainingConfig, fit, predict

LENGTHS = [5, 9, 4, 12, 7, 6, 10, 8, 30, 5, 6]  # 11 sentences: the last batch has fewer than the processes want


def few_words(rows):
    """So few different words that only the used rows of the embedding are trained."""
    return rows.map(lambda row: {"input_ids": [5 + i % 9 for i in row["input_ids"]]})


KINDS = {
    "tags": (tiny_tagger, tagged(LENGTHS), {}),
    "classes": (tiny_classifier, classified(LENGTHS), {}),
    "few words, weighted": (tiny_tagger, few_words(tagged(LENGTHS)), {"class_weights": "balanced"}),
    "smoothed": (tiny_classifier, classified(LENGTHS), {"label_smoothing": 0.1, "weight_decay": 0.3}),
}


def configuration(out: Path, **options) -> TrainingConfig:
    settings = {"learning_rate": 1e-2, "num_epochs": 3, "batch_size": 5, "gradient_accumulation_steps": 2}
    settings |= {"precision": "float32", "device": "cpu", "checkpoint_every": 1, "output_dir": str(out)}
    return TrainingConfig(**settings | options)


def weights(model) -> list[float]:
    return torch.cat([p.detach().flatten() for p in model.parameters()]).tolist()


def same_as_one(kind: str, out: Path) -> dict:
    """A run without dropout: two processes must see what one sees."""
    make, rows, options = KINDS[kind]
    processes = current_processes()
    model = make(seed=processes.rank, **no_dropout())  # other weights in each process: the first one's count
    model.unused = torch.nn.Linear(3, 3)  # never gets a gradient, so it must not decay
    model.unused.requires_grad_(True).weight.data.fill_(1)
    scored: list[int] = []

    def metric(predictions):
        scored.append(len(predictions.logits))
        logits, labels = predictions.flat()
        return {"accuracy": float((logits.argmax(-1) == labels).mean())}

    history = fit(model, rows, rows, configuration(out / kind, **options), metric=metric)
    wrote = sorted(p.name for p in (out / kind / "checkpoints").iterdir()) if processes.is_first else []
    return {
        "losses": [step["loss"] for step in history.steps],
        "records": [{k: v for k, v in r.items() if "second" not in k} for r in history.records],
        "scored": scored,
        "weights": weights(model),
        "unused": model.unused.weight.flatten().tolist(),
        "logits": [float(row.sum()) for row in predict(model, rows).logits],
        "wrote": wrote,
    }


def by_luck(out: Path) -> dict:
    """A metric that draws random numbers of its own in each process: they must stop together all the same."""
    rank, rows = current_processes().rank, KINDS["classes"][1]
    random = np.random.default_rng(rank)
    model = tiny_classifier()
    settings = configuration(out / "luck", num_epochs=9, early_stopping_patience=1, best_metric="luck")
    history = fit(model, rows, rows, settings, metric=lambda _: {"luck": random.random()})
    return {"epochs": len(history.records), "weights": weights(model)}


class Killed(Exception):
    pass


def resumed(out: Path) -> dict:
    """With dropout, killed at the end of its second epoch and resumed: against a run without a break."""
    rows, results = KINDS["few words, weighted"][1], {}
    settings = configuration(out / "resumed", class_weights="balanced")
    whole = tiny_tagger()
    fit(whole, rows, rows, configuration(out / "whole", class_weights="balanced"))
    epochs = []

    def kill(_):
        epochs.append(1)
        if len(epochs) == 2:
            raise Killed
        return {}

    try:
        fit(tiny_tagger(), rows, rows, settings, metric=kill)
    except Killed:
        results["killed"] = True
    again = tiny_tagger(seed=9)
    fit(again, rows, rows, settings, resume_from=out / "resumed")
    return results | {"whole": weights(whole), "resumed": weights(again)}


def main(out: Path) -> None:
    torch.set_num_threads(1)
    processes = current_processes()
    seen = {"processes": processes.count, "environment": os.environ.get("WORLD_SIZE", "1")}
    seen["gathered"] = processes.gather(processes.rank)
    seen |= {kind: same_as_one(kind, out) for kind in KINDS}
    seen |= {"luck": by_luck(out), "resumed": resumed(out)}
    (out / f"seen-{processes.rank}.json").write_text(json.dumps(seen))
    leave_processes()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
