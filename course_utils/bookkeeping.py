"""Everything around the training loop: what is prepared before it, noted during it, and restored after it."""

from __future__ import annotations

import copy
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from tqdm.auto import tqdm

from course_utils.batching import LengthGroupedBatchSampler
from course_utils.checkpoints import Position, fingerprint, load_checkpoint, save_checkpoint
from course_utils.configuration import TrainingConfig
from course_utils.errors import InputError
from course_utils.guards import allow_tf32
from course_utils.models import freeze
from course_utils.optimisation import GradualUnfreezing, Objective, make_optimizer, make_schedule
from course_utils.predictions import (
    Batch,
    Collator,
    Predictions,
    default_collator,
    predict,
    progress_bar,
    to_device,
)
from course_utils.processes import Processes, current_processes
from course_utils.runtime import choose_device, choose_precision, set_seed
from course_utils.speed import FastDropout, UsedRows, first_token_only, recomputes, step_seed
from course_utils.tokenization import IGNORE_INDEX

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset

Metric = Callable[[Predictions], dict[str, float]]

OWN_FIGURES = ("epoch", "train_loss", "validation_loss", "seconds", "examples_per_second")
"""Names in a record that a metric must not use."""
NOT_IN_FINGERPRINT = ("output_dir", "checkpoint_every", "device")
"""Settings that a resumed run may change."""


@dataclass
class History:
    """What happened: ``records`` has one row an epoch, ``steps`` one row an optimiser step.

    A step's ``weight`` is the number of its labels, or the sum of their class weights; an epoch's ``train_loss`` is the
    mean of the steps' losses with these weights.
    """

    records: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, float]] = field(default_factory=list)
    stopped_early: bool = False

    def to_frame(self) -> pd.DataFrame:
        """One row an epoch: losses, metrics, seconds, examples per second."""
        import pandas as pd

        return pd.DataFrame(self.records)


