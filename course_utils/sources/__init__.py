"""Where bytes come from, and the proof that they are the right ones.

A file is looked for in ``COURSE_MIRROR`` (a folder, or an http address with the same layout), then in the cache, then
at its canonical address. Whatever the way, its SHA-256 is compared before anybody reads it. NLTK packages take NLTK's
own way as the last step. A failed transfer leaves no file behind.
"""

from course_utils.sources.catalogue import SOURCES, Source
from course_utils.sources.location import cache_folder, locate, nltk_corpus_root
from course_utils.sources.transfer import SourceError, sha256_of

__all__ = [
    "SOURCES",
    "Source",
    "SourceError",
    "cache_folder",
    "locate",
    "nltk_corpus_root",
    "sha256_of",
]
