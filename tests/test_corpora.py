"""Corpora by name, against published counts and by their invariants; a learner's own files."""

import functools
import hashlib
import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import pytest

from course_utils.cleaning import duplicate_groups
from course_utils.columns import bio_labels, sort_labels
from course_utils.corpora import (
    CORPORA,
    SPLITS,
    corpus_notes,
    label_names,
    load_corpus,
    load_single_file,
)
from course_utils.errors import InputError
from course_utils.published import group_phrases
from course_utils.sources import SOURCES

UNIVERSAL = [".", "ADJ", "ADP", "ADV", "CONJ", "DET", "NOUN", "NUM", "PRON", "PRT", "VERB", "X"]


# Corpora by name


@dataclass(frozen=True)
class Facts:
    """``total`` is a published count (words, or labels by number); ``test_sum`` pins the rows of the test split."""

    sizes: tuple[int, int, int]
    columns: str
    labels: list[str]
    total: int | tuple[int, ...]
    test_sum: str
    note: str


# Total words: NLTK's documentation (brown, treebank less its 6,592 empty elements, conll2000's train.txt); Derczynski
# et al. 2017 (wnut17: 62,730 words in train, 15,733 in dev); Balasuriya et al. 2009 (wikigold). Labels: GLUE's SST-2.
FACTS = {
    "brown": Facts(
        (44_671, 6_306, 6_363), "tokens pos_tags document genre", UNIVERSAL, 1_161_192, "6d65a8050717", "by file"
    ),
    "treebank": Facts(
        (3_130, 392, 392), "tokens pos_tags document", UNIVERSAL, 100_676 - 6_592, "1f5a066417f7", "left out 6592 empty"
    ),
    "conll2000": Facts(
        (7_138, 899, 899), "tokens pos_tags chunk_tags", UNIVERSAL, 211_727, "e11618176856", "its test part is not used"
    ),
    "ud-ewt": Facts(
        (11_154, 1_390, 2_001),
        "tokens pos_tags document",
        "ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X".split(),
        204_577 + 25_147,
        "23c0fee3471c",
        "ud-ewt train: 2614 multiword ranges and 37 empty nodes left out",
    ),
    "wnut17": Facts(
        (2_882, 512, 1_009),
        "tokens ner_tags",
        bio_labels(
            {f"B-{kind}" for kind in ("corporation", "creative-work", "group", "location", "person", "product")}
        ),
        62_730 + 15_733,
        "93d53ad35630",
        "test is the published development file; the published test part is not used",
    ),
    "wikigold": Facts(
        (1_319, 197, 180),
        "tokens ner_tags document",
        ["O", "B-LOC", "I-LOC", "B-MISC", "I-MISC", "B-ORG", "I-ORG", "B-PER", "I-PER"],
        39_007,
        "d12cc801a6c4",
        "3558 tags converted from IOB1 to IOB2; 145 -DOCSTART- lines",
    ),
    "sst2": Facts(
        (53_879, 6_735, 6_735),
        "text label document",
        ["negative", "positive"],
        (29_780, 37_569),
        "c3276704e3eb",
        "GLUE's development and test parts are not used",
    ),
    "movie-reviews": Facts(
        (1_600, 200, 200), "text label", ["negative", "positive"], (1_000, 1_000), "fb758f363068", "by document"
    ),
    "banking77": Facts((7_960, 1_022, 1_021), "text label", [], 10_003, "cab430a6c046", "its test part is not used"),
    "ag-news": Facts(
        (6_080, 760, 760),
        "text label",
        ["Business", "Sci/Tech", "Sports", "World"],
        (1_900,) * 4,
        "118e3df4774e",
        "only the published test file (7,600 rows) is used here",
    ),
}


@pytest.fixture(scope="session")
def corpus(mirror):
    """A corpus by name, loaded once."""
    return functools.cache(load_corpus)


@pytest.fixture(scope="session")
def plain(corpus):
    """The columns of a corpus as lists, by split: much faster to walk through than a dataset."""
    return functools.cache(lambda name: {split: part.to_dict() for split, part in corpus(name).items()})


def rows_sum(columns: dict[str, list]) -> str:
    return hashlib.sha256(json.dumps(columns, sort_keys=True).encode()).hexdigest()[:12]


