"""The one training loop.

``fit`` is a plain loop over batches: forward, loss, backward, clip, step. It takes any module that maps ``input_ids``,
``attention_mask`` and ``labels`` to an object with ``.loss`` and ``.logits``.
"""

from __future__ import annotations

import copy
import hashlib
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from tqdm.auto import tqdm

from course_utils.batching import LengthGroupedBatchSampler, PaddingCollator
from course_utils.checkpoints import Position, load_checkpoint, save_checkpoint
from course_utils.errors import InputError
from course_utils.models import parameter_groups
from course_utils.runtime import DEVICES, PRECISIONS, choose_device, choose_precision, set_seed
from course_utils.tokenization import IGNORE_INDEX

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset

SCHEDULES = ("linear", "cosine", "constant")


@dataclass(frozen=True)
class TrainingConfig:
    """How to train. Every field is checked when the object is made."""

    learning_rate: float  # the highest rate, reached at the end of the warm-up; > 0
    num_epochs: int = 3  # passes over the training data; >= 1
    batch_size: int = 16  # examples a forward pass; >= 1
    weight_decay: float = 0.01  # decoupled, on matrices only; >= 0
    warmup_steps: float = 0.1  # steps of rising rate: a whole number >= 1, or a share of all steps in [0, 1)
    schedule: str = "linear"  # after the warm-up: linear or cosine decay to 0, or constant
    max_grad_norm: float = 1.0  # gradients are scaled down to this norm; > 0, infinity for no clipping
    gradient_accumulation_steps: int = 1  # batches an optimiser step; every labelled token weighs the same; >= 1
    precision: str = "auto"  # auto, float32, bfloat16 or float16
    device: str = "auto"  # auto, cpu, cuda or mps
    seed: int = 0  # of order and dropout; the head's initial weights are the model's business
    early_stopping_patience: int | None = None  # stop after so many epochs without gain, and restore the best weights
    best_metric: str = "loss"  # "loss" (lower is better) or a name that ``metric`` returns (higher is better)
    checkpoint_every: int | None = None  # optimiser steps between checkpoints; None for none
    output_dir: str | None = None  # where checkpoints go

    def __post_init__(self) -> None:
        rules = {
            "learning_rate": (0 < self.learning_rate < 1, "lie in (0, 1)"),
            "num_epochs": (self.num_epochs >= 1, "be at least 1"),
            "batch_size": (self.batch_size >= 1, "be at least 1"),
            "weight_decay": (0 <= self.weight_decay < 1, "lie in [0, 1)"),
            "warmup_steps": (
                0 <= self.warmup_steps < 1 or (self.warmup_steps >= 1 and float(self.warmup_steps).is_integer()),
                "be a share in [0, 1) or a whole number",
            ),
            "schedule": (self.schedule in SCHEDULES, f"be one of {', '.join(SCHEDULES)}"),
            "max_grad_norm": (self.max_grad_norm > 0, "be positive"),
            "gradient_accumulation_steps": (self.gradient_accumulation_steps >= 1, "be at least 1"),
            "precision": (self.precision in PRECISIONS, f"be one of {', '.join(PRECISIONS)}"),
            "device": (self.device.partition(":")[0] in DEVICES, f"be one of {', '.join(DEVICES)}"),
            "seed": (0 <= self.seed < 2**32, "lie in [0, 2**32)"),
            "early_stopping_patience": (
                self.early_stopping_patience is None or self.early_stopping_patience >= 1,
                "be >= 1",
            ),
            "checkpoint_every": (self.checkpoint_every is None or self.checkpoint_every >= 1, "be at least 1"),
        }
        for name, (holds, rule) in rules.items():
            if not holds:
                raise InputError(f"{name} must {rule}, got {getattr(self, name)}.")
        if self.checkpoint_every and not self.output_dir:
            raise InputError("checkpoint_every needs output_dir: say where the checkpoints go.")


@dataclass
class History:
    """What happened: ``records`` has one row an epoch, ``steps`` one row an optimiser step."""

    records: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, float]] = field(default_factory=list)
    stopped_early: bool = False

    def to_frame(self) -> pd.DataFrame:
        """One row an epoch: losses, metrics, seconds, examples per second."""
        import pandas as pd

        return pd.DataFrame(self.records)


