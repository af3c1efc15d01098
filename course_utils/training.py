"""The one training loop.

``fit`` is a plain loop over batches: forward, loss, backward, clip, step. It takes any module that maps ``input_ids``,
``attention_mask`` and ``labels`` to an object with ``.loss`` and ``.logits``. What surrounds the loop is in
``bookkeeping``, what makes it fast in ``speed``, what lets processes share the work in ``processes``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from course_utils.bookkeeping import History, Metric, Run
from course_utils.configuration import TrainingConfig
from course_utils.guards import left_trainable, out_of_memory_explained
from course_utils.optimisation import add_penalties, clip_gradients
from course_utils.predictions import Batch, Collator, Predictions, predict

if TYPE_CHECKING:
    from datasets import Dataset
    from torch import nn

__all__ = ["History", "Predictions", "TrainingConfig", "fit", "predict"]


def fit(
    model: nn.Module,
    train: Dataset,
    validation: Dataset,
    config: TrainingConfig,
    *,
    collator: Collator | None = None,
    metric: Metric | None = None,
    resume_from: str | Path | None = None,
) -> History:
    """Train a model and evaluate it after every epoch.

    Parameters
    ----------
    model : takes ``input_ids``, ``attention_mask``, ``labels``; returns an object with ``.loss`` and ``.logits``;
        evaluation calls it without ``labels``, whose place the dataset takes; it is trained in place and left on the
        device, in evaluation mode, also after an error
    train, validation : encoded datasets with ``input_ids``, ``attention_mask``, ``labels``
    config : how to train
    collator : makes a batch of examples; ``PaddingCollator`` with the model's padding id by default
    metric : further numbers from the validation predictions, by name; each higher is better
    resume_from : a folder with checkpoints of the same run (its ``output_dir``)

    Returns
    -------
    History
        Losses, learning rates, metrics and speed. With early stopping the model has its best weights again.
        The global random generators are seeded anew at every step, so they stand elsewhere afterwards.

    Raises
    ------
    InputError
        If the data are empty or unlabelled, a checkpoint cannot be used, memory runs out, or the loss is not finite.
    """
    with left_trainable(model), out_of_memory_explained(config.batch_size):
        run = Run(model, train, validation, config, collator, metric)
        if resume_from is not None:
            run.resume(Path(resume_from) / "checkpoints")
        for epoch in run.epochs():
            with run.training_mode(epoch):
                for batches in run.steps(epoch):  # the batches of one optimiser step: one, unless gradients accumulate
                    _step(run, batches)
            run.end_epoch(epoch)
        return run.finish()


def _step(run: Run, batches: list[tuple[Batch, float]]) -> None:
    """One optimiser step: each batch comes with its share of the step's labels, so each label weighs the same."""
    loss = torch.zeros((), device=run.device)
    for batch, share in batches:
        with run.forward_pass():
            part = share * run.objective(run.model(**batch), batch["labels"])
        run.scaler.scale(part).backward()
        loss += part.detach()
    run.note_loss(loss)
    run.processes.sum_gradients(run.parameters)
    run.scaler.unscale_(run.optimizer)
    add_penalties(run.parameters, l1=run.config.l1, l2=run.config.l2)
    clip_gradients(run.parameters, run.config.max_grad_norm)
    run.scaler.step(run.optimizer)
    run.scaler.update()
    run.scheduler.step()
    run.optimizer.zero_grad()
    run.end_step()