def texts_of(columns: dict[str, list]) -> list[str]:
    return columns["text"] if "text" in columns else [" ".join(tokens) for tokens in columns["tokens"]]


def assert_disjoint(values_by_split) -> None:
    for first, second in combinations(values_by_split, 2):
        assert not set(first) & set(second)


def test_every_published_corpus_has_its_facts():
    assert set(FACTS) == {name for name, corpus in CORPORA.items() if corpus.sources}
    assert {source for corpus in CORPORA.values() for source in corpus.sources} == set(SOURCES)


@pytest.mark.slow
@pytest.mark.parametrize("name", FACTS)
def test_corpus(corpus, plain, name):
    facts, parts = FACTS[name], corpus(name)
    assert list(parts) == list(SPLITS)
    assert tuple(len(part) for part in parts.values()) == facts.sizes
    assert all(part.column_names == facts.columns.split() for part in parts.values())
    column = next(c for c in ("ner_tags", "pos_tags", "label") if c in facts.columns)
    names = label_names(parts, column)
    assert names == facts.labels or (name == "banking77" and len(names) == 77 and names == sorted(names))
    assert any(facts.note in note for note in corpus_notes(parts)), corpus_notes(parts)
    if "tokens" in facts.columns:
        pairs = [pair for part in plain(name).values() for pair in zip(part["tokens"], part[column], strict=True)]
        assert sum(len(tokens) for tokens, _ in pairs) == facts.total
        assert all(len(tokens) == len(tags) > 0 for tokens, tags in pairs)
    else:
        counts = Counter(label for part in plain(name).values() for label in part["label"])
        assert facts.total in (sum(counts.values()), tuple(counts[i] for i in range(len(names))))
        assert all(text.strip() for part in plain(name).values() for text in part["text"])
    # Python's hashes differ from process to process: the same rows every time show that no order hangs on them.
    assert rows_sum(plain(name)["test"]) == facts.test_sum


@pytest.mark.slow
@pytest.mark.parametrize("name", FACTS)
def test_nothing_is_in_two_splits(plain, name):
    parts = plain(name)
    if "document" in parts["train"]:
        assert_disjoint(part["document"] for part in parts.values())
    if name in ("brown", "treebank", "ud-ewt", "wikigold"):
        return  # split by document: another author may write "Yes." again
    if name == "wnut17":  # its test part is a published file, only the other two were made here
        parts = {split: parts[split] for split in ("train", "validation")}
    texts = [text for part in parts.values() for text in texts_of(part)]
    split_of = [split for split, part in parts.items() for _ in texts_of(part)]
    splits_of = defaultdict(set)
    for group, split in zip(duplicate_groups(texts) if name != "sst2" else texts, split_of, strict=True):
        splits_of[group].add(split)
    assert {len(splits) for splits in splits_of.values()} == {1}


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in FACTS if CORPORA[name].tasks == ("classify",)])
def test_labels_have_the_same_shares_in_every_split(corpus, plain, name):
    count = len(label_names(corpus(name), "label"))
    shares = [np.bincount(part["label"], minlength=count) / len(part["label"]) for part in plain(name).values()]
    assert np.abs(shares[0] - shares[1]).max() < 0.001
    assert np.abs(shares[0] - shares[2]).max() < 0.001
    assert all((share > 0).all() for share in shares)


@pytest.mark.slow
@pytest.mark.parametrize("name", FACTS)
def test_every_label_is_in_train(corpus, plain, name):
    for column in FACTS[name].columns.split():
        if label_names(corpus(name), column):
            seen = {split: flatten(part[column]) for split, part in plain(name).items()}
            assert seen["validation"] | seen["test"] <= seen["train"]


def flatten(rows) -> set[int]:
    return {i for row in rows for i in (row if isinstance(row, list) else [row])}


@pytest.mark.slow
def test_treebank_has_no_empty_elements(plain):
    words = {word for part in plain("treebank").values() for tokens in part["tokens"] for word in tokens}
    trace = r"\*(T\*|U\*|ICH\*|EXP\*|RNR\*|NOT\*|PPA\*|\?\*)?(-\d+)?|0"
    assert {word for word in words if re.fullmatch(trace, word)} == set()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["wnut17", "wikigold"])
