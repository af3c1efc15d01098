"""Saved runs: offsets, joined spans, blank lines, long lines, labels by name."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset, Features, Value
from tiny import tiny_config
from transformers import BertForSequenceClassification, BertForTokenClassification

from course_utils import runs, workflows
from course_utils.models import load_tokenizer, save
from course_utils.runs import load_run, predict_lines, renumber_labels, split_words
from course_utils.tasks import DataOptions, word_predictions
from course_utils.tokenization import encode_words
from course_utils.training import Predictions


def saved_run(folder, task, names, max_length=64, **options):
    """A random tiny model in a folder that looks like a finished run."""
    torch.manual_seed(0)
    labels = {"id2label": dict(enumerate(names))} if names else {"num_labels": 1, "problem_type": "regression"}
    config = tiny_config(vocab_size=30522, **labels, **options)
    factory = BertForTokenClassification if task in ("pos", "ner") else BertForSequenceClassification
    save(factory(config), load_tokenizer("minilm"), folder)
    record = {"task": task, "max_length": max_length, "options": {"precision": "float32", "seed": 0}}
    (folder / workflows.RUN_FILE).write_text(json.dumps(record))
    return load_run(folder)


NER = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


@pytest.mark.parametrize(
    "text",
    [
        "She said \"we'll sail\", didn't she?",
        "``Odd'' quotes \"and\" 'more' of them''",
        "Emoji 🐟🐟 and ❤️, flags 🏴\u200d☠️.",
        "cannot gonna wanna gimme lemme",
        "  leading and trailing  ",
        "tabs\tand\u00a0no-break spaces\u2028separators",
        "中文字符 and Ελληνικά",
        "£8.20, 50% (or more...) -- e.g. Mr. A. N. Other's",
        "\"\"\"\" '''' ````",
        "a" * 500,
        "\ufeffbyte order mark",
    ],
)
def test_words_stand_where_their_offsets_say(text):
    words = split_words(text)
    assert words
    position = 0
    for word, start, end in words:
        assert text[start:end] == word and word.strip()
        assert not text[position:start].strip()  # nothing but space is left out
        position = end
    assert not text[position:].strip()


def test_a_blank_text_has_no_words():
    assert split_words("") == split_words(" \t ") == []


def test_spans_are_joined_with_the_score_of_the_least_certain_word(tmp_path, monkeypatch):
    run = saved_run(tmp_path, "ner", NER)
    line = "Anna May left Skerry Isle."
    wanted = [1, 2, 0, 3, 4, 0]
    strength = [5.0, 3.0, 2.0, 4.0, 1.0, 2.0]

    def fake(model, encoded, **options):
        logits = []
        for ids in encoded["word_ids"]:
            rows = np.zeros((len(ids), len(NER)))
            for k, word in enumerate(ids):
                if word >= 0:
                    rows[k, wanted[word]] = strength[word]
            logits.append(rows)
        return Predictions(logits, None)

    monkeypatch.setattr(runs, "predict", fake)
    (result,) = predict_lines(run, [line])
    assert result["tags"] == ["B-PER", "I-PER", "O", "B-LOC", "I-LOC", "O"]
    score = {s: np.exp(s) / (np.exp(s) + 4) for s in strength}
    assert result["spans"] == [
        {"start": 0, "end": 8, "label": "PER", "text": "Anna May", "score": round(score[3.0], 4)},
        {"start": 14, "end": 25, "label": "LOC", "text": "Skerry Isle", "score": round(score[1.0], 4)},
    ]


def test_every_line_gives_one_object_and_every_word_one_tag(tmp_path):
    run = saved_run(tmp_path, "ner", NER, max_length=16)
    long = " ".join(f"word{i}" for i in range(200))
    lines = ["", "A 🐟 swims.", "   ", long, "️", "end"]
    results = list(predict_lines(run, lines, chunk=2))
    assert len(results) == len(lines)
    assert results[0] == results[2] == {"tokens": [], "tags": [], "spans": []}
    for line, result in zip(lines, results):
        assert len(result["tags"]) == len(result["tokens"])
        for span in result["spans"]:
            assert line[span["start"] : span["end"]] == span["text"]
    assert results[3]["tokens"] == long.split()
    # Chunks are only about memory: one at a time gives the same.
    assert [next(predict_lines(run, [line]))["tags"] for line in lines] == [r["tags"] for r in results]


def test_words_that_are_given_are_not_split_again(tmp_path):
    run = saved_run(tmp_path, "pos", ["NOUN", "VERB", "."])
    (result,) = predict_lines(run, ["don't  go."], words=True)
    assert result["tokens"] == ["don't", "go."]
    assert [(s["start"], s["end"]) for s in result["spans"]] == [(0, 5), (7, 10)]
    assert [s["label"] for s in result["spans"]] == result["tags"]


def test_scores_of_a_text_sum_to_one_and_a_blank_line_has_no_label(tmp_path):
    run = saved_run(tmp_path, "classify", ["negative", "neutral", "positive"])
    blank, good = predict_lines(run, ["", "good"])
    assert blank == {"text": "", "label": None, "scores": {}}
    assert sum(good["scores"].values()) == pytest.approx(1, abs=2e-4)
    assert good["label"] == max(good["scores"], key=good["scores"].get)


def test_a_number_is_predicted_for_regression(tmp_path):
    run = saved_run(tmp_path, "regress", [])
    (result,) = predict_lines(run, ["fine"])
    assert isinstance(result["label"], float)


def test_labels_are_matched_by_name_not_by_number(tmp_path):
    run = saved_run(tmp_path, "classify", ["negative", "positive"])
    features = Features({"text": Value("string"), "label": ClassLabel(names=["positive", "negative"])})
    rows = Dataset.from_dict({"text": ["a", "b"], "label": [0, 1]}, features=features)
    assert renumber_labels(rows, run)["label"][:] == [1, 0]


def test_a_label_the_model_does_not_know_lists_both_sets(tmp_path):
    run = saved_run(tmp_path, "classify", ["negative", "positive"])
    features = Features({"text": Value("string"), "label": ClassLabel(names=["mixed", "positive"])})
    rows = Dataset.from_dict({"text": ["a", "b"], "label": [0, 1]}, features=features)
    with pytest.raises(
        ValueError, match=r'label "mixed" is not known .* have mixed, positive; .* knows negative, positive'
    ):
        renumber_labels(rows, run)
    renumber_labels(rows.select([1]), run)  # a name that no example uses does no harm


def test_words_cut_off_get_no_prediction():
    tokenizer = load_tokenizer("minilm")
    rows = Dataset.from_dict({"tokens": [["lighthousekeeping", "is", "fun"]]})
    encoded = encode_words(rows, tokenizer, max_length=5)
    ids = encoded["word_ids"][0]
    logits = np.zeros((len(ids), 2))
    logits[1, 1] = 1.0  # the first piece of the first word
    found = word_predictions(encoded, Predictions([logits], None))[0]
    assert len(found) == 3
    assert found[0] == 1 and found[-1] == -1


def test_evaluation_options_are_checked(tmp_path):
    with pytest.raises(ValueError, match="no such folder"):
        runs.evaluate_run(tmp_path / "missing", DataOptions("x.csv"))


def test_a_full_stop_inside_a_line_is_a_word_but_not_that_of_an_abbreviation():
    words = [
        word for word, _, _ in split_words("Mr. Lee left Paris. In 1999. No. 5 p.m. He met her. 🐟 ok vs. that. no")
    ]
    assert " ".join(words) == "Mr. Lee left Paris . In 1999 . No. 5 p.m. He met her . 🐟 ok vs. that. no"


def test_a_folder_may_be_called_like_a_model_of_the_course(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saved_run(tmp_path / "bert", "classify", ["a", "b"])
    assert load_run(Path("bert")).names == ["a", "b"]


def test_a_run_in_float16_is_read_on_a_machine_without_a_gpu(tmp_path):
    run = saved_run(tmp_path, "classify", ["a", "b"])
    run.model.to("cpu")
    run.record["options"]["precision"] = "float16"
    assert run.precision == "auto"
    assert len(list(predict_lines(run, ["one"]))) == 1


def test_evaluation_reads_the_columns_of_the_training(tmp_path):
    run = saved_run(tmp_path / "run", "classify", ["a", "b"])
    record = run.record | {"data": {"data": "x.csv", "text_column": "review", "label_column": "stars"}}
    (tmp_path / "run" / workflows.RUN_FILE).write_text(json.dumps(record))
    (tmp_path / "y.csv").write_text("review,stars,mood\none,a,b\ntwo,b,b\n")
    data = str(tmp_path / "y.csv")
    assert runs.evaluate_run(tmp_path / "run", DataOptions(data))["num_examples"] == 2
    told = runs.evaluate_run(tmp_path / "run", DataOptions(data, label_column="mood"))
    assert told["num_examples"] == 2 and told["accuracy"] in (0, 1, 0.5)


def test_what_a_file_leaves_out_is_said_in_evaluation_too(tmp_path):
    saved_run(tmp_path / "run", "pos", ["NOUN", "VERB"])
    rest = "\t_" * 6
    (tmp_path / "a.conllu").write_text(f"1-2\tdont\t_\t_{rest}\n1\tdo\t_\tVERB{rest}\n2\tnot\t_\tNOUN{rest}\n")
    said = []
    runs.evaluate_run(tmp_path / "run", DataOptions(str(tmp_path / "a.conllu")), say=said.append)
    assert "1 multiword ranges" in said[0]
