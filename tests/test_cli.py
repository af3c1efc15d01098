"""The command line from end to end, with the first layer of the real model and small files."""

import json

import pytest
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification, pipeline

from course_utils.cli import run_command

pytestmark = pytest.mark.slow

PLACES = ("café", "ferry", "hotel", "clinic", "shop", "quay", "bakery", "library", "cinema", "bar")
GOOD = ("lovely", "excellent", "wonderful")
BAD = ("awful", "terrible", "dreadful")
QUICK = ["--num-layers", "1", "--epochs", "2", "--batch-size", "8", "--learning-rate", "1e-3", "--device", "cpu"]


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    path = tmp_path_factory.mktemp("reviews") / "reviews.csv"
    rows = ["text,label,author"]
    for k, place in enumerate(PLACES):
        rows += [f'"A {word} {place}, truly.",good,author{k}' for word in GOOD]
        rows += [f'"A {word} {place}, truly.",bad,author{k}' for word in BAD]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def classifier(reviews, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "classifier"
    figures = folder.parent / "figures.json"
    command = ["train", "classify", "--data", str(reviews), *QUICK, "--output", str(folder), "--json", str(figures)]
    assert run_command(command) == 0
    return folder, json.loads(figures.read_text())


@pytest.fixture(scope="module")
def entities(tmp_path_factory):
    path = tmp_path_factory.mktemp("entities") / "people.conll"
    lines = []
    for k, name in enumerate(("Anna", "Will", "Rose", "Frank", "Joan", "Mark", "Hope", "Bill", "Drew", "Pat")):
        for verb in ("left", "saw", "met"):
            lines += [f"# document = d{k}", f"{name}\tB-PER", "May\tI-PER", f"{verb}\tO", "Eastmere\tB-LOC", ".\tO", ""]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def tagger(entities, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "tagger"
    assert run_command(["train", "ner", "--data", str(entities), *QUICK, "--output", str(folder)]) == 0
    return folder


def test_training_writes_the_figures_that_are_promised(classifier):
    _, figures = classifier
    assert set(figures) >= {"task", "data", "split", "num_examples", "seconds", "accuracy", "macro_f1"}
    assert figures["task"] == "classify" and figures["split"] == "test" and figures["num_examples"] == 6
    for name in ("accuracy", "macro_f1"):
        low, high = figures[f"{name}_interval"]
        assert 0 <= low <= figures[name] <= high <= 1
    assert set(figures["baselines"]) == {"majority", "tfidf"}
    assert figures["learning_rate"] == 1e-3 and figures["seed"] == 0


def test_the_folder_remembers_everything(classifier):
    folder, figures = classifier
    record = json.loads((folder / "training.json").read_text())
    assert record["task"] == "classify" and record["options"]["num_layers"] == 1
    assert record["test"]["accuracy"] == figures["accuracy"]
    assert len(record["history"]) == 2 and record["machine"]["packages"]["torch"]
    assert any("made from it" in note for note in record["data_notes"])
    assert not (folder / "checkpoints").exists()


def test_evaluating_the_saved_model_gives_the_figure_at_the_end_of_training(classifier, reviews, tmp_path):
    folder, figures = classifier
    assert run_command(["evaluate", str(folder), "--data", str(reviews), "--json", str(tmp_path / "e.json")]) == 0
    again = json.loads((tmp_path / "e.json").read_text())
    assert again["split"] == "all" and again["num_examples"] == 60  # a single file is taken whole
    parts = tmp_path / "parts"
    parts.mkdir()
    rows = reviews.read_text(encoding="utf-8").splitlines()
    from course_utils.corpora import load_corpus

    corpus = load_corpus(reviews)
    for name in ("train", "validation", "test"):
        texts = set(corpus[name]["text"])
        kept = [row for row in rows[1:] if row.split('"')[1] in texts]
        (parts / f"{name}.csv").write_text("\n".join([rows[0], *kept]) + "\n", encoding="utf-8")
    assert run_command(["evaluate", str(folder), "--data", str(parts), "--json", str(tmp_path / "t.json")]) == 0
    test = json.loads((tmp_path / "t.json").read_text())
    assert {k: v for k, v in test.items() if k not in ("seconds", "data")} == {
        k: figures[k] for k in test if k not in ("seconds", "data")
    }


def test_plain_transformers_load_and_predict_the_same(classifier, tmp_path, capsys):
    folder, _ = classifier
    texts = ["A lovely quay, truly.", "A dreadful bar, truly."]
    (tmp_path / "in.txt").write_text("\n".join(texts), encoding="utf-8")
    assert run_command(["predict", str(folder), "--input", str(tmp_path / "in.txt")]) == 0
    ours = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert AutoModelForSequenceClassification.from_pretrained(folder).config.id2label == {0: "bad", 1: "good"}
    theirs = pipeline("text-classification", model=str(folder), device="cpu", top_k=None)(texts)
    for mine, other in zip(ours, theirs):
        scores = {row["label"]: row["score"] for row in other}
        assert mine["scores"] == pytest.approx(scores, abs=2e-4)
        assert mine["label"] == max(scores, key=scores.get)


def test_a_tagger_predicts_as_the_pipeline_does(tagger, tmp_path):
    lines = ["Anna May left Eastmere .", "Rose May saw Eastmere ."]
    (tmp_path / "in.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    out = tmp_path / "out.jsonl"
    command = ["predict", str(tagger), "--input", str(tmp_path / "in.txt"), "--output", str(out), "--words"]
    assert run_command(command) == 0
    ours = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert AutoModelForTokenClassification.from_pretrained(tagger).num_labels == 5
    tag = pipeline("token-classification", model=str(tagger), device="cpu", ignore_labels=[])
    for line, mine in zip(lines, ours):
        assert mine["tokens"] == line.split()
        first = {row["start"]: row["entity"] for row in tag(line)}
        starts = [len(" ".join(line.split()[:k])) + (k > 0) for k in range(len(line.split()))]
        assert mine["tags"] == [first[start] for start in starts]


def test_a_thousand_lines_with_blank_lines_and_emoji(tagger, tmp_path):
    lines = [("Anna May left Eastmere 🐟 ❤️.", "", "met Joan May?")[k % 3] for k in range(1000)]
    (tmp_path / "in.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    out = tmp_path / "out.jsonl"
    assert run_command(["predict", str(tagger), "--input", str(tmp_path / "in.txt"), "--output", str(out)]) == 0
    results = [json.loads(line) for line in out.read_text(encoding="utf-8").split("\n")[:-1]]
    assert len(results) == 1000
    assert all(result["tokens"] == [] for result in results[1::3])
    for line, result in zip(lines, results):
        assert all(line[s["start"] : s["end"]] == s["text"] for s in result["spans"])


def test_regression_on_a_file_of_ones_own(tmp_path, capsys):
    rows = [{"text": f"{w} {p}", "label": n} for p in PLACES for w, n in (("awful", 1), ("plain", 3), ("lovely", 5))]
    data = tmp_path / "stars.jsonl"
    data.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    out, figures = tmp_path / "run", tmp_path / "f.json"
    assert (
        run_command(["train", "regress", "--data", str(data), *QUICK, "--output", str(out), "--json", str(figures)])
        == 0
    )
    found = json.loads(figures.read_text())
    for name in ("mean_absolute_error", "root_mean_squared_error", "spearman"):
        assert name in found and len(found[f"{name}_interval"]) == 2
    assert run_command(["evaluate", str(out), "--data", str(data)]) == 0
    assert "mean_absolute_error" in capsys.readouterr().out


def test_a_killed_training_is_resumed_to_the_same_figures(reviews, tmp_path, monkeypatch):
    from course_utils import workflows
    from course_utils.bookkeeping import Run

    command = ["train", "classify", "--data", str(reviews), *QUICK, "--output", str(tmp_path / "run")]
    monkeypatch.setattr(workflows, "CHECKPOINT_EVERY", 4)
    assert run_command([*command[:-1], str(tmp_path / "whole"), "--json", str(tmp_path / "whole.json")]) == 0
    save, count = Run._save, iter(range(100))

    def dying(*arguments):
        save(*arguments)
        if next(count) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Run, "_save", dying)
        assert run_command(command) == 130
    assert (tmp_path / "run" / "checkpoints").exists()
    assert run_command(["predict", str(tmp_path / "run"), "--input", str(reviews)]) == 2  # not finished
    assert run_command([*command, "--resume", "--json", str(tmp_path / "resumed.json")]) == 0
    whole, resumed = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("whole", "resumed"))
    assert whole["accuracy_interval"] == resumed["accuracy_interval"]
    assert [r["train_loss"] for r in whole["history"]] == [r["train_loss"] for r in resumed["history"]]


def test_the_doctor_finds_this_machine_healthy(capsys):
    assert run_command(["doctor", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] and {"python", "packages", "model", "device", "memory", "disk", "data"} == {
        check["name"] for check in report["checks"]
    }
    assert run_command(["doctor"]) == 0
    assert "minilm verified" in capsys.readouterr().out


def test_the_doctor_says_what_is_wrong(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_MIRROR", str(tmp_path / "nowhere"))
    assert run_command(["doctor"]) == 1
    assert "FAIL data: COURSE_MIRROR=" in capsys.readouterr().out


def test_the_corpora_are_listed(capsys):
    assert run_command(["data", "list"]) == 0
    assert {"brown", "sst2", "wnut17", "ud-ewt"} <= {line.split()[0] for line in capsys.readouterr().out.splitlines()}


def test_a_file_of_ones_own_is_shown(reviews, capsys):
    assert run_command(["data", "show", str(reviews)]) == 0
    shown = capsys.readouterr().out
    assert "train: 48 rows" in shown and "label: 2 labels: bad good" in shown and 'by "author"' in shown


def test_texts_without_words_and_one_example_train_without_the_baseline_that_needs_more(tmp_path, reviews, capsys):
    data = tmp_path / "emoji.csv"
    data.write_text("text,label\n" + "".join(f"{'🐟🍲'[k % 2] * (k + 1)},{'ab'[k % 2]}\n" for k in range(20)), "utf-8")
    assert run_command(["train", "classify", "--data", str(data), *QUICK]) == 0
    assert run_command(["train", "classify", "--data", str(reviews), "--train-size", "1", *QUICK]) == 0
    assert capsys.readouterr().err.count("baseline tfidf: left out") == 2


def test_regression_does_not_depend_on_the_unit_of_the_labels(tmp_path, capsys):
    errors = []
    for unit in (1, 1000):
        rows = [{"text": f"{w} {p}", "label": n * unit} for p in PLACES for w, n in (("awful", 71), ("lovely", 75))]
        data, figures = tmp_path / f"{unit}.jsonl", tmp_path / "f.json"
        data.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
        command = ["train", "regress", "--data", str(data), *QUICK, "--precision", "float32", "--json", str(figures)]
        assert run_command(command) == 0
        errors.append(json.loads(figures.read_text())["mean_absolute_error"] / unit)
    assert errors[0] < 4 and errors[0] == pytest.approx(errors[1], rel=0.02)
