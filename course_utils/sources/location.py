"""Where a source is on this machine: in the mirror, in the cache, among NLTK's data, or fetched now."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path

from course_utils.errors import InputError, suggest
from course_utils.sources.catalogue import SOURCES, Source
from course_utils.sources.transfer import SourceError, download, make_folder, reason_of, verify


def cache_folder() -> Path:
    """Where fetched files are kept (``COURSE_CACHE``, else the user's cache folder)."""
    import pooch

    return Path(os.environ.get("COURSE_CACHE") or pooch.os_cache("course-utils"))


def locate(name: str) -> Path:
    """The verified local file of a source: mirror, then cache, then its canonical address.

    Parameters
    ----------
    name : a key of ``SOURCES``

    Raises
    ------
    SourceError
        If the file cannot be had, or its SHA-256 is wrong.
    """
    if name not in SOURCES:
        raise InputError(f'no source is called "{name}": {suggest(name, sorted(SOURCES))}')
    source = SOURCES[name]
    mirror = os.environ.get("COURSE_MIRROR", "").strip()
    over_http = mirror.startswith(("http://", "https://"))
    if mirror and not over_http:
        root = Path(mirror).expanduser()
        if not root.is_dir():
            raise SourceError(f"COURSE_MIRROR={mirror}: no such folder. Correct it, or unset it to use the internet.")
        if (root / source.path).is_file():
            return verify(root / source.path, source, str(root / source.path))
    cached = cache_folder() / source.path
    if cached.is_file():
        return verify(cached, source, str(cached))
    if source.nltk_package and (found := _in_nltk_data(source)):
        return found
    if over_http:
        return download(f"{mirror.rstrip('/')}/{source.path}", cached, source)
    if source.nltk_package:
        return _nltk_download(source)
    return download(source.address, cached, source)


def _in_nltk_data(source: Source) -> Path | None:
    """The package in one of NLTK's own folders (``NLTK_DATA`` and the usual ones), if it is there as a zip."""
    import nltk.data

    inside = Path(source.path).relative_to("nltk_data")
    for folder in nltk.data.path:
        candidate = Path(folder) / inside
        if candidate.is_file():
            return verify(candidate, source, str(candidate))
    return None


def _nltk_download(source: Source) -> Path:
    """The last step for an NLTK package: ``nltk.download`` with NLTK's own index, into the cache."""
    import nltk

    folder = cache_folder() / "nltk_data"
    make_folder(folder)
    target = cache_folder() / source.path
    try:
        nltk.downloader.Downloader().download(
            source.nltk_package,
            download_dir=str(folder),
            quiet=True,
            raise_on_error=True,
            print_error_to=io.StringIO(),  # the reason is in the exception
        )
        return verify(target, source, f"NLTK package {source.nltk_package}")
    except Exception as error:
        target.unlink(missing_ok=True)
        shutil.rmtree(target.with_suffix(""), ignore_errors=True)  # NLTK unpacks next to the archive
        if isinstance(error, SourceError):
            raise
        raise SourceError(
            f"NLTK package {source.nltk_package}: {reason_of(error)}. Check the connection, set NLTK_DATA to a folder "
            f"that has it, or COURSE_MIRROR to one that has {source.path}."
        ) from error


def nltk_corpus_root(name: str) -> Path:
    """Make the NLTK package of a source readable by NLTK and return the ``nltk_data`` folder that holds it."""
    import nltk.data

    root = locate(name).parent.parent
    if str(root) not in nltk.data.path:  # NLTK 3.10 reads nothing outside of this list
        nltk.data.path.insert(0, str(root))
    return root
