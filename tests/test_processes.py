"""Two processes train what one trains."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from processes_worker import KINDS, configuration
from tiny import tiny_tagger

from course_utils.errors import InputError
from course_utils.processes import Processes, current_processes
from course_utils.training import fit

WORKER = Path(__file__).with_name("processes_worker.py")


def launch(count: int, *command: str, **options: str) -> subprocess.CompletedProcess:
    """Start ``torchrun`` as the README says, with one thread a process."""
    plain = {name: value for name, value in os.environ.items() if name not in ("WORLD_SIZE", "RANK", "LOCAL_RANK")}
    environment = plain | {"ACCELERATE_USE_CPU": "1", "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"} | options
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
    return subprocess.run([*torchrun, *command], env=environment, capture_output=True, text=True, timeout=240)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Where one process and two processes worked."""
    found = {}
    for count in (1, 2):
        found[count] = tmp_path_factory.mktemp(f"processes-{count}")
        done = launch(count, str(WORKER), str(found[count]))
        assert done.returncode == 0, done.stderr[-2000:]
    return found


@pytest.fixture(scope="module")
def seen(folders):
    """What one process and each of two processes saw."""
    return [[json.loads((folders[n] / f"seen-{rank}.json").read_text()) for rank in range(n)] for n in (1, 2)]


every_kind = pytest.mark.parametrize("kind", KINDS)


def test_there_were_two(seen):
    (one,), two = seen
    assert one["processes"] == 1 and one["environment"] == "1"
    assert [s["processes"] for s in two] == [2, 2] and [s["environment"] for s in two] == ["2", "2"]
    assert [s["gathered"] for s in two] == [[0, 1], [0, 1]]


@every_kind
def test_two_processes_give_the_losses_of_one(seen, kind):
    (one,), two = seen
    assert len(one[kind]["losses"]) == 6
    for other in two:
        assert other[kind]["losses"] == pytest.approx(one[kind]["losses"], abs=1e-4)
        # Adam divides by the root of tiny squares in its first steps: digits may differ, directions must not.
        np.testing.assert_allclose(other[kind]["weights"], one[kind]["weights"], atol=5e-3)
    assert two[0][kind]["losses"] == two[1][kind]["losses"] and two[0][kind]["weights"] == two[1][kind]["weights"]


@every_kind
def test_a_weight_that_is_not_used_does_not_decay(seen, kind):
    (one,), two = seen
    for other in (one, *two):
        assert other[kind]["unused"] == [1.0] * 9


@every_kind
def test_metrics_are_computed_over_all_examples_once(seen, kind):
    (one,), two = seen
    for other in (one, *two):
        assert other[kind]["scored"] == [11, 11, 11]
    assert two[0][kind]["records"] == two[1][kind]["records"]
    for ours, theirs in zip(two[0][kind]["records"], one[kind]["records"]):
        assert ours == pytest.approx(theirs, abs=1e-4)
    assert two[0][kind]["logits"] == pytest.approx(one[kind]["logits"], abs=5e-3)


@every_kind
def test_only_the_first_process_writes(seen, kind):
    _, two = seen
    assert two[0][kind]["wrote"] == ["step-00000005", "step-00000006"]


def test_processes_stop_together(seen):
    _, two = seen
    assert two[0]["luck"] == two[1]["luck"]
    assert 2 <= two[0]["luck"]["epochs"] < 9  # it did stop early


def test_a_resumed_run_of_two_ends_with_the_same_bits(seen):
    for saw in (*seen[0], *seen[1]):
        assert saw["resumed"]["killed"] and saw["resumed"]["resumed"] == saw["resumed"]["whole"]


def test_a_run_of_two_is_not_resumed_by_one(folders):
    rows = KINDS["few words, weighted"][1]
    settings = configuration(folders[2] / "resumed", class_weights="balanced")
    with pytest.raises(InputError, match="number of processes was 2, now it is 1"):
        fit(tiny_tagger(), rows, rows, settings, resume_from=folders[2] / "resumed")


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


def test_an_error_is_one_line_a_process_and_says_whose(tmp_path):
    done = launch(2, "-m", "course_utils.cli", "train", "classify", "--data", str(tmp_path / "none.csv"))
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if "none.csv" in line]
    # The launcher ends the others when one has failed, so the second may not come to speak.
    assert 1 <= len(lines) <= 2
    assert {line.partition(":")[0] for line in lines} <= {"course", "course, process 1"}
    assert "course_utils/" not in done.stderr  # the launcher's own traceback has none of our files


def test_processes_that_are_not_there_are_missed_in_one_line(tmp_path):
    lonely = {name: value for name, value in os.environ.items() if name not in ("RANK", "LOCAL_RANK")}
    command = [sys.executable, "-m", "course_utils.cli", "train", "classify", "--data", "eastmere-polarity"]
    lonely |= {"WORLD_SIZE": "2", "ACCELERATE_USE_CPU": "1"}
    done = subprocess.run(command, env=lonely, capture_output=True, text=True, timeout=240)
    assert done.returncode == 2
    assert "WORLD_SIZE is 2, but the other processes were not found" in done.stderr and "Traceback" not in done.stderr


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
