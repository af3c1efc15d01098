"""The ``course`` command: its commands, its exit status and the one form of its errors.

Exit status: 0 done, 1 the command's own no, 2 bad usage or input. Errors are one line on standard error.
"""

from __future__ import annotations

import os
import sys

import typer

from course_utils.cli.data import data_app
from course_utils.cli.fine_tuning import evaluate, predict, train
from course_utils.cli.machine import bench, doctor, lab, status
from course_utils.cli.output import is_first_process, say
from course_utils.errors import InputError

app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, help="Fine-tune language models, and learn how."
)
for command in (doctor, lab, train, evaluate, predict, bench, status):  # in the order of the help
    app.command()(command)
app.add_typer(data_app, name="data")


def run_command(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status; every error is one line on standard error."""
    # Before torch is loaded: a thread that waits spins shortly and then sleeps. Spinning on slows two trainings beside
    # each other, sleeping at once slows one alone (benchmarks/NOTES.md).
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8")  # names and texts are not ASCII, whatever the locale says
    try:
        exit_status = app(args=arguments, prog_name="course", standalone_mode=False)
        return exit_status if isinstance(exit_status, int) else 0
    except typer.Exit as error:
        return error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        say("course: interrupted.")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (InputError, OSError) as error:
        who = "course" if is_first_process() else f"course, process {os.environ['RANK']}"
        say(f"{who}: " + " ".join(str(error).split()))
        return 2
    except Exception as error:
        if hasattr(error, "format_message"):  # a usage error; the class has another home in each release of typer
            if type(error).__name__ == "NoArgsIsHelpError":
                typer.echo(error.format_message())
                return 2
            say(f"course: {' '.join(error.format_message().split()).rstrip('.')}. Try course --help.")
            return 2
        if os.environ.get("COURSE_DEBUG"):
            raise
        message = " ".join(str(error).split())[:300]
        say(f"course: unexpected {type(error).__name__}: {message}. Report it, with the traceback (COURSE_DEBUG=1).")
        return 1


def main() -> None:
    """Entry point of the ``course`` command."""
    exit_status = run_command()
    if "course_utils.processes" in sys.modules:
        sys.modules["course_utils.processes"].leave_processes()
    sys.exit(exit_status)
