"""Public corpora, read from their published files: splits, label names, and notes on what was done."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from course_utils import file_formats
from course_utils.cleaning import duplicate_groups
from course_utils.columns import Columns, Splits, rarest_tags, split_columns
from course_utils.errors import InputError
from course_utils.sources import locate, nltk_corpus_root


def _nltk_corpus(name: str, folder: str) -> Path:
    root = nltk_corpus_root(name) / "corpora"
    nltk_corpus_root("universal-tagset")
    return root / folder


def _tagged_by_file(reader: Any, tagset: str, kind: Callable[[str], str]) -> tuple[Splits, Counter[str]]:
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
    return split_columns(columns, columns["document"], stratify=kinds), skipped


def load_brown() -> tuple[Splits, list[str]]:
    """The Brown corpus, through NLTK."""
    _nltk_corpus("brown", "brown")
    from nltk.corpus import brown

    category = {file_id: brown.categories(file_id)[0] for file_id in brown.fileids()}
    splits, _ = _tagged_by_file(brown, "en-brown", category.__getitem__)
    for part in splits.values():
        part["genre"] = [category[document] for document in part["document"]]
    return splits, ["brown: split 80/10/10 by file, every category spread over the parts; universal tags"]


def load_treebank() -> tuple[Splits, list[str]]:
    """NLTK's sample of the Penn Treebank."""
    _nltk_corpus("treebank", "treebank")
    from nltk.corpus import treebank

    splits, skipped = _tagged_by_file(treebank, "en-ptb", lambda _: "wsj")
    left_out = ", ".join(f"{count} {what}" for what, count in skipped.items() if count)
    return splits, ["treebank: split 80/10/10 by file; universal tags", f"treebank: left out {left_out}"]


def load_conll2000() -> tuple[Splits, list[str]]:
    """The chunking corpus of CoNLL-2000, through NLTK."""
    _nltk_corpus("conll2000", "conll2000")
    from nltk.corpus import conll2000
    from nltk.tag.mapping import map_tag

    columns: Columns = {"tokens": [], "pos_tags": [], "chunk_tags": []}
    for rows in conll2000.iob_sents("train.txt"):
        columns["tokens"].append([word for word, _, _ in rows])
        columns["pos_tags"].append([map_tag("en-ptb", "universal", tag) for _, tag, _ in rows])
        columns["chunk_tags"].append([chunk for _, _, chunk in rows])
    groups = duplicate_groups([" ".join(tokens) for tokens in columns["tokens"]])
    splits = split_columns(columns, groups, stratify=rarest_tags(columns["chunk_tags"]))
    return splits, ["conll2000: the published training part, split 80/10/10; its test part is not used; universal tags"]


def load_movie_reviews() -> tuple[Splits, list[str]]:
    """Pang and Lee's film reviews, through NLTK."""
    nltk_corpus_root("movie-reviews")
    from nltk.corpus import movie_reviews

    ids = movie_reviews.fileids()
    label = {"neg": "negative", "pos": "positive"}
    columns: Columns = {
        "text": [movie_reviews.raw(i).strip() for i in ids],
        "label": [label[movie_reviews.categories(i)[0]] for i in ids],
    }
    splits = split_columns(columns, duplicate_groups(columns["text"]), stratify=columns["label"])
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


def load_sst2() -> tuple[Splits, list[str]]:
    """The Stanford Sentiment Treebank, two classes, in GLUE's layout."""
    path = locate("sst2")
    columns: Columns = {"text": [], "label": []}
    with open(path, encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE):
            columns["text"].append(row["sentence"].strip())
            columns["label"].append(("negative", "positive")[int(row["label"])])
    groups = group_phrases(columns["text"])
    columns["document"] = [f"sst2-{group}" for group in groups]
    splits = split_columns(columns, groups, stratify=columns["label"])
    return splits, [
        f"sst2: the GLUE training file; its phrases are grouped under the longest row that contains them "
        f"({len(set(groups))} groups) and split 80/10/10 by group; GLUE's development and test parts are not used"
    ]


