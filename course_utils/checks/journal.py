"""The local file that remembers a learner's results: one JSON object a line, only ever appended to.

Each record goes out in one write at the end of the file, so several kernels can write at once. Nothing here raises when
the file cannot be written or read: it costs progress, not the notebook, and the learner is told once.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from course_utils.runtime import state_folder

Record = dict[str, Any]

VALUE = (int, float, str)
KINDS: dict[str, dict[str, type | tuple[type, ...]]] = {
    "check": {"exercise": str, "state": str, "hint": str},
    "guess": {"name": str, "guess": VALUE, "question": str, "unit": str},
    "reveal": {"name": str, "guess": VALUE, "question": str, "unit": str, "actual": VALUE},
    "test": {"when": str, "answers": dict},
}
"""The kinds of records and the fields, with their types, that a record must have."""
WORDS = {"state": ["passed", "tried"], "when": ["before", "after"]}
"""Fields that hold one of a few words."""


@dataclass(frozen=True)
class Contents:
    """The records that could be read, oldest first, and what has to be said about the rest."""

    records: tuple[Record, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class Journal:
    """The file, and what this process has recorded, whether or not it reached the file."""

    session: list[Record] = field(default_factory=list)
    complained: bool = False

    @property
    def path(self) -> Path:
        """The file; it need not exist."""
        return state_folder() / "progress.jsonl"

    def append(self, kind: str, **fields: Any) -> tuple[str, ...]:
        """Remember a record, and return what the learner should be told: nothing, or once that it was not saved."""
        record = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "kind": kind, **fields}
        assert _is_record(record), record
        self.session.append(record)
        try:
            _append_line(self.path, json.dumps(record).encode() + b"\n")
        except OSError as error:
            if not self.complained:
                self.complained = True
                reason = error.strerror or type(error).__name__
                return (f"Your progress cannot be saved in {self.path} ({reason}). All else works.",)
        return ()

    def read(self) -> Contents:
        """All records of all sessions."""
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return Contents()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            return Contents(notes=(f"Your progress cannot be read from {self.path} ({reason}).",))
        lines = [line for line in raw.split(b"\n") if line.strip()]
        parsed = [_parse(line) for line in lines]
        records = tuple(record for record in parsed if record is not None)
        damaged = len(lines) - len(records)
        note = f"{damaged} of {len(lines)} lines in {self.path} are damaged and left out."
        return Contents(records, (note,) if damaged else ())


JOURNAL = Journal()
"""The journal of this process."""


def _append_line(path: Path, line: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # O_APPEND: the system puts each write at the end as it is then, whoever else is writing.
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    try:
        size = os.fstat(handle).st_size
        if size:
            os.lseek(handle, size - 1, os.SEEK_SET)
            if os.read(handle, 1) != b"\n":  # a writer died within its line: do not continue that line
                line = b"\n" + line
        if os.write(handle, line) != len(line):
            raise OSError("the disk is full")
    finally:
        os.close(handle)


def _parse(line: bytes) -> Record | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):  # not JSON, not UTF-8, or brackets without end
        return None
    return record if _is_record(record) else None


def _is_record(record: Any) -> bool:
    if not isinstance(record, dict) or not isinstance(record.get("time"), str) or record.get("kind") not in list(KINDS):
        return False
    fields = {name: (record.get(name), kind) for name, kind in KINDS[record["kind"]].items()}
    return all(isinstance(value, kind) and value in WORDS.get(name, [value]) for name, (value, kind) in fields.items())
