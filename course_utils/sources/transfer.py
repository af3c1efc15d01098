"""Fetch a file and prove that it is the right one; a failed transfer leaves no file behind."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import time
import zipfile
import zlib
from pathlib import Path

from course_utils.errors import InputError
from course_utils.sources.catalogue import Source

ATTEMPTS = 3
WAIT_SECONDS = 0.5  # before the second attempt, twice as long before the third


class SourceError(InputError):
    """A file could not be had, or is not the file it should be."""


def sha256_of(path: Path) -> str:
    """SHA-256 of a file as 64 hexadecimal digits."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def verify(path: Path, source: Source, origin: str) -> Path:
    """Give the path back if the file is the source's; else raise a ``SourceError`` that names where it came from."""
    found = sha256_of(path)
    if found != source.sha256:
        raise SourceError(
            f"{origin}: SHA-256 is {found[:12]}…, expected {source.sha256[:12]}…. "
            "The file is damaged or another version: remove it and fetch it again."
        )
    return path


def reason_of(error: BaseException) -> str:
    """The shortest true account of a failed transfer, on one line."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answered {response.status_code} {response.reason}"
    text = f"{type(error).__name__} {error}"
    if "NLTK_ALLOW_PROXIED_URLOPEN" in text:
        return "NLTK refuses to go through a proxy unless NLTK_ALLOW_PROXIED_URLOPEN=1 is set"
    if "IncompleteRead" in text or "ChunkedEncoding" in text:
        return "the transfer was cut off"
    if any(
        word in text for word in ("NameResolution", "Connection", "Timeout", "ProxyError", "Network", "urlopen error")
    ):
        return "the address cannot be reached (no network?)"
    return " ".join(text.split())[:200]


def make_folder(folder: Path) -> None:
    """Make a folder of the cache, or raise a ``SourceError`` that says how to choose another cache."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SourceError(
            f"{folder}: the cache cannot be written ({error.strerror}). Set COURSE_CACHE to a folder of yours."
        ) from error


def _fetch(address: str, target: Path) -> None:
    """Fetch with a few attempts; a clear no of the server (4xx) is final."""
    import pooch

    # Called directly: around its downloaders pooch logs lines that are no business of the reader.
    downloader = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=30)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            downloader(address, str(target), None)
            return
        except Exception as error:  # requests and urllib3 raise a dozen unrelated types
            status = getattr(getattr(error, "response", None), "status_code", 500)
            if attempt == ATTEMPTS or status < 500:
                raise
            time.sleep(WAIT_SECONDS * attempt)


def download(address: str, target: Path, source: Source) -> Path:
    """Fetch ``address`` into ``target``: a temporary file first, renamed only when its sum is right."""
    make_folder(target.parent)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as folder:
        fetched = Path(folder) / "fetched"
        try:
            _fetch(address, fetched)
        except Exception as error:  # as in _fetch
            raise SourceError(
                f"{address}: {reason_of(error)}. Check the connection, or set COURSE_MIRROR to a folder or address "
                f"that has {source.path}."
            ) from error
        if source.member and address == source.address:
            member = Path(folder) / "member"
            try:
                with (
                    zipfile.ZipFile(fetched) as archive,
                    archive.open(source.member) as inside,
                    open(member, "wb") as out,
                ):
                    shutil.copyfileobj(inside, out)
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, KeyError) as error:
                raise SourceError(
                    f"{address}: not an archive with {source.member} ({error}). Fetch it again later, or set "
                    f"COURSE_MIRROR to a folder that has {source.path}."
                ) from error
            fetched = member
        verify(fetched, source, address)
        os.replace(fetched, target)
    return target
