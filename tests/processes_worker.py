"""What ``torchrun`` starts in test_processes.py: train a tiny model, and write down what this process saw."""

import json
import os
import sys
from pathlib import Path

import torch
from tiny import classified, no_dropout, tagged, tiny_classifier, tiny_tagger

from course_utils.processes import current_processes, leave_processes
from course_utils.training import TrainingConfig, fit, predict

LENGTHS = [5, 9, 4, 12, 7, 6, 10, 8, 30, 5, 6]  # 11 sentences: the last batch has fewer than the processes want


def main(kind: str, out: Path) -> None:
    torch.set_num_threads(1)
    rows = tagged(LENGTHS) if kind == "tags" else classified(LENGTHS)
    model = (tiny_tagger if kind == "tags" else tiny_classifier)(**no_dropout())
    scored: list[int] = []

    def metric(predictions):
        scored.append(len(predictions.logits))
        return {"accuracy": float((predictions.flat()[0].argmax(-1) == predictions.flat()[1]).mean())}

    config = TrainingConfig(
        learning_rate=1e-2,
        num_epochs=3,
        batch_size=5,
        gradient_accumulation_steps=2,
        precision="float32",
        device="cpu",
        checkpoint_every=1,
        output_dir=str(out),
    )
    history = fit(model, rows, rows, config, metric=metric)
    processes = current_processes()
    seen = {
        "processes": processes.count,
        "environment": os.environ.get("WORLD_SIZE", "1"),
        "losses": [step["loss"] for step in history.steps],
        "records": [{k: v for k, v in r.items() if "second" not in k} for r in history.records],
        "scored": scored,
        "weights": float(sum(p.double().sum() for p in model.parameters())),
        "logits": [float(row.sum()) for row in predict(model, rows).logits],
        "gathered": processes.gather(processes.rank),
        "wrote": sorted(p.name for p in (out / "checkpoints").iterdir()) if processes.is_first else [],
    }
    (out / f"seen-{processes.rank}.json").write_text(json.dumps(seen))
    leave_processes()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
