"""From a corpus to an evaluated and saved model: what ``course train`` does."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import __version__
from course_utils.checkpoints import remove_checkpoints
from course_utils.corpora import CORPORA, LABEL_COLUMNS, SPLITS, corpus_notes, label_names
from course_utils.errors import InputError
from course_utils.models import (
    default_learning_rate,
    load_sequence_classifier,
    load_token_classifier,
    load_tokenizer,
    max_input_length,
    rescale_output,
    save,
)
from course_utils.processes import current_processes
from course_utils.runtime import check_seed, choose_device, choose_precision, describe, set_seed
from course_utils.sources import SOURCES, sha256_of
from course_utils.tasks import (
    MAX_LENGTH,
    DataOptions,
    baseline_scores,
    encode,
    evaluate_model,
    is_tagging,
    sample,
    with_labels,
)
from course_utils.training import TrainingConfig, fit

if TYPE_CHECKING:
    from datasets import DatasetDict
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

RUN_FILE = "training.json"
CHECKPOINT_EVERY = 200
Say = Callable[[str], None]


def default_epochs(task: str) -> int:
    """How often ``course train`` passes over the data if it is not told: entities are rare and take more passes.

    Examples
    --------
    >>> default_epochs("classify"), default_epochs("ner")
    (3, 6)
    """
    return 6 if task == "ner" else 3


@dataclass(frozen=True)
class TrainOptions:
    """The options of ``course train`` with their defaults."""

    model: str = "minilm"
    num_layers: int | None = None
    train_size: int | None = None
    eval_size: int | None = None
    epochs: int = 3
    batch_size: int = 16
    learning_rate: float | None = None
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"

    def __post_init__(self) -> None:
        for name in ("num_layers", "train_size", "eval_size"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"--{name.replace('_', '-')} must be at least 1, got {value}.")
        check_seed(self.seed)
        self.configuration(1e-4)  # complains now, not when the data are read and the model is loaded

    def configuration(self, default_rate: float, output: Path | None = None) -> TrainingConfig:
        """The configuration of the loop; ``default_rate`` counts if no learning rate was given."""
        choose_precision(self.precision, choose_device(self.device))
        return TrainingConfig(
            learning_rate=default_rate if self.learning_rate is None else self.learning_rate,
            num_epochs=self.epochs,
            batch_size=self.batch_size,
            seed=self.seed,
            device=self.device,
            precision=self.precision,
            checkpoint_every=CHECKPOINT_EVERY if output is not None else None,
            output_dir=str(output) if output is not None else None,
        )


def train_model(
    task: str,
    data: DataOptions,
    options: TrainOptions,
    *,
    output: Path | None = None,
    resume: bool = False,
    say: Say = lambda _: None,
) -> dict[str, Any]:
    """Train, evaluate on the test split, and save what ``from_pretrained`` reads.

    Returns
    -------
    The test figures as from ``evaluate_model``, with ``baselines``, ``history``, ``learning_rate`` and ``seed``.

    Raises
    ------
    InputError
        For anything in data, options or folders that cannot be used.
    """
    processes = current_processes()
    if not processes.is_first:
        say = lambda _: None  # noqa: E731 (one voice is enough)
    if resume and output is None:
        raise InputError("--resume needs --output: say where the interrupted run is.")
    if output is not None:
        _check_output(output, resume)
    tokenizer = load_tokenizer(options.model)
    corpus = data.load(task)
    for note in corpus_notes(corpus):
        say(note)
    parts = {
        "train": sample(corpus["train"], options.train_size, options.seed),
        "validation": sample(corpus["validation"], options.eval_size, options.seed),
        "test": sample(corpus["test"], options.eval_size, options.seed),
    }
    say(", ".join(f"{name} {len(part)}" for name, part in parts.items()) + " examples")
    names = label_names(corpus, LABEL_COLUMNS[task])
    set_seed(options.seed)  # the head starts from random weights
    load = load_token_classifier if is_tagging(task) else load_sequence_classifier
    model = load(options.model, names, num_layers=options.num_layers)
    max_length = min(MAX_LENGTH, max_input_length(model))
    train, validation = (encode(parts[name], tokenizer, task, max_length) for name in ("train", "validation"))
    mean, deviation = 0.0, 1.0
    if task == "regress":  # a network starts near 0 and moves in small steps: let the numbers it learns be small
        targets = np.asarray(train["labels"][:])
        mean, deviation = float(targets.mean()), float(targets.std()) or 1.0
        train, validation = (
            with_labels(part, (np.asarray(part["labels"][:]) - mean) / deviation) for part in (train, validation)
        )
        say(f"losses are in units of the variance of the training labels (mean {mean:.4g}, deviation {deviation:.4g})")
    config = options.configuration(default_learning_rate(model, task), output)
    say(f"training {options.model} for {config.num_epochs} epochs, learning rate {config.learning_rate:g}")
    history = fit(model, train, validation, config, resume_from=output if resume else None)
    for record in history.records:
        say(
            f"epoch {record['epoch']}: training loss {record['train_loss']:.3f}, validation loss "
            f"{record['validation_loss']:.3f}, {record['examples_per_second']:.0f} examples/s"
        )
    if task == "regress":
        rescale_output(model, mean=mean, deviation=deviation)
    result = evaluate_model(
        model,
        tokenizer,
        task,
        parts["test"],
        data=data.data,
        split="test",
        max_length=max_length,
        precision=options.precision,
    )
    result["baselines"] = baseline_scores(task, parts["train"], parts["test"], names)
    if not is_tagging(task) and "tfidf" not in result["baselines"]:
        say("baseline tfidf: left out; the training texts have one label only, or no words")
    result |= {"learning_rate": config.learning_rate, "seed": options.seed, "history": history.records}
    if output is not None and processes.is_first:
        _save_run(output, model, tokenizer, task, data, options, config, result, corpus, max_length)
    return result


def _check_output(output: Path, resume: bool) -> None:
    if output.exists() and not output.is_dir():
        raise InputError(f"{output}: not a folder. Give a new folder for --output.")
    if (
        output.is_dir()
        and any(output.iterdir())
        and not ((output / RUN_FILE).exists() or (output / "checkpoints").exists())
    ):
        raise InputError(f"{output}: this folder holds other files. Give a new or empty folder for --output.")
    if resume and not any((output / "checkpoints").glob("step-*")):
        raise InputError(f"{output}: no checkpoint to resume from. Train without --resume first.")
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{output}: the folder cannot be made ({error.strerror}). Give another --output.") from error


def data_sums(data: str) -> dict[str, str]:
    """SHA-256 of the files that a corpus, a file or a folder is read from; the course's own corpora have none."""
    if data in CORPORA:
        return {source: SOURCES[source].sha256 for source in CORPORA[data].sources}
    path = Path(data).expanduser()
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return {file.name: sha256_of(file) for file in files if file.is_file() and (file == path or file.stem in SPLITS)}


def _save_run(
    output: Path,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    task: str,
    data: DataOptions,
    options: TrainOptions,
    config: TrainingConfig,
    result: dict[str, Any],
    corpus: DatasetDict,
    max_length: int,
) -> None:
    (output / RUN_FILE).unlink(missing_ok=True)  # an old record must not vouch for half-written new weights
    save(model, tokenizer, output)
    record = {
        "task": task,
        "data": asdict(data),
        "data_sha256": data_sums(data.data),
        "data_notes": corpus_notes(corpus),
        "options": asdict(options),
        "configuration": {k: v for k, v in asdict(config).items() if k not in ("output_dir", "checkpoint_every")},
        "max_length": max_length,
        "history": result["history"],
        "test": {key: value for key, value in result.items() if key != "history"},
        "course_utils": __version__,
        "machine": describe(),
    }
    plain = json.loads(json.dumps(record), parse_constant=lambda _: None)  # JSON knows no NaN
    (output / RUN_FILE).write_text(json.dumps(plain, indent=2, ensure_ascii=False) + "\n", "utf-8")
    remove_checkpoints(output / "checkpoints")
