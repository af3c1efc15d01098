"""The commands around the course on this machine: is it ready, open it, how fast is it, how far are you."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from course_utils.cli.output import check_writable, say


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Check the installation: packages, model, device, memory, disk, mirror."""
    from course_utils.doctor import examine

    checks = examine()
    if as_json:
        typer.echo(json.dumps({"ok": all(c.ok for c in checks), "checks": [vars(c) for c in checks]}, indent=2))
    else:
        for check in checks:
            typer.echo(
                f"{'ok  ' if check.ok else 'FAIL'} {check.name}: {check.found}"
                + (f". {check.remedy}" if not check.ok else "")
            )
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


def lab(arguments: Annotated[list[str] | None, typer.Argument(help="Passed on to JupyterLab.")] = None) -> None:
    """Open JupyterLab."""
    import subprocess

    raise typer.Exit(subprocess.call([sys.executable, "-m", "jupyterlab", *(arguments or [])]))


def bench(
    case: Annotated[list[str] | None, typer.Option(help="sentences, tagging, long or step; again for more.")] = None,
    repeats: Annotated[int, typer.Option(help="Turns of each case, each with its own seed.")] = 3,
    minutes: Annotated[float, typer.Option(help="Leave out further turns that would end later.")] = 18.0,
    quick: Annotated[bool, typer.Option("--quick", help="Tiny sizes: only to see that everything works.")] = False,
    threads: Annotated[int | None, typer.Option(help="Of each process; one a core if not given.")] = None,
    wait_policy: Annotated[str | None, typer.Option(help="OMP_WAIT_POLICY: active or passive; else unset.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Add the run to the runs in this file.")] = None,
) -> None:
    """Compare the speed of the course's training with that of the Trainer, on this CPU (20 minutes)."""
    check_writable(json_file)
    from course_utils.benchmark.report import append_run, read_runs, table
    from course_utils.benchmark.turns import run_benchmark

    if json_file:
        read_runs(json_file)  # find out before the work that the file holds something else
    run = run_benchmark(
        case_names=case or [],
        repeats=repeats,
        minutes=minutes,
        quick=quick,
        threads=threads,
        wait_policy=wait_policy,
        say=say,
    )
    if json_file:
        append_run(run, json_file)
    for line in table(run):
        typer.echo(line)


def status(
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write one row an exercise to this file.")] = None,
) -> None:
    """What this machine remembers of your way through the course."""
    check_writable(csv_file)
    from course_utils.checks import progress
    from course_utils.eastmere import vault_openings

    done = progress()
    typer.echo(repr(done))
    openings = vault_openings()
    typer.echo(f"vault: opened {len(openings)} times" + ("" if openings else " (keep it for one last check)"))
    for opening in openings:
        typer.echo(f"  {opening['time']}  {opening['corpus']}")
    if csv_file is not None:
        csv_file.write_text(done.to_csv(), "utf-8", newline="\n")
        say(f"{len(done.exercises)} exercises written to {csv_file}")
