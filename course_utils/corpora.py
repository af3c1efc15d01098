"""A name or a path becomes a ``datasets.DatasetDict`` with ``train``, ``validation`` and ``test``.

Tagging corpora have ``tokens`` and ``pos_tags`` or ``ner_tags``; classification corpora ``text`` and ``label``. Labels
are ``ClassLabel`` features, so that numbers and names cannot drift apart. The splits never use an official test part:
leave it for your final claim. What was left out, converted or split is said in ``corpus_notes``.
"""

from __future__ import annotations

import csv
import json
import logging
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_utils import file_formats
from course_utils.cleaning import duplicate_groups, split_grouped
from course_utils.errors import InputError, suggest
from course_utils.file_formats import TAGGED_SUFFIXES, TASKS, TEXT_SUFFIXES, fail
from course_utils.sources import locate, nltk_corpus_root

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

SPLITS = ("train", "validation", "test")
SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
LABEL_COLUMNS = {"pos": "pos_tags", "ner": "ner_tags", "classify": "label", "regress": "label"}
logger = logging.getLogger(__name__)

Columns = dict[str, list[Any]]


@dataclass(frozen=True)
class Corpus:
    """A corpus that can be asked for by name."""

    tasks: tuple[str, ...]
    sources: tuple[str, ...]
    description: str
    load: Callable[[], tuple[dict[str, Columns], list[str]]]


# Shared steps


def _select(columns: Columns, positions: Sequence[int]) -> Columns:
    return {name: [values[i] for i in positions] for name, values in columns.items()}


def _rarest_tag(tagged: list[list[str]]) -> list[str]:
    """For each sentence its rarest tag: stratifying by it spreads rare tags, and a single one goes to train."""
    counts = Counter(tag for tags in tagged for tag in tags)
    return [min(tags, key=lambda tag: (counts[tag], tag)) for tags in tagged]


def _split_columns(
    columns: Columns,
    groups: Sequence[Any],
    *,
    shares: dict[str, float] = SHARES,
    stratify: Sequence[Any] | None = None,
    seed: int = 0,
) -> dict[str, Columns]:
    positions = split_grouped(groups, shares, labels=stratify, seed=seed)
    return {name: _select(columns, chosen) for name, chosen in positions.items()}


def _features(columns: Columns, names: dict[str, list[str]]) -> Any:
    from datasets import ClassLabel, Features, Sequence, Value

    features: dict[str, Any] = {}
    for name, values in columns.items():
        if name in names:
            label = ClassLabel(names=names[name])
            features[name] = Sequence(label) if name.endswith("_tags") else label
        elif name == "tokens":
            features[name] = Sequence(Value("string"))
        else:
            features[name] = Value("float32" if values and isinstance(values[0], float) else "string")
    return Features(features)


def sort_labels(labels: set[str]) -> list[str]:
    """Numbers by value, other names by alphabet."""
    numeric = all(re.fullmatch(r"-?\d+(\.\d+)?", label) for label in labels)
    return sorted(labels, key=(lambda label: (float(label), label)) if numeric else None)


def bio_labels(tags: set[str]) -> list[str]:
    """``O`` first, then ``B-`` and ``I-`` of every type, whether or not both occur."""
    return ["O"] + [f"{prefix}-{kind}" for kind in sorted({tag[2:] for tag in tags} - {""}) for prefix in "BI"]


def _label_sets(splits: dict[str, Columns]) -> dict[str, list[str]]:
    """The label names of every label column, in the order of their numbers."""
    names: dict[str, list[str]] = {}
    for column in splits["train"]:
        if column.endswith("_tags"):
            seen = {tag for part in splits.values() for tags in part[column] for tag in tags}
            names[column] = bio_labels(seen) if column in ("ner_tags", "chunk_tags") else sort_labels(seen)
        elif column == "label" and not isinstance(splits["train"][column][0], float):
            names[column] = sort_labels({label for part in splits.values() for label in part[column]})
    return names