class Run:
    """One call of ``fit``: data in batches, optimiser, position. The model is in the care of ``guards``."""

    def __init__(
        self,
        model: nn.Module,
        train: Dataset,
        validation: Dataset,
        config: TrainingConfig,
        collator: Collator | None,
        metric: Metric | None,
    ) -> None:
        for name, part in (("train", train), ("validation", validation)):
            if len(part) == 0 or "labels" not in part.column_names:
                raise InputError(f"{name} must have examples with labels, got {len(part)} rows of {part.column_names}.")
        self.model, self.validation, self.config, self.metric = model, validation, config, metric
        self.processes = current_processes()
        self.device = _device(config, self.processes)
        self.precision = choose_precision(config.precision, self.device)
        model.to(self.device)
        self.processes.equalise(model.state_dict().values())  # the new head is random in each process
        self.examples = train.to_list()
        lengths = [len(example["input_ids"]) for example in self.examples]
        self.sampler = LengthGroupedBatchSampler(lengths, config.batch_size, seed=config.seed)
        self.steps_per_epoch = math.ceil(len(self.sampler) / config.gradient_accumulation_steps)
        labels = np.concatenate([np.atleast_1d(example["labels"]) for example in self.examples])
        if labels.dtype.kind != "f" and getattr(getattr(model, "config", None), "num_labels", None) == 1:
            raise InputError(
                "the labels are whole numbers (classes), but the model has one output (regression). "
                "Give it num_labels, or make the labels floats."
            )
        self.objective = Objective(config, labels)
        if config.frozen_layers is not None:
            freeze(model, num_layers=config.frozen_layers)
        if not any(p.requires_grad for p in model.parameters()):
            raise InputError("no weight of the model trains: all are frozen. Set requires_grad_(True) on the head.")
        self.unfreezing = GradualUnfreezing(model) if config.gradual_unfreezing else None
        padding = default_collator(model, self.device)
        self.collate: Collator = collator or padding
        self.rows: UsedRows | None = None
        # Another collator may use other rows, penalties pull at every row, a scaler may skip a step.
        if collator is None and config.l1 == config.l2 == 0 and self.precision != "float16":
            used = {i for example in self.examples for i in example["input_ids"]}
            self.rows = UsedRows.of(model, sorted(used | {padding.pad_token_id}))
        with self._small_embedding():
            self.optimizer = make_optimizer(model, config)
            self.parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        if self.rows:
            self.rows.watch(self.optimizer)
        self.scheduler = make_schedule(self.optimizer, config, self.steps_per_epoch * config.num_epochs)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == "float16")
        self.scaler.scale(torch.zeros(1, device=self.device))  # it starts at its first use, which a process may lack
        self.states = {"optimizer": self.optimizer, "scheduler": self.scheduler, "scaler": self.scaler}
        settings = {name: value for name, value in asdict(config).items() if name not in NOT_IN_FINGERPRINT}
        settings |= {"class_weights": str(config.class_weights), "number of processes": self.processes.count}
        data = {"training": self.examples, "validation": validation.to_list()}
        self.fingerprint = fingerprint(model, settings, data, self.optimizer)
        self.position = Position()
        self.best_weights: dict[str, torch.Tensor] | None = None
        if config.compile:
            model.compile()

    def resume(self, folder: Path) -> None:
        """Go on where a checkpoint of the same run stands."""
        say = partial(tqdm.write, file=sys.stderr) if self.processes.is_first else lambda _: None
        self.position, self.best_weights = load_checkpoint(folder, self.model, self.states, self.fingerprint, say=say)
        if self.rows:
            self.rows.pending = self.position.pending_decay

    # Epochs

    def epochs(self) -> Iterator[int]:
        """Numbers of the epochs still to do, until patience is over."""
        patience = self.config.early_stopping_patience
        for epoch in range(self.position.epoch, self.config.num_epochs):
            if patience is not None and self.position.epochs_without_gain >= patience:
                return
            yield epoch

    @contextmanager
    def training_mode(self, epoch: int) -> Iterator[None]:
        """An epoch's training, with dropout, and with the small embedding if there is one."""
        if self.unfreezing:
            self.unfreezing.start_epoch(epoch)
        self.model.train()
        self.started, self.seen = time.perf_counter(), 0
        with self._small_embedding(), allow_tf32(self.device, self.config.precision):
            yield

    @contextmanager
    def _small_embedding(self) -> Iterator[None]:
        if self.rows:
            self.rows.swap_in()
        try:
            yield
        finally:
            if self.rows:
                self.rows.swap_out()

    def end_epoch(self, epoch: int) -> None:
        """Evaluate, note the figures, keep the best weights, write a checkpoint."""
        speed = self.seen / (time.perf_counter() - self.started)  # of training alone, without the evaluation
        position, done = self.position, self.position.steps[-self.steps_per_epoch :]
        losses, weights = [row["loss"] for row in done], [row["weight"] for row in done]
        predictions = predict(self.model, self.validation, collator=self.collate, precision=self.precision)
        figures = {name: float(value) for name, value in (self.metric(predictions) if self.metric else {}).items()}
        if taken := [name for name in figures if name in OWN_FIGURES]:
            raise InputError(f'metric must not return "{taken[0]}": the history has a figure of that name.')
        record = {
            "epoch": epoch + 1,
            "train_loss": float(np.average(losses, weights=weights)),  # not a mean of batch means
            "validation_loss": predictions.loss,
            **figures,
            "seconds": time.perf_counter() - self.started,
            "examples_per_second": speed,
        }
        record = self.processes.gather(record)[0]  # they stop together, also when a metric draws random numbers
        position.records.append(record)
        if self._is_best(record):
            position.epochs_without_gain = 0
            if self.config.early_stopping_patience:
                weights_now = {name: value.detach().cpu() for name, value in self.model.state_dict().items()}
                self.best_weights = copy.deepcopy(weights_now)
        else:
            position.epochs_without_gain += 1
        position.epoch, position.step_in_epoch = epoch + 1, 0
        if self.config.checkpoint_every:
            self._save()

    def _is_best(self, record: dict[str, Any]) -> bool:
        name = "validation_loss" if self.config.best_metric == "loss" else self.config.best_metric
        known = [name for name in record if name not in OWN_FIGURES or name == "validation_loss"]
        if name not in known:
            raise InputError(f'best_metric "{name}" is not among {", ".join(known)}. Let metric return it.')
        value = -record[name] if name == "validation_loss" else record[name]
        # What is not a number is never best: nothing would be above it afterwards.
        best = not math.isnan(value) and (self.position.best is None or value > self.position.best)
        if best:
            self.position.best = value
        return best

    def finish(self) -> History:
        """The history; the model gets its best weights again if they were kept."""
        if self.best_weights is not None:
            self.model.load_state_dict(self.best_weights)
        position = self.position
        return History(position.records, position.steps, stopped_early=position.epoch < self.config.num_epochs)

    # Steps

    def steps(self, epoch: int) -> Iterator[list[tuple[Batch, float]]]:
        """For each optimiser step this process's batches, each with its share of all labels of the step."""
        self.sampler.epoch = epoch
        batches, size = list(self.sampler), self.config.gradient_accumulation_steps
        groups = [batches[i : i + size] for i in range(0, len(batches), size)]
        done = self.position.step_in_epoch  # before the run was interrupted
        bar = progress_bar(groups, f"epoch {epoch + 1}/{self.config.num_epochs}", unit="step")
        for number, group in enumerate(bar):
            if number < done:
                continue
            yield self._prepare(group)
            self.seen += sum(len(rows) for rows in group)
            speed = self.seen / (time.perf_counter() - self.started)
            bar.set_postfix_str(f"loss {self.position.steps[-1]['loss']:.3f}, {speed:.0f} examples/s")

    def _prepare(self, group: Sequence[list[int]]) -> list[tuple[Batch, float]]:
        # Noise is a function of seed, step and process: a resumed run needs nothing else to draw the same.
        noise = (self.config.seed, self.position.step, self.processes.rank)
        set_seed(step_seed(*noise))
        self.dropout = FastDropout(noise)
        own = [part for rows in group if (part := self.processes.share(rows))]
        batches = [self.collate([self.examples[i] for i in rows]) for rows in own]
        weights = [self.objective.weight(batch["labels"]) for batch in batches]
        self.step_weight = self.processes.sum(sum(weights))
        if self.step_weight == 0:
            step = self.position.step + 1
            raise InputError(f"step {step}: all labels are {IGNORE_INDEX}; nothing to learn. Check them.")
        weighed = [(batch, weight / self.step_weight) for batch, weight in zip(batches, weights) if weight]
        return [(to_device(batch, self.device), share) for batch, share in weighed]

    @contextmanager
    def forward_pass(self) -> Iterator[None]:
        """Mixed precision, and the ways to compute the same in less time."""
        precision = getattr(torch, self.precision)
        with ExitStack() as stack:
            stack.enter_context(torch.autocast(self.device.type, precision, enabled=self.precision != "float32"))
            if not self.config.compile:  # the compiler has ways of its own
                stack.enter_context(first_token_only(self.model))
                # Gradient checkpointing runs layers again, outside this block: they must draw the same noise there.
                if self.device.type == "cpu" and not recomputes(self.model):
                    stack.enter_context(self.dropout)
            yield

    def note_loss(self, loss: torch.Tensor) -> None:
        """Note the loss of a step, the sum over its batches and processes; stop if it is not a number any more."""
        value, step, rate = self.processes.sum(loss.item()), self.position.step + 1, self.scheduler.get_last_lr()[0]
        if not math.isfinite(value):
            raise InputError(
                f"the loss is {value} at step {step} (learning rate {rate:.1e}). "
                "Lower learning_rate, or lengthen the warm-up."
            )
        row = {"step": step, "loss": value, "learning_rate": rate, "weight": self.step_weight}
        self.position.steps.append(row)

    def end_step(self) -> None:
        """Count the step; write a checkpoint if one is due and the epoch's end will not write one."""
        position, every = self.position, self.config.checkpoint_every
        position.step += 1
        position.step_in_epoch += 1
        if every and position.step % every == 0 and position.step_in_epoch < self.steps_per_epoch:
            if self.rows:
                self.rows.swap_out(shrink=False)  # at the epoch's end: in one go, so that checkpoints change no digit
            self._save()
            if self.rows:
                self.rows.swap_in()

    def _save(self) -> None:
        assert self.config.output_dir is not None
        if self.rows:
            self.position.pending_decay = self.rows.pending
        if self.processes.is_first:
            folder = Path(self.config.output_dir) / "checkpoints"
            save_checkpoint(folder, self.model, self.states, self.position, self.fingerprint, best=self.best_weights)


def _device(config: TrainingConfig, processes: Processes) -> torch.device:
    device = choose_device(config.device)
    if processes.count > 1 and device.type != choose_device().type:
        raise InputError(
            f"{processes.count} processes share their work on {choose_device().type}, got device={config.device}. "
            "For the CPU set ACCELERATE_USE_CPU=1 and hide the GPUs (CUDA_VISIBLE_DEVICES=)."
        )
    return device
