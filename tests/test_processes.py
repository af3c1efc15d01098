"""Two processes train what one trains."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from course_utils.processes import Processes, current_processes

WORKER = Path(__file__).with_name("processes_worker.py")


def launch(count: int, *command: str, **options: str) -> subprocess.CompletedProcess:
    """Start ``torchrun`` as the README says, with one thread a process."""
    plain = {name: value for name, value in os.environ.items() if name not in ("WORLD_SIZE", "RANK", "LOCAL_RANK")}
    environment = plain | {"ACCELERATE_USE_CPU": "1", "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"} | options
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
    return subprocess.run([*torchrun, *command], env=environment, capture_output=True, text=True, timeout=240)


@pytest.fixture(scope="module", params=["tags", "classes"])
def seen(request, tmp_path_factory):
    """What one process and each of two processes saw."""
    found = []
    for count in (1, 2):
        out = tmp_path_factory.mktemp(f"{request.param}-{count}")
        done = launch(count, str(WORKER), request.param, str(out))
        assert done.returncode == 0, done.stderr[-2000:]
        found.append([json.loads((out / f"seen-{rank}.json").read_text()) for rank in range(count)])
    return found


def test_there_were_two(seen):
    (one,), two = seen
    assert one["processes"] == 1 and one["environment"] == "1"
    assert [s["processes"] for s in two] == [2, 2] and [s["environment"] for s in two] == ["2", "2"]
    assert [s["gathered"] for s in two] == [[0, 1], [0, 1]]


def test_two_processes_give_the_losses_of_one(seen):
    (one,), two = seen
    assert len(one["losses"]) == 6
    for other in two:
        assert other["losses"] == pytest.approx(one["losses"], abs=1e-4)
        assert other["weights"] == pytest.approx(one["weights"], abs=1e-2)
    assert two[0]["losses"] == two[1]["losses"] and two[0]["weights"] == two[1]["weights"]


def test_metrics_are_computed_over_all_examples_once(seen):
    (one,), two = seen
    for other in (one, *two):
        assert other["scored"] == [11, 11, 11]
    assert two[0]["records"] == two[1]["records"]
    for ours, theirs in zip(two[0]["records"], one["records"]):
        assert ours == pytest.approx(theirs, abs=1e-4)
    assert two[0]["logits"] == pytest.approx(one["logits"], abs=1e-3)


def test_only_the_first_process_writes(seen):
    _, two = seen
    assert two[0]["wrote"] == ["step-00000005", "step-00000006"]


@pytest.mark.slow
def test_the_command_line_with_two_processes(tmp_path):
    """The real model: every line is said once, one run is saved, and it is whole."""
    out = tmp_path / "run"
    options = "--data eastmere-polarity --train-size 24 --eval-size 20 --epochs 1 --num-layers 1".split()
    done = launch(2, "-m", "course_utils.cli", "train", "classify", *options, "--output", str(out))
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("test, 20 examples") == 1
    assert done.stderr.count("training minilm for 1 epochs") == 1
    assert {"config.json", "model.safetensors", "training.json"} <= {path.name for path in out.iterdir()}
    assert not (out / "checkpoints").exists()


def test_an_error_is_said_once(tmp_path):
    done = launch(2, "-m", "course_utils.cli", "train", "classify", "--data", str(tmp_path / "none.csv"))
    assert done.returncode != 0
    assert done.stderr.count("course: ") == 1 and "none.csv" in done.stderr


def test_without_a_launcher_there_is_one_process():
    current_processes.cache_clear()
    assert current_processes() == Processes(0, 1)
    alone = Processes()
    assert alone.is_first and alone.gather("x") == ["x"] and alone.sum(2.5) == 2.5
    parameter = torch.nn.Parameter(torch.ones(2))
    alone.sum_gradients([parameter])
    assert parameter.grad is None


def test_shares_are_a_partition():
    items = list(range(11))
    parts = [list(Processes(rank, 3).share(items)) for rank in range(3)]
    assert sorted(i for part in parts for i in part) == items and [len(part) for part in parts] == [4, 4, 3]
