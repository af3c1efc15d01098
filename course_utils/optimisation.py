"""What an optimiser step is made of, besides the gradient: groups and rates, schedule, clipping, loss and penalties."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from course_utils.configuration import BALANCED, TrainingConfig
from course_utils.errors import InputError
from course_utils.models import encoder_layers, parameter_groups
from course_utils.tokenization import IGNORE_INDEX


def make_optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.AdamW:
    """AdamW over everything that trains; decay on matrices only, lower rates for lower layers if asked for."""
    groups = parameter_groups(
        model, config.weight_decay, learning_rate=config.learning_rate, layer_decay=config.layer_decay
    )
    fused = next(model.parameters()).device.type in ("cpu", "cuda")  # one pass over the weights, not ten
    return torch.optim.AdamW(groups, lr=config.learning_rate, fused=fused)


def make_schedule(optimizer: torch.optim.Optimizer, config: TrainingConfig, num_steps: int) -> Any:
    """The learning-rate schedule over ``num_steps`` optimiser steps, warm-up included.

    A warm-up that is a share of the steps leaves at least one step out: a run of one step must move.
    """
    from transformers import get_scheduler

    share = config.warmup_steps
    warmup = min(math.ceil(share * num_steps), num_steps - 1) if share < 1 else int(share)
    name = "constant_with_warmup" if config.schedule == "constant" else config.schedule
    return get_scheduler(name, optimizer, num_warmup_steps=warmup, num_training_steps=num_steps)


def clip_gradients(parameters: Sequence[nn.Parameter], max_norm: float) -> float:
    """Scale all gradients down together, if their common norm is above ``max_norm``; return the norm before."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = nn.utils.get_total_norm(gradients)
    if norm > max_norm:  # most tutorials multiply by 1 otherwise: a walk over all weights for nothing
        nn.utils.clip_grads_with_norm_(parameters, max_norm, norm)
    return float(norm)


class Objective:
    """The loss of a batch, and how much the batch weighs in the mean over a step.

    Without smoothing and class weights it is the model's own loss. A batch weighs as much as it has labels; with class
    weights, as much as these labels weigh, for that is what the weighted mean divides by.

    Parameters
    ----------
    config : label smoothing and class weights
    labels : all training labels, flat, for ``class_weights="balanced"``

    Raises
    ------
    InputError
        If labels are numbers to predict (regression), which have no classes.
    """

    def __init__(self, config: TrainingConfig, labels: np.ndarray) -> None:
        self.smoothing, self.weights = config.label_smoothing, None
        self.regression = labels.dtype.kind == "f"
        self.plain = config.label_smoothing == 0 and config.class_weights is None
        if not self.plain and self.regression:
            raise InputError("label_smoothing and class_weights are for classes; the labels are numbers (regression).")
        if config.class_weights == BALANCED:
            counts = np.bincount(labels[labels != IGNORE_INDEX])
            # As scikit-learn's "balanced". A class that never occurs weighs 1: smoothing asks for its weight.
            balanced = counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1))
            self.weights = torch.tensor(np.where(counts == 0, 1.0, balanced), dtype=torch.float32)
        elif config.class_weights is not None:
            self.weights = torch.tensor(config.class_weights, dtype=torch.float32)
            if labels.max() >= len(self.weights):
                raise InputError(
                    f"class_weights must have a weight for every class, got {len(self.weights)} weights, "
                    f"and class {labels.max()} (counted from 0) in the training labels."
                )

    def weight(self, labels: torch.Tensor) -> float:
        """How much a batch with these labels weighs."""
        if self.regression:  # -100 is a number like any other there
            return float(labels.numel())
        labels = labels[labels != IGNORE_INDEX]
        return float(len(labels) if self.weights is None else self.weights[labels].sum())

    def __call__(self, output: Any, labels: torch.Tensor) -> torch.Tensor:
        """The mean loss of a batch: a scalar tensor."""
        if self.plain:
            return output.loss
        logits = output.logits.float().flatten(0, -2)  # (examples or tokens, num_labels)
        weights = self.weights
        if weights is not None:
            if len(weights) > logits.shape[-1]:
                raise InputError(f"class_weights has {len(weights)} weights, the model has {logits.shape[-1]} classes.")
            # The model may know classes that the training labels lack.
            weights = functional.pad(weights, (0, logits.shape[-1] - len(weights)), value=1.0).to(logits)
        return functional.cross_entropy(
            logits, labels.flatten(), weight=weights, ignore_index=IGNORE_INDEX, label_smoothing=self.smoothing
        )


def add_penalties(parameters: Sequence[nn.Parameter], *, l1: float, l2: float) -> None:
    """Add the gradient of ``l1 * sum |w| + l2 * sum w**2`` over the matrices that train."""
    if l1 == l2 == 0:
        return
    with torch.no_grad():
        for p in parameters:
            if p.grad is not None and p.ndim >= 2:
                p.grad.add_(p.sign(), alpha=l1).add_(p, alpha=2 * l2)


class GradualUnfreezing:
    """Train the head alone in the first epoch, then one more layer from the top in every epoch, last the embeddings.

    References
    ----------
    Howard and Ruder (2018), Universal Language Model Fine-tuning for Text Classification, section 3.3.
    """

    def __init__(self, model: nn.Module) -> None:
        layers = encoder_layers(model)
        encoder: Any = getattr(model, "base_model", model)
        modules = [*reversed(layers), encoder.embeddings]
        # What was frozen before stays frozen.
        self.stages = [[p for p in module.parameters() if p.requires_grad] for module in modules]

    def start_epoch(self, epoch: int) -> None:
        """Thaw what trains in epoch number ``epoch``, counted from 0, and freeze the rest."""
        for stage, parameters in enumerate(self.stages, 1):
            for p in parameters:
                p.requires_grad_(stage <= epoch)
