"""One training run, timed in a process of its own, so that no run profits or suffers from the one before it.

The same job can be done by the course's ``fit`` and by the ``Trainer`` of transformers: same model, data, batch size,
schedule, weight decay, clipping and seed. ``in_fresh_process(time_job, job)`` starts a new interpreter for it.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch

from course_utils.benchmark.measure import model_flops, peak_memory, resident_memory, synchronise
from course_utils.errors import InputError
from course_utils.models import default_learning_rate, load_sequence_classifier, load_token_classifier, load_tokenizer
from course_utils.runtime import choose_precision, cpu_has_bfloat16, set_seed
from course_utils.tokenization import IGNORE_INDEX
from course_utils.training import Predictions, TrainingConfig, fit

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, Trainer

EVAL_BATCH_SIZES = (16, 32, 64, 128)  # that the tuned Trainer tries
WARM_UP = 32  # examples to train on, and to evaluate, before the clock starts
TUNE_ON = 256  # validation examples on which the batch size is tried
TUNED: dict[str, Any] = {
    "train_sampling_strategy": "group_by_length"
}  # besides bfloat16 and the batch size of the evaluation
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Job:
    """What to train, on what, and how."""

    program: str  # trainer, trainer-tuned or fit
    task: str  # classify or pos
    data: str  # folder with the encoded splits as columns: ``train.json`` and ``validation.json``
    num_labels: int
    batch_size: int = 16
    num_epochs: int = 1
    seed: int = 0
    checkpoint: str = "minilm"
    num_layers: int | None = None
    options: dict[str, Any] = field(default_factory=dict)  # further fields of ``TrainingConfig``


@dataclass(frozen=True)
class Outcome:
    """What a program says of its run."""

    epoch_seconds: list[float]  # of each epoch, training alone
    accuracy: float  # of examples or labelled tokens, after the last epoch
    precision: str
    eval_batch_size: int | None  # ``None``: what ``fit`` takes


@dataclass(frozen=True)
class Timing(Outcome):
    """What a run took and what came of it."""

    seconds: float  # all epochs with an evaluation after each, making of optimiser and batches included
    cpu_seconds: float  # of all threads, in ``seconds``
    memory_before: int | None  # bytes resident with model and data loaded, before any training
    peak_memory: int | None  # the most bytes resident in the life of the process
    train_flops: int  # of all epochs, see ``measure.model_flops``
    eval_flops: int
    threads: int


Program = Callable[[Any, Any, Any], Outcome]  # of model, training and validation data


# The two programs


def run_fit(model: PreTrainedModel, train: Dataset, validation: Dataset, config: TrainingConfig) -> Outcome:
    """Train with the course's own loop."""

    def accuracy(predictions: Predictions) -> dict[str, float]:
        logits, labels = predictions.flat()
        return {"accuracy": float(np.mean(logits.argmax(axis=-1) == labels))}

    records = fit(model, train, validation, config, metric=accuracy).records
    seconds = [len(train) / record["examples_per_second"] for record in records]
    return Outcome(seconds, records[-1]["accuracy"], choose_precision(config.precision, config.device), None)


def make_trainer(
    model: PreTrainedModel,
    train: Dataset,
    validation: Dataset,
    config: TrainingConfig,
    *,
    collator: Callable[..., Any] | None,
    folder: str | Path,
    settings: dict[str, Any],
) -> Trainer:
    """A ``Trainer`` that does what ``fit`` does with ``config``; all else is as the library sets it.

    Parameters
    ----------
    collator : makes a batch; with ``None`` all inputs must be of one length
    folder : where the ``Trainer`` may write; checkpoints are off, since ``fit`` writes none
    settings : further ``TrainingArguments``: how the ``Trainer`` is tuned
    """
    from transformers import PrinterCallback, Trainer, TrainingArguments

    def accuracy(result: Any) -> dict[str, float]:
        counted = result.label_ids != IGNORE_INDEX
        return {"accuracy": float(np.mean((result.predictions.argmax(axis=-1) == result.label_ids)[counted]))}

    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=config.batch_size,
        num_train_epochs=config.num_epochs,
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.schedule,
        warmup_steps=config.warmup_steps,
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        seed=config.seed,
        eval_strategy="epoch",
        save_strategy="no",
        use_cpu=config.device == "cpu",
        disable_tqdm=True,
        **settings,
    )
    trainer = Trainer(
        model,
        arguments,
        data_collator=collator,
        train_dataset=train,
        eval_dataset=validation,
        compute_metrics=accuracy,
    )
    trainer.remove_callback(PrinterCallback)  # standard output is for the results
    return trainer


def run_trainer(trainer: Trainer) -> Outcome:
    """Train with the library's loop."""
    from transformers import TrainerCallback

    class EpochClock(TrainerCallback):
        """Time each epoch, without the evaluation after it."""

        def __init__(self) -> None:
            self.seconds: list[float] = []

        def on_epoch_begin(self, *_: Any, **__: Any) -> None:
            self.started = time.perf_counter()

        def on_epoch_end(self, *_: Any, **__: Any) -> None:
            synchronise(trainer.args.device)
            self.seconds.append(time.perf_counter() - self.started)

    clock = EpochClock()
    trainer.add_callback(clock)
    trainer.train()
    scores = [row["eval_accuracy"] for row in trainer.state.log_history if "eval_accuracy" in row]
    precision = "bfloat16" if trainer.args.bf16 else "float32"
    return Outcome(clock.seconds, scores[-1], precision, trainer.args.per_device_eval_batch_size)