def test_entity_tags_are_iob2(corpus, plain, name):
    names = label_names(corpus(name), "ner_tags")
    for part in plain(name).values():
        for row in part["ner_tags"]:
            tags = ["O", *(names[i] for i in row)]
            assert not [b for a, b in pairwise(tags) if b[0] == "I" and a[1:] != b[1:]]


@pytest.mark.slow
def test_wikigold_keeps_neighbours_apart(corpus, plain, mirror):
    """IOB1 writes B- only between neighbours of one type; in IOB2 each entity has one, so entities can be counted."""
    raw = [line.split() for line in (mirror / SOURCES["wikigold"].path).read_text("utf-8").splitlines()]
    entities, previous = 0, "O"
    for row in raw:
        tag = row[1] if row else "O"
        entities += tag[0] == "B" or (tag[0] == "I" and previous[1:] != tag[1:])
        previous = tag
    names = label_names(corpus("wikigold"), "ner_tags")
    rows = [row for part in plain("wikigold").values() for row in part["ner_tags"]]
    assert sum(names[i][0] == "B" for row in rows for i in row) == entities


@pytest.mark.slow
def test_brown_has_every_category_in_every_split(plain):
    parts = plain("brown")
    assert {len(set(part["genre"])) for part in parts.values()} == {15}
    assert sum(len(set(part["document"])) for part in parts.values()) == 500


def test_no_official_test_part_is_a_source():
    assert [source.path for source in SOURCES.values() if "test" in source.path] == ["ag_news_csv/test.csv"]


@pytest.mark.slow
def test_the_seed_of_own_files_does_not_move_the_splits_of_a_corpus(corpus):
    assert rows_sum(load_corpus("wikigold", seed=7)["test"].to_dict()) == FACTS["wikigold"].test_sum


# Phrases inside phrases


def brute_force_groups(texts: list[str]) -> list[int]:
    padded = [f" {' '.join(text.split())} " for text in texts]
    length = [len(text.split()) for text in texts]
    return [
        min((j for j in range(len(texts)) if padded[i] in padded[j]), key=lambda j: (-length[j], j))
        for i in range(len(texts))
    ]


@pytest.mark.parametrize("seed", range(10))
def test_group_phrases_equals_brute_force_on_random_texts(seed):
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice(["a", "b", "c", "ab", "d"], size=rng.integers(1, 8))) for _ in range(150)]
    groups = group_phrases(texts)
    assert groups == brute_force_groups(texts)
    assert 1 < len(set(groups)) < len(texts)


def test_group_phrases_by_hand():
    #        0          1      2            3       4          5          6
    texts = ["fine film", "film", "a fine film", "films", "fine  film", "a fine film", "fine a"]
    assert group_phrases(texts) == [2, 2, 2, 3, 2, 2, 6]
    assert group_phrases([]) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_group_phrases_equals_brute_force_on_sst2(mirror, seed):
    lines = (mirror / SOURCES["sst2"].path).read_text("utf-8").splitlines()[1:]
    chosen = np.random.default_rng(seed).choice(len(lines), size=1_500, replace=False)
    texts = [lines[i].split("\t")[0].strip() for i in chosen]
    groups = group_phrases(texts)
    assert groups == brute_force_groups(texts)
    assert len(set(groups)) < 0.95 * len(texts)


# Label order


def test_label_order():
    assert sort_labels({"10", "9", "1"}) == ["1", "9", "10"]
    assert sort_labels({"2.5", "-1", "10"}) == ["-1", "2.5", "10"]
    assert sort_labels({"10", "9", "x"}) == ["10", "9", "x"]
    assert bio_labels({"O", "B-PER", "I-LOC"}) == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
    assert bio_labels({"B-creative-work"}) == ["O", "B-creative-work", "I-creative-work"]


# A learner's own files


@pytest.fixture
def write(tmp_path):
    def write(name: str, content: str):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, "utf-8")
        return path

    return write


def csv_of(count: int, label=lambda i: "ab"[i % 2]) -> str:
    return "text,label\n" + "".join(f"text number {i},{label(i)}\n" for i in range(count))


