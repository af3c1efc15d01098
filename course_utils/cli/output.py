"""What the commands say to the reader and write to files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from course_utils.errors import InputError


def is_first_process() -> bool:
    """Whether this process may speak and write; of several that train together only the first does."""
    return os.environ.get("RANK", "0") == "0"


def say(message: str) -> None:
    """A line for the reader, on standard error: standard output is for results."""
    typer.echo(message, err=True)


def check_writable(path: Path | None) -> None:
    """Find out before the work, not after it, that a result cannot be written."""
    if path is None:
        return
    if path.is_dir():
        raise InputError(f"{path}: a folder, expected a file to write.")
    if not path.parent.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise InputError(f"{path}: cannot be written. Give a file in a folder that exists and is yours.")


def write_json(result: dict[str, Any], path: Path | None) -> None:
    """Write figures as JSON; NaN, which JSON does not know, becomes null."""
    if path is not None:
        plain = json.loads(json.dumps(result), parse_constant=lambda _: None)
        path.write_text(json.dumps(plain, indent=2, ensure_ascii=False) + "\n", "utf-8")


def figures(result: dict[str, Any]) -> Iterator[str]:
    """``name value [low, high]``, one headline figure a line."""
    for name, value in result.items():
        if f"{name}_interval" in result:
            low, high = result[f"{name}_interval"]
            yield f"{name} {value:.4f}  95 % interval [{low:.4f}, {high:.4f}]"
