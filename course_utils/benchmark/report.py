"""Figures from the rows of a benchmark, the summary over its runs, and the table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from course_utils.benchmark.data import Case
from course_utils.benchmark.measure import Spread, spread
from course_utils.errors import InputError

BASES = ("trainer", "trainer-tuned")  # what every variant is compared with
TABLE = (  # heading, figure, how many decimals, scale
    ("examples/s", "examples_per_second", 1, 1),
    ("training", "train_examples_per_second", 1, 1),
    ("x Trainer", "ratio_to_trainer", 2, 1),
    ("x tuned", "ratio_to_trainer-tuned", 2, 1),
    ("CPU s", "cpu_seconds", 1, 1),
    ("MiB", "peak_memory_mib", 0, 1),
    ("accuracy %", "accuracy", 1, 100),
    ("peak %", "share_of_peak", 1, 100),
    ("training %", "train_share_of_peak", 1, 100),
)
Figures = dict[str, dict[str, dict[str, dict[str, float]]]]  # case, variant, figure, median/low/high/count


def matrix_peak(*measured: dict[str, dict[str, float | None]]) -> dict[str, float]:
    """The best rate of each precision, in FLOP/s, over all sizes and measurements."""
    peaks = {}
    for precision in measured[0]:
        rates = [rate for rates in measured for rate in rates[precision].values() if rate is not None]
        if rates:
            peaks[precision] = max(rates)
    return peaks


def row_figures(row: dict[str, Any], case: Case, peaks: dict[str, float]) -> dict[str, float]:
    """The figures of one run.

    ``examples_per_second`` counts all examples trained and evaluated over all seconds; ``train_…`` is training alone,
    in the median epoch. ``share_of_peak`` is the model's operations (``measure.model_flops``: no padding) a second, as
    a share of the matrix peak in the precision of the run.
    """
    epoch = spread(row["epoch_seconds"]).median
    result = {
        "examples_per_second": case.num_epochs * (case.num_train + case.num_eval) / row["seconds"],
        "train_examples_per_second": case.num_train / epoch,
        "seconds": row["seconds"],
        "cpu_seconds": row["cpu_seconds"],
        "accuracy": row["accuracy"],
    }
    if row["peak_memory"] is not None:
        result["peak_memory_mib"] = row["peak_memory"] / 2**20
    if row["precision"] in peaks:
        peak = peaks[row["precision"]]
        result["share_of_peak"] = (row["train_flops"] + row["eval_flops"]) / row["seconds"] / peak
        result["train_share_of_peak"] = row["train_flops"] / case.num_epochs / epoch / peak
    return result


def figures(rows: Sequence[dict[str, Any]], cases: Sequence[Case], peaks: dict[str, float]) -> Figures:
    """Case to variant to figure to its spread over the turns; ratios are paired by turn before they are summarised."""
    result: Figures = {}
    for case in cases:
        by_turn = {(r["variant"], r["turn"]): row_figures(r, case, peaks) for r in rows if r["case"] == case.name}
        for (_, turn), own in by_turn.items():
            for base in BASES:
                for kind in ("", "train_"):
                    name = f"{kind}examples_per_second"
                    own[f"{kind}ratio_to_{base}"] = own[name] / by_turn[base, turn][name]
        result[case.name] = {}
        for variant in dict.fromkeys(name for name, _ in by_turn):
            turns = [own for (name, _), own in by_turn.items() if name == variant]
            result[case.name][variant] = {name: asdict(spread([own[name] for own in turns])) for name in turns[0]}
    return result


def summarise(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The last run and all runs like it, case by case: the median of their medians.

    Runs are alike in machine, versions and recipe; a case is joined over those of them that ran it with the same sizes.
    ``low`` and ``high`` are the lowest and highest single measurement of them all.
    """

    def but_cases(run: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in run["setup"].items() if name != "cases"}

    alike = [run for run in runs if but_cases(run) == but_cases(runs[-1])]
    cases = {case: facts for run in alike for case, facts in run["setup"]["cases"].items()}  # the last one's facts
    with_case = {case: [run for run in alike if run["setup"]["cases"].get(case) == cases[case]] for case in cases}

    def joined(spreads: Sequence[dict[str, float]]) -> dict[str, float]:
        low, high = min(s["low"] for s in spreads), max(s["high"] for s in spreads)
        middle = spread([s["median"] for s in spreads]).median
        return asdict(Spread(middle, low, high, int(sum(s["count"] for s in spreads))))

    return {
        "runs": {case: len(own) for case, own in with_case.items()},
        "dates": [run["date"] for run in alike],
        "setup": but_cases(runs[-1]) | {"cases": cases},
        "figures": {
            case: {
                variant: {name: joined([run["figures"][case][variant][name] for run in own]) for name in figures}
                for variant, figures in own[-1]["figures"][case].items()
            }
            for case, own in with_case.items()
        },
    }


def read_runs(path: Path) -> list[dict[str, Any]]:
    """The runs in a file; none if there is no such file.

    Raises
    ------
    InputError
        If the file is not what ``append_run`` writes.
    """
    if not path.exists():
        return []
    try:
        return list(json.loads(path.read_text("utf-8"))["runs"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a file of benchmark runs. Give a new file, or one written before.") from error


def append_run(run: dict[str, Any], path: Path) -> dict[str, Any]:
    """Add a run to the file of all runs, write its new summary, and return it."""
    runs = [*read_runs(path), json.loads(json.dumps(run))]  # lists for tuples, as in the earlier ones
    summary = summarise(runs)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"summary": summary, "runs": runs}, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return summary


def table(run: dict[str, Any]) -> list[str]:
    """A run as lines of plain text: the machine, then for each case one line a variant, lowest and highest in brackets.

    ``training`` is training alone, the other speeds and shares are training and evaluation.
    """

    def cell(own: dict[str, dict[str, float]], name: str, decimals: int, scale: float) -> str:
        if name not in own:
            return "-"
        middle, low, high = (f"{scale * own[name][key]:.{decimals}f}" for key in ("median", "low", "high"))
        return middle if own[name]["count"] == 1 else f"{middle} ({low}-{high})"

    def settings(case: str, variant: str) -> list[str]:
        own = [row for row in run["rows"] if (row["case"], row["variant"]) == (case, variant)]
        sizes = {row["eval_batch_size"] for row in own} - {None}
        return [*{row["precision"] for row in own}, ", ".join(map(str, sorted(sizes)))]

    setup = run["setup"]
    lines = [
        f"{setup['machine']['processor']}, {setup['machine']['threads']} threads, "
        f"load {run['load_average']}, OMP_WAIT_POLICY {setup['omp_wait_policy']}"
    ]
    for precision, rate in matrix_peak(*run["matrix_flops"].values()).items():
        lines.append(f"matrix peak in {precision}: {rate / 1e9:.1f} GFLOP/s")
    for case, variants in run["figures"].items():
        data = setup["cases"][case]
        lines += ["", f"{case}: {data['description']}, {data['lengths']['train']['mean']:.1f} word pieces on average"]
        rows = [["", *(heading for heading, *_ in TABLE), "precision", "eval batch"]]
        rows += [
            [variant, *(cell(own, name, digits, scale) for _, name, digits, scale in TABLE), *settings(case, variant)]
            for variant, own in variants.items()
        ]
        widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
        lines += ["  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip() for row in rows]
    return lines + [f"left out for lack of time: {what}" for what in run["left_out"]]
