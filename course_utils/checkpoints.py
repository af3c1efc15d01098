"""Training that survives being killed: checkpoints written whole or not at all, and read only when they are sound.

A checkpoint is a folder ``step-00000120`` with the weights, the state of optimiser and schedule, and ``state.json``
with the position and the SHA-256 of the other files. It holds no random state: the noise of a step follows from the
seed, the step's number and the process. It is written under a temporary name and renamed, so a killed process leaves
the last good one as it was.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_model, save_model
from torch import nn

from course_utils.errors import InputError
from course_utils.sources import sha256_of

FORMAT = 3  # 3: no random states, for the noise of a step follows from its number; decay of unused rows
KEEP = 2  # the last one and, should it turn out to be torn, the one before


@dataclass
class Position:
    """Where training stands: ``step`` optimiser steps are done; ``records`` and ``steps`` are the history.

    ``pending_decay`` is the weight decay that unused rows of the embedding still have to get (``speed.UsedRows``).
    """

    epoch: int = 0
    step_in_epoch: int = 0
    step: int = 0
    best: float | None = None
    epochs_without_gain: int = 0
    pending_decay: float = 1.0
    records: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, float]] = field(default_factory=list)


def fingerprint(
    model: nn.Module,
    settings: dict[str, Any],
    data: dict[str, list[dict[str, Any]]],
    optimizer: torch.optim.Optimizer,
) -> dict[str, Any]:
    """What must be equal for a resumed run to end where the uninterrupted one would.

    Parameters
    ----------
    settings : the configuration, and what else can be compared by ``==`` and written as JSON
    data : encoded examples, by the name of their part
    optimizer : its groups; a state of other shapes would be read beyond its end
    """
    found = dict(settings)
    for name, examples in data.items():
        digest = hashlib.sha256()
        for example in examples:
            digest.update(np.asarray(example["input_ids"], dtype=np.int64).tobytes())
            digest.update(np.asarray(example["labels"]).tobytes())
        found[f"{name} data"] = digest.hexdigest()[:16]
    shapes = {
        "model": [(name, tuple(value.shape)) for name, value in model.state_dict().items()],
        "trained weights": [[tuple(p.shape) for p in group["params"]] for group in optimizer.param_groups],
    }
    return found | {name: hashlib.sha256(str(value).encode()).hexdigest()[:16] for name, value in shapes.items()}


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return  # Windows opens no folders, and syncs only what is open for writing
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def save_checkpoint(
    folder: Path,
    model: nn.Module,
    states: dict[str, Any],
    position: Position,
    fingerprint: dict[str, Any],
    *,
    best: dict[str, torch.Tensor] | None = None,
) -> Path:
    """Write one checkpoint into ``folder`` and remove all but the last two of this run.

    Parameters
    ----------
    folder : the folder of all checkpoints of this run
    states : what has a ``state_dict`` besides the model, by name: optimiser, schedule, scaler
    fingerprint : what must be equal for a resume to make sense (configuration, data, shapes)
    best : the best weights so far, when early stopping keeps them

    Raises
    ------
    InputError
        If the disk is full or cannot be written; the checkpoints that are there stay as they are.
    """
    target = folder / f"step-{position.step:08d}"
    temporary = folder / f".writing-{position.step:08d}"
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        save_model(model, str(temporary / "model.safetensors"))
        training = {name: part.state_dict() for name, part in states.items()} | {"best": best}
        torch.save(training, temporary / "training.pt")
        sums = {path.name: sha256_of(path) for path in sorted(temporary.iterdir())}
        state = {"format": FORMAT, "position": asdict(position), "fingerprint": fingerprint, "sha256": sums}
        (temporary / "state.json").write_text(json.dumps(state), "utf-8")
        for path in [*temporary.iterdir(), temporary]:
            _sync(path)
        shutil.rmtree(target, ignore_errors=True)
        os.replace(temporary, target)
        _sync(folder)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
        shutil.rmtree(temporary, ignore_errors=True)
        reason = " ".join(str(error).split())[:160]
        raise InputError(
            f"{folder}: the checkpoint cannot be written ({reason}). Free some space and resume."
        ) from error
    kept = [path for path in sorted(folder.glob("step-*")) if path <= target][-KEEP:]
    for other in folder.glob("step-*"):
        if other not in kept:  # older, or of an earlier run that went further: it would crowd out this one's
            shutil.rmtree(other, ignore_errors=True)
    return target


def _why_refused(folder: Path, fingerprint: dict[str, Any]) -> str | None:
    try:
        state = json.loads((folder / "state.json").read_text("utf-8"))
        if state["format"] != FORMAT:
            return f"its format is {state['format']}, this version reads {FORMAT}"
        for name, expected in state["sha256"].items():
            if sha256_of(folder / name) != expected:
                return f"{name} is damaged"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"it is not complete ({type(error).__name__})"
    different = [key for key, value in fingerprint.items() if state["fingerprint"].get(key) != value]
    if different:
        key = different[0]
        return f"{key} was {state['fingerprint'].get(key)}, now it is {fingerprint[key]}"
    return None


def load_checkpoint(
    folder: Path,
    model: nn.Module,
    states: dict[str, Any],
    fingerprint: dict[str, Any],
    say: Callable[[str], None],
) -> tuple[Position, dict[str, torch.Tensor] | None]:
    """Restore the last sound checkpoint of ``folder`` into the given objects.

    Parameters
    ----------
    states : as for ``save_checkpoint``
    say : told of every checkpoint that is refused, and why

    Returns
    -------
    The position to go on from, and the best weights so far (``None`` if they were not kept).

    Raises
    ------
    InputError
        If there is no checkpoint, or none is sound.
    """
    found = sorted(folder.glob("step-*"), reverse=True)
    if not found:
        raise InputError(f"{folder}: no checkpoint to resume from. Train without resuming first.")
    reasons = []
    for candidate in found:
        reason = _why_refused(candidate, fingerprint)
        if reason:
            reasons.append(f"{candidate.name}: {reason}")
            say(f"checkpoint refused: {reasons[-1]}")
            continue
        state = json.loads((candidate / "state.json").read_text("utf-8"))
        load_model(model, str(candidate / "model.safetensors"))
        training = torch.load(candidate / "training.pt", weights_only=True, map_location="cpu")
        for name, part in states.items():
            part.load_state_dict(training[name])
        return Position(**state["position"]), training["best"]
    raise InputError(f"{folder}: no checkpoint can be used ({'; '.join(reasons)}). Train again without resuming.")


def remove_checkpoints(folder: Path) -> None:
    """Remove the checkpoints of a run that is finished."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)
