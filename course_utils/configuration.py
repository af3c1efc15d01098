"""How to train: one frozen record, checked when it is made."""

from __future__ import annotations

from dataclasses import dataclass

from course_utils.errors import InputError
from course_utils.runtime import DEVICES, PRECISIONS

SCHEDULES = ("linear", "cosine", "constant")
BALANCED = "balanced"


@dataclass(frozen=True)
class TrainingConfig:
    """How to train. Every field is checked when the object is made."""

    learning_rate: float  # the highest rate, reached at the end of the warm-up; > 0
    num_epochs: int = 3  # passes over the training data; >= 1
    batch_size: int = 16  # examples a forward pass, over all processes together; >= 1
    weight_decay: float = 0.01  # decoupled (AdamW), on matrices only; >= 0
    warmup_steps: float = 0.1  # steps of rising rate: a whole number >= 1, or a share of all steps in [0, 1)
    schedule: str = "linear"  # after the warm-up: linear or cosine decay to 0, or constant
    max_grad_norm: float = 1.0  # gradients are scaled down to this norm; > 0, infinity for no clipping
    gradient_accumulation_steps: int = 1  # batches an optimiser step; every labelled token weighs the same; >= 1
    label_smoothing: float = 0.0  # share of the target spread evenly over all classes; [0, 1)
    class_weights: tuple[float, ...] | str | None = None  # a weight a class, or "balanced": rare classes weigh more
    l1: float = 0.0  # adds l1 * sum of |w| over the matrices to the loss: a pull towards 0, not to pretraining; >= 0
    l2: float = 0.0  # adds l2 * sum of w**2 likewise; unlike weight_decay it passes through Adam's scaling; >= 0
    layer_decay: float = 1.0  # rate of each layer, times this for every layer further from the head; (0, 1]
    frozen_layers: int | None = None  # the embeddings and so many layers from below do not train; None: all train
    gradual_unfreezing: bool = False  # the head alone in epoch 1, then one more layer from the top in every epoch
    precision: str = "auto"  # auto, float32, bfloat16 or float16
    device: str = "auto"  # auto, cpu, cuda or mps
    compile: bool = False  # torch.compile the model: pays on a GPU after a minute or two, rarely on a CPU
    seed: int = 0  # of order and dropout; the head's initial weights are the model's business
    early_stopping_patience: int | None = None  # stop after so many epochs without gain, and restore the best weights
    best_metric: str = "loss"  # "loss" (lower is better) or a name that ``metric`` returns (higher is better)
    checkpoint_every: int | None = None  # optimiser steps between checkpoints; None for none
    output_dir: str | None = None  # where checkpoints go

    def __post_init__(self) -> None:
        if self.class_weights is not None and not isinstance(self.class_weights, str):
            # Arrays and lists too; a tuple can be compared, and written into a checkpoint.
            object.__setattr__(self, "class_weights", tuple(float(weight) for weight in self.class_weights))
        warmup, patience, every = self.warmup_steps, self.early_stopping_patience, self.checkpoint_every
        weights = self.class_weights
        weights_hold = weights in (None, BALANCED) or (
            not isinstance(weights, str) and len(weights) > 0 and all(weight > 0 for weight in weights)
        )
        rules = {
            "learning_rate": (0 < self.learning_rate < 1, "lie in (0, 1)"),
            "num_epochs": (self.num_epochs >= 1, "be at least 1"),
            "batch_size": (self.batch_size >= 1, "be at least 1"),
            "weight_decay": (0 <= self.weight_decay < 1, "lie in [0, 1)"),
            "warmup_steps": (
                0 <= warmup < 1 or (warmup >= 1 and float(warmup).is_integer()),
                "be a share in [0, 1) or a whole number",
            ),
            "schedule": (self.schedule in SCHEDULES, f"be one of {', '.join(SCHEDULES)}"),
            "max_grad_norm": (self.max_grad_norm > 0, "be positive"),
            "gradient_accumulation_steps": (self.gradient_accumulation_steps >= 1, "be at least 1"),
            "label_smoothing": (0 <= self.label_smoothing < 1, "lie in [0, 1)"),
            "class_weights": (weights_hold, 'be positive numbers, one a class, or "balanced"'),
            "l1": (0 <= self.l1 < 1, "lie in [0, 1)"),
            "l2": (0 <= self.l2 < 1, "lie in [0, 1)"),
            "frozen_layers": (self.frozen_layers is None or self.frozen_layers >= 0, "be at least 0"),
            "layer_decay": (0 < self.layer_decay <= 1, "lie in (0, 1]"),
            "device": (self.device.partition(":")[0] in DEVICES, f"be one of {', '.join(DEVICES)}"),
            "precision": (self.precision in PRECISIONS, f"be one of {', '.join(PRECISIONS)}"),
            "seed": (0 <= self.seed < 2**32, "lie in [0, 2**32)"),
            "early_stopping_patience": (patience is None or patience >= 1, "be at least 1"),
            "checkpoint_every": (every is None or every >= 1, "be at least 1"),
        }
        for name, (holds, rule) in rules.items():
            if not holds:
                raise InputError(f"{name} must {rule}, got {getattr(self, name)}.")
        if self.checkpoint_every and not self.output_dir:
            raise InputError("checkpoint_every needs output_dir: say where the checkpoints go.")