@dataclass(frozen=True)
class Predictions:
    """Outputs in the order of the dataset.

    ``logits`` is a float array of shape (num_examples, num_labels), or for token classification a list with one array
    of shape (num_pieces, num_labels) an example. ``labels`` has the matching shapes, or is ``None``.
    """

    logits: np.ndarray | list[np.ndarray]
    labels: np.ndarray | list[np.ndarray] | None

    def flat(self) -> tuple[np.ndarray, np.ndarray]:
        """Logits and labels of all labelled examples or tokens: shapes (n, num_labels) and (n,)."""
        if self.labels is None:
            raise InputError("these predictions have no labels: predict on a dataset with labels.")
        if isinstance(self.logits, np.ndarray):
            return self.logits, np.asarray(self.labels)
        logits, labels = np.concatenate(self.logits), np.concatenate(list(self.labels))
        return logits[labels != IGNORE_INDEX], labels[labels != IGNORE_INDEX]

    @cached_property
    def loss(self) -> float:
        """Mean loss over all labelled examples or tokens, not a mean of batch means."""
        logits, labels = (torch.from_numpy(array) for array in self.flat())
        if labels.dtype.is_floating_point:
            return float(nn.functional.mse_loss(logits.squeeze(-1).double(), labels.double()))
        return float(nn.functional.cross_entropy(logits, labels))


Metric = Callable[[Predictions], dict[str, float]]


def fit(
    model: nn.Module,
    train: Dataset,
    validation: Dataset,
    config: TrainingConfig,
    *,
    collator: Callable[[Sequence[dict[str, Any]]], dict[str, torch.Tensor]] | None = None,
    metric: Metric | None = None,
    resume_from: str | Path | None = None,
) -> History:
    """Train a model and evaluate it after every epoch.

    Parameters
    ----------
    model : takes ``input_ids``, ``attention_mask``, ``labels``; returns an object with ``.loss`` and ``.logits``;
        it is trained in place and left on the device, in evaluation mode
    train, validation : encoded datasets with ``input_ids``, ``attention_mask``, ``labels``
    config : how to train
    collator : makes a batch of examples; ``PaddingCollator`` with the model's padding id by default
    metric : further numbers from the validation predictions, by name
    resume_from : a folder with checkpoints of the same run (its ``output_dir``)

    Returns
    -------
    History
        Losses, learning rates, metrics and speed. With early stopping the model has its best weights again.

    Raises
    ------
    InputError
        If the data are empty or unlabelled, a checkpoint cannot be used, memory runs out, or the loss is not finite.
    """
    for name, part in (("train", train), ("validation", validation)):
        if len(part) == 0 or "labels" not in part.column_names:
            raise InputError(f"{name} must have examples with labels, got {len(part)} rows of {part.column_names}.")
    device = choose_device(config.device)
    precision = choose_precision(config.precision, device)
    set_seed(config.seed)
    model.to(device)
    collate = collator or default_collator(model, device)
    examples = train.to_list()
    lengths = [len(example["input_ids"]) for example in examples]
    sampler = LengthGroupedBatchSampler(lengths, config.batch_size, seed=config.seed)
    steps_per_epoch = math.ceil(len(sampler) / config.gradient_accumulation_steps)
    optimizer = torch.optim.AdamW(
        parameter_groups(model, config.weight_decay), lr=config.learning_rate, fused=device.type in ("cpu", "cuda")
    )
    scheduler = make_schedule(optimizer, config, steps_per_epoch * config.num_epochs)
    scaler = torch.amp.GradScaler(device.type, enabled=precision == "float16")

    position, best_weights = Position(), None
    fingerprint = _fingerprint(model, config, examples)
    if resume_from is not None:
        folder = Path(resume_from) / "checkpoints"
        say = partial(tqdm.write, file=sys.stderr)
        position, best_weights = load_checkpoint(folder, model, optimizer, scheduler, fingerprint, say=say)
    history = History(position.records, position.steps)

    for epoch in range(position.epoch, config.num_epochs):
        if _patience_is_over(position, config):
            break
        sampler.epoch = epoch
        model.train()
        started, seen = time.perf_counter(), 0
        groups = _accumulated(list(sampler), config.gradient_accumulation_steps)
        bar = progress_bar(groups, f"epoch {epoch + 1}/{config.num_epochs}", unit="step")
        for step_in_epoch, group in enumerate(bar, 1):
            if step_in_epoch <= position.step_in_epoch:
                continue  # done before the run was interrupted
            batches = [collate([examples[i] for i in rows]) for rows in group]
            counts = [num_labelled(batch) for batch in batches]
            if sum(counts) == 0:
                raise InputError(
                    f"step {position.step + 1}: all labels are {IGNORE_INDEX}; nothing to learn. Check them."
                )
            step_loss = 0.0
            for batch, count in zip(batches, counts):
                with out_of_memory_explained(config):
                    with torch.autocast(device.type, getattr(torch, precision), enabled=precision != "float32"):
                        loss = model(**{name: tensor.to(device) for name, tensor in batch.items()}).loss
                        loss = loss * (count / sum(counts))  # each labelled token of the group weighs the same
                    scaler.scale(loss).backward()
                step_loss += loss.item()
            if not math.isfinite(step_loss):
                raise InputError(
                    f"the loss is {step_loss} at step {position.step + 1} "
                    f"(learning rate {scheduler.get_last_lr()[0]:.1e}). Lower learning_rate, or lengthen the warm-up."
                )
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), config.max_grad_norm)
            rate = scheduler.get_last_lr()[0]
            scaler.step(optimizer)
            scaler.update()
            scheduler.step()
            optimizer.zero_grad()

            seen += sum(len(rows) for rows in group)
            position.step += 1
            position.step_in_epoch = step_in_epoch
            labelled = {"num_labelled": sum(counts)}
            position.steps.append({"step": position.step, "loss": step_loss, "learning_rate": rate} | labelled)
            speed = seen / (time.perf_counter() - started)
            bar.set_postfix_str(f"loss {step_loss:.3f}, {speed:.0f} examples/s")
            if (
                config.checkpoint_every
                and position.step % config.checkpoint_every == 0
                and step_in_epoch < steps_per_epoch
            ):
                _save(model, optimizer, scheduler, position, fingerprint, config, best_weights)

        speed = seen / (time.perf_counter() - started)  # of training alone, without the evaluation that follows
        done = position.steps[-steps_per_epoch:]
        losses, weights = [row["loss"] for row in done], [row["num_labelled"] for row in done]
        predictions = predict(model, validation, collator=collate, precision=precision)
        record = {
            "epoch": epoch + 1,
            "train_loss": float(np.average(losses, weights=weights)),  # not a mean of batch means
            "validation_loss": predictions.loss,
            **(metric(predictions) if metric else {}),
            "seconds": time.perf_counter() - started,
            "examples_per_second": speed,
        }
        position.records.append(record)
        if _is_better(record, position, config):
            position.epochs_without_gain = 0
            if config.early_stopping_patience:
                best_weights = copy.deepcopy({k: v.detach().cpu() for k, v in model.state_dict().items()})
        else:
            position.epochs_without_gain += 1
        position.epoch, position.step_in_epoch = epoch + 1, 0
        if config.checkpoint_every:
            _save(model, optimizer, scheduler, position, fingerprint, config, best_weights)
    history.stopped_early = position.epoch < config.num_epochs
    if best_weights is not None:
        model.load_state_dict(best_weights)
    model.eval()
    return history


