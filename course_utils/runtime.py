"""Device, precision, threads and seed: what the computation runs on.

``auto`` always means: the best that this machine really has. Nothing here loads data or a model.
"""

from __future__ import annotations

import os
import platform
import random
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from course_utils.errors import InputError

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
PACKAGES = ("torch", "transformers", "datasets", "accelerate", "nltk", "spacy", "scikit-learn", "numpy", "pandas")


def choose_device(name: str = "auto") -> torch.device:
    """The device to compute on: CUDA, then MPS, then CPU for ``auto``.

    Of several processes each takes a CUDA device of its own. ``ACCELERATE_USE_CPU=1`` makes ``auto`` the CPU.

    Raises
    ------
    InputError
        If the name is unknown or the machine has no such device.
    """
    import torch

    if name == "auto" and os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes"):
        name = "cpu"
    kind, _, index = name.partition(":")
    if kind not in DEVICES or (index and not index.isdigit()):
        raise InputError(f'device must be one of {", ".join(DEVICES)} (or "cuda:1"), got "{name}".')
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if kind == "auto":
        name = kind = next(d for d in ("cuda", "mps", "cpu") if available[d])
    if not available[kind]:
        raise InputError(f'device "{name}" was asked for, but this machine has none. Use "auto" or "cpu".')
    if index and kind == "cuda" and int(index) >= torch.cuda.device_count():
        raise InputError(f'device "{name}" was asked for, but there are {torch.cuda.device_count()} CUDA devices.')
    if kind == "cuda" and not index and "LOCAL_RANK" in os.environ:
        name = f"cuda:{os.environ['LOCAL_RANK']}"  # one device a process
    return torch.device(name)


def cpu_has_bfloat16() -> bool:
    """Whether the CPU multiplies bfloat16 matrices in hardware (AVX512-BF16 or AMX); elsewhere it is only emulated."""
    import torch

    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, probe, lambda: False)() for probe in probes)


def choose_precision(name: str = "auto", device: torch.device | str = "cpu") -> str:
    """The precision of the matrix products: ``float32``, ``bfloat16`` or ``float16``.

    ``auto`` takes bfloat16 where the hardware has it, float16 on older CUDA cards, float32 elsewhere.

    Raises
    ------
    InputError
        If the name is unknown, or float16 is asked for on a CPU.
    """
    import torch

    device = torch.device(device)
    if name not in PRECISIONS:
        raise InputError(f'precision must be one of {", ".join(PRECISIONS)}, got "{name}".')
    if name == "float16" and device.type == "cpu":
        raise InputError('precision "float16" needs a GPU. Use "auto", "float32" or "bfloat16" on a CPU.')
    if name != "auto":
        return name
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    return "bfloat16" if device.type == "cpu" and cpu_has_bfloat16() else "float32"


def check_seed(seed: int) -> None:
    """Raise ``InputError`` if NumPy would not take the seed."""
    if not 0 <= seed < 2**32:
        raise InputError(f"seed must lie in [0, 2**32), got {seed}.")


def set_seed(seed: int) -> None:
    """Seed Python, NumPy and PyTorch (all devices), so that a run can be repeated on the same machine."""
    import numpy as np
    import torch

    check_seed(seed)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (libraries draw from it)
    torch.manual_seed(seed)


def state_folder() -> Path:
    """Where the course remembers what this learner did (``COURSE_STATE``, else the user's state folder)."""
    from platformdirs import user_state_path

    return Path(os.environ.get("COURSE_STATE") or user_state_path("course-utils"))


def memory_bytes() -> int | None:
    """Physical memory in bytes, or ``None`` where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def package_versions() -> dict[str, str | None]:
    """Installed versions of the packages that a result depends on."""
    found: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def describe() -> dict[str, object]:
    """What a result was computed on: Python, system, processor, memory, threads, device, precision, versions."""
    import torch

    device = choose_device()
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpu_count": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gib": round((memory_bytes() or 0) / 2**30, 1),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "device": str(device),
        "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "precision": choose_precision(device=device),
        "packages": package_versions(),
    }