def _read_ner(path: Path, separator: str = "\t") -> Columns:
    columns: Columns = {"tokens": [], "ner_tags": []}
    for _, block in file_formats.blocks(file_formats.read_utf8(path)):
        rows = [line.rsplit(separator, 1) for _, line in block]
        columns["tokens"].append([row[0].strip() for row in rows])
        columns["ner_tags"].append([row[1].strip() for row in rows])
    return columns


def load_wnut17() -> tuple[Splits, list[str]]:
    """Emerging entities of WNUT 2017."""
    columns = _read_ner(locate("wnut17-train"))
    groups = duplicate_groups([" ".join(tokens) for tokens in columns["tokens"]])
    shares = {"train": 0.85, "validation": 0.15}
    splits = split_columns(columns, groups, shares=shares, stratify=rarest_tags(columns["ner_tags"]))
    splits["test"] = _read_ner(locate("wnut17-dev"))
    return splits, [
        "wnut17: train and validation are 85/15 of the published training file, identical messages kept together; "
        "test is the published development file; the published test part is not used"
    ]


def load_wikigold() -> tuple[Splits, list[str]]:
    """Entities in Wikipedia articles."""
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
    splits = split_columns(columns, columns["document"], stratify=rarest_tags(columns["ner_tags"]))
    return splits, [
        "wikigold: split 80/10/10 by article (it has no published split)",
        f"wikigold: {converted} tags converted from IOB1 to IOB2; {document} -DOCSTART- lines are not sentences",
    ]


def load_ud_ewt() -> tuple[Splits, list[str]]:
    """The English Web Treebank of Universal Dependencies."""
    parts: Splits = {}
    notes: list[str] = []
    for part in ("train", "dev"):
        read = file_formats.read_tagged_file(locate(f"ud-ewt-{part}"), task="pos")
        documents = [meta["document"] for meta in read.meta]
        parts[part] = {"tokens": read.tokens, **read.tags, "document": documents}
        notes += [f"ud-ewt {part}: {note}" for note in read.notes]
    train = parts["train"]
    genre = [document.split("-")[0] for document in train["document"]]
    splits = split_columns(train, train["document"], shares={"train": 0.9, "validation": 0.1}, stratify=genre)
    splits["test"] = parts["dev"]
    return splits, [
        "ud-ewt: train and validation are 90/10 of the published training file by document; test is the published "
        "development file; the published test part is not used",
        *notes,
    ]


def load_banking77() -> tuple[Splits, list[str]]:
    """Intents of bank customers."""
    path = locate("banking77")
    read = file_formats.read_text_file(path, label_column="category")
    known = set(json.loads(locate("banking77-labels").read_text("utf-8")))
    if set(read.labels) != known:
        raise InputError(f"{path}: its labels differ from the 77 of its label file.")
    columns: Columns = {"text": read.texts, "label": read.labels}
    splits = split_columns(columns, duplicate_groups(read.texts), stratify=read.labels)
    return splits, ["banking77: the published training part, split 80/10/10; its test part is not used"]


def load_ag_news() -> tuple[Splits, list[str]]:
    """News topics."""
    names = locate("ag-news-labels").read_text("utf-8").split()
    columns: Columns = {"text": [], "label": []}
    with open(locate("ag-news"), encoding="utf-8", newline="") as handle:
        for number, title, description in csv.reader(handle):
            columns["text"].append(f"{title}. {description}")
            columns["label"].append(names[int(number) - 1])
    splits = split_columns(columns, duplicate_groups(columns["text"]), stratify=columns["label"])
    return splits, [
        "ag-news: only the published test file (7,600 rows) is used here, split 80/10/10 for practice: figures on it "
        "cannot be compared with published ones"
    ]