def predict(
    model: nn.Module,
    dataset: Dataset,
    *,
    batch_size: int = 64,
    collator: Callable[[Sequence[dict[str, Any]]], dict[str, torch.Tensor]] | None = None,
    precision: str = "auto",
) -> Predictions:
    """Logits for every example, in the order of the dataset, without gradients and without dropout.

    Parameters
    ----------
    model : as for ``fit``; its device is used, its training mode is put back
    dataset : encoded examples, with or without ``labels``
    batch_size : examples a forward pass; batches are made of examples of similar length
    """
    device = next(model.parameters()).device
    precision = choose_precision(precision, device)
    collate = collator or default_collator(model, device)
    examples = dataset.to_list()
    labelled = bool(examples) and "labels" in examples[0]
    lengths = [len(example["input_ids"]) for example in examples]
    logits: list[np.ndarray] = [np.empty(0)] * len(examples)
    was_training = model.training
    model.eval()
    sampler = LengthGroupedBatchSampler(lengths, batch_size, shuffle=False)
    with torch.inference_mode():
        for rows in progress_bar(list(sampler), "predicting", unit="batch"):
            batch = collate([{k: v for k, v in examples[i].items() if k != "labels"} for i in rows])
            with torch.autocast(device.type, getattr(torch, precision), enabled=precision != "float32"):
                output = model(**{name: tensor.to(device) for name, tensor in batch.items()}).logits
            for i, row in zip(rows, output.float().cpu().numpy()):
                logits[i] = row[: lengths[i]] if row.ndim == 2 else row
    model.train(was_training)
    per_token = bool(logits) and logits[0].ndim == 2
    labels = [np.asarray(example["labels"]) for example in examples] if labelled else None
    if per_token or not logits:
        return Predictions(logits, labels)
    return Predictions(np.stack(logits), np.array(labels) if labels is not None else None)


