"""How time and memory of ``fit`` grow with the number of examples and with their length.

    python benchmarks/growth.py            (about ten minutes on two cores)

Each point is a process of its own. Writes benchmarks/results/growth.json: every run, and for seconds and memory the
exponent of a power law, with its spread over the repeats. ``added_memory`` is what training takes beyond the loaded
model and data.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from course_utils.benchmark.data import random_inputs
from course_utils.benchmark.measure import available_cores, growth_exponent, load_average, processor_name, spread
from course_utils.benchmark.timed_run import Job, Timing, in_fresh_process, time_job
from course_utils.runtime import describe

RESULTS = Path(__file__).parent / "results" / "growth.json"
# What grows, and (examples to train on and to evaluate, word pieces of each) at every point.
AXES = {
    "examples": [(32, 64), (64, 64), (128, 64), (256, 64)],
    "pieces": [(32, 32), (32, 64), (32, 128), (32, 256), (32, 512)],
}
FIGURES = ("seconds", "peak_memory", "added_memory")


def measure(
    run: Callable[[Job], Timing],
    *,
    repeats: int,
    axes: dict[str, list[tuple[int, int]]] = AXES,
    checkpoint: str = "minilm",
    say: Callable[[str], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """One row a run. A repeat goes through all points before the next begins, so that each has its own weather."""
    rows = []
    for repeat in range(repeats):
        for axis, points in axes.items():
            for examples, pieces in points:
                say(f"repeat {repeat + 1} of {repeats}: {examples} examples of {pieces} pieces")
                with tempfile.TemporaryDirectory() as folder:
                    for k, split in enumerate(("train", "validation")):
                        columns = random_inputs(examples, pieces, seed=k).to_dict()
                        (Path(folder) / f"{split}.json").write_text(json.dumps(columns), "utf-8")
                    job = Job("fit", "classify", folder, num_labels=2, seed=repeat, checkpoint=checkpoint)
                    row = {"axis": axis, "examples": examples, "pieces": pieces, "repeat": repeat} | asdict(run(job))
                if row["peak_memory"] is not None and row["memory_before"] is not None:
                    row["added_memory"] = row["peak_memory"] - row["memory_before"]
                rows.append(row)
    return rows


def exponents(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, dict[str, float]]]:
    """What grows to figure to the spread of its exponent; a figure that the system does not give is left out."""
    result: dict[str, dict[str, dict[str, float]]] = {}
    for axis in dict.fromkeys(row["axis"] for row in rows):
        own = [row for row in rows if row["axis"] == axis]
        result[axis] = {}
        for figure in FIGURES:
            if any(row.get(figure) is None for row in own):
                continue
            fitted = []
            for repeat in sorted({row["repeat"] for row in own}):
                points = [(row[axis], row[figure]) for row in own if row["repeat"] == repeat]
                fitted.append(growth_exponent(*zip(*points)))
            result[axis][figure] = asdict(spread(fitted))
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, write, print the exponents."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--output", type=Path, default=RESULTS)
    chosen = parser.parse_args(arguments)
    load = load_average()
    run = partial(in_fresh_process, time_job, threads=chosen.threads)
    rows = measure(run, repeats=chosen.repeats, say=lambda line: print(line, file=sys.stderr))
    fitted = exponents(rows)
    machine = describe() | {"threads": chosen.threads, "processor": processor_name()}
    content = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine,
        "load_average": load,
        "omp_wait_policy": "unset",
        "exponents": fitted,
        "rows": rows,
    }
    chosen.output.parent.mkdir(exist_ok=True)
    chosen.output.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    for axis, figures in fitted.items():
        for figure, s in figures.items():
            print(f"{figure} ~ {axis}^{s['median']:.2f} ({s['low']:.2f} to {s['high']:.2f}, {s['count']} repeats)")


if __name__ == "__main__":
    main()
