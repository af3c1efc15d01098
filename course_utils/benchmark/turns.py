"""How fast is ``fit``? It and the ``Trainer`` of transformers do the same work in turns, on this machine's CPU.

Every run is a process of its own (``timed_run``). A turn is one run of each variant, one after the other, all with the
seed of the turn; ratios are taken within a turn, so that a machine that slows down slows both sides. The machine's
matrix peak is measured before and after.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from course_utils.benchmark.data import CASES, QUICK, Case, prepare
from course_utils.benchmark.measure import available_cores, load_average, matrix_rates, processor_name
from course_utils.benchmark.report import figures, matrix_peak
from course_utils.benchmark.timed_run import Job, Timing, in_fresh_process, time_job
from course_utils.errors import InputError, suggest
from course_utils.runtime import describe

# The one place where the fast recipe of ``fit`` is named: fields of ``TrainingConfig`` that differ from the defaults.
FAST_RECIPE: dict[str, Any] = {"frozen_layers": 3}


@dataclass(frozen=True)
class Variant:
    """One way of doing the work."""

    program: str  # of ``timed_run.Job``
    options: dict[str, Any]
    description: str


VARIANTS = {
    "trainer": Variant("trainer", {}, "Trainer, all else as the library sets it"),
    "trainer-tuned": Variant(
        "trainer-tuned", {}, "Trainer, bfloat16 where the CPU has it, group_by_length, best evaluation batch"
    ),
    "course": Variant("fit", {}, "fit, all else as the course sets it"),
    "course-fast": Variant("fit", FAST_RECIPE, "fit with the fast recipe"),
}
Runner = Callable[[Job], Timing]


def choose_cases(names: Sequence[str], *, quick: bool) -> list[Case]:
    """The named cases, all if none is named; ``quick`` makes them tiny."""
    for name in names:
        if name not in CASES:
            raise InputError(f'no case is called "{name}": {suggest(name, list(CASES))}')
    chosen = [CASES[name] for name in names or CASES]
    return [replace(case, **QUICK) for case in chosen] if quick else chosen


# Running


def run_turns(
    cases: Sequence[Case],
    jobs: dict[tuple[str, str], Job],
    run: Runner,
    *,
    repeats: int,
    minutes: float,
    say: Callable[[str], None],
) -> tuple[list[dict[str, Any]], list[str]]:
    """All runs: one turn of every case, then further turns, case by case; each turn has its own seed.

    A turn of a case is left out if, judged by the one before, it would end after ``minutes``; the first never is.

    Returns
    -------
    The rows, one a run, and what was left out.
    """
    begun = time.perf_counter()
    took: dict[str, float] = {}
    rows: list[dict[str, Any]] = []
    left_out = []
    order = [(case, 0) for case in cases]
    order += [(case, turn) for case in cases for turn in range(1, min(repeats, case.max_turns or repeats))]
    for case, turn in order:
        started = time.perf_counter()
        if turn > 0 and started - begun + took[case.name] > 60 * minutes:
            left_out.append(f"{case.name}, turn {turn + 1}")
            continue
        for variant in VARIANTS:
            say(f"{case.name}, turn {turn + 1}: {variant}")
            timing = run(replace(jobs[case.name, variant], seed=turn))
            rows.append({"case": case.name, "turn": turn, "variant": variant, **asdict(timing)})
        took[case.name] = time.perf_counter() - started
    return rows, left_out


def run_benchmark(
    *,
    case_names: Sequence[str] = (),
    repeats: int = 3,
    minutes: float = 18.0,
    quick: bool = False,
    threads: int | None = None,
    wait_policy: str | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Run everything and return the record of this run.

    Parameters
    ----------
    case_names : keys of ``CASES``; all if empty
    repeats : turns of each case, with seeds 0, 1, …
    minutes : a turn after the first that would end later is left out, and the record says so
    quick : tiny sizes and two layers, to see that everything works
    threads : of each process; the available cores by default
    wait_policy : of the processes' threads, see ``timed_run.thread_environment``

    Raises
    ------
    InputError
        If a case is unknown, a number makes no sense, or a process is killed.
    Exception
        Whatever a process raises.
    """
    for name, number in (("repeats", repeats), ("threads", threads)):
        if number is not None and number < 1:
            raise InputError(f"{name} must be at least 1, got {number}.")
    if wait_policy not in (None, "active", "passive"):
        raise InputError(f'wait_policy must be "active" or "passive" (or not given), got "{wait_policy}".')
    cases, threads = choose_cases(case_names, quick=quick), threads or available_cores()
    load, date = load_average(), datetime.now(UTC).isoformat(timespec="seconds")
    run = partial(in_fresh_process, threads=threads, wait_policy=wait_policy)
    with tempfile.TemporaryDirectory() as name:
        say("preparing the data")
        prepared = {case.name: prepare(case, Path(name) / case.name) for case in cases}
        jobs = {
            (case.name, variant): Job(
                program=how.program,
                task=case.task,
                data=str(Path(name) / case.name),
                num_labels=prepared[case.name].num_labels,
                batch_size=case.batch_size,
                num_epochs=case.num_epochs,
                num_layers=2 if quick else None,
                options=how.options,
            )
            for case in cases
            for variant, how in VARIANTS.items()
        }
        say("measuring the matrix peak")
        before = run(matrix_rates)
        rows, left_out = run_turns(cases, jobs, partial(run, time_job), repeats=repeats, minutes=minutes, say=say)
        say("measuring the matrix peak again")
        after = run(matrix_rates)
    return {
        "date": date,
        "setup": {
            "machine": describe() | {"threads": threads, "processor": processor_name()},
            "omp_wait_policy": wait_policy or "unset",
            "quick": quick,
            "variants": {name: asdict(how) for name, how in VARIANTS.items()},
            "cases": {case.name: asdict(case) | asdict(prepared[case.name]) for case in cases},
        },
        "load_average": load,
        "matrix_flops": {"before": before, "after": after},
        "left_out": left_out,
        "figures": figures(rows, cases, matrix_peak(before, after)),
        "rows": rows,
    }
