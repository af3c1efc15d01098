"""Read a learner's own files, and say exactly what is wrong with them.

Text files (``.csv``, ``.tsv``, ``.jsonl``) give one example a row; tagged files (``.conll``, ``.conllu``, ``.iob2``)
one token a line and a blank line between sentences. Nothing is repaired and nothing is dropped without being counted.
"""

from course_utils.file_formats.reading import fail, read_utf8
from course_utils.file_formats.tagged_files import TAGGED_SUFFIXES, TaggedFile, blocks, check_bio, read_tagged_file
from course_utils.file_formats.text_files import GROUP_COLUMNS, TEXT_SUFFIXES, TextFile, read_text_file

TASKS = ("pos", "ner", "classify", "regress")
"""What a file may be read for: tagged files for the first two, text files for the others."""

__all__ = [
    "GROUP_COLUMNS",
    "TAGGED_SUFFIXES",
    "TASKS",
    "TEXT_SUFFIXES",
    "TaggedFile",
    "TextFile",
    "blocks",
    "check_bio",
    "fail",
    "read_tagged_file",
    "read_text_file",
    "read_utf8",
]
