"""Training that is killed, for real, and goes on; a disk that is full, for real."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
from tiny import tagged, tiny_tagger

from course_utils.training import TrainingConfig, fit

KILLS = 20


class Worker:
    """The process that forks the children; see resume_worker.py."""

    def __init__(self):
        script = Path(__file__).with_name("resume_worker.py")
        environment = os.environ | {
            "OMP_NUM_THREADS": "1",
            "TQDM_DISABLE": "1",
            "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def start(self, folder):
        folder.mkdir(exist_ok=True)
        self.process.stdin.write(f"{folder}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def end(self):
        """How the child ended: the signal that killed it, or 0 if it finished."""
        status = int(self.process.stdout.readline())
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the child ended with an error, see above"
        return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


@pytest.fixture
def worker():
    worker = Worker()
    yield worker
    worker.process.stdin.close()
    worker.process.wait(timeout=30)


def equal(folder, expected):
    found = torch.load(folder / "result.pt")
    return found.keys() == expected.keys() and all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.fixture
def memory_folder():
    """A folder in memory where there is one: the kill is what is tested, not how long a disk takes to be sure."""
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        yield Path(folder)


def test_a_run_killed_twenty_times_ends_with_the_same_bits(worker, memory_folder):
    whole, killed = memory_folder / "whole", memory_folder / "killed"
    worker.start(whole)
    started = time.perf_counter()  # now, for the libraries are loaded
    assert worker.end() == 0
    seconds = time.perf_counter() - started
    expected = torch.load(whole / "result.pt")
    assert len(expected["losses"]) > 10  # early stopping may end it before 4 epochs of 5 steps

    moments = random.Random(0)
    kills, while_writing, finished, resumed_from = 0, 0, 0, set()
    while kills < KILLS:
        resumed_from.update(path.name for path in (killed / "checkpoints").glob("step-*"))
        child = worker.start(killed)
        if kills % 2:  # at any moment
            time.sleep(moments.uniform(0.02, 0.5) * seconds)
        else:  # while a checkpoint is being written
            skip, deadline = moments.randrange(3), time.perf_counter() + 60
            seen = set()
            while len(seen) <= skip and time.perf_counter() < deadline and not (killed / "result.pt").exists():
                seen.update(path.name for path in (killed / "checkpoints").glob(".writing-*"))
        with contextlib.suppress(ProcessLookupError):  # it may be done already
            os.kill(child, signal.SIGKILL)
        if worker.end() == signal.SIGKILL:
            kills += 1
            while_writing += any((killed / "checkpoints").glob(".writing-*"))
        if (killed / "result.pt").exists():  # it was done before the blow fell: once more from the start
            assert equal(killed, expected)
            finished += 1
            shutil.rmtree(killed)
    worker.start(killed)
    assert worker.end() == 0
    assert equal(killed, expected)
    # The test is only worth something if checkpoints were torn, and if there was something to go on from.
    assert while_writing >= 3 and len(resumed_from) >= 5, (while_writing, resumed_from, finished)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, a few hundred kilobytes large."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(size):
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, text=True
        )
        if done.returncode:
            pytest.skip(f"a small file system cannot be mounted here: {done.stderr.strip()}")
        return folder

    yield mount
    subprocess.run(["umount", "--lazy", str(folder)], capture_output=True)  # torch may still hold a file open


def test_a_full_disk_gives_one_line_and_leaves_the_last_good_checkpoint(small_disk, tmp_path, capsys):
    rows = tagged([5, 9, 4, 12, 7, 6, 10, 8])

    def settings(folder):
        options = {"batch_size": 4, "checkpoint_every": 1, "precision": "float32", "device": "cpu"}
        return TrainingConfig(learning_rate=1e-2, num_epochs=3, output_dir=str(folder), **options)

    roomy = tmp_path / "roomy"
    whole = tiny_tagger()
    fit(whole, rows, rows, settings(roomy))
    one = max(sum(f.stat().st_size for f in c.iterdir()) for c in (roomy / "checkpoints").iterdir())

    disk = small_disk(int(2.6 * one))
    with pytest.raises(ValueError, match=r"cannot be written .*Free some space and resume") as caught:
        fit(tiny_tagger(), rows, rows, settings(disk))
    assert "\n" not in str(caught.value)
    left = sorted(path.name for path in (disk / "checkpoints").iterdir())
    assert left == ["step-00000001", "step-00000002"]  # nothing half-written
    saved = tmp_path / "saved"
    shutil.copytree(disk, saved)
    resumed = tiny_tagger(seed=7)
    fit(resumed, rows, rows, settings(saved), resume_from=saved)
    assert all(torch.equal(a, b) for a, b in zip(resumed.state_dict().values(), whole.state_dict().values()))
