"""Write the page "Measured results": tables from the stored runs in benchmarks/results.

No figure of the page is typed. Sphinx calls ``write_page`` before it reads its sources; what has not been measured yet
has no section. ``python book/results.py FOLDER`` writes it without Sphinx.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

PAGE = "results.md"
RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"
INTRODUCTION = """# Measured results

Tables from runs that are too long for a notebook. Each names the command that makes it and the machine it was made on.
Seconds are those of that machine; comparisons within a table were made in one run.
"""
WAYS = {
    "trainer": "`Trainer`, defaults",
    "trainer-tuned": "`Trainer`, tuned",
    "course": "`fit`",
    "course-fast": "`fit`, fast recipe",
}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are figures."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine(facts: dict[str, Any]) -> str:
    """The machine in a few words."""
    threads, packages = facts["threads"], facts["packages"]
    return (
        f"{facts.get('processor', facts['system'])}, {facts['cpu_capability']}, {threads} "
        f"thread{'s' if threads > 1 else ''}, {facts['precision']}, torch {packages['torch'].partition('+')[0]}, "
        f"transformers {packages['transformers']}"
    )


def spread(own: dict[str, dict[str, float]], figure: str, decimals: int, scale: float = 1) -> str:
    """Median, with the lowest and highest measurement in brackets."""
    if figure not in own:
        return ""
    middle, low, high = (f"{scale * own[figure][key]:.{decimals}f}" for key in ("median", "low", "high"))
    return middle if low == high else f"{middle} ({low} to {high})"


def speed(stored: dict[str, Any]) -> str:
    """Examples per second beside the ``Trainer``'s."""
    summary = stored["summary"]
    setup = summary["setup"]
    recipe = ", ".join(f"`{k}={v}`" for k, v in setup["variants"]["course-fast"]["options"].items())
    parts = [
        "## Speed of training",
        f"`make bench`. {machine(setup['machine'])}. The median of the runs' medians; in brackets the lowest and "
        "highest single measurement. Examples a second count training and evaluation. Ratios are taken within a turn. "
        f"The fast recipe is {recipe}: it changes what is trained, so look at its accuracy.",
    ]
    head = [
        "trained by",
        "examples/s",
        "times `Trainer`",
        "times tuned",
        "accuracy (%)",
        "memory (MiB)",
        "training, share of peak (%)",
    ]
    for case, variants in summary["figures"].items():
        facts = setup["cases"][case]
        rows = [
            [
                WAYS[variant],
                spread(own, "examples_per_second", 1),
                spread(own, "ratio_to_trainer", 2),
                spread(own, "ratio_to_trainer-tuned", 2),
                spread(own, "accuracy", 1, 100),
                spread(own, "peak_memory_mib", 0),
                # The operations are counted as if all trained: the share of a frozen model would mean nothing.
                "" if setup["variants"][variant]["options"] else spread(own, "train_share_of_peak", 1, 100),
            ]
            for variant, own in variants.items()
        ]
        sizes = (
            f"{facts['num_train']:,} examples trained, {facts['num_eval']:,} evaluated, {facts['batch_size']} a batch"
        )
        length = f"{facts['lengths']['train']['mean']:.0f} word pieces on average"
        runs = f"{summary['runs'][case]} runs" if summary["runs"][case] > 1 else "one run"
        parts += [f"### {case.capitalize()}: {facts['description']}", f"{sizes}, {length}; {runs}.", table(head, rows)]
    return "\n\n".join(parts)


def transfer(stored: dict[str, Any]) -> str:
    """From Eastmere to real corpora and back."""
    what = {"pos": "tags", "ner": "entities", "classify": "polarity"}
    rows = [
        [
            f"{what[row['task']]}: {row['source']} → {row['target']}, {row['figure'].replace('_', ' ')}",
            f"{100 * row['mean']:.1f}",
            f"{100 * row['low']:.1f} to {100 * row['high']:.1f}",
            str(row["seeds"]),
        ]
        for row in stored["summary"]
    ]
    return "\n\n".join(
        [
            "## What models carry over between Eastmere and real corpora",
            f"`make transfer`. {machine(stored['machine'])}. The card of the Eastmere collection explains the rows.",
            table(["trained on → tested on", "mean (%)", "seeds' range (%)", "seeds"], rows),
        ]
    )


def corpora(stored: dict[str, Any]) -> str:
    """The course's own corpora and real ones, beside the best baseline."""
    rows = []
    for row in stored["summary"]:
        # A mean absolute error is in the unit of the labels, every other figure a share.
        scale, decimals = (1, 2) if row["figure"] in ("mean_absolute_error", "spearman") else (100, 1)
        shown = lambda *values, s=scale, d=decimals: " to ".join(f"{s * value:.{d}f}" for value in values)  # noqa: E731
        rows.append(
            [
                f"{row['task']}: {row['data']}, {row['figure'].replace('_', ' ')}",
                shown(row["mean"]),
                f"{shown(row['low'], row['high'])} ({row['seeds']})",
                shown(*row["interval"]) if "interval" in row else "",
                f"{shown(row['baseline_value'])} ({row['baseline']})" if "baseline" in row else "",
                f"{row['train_size'] or 'all'} × {row['epochs']}",
                f"{row['num_examples']:,}",
                f"{row['seconds']:.0f}",
                f"{row['peak_memory_mib']:,}",
            ]
        )
    head = [
        "task and corpus",
        "mean",
        "range (seeds)",
        "95 % interval",
        "best baseline",
        "trained (× epochs)",
        "tested",
        "s",
        "MiB",
    ]
    return "\n\n".join(
        [
            "## The course's own corpora and real ones",
            f"`make results`. {machine(stored['machine'])}. Shares in per cent, errors in stars. The interval is drawn "
            "by document or author where there is one, and spans those of the seeds. The best baseline is that of the "
            "first seed. Seconds and memory are those of the whole run, reading and testing included; the machine may "
            "have had other work at the time.",
            table(head, rows),
            "What others report on the same corpora, by larger models, more examples and mostly on other parts of the "
            "corpora: a scale, not a contest. None of these models was run here.",
            table(
                ["corpus and figure", "reported", "model", "on what", "source"],
                [
                    [
                        f"{row['data']}, {row['figure'].replace('_', ' ')}",
                        f"{100 * row['value']:.1f}",
                        row["model"],
                        row["on"],
                        f"{{cite:t}}`{row['source']}`",
                    ]
                    for row in stored["published"]
                ],
            ),
        ]
    )


