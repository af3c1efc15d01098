"""What a computation costs: its floating-point operations, the machine's matrix peak, memory, spread, growth."""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from course_utils.models import encoder_layers

if TYPE_CHECKING:
    from transformers import PreTrainedModel

PROCESS_STATUS, PROCESSORS = Path("/proc/self/status"), Path("/proc/cpuinfo")  # Linux only
MATRIX_SIZES = (1024, 2048)
PEAK_PRECISIONS = ("float32", "bfloat16")


# Work


def encoder_weights(model: PreTrainedModel) -> int:
    """Weights in the matrices of the encoder's layers: those that every token is multiplied with."""
    return sum(p.numel() for layer in encoder_layers(model) for p in layer.parameters() if p.ndim == 2)


def model_flops(model: PreTrainedModel, lengths: Sequence[int], *, training: bool) -> int:
    """Floating-point operations that the encoder needs for inputs of these lengths.

    With ``W`` weights in the matrices of ``L`` layers of width ``h``, the forward pass of an input of ``n`` tokens
    takes ``2 W n + 4 L h n²``: each weight is one multiplication and one addition a token, and attention has two
    products, scores and weighted sum, with ``h n²`` multiplications and additions each. Training takes three times
    as much (``6 W n + 12 L h n²``), because the backward pass computes two gradients where the forward pass computes
    one output. Only what the model needs is counted: no padding, nothing that is computed twice. Embeddings (looked
    up), heads, normalisation, softmax, dropout and the optimiser are left out. Layers are counted whole, so a program
    that leaves out what a classifier's last layer computes in vain is faster, but not busier, than its rate says.

    Parameters
    ----------
    model : an encoder with or without a head
    lengths : real tokens of each input, special tokens included
    training : forward and backward pass, or the forward pass alone

    References
    ----------
    Kaplan et al. (2020), Scaling Laws for Neural Language Models, section 2.1.
    Chowdhery et al. (2022), PaLM: Scaling Language Modeling with Pathways, appendix B.
    """
    n = np.asarray(lengths, dtype=np.int64)
    layers, width = model.config.num_hidden_layers, model.config.hidden_size
    forward = 2 * encoder_weights(model) * n.sum() + 4 * layers * width * (n**2).sum()
    return int(forward) * (3 if training else 1)


# The machine


def processor_name() -> str:
    """The processor's name, as far as the system says it."""
    lines = PROCESSORS.read_text("utf-8").splitlines() if PROCESSORS.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor()


def available_cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load_average() -> float | None:
    """Processes that wanted to run in the last minute, on average; ``None`` where the system does not say."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def synchronise(device: torch.device | str) -> None:
    """Wait until the device has done what it was given: a GPU works on while Python goes on."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)


def matrix_rate(size: int, precision: str, *, device: torch.device | str = "cpu", seconds: float = 1.0) -> float:
    """The best rate, in FLOP/s, of a product of two square matrices.

    Parameters
    ----------
    size : rows and columns; the product takes ``2 size³`` operations
    precision : ``float32``, ``bfloat16`` or ``float16``
    seconds : for how long to try; at least one product is timed after a first one that is not
    """
    dtype = getattr(torch, precision)
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(size, size, generator=generator).to(device, dtype) for _ in range(2))
    out = torch.empty_like(left)
    best, begun = float("inf"), time.perf_counter()
    for attempt in range(10_000):
        synchronise(device)
        started = time.perf_counter()
        torch.mm(left, right, out=out)
        synchronise(device)
        ended = time.perf_counter()
        if attempt > 0:
            best = min(best, ended - started)
            if ended - begun > seconds:
                break
    return 2 * size**3 / best


def matrix_rates(
    *,
    device: torch.device | str = "cpu",
    sizes: Sequence[int] = MATRIX_SIZES,
    seconds: float = 1.0,
    patience: float = 5.0,
) -> dict[str, dict[str, float | None]]:
    """``matrix_rate`` by precision and size; ``None`` where one product would take longer than ``patience`` seconds.

    A CPU that only emulates bfloat16 is a hundred times slower in it.
    """
    rates: dict[str, dict[str, float | None]] = {}
    for precision in PEAK_PRECISIONS:
        expected = matrix_rate(256, precision, device=device, seconds=0.05)
        rates[precision] = {}
        for size in sizes:
            too_slow = 2 * size**3 / expected > patience
            rate = None if too_slow else matrix_rate(size, precision, device=device, seconds=seconds)
            rates[precision][str(size)] = rate
    return rates


def peak_memory() -> int | None:
    """The most memory in bytes that this process has had resident, or ``None`` where the system does not say.

    Linux keeps this mark for each program. The more usual ``getrusage`` also remembers the program that started this
    one, however large that was; it is asked only elsewhere.
    """
    if PROCESS_STATUS.exists():
        return _status_bytes("VmHWM")
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def resident_memory() -> int | None:
    """The memory in bytes that this process has resident now, or ``None`` where the system does not say."""
    return _status_bytes("VmRSS") if PROCESS_STATUS.exists() else None


def _status_bytes(key: str) -> int:
    lines = (line.split() for line in PROCESS_STATUS.read_text("utf-8").splitlines())
    return next(int(words[1]) * 1024 for words in lines if words and words[0] == f"{key}:")


# Repeated measurements


@dataclass(frozen=True)
class Spread:
    """The middle, the lowest and the highest of repeated measurements."""

    median: float
    low: float
    high: float
    count: int


def spread(values: Sequence[float]) -> Spread:
    """Summary of repeated measurements, which are too few for a standard deviation.

    Examples
    --------
    >>> spread([3.0, 1.0, 2.0])
    Spread(median=2.0, low=1.0, high=3.0, count=3)
    """
    return Spread(float(statistics.median(values)), float(min(values)), float(max(values)), len(values))


def growth_exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The exponent ``b`` of ``cost = a · size^b``, by least squares on the logarithms.

    1 means that twice the size costs twice as much, 2 that it costs four times as much.

    Examples
    --------
    >>> round(growth_exponent([1, 2, 4], [5, 20, 80]), 3)
    2.0
    """
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])
