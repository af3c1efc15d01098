"""The Eastmere collection: both readers, the splits, the vault, the raw reviews and the figures of the card."""

import csv
import html
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
import unicodedata
from collections import Counter
from itertools import combinations, pairwise
from pathlib import Path

import pytest

from course_utils.cleaning import duplicate_groups
from course_utils.cli import run_command
from course_utils.corpora import SPLITS, EastmereCorpusReader, corpus_notes, label_names, load_corpus
from course_utils.eastmere import GENRES, data_folder
from course_utils.file_formats import read_tagged_file

FOLDER = data_folder() / "eastmere"
UNIVERSAL = [".", "ADJ", "ADP", "ADV", "CONJ", "DET", "NOUN", "NUM", "PRON", "PRT", "VERB", "X"]
ENTITIES = ["O", "B-LOC", "I-LOC", "B-MISC", "I-MISC", "B-ORG", "I-ORG", "B-PER", "I-PER"]
WITH_VAULT = ("eastmere-tagged", "eastmere-reviews", "eastmere-polarity")


def read_rows(name: str) -> list[dict[str, str]]:
    with open(FOLDER / name, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture(autouse=True)
def own_state(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_STATE", str(tmp_path / "state"))


@pytest.fixture(scope="module")
def tagged():
    return load_corpus("eastmere-tagged")


@pytest.fixture(scope="module")
def reviews():
    return read_rows("reviews.csv")


# Tagged texts


def test_both_readers_read_the_same(tagged):
    reader = EastmereCorpusReader()
    pos, ner = label_names(tagged, "pos_tags"), label_names(tagged, "ner_tags")
    for genre in GENRES:
        loaded = Counter(
            tuple((word, pos[p], ner[n]) for word, p, n in zip(row["tokens"], row["pos_tags"], row["ner_tags"]))
            for part in tagged.values()
            for row in part.to_list()
            if row["genre"] == genre
        )
        assert Counter(map(tuple, reader.iob_sents(f"{genre}.conll"))) == loaded
        assert Counter(map(tuple, reader.tagged_sents(f"{genre}.conll"))) == Counter(
            tuple((word, tag) for word, tag, _ in sentence) for sentence in loaded.elements()
        )
    assert len(reader.sents()) == sum(len(part) for part in tagged.values())


def test_neither_reader_shows_the_vault(tagged):
    sealed = {tuple(tokens) for tokens in read_tagged_file(FOLDER / "tagged" / "vault.conll").tokens}
    assert not sealed & {tuple(tokens) for part in tagged.values() for tokens in part["tokens"]}
    assert not sealed & set(map(tuple, EastmereCorpusReader().sents()))


def test_tags_are_those_of_the_guidelines(tagged):
    assert label_names(tagged, "pos_tags") == UNIVERSAL
    assert label_names(tagged, "ner_tags") == ENTITIES
    for path in [*FOLDER.glob("tagged/*.conll"), *FOLDER.glob("tagged_second/*.conll")]:
        read = read_tagged_file(path)
        assert {tag for tags in read.tags["pos_tags"] for tag in tags} <= set(UNIVERSAL)
        for tags in read.tags["ner_tags"]:
            assert set(tags) <= set(ENTITIES)
            assert not [b for a, b in pairwise(["O", *tags]) if b[0] == "I" and a[1:] != b[1:]]


def test_documents_are_in_one_split(tagged):
    documents = [set(part["document"]) for part in tagged.values()]
    documents.append({meta["document"] for meta in read_tagged_file(FOLDER / "tagged" / "vault.conll").meta})
    assert not [1 for first, second in combinations(documents, 2) if first & second]
    assert all({document.split("-")[0] for document in part} == set(GENRES) for part in documents)


def test_documents_tagged_from_scratch_are_those_of_the_card():
    meta = [meta for path in FOLDER.glob("tagged/*.conll") for meta in read_tagged_file(path).meta]
    scratch = {meta["document"] for meta in meta if meta["tagging"] == "from-scratch"}
    assert scratch == {f"{genre}-{number}" for genre in GENRES for number in ("03", "09")}


def test_the_second_tagging_has_sentences_of_the_first(tagged):
    first = {(row["document"], *row["tokens"]) for row in tagged["test"].to_list()}
    second = read_tagged_file(FOLDER / "tagged_second" / "second.conll")
    assert {(meta["document"], *tokens) for meta, tokens in zip(second.meta, second.tokens)} <= first


# Reviews


def test_authors_are_in_one_split_and_stars_are_spread_evenly(reviews):
    parts = {part: [row for row in reviews if row["split"] == part] for part in (*SPLITS, "vault")}
    assert sum(map(len, parts.values())) == len(reviews)
    authors = [{row["author"] for row in rows} for rows in parts.values()]
    assert not [1 for first, second in combinations(authors, 2) if first & second]
    for stars in "12345":
        overall = sum(row["stars"] == stars for row in reviews) / len(reviews)
        for rows in parts.values():
            assert sum(row["stars"] == stars for row in rows) / len(rows) == pytest.approx(overall, abs=0.03)


def test_polarity_leaves_three_stars_out_and_says_how_many(reviews):
    polarity = load_corpus("eastmere-polarity")
    assert label_names(polarity, "label") == ["negative", "positive"]
    for part in polarity.values():
        assert {(row["stars"], row["label"]) for row in part.to_list()} == {(1, 0), (2, 0), (4, 1), (5, 1)}
    left_out = sum(row["stars"] == "3" and row["split"] != "vault" for row in reviews)
    whole = sum(row["split"] != "vault" for row in reviews)
    assert sum(len(part) for part in polarity.values()) == whole - left_out
    assert f"and {left_out} reviews with 3 stars are left out" in corpus_notes(polarity)[0]


@pytest.mark.parametrize(("column", "count"), [("label", 6), ("domain", 6), ("phenomenon", 8)])
def test_classes_can_be_chosen(column, count, reviews):
    parts = load_corpus("eastmere-reviews", task="classify", label_column=column)
    chosen = "domain" if column == "label" else column
    names = label_names(parts, "label")
    assert names == sorted({row[chosen] for row in reviews}) and len(names) == count
    assert all(names[row["label"]] == row[chosen] for part in parts.values() for row in part.to_list())


def test_stars_are_numbers_for_regression():
    parts = load_corpus("eastmere-reviews", task="regress")
    assert label_names(parts, "label") == []
    assert all(row["label"] == float(row["stars"]) for part in parts.values() for row in part.to_list())
    assert set(parts["test"]["label"]) == {1.0, 2.0, 3.0, 4.0, 5.0}


# The vault


@pytest.mark.parametrize("name", WITH_VAULT)
def test_the_vault_has_the_columns_and_label_numbers_of_the_other_parts(name):
    sealed, parts = load_corpus(name, vault=True), load_corpus(name)
    assert list(sealed) == ["vault"] and list(parts) == list(SPLITS)
    assert sealed["vault"].features == parts["train"].features
    assert "openings so far: 1" in corpus_notes(sealed)[-1]


def test_every_opening_of_the_vault_is_recorded_and_nothing_else_opens_it(capsys):
    for name in WITH_VAULT:
        load_corpus(name)
        assert run_command(["data", "show", name]) == 0
    shown = capsys.readouterr().out
    sealed = [row["text"] for row in read_rows("reviews.csv") if row["split"] == "vault"]
    assert "test: " in shown and "vault: " not in shown and not [text for text in sealed if text in shown]
    assert run_command(["status"]) == 0
    assert "\nvault: opened 0 times" in capsys.readouterr().out
    for name in ("eastmere-tagged", "eastmere-reviews", "eastmere-tagged"):
        load_corpus(name, vault=True)
    assert run_command(["status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    lines = lines[lines.index("vault: opened 3 times") :]
    assert [line.split()[-1] for line in lines[1:]] == ["eastmere-tagged", "eastmere-reviews", "eastmere-tagged"]


@pytest.mark.parametrize("name", ["eastmere-reviews-raw", "brown.conll"])
def test_what_has_no_vault(name):
    with pytest.raises(
        ValueError, match=r"has no vault\. eastmere-tagged, eastmere-reviews and eastmere-polarity have"
    ):
        load_corpus(name, vault=True)


# The reviews as collected


@pytest.fixture(scope="module")
def raw_rows():
    """Raw row, names of its faults and its source, for every raw row."""
    sources = {row["id"]: row for row in read_rows("reviews.csv")}
    raw, key = read_rows("reviews_raw.csv"), read_rows("reviews_raw_key.csv")
    assert [row["id"] for row in raw] == [row["id"] for row in key]
    return [(row, set(entry["faults"].split()), sources[entry["source"]]) for row, entry in zip(raw, key)]


def test_the_script_makes_the_committed_files(tmp_path):
    subprocess.run([sys.executable, str(FOLDER / "make_reviews_raw.py"), str(tmp_path)], check=True)
    for name in ("reviews_raw.csv", "reviews_raw_key.csv"):
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes()


def restore(text: str) -> str:
    """Undo every kind of dirt, the last one first."""
    text = re.sub(r"<br/>", " ", text)
    text = html.unescape(re.sub(r"</?[pb]>", "", text))
    for encoding in ("cp1252", "latin-1"):
        try:
            text = text.encode(encoding).decode("utf-8")
            break
        except UnicodeError:
            continue
    text = unicodedata.normalize("NFKC", re.sub("[\u200b\ufeff\u00ad]", "", text))
    return " ".join(text.translate(str.maketrans("“”‘’", "\"\"''")).split())


def test_nothing_is_wrong_but_what_the_key_says(raw_rows):
    number = {word: str(k) for k, word in enumerate(("one", "two", "three", "four", "five"), 1)}
    number |= {"★" * k: str(k) for k in range(1, 6)} | {f"{k}/5": str(k) for k in range(1, 6)}
    dirt = {"curly-quotes", "decomposed", "zero-width", "full-width", "white-space", "mojibake"}
    dirt |= {"html-entities", "html-tags"}
    for row, faults, source in raw_rows:
        for name in ("text", "stars", "domain", "author"):
            assert (row[name] == "") == (f"missing-{name}" in faults)
        if row["text"] and "near-duplicate" not in faults:
            assert restore(row["text"]) == restore(source["text"])
            assert (row["text"] != source["text"]) == bool(faults & dirt)
        if row["stars"]:
            stars = number.get(row["stars"], row["stars"])
            assert (stars != row["stars"]) == ("stars-format" in faults)
            assert (stars != source["stars"]) == ("wrong-stars" in faults)
        assert row["domain"] in ("", source["domain"]) and row["author"] in ("", source["author"])


def test_copies_follow_their_originals(raw_rows):
    seen: dict[str, set[tuple[str, ...]]] = {}
    for row, faults, source in raw_rows:
        copy = tuple(row[name] for name in ("text", "stars", "domain", "author"))
        assert (source["id"] in seen) == bool(faults & {"exact-duplicate", "near-duplicate"})
        assert "exact-duplicate" not in faults or copy in seen[source["id"]]
        assert "near-duplicate" not in faults or row["text"]
        seen.setdefault(source["id"], set()).add(copy)


def test_shares_of_the_faults(raw_rows):
    """Bounds of four standard deviations and more around the shares in the script."""
    share = Counter(fault for _, faults, _ in raw_rows for fault in faults)
    for fault, expected in {"wrong-stars": 0.05, "exact-duplicate": 0.03, "near-duplicate": 0.03}.items():
        assert share[fault] / len(raw_rows) == pytest.approx(expected, abs=0.018)


def test_the_raw_reviews_hold_each_review_and_none_of_the_vault(raw_rows, reviews):
    assert {source["id"] for _, _, source in raw_rows} == {row["id"] for row in reviews if row["split"] != "vault"}
    sealed = [row["text"] for row in reviews if row["split"] == "vault"]
    collected = [restore(row["text"]) for row, _, _ in raw_rows if row["text"]]
    groups = duplicate_groups(sealed + collected)
    assert not set(groups[: len(sealed)]) & set(groups[len(sealed) :])


def test_the_raw_reviews_are_texts_without_splits():
    parts = load_corpus("eastmere-reviews-raw")
    assert list(parts) == ["raw"]
    assert {name: feature.dtype for name, feature in parts["raw"].features.items()} == dict.fromkeys(
        ("id", "text", "stars", "domain", "author"), "string"
    )
    assert parts["raw"].to_list() == read_rows("reviews_raw.csv")
    assert "uncleaned, and without splits" in corpus_notes(parts)[0]


@pytest.mark.parametrize("task", ["classify", "regress", "ner"])
def test_nobody_trains_on_the_raw_reviews(task, capsys):
    assert run_command(["train", task, "--data", "eastmere-reviews-raw"]) == 2
    assert capsys.readouterr().err == (
        'course: corpus "eastmere-reviews-raw" is uncleaned and has no splits. Its clean form is eastmere-reviews.\n'
    )


def test_the_corpora_are_listed_and_the_raw_reviews_shown(capsys):
    assert run_command(["data", "list"]) == 0
    listed = [line.split()[:2] for line in capsys.readouterr().out.splitlines() if line.startswith("eastmere")]
    assert listed == [
        ["eastmere-tagged", "pos/ner"],
        ["eastmere-reviews", "classify/regress"],
        ["eastmere-polarity", "classify"],
        ["eastmere-reviews-raw", "-"],
    ]
    assert run_command(["data", "show", "eastmere-reviews-raw"]) == 0
    assert f"raw: {len(read_rows('reviews_raw.csv'))} rows of id, text, stars" in capsys.readouterr().out


# The card and the wheel


def test_the_figures_of_the_card_are_computed():
    spec = importlib.util.spec_from_file_location("describe", FOLDER / "describe.py")
    describe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(describe)
    figures = describe.CARD.read_text("utf-8").split(describe.BEGIN)[1].split(describe.END)[0]
    assert figures.strip() == describe.describe_collection()


def test_the_wheel_carries_the_data():
    wheel = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text("utf-8"))
    wheel = wheel["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "data" in wheel["only-include"] and wheel["sources"]["data"] == "course_utils/data"
    assert (FOLDER / "LICENSE").read_text("utf-8").count("CC-BY-4.0") == 1


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_the_reader_reads_files_that_a_group_may_write_to(monkeypatch, tmp_path):
    shutil.copytree(data_folder() / "eastmere" / "tagged", tmp_path / "eastmere" / "tagged")
    for path in (tmp_path / "eastmere" / "tagged").iterdir():
        path.chmod(0o664)  # what git and pip leave behind under a umask of 002
    monkeypatch.setattr("course_utils.nltk_reader.data_folder", lambda: tmp_path)
    assert len(EastmereCorpusReader().sents("chat.conll")) > 10
