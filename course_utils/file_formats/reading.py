"""What every format begins with: the text of a file, and the one form of every complaint about it."""

from __future__ import annotations

from pathlib import Path

from course_utils.errors import InputError


def fail(path: Path, line: int | None, found: str, remedy: str) -> InputError:
    """The one form of every complaint about a file: file, line, what was found, what to do."""
    place = f"{path}:{line}" if line else str(path)
    return InputError(" ".join(f"{place}: {found}. {remedy}".split()))


def read_utf8(path: Path) -> str:
    """The text of a file, byte order mark removed; every complaint names the line."""
    if not path.exists():
        raise fail(path, None, "no such file", "Check the path.")
    if not path.is_file():
        raise fail(path, None, "not a file", "Give a file, or a folder with train, validation and test files.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise fail(path, None, f"cannot be read ({error.strerror})", "Check its permissions.") from error
    if not data.strip():
        raise fail(path, None, "the file is empty", "Give a file with examples.")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise fail(path, 1, "the file is UTF-16, expected UTF-8", "Save it again as UTF-8.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise fail(
            path, line, f"byte 0x{data[error.start]:02x} is not UTF-8", "Save the file again as UTF-8."
        ) from error
    if not text.strip():  # nothing but a byte order mark
        raise fail(path, None, "the file is empty", "Give a file with examples.")
    if "\0" in text:
        raise fail(
            path, text.count("\n", 0, text.index("\0")) + 1, "a NUL character", "Is this a text file? Remove it."
        )
    return text


def shorten(text: object, width: int = 40) -> str:
    """What was found, in quotation marks on one line, cut to ``width`` characters."""
    shown = " ".join(str(text).split())
    return f'"{shown[: width - 1]}…"' if len(shown) > width else f'"{shown}"'