def conclusions(stored: dict[str, Any]) -> str:
    """The transfer table: what of notebooks 01 to 07 holds on other data."""
    parts = [
        "## Transfer table: which conclusions hold elsewhere",
        f"`make results`. {machine(stored['machine'])}. Do not trust the percentages of this course elsewhere; trust "
        "the comparisons marked *holds*. Each conclusion says that one way gets a higher figure than another. Both "
        "are trained on the same few hundred examples (where their number is the question, one side on half of them) "
        "and judged on the same held-out ones, with three seeds. It *holds* on a corpus if the 95 % interval of the "
        "mean difference (by document or author where there is one) is above zero, and so is the difference of each "
        "seed; it *does not hold* if both are below zero; else it is "
        "*undecided*. On real corpora together it holds if it holds on each of them, and does not if it fails on any. "
        "The figures are the differences in points, with the interval. Whole film reviews, of which the model reads "
        "the first 64 pieces, have a table of their own; they were set apart from the short texts after a first seed "
        "had shown that the model learns next to nothing from so few of them.",
    ]
    families: dict[str, list[dict[str, Any]]] = {}
    for row in stored["conclusions"]:
        families.setdefault(row["family"], []).append(row)
    for rows in families.values():
        corpora = list(dict.fromkeys(corpus for row in rows for corpus in row["corpora"]))
        lines = []
        for row in rows:
            cells = []
            for own in (row["corpora"].get(corpus) for corpus in corpora):
                low, high = (100 * end for end in own["interval"])
                cells.append(f"{100 * own['difference']:+.1f} [{low:.1f}, {high:.1f}] {own['verdict']}")
            lines.append([f"{row['notebook']}: {row['claim']}", *cells, f"**{row['real_corpora']}**"])
        parts.append(table(["notebook and conclusion", *corpora, "on real corpora"], lines))
    return "\n\n".join(parts)


def learning_rates(stored: dict[str, Any]) -> str:
    """The sweep behind the default learning rates."""
    figure = {"ner": "entity_f1"}
    rows = [
        [
            f"{run['task']}, {run['data']}, {run['train_rows']:,} rows, {run['epochs']} epochs",
            f"{run['learning_rate']:g}",
            str(run["seed"]),
            f"{run['validation_loss']:.3f}",
            f"{100 * run[figure.get(run['task'], 'accuracy')]:.1f}",
        ]
        for run in stored["runs"]
    ]
    head = ["trained on", "learning rate", "seed", "validation loss", "accuracy, or entity F1 (%)"]
    return "\n\n".join(
        [
            "## Default learning rates",
            f"`python benchmarks/learning_rates.py`, on validation data. {machine(stored['machine'])}.",
            table(head, rows),
        ]
    )


def growth(stored: dict[str, Any]) -> str:
    """How time and memory grow with the number and length of examples."""
    names = {"seconds": "time", "peak_memory": "peak memory", "added_memory": "memory added by training"}
    rows = []
    for axis, figures in stored["exponents"].items():
        sizes = list(dict.fromkeys(row[axis] for row in stored["rows"] if row["axis"] == axis))
        for figure, fitted in figures.items():
            own = f"{fitted['median']:.2f} ({fitted['low']:.2f} to {fitted['high']:.2f})"
            rows.append([f"{names[figure]}, {axis}", f"{sizes[0]} to {sizes[-1]}", own, str(fitted["count"])])
    return "\n\n".join(
        [
            "## How training grows",
            f"`make bench-growth`. {machine(stored['machine'])}. The exponent of a power law: 1 is in proportion, 2 is "
            "with the square. Median over the repeats, with the lowest and highest. Peak memory includes the library "
            "and the weights, which do not grow.",
            table(["what, and with what it grows", "from, to", "exponent", "repeats"], rows),
        ]
    )


SECTIONS: dict[str, Callable[[dict[str, Any]], str]] = {
    "bench.json": speed,
    "conclusions.json": conclusions,
    "corpora.json": corpora,
    "growth.json": growth,
    "eastmere_transfer.json": transfer,
    "learning_rates.json": learning_rates,
}


def write_page(folder: Path, results: Path = RESULTS) -> None:
    """Write ``results.md`` into a folder of Sphinx sources."""
    found = {name: results / name for name in SECTIONS if (results / name).exists()}
    parts = [SECTIONS[name](json.loads(path.read_text("utf-8"))) for name, path in found.items()]
    (folder / PAGE).write_text("\n\n".join([INTRODUCTION, *parts]) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write_page(Path(sys.argv[1]))
