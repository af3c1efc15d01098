"""The benchmark: what it counts is checked by hand or another way, how it runs with tiny models or none."""

import copy
import itertools
import json
import math
import mmap
import os
import re
import runpy
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from tiny import classified, no_dropout, tagged, tiny_classifier, tiny_tagger
from torch.utils.flop_counter import FlopCounterMode

from course_utils.benchmark import data, measure, report, timed_run, turns
from course_utils.cli import run_command
from course_utils.errors import InputError
from course_utils.models import load_tokenizer, save
from course_utils.training import TrainingConfig, fit

# Operations: in the tiny model 4 · 16² + 2 · 16 · 32 = 2048 weights in the matrices of each of two layers.


def test_the_weights_of_the_encoder_are_those_of_its_matrices():
    assert measure.encoder_weights(tiny_classifier()) == 2 * (4 * 16**2 + 2 * 16 * 32) == 4096


def test_operations_by_hand():
    # Forward 2 · 4096 · (3 + 5) + 4 · 2 · 16 · (9 + 25) = 65,536 + 4,352.
    assert measure.model_flops(tiny_classifier(), [3, 5], training=False) == 69_888
    assert measure.model_flops(tiny_classifier(), [3, 5], training=True) == 3 * 69_888


@pytest.mark.parametrize("length", [7, 20])
def test_operations_as_pytorch_counts_them(length):
    model = tiny_tagger(**no_dropout(), attn_implementation="eager")
    ids = torch.full((1, length), 9)
    head = 2 * length * 16 * 3  # which model_flops leaves out
    with FlopCounterMode(display=False) as counter:
        loss = model(input_ids=ids, labels=torch.zeros_like(ids)).loss
        forward = counter.get_total_flops()
        loss.backward()
    assert forward - head == measure.model_flops(model, [length], training=False)
    assert counter.get_total_flops() - 3 * head == measure.model_flops(model, [length], training=True)


# The machine


def test_the_matrix_rate_is_that_of_the_best_product_after_the_first(monkeypatch):
    clock = iter([0.0, 0.0, 0.1, 1.0, 1.5, 2.0, 2.25, 3.0, 4.0])  # begun, then start and end of each product
    monkeypatch.setattr(measure.time, "perf_counter", lambda: next(clock))
    assert measure.matrix_rate(10, "float32", seconds=3.5) == 2 * 10**3 / 0.25


def test_rates_by_precision_and_size_with_none_where_patience_ends():
    rates = measure.matrix_rates(sizes=(16, 32), seconds=0.0)
    assert {precision: list(by_size) for precision, by_size in rates.items()} == {
        "float32": ["16", "32"],
        "bfloat16": ["16", "32"],
    }
    assert min(rate for by_size in rates.values() for rate in by_size.values()) > 0
    impatient = measure.matrix_rates(sizes=(16,), seconds=0.0, patience=0.0)
    assert impatient == {"float32": {"16": None}, "bfloat16": {"16": None}}


def test_a_card_is_waited_for(monkeypatch):
    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", waited.append)
    measure.synchronise("cpu")
    measure.synchronise("cuda")
    assert waited == ["cuda"]


@pytest.mark.skipif(not measure.PROCESS_STATUS.exists(), reason="only Linux counts it for each program")
def test_memory_grows_with_what_is_taken_and_the_peak_stays():
    before, size = measure.resident_memory(), 80 * 2**20
    with mmap.mmap(-1, size) as block:  # from the system, and given back to it: the heap may hold enough already
        block.write(b"1" * size)
        taken = measure.resident_memory()
    assert taken - before > 0.9 * size
    assert measure.peak_memory() > 0.98 * taken  # the system counts in steps of its own
    assert measure.resident_memory() < taken


def test_memory_where_there_is_no_status_file(monkeypatch, tmp_path):
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(measure, "PROCESS_STATUS", tmp_path / "none")
    assert measure.resident_memory() is None
    monkeypatch.setattr(sys, "platform", "darwin")
    in_bytes = measure.peak_memory()
    monkeypatch.setattr(sys, "platform", "linux")
    assert measure.peak_memory() >= 1024 * in_bytes
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >= in_bytes
    monkeypatch.setitem(sys.modules, "resource", None)
    assert measure.peak_memory() is None