def _dataset(columns: Columns, names: dict[str, list[str]]) -> Dataset:
    """Columns with label names become a dataset with label numbers."""
    from datasets import Dataset

    numbered = dict(columns)
    for column, known in names.items():
        number = {label: i for i, label in enumerate(known)}
        nested = column.endswith("_tags")
        numbered[column] = [[number[tag] for tag in row] if nested else number[row] for row in columns[column]]
    return Dataset.from_dict(numbered, features=_features(numbered, names))


def _build(splits: dict[str, Columns], notes: list[str]) -> DatasetDict:
    from datasets import DatasetDict

    names = _label_sets(splits)
    result = DatasetDict()
    for split in SPLITS:
        result[split] = _dataset(splits[split], names)
        result[split].info.description = "\n".join(notes)
    for note in notes:
        logger.info(note)
    return result


# Corpora by name


def _nltk_corpus(name: str, folder: str) -> Path:
    root = nltk_corpus_root(name) / "corpora"
    nltk_corpus_root("universal-tagset")
    return root / folder


def _tagged_by_file(reader: Any, tagset: str, kind: Callable[[str], str]) -> tuple[dict[str, Columns], Counter[str]]:
    """Universal tags of an NLTK corpus, split by file. Empty elements (``-NONE-``) are left out and counted."""
    from nltk.tag.mapping import map_tag

    columns: Columns = {"tokens": [], "pos_tags": [], "document": []}
    skipped: Counter[str] = Counter()
    kinds: list[str] = []
    for file_id in reader.fileids():
        for sentence in reader.tagged_sents(file_id):
            kept = [(word, tag) for word, tag in sentence if tag != "-NONE-"]
            skipped["empty elements (-NONE-)"] += len(sentence) - len(kept)
            if not kept:
                skipped["sentences of empty elements only"] += 1
                continue
            columns["tokens"].append([word for word, _ in kept])
            columns["pos_tags"].append([map_tag(tagset, "universal", tag) for _, tag in kept])
            columns["document"].append(file_id)
            kinds.append(kind(file_id))
    return _split_columns(columns, columns["document"], stratify=kinds), skipped


def _load_brown() -> tuple[dict[str, Columns], list[str]]:
    _nltk_corpus("brown", "brown")
    from nltk.corpus import brown

    category = {file_id: brown.categories(file_id)[0] for file_id in brown.fileids()}
    splits, _ = _tagged_by_file(brown, "en-brown", category.__getitem__)
    for part in splits.values():
        part["genre"] = [category[document] for document in part["document"]]
    return splits, ["brown: split 80/10/10 by file, every category spread over the parts; universal tags"]


def _load_treebank() -> tuple[dict[str, Columns], list[str]]:
    _nltk_corpus("treebank", "treebank")
    from nltk.corpus import treebank

    splits, skipped = _tagged_by_file(treebank, "en-ptb", lambda _: "wsj")
    left_out = ", ".join(f"{count} {what}" for what, count in skipped.items() if count)
    return splits, ["treebank: split 80/10/10 by file; universal tags", f"treebank: left out {left_out}"]


def _load_conll2000() -> tuple[dict[str, Columns], list[str]]:
    _nltk_corpus("conll2000", "conll2000")
    from nltk.corpus import conll2000
    from nltk.tag.mapping import map_tag

    columns: Columns = {"tokens": [], "pos_tags": [], "chunk_tags": []}
    for rows in conll2000.iob_sents("train.txt"):
        columns["tokens"].append([word for word, _, _ in rows])
        columns["pos_tags"].append([map_tag("en-ptb", "universal", tag) for _, tag, _ in rows])
        columns["chunk_tags"].append([chunk for _, _, chunk in rows])
    groups = duplicate_groups([" ".join(tokens) for tokens in columns["tokens"]])
    splits = _split_columns(columns, groups, stratify=_rarest_tag(columns["chunk_tags"]))
    return splits, ["conll2000: the published training part, split 80/10/10; its test part is not used; universal tags"]


def _load_movie_reviews() -> tuple[dict[str, Columns], list[str]]:
    nltk_corpus_root("movie-reviews")
    from nltk.corpus import movie_reviews

    ids = movie_reviews.fileids()
    label = {"neg": "negative", "pos": "positive"}
    columns: Columns = {
        "text": [movie_reviews.raw(i).strip() for i in ids],
        "label": [label[movie_reviews.categories(i)[0]] for i in ids],
    }
    splits = _split_columns(columns, duplicate_groups(columns["text"]), stratify=columns["label"])
    return splits, ["movie-reviews: split 80/10/10 by document, identical texts kept together"]


