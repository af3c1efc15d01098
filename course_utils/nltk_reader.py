"""The Eastmere texts through NLTK's own corpus interface.

A module of its own, because importing NLTK's readers brings half of the scientific Python stack along.
"""

from __future__ import annotations

from typing import Any

from nltk.corpus.reader import ConllCorpusReader
from nltk.data import FileSystemPathPointer, SeekableUnicodeStreamReader

from course_utils.eastmere import GENRES, data_folder


class _OwnFiles(FileSystemPathPointer):
    """The package's data: as trustworthy as its code, whoever may write to it.

    NLTK 3.10 refuses files that a group may write to, as all are where the umask is 002, or that belong to whoever
    installed the course.
    """

    def open(self, encoding: str | None = None) -> Any:
        """The file as bytes, or decoded."""
        stream = open(self.path, "rb")  # noqa: SIM115 (NLTK's views close it)
        return stream if encoding is None else SeekableUnicodeStreamReader(stream, encoding)

    def join(self, fileid: str) -> FileSystemPathPointer:
        """A file of the folder."""
        return _OwnFiles(super().join(fileid).path)


class EastmereCorpusReader(ConllCorpusReader):
    """The tagged texts through NLTK's own interface; the vault is not among them.

    ``words()``, ``sents()``, ``tagged_words()`` and ``tagged_sents()`` as for NLTK's corpora (universal tags);
    ``iob_sents()`` and ``chunked_sents()`` give the entities. File names are genres: ``tagged_sents("news.conll")``.

    Examples
    --------
    >>> reader = EastmereCorpusReader()
    >>> reader.tagged_sents("chat.conll")[0][:3]
    [('will', 'VERB'), ('u', 'PRON'), ('b', 'VERB')]
    """

    def __init__(self) -> None:
        import nltk.data

        root = data_folder() / "eastmere" / "tagged"
        if str(root) not in nltk.data.path:  # NLTK 3.10 reads nothing outside of this list
            nltk.data.path.append(str(root))
        files = [f"{genre}.conll" for genre in GENRES]
        super().__init__(_OwnFiles(str(root)), files, ("words", "pos", "chunk"), tagset="universal", separator="\t")

    def _read_grid_block(self, stream: Any) -> list[list[list[str]]]:
        """As NLTK's own, which knows no comment lines: a comment starts with ``# `` and has no tab."""
        from nltk.corpus.reader.util import read_blankline_block

        grids = []
        for block in read_blankline_block(stream):
            lines = [line for line in block.split("\n") if line.strip()]
            grid = [line.split("\t") for line in lines if "\t" in line or not line.startswith("# ")]
            if grid:
                grids.append(grid)
        return grids
