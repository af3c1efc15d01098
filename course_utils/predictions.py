"""What a model answers: logits for every example of a dataset, in its order."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from tqdm.auto import tqdm

from course_utils.batching import LengthGroupedBatchSampler, PaddingCollator
from course_utils.errors import InputError
from course_utils.guards import evaluation_mode
from course_utils.processes import current_processes
from course_utils.runtime import choose_precision
from course_utils.speed import first_token_only
from course_utils.tokenization import IGNORE_INDEX

if TYPE_CHECKING:
    from datasets import Dataset

Batch = dict[str, torch.Tensor]
Collator = Callable[[Sequence[dict[str, Any]]], Batch]


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
        """Mean loss over all labelled examples or tokens, not a mean of batch means.

        Cross-entropy or mean squared error, without the smoothing, weights and penalties of a training recipe.
        """
        logits, labels = (torch.from_numpy(array) for array in self.flat())
        if labels.dtype.is_floating_point:
            return float(nn.functional.mse_loss(logits.squeeze(-1).double(), labels.double()))
        return float(nn.functional.cross_entropy(logits, labels))


def predict(
    model: nn.Module,
    dataset: Dataset,
    *,
    batch_size: int = 64,
    collator: Collator | None = None,
    precision: str = "auto",
) -> Predictions:
    """Logits for every example, in the order of the dataset, without gradients and without dropout.

    Several processes share the work, and each gets all the results: all of them must call it.

    Parameters
    ----------
    model : as for ``fit``, but it is called without labels; its device is used, its training mode is put back
    dataset : encoded examples, with or without ``labels``
    batch_size : examples a forward pass; batches are made of examples of similar length
    collator : makes a batch of examples; by default pads with the model's own padding id
    precision : auto, float32, bfloat16 or float16
    """
    device, processes = next(model.parameters()).device, current_processes()
    precision = choose_precision(precision, device)
    collate = collator or default_collator(model, device)
    examples = dataset.to_list()
    labelled = bool(examples) and "labels" in examples[0]
    lengths = [len(example["input_ids"]) for example in examples]
    own: dict[int, np.ndarray] = {}
    batches = list(LengthGroupedBatchSampler(lengths, batch_size, shuffle=False))
    with evaluation_mode(model), first_token_only(model):
        for rows in progress_bar(processes.share(batches), "predicting", unit="batch"):
            batch = collate([{k: v for k, v in examples[i].items() if k != "labels"} for i in rows])
            with torch.autocast(device.type, getattr(torch, precision), enabled=precision != "float32"):
                output = model(**to_device(batch, device)).logits
            for i, row in zip(rows, output.float().cpu().numpy()):
                own[i] = row[: lengths[i]] if row.ndim == 2 else row
    found = {i: row for part in processes.gather(own) for i, row in part.items()}
    logits = [found[i] for i in range(len(examples))]
    per_token = bool(logits) and logits[0].ndim == 2
    labels = [np.asarray(example["labels"]) for example in examples] if labelled else None
    if per_token or not logits:
        return Predictions(logits, labels)
    return Predictions(np.stack(logits), np.array(labels) if labels is not None else None)


def default_collator(model: nn.Module, device: torch.device) -> PaddingCollator:
    """Pad with the model's own padding id; to multiples of 8 on a GPU, whose matrix units want them."""
    pad = getattr(getattr(model, "config", None), "pad_token_id", None)
    return PaddingCollator(pad if pad is not None else 0, pad_to_multiple_of=8 if device.type == "cuda" else 1)


def to_device(batch: Batch, device: torch.device) -> Batch:
    """A batch on the device; to a GPU by way of pinned memory, so that copying and computing overlap."""
    if device.type == "cuda":
        pinned = {name: t.pin_memory() if t.device.type == "cpu" else t for name, t in batch.items()}
        return {name: tensor.to(device, non_blocking=True) for name, tensor in pinned.items()}
    return {name: tensor.to(device) for name, tensor in batch.items()}


def progress_bar(items: Sequence[Any], description: str, *, unit: str) -> Any:
    """A bar in a terminal and in a notebook kernel; elsewhere, or with ``TQDM_DISABLE=1``, none."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    seen = hasattr(shell, "kernel") or sys.stderr.isatty()
    off = os.environ.get("TQDM_DISABLE", "") not in ("", "0") or not seen or not current_processes().is_first
    return tqdm(items, desc=description, unit=unit, disable=off, leave=False)