def group_phrases(texts: Sequence[str]) -> list[int]:
    """For each text the position of the longest text that contains it as a run of whole words (perhaps itself).

    Examples
    --------
    >>> group_phrases(["a fine film", "fine film", "dull"])
    [0, 0, 2]
    """
    words = [tuple(text.split()) for text in texts]
    frequency = Counter(word for row in words for word in set(row))
    padded = [f" {' '.join(row)} " for row in words]
    containing: defaultdict[str, list[int]] = defaultdict(list)  # word to the longest texts that have it, longest first
    group = [0] * len(texts)
    for i in sorted(range(len(texts)), key=lambda i: (-len(words[i]), i)):
        rarest = min(words[i], key=lambda word: (frequency[word], word), default="")
        group[i] = next((j for j in containing[rarest] if padded[i] in padded[j]), i)
        if group[i] == i:  # a text inside another one is inside that one's group already
            for word in set(words[i]):
                containing[word].append(i)
    return group


def _load_sst2() -> tuple[dict[str, Columns], list[str]]:
    path = locate("sst2")
    columns: Columns = {"text": [], "label": []}
    with open(path, encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE):
            columns["text"].append(row["sentence"].strip())
            columns["label"].append(("negative", "positive")[int(row["label"])])
    groups = group_phrases(columns["text"])
    columns["document"] = [f"sst2-{group}" for group in groups]
    splits = _split_columns(columns, groups, stratify=columns["label"])
    return splits, [
        f"sst2: the GLUE training file; its phrases are grouped under the longest row that contains them "
        f"({len(set(groups))} groups) and split 80/10/10 by group; GLUE's development and test parts are not used"
    ]


def _read_ner(path: Path, separator: str = "\t") -> Columns:
    columns: Columns = {"tokens": [], "ner_tags": []}
    for _, block in file_formats._blocks(file_formats.read_utf8(path)):
        rows = [line.rsplit(separator, 1) for _, line in block]
        columns["tokens"].append([row[0].strip() for row in rows])
        columns["ner_tags"].append([row[1].strip() for row in rows])
    return columns


def _load_wnut17() -> tuple[dict[str, Columns], list[str]]:
    columns = _read_ner(locate("wnut17-train"))
    groups = duplicate_groups([" ".join(tokens) for tokens in columns["tokens"]])
    shares = {"train": 0.85, "validation": 0.15}
    splits = _split_columns(columns, groups, shares=shares, stratify=_rarest_tag(columns["ner_tags"]))
    splits["test"] = _read_ner(locate("wnut17-dev"))
    return splits, [
        "wnut17: train and validation are 85/15 of the published training file, identical messages kept together; "
        "test is the published development file; the published test part is not used"
    ]


def _load_wikigold() -> tuple[dict[str, Columns], list[str]]:
    path = locate("wikigold")
    raw = _read_ner(path, separator=" ")
    columns: Columns = {"tokens": [], "ner_tags": [], "document": []}
    document = converted = 0
    for tokens, tags in zip(raw["tokens"], raw["ner_tags"]):
        if tokens[0] == "-DOCSTART-":
            document += 1
            continue
        converted += file_formats.check_bio(path, [0] * len(tags), tags, "iob1")
        columns["tokens"].append(tokens)
        columns["ner_tags"].append(tags)
        columns["document"].append(f"wikigold-{document:03d}")
    splits = _split_columns(columns, columns["document"], stratify=_rarest_tag(columns["ner_tags"]))
    return splits, [
        "wikigold: split 80/10/10 by article (it has no published split)",
        f"wikigold: {converted} tags converted from IOB1 to IOB2; {document} -DOCSTART- lines are not sentences",
    ]


