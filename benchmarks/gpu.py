"""Whether training on a CUDA card gives what the CPU gives, and how much of the card it uses.

    python benchmarks/gpu.py               (a few minutes; nothing is downloaded: all weights are random)

Writes benchmarks/results/gpu.json. Exit status 1 if there is no CUDA card, or if the losses differ too much.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import BertConfig, BertForSequenceClassification

from course_utils.benchmark.data import random_inputs
from course_utils.benchmark.measure import available_cores, matrix_rates, model_flops, peak_memory, spread
from course_utils.benchmark.report import matrix_peak
from course_utils.benchmark.timed_run import in_fresh_process, make_trainer, run_fit, run_trainer
from course_utils.runtime import describe, set_seed
from course_utils.training import TrainingConfig, fit

RESULTS = Path(__file__).parent / "results" / "gpu.json"
SMALL = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 1024}
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
BOUNDS = {"float32": 1e-4, "bfloat16": 1e-2}  # largest difference of a loss from that of the CPU in float32
STEPS = 20
MATRIX_SIZES = (4096, 8192)
GOAL = 0.40  # of the card's measured matrix peak in bfloat16


def random_model(shape: dict[str, Any]) -> BertForSequenceClassification:
    """A BERT of a shape with random weights, the same at every call."""
    set_seed(0)
    return BertForSequenceClassification(BertConfig(num_labels=2, **shape))


@contextmanager
def exact_float32() -> Iterator[None]:
    """Without TF32, which keeps 10 of float32's 23 bits in the products of a matrix."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def losses(device: str, precision: str, shape: dict[str, Any], *, pieces: int = 64) -> list[float]:
    """The training loss of each of ``STEPS`` steps, without dropout."""
    batch_size = 8
    config = TrainingConfig(
        learning_rate=1e-4, num_epochs=1, batch_size=batch_size, precision=precision, device=device, seed=0
    )
    data = random_inputs(STEPS * batch_size, pieces)
    with exact_float32():
        history = fit(random_model(shape | NO_DROPOUT), data, data.select(range(batch_size)), config)
    return [row["loss"] for row in history.steps]


def parity(device: str, *, shape: dict[str, Any] = SMALL) -> dict[str, dict[str, Any]]:
    """Precision to the largest difference between the losses on the device and on the CPU in float32."""
    reference = losses("cpu", "float32", shape)
    result = {}
    for precision, bound in BOUNDS.items():
        own = losses(device, precision, shape)
        difference = max(abs(a - b) for a, b in zip(own, reference, strict=True))
        result[precision] = {"largest_difference": difference, "bound": bound, "holds": difference <= bound}
    return result


@dataclass(frozen=True)
class Work:
    """What to train for speed: on random inputs of one length, in bfloat16."""

    device: str
    program: str  # fit or trainer
    batch_size: int
    compiled: bool
    shape: dict[str, Any] = field(default_factory=dict)  # what differs from BERT-base
    pieces: int = 128
    steps: int = 20  # in an epoch
    epochs: int = 4  # the first warms up (and compiles); of the others the median counts


BERT_BASE_WORK = [
    Work("cuda", program, batch_size, compiled)
    for batch_size in (32, 64)
    for compiled in (False, True)
    for program in ("fit", "trainer")
]


def speed(work: Work) -> dict[str, Any]:
    """Tokens and operations a second, and the most memory taken: on a card what tensors take, else the process."""
    model, on_card = random_model(work.shape), work.device.startswith("cuda")
    data = random_inputs(work.batch_size * work.steps, work.pieces)
    config = TrainingConfig(
        learning_rate=3e-5,
        num_epochs=work.epochs,
        batch_size=work.batch_size,
        precision="bfloat16",
        device=work.device,
        compile=work.compiled and work.program == "fit",
    )
    parts = (model, data, data.select(range(work.batch_size)), config)
    if work.program == "fit":
        outcome = run_fit(*parts)
    else:
        settings = {"bf16": True, "torch_compile": work.compiled}
        with tempfile.TemporaryDirectory() as folder:
            outcome = run_trainer(make_trainer(*parts, collator=None, folder=folder, settings=settings))
    seconds = spread(outcome.epoch_seconds[1:]).median
    return asdict(work) | {
        "epoch_seconds": outcome.epoch_seconds,
        "tokens_per_second": len(data) * work.pieces / seconds,
        "flops_per_second": model_flops(model, [work.pieces] * len(data), training=True) / seconds,
        "peak_memory": torch.cuda.max_memory_allocated(work.device) if on_card else peak_memory(),
    }


def report(
    device: str,
    works: Sequence[Work],
    run: Callable[[Callable[..., Any], Work], dict[str, Any]],
    *,
    small: dict[str, Any] = SMALL,
    matrix_sizes: Sequence[int] = MATRIX_SIZES,
) -> dict[str, Any]:
    """Parity on a ``small`` shape, matrix peak before and after, and speed with its share of the peak."""
    equal = parity(device, shape=small)
    before = matrix_rates(device=device, sizes=matrix_sizes)
    rows = [run(speed, work) for work in works]
    after = matrix_rates(device=device, sizes=matrix_sizes)
    peak = matrix_peak(before, after)["bfloat16"]
    for row in rows:
        row["share_of_peak"] = row["flops_per_second"] / peak
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe(),
        "parity": {"tf32": "off", "steps": STEPS, **equal},
        "matrix_flops": {"before": before, "after": after},
        "goal": GOAL,
        "rows": rows,
    }


def lines(result: dict[str, Any]) -> Iterator[str]:
    """The result in words."""
    for precision in BOUNDS:
        own = result["parity"][precision]
        verdict = "holds" if own["holds"] else "FAILS"
        yield f"parity {precision}: {own['largest_difference']:.1e}, bound {own['bound']:.0e}: {verdict}"
    for row in result["rows"]:
        memory = "-" if row["peak_memory"] is None else f"{row['peak_memory'] / 2**30:.1f} GiB"
        how = "compiled" if row["compiled"] else "as it is"
        yield (
            f"{row['program']:8} batch {row['batch_size']:3} {how}: {row['tokens_per_second']:,.0f} tokens/s, "
            f"{row['share_of_peak']:.0%} of the bfloat16 peak (goal {result['goal']:.0%}), {memory}"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write, print; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--output", type=Path, default=RESULTS)
    chosen = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        print("gpu.py: PyTorch finds no CUDA device here, so nothing was measured.", file=sys.stderr)
        return 1
    result = report("cuda", BERT_BASE_WORK, partial(in_fresh_process, threads=available_cores()))
    chosen.output.parent.mkdir(exist_ok=True)
    chosen.output.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    for line in lines(result):
        print(line)
    return 0 if all(result["parity"][precision]["holds"] for precision in BOUNDS) else 1


if __name__ == "__main__":
    sys.exit(main())