def library_collator(job: Job) -> Any:
    """What pads the batches of a ``Trainer``: to their own longest example."""
    from transformers import DataCollatorForTokenClassification, DataCollatorWithPadding

    collator = DataCollatorWithPadding if job.task == "classify" else DataCollatorForTokenClassification
    return collator(load_tokenizer(job.checkpoint))


def best_eval_batch_size(
    make: Callable[..., Trainer], model: PreTrainedModel, validation: Dataset, settings: dict[str, Any]
) -> int:
    """The batch size with which the ``Trainer`` evaluates fastest."""
    few = validation.select(range(min(TUNE_ON, len(validation))))
    seconds = {}
    for size in EVAL_BATCH_SIZES:
        trainer = make(model, few, few, settings=settings | {"per_device_eval_batch_size": size})
        started = time.perf_counter()
        trainer.evaluate()
        seconds[size] = time.perf_counter() - started
    return min(seconds, key=lambda size: seconds[size])


# The run


def read_columns(path: Path) -> Dataset:
    """An encoded split."""
    from datasets import Dataset

    return Dataset.from_dict(json.loads(path.read_text("utf-8")))


def time_job(job: Job) -> Timing:
    """Warm up with another copy of the model, then train and evaluate, timed. Everything runs on the CPU."""
    train, validation = (read_columns(Path(job.data) / f"{part}.json") for part in ("train", "validation"))
    load = load_sequence_classifier if job.task == "classify" else load_token_classifier

    def fresh_model() -> PreTrainedModel:
        set_seed(job.seed)  # the same head in every program
        return load(job.checkpoint, [str(label) for label in range(job.num_labels)], num_layers=job.num_layers)

    model = fresh_model()
    config = TrainingConfig(
        learning_rate=default_learning_rate(model, job.task),
        num_epochs=job.num_epochs,
        batch_size=job.batch_size,
        seed=job.seed,
        device="cpu",
        **job.options,
    )
    settings: dict[str, Any] = TUNED | {"bf16": cpu_has_bfloat16()} if job.program == "trainer-tuned" else {}
    memory_before = resident_memory()
    with tempfile.TemporaryDirectory() as folder:
        if job.program == "fit":
            run: Program = partial(run_fit, config=config)
        else:
            make = partial(make_trainer, config=config, collator=library_collator(job), folder=folder)
            run = lambda *parts: run_trainer(make(*parts, settings=settings))  # noqa: E731
        run(model, *(part.select(range(min(WARM_UP, len(part)))) for part in (train, validation)))
        if job.program == "trainer-tuned":
            settings["per_device_eval_batch_size"] = best_eval_batch_size(make, model, validation, settings)
        model = fresh_model()
        cpu_started, started = time.process_time(), time.perf_counter()
        outcome = run(model, train, validation)
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started

    trained, evaluated = ([len(ids) for ids in part["input_ids"][:]] for part in (train, validation))
    return Timing(
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        memory_before=memory_before,
        peak_memory=peak_memory(),
        train_flops=model_flops(model, trained, training=True) * job.num_epochs,
        eval_flops=model_flops(model, evaluated, training=False) * job.num_epochs,
        threads=torch.get_num_threads(),
        **vars(outcome),
    )


# A process of its own


@contextlib.contextmanager
def thread_environment(threads: int, wait_policy: str | None) -> Iterator[None]:
    """The variables that new processes inherit and that OpenMP reads when it starts.

    ``wait_policy`` is ``OMP_WAIT_POLICY``: ``None`` leaves the choice to the OpenMP library, whose threads then spin
    for a while when they wait, which is best on a machine that does nothing else; ``passive`` lets them sleep.
    """
    before = {name: os.environ.pop(name) for name in THREAD_VARIABLES if name in os.environ}
    os.environ["OMP_NUM_THREADS"] = str(threads)
    if wait_policy:
        os.environ["OMP_WAIT_POLICY"] = wait_policy
    try:
        yield
    finally:
        for name in THREAD_VARIABLES:
            os.environ.pop(name, None)
        os.environ.update(before)


def in_fresh_process(
    function: Callable[..., Result], *arguments: Any, threads: int, wait_policy: str | None = None
) -> Result:
    """Call a function of a module in a new interpreter; what it raises is raised here.

    Parameters
    ----------
    threads : for the matrix products of the process
    wait_policy : see ``thread_environment``

    Raises
    ------
    InputError
        If the process is killed.
    """
    context = multiprocessing.get_context("spawn")
    with (
        thread_environment(threads, wait_policy),
        ProcessPoolExecutor(max_workers=1, mp_context=context) as pool,
    ):
        try:
            return pool.submit(function, *arguments).result()
        except BrokenProcessPool as error:
            raise InputError(
                "a process of the benchmark was killed, perhaps for want of memory. Close other programs, or choose a "
                "smaller --case."
            ) from error