def _load_ud_ewt() -> tuple[dict[str, Columns], list[str]]:
    parts: dict[str, Columns] = {}
    notes: list[str] = []
    for part in ("train", "dev"):
        read = file_formats.read_tagged_file(locate(f"ud-ewt-{part}"), task="pos")
        documents = [meta["document"] for meta in read.meta]
        parts[part] = {"tokens": read.tokens, **read.tags, "document": documents}
        notes += [f"ud-ewt {part}: {note}" for note in read.notes]
    train = parts["train"]
    genre = [document.split("-")[0] for document in train["document"]]
    splits = _split_columns(train, train["document"], shares={"train": 0.9, "validation": 0.1}, stratify=genre)
    splits["test"] = parts["dev"]
    return splits, [
        "ud-ewt: train and validation are 90/10 of the published training file by document; test is the published "
        "development file; the published test part is not used",
        *notes,
    ]


def _load_banking77() -> tuple[dict[str, Columns], list[str]]:
    path = locate("banking77")
    read = file_formats.read_text_file(path, label_column="category")
    known = set(json.loads(locate("banking77-labels").read_text("utf-8")))
    if set(read.labels) != known:
        raise InputError(f"{path}: its labels differ from the 77 of its label file.")
    columns: Columns = {"text": read.texts, "label": read.labels}
    splits = _split_columns(columns, duplicate_groups(read.texts), stratify=read.labels)
    return splits, ["banking77: the published training part, split 80/10/10; its test part is not used"]


def _load_ag_news() -> tuple[dict[str, Columns], list[str]]:
    names = locate("ag-news-labels").read_text("utf-8").split()
    columns: Columns = {"text": [], "label": []}
    with open(locate("ag-news"), encoding="utf-8", newline="") as handle:
        for number, title, description in csv.reader(handle):
            columns["text"].append(f"{title}. {description}")
            columns["label"].append(names[int(number) - 1])
    splits = _split_columns(columns, duplicate_groups(columns["text"]), stratify=columns["label"])
    return splits, [
        "ag-news: only the published test file (7,600 rows) is used here, split 80/10/10 for practice: figures on it "
        "cannot be compared with published ones"
    ]


CORPORA: dict[str, Corpus] = {
    "brown": Corpus(("pos",), ("brown", "universal-tagset"), "American English of 1961, 15 categories", _load_brown),
    "treebank": Corpus(("pos",), ("treebank", "universal-tagset"), "Wall Street Journal, a sample", _load_treebank),
    "conll2000": Corpus(
        ("pos",), ("conll2000", "universal-tagset"), "Wall Street Journal with chunks", _load_conll2000
    ),
    "ud-ewt": Corpus(("pos",), ("ud-ewt-train", "ud-ewt-dev"), "web English, 17 universal tags", _load_ud_ewt),
    "wnut17": Corpus(("ner",), ("wnut17-train", "wnut17-dev"), "emerging entities in messages, 6 types", _load_wnut17),
    "wikigold": Corpus(("ner",), ("wikigold",), "Wikipedia articles, 4 entity types", _load_wikigold),
    "sst2": Corpus(("classify",), ("sst2",), "sentences and phrases of film reviews, 2 labels", _load_sst2),
    "movie-reviews": Corpus(("classify",), ("movie-reviews",), "whole film reviews, 2 labels", _load_movie_reviews),
    "banking77": Corpus(("classify",), ("banking77", "banking77-labels"), "bank requests, 77 intents", _load_banking77),
    "ag-news": Corpus(("classify",), ("ag-news", "ag-news-labels"), "short news, 4 topics", _load_ag_news),
}


# A learner's own files


def _files_of(path: Path) -> dict[str, Path]:
    """``{"all": file}`` for a file, or one file a split for a folder."""
    known = ", ".join(TEXT_SUFFIXES + TAGGED_SUFFIXES)
    if not path.is_dir():
        if path.exists() and path.suffix.lower() not in TEXT_SUFFIXES + TAGGED_SUFFIXES:
            raise fail(path, None, f'unknown file type "{path.suffix}"', f"Use one of {known}.")
        return {"all": path}
    found: dict[str, Path] = {}
    for file in sorted(path.iterdir()):
        if file.stem in SPLITS and file.suffix.lower() in TEXT_SUFFIXES + TAGGED_SUFFIXES:
            if file.stem in found:
                raise fail(path, None, f"both {found[file.stem].name} and {file.name}", "Keep one file a split.")
            found[file.stem] = file
    if "train" not in found:
        raise fail(path, None, "the folder has no train file", f"Add train with one of {known}.")
    if len({file.suffix for file in found.values()}) > 1:
        names = ", ".join(file.name for file in found.values())
        raise fail(path, None, f"files of different types ({names})", "Give all splits the same type.")
    return found