def test_the_processor_has_a_name(monkeypatch, tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    monkeypatch.setattr(measure, "PROCESSORS", cpuinfo)
    monkeypatch.setattr(measure.platform, "processor", lambda: "arm")
    assert measure.processor_name() == "arm"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: Some CPU: 3 GHz\nprocessor\t: 1\nmodel name\t: Other\n")
    assert measure.processor_name() == "Some CPU: 3 GHz"


def test_cores_and_load_on_systems_that_say_less(monkeypatch):
    assert 1 <= measure.available_cores() <= os.cpu_count()
    assert measure.load_average() >= 0
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.delattr(os, "getloadavg", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert measure.available_cores() == 1
    assert measure.load_average() is None


@pytest.mark.parametrize("exponent", [0.0, 1.0, 1.7])
def test_the_exponent_of_a_power_law_is_found(exponent):
    sizes = [32, 64, 128, 512]
    assert measure.growth_exponent(sizes, [3 * n**exponent for n in sizes]) == pytest.approx(exponent, abs=1e-9)


def test_the_exponent_of_two_points_is_their_slope():
    assert measure.growth_exponent([10, 100], [7, 70 * math.sqrt(10)]) == pytest.approx(1.5)


# The data


@pytest.mark.parametrize(
    ("name", "labels", "longest"), [("sentences", 6, 256), ("tagging", 12, 256), ("long", 6, 256), ("step", 2, 128)]
)
def test_data_without_the_real_corpora(name, labels, longest, no_mirror, tmp_path):
    case = replace(data.CASES[name], num_train=8, num_eval=4)
    prepared = data.prepare(case, tmp_path)
    assert prepared.num_labels == labels
    for split, size in (("train", 8), ("validation", 4)):
        columns = json.loads((tmp_path / f"{split}.json").read_text("utf-8"))
        lengths = [len(ids) for ids in columns["input_ids"]]
        assert list(columns) == data.COLUMNS and len(lengths) == size
        assert prepared.lengths[split]["mean"] == np.mean(lengths)
        assert prepared.lengths[split]["p50"] == np.median(lengths)
        flat = [i for row in columns["labels"] for i in (row if isinstance(row, list) else [row])]
        assert {i for i in flat if i >= 0} <= set(range(labels)) and max(flat) >= 0
        assert max(lengths) <= longest
        if name in ("long", "step"):
            assert set(lengths) == {longest}
        if name == "step":
            assert np.shape(columns["labels"]) == (size, longest)


def film_reviews():
    """Three documents a split: two of two lines, which differ in length, and a long one."""
    features = Features({"text": Value("string"), "label": ClassLabel(names=["negative", "positive"])})
    rows = [
        {"text": "a dull film\n\nit drags on and on", "label": 0},
        {"text": "a fine film\n  i laughed  ", "label": 1},
        {"text": "good " * 300, "label": 1},
    ]
    part = Dataset.from_list(rows, features=features)
    return DatasetDict({"train": part, "validation": part, "test": part})


def test_real_sentences_are_whole_ones_with_labels_of_their_own(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_MIRROR", "here")
    rows = [{"text": " ".join(["good"] * size), "label": size % 2} for size in (1, 15, 16, 17, 40)]
    part = Dataset.from_list(rows, features=film_reviews()["train"].features)
    asked = []
    corpus = DatasetDict({"train": part, "validation": part, "test": part})
    monkeypatch.setattr(data, "load_corpus", lambda name, task: asked.append((name, task)) or corpus)
    prepared = data.prepare(replace(data.CASES["sentences"], num_train=3, num_eval=3), tmp_path)
    columns = json.loads((tmp_path / "train.json").read_text("utf-8"))
    assert [len(ids) - 2 for ids in columns["input_ids"]] == [16, 17, 40] and columns["labels"] == [0, 1, 0]
    assert asked == [("sst2", "classify")] and prepared.description == "sentences of sst2 of 16 words or more"


def test_real_long_texts_are_whole_reviews_that_are_long_enough(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_MIRROR", "here")
    monkeypatch.setattr(data, "load_corpus", lambda name, task: film_reviews())
    prepared = data.prepare(replace(data.CASES["long"], num_train=1, num_eval=1), tmp_path)
    assert prepared.lengths["train"] | {"mean": 256} == dict.fromkeys(prepared.lengths["train"], 256)
    with pytest.raises(InputError, match="long: 1 train examples, expected 2"):
        data.prepare(replace(data.CASES["long"], num_train=2, num_eval=1), tmp_path)


def test_real_tags_come_from_brown(monkeypatch):
    asked = []
    monkeypatch.setattr(data, "load_corpus", lambda name, task: asked.append((name, task)))
    data._tagged_sentences(True)
    assert asked == [("brown", "pos")]


# One run


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A tiny model with the tokenizer of minilm."""
    folder = tmp_path_factory.mktemp("tiny")
    save(tiny_classifier(vocab_size=30522, max_position_embeddings=128), load_tokenizer(), folder)
    return str(folder)


@pytest.fixture
def job(checkpoint, tmp_path):
    for split, size in (("train", 40), ("validation", 20)):
        columns = data.random_inputs(size, 12).to_dict()
        (tmp_path / f"{split}.json").write_text(json.dumps(columns), "utf-8")
    return timed_run.Job("fit", "classify", str(tmp_path), num_labels=2, checkpoint=checkpoint, num_epochs=2)


@pytest.mark.parametrize(
    ("program", "eval_batch"), [("fit", [None]), ("trainer", [8]), ("trainer-tuned", [16, 32, 64, 128])]
)
def test_a_run_of_each_program(program, eval_batch, job):
    timing = timed_run.time_job(replace(job, program=program))
    assert len(timing.epoch_seconds) == 2
    assert 0 < sum(timing.epoch_seconds) < timing.seconds
    assert timing.cpu_seconds > 0 and 0 <= timing.accuracy <= 1
    assert timing.memory_before is None or timing.memory_before <= timing.peak_memory
    assert timing.train_flops == 2 * 3 * 40 * (2 * 4096 * 12 + 4 * 2 * 16 * 144)
    assert timing.eval_flops == 2 * 20 * (2 * 4096 * 12 + 4 * 2 * 16 * 144)
    assert timing.eval_batch_size in eval_batch
    assert timing.threads == torch.get_num_threads()


def test_precision_is_reported_as_it_was_used(job, monkeypatch):
    monkeypatch.setattr(timed_run, "cpu_has_bfloat16", lambda: True)
    assert timed_run.time_job(replace(job, program="trainer-tuned")).precision == "bfloat16"
    assert timed_run.time_job(replace(job, program="trainer")).precision == "float32"
    assert timed_run.time_job(replace(job, options={"precision": "bfloat16"})).precision == "bfloat16"
    assert timed_run.time_job(replace(job, options={"precision": "float32"})).precision == "float32"


def test_tags_are_trained_too(job):
    for split in ("train", "validation"):
        columns = data.random_inputs(20, 9, per_token=True).to_dict()
        Path(job.data, f"{split}.json").write_text(json.dumps(columns), "utf-8")
    for program in ("fit", "trainer"):
        assert 0.2 < timed_run.time_job(replace(job, task="pos", program=program)).accuracy < 0.8  # random labels


def settings_of_equal_training():
    return TrainingConfig(
        learning_rate=3e-2, num_epochs=6, batch_size=16, weight_decay=0.5, warmup_steps=0.4, max_grad_norm=0.1,
        device="cpu", precision="float32",
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["classify", "pos"])
def test_both_programs_train_alike(kind, tmp_path):
    """One batch an epoch, so that the order does not matter, and no dropout: the same weights come out."""
    lengths = [5, 9, 9, 4, 7, 6, 8, 9]
    model, rows = (tiny_classifier, classified) if kind == "classify" else (tiny_tagger, tagged)
    model, rows, config = model(**no_dropout()), rows(lengths), settings_of_equal_training()
    own, theirs = copy.deepcopy(model), copy.deepcopy(model)
    history = fit(own, rows, rows, config)
    collator = timed_run.library_collator(timed_run.Job("trainer", kind, "", 2))
    trainer = timed_run.make_trainer(
        theirs, rows, rows, config, collator=collator, folder=tmp_path, settings={"logging_steps": 1}
    )
    outcome = timed_run.run_trainer(trainer)
    losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    assert losses == pytest.approx([step["loss"] for step in history.steps], abs=1e-3)  # the Trainer rounds them
    weights = own.state_dict()
    moved = max(float((value - weights[name]).abs().max()) for name, value in model.state_dict().items())
    apart = max(float((value - weights[name]).abs().max()) for name, value in theirs.state_dict().items())
    assert apart < 1e-4 < 1e-2 < moved  # over seeds 0 to 4: at most 1e-5 apart; with another decay, 3e-3
    assert len(outcome.epoch_seconds) == 6 and list(tmp_path.iterdir()) == []


def test_the_fastest_evaluation_batch_is_taken(monkeypatch):
    clock = itertools.accumulate([0, 5, 0, 2, 0, 1, 0, 3])  # start and end of four evaluations
    monkeypatch.setattr(timed_run.time, "perf_counter", lambda: float(next(clock)))
    sizes = []

    class Evaluator:
        def evaluate(self):
            return {}

    def make(model, train, validation, *, settings):
        sizes.append((settings["per_device_eval_batch_size"], len(validation)))
        return Evaluator()

    assert timed_run.best_eval_batch_size(make, None, classified([4] * 300), {}) == 64
    assert sizes == [(16, 256), (32, 256), (64, 256), (128, 256)]


# A process of its own


def test_the_variables_of_threads_are_set_for_a_while(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with timed_run.thread_environment(3, None):
        assert os.environ["OMP_NUM_THREADS"] == "3" and "OMP_WAIT_POLICY" not in os.environ
    with timed_run.thread_environment(1, "passive"):
        assert os.environ["OMP_WAIT_POLICY"] == "passive"
    assert (os.environ["OMP_NUM_THREADS"], os.environ["OMP_WAIT_POLICY"]) == ("7", "active")
    assert "MKL_NUM_THREADS" not in os.environ


def test_a_fresh_process_computes_with_the_threads_asked_for(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")
    assert timed_run.in_fresh_process(os.getenv, "OMP_NUM_THREADS", threads=2) == "2"
    assert timed_run.in_fresh_process(os.getenv, "OMP_WAIT_POLICY", threads=2) is None
    assert timed_run.in_fresh_process(os.getpid, threads=1) != os.getpid()


def test_what_a_process_raises_is_raised_here():
    with pytest.raises(ValueError, match=re.escape("invalid literal for int() with base 10: 'x'")):
        timed_run.in_fresh_process(int, "x", threads=1)
    with pytest.raises(InputError, match="a process of the benchmark was killed"):
        timed_run.in_fresh_process(os._exit, 3, threads=1)


@pytest.mark.slow
def test_a_job_in_a_process_of_its_own(job):
    timing = timed_run.in_fresh_process(timed_run.time_job, job, threads=1)
    assert timing.threads == 1
    assert timing.accuracy == timed_run.time_job(job).accuracy


# Turns and figures


def made_timing(seconds, **options):
    values = {"epoch_seconds": [seconds / 2], "accuracy": 0.5, "precision": "float32", "eval_batch_size": 8}
    values |= {"seconds": seconds, "cpu_seconds": 2 * seconds, "memory_before": 2**20, "peak_memory": 3 * 2**20}
    return timed_run.Timing(**values | {"train_flops": 600, "eval_flops": 200, "threads": 1} | options)


def two_cases():
    return [data.Case("a", "classify", 30, 10), data.Case("b", "pos", 30, 10, max_turns=1)]


def run_turns(run, minutes, said, number=3):
    cases = two_cases()
    jobs = {(c.name, v): timed_run.Job(v, c.task, c.name, 2) for c in cases for v in turns.VARIANTS}
    return turns.run_turns(cases, jobs, run, repeats=number, minutes=minutes, say=said.append)


def test_turns_go_through_all_variants_with_the_seed_of_the_turn():
    jobs, said = [], []
    rows, left_out = run_turns(lambda job: jobs.append(job) or made_timing(1.0), 10, said)
    order = [("a", 0), ("b", 0), ("a", 1), ("a", 2)]
    expected = [(case, variant, turn) for case, turn in order for variant in turns.VARIANTS]
    assert [(job.data, job.program, job.seed) for job in jobs] == expected
    assert [(row["case"], row["variant"], row["turn"]) for row in rows] == expected
    assert left_out == [] and said[-1] == "a, turn 3: course-fast"


def test_the_first_turn_always_runs_and_what_does_not_fit_is_said():
    rows, left_out = run_turns(lambda job: made_timing(1.0), 0, [])
    assert {row["turn"] for row in rows} == {0} and len(rows) == 8
    assert left_out == ["a, turn 2", "a, turn 3"]


def test_what_a_turn_raises_ends_the_benchmark():
    def run(job):
        raise InputError("no")

    with pytest.raises(InputError, match="no"):
        run_turns(run, 10, [])


def made_rows():
    """Two turns of case a; the machine is half as fast in the second."""
    seconds = {"trainer": (8.0, 16.0), "trainer-tuned": (4.0, 8.0), "course": (2.0, 4.0), "course-fast": (1.0, 4.0)}
    return [
        {"case": "a", "turn": turn, "variant": variant} | vars(made_timing(own[turn]))
        for turn in range(2)
        for variant, own in seconds.items()
    ]


def test_figures_of_a_row_by_hand():
    figures = report.row_figures(vars(made_timing(4.0)), two_cases()[0], {"float32": 1000.0})
    assert figures == {
        "examples_per_second": 10.0,  # (30 + 10) / 4
        "train_examples_per_second": 15.0,  # 30 / 2
        "seconds": 4.0,
        "cpu_seconds": 8.0,
        "accuracy": 0.5,
        "peak_memory_mib": 3.0,
        "share_of_peak": 0.2,  # 800 / 4 / 1000
        "train_share_of_peak": 0.3,  # 600 / 2 / 1000
    }


def test_figures_of_several_epochs_take_the_median_epoch():
    case = replace(two_cases()[0], num_epochs=3)
    figures = report.row_figures(vars(made_timing(10.0, epoch_seconds=[5.0, 2.0, 1.0])), case, {"float32": 1000.0})
    assert figures["examples_per_second"] == 12.0  # 3 · 40 / 10
    assert figures["train_examples_per_second"] == 15.0
    assert figures["train_share_of_peak"] == pytest.approx(0.1)  # 600 / 3 / 2 / 1000


def test_what_the_system_does_not_say_is_left_out():
    figures = report.row_figures(vars(made_timing(4.0, peak_memory=None, precision="bfloat16")), two_cases()[0], {})
    assert not {"peak_memory_mib", "share_of_peak", "train_share_of_peak"} & set(figures)


def test_ratios_are_paired_by_turn():
    own = report.figures(made_rows(), two_cases()[:1], {"float32": 1000.0})["a"]
    assert own["trainer"]["ratio_to_trainer"] == {"median": 1.0, "low": 1.0, "high": 1.0, "count": 2}
    assert own["course"]["ratio_to_trainer"] == {"median": 4.0, "low": 4.0, "high": 4.0, "count": 2}
    assert own["course-fast"]["ratio_to_trainer"] == {"median": 6.0, "low": 4.0, "high": 8.0, "count": 2}
    assert own["course-fast"]["train_ratio_to_trainer-tuned"] == {"median": 3.0, "low": 2.0, "high": 4.0, "count": 2}
    assert own["course"]["examples_per_second"] == {"median": 15.0, "low": 10.0, "high": 20.0, "count": 2}


def test_the_peak_is_the_best_of_all_measurements():
    before = {"float32": {"1024": 3.0, "2048": 2.0}, "bfloat16": {"1024": None, "2048": None}}
    after = {"float32": {"1024": 1.0, "2048": 4.0}, "bfloat16": {"1024": None, "2048": None}}
    assert report.matrix_peak(before, after) == {"float32": 4.0}


def made_run(date="2026-01-01", *, recipe=(), left_out=()):
    rates = {"float32": {"1024": 1e11, "2048": None}, "bfloat16": {"1024": None, "2048": None}}
    lengths = {"train": {"mean": 27.04}, "validation": {"mean": 26.0}}
    return {
        "date": date,
        "setup": {
            "machine": {"processor": "Some CPU", "threads": 2},
            "omp_wait_policy": "unset",
            "recipe": recipe,
            "cases": {"a": {"description": "sentences", "lengths": lengths}},
        },
        "load_average": 0.1,
        "matrix_flops": {"before": rates, "after": rates},
        "left_out": list(left_out),
        "figures": report.figures(made_rows(), two_cases()[:1], {"float32": 1000.0}),
        "rows": made_rows(),
    }


def test_runs_with_the_set_up_of_the_last_are_summarised(tmp_path):
    path = tmp_path / "results" / "bench.json"
    other, first, second = made_run("0", recipe=("old",)), made_run("1", recipe=("x",)), made_run("2", recipe=("x",))
    for name, value in (("median", 9.0), ("low", 7.0), ("high", 10.0)):
        second["figures"]["a"]["course"]["ratio_to_trainer"][name] = value
    for run in (other, first, second):
        summary = report.append_run(run, path)
    stored = json.loads(path.read_text("utf-8"))
    assert [run["date"] for run in stored["runs"]] == ["0", "1", "2"]
    assert stored["summary"] == json.loads(json.dumps(summary))
    assert (summary["runs"], summary["dates"]) == ({"a": 2}, ["1", "2"])
    ratio = {"median": 6.5, "low": 4.0, "high": 10.0, "count": 4}
    assert summary["figures"]["a"]["course"]["ratio_to_trainer"] == ratio

    # A run of other cases keeps what is known of this one; the same case with other sizes is another case.
    elsewhere, larger = made_run("3", recipe=("x",)), made_run("4", recipe=("x",))
    elsewhere["setup"]["cases"] = {"b": elsewhere["setup"]["cases"]["a"]}
    elsewhere["figures"] = {"b": elsewhere["figures"]["a"]}
    summary = report.append_run(elsewhere, path)
    assert summary["runs"] == {"a": 2, "b": 1} and summary["figures"]["a"]["course"]["ratio_to_trainer"] == ratio
    larger["setup"]["cases"]["a"]["description"] = "longer sentences"
    summary = report.append_run(larger, path)
    assert summary["runs"] == {"a": 1, "b": 1} and summary["figures"]["a"]["course"]["ratio_to_trainer"]["count"] == 2


@pytest.mark.parametrize("content", ["not JSON", "[]", '{"results": []}'])
def test_a_file_that_holds_something_else_is_refused(content, tmp_path):
    path = tmp_path / "other.json"
    assert report.read_runs(path) == []
    path.write_text(content)
    with pytest.raises(InputError, match="not a file of benchmark runs"):
        report.append_run(made_run(), path)
    assert path.read_text() == content


def test_the_table_says_which_evaluation_batches_were_best():
    run = made_run()
    tuned = [row for row in run["rows"] if row["variant"] == "trainer-tuned"]
    tuned[0]["eval_batch_size"], tuned[1]["eval_batch_size"] = 64, 16
    for row in run["rows"]:
        if row["variant"] == "course":
            row["eval_batch_size"] = None
    lines = report.table(run)
    assert lines[6].endswith("float32    16, 64") and lines[7].endswith("float32")


def test_the_table_has_a_line_a_variant_with_lowest_and_highest():
    lines = report.table(made_run(left_out=["a, turn 3"]))
    assert lines[0] == "Some CPU, 2 threads, load 0.1, OMP_WAIT_POLICY unset"
    assert lines[1] == "matrix peak in float32: 100.0 GFLOP/s"
    assert lines[3] == "a: sentences, 27.0 word pieces on average"
    assert lines[4].split()[:3] == ["examples/s", "training", "x"]
    cells = [re.split(r"  +", line) for line in lines[5:9]]
    assert [row[0] for row in cells] == list(turns.VARIANTS)
    assert cells[3][3:5] == ["6.00 (4.00-8.00)", "3.00 (2.00-4.00)"]
    assert cells[3][6:8] == ["3 (3-3)", "50.0 (50.0-50.0)"]
    assert cells[3][-2:] == ["float32", "8"]
    assert lines[-1] == "left out for lack of time: a, turn 3"


def test_a_single_measurement_has_no_brackets_and_a_missing_one_a_dash():
    run = made_run()
    own = run["figures"]["a"]["course"]
    del own["peak_memory_mib"]
    own["accuracy"]["count"] = 1
    cells = re.split(r"  +", report.table(run)[7])
    assert (cells[6], cells[7]) == ("-", "50.0")


def test_cases_are_chosen_by_name():
    assert [case.name for case in turns.choose_cases([], quick=False)] == ["sentences", "tagging", "long", "step"]
    tiny = turns.choose_cases(["long"], quick=True)
    assert tiny == [replace(data.CASES["long"], num_train=32, num_eval=16)]
    with pytest.raises(InputError, match='no case is called "sentence": did you mean "sentences"'):
        turns.choose_cases(["sentence"], quick=False)


def test_numbers_that_make_no_sense_are_refused():
    for options in ({"repeats": 0}, {"threads": 0}):
        with pytest.raises(InputError, match=f"{next(iter(options))} must be at least 1, got 0"):
            turns.run_benchmark(**options)
    with pytest.raises(InputError, match=r'wait_policy must be "active" or "passive" .*, got "lazy"'):
        turns.run_benchmark(wait_policy="lazy")


def test_a_whole_benchmark(monkeypatch, no_mirror, tmp_path):
    """Everything but the processes and the training: what it hands out, and the record that it makes."""
    calls = []

    def pretend(function, *arguments, threads, wait_policy):
        calls.append((function, threads, wait_policy))
        if function is measure.matrix_rates:
            return {"float32": {"1024": 1000.0}, "bfloat16": {"1024": None}}
        (job,) = arguments
        assert Path(job.data, "train.json").exists() and job.num_layers == 2
        return made_timing({"trainer": 4.0, "trainer-tuned": 2.0, "fit": 1.0}[job.program])

    monkeypatch.setattr(turns, "in_fresh_process", pretend)
    said = []
    run = turns.run_benchmark(
        case_names=["tagging", "step"], repeats=2, quick=True, threads=5, wait_policy="passive", say=said.append
    )
    assert [function.__name__ for function, *_ in calls] == ["matrix_rates", *["time_job"] * 12, "matrix_rates"]
    assert {(threads, policy) for _, threads, policy in calls} == {(5, "passive")}
    assert run["setup"]["omp_wait_policy"] == "passive" and run["setup"]["machine"]["threads"] == 5
    assert run["setup"]["cases"]["tagging"]["num_train"] == 32
    assert run["setup"]["cases"]["tagging"]["lengths"]["train"]["mean"] > 5
    assert run["setup"]["variants"]["course-fast"]["options"] == turns.FAST_RECIPE
    assert run["matrix_flops"] == {"before": pretend(measure.matrix_rates, threads=0, wait_policy=0)} | {
        "after": {"float32": {"1024": 1000.0}, "bfloat16": {"1024": None}}
    }
    assert len(run["rows"]) == 12 and run["left_out"] == []
    assert run["figures"]["tagging"]["course"]["ratio_to_trainer-tuned"]["median"] == 2.0
    assert run["figures"]["step"]["course"]["ratio_to_trainer"] == {"median": 4, "low": 4, "high": 4, "count": 1}
    summary = report.append_run(run, tmp_path / "bench.json")
    assert summary["runs"] == {"tagging": 1, "step": 1}
    assert report.append_run(run, tmp_path / "bench.json")["runs"] == {"tagging": 2, "step": 2}
    assert "measuring the matrix peak" in said and len(report.table(run)) > 10

    # The page of the book
    write_page = runpy.run_path(str(Path(__file__).parents[1] / "book" / "results.py"))["write_page"]
    write_page(tmp_path, results=tmp_path)
    page = (tmp_path / "results.md").read_text("utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `fit` |")]
    assert page.count("; 2 runs.") == 2 and "fast recipe is `frozen_layers=3`" in page
    assert [row[2:4] for row in rows] == [["4.00", "2.00"], ["4.00", "2.00"]]  # tagging and step
    assert "carry over" not in page


def test_the_page_of_results_shows_every_stored_run(tmp_path):
    write_page = runpy.run_path(str(Path(__file__).parents[1] / "book" / "results.py"))["write_page"]
    write_page(tmp_path)
    page = (tmp_path / "results.md").read_text("utf-8")
    results = Path(__file__).parents[1] / "benchmarks" / "results"
    transfer = json.loads((results / "eastmere_transfer.json").read_text("utf-8"))["summary"]
    rates = json.loads((results / "learning_rates.json").read_text("utf-8"))["runs"]
    for row in transfer:
        assert (
            f"{row['source']} → {row['target']}, {row['figure'].replace('_', ' ')} | {100 * row['mean']:.1f} |" in page
        )
    assert sum(line.count(" epochs | ") for line in page.splitlines()) == len(rates)


# The scripts


@pytest.fixture
def growth(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "benchmarks"))
    import growth

    return growth


@pytest.fixture
def corpora(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "benchmarks"))
    import corpora

    return corpora


def pretended_result(task, corpus, train_size, eval_size, epochs, seed):
    if corpus == "brown":
        raise InputError("no mirror")
    names = {"pos": "accuracy", "ner": "entity_f1", "classify": "macro_f1", "regress": "mean_absolute_error"}
    figures = dict.fromkeys((*names.values(), "spearman"), 0.5 + seed / 10)
    interval = {f"{names[task]}_interval": [0.4 + seed / 10, 0.6 + seed / 10]}
    baselines = {"worse": {names[task]: 0.1}, "better": {names[task]: 0.2}}
    facts = {"task": task, "data": corpus, "seed": seed, "num_examples": 9, "train_size": train_size, "epochs": epochs}
    return facts | figures | interval | {"baselines": baselines, "seconds": 3.0 + seed, "peak_memory_mib": 100 * seed}


def test_runs_on_corpora_go_on_where_they_stopped_and_are_summed_up(corpora, tmp_path):
    calls, said, results = [], [], tmp_path / "corpora.json"

    def run(*job):
        calls.append(job)
        return pretended_result(*job)

    corpora.main(run, results, seeds=(0, 1), say=said.append)
    others = [job for job in corpora.RUNS if job[1] != "brown"]
    # What is missing is asked for once; everything else with the first seed before the second.
    assert [job[:2] + job[5:] for job in calls if job[1] != "brown"] == [
        (*job[:2], s) for s in (0, 1) for job in others
    ]
    assert sum(job[1] == "brown" for job in calls) == 1 and "brown is left out: no mirror" in said
    calls.clear()
    corpora.main(run, results, seeds=(0, 1, 2), say=said.append)
    assert [job[:2] + job[5:] for job in calls if job[1] != "brown"] == [(*job[:2], 2) for job in others]

    rows = {(row["task"], row["figure"]): row for row in json.loads(results.read_text("utf-8"))["summary"]}
    ner = rows["ner", "entity_f1"]
    assert (ner["seeds"], ner["low"], ner["high"], ner["seconds"], ner["peak_memory_mib"]) == (3, 0.5, 0.7, 4.0, 200)
    assert ner["mean"] == pytest.approx(0.6) and ner["interval"] == pytest.approx([0.4, 0.8])
    assert (ner["baseline"], ner["baseline_value"]) == ("better", 0.2)
    assert rows["regress", "mean_absolute_error"]["baseline"] == "worse"  # the smaller error
    assert "interval" not in rows["pos", "macro_f1"] and "baseline" not in rows["pos", "macro_f1"]

    write_page = runpy.run_path(str(Path(__file__).parents[1] / "book" / "results.py"))["write_page"]
    write_page(tmp_path, results=tmp_path)
    page = (tmp_path / "results.md").read_text("utf-8")
    assert (
        "| ner: wnut17, entity f1 | 60.0 | 50.0 to 70.0 (3) | 40.0 to 80.0 | 20.0 (better) | 1500 × 3 | 9 | 4 | 200 |"
        in page
    )
    assert "| regress: eastmere-reviews, mean absolute error | 0.60 | 0.50 to 0.70 (3) |" in page


def test_a_run_on_a_corpus_keeps_seconds_memory_and_figures(corpora, monkeypatch):
    seen = []

    def trained(task, data, options):
        seen.append((task, data.data, options.train_size, options.eval_size, options.epochs, options.seed))
        return {"task": task, "accuracy": 1.0, "seconds": 99.0}

    monkeypatch.setattr(corpora, "train_model", trained)
    result = corpora.one_run("pos", "brown", 4000, 2000, 2, 1)
    assert seen == [("pos", "brown", 4000, 2000, 2, 1)]
    assert result["seconds"] < 99 and result["peak_memory_mib"] > 50 and result["train_size"] == 4000


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "benchmarks"))
    import gpu

    return gpu


def costs_of(job):
    """What a job would take if time grew with the square of the pieces, and memory with their number."""
    columns = json.loads(Path(job.data, "train.json").read_text("utf-8"))
    examples, pieces = np.shape(columns["input_ids"])
    return made_timing(
        examples * (1 + job.seed / 100) * pieces**2, memory_before=10**6, peak_memory=10**6 + 100 * pieces
    )


def test_growth_is_measured_at_every_point_and_fitted(growth):
    said = []
    axes = {"examples": [(4, 8), (8, 8), (16, 8)], "pieces": [(4, 8), (4, 16), (4, 32)]}
    rows = growth.measure(costs_of, repeats=2, axes=axes, say=said.append)
    assert [(r["axis"], r["examples"], r["pieces"]) for r in rows[:6]] == [
        (axis, *point) for axis, points in axes.items() for point in points
    ]
    assert [row["repeat"] for row in rows] == [0] * 6 + [1] * 6 and len(said) == 12
    fitted = growth.exponents(rows)
    assert fitted["examples"]["seconds"] == pytest.approx({"median": 1, "low": 1, "high": 1, "count": 2})
    assert fitted["pieces"]["seconds"]["median"] == pytest.approx(2)
    assert fitted["pieces"]["added_memory"]["median"] == pytest.approx(1)
    assert fitted["examples"]["added_memory"]["median"] == pytest.approx(0, abs=1e-9)


def test_growth_has_a_spread_over_repeats(growth):
    rows = [
        {"axis": "examples", "examples": n, "repeat": repeat, "seconds": n ** (1 + repeat), "peak_memory": None}
        for repeat in range(3)
        for n in (1, 10)
    ]
    fitted = growth.exponents(rows)
    assert list(fitted) == ["examples"] and list(fitted["examples"]) == ["seconds"]  # the system gives no memory
    assert fitted["examples"]["seconds"] == pytest.approx({"median": 2, "low": 1, "high": 3, "count": 3})


def test_growth_without_memory(growth):
    run = lambda job: made_timing(1.0, memory_before=None, peak_memory=None)  # noqa: E731
    (row,) = growth.measure(run, repeats=1, axes={"pieces": [(2, 4)]})
    assert "added_memory" not in row


def test_the_growth_script_writes_its_results(growth, monkeypatch, tmp_path, capsys):
    def pretend(function, job, *, threads):
        assert function is timed_run.time_job and threads == 3
        return costs_of(job)

    monkeypatch.setattr(growth, "in_fresh_process", pretend)
    growth.main(["--repeats", "1", "--threads", "3", "--output", str(tmp_path / "growth.json")])
    stored = json.loads((tmp_path / "growth.json").read_text("utf-8"))
    assert {"date", "machine", "load_average", "exponents", "rows"} <= set(stored)
    assert len(stored["rows"]) == 9 and stored["machine"]["threads"] == 3
    assert "seconds ~ pieces^2.00 (2.00 to 2.00, 1 repeats)" in capsys.readouterr().out.splitlines()
    write_page = runpy.run_path(str(Path(__file__).parents[1] / "book" / "results.py"))["write_page"]
    write_page(tmp_path, results=tmp_path)
    assert "| time, pieces | 32 to 512 | 2.00 (2.00 to 2.00) | 1 |" in (tmp_path / "results.md").read_text("utf-8")


TINY = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}


def test_losses_are_compared_with_the_cpu(gpu):
    equal = gpu.parity("cpu", shape=TINY)
    assert equal["float32"] == {"largest_difference": 0.0, "bound": 1e-4, "holds": True}
    assert 0 < equal["bfloat16"]["largest_difference"] < 1e-2 and equal["bfloat16"]["holds"]


def test_losses_that_differ_are_noticed(gpu, monkeypatch):
    made = {"float32": [0.5, 0.5 + 2e-4], "bfloat16": [0.5, 0.505]}
    monkeypatch.setattr(
        gpu, "losses", lambda device, precision, shape: made[precision] if device == "card" else [0.5] * 2
    )
    equal = gpu.parity("card")
    assert equal["float32"]["largest_difference"] == pytest.approx(2e-4)
    assert (equal["float32"]["holds"], equal["bfloat16"]["holds"]) == (False, True)


def test_losses_are_those_of_twenty_steps_without_tf32(gpu, monkeypatch):
    seen = []

    def watched(*arguments):
        seen.append(torch.get_float32_matmul_precision())
        return fit(*arguments)

    monkeypatch.setattr(gpu, "fit", watched)
    torch.set_float32_matmul_precision("high")
    try:
        assert len(gpu.losses("cpu", "float32", TINY)) == 20
        assert (seen, torch.get_float32_matmul_precision()) == (["highest"], "high")
    finally:
        torch.set_float32_matmul_precision("highest")


def test_the_work_is_bert_base(gpu):
    model = gpu.random_model(TINY)
    assert torch.equal(model.classifier.weight, gpu.random_model(TINY).classifier.weight)
    shape = gpu.BertConfig(**gpu.BERT_BASE_WORK[0].shape)
    assert (shape.hidden_size, shape.num_hidden_layers, shape.intermediate_size) == (768, 12, 3072)
    combinations = {(work.program, work.batch_size, work.compiled) for work in gpu.BERT_BASE_WORK}
    assert combinations == set(itertools.product(("fit", "trainer"), (32, 64), (False, True)))


@pytest.mark.parametrize("compiled", [False, True])
def test_everything_but_the_card_is_tried_on_the_cpu(gpu, compiled):
    tiny = gpu.Work("cpu", "fit", 4, compiled, shape=TINY, pieces=8, steps=2, epochs=3)
    works = [tiny, replace(tiny, program="trainer")]
    with torch.compiler.set_stance("force_eager"):  # compiling takes a minute
        result = gpu.report("cpu", works, lambda function, work: function(work), small=TINY, matrix_sizes=(16,))
    peak = report.matrix_peak(*result["matrix_flops"].values())["bfloat16"]
    for row, program in zip(result["rows"], ("fit", "trainer"), strict=True):
        assert row["program"] == program and len(row["epoch_seconds"]) == 3
        seconds = 4 * 2 * 8 / row["tokens_per_second"]
        assert seconds == pytest.approx(np.median(row["epoch_seconds"][1:]))
        flops = 3 * 8 * (2 * 4096 * 8 + 4 * 2 * 16 * 64)
        assert row["flops_per_second"] == pytest.approx(flops / seconds)
        assert row["share_of_peak"] == pytest.approx(row["flops_per_second"] / peak)
    assert result["parity"]["tf32"] == "off" and json.loads(json.dumps(result))
    said = list(gpu.lines(result))
    assert said[0].startswith("parity float32: 0.0e+00, bound 1e-04: holds") and len(said) == 4
    assert re.match(r"fit      batch   4 (compiled|as it is): [\d,]+ tokens/s, \d+% of the bfloat16 peak", said[2])


def test_without_a_card_there_is_one_line_and_status_1(gpu, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main(["--output", str(tmp_path / "gpu.json")]) == 1
    assert capsys.readouterr().err == "gpu.py: PyTorch finds no CUDA device here, so nothing was measured.\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("holds", [True, False])
def test_with_a_card_the_status_says_whether_the_losses_agree(gpu, holds, monkeypatch, capsys, tmp_path):
    equal = {precision: {"largest_difference": 0.0, "bound": 1.0, "holds": True} for precision in gpu.BOUNDS}
    equal["bfloat16"] = equal["bfloat16"] | {"holds": holds}
    row = {"program": "fit", "batch_size": 32, "compiled": True, "tokens_per_second": 1e6, "peak_memory": None}
    made = {"parity": equal, "goal": 0.4, "rows": [row | {"share_of_peak": 0.5}]}
    asked = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(gpu, "report", lambda device, works, run: asked.append((device, works, run)) or made)
    assert gpu.main(["--output", str(tmp_path / "gpu.json")]) == (0 if holds else 1)
    assert json.loads((tmp_path / "gpu.json").read_text("utf-8")) == made
    said = capsys.readouterr().out
    assert ("FAILS" in said) != holds and "50% of the bfloat16 peak (goal 40%), -" in said
    ((device, works, run),) = asked
    assert (device, works) == ("cuda", gpu.BERT_BASE_WORK)
    assert isinstance(run, partial) and run.func is timed_run.in_fresh_process


def test_the_command_says_in_one_line_that_a_process_was_killed(monkeypatch, no_mirror, capsys):
    monkeypatch.setattr(turns, "matrix_rates", partial(os._exit, 9))
    assert run_command(["bench", "--quick", "--case", "step"]) == 2
    error = capsys.readouterr().err
    assert (
        error.splitlines()[-1].startswith("course: a process of the benchmark was killed") and "Traceback" not in error
    )
