"""Clean texts and tags, deduplicate, and split without leakage.

Each function mends one kind of fault and leaves everything else as it is. Faults lie on top of each other, so a text
from the web is cleaned from the outside: ``clean_html`` first, since markup was added last; then ``repair_encoding``,
which needs every character as it came; ``normalise_unicode`` and ``normalise_whitespace``; if you want them,
``fold_width`` and ``straighten_quotes``. Duplicates are looked for after that, and splits are made last.
"""

from course_utils.cleaning.characters import (
    INVISIBLE,
    fold_width,
    normalise_unicode,
    normalise_whitespace,
    straighten_quotes,
)
from course_utils.cleaning.deduplication import duplicate_groups, find_near_duplicates, shingles
from course_utils.cleaning.encoding import EncodingRepair, repair_encoding
from course_utils.cleaning.markup import clean_html
from course_utils.cleaning.splits import split_grouped
from course_utils.cleaning.tags import BioRepair, TagChange, repair_bio

__all__ = [
    "INVISIBLE",
    "BioRepair",
    "EncodingRepair",
    "TagChange",
    "clean_html",
    "duplicate_groups",
    "find_near_duplicates",
    "fold_width",
    "normalise_unicode",
    "normalise_whitespace",
    "repair_bio",
    "repair_encoding",
    "shingles",
    "split_grouped",
    "straighten_quotes",
]