# The parts of the loop


def default_collator(model: nn.Module, device: torch.device) -> PaddingCollator:
    """Pad with the model's own padding id; to multiples of 8 on a GPU, whose matrix units want them."""
    pad = getattr(getattr(model, "config", None), "pad_token_id", None)
    return PaddingCollator(pad if pad is not None else 0, pad_to_multiple_of=8 if device.type == "cuda" else 1)


def make_schedule(optimizer: torch.optim.Optimizer, config: TrainingConfig, num_steps: int) -> Any:
    """The learning-rate schedule over ``num_steps`` optimiser steps, warm-up included."""
    from transformers import get_scheduler

    share = config.warmup_steps
    warmup = math.ceil(share * num_steps) if share < 1 else int(share)
    name = "constant_with_warmup" if config.schedule == "constant" else config.schedule
    return get_scheduler(name, optimizer, num_warmup_steps=warmup, num_training_steps=num_steps)


def num_labelled(batch: dict[str, torch.Tensor]) -> int:
    """How many labels of a batch count in the loss."""
    return int((batch["labels"] != IGNORE_INDEX).sum())


def _accumulated(batches: list[list[int]], size: int) -> list[list[list[int]]]:
    return [batches[i : i + size] for i in range(0, len(batches), size)]


def progress_bar(items: Sequence[Any], description: str, *, unit: str) -> Any:
    """A bar in a terminal and in a notebook kernel; elsewhere, or with ``TQDM_DISABLE=1``, none."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    in_kernel = hasattr(shell, "kernel")
    off = os.environ.get("TQDM_DISABLE", "") not in ("", "0") or not (in_kernel or sys.stderr.isatty())
    return tqdm(items, desc=description, unit=unit, disable=off, leave=False)


@contextmanager
def out_of_memory_explained(config: TrainingConfig) -> Iterator[None]:
    """Turn the device's out-of-memory error into advice."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise InputError(
            f"out of memory with batch_size={config.batch_size}. Halve batch_size and double "
            "gradient_accumulation_steps (the result is the same), or lower max_length or num_layers."
        ) from error


def _is_better(record: dict[str, Any], position: Position, config: TrainingConfig) -> bool:
    key = "validation_loss" if config.best_metric == "loss" else config.best_metric
    if key not in record:
        raise InputError(f'best_metric "{key}" is not among {", ".join(record)}. Let metric return it.')
    value = -record[key] if config.best_metric == "loss" else record[key]
    if position.best is None or value > position.best:
        position.best = value
        return True
    return False


def _patience_is_over(position: Position, config: TrainingConfig) -> bool:
    return config.early_stopping_patience is not None and position.epochs_without_gain >= config.early_stopping_patience


def _fingerprint(model: nn.Module, config: TrainingConfig, examples: list[dict[str, Any]]) -> dict[str, Any]:
    """What must be equal for a resumed run to end where the uninterrupted one would."""
    digest = hashlib.sha256()
    for example in examples:
        digest.update(np.asarray(example["input_ids"], dtype=np.int64).tobytes())
        digest.update(np.asarray(example["labels"]).tobytes())
    shapes = hashlib.sha256(str([(k, tuple(v.shape)) for k, v in model.state_dict().items()]).encode()).hexdigest()
    ignored = ("output_dir", "checkpoint_every", "device")
    settings = {key: value for key, value in asdict(config).items() if key not in ignored}
    return settings | {"training data": digest.hexdigest()[:16], "model": shapes[:16]}


def _save(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    scheduler: Any,
    position: Position,
    fingerprint: dict[str, Any],
    config: TrainingConfig,
    best: dict[str, torch.Tensor] | None,
) -> None:
    assert config.output_dir is not None
    save_checkpoint(
        Path(config.output_dir) / "checkpoints", model, optimizer, scheduler, position, fingerprint, best=best
    )