def conll_of(count: int) -> str:
    return "".join(f"the\tDET\nnoun{i}\tNOUN\n\n" for i in range(count))


def sizes(parts) -> dict[str, int]:
    return {split: len(part) for split, part in parts.items()}


def test_splits_of_a_file_are_made_and_said(write):
    path = write("a.csv", csv_of(100))
    parts = load_corpus(path, task="classify")
    assert sizes(parts) == {"train": 80, "validation": 10, "test": 10}
    assert parts["train"].column_names == ["text", "label"]
    assert label_names(parts, "label") == label_names(parts["test"], "label") == ["a", "b"]
    assert [Counter(part["label"]) for part in parts.values()] == [{0: 40, 1: 40}, {0: 5, 1: 5}, {0: 5, 1: 5}]
    assert sorted(text for part in parts.values() for text in part["text"]) == sorted(
        f"text number {i}" for i in range(100)
    )
    assert corpus_notes(parts) == [
        "a.csv: validation and test made from it (train 80%, validation 10%, test 10%; "
        "with identical texts kept together; seed 0)"
    ]


def test_labels_stay_with_their_texts(write):
    parts = load_corpus(write("a.csv", csv_of(60, lambda i: f"label {i % 3}")), task="classify")
    names = label_names(parts, "label")
    for part in parts.values():
        assert all(names[row["label"]] == f"label {int(row['text'].split()[-1]) % 3}" for row in part)


def test_the_seed_changes_the_split_and_nothing_else_does(write):
    path = write("a.csv", csv_of(100))
    first = load_corpus(path, seed=0)["test"]["text"][:]
    assert load_corpus(str(path), seed=0)["test"]["text"][:] == first
    assert load_corpus(path, seed=1)["test"]["text"][:] != first
    code = (
        f"from course_utils.corpora import load_corpus\nprint(*load_corpus({str(path)!r})['test']['text'], sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == first


def test_authors_and_duplicates_are_kept_together(write):
    rows = "".join(f"text {i},{'ab'[i % 2]},author {i // 5}\n" for i in range(200))
    parts = load_corpus(write("a.csv", "text,label,author\n" + rows), task="classify")
    assert_disjoint(part["author"] for part in parts.values())
    assert sizes(parts) == {"train": 160, "validation": 20, "test": 20}
    assert 'by "author"' in corpus_notes(parts)[0]
    rows = "".join(f"{text} {i // 2},{'ab'[i % 2]}\n" for i in range(100) for text in ("Text", "text!"))
    parts = load_corpus(write("b.csv", "text,label\n" + rows), task="classify")
    assert_disjoint({text.split()[-1] for text in part["text"]} for part in parts.values())


def test_documents_of_a_tagged_file_are_kept_together(write):
    content = "".join(f"# document = d{i // 4}\nthe\tDET\nnoun{i}\tNOUN\n\n" for i in range(80))
    parts = load_corpus(write("a.conll", content), task="pos")
    assert parts["train"].column_names == ["tokens", "pos_tags", "document"]
    assert_disjoint(part["document"] for part in parts.values())
    assert sizes(parts) == {"train": 64, "validation": 8, "test": 8}


@pytest.mark.parametrize("seed", range(20))
def test_rare_labels_go_to_train(write, seed):
    path = write("a.csv", csv_of(60, lambda i: f"rare {i}" if i < 5 else "ab"[i % 2]))
    parts = load_corpus(path, task="classify", seed=seed)
    assert set(parts["train"]["label"]) == set(range(7))
    path = write("a.conll", "word\tSYM\n\n" + conll_of(40) + "oh\tINTJ\n")
    parts = load_corpus(path, task="pos", seed=seed)
    assert flatten(parts["train"]["pos_tags"]) == set(range(4))


@pytest.mark.parametrize("seed", range(20))
def test_with_two_tag_columns_the_task_decides(write, seed):
    """A part-of-speech tag that occurs once must not fail ``ner``, nor an entity type ``pos``."""
    content = "".join(f"the\t{'ABCDEFGH'[i % 8]}{i}\tO\nx{i}\tNOUN\t{'B-LOC' if i else 'B-PER'}\n\n" for i in range(40))
    path = write("a.conll", content)
    ner = load_corpus(path, task="ner", seed=seed)
    assert label_names(ner, "ner_tags") == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
    assert len(label_names(ner, "pos_tags")) == 41
    content = content.replace("\tB-LOC", "\tO").replace("\tB-PER", "\tO").replace("A0\tO", "A0\tB-PER")
    content = re.sub(r"\b[A-H]\d+\t", "DET\t", content)
    pos = load_corpus(write("b.conll", content), task="pos", seed=seed)
    assert label_names(pos, "pos_tags") == ["DET", "NOUN"]


def test_numbers_are_ordered_by_value_and_regression_keeps_them(write):
    path = write("a.csv", csv_of(60, lambda i: i % 12))
    assert label_names(load_corpus(path, task="classify"), "label") == [str(i) for i in range(12)]
    parts = load_corpus(path, task="regress")
    assert label_names(parts, "label") == []
    assert str(parts["train"].features["label"].dtype) == "float32"
    assert all(row["label"] == int(row["text"].split()[-1]) % 12 for part in parts.values() for row in part)


def test_a_folder_with_three_splits_is_taken_as_it_is(write, tmp_path):
    for split, count in {"train": 10, "validation": 4, "test": 6}.items():
        write(f"folder/{split}.csv", csv_of(count))
    write("folder/notes.txt", "not a split")
    parts = load_corpus(tmp_path / "folder", task="classify")
    assert sizes(parts) == {"train": 10, "validation": 4, "test": 6}
    assert parts["test"]["text"][:] == [f"text number {i}" for i in range(6)]
    assert corpus_notes(parts) == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"train": 100}, {"train": 80, "validation": 10, "test": 10}),
        ({"train": 100, "test": 7}, {"train": 90, "validation": 10, "test": 7}),
        ({"train": 100, "validation": 7}, {"train": 90, "validation": 7, "test": 10}),
    ],
)
def test_missing_splits_of_a_folder_come_from_train(write, tmp_path, given, expected):
    for split, count in given.items():
        write(f"folder/{split}.conll", conll_of(count))
    parts = load_corpus(tmp_path / "folder", task="pos")
    assert sizes(parts) == expected
    missing = " and ".join(split for split in SPLITS if split not in given)
    assert corpus_notes(parts)[0].startswith(f"train.conll: {missing} made from it (train {expected['train']}%, ")


