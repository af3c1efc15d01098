"""A name or a path becomes a ``datasets.DatasetDict`` with ``train``, ``validation`` and ``test``.

Tagging corpora have ``tokens`` and ``pos_tags`` or ``ner_tags``; classification corpora ``text`` and ``label``. Labels
are ``ClassLabel`` features, so that numbers and names cannot drift apart. The splits never use an official test part:
leave it for your final claim. What was left out, converted or split is said in ``corpus_notes``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_utils import eastmere, published
from course_utils.columns import LABEL_COLUMNS, SHARES, SPLITS, Columns, Splits, build, label_sets
from course_utils.errors import InputError, suggest
from course_utils.file_formats import TAGGED_SUFFIXES, TASKS, TEXT_SUFFIXES
from course_utils.own_files import load_path, load_single_file

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

    from course_utils.nltk_reader import EastmereCorpusReader

__all__ = [
    "CORPORA",
    "LABEL_COLUMNS",
    "SHARES",
    "SPLITS",
    "Corpus",
    "EastmereCorpusReader",
    "corpus_notes",
    "label_names",
    "load_corpus",
    "load_single_file",
]


def __getattr__(name: str) -> Any:
    """Import NLTK only when its reader is asked for: ``from course_utils.corpora import EastmereCorpusReader``."""
    if name == "EastmereCorpusReader":
        from course_utils.nltk_reader import EastmereCorpusReader

        return EastmereCorpusReader
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@dataclass(frozen=True)
class Corpus:
    """A corpus that can be asked for by name."""

    tasks: tuple[str, ...]
    sources: tuple[str, ...]
    description: str
    load: Callable[[], tuple[Splits, list[str]]]
    labels: tuple[tuple[str, str], ...] = ()  # task and the column that is its label, where no column is called label
    cleaned: str = ""  # what to train on instead, for a corpus that is there to be cleaned


CORPORA: dict[str, Corpus] = {
    "eastmere-tagged": Corpus(("pos", "ner"), (), "an invented town: six genres, 4 entity types", eastmere.load_tagged),
    "eastmere-reviews": Corpus(
        ("classify", "regress"),
        (),
        "reviews of an invented town: stars, six domains",
        eastmere.load_reviews,
        labels=(("classify", "domain"), ("regress", "stars")),
    ),
    "eastmere-polarity": Corpus(("classify",), (), "the same reviews, 2 labels", eastmere.load_polarity),
    "eastmere-reviews-raw": Corpus(
        (), (), "the same reviews as collected, to be cleaned", eastmere.load_raw, cleaned="eastmere-reviews"
    ),
    "brown": Corpus(
        ("pos",), ("brown", "universal-tagset"), "American English of 1961, 15 categories", published.load_brown
    ),
    "treebank": Corpus(
        ("pos",), ("treebank", "universal-tagset"), "Wall Street Journal, a sample", published.load_treebank
    ),
    "conll2000": Corpus(
        ("pos",), ("conll2000", "universal-tagset"), "Wall Street Journal with chunks", published.load_conll2000
    ),
    "ud-ewt": Corpus(("pos",), ("ud-ewt-train", "ud-ewt-dev"), "web English, 17 universal tags", published.load_ud_ewt),
    "wnut17": Corpus(
        ("ner",), ("wnut17-train", "wnut17-dev"), "emerging entities in messages, 6 types", published.load_wnut17
    ),
    "wikigold": Corpus(("ner",), ("wikigold",), "Wikipedia articles, 4 entity types", published.load_wikigold),
    "sst2": Corpus(("classify",), ("sst2",), "sentences and phrases of film reviews, 2 labels", published.load_sst2),
    "movie-reviews": Corpus(
        ("classify",), ("movie-reviews",), "whole film reviews, 2 labels", published.load_movie_reviews
    ),
    "banking77": Corpus(
        ("classify",), ("banking77", "banking77-labels"), "bank requests, 77 intents", published.load_banking77
    ),
    "ag-news": Corpus(("classify",), ("ag-news", "ag-news-labels"), "short news, 4 topics", published.load_ag_news),
}
"""Every corpus that ``load_corpus`` knows by name."""

_HAVE_A_VAULT = "eastmere-tagged, eastmere-reviews and eastmere-polarity have one."


def _choose_columns(name: str, part: Columns, text_column: str, label_column: str, *, as_number: bool) -> None:
    """Let the chosen columns of a named corpus be its ``text`` and ``label``."""
    for target, chosen in (("text", text_column), ("label", label_column)):
        if chosen == target:
            continue
        if chosen not in part or chosen == "tokens" or chosen.endswith("_tags"):
            fitting = ", ".join(column for column in part if column != "tokens" and not column.endswith("_tags"))
            raise InputError(f'corpus "{name}" has no {target} column "{chosen}". Choose one of {fitting}.')
        try:
            part[target] = [float(value) if as_number and target == "label" else str(value) for value in part[chosen]]
        except ValueError as error:
            raise InputError(f'corpus "{name}": column "{chosen}" has no numbers to learn ({error}).') from error


def load_corpus(
    name_or_path: str | Path,
    *,
    task: str | None = None,
    text_column: str = "text",
    label_column: str = "label",
    scheme: str = "iob2",
    seed: int = 0,
    vault: bool = False,
) -> DatasetDict:
    """Load a corpus by name, or a learner's own file or folder.

    Parameters
    ----------
    name_or_path : a key of ``CORPORA``, a file (``.csv .tsv .jsonl .conll .conllu .iob2``), or a folder with files
        ``train.*``, ``validation.*``, ``test.*``; missing splits are made, stratified and grouped
    task : ``pos``, ``ner``, ``classify`` or ``regress``; checks that the corpus fits, decides how labels are read
    text_column, label_column : the columns to use as ``text`` and ``label``
    scheme : of entity tags in a file: ``iob2``, or ``iob1``, which is converted
    seed : of the splits that are made for a file; the splits of named corpora are fixed
    vault : open the vault of an Eastmere corpus instead: examples for one last check. Each opening is recorded

    Returns
    -------
    DatasetDict with ``train``, ``validation`` and ``test``, or with ``vault`` alone; ``eastmere-reviews-raw``, which is
    there to be cleaned, has ``raw`` alone.

    Raises
    ------
    InputError
        A ``ValueError`` that names file, line, what was found, and what to do.
    """
    if task is not None and task not in TASKS:
        raise InputError(f'task must be one of {", ".join(TASKS)}, got "{task}".')
    name = str(name_or_path)
    if name in CORPORA:
        corpus = CORPORA[name]
        if task is not None and corpus.cleaned:
            raise InputError(f'corpus "{name}" is uncleaned and has no splits. Its clean form is {corpus.cleaned}.')
        if task is not None and task not in corpus.tasks:
            fitting = ", ".join(sorted(other for other, c in CORPORA.items() if task in c.tasks))
            raise InputError(
                f'corpus "{name}" is for {" and ".join(corpus.tasks)}, not for {task}. '
                + (f"For {task} there are {fitting}." if fitting else f"Give a file of your own for {task}.")
            )
        splits, notes = corpus.load()
        label = label_column if label_column != "label" else dict(corpus.labels).get(task or "", "label")
        for part in splits.values():
            _choose_columns(name, part, text_column, label, as_number=task == "regress")
        sealed = splits.pop("vault", None)
        if not vault:
            return build(splits, notes)
        if sealed is None:
            raise InputError(f'corpus "{name}" has no vault. {_HAVE_A_VAULT}')
        notes = [*notes, f"{name}: the vault was opened; openings so far: {eastmere.record_vault_opening(name)}"]
        return build({"vault": sealed}, notes, names=label_sets(splits))
    if vault:
        raise InputError(f'"{name}" has no vault. {_HAVE_A_VAULT}')
    path = Path(name).expanduser()
    looks_like_path = "/" in name or "\\" in name or path.suffix.lower() in TEXT_SUFFIXES + TAGGED_SUFFIXES
    if not path.exists() and not looks_like_path:
        raise InputError(f'no corpus or file is called "{name}": {suggest(name, sorted(CORPORA))}')
    return load_path(path, task, text_column, label_column, scheme, seed)


def corpus_notes(corpus: Dataset | DatasetDict) -> list[str]:
    """What was split, converted or left out when the corpus was loaded.

    Parameters
    ----------
    corpus : as from ``load_corpus``, or one of its splits

    Returns
    -------
    One sentence a note, in the order in which it happened; empty if there is nothing to say.
    """
    first = next(iter(corpus.values())) if isinstance(corpus, dict) else corpus
    return [note for note in (first.info.description or "").split("\n") if note]


def label_names(dataset: Dataset | DatasetDict, column: str) -> list[str]:
    """The names of a label column in the order of their numbers; an empty list for a column of numbers.

    Parameters
    ----------
    dataset : as from ``load_corpus``, or one of its splits
    column : such as ``label`` or ``ner_tags``

    Raises
    ------
    InputError
        If there is no such column.
    """
    features = next(iter(dataset.values())).features if isinstance(dataset, dict) else dataset.features
    if column not in features:
        raise InputError(f'no column "{column}"; columns are {", ".join(features)}.')
    feature = features[column]
    return list(getattr(getattr(feature, "feature", feature), "names", None) or [])
