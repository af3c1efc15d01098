"""What test_resume.py kills: on each line of standard input, fork a child that trains or goes on training.

The child starts at once, for the libraries are loaded already. Its number is printed first, how it ended afterwards.
"""

import os
import sys
from pathlib import Path

import torch
from tiny import tagged, tiny_tagger

from course_utils.training import TrainingConfig, fit

LENGTHS = [5, 9, 4, 12, 7, 6, 10, 8, 11, 5, 3, 17, 6, 6, 9, 4, 21, 8]


def train(folder: Path) -> None:
    """Everything that must survive: dropout, shuffling, accumulation, early stopping, the small embedding."""
    rows = tagged(LENGTHS).map(lambda row: {"input_ids": [5 + i % 20 for i in row["input_ids"]]})
    model = tiny_tagger(hidden_dropout_prob=0.2, attention_probs_dropout_prob=0.2)
    config = TrainingConfig(
        learning_rate=2e-2,
        num_epochs=4,
        batch_size=2,
        gradient_accumulation_steps=2,
        weight_decay=0.1,
        early_stopping_patience=2,
        precision="float32",
        device="cpu",
        checkpoint_every=1,
        output_dir=str(folder),
    )
    resume = any((folder / "checkpoints").glob("step-*"))
    history = fit(model, rows, rows, config, resume_from=folder if resume else None)
    losses = torch.tensor([step["loss"] for step in history.steps], dtype=torch.float64)
    result = {name: value.clone() for name, value in model.state_dict().items()} | {"losses": losses}
    torch.save(result, folder / "result.tmp")
    os.replace(folder / "result.tmp", folder / "result.pt")


def main() -> None:
    torch.set_num_threads(1)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                train(Path(line.strip()))
            except BaseException as error:
                print("child:", error, file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0)
        print(child, flush=True)
        print(os.waitpid(child, 0)[1], flush=True)


if __name__ == "__main__":
    main()