def test_labels_of_a_folder_are_numbered_over_all_splits(write, tmp_path):
    write("folder/train.csv", "text,label\nx,c\ny,a\nz,b\n")
    write("folder/validation.csv", "text,label\nu,b\n")
    write("folder/test.csv", "text,label\nv,c\n")
    parts = load_corpus(tmp_path / "folder", task="classify")
    assert [part["label"][:] for part in parts.values()] == [[2, 0, 1], [1], [2]]


def test_iob1_files_are_converted_and_said(write):
    path = write("a.conll", "".join(f"x{i}\tI-LOC\ny\tI-LOC\nz\tO\n\n" for i in range(10)))
    parts = load_corpus(path, task="ner", scheme="iob1")
    assert corpus_notes(parts)[0] == "a.conll: 10 tags converted from IOB1 to IOB2"
    assert all(row == [1, 2, 0] for part in parts.values() for row in part["ner_tags"])


def test_a_single_file_is_not_split(write):
    part = load_single_file(write("a.csv", csv_of(7)), task="classify")
    assert part["text"][:] == [f"text number {i}" for i in range(7)]
    assert part["label"][:] == [0, 1, 0, 1, 0, 1, 0]
    assert label_names(part, "label") == ["a", "b"]


def test_label_names_of_no_column(write):
    parts = load_corpus(write("a.csv", csv_of(10)))
    with pytest.raises(InputError, match='no column "stars"; columns are text, label'):
        label_names(parts, "stars")


def test_unknown_task_and_unfit_corpus():
    with pytest.raises(ValueError, match='task must be one of pos, ner, classify, regress, got "parse"'):
        load_corpus("brown", task="parse")
    with pytest.raises(ValueError, match=r'corpus "sst2" is for classify, not for pos\. For pos there are brown'):
        load_corpus("sst2", task="pos")