def read_file(
    path: Path, *, task: str | None, text_column: str = "text", label_column: str = "label", scheme: str = "iob2"
) -> tuple[Columns, list[int], list[str]]:
    """The columns of one file of one's own, the line of each row, and notes."""
    if path.suffix.lower() in TAGGED_SUFFIXES:
        if task in ("classify", "regress"):
            raise fail(
                path, None, f"a tagged file cannot be used for {task}", f"Use one of {', '.join(TEXT_SUFFIXES)}."
            )
        tagged = file_formats.read_tagged_file(path, task=task, scheme=scheme)
        columns: Columns = {"tokens": tagged.tokens, **tagged.tags}
        for key in ("document", "genre"):
            if all(key in meta for meta in tagged.meta):
                columns[key] = [meta[key] for meta in tagged.meta]
        return columns, tagged.lines, tagged.notes
    if task in ("pos", "ner"):
        raise fail(path, None, f"a text file cannot be used for {task}", f"Use one of {', '.join(TAGGED_SUFFIXES)}.")
    text = file_formats.read_text_file(
        path, task=task or "classify", text_column=text_column, label_column=label_column
    )
    return {"text": text.texts, "label": text.labels, **text.groups}, text.lines, text.notes


def _label_columns(columns: Columns) -> list[str]:
    return [name for name in columns if name.endswith("_tags") or name == "label"]


def _labels_of(row: Any) -> set[Any]:
    return {tag.removeprefix("B-").removeprefix("I-") for tag in row} if isinstance(row, list) else {row}


def _check_labels(
    parts: dict[str, Columns], lines: dict[str, list[int]], files: dict[str, Path], columns: list[str]
) -> None:
    """Every label of validation and test must occur in train, and there must be at least two."""
    for column in columns:
        if isinstance(parts["train"][column][0], float):
            continue
        known = {label for row in parts["train"][column] for label in _labels_of(row)}
        for split in SPLITS[1:]:
            for row, line in zip(parts[split][column], lines[split]):
                unknown = sorted(_labels_of(row) - known)
                if unknown:
                    file = files.get(split, files.get("train", files.get("all")))
                    assert file is not None
                    raise fail(
                        file,
                        line,
                        f'label "{unknown[0]}" occurs in {split}, not in train (which has {", ".join(sorted(known))})',
                        "Add training examples of it, or remove it.",
                    )
        if len(known) < 2:
            raise fail(
                files.get("train", files.get("all", Path())),
                None,
                f'only one label, "{next(iter(known))}", in "{column}"',
                "A model needs at least two to tell apart.",
            )


