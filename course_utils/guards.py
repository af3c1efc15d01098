"""Blocks that leave a model as they found it, whatever happens inside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from course_utils.errors import InputError


@contextmanager
def left_trainable(model: nn.Module) -> Iterator[None]:
    """After a training that freezes, compiles or fails: what could train can train again, in evaluation mode.

    Gradients are dropped before and after: those of an earlier run must not enter the first step.
    """
    trainable, compiled = [p for p in model.parameters() if p.requires_grad], model._compiled_call_impl
    model.zero_grad()
    try:
        yield
    finally:
        for parameter in trainable:
            parameter.requires_grad_(True)
        model._compiled_call_impl = compiled
        model.zero_grad()
        model.eval()


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Without dropout and without gradients; each module gets its own mode back."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for module, was_training in modes:
            module.training = was_training


@contextmanager
def out_of_memory_explained(batch_size: int) -> Iterator[None]:
    """Turn the device's out-of-memory error into advice."""
    try:
        yield
    except (torch.OutOfMemoryError, RuntimeError, MemoryError) as error:
        on_cpu = "can't allocate memory" in str(error) or "not enough memory" in str(error)
        if not (on_cpu or isinstance(error, (torch.OutOfMemoryError, MemoryError))):
            raise
        raise InputError(
            f"out of memory with batch_size={batch_size}. Halve batch_size and double gradient_accumulation_steps "
            "(a step still has as many examples), or lower max_length or num_layers."
        ) from error


@contextmanager
def allow_tf32(device: torch.device, precision: str) -> Iterator[None]:
    """On CUDA, let what stays in float32 use TF32, unless float32 was asked for by name."""
    before = torch.get_float32_matmul_precision()
    if device.type == "cuda" and precision != "float32":
        torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
