"""The ``course`` command.

Exit status: 0 done, 1 the command's own no, 2 bad usage or input. Errors are one line on standard error.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from course_utils.errors import InputError, suggest

app = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None, help="Fine-tune language models, and learn how."
)
data_app = typer.Typer(no_args_is_help=True, help="The corpora: list, show, fetch.")
app.add_typer(data_app, name="data")


class Task(StrEnum):
    """The supervised tasks of the command line."""

    pos = "pos"
    ner = "ner"
    classify = "classify"
    regress = "regress"


Data = Annotated[str, typer.Option("--data", help="A corpus (course data list), a file or a folder.")]
TextColumn = Annotated[str, typer.Option(help="Column of the text in a text file.")]
LabelColumn = Annotated[str, typer.Option(help="Column of the label in a text file.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]
EvalSize = Annotated[int | None, typer.Option(help="Evaluate on a seeded sample of this size.")]


def is_first_process() -> bool:
    """Whether this process may speak and write; of several that train together only the first does."""
    return os.environ.get("RANK", "0") == "0"


def say(message: str) -> None:
    """A line for the reader, on standard error: standard output is for results."""
    typer.echo(message, err=True)


def check_writable(path: Path | None) -> None:
    """Find out before the work, not after it, that a result cannot be written."""
    if path is None:
        return
    if path.is_dir():
        raise InputError(f"{path}: a folder, expected a file to write.")
    if not path.parent.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise InputError(f"{path}: cannot be written. Give a file in a folder that exists and is yours.")


def write_json(result: dict[str, Any], path: Path | None) -> None:
    """Write figures as JSON; NaN, which JSON does not know, becomes null."""
    if path is not None:
        plain = json.loads(json.dumps(result), parse_constant=lambda _: None)
        path.write_text(json.dumps(plain, indent=2, ensure_ascii=False) + "\n", "utf-8")


def figures(result: dict[str, Any]) -> Iterator[str]:
    """``name value [low, high]``, one headline figure a line."""
    for name, value in result.items():
        if f"{name}_interval" in result:
            low, high = result[f"{name}_interval"]
            yield f"{name} {value:.4f}  95 % interval [{low:.4f}, {high:.4f}]"


@app.command()
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


@app.command()
def lab(arguments: Annotated[list[str] | None, typer.Argument(help="Passed on to JupyterLab.")] = None) -> None:
    """Open JupyterLab."""
    import subprocess

    raise typer.Exit(subprocess.call([sys.executable, "-m", "jupyterlab", *(arguments or [])]))


@data_app.command("list")
def data_list() -> None:
    """The corpora that can be named after --data."""
    from course_utils.corpora import CORPORA

    for name, corpus in CORPORA.items():
        typer.echo(f"{name:21} {'/'.join(corpus.tasks) or '-':17} {corpus.description}")


def _corpus(name: str) -> Any:
    from course_utils.corpora import CORPORA

    if name not in CORPORA:
        raise InputError(f'no corpus is called "{name}": {suggest(name, sorted(CORPORA))}')
    return CORPORA[name]


@data_app.command("show")
def data_show(name: Annotated[str, typer.Argument(help="A corpus or a file.")]) -> None:
    """Splits, sizes, labels, licence and the first example."""
    from course_utils.corpora import CORPORA, corpus_notes, label_names, load_corpus
    from course_utils.sources import SOURCES

    corpus = load_corpus(name)
    if name in CORPORA:
        typer.echo(f"{name}: {CORPORA[name].description}")
        for source in CORPORA[name].sources:
            typer.echo(f"source {SOURCES[source].path}, licence: {SOURCES[source].licence}")
    for note in corpus_notes(corpus):
        typer.echo(note)
    for split, part in corpus.items():
        typer.echo(f"{split}: {len(part)} rows of {', '.join(part.column_names)}")
    first = next(iter(corpus.values()))
    for column in first.column_names:
        if names := label_names(corpus, column):
            typer.echo(f"{column}: {len(names)} labels: {' '.join(names)}")
    typer.echo(json.dumps(first[0], ensure_ascii=False)[:500])


@data_app.command("fetch")
def data_fetch(name: Annotated[str, typer.Argument(help="A corpus.")]) -> None:
    """Fetch and verify the files of a corpus."""
    from course_utils.sources import locate

    for source in _corpus(name).sources:
        typer.echo(f"{source}: {locate(source)}")


@app.command()
def train(
    task: Annotated[Task, typer.Argument(help="What to learn.")],
    data: Data,
    text_column: TextColumn = "text",
    label_column: LabelColumn = "label",
    model: Annotated[str, typer.Option(help="A name of the course, a hub id or a folder.")] = "minilm",
    num_layers: Annotated[int | None, typer.Option(help="Keep the first N layers.")] = None,
    train_size: Annotated[int | None, typer.Option(help="Train on a seeded sample of this size.")] = None,
    eval_size: EvalSize = None,
    epochs: Annotated[int, typer.Option(help="Passes over the training data.")] = 3,
    batch_size: Annotated[int, typer.Option(help="Examples a step.")] = 16,
    learning_rate: Annotated[
        float | None, typer.Option(help="Highest rate; by task and size of the model if not given.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of head, order, dropout and samples.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16.")] = "auto",
    output: Annotated[Path | None, typer.Option(help="Save model, tokenizer and record in this folder.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoints in --output.")] = False,
    json_file: JsonFile = None,
) -> None:
    """Fine-tune a pretrained model and evaluate it on the test split."""
    check_writable(json_file)
    from course_utils.tasks import DataOptions, headline_of
    from course_utils.workflows import TrainOptions, train_model

    options = TrainOptions(
        model=model,
        num_layers=num_layers,
        train_size=train_size,
        eval_size=eval_size,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
        device=device,
        precision=precision,
    )
    where = DataOptions(data, text_column, label_column)
    result = train_model(task.value, where, options, output=output, resume=resume, say=say)
    if not is_first_process():
        return
    name = headline_of(task.value)
    for baseline, scores in result["baselines"].items():
        typer.echo(f"baseline {baseline}: {name} {scores[name]:.4f}")
    typer.echo(f"test, {result['num_examples']} examples:")
    for line in figures(result):
        typer.echo(line)
    _say_truncated(result)
    say(f"saved in {output}" if output else "not saved (give --output DIR to keep the model)")
    write_json(result, json_file)


def _say_truncated(result: dict[str, Any]) -> None:
    if result.get("num_truncated_words"):
        typer.echo(f"{result['num_truncated_words']} words were cut off by truncation and count as wrong")
    if result.get("num_truncated_examples"):
        typer.echo(f"{result['num_truncated_examples']} texts were longer than the input and were cut")


@app.command()
def evaluate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What course train --output wrote.")],
    data: Data,
    text_column: Annotated[str | None, typer.Option(help="Column of the text; as in training if not given.")] = None,
    label_column: Annotated[str | None, typer.Option(help="Column of the label; as in training if not given.")] = None,
    split: Annotated[str, typer.Option(help="train, validation or test, for corpora and folders.")] = "test",
    eval_size: EvalSize = None,
    json_file: JsonFile = None,
) -> None:
    """Evaluate a saved model."""
    check_writable(json_file)
    from course_utils.runs import evaluate_run
    from course_utils.tasks import DataOptions

    if eval_size is not None and eval_size < 1:
        raise InputError(f"--eval-size must be at least 1, got {eval_size}.")
    where = DataOptions(data, text_column, label_column)
    result = evaluate_run(folder, where, split=split, eval_size=eval_size, say=say)
    typer.echo(f"{result['split']}, {result['num_examples']} examples:")
    for line in figures(result):
        typer.echo(line)
    _say_truncated(result)
    write_json(result, json_file)


def _read_lines(path: str) -> list[str]:
    r"""Lines of a file or of standard input. Only a line feed ends a line; other separators stay inside."""
    if path == "-":
        raw = sys.stdin.buffer.read()
    else:
        if not Path(path).is_file():
            raise InputError(f"{path}: no such file. Give a text file, or - for standard input.")
        raw = Path(path).read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}:{line}: byte 0x{raw[error.start]:02x} is not UTF-8. Save the file as UTF-8."
        ) from error
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return lines[:-1] if lines[-1] == "" else lines


@app.command()
def predict(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What course train --output wrote.")],
    input_file: Annotated[str, typer.Option("--input", help="One text a line; - reads standard input.")] = "-",
    output_file: Annotated[str, typer.Option("--output", help="JSON lines; - writes standard output.")] = "-",
    words: Annotated[bool, typer.Option("--words", help="The input is split into words by spaces already.")] = False,
) -> None:
    """Tag or classify each line of a text file: one JSON object a line."""
    if output_file != "-":
        check_writable(Path(output_file))
    from course_utils.runs import load_run, predict_lines

    lines = _read_lines(input_file)
    run = load_run(folder)
    results = predict_lines(run, lines, words=words)
    if output_file == "-":
        for result in results:
            typer.echo(json.dumps(result, ensure_ascii=False))
        return
    with open(output_file, "w", encoding="utf-8", newline="\n") as handle:
        for result in results:
            handle.write(json.dumps(result, ensure_ascii=False) + "\n")
    say(f"{len(lines)} lines written to {output_file}")


@app.command()
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


@app.command()
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


def run_command(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status; every error is one line on standard error."""
    # Before torch is loaded: threads that spin while they wait slow a busy machine down several times.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8")  # names and texts are not ASCII, whatever the locale says
    try:
        status = app(args=arguments, prog_name="course", standalone_mode=False)
        return status if isinstance(status, int) else 0
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
    status = run_command()
    if "course_utils.processes" in sys.modules:
        sys.modules["course_utils.processes"].leave_processes()
    sys.exit(status)


if __name__ == "__main__":
    main()
