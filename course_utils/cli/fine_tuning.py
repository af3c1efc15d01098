"""The commands around one fine-tuned model: ``course train``, ``evaluate``, ``predict``."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from course_utils.cli.output import check_writable, figures, is_first_process, say, write_json
from course_utils.errors import InputError


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


def train(
    task: Annotated[Task, typer.Argument(help="What to learn.")],
    data: Data,
    text_column: TextColumn = "text",
    label_column: LabelColumn = "label",
    model: Annotated[str, typer.Option(help="A name of the course, a hub id or a folder.")] = "minilm",
    num_layers: Annotated[int | None, typer.Option(help="Keep the first N layers.")] = None,
    train_size: Annotated[int | None, typer.Option(help="Train on a seeded sample of this size.")] = None,
    eval_size: EvalSize = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training data; by task if not given.")] = None,
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
    from course_utils.workflows import TrainOptions, default_epochs, train_model

    options = TrainOptions(
        model=model,
        num_layers=num_layers,
        train_size=train_size,
        eval_size=eval_size,
        epochs=default_epochs(task.value) if epochs is None else epochs,
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