def _load_path(
    path: Path, task: str | None, text_column: str, label_column: str, scheme: str, seed: int
) -> DatasetDict:
    files = _files_of(path)
    notes: list[str] = []
    read: dict[str, Columns] = {}
    lines: dict[str, list[int]] = {}
    for split, file in files.items():
        read[split], lines[split], said = read_file(
            file, task=task, text_column=text_column, label_column=label_column, scheme=scheme
        )
        notes += [f"{file.name}: {note}" for note in said]
    first = "all" if "all" in read else "train"
    label_columns = _label_columns(read[first])
    for split, columns in read.items():
        if _label_columns(columns) != label_columns:
            found, expected = ", ".join(_label_columns(columns)), ", ".join(label_columns)
            place = files[first].name
            raise fail(files[split], None, f"it has {found}, but {place} has {expected}", "Give all splits the same.")
    if task is not None:  # of two tag columns only the task's own must be fit for it
        label_columns = [column for column in label_columns if column == LABEL_COLUMNS[task]]
    have = [split for split in SPLITS if split in read]
    if len(have) < len(SPLITS):
        pool = "all" if "all" in read else "train"
        missing = [split for split in SPLITS[1:] if split not in read]
        shares = {"train": 1 - 0.1 * len(missing)} | dict.fromkeys(missing, 0.1)
        columns = read.pop(pool) | {"_line": lines.pop(pool)}
        label = label_columns[-1]
        stratify = None
        if not isinstance(columns[label][0], float):
            stratify = _rarest_tag(columns[label]) if label.endswith("_tags") else columns[label]
        grouping = next((name for name in file_formats.GROUP_COLUMNS if name in columns), None)
        texts = columns["text"] if "text" in columns else [" ".join(tokens) for tokens in columns["tokens"]]
        groups = columns[grouping] if grouping else duplicate_groups(texts)
        if len(set(groups)) < len(shares):
            kind = f'different values of "{grouping}"' if grouping else "different examples"
            raise fail(files[pool], None, f"{len(set(groups))} {kind}", f"At least {len(shares)} are needed to split.")
        for split, part in _split_columns(columns, groups, shares=shares, stratify=stratify, seed=seed).items():
            lines[split] = part.pop("_line")
            read[split] = part
        rule = f'by "{grouping}"' if grouping else "with identical texts kept together"
        sizes = ", ".join(f"{split} {share:.0%}" for split, share in shares.items())
        notes.append(f"{files[pool].name}: {' and '.join(missing)} made from it ({sizes}; {rule}; seed {seed})")
    _check_labels(read, lines, files, label_columns)
    return _build(read, notes)


# Public names


def load_corpus(
    name_or_path: str | Path,
    *,
    task: str | None = None,
    text_column: str = "text",
    label_column: str = "label",
    scheme: str = "iob2",
    seed: int = 0,
) -> DatasetDict:
    """Load a corpus by name, or a learner's own file or folder.

    Parameters
    ----------
    name_or_path : a key of ``CORPORA``, a file (``.csv .tsv .jsonl .conll .conllu .iob2``), or a folder with files
        ``train.*``, ``validation.*``, ``test.*``; missing splits are made, stratified and grouped
    task : ``pos``, ``ner``, ``classify`` or ``regress``; checks that the corpus fits, decides how labels are read
    text_column, label_column : the columns of a text file
    scheme : of entity tags in a file: ``iob2``, or ``iob1``, which is converted
    seed : of the splits that are made for a file; the splits of named corpora are fixed

    Returns
    -------
    DatasetDict with ``train``, ``validation`` and ``test``.

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
        if task is not None and task not in corpus.tasks:
            fitting = ", ".join(sorted(other for other, c in CORPORA.items() if task in c.tasks))
            raise InputError(
                f'corpus "{name}" is for {" and ".join(corpus.tasks)}, not for {task}. '
                + (f"For {task} there are {fitting}." if fitting else f"Give a file of your own for {task}.")
            )
        splits, notes = corpus.load()
        return _build(splits, notes)
    path = Path(name).expanduser()
    looks_like_path = "/" in name or "\\" in name or path.suffix.lower() in TEXT_SUFFIXES + TAGGED_SUFFIXES
    if not path.exists() and not looks_like_path:
        raise InputError(f'no corpus or file is called "{name}": {suggest(name, sorted(CORPORA))}')
    return _load_path(path, task, text_column, label_column, scheme, seed)


def corpus_notes(corpus: DatasetDict) -> list[str]:
    """What was split, converted or left out when the corpus was loaded."""
    return [note for note in (corpus["train"].info.description or "").split("\n") if note]


def label_names(dataset: Dataset | DatasetDict, column: str) -> list[str]:
    """The names of a label column in the order of their numbers; an empty list for a column of numbers.

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


def load_single_file(
    path: Path, *, task: str, text_column: str = "text", label_column: str = "label", scheme: str = "iob2"
) -> Dataset:
    """A whole file as one dataset, without splitting it: for evaluation.

    Raises
    ------
    InputError
        As ``load_corpus``.
    """
    _files_of(path)
    columns, _, _ = read_file(path, task=task, text_column=text_column, label_column=label_column, scheme=scheme)
    return _dataset(columns, _label_sets({"train": columns}))
