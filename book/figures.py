"""Write the page "Figures of the course": every figure that notebooks use, drawn from a few made-up numbers.

The page is not kept in the repository: Sphinx calls ``write_page`` before it reads its sources, so that the pictures
are always those of the code. ``python book/figures.py FOLDER`` writes it without Sphinx.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from IPython.display import HTML

PAGE = "figures.md"
INTRODUCTION = """# Figures of the course

Each kind of figure in the course, with the lines that draw it. The numbers are made up, and so is what the figures seem
to show; what is real is how to read them. Every function of `course_utils.plotting` takes numbers and returns a figure
whose `alt` says in words what can be seen. It is the text that screen readers get, and it is printed below each figure.

Every cell begins with the same lines:

```python
{setup}
```
"""
SETUP = """\
import numpy as np
from course_utils import metrics, plotting
random = np.random.default_rng(0)"""


@dataclass(frozen=True)
class Example:
    """One section of the page: ``code`` ends with an expression whose value is shown."""

    title: str
    caption: str
    code: str

    @property
    def name(self) -> str:
        """The function that the example is about."""
        return self.code.rpartition("plotting.")[2].partition("(")[0]


EXAMPLES = (
    Example(
        "One run",
        "Losses, a metric and the learning rate of one run. After the dotted line the validation loss rises while the "
        "training loss goes on falling: the model begins to learn its training examples by heart.",
        """\
keys = ["epoch", "train_loss", "validation_loss", "accuracy"]
rows = [(1, 1.9, 1.1, 0.61), (2, 0.9, 0.7, 0.78), (3, 0.5, 0.62, 0.84), (4, 0.3, 0.7, 0.85)]
rates = 3e-4 * np.minimum(np.arange(1, 101) / 10, np.arange(100, 0, -1) / 90)
records = [dict(zip(keys, row)) for row in rows]
plotting.plot_history(records, metric="accuracy", metric_label="accuracy (share)", learning_rates=rates)""",
    ),
    Example(
        "Several runs",
        "Three runs over the same steps, smoothed over ten of them. A cross ends a run whose loss is not a number.",
        """\
steps, noise = np.arange(1, 121), random.normal(0, 0.12, 120)
falling = {"3e-4": 2.4 * np.exp(-steps / 35) + 0.3, "3e-5": 2.4 * np.exp(-steps / 90) + noise / 2}
rising = np.where(steps <= 45, 2.4 + steps / 60 - noise, np.nan)
plotting.plot_runs({"3e-4": falling["3e-4"] + noise, "3e-5": falling["3e-5"], "3e-2": rising}, smoothing=10)""",
    ),
    Example(
        "A sweep of learning rates",
        "Validation loss by learning rate, three seeds each. Too low and too high both fail, and only the loss curves "
        "tell why.",
        """\
rates = [1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3]
losses = np.array([[0.66, 0.52, 0.38, 0.33, 0.47, 0.71]]).T + random.normal(0, 0.02, (6, 3))
losses[5, 0] = np.nan
plotting.plot_learning_rate_sweep(rates, losses, reference=("untrained", 0.69))""",
    ),
    Example(
        "Learning curves",
        "What more examples bring, and what pretraining brings: at the left of the figure it is worth most.",
        """\
pretrained = np.array([[0.78, 0.83, 0.86, 0.885, 0.9]]).T + random.normal(0, 0.015, (5, 5))
from_scratch = np.array([[0.52, 0.55, 0.6, 0.68, 0.74]]).T + random.normal(0, 0.015, (5, 5))
curves = {"pretrained": pretrained, "random weights": from_scratch}
plotting.plot_learning_curves([50, 100, 200, 500, 1000], curves)""",
    ),
    Example(
        "Cost against length",
        "On logarithmic axes a power law is a straight line and its slope the exponent.",
        """\
lengths = np.array([64, 128, 256, 512, 1024])
layer = 0.004 * lengths**1.1 * [1.05, 0.97, 1, 1.02, 0.98]
plotting.plot_cost(lengths, {"attention alone": 2e-6 * lengths**2.0, "whole layer": layer})""",
    ),
    Example(
        "Lengths and truncation",
        "How long the texts are, and what a limit would cut off.",
        """\
lengths = random.lognormal(3.6, 0.6, 2000).astype(int) + 2
plotting.plot_lengths(lengths, max_length=128)""",
    ),
    Example(
        "An attention map",
        "Row by row, where a token looks. Every row adds up to 1.",
        """\
tokens = "[CLS] anna may left the may queen [SEP]".split()
scores = np.exp(random.normal(0, 1, (8, 8)) + 2.5 * np.eye(8))
plotting.plot_attention(scores / scores.sum(axis=1, keepdims=True), tokens)""",
    ),
    Example(
        "The heads of a layer",
        "Twelve heads of one layer over the same sentence, in one scale.",
        """\
tokens = "[CLS] anna may left the may queen at the harbour . [SEP]".split()
offsets = [np.eye(12, k=k) for k in (-1, 0, 1) * 4]
scores = np.exp(random.normal(0, 1.5, (12, 12, 12)) + 3 * np.stack(offsets))
plotting.plot_attention(scores / scores.sum(axis=-1, keepdims=True), tokens)""",
    ),
    Example(
        "A confusion matrix",
        "Counts, and the share of each gold label. The diagonal is right.",
        """\
counts = [[172, 9, 4], [21, 88, 17], [3, 12, 174]]
plotting.plot_confusion_matrix(counts, ["negative", "neutral", "positive"])""",
    ),
    Example(
        "A confusion matrix of twelve tags",
        "The same for the twelve tags of the universal tag set. Cells without examples stay empty.",
        """\
names = "NOUN VERB . ADP DET PRON ADV ADJ PRT CONJ NUM X".split()
sizes = [6357, 3593, 3316, 2461, 2309, 1589, 962, 918, 665, 616, 586, 73]
chances = 0.94 * np.eye(12) + 0.06 * random.dirichlet(np.full(12, 0.15), 12)
plotting.plot_confusion_matrix(random.multinomial(sizes, chances), names)""",
    ),
    Example(
        "Calibration",
        "A model that is too sure of itself: where it says 95 %, it is right in fewer cases. With as few examples, a "
        "perfectly calibrated model too leaves the diagonal, but not often the grey band.",
        """\
sure = random.beta(6, 1.2, 300) / 2 + 0.5
labels = (random.random(300) > sure - 0.12).astype(int)
bins = metrics.reliability_bins(np.stack([sure, 1 - sure], axis=1), labels, num_bins=20)
plotting.plot_reliability(bins, null_band=True)""",
    ),
    Example(
        "Seeds",
        "Five seeds a setting. Two settings whose points lie among each other are not told apart by their means.",
        """\
means = {"mean of all tokens": 0.871, "first token": 0.868, "frozen encoder": 0.803}
scores = {name: random.normal(mean, 0.008, 5) for name, mean in means.items()}
plotting.plot_seeds(scores, reference=("TF-IDF", 0.792))""",
    ),
    Example(
        "Slices",
        "The same model on parts of the test set. A small slice has a wide interval.",
        """\
names = ["restaurants", "clinics", "museums", "with negation", "more than 60 words"]
scores, counts = np.array([0.91, 0.88, 0.92, 0.71, 0.83]), np.array([210, 164, 95, 38, 57])
ends = np.stack([scores, scores], axis=1) + np.outer(np.sqrt(scores * (1 - scores) / counts), [-2, 2])
plotting.plot_slices(names, scores, ends, counts, reference=("all", 0.88))""",
    ),
    Example(
        "Entities",
        "Entities in the text, the annotator's above the model's.",
        """\
tokens = "Anna May left the May Queen at the harbour of Eastmere .".split()
gold = "B-PER I-PER O O B-MISC I-MISC O O O O B-LOC O".split()
predicted = "B-PER I-PER O O B-PER I-PER O O O O B-ORG O".split()
plotting.show_entities(tokens, {"gold": gold, "predicted": predicted})""",
    ),
)


def evaluate(example: Example) -> Any:
    """The value of the last statement of an example, as a notebook would show it."""
    names: dict[str, Any] = {}
    *lines, last = example.code.splitlines()
    exec("\n".join([SETUP, *lines]), names)
    return eval(last, names)


def section(example: Example, number: int, folder: Path) -> str:
    """One section of the page; its picture is written into the folder."""
    value = evaluate(example)
    parts = [f"## {example.title}", f"```python\n{example.code}\n```"]
    if isinstance(value, HTML):
        parts += [example.caption, f"```{{raw}} html\n{value.data}\n```"]
    else:
        picture = folder / "figures" / f"{number:02d}_{example.name}.png"
        picture.parent.mkdir(exist_ok=True)
        value.savefig(picture, bbox_inches="tight", metadata={"Software": None})  # trimmed, as notebooks show it
        parts.append(f":::{{figure}} figures/{picture.name}\n:alt: {value.alt}\n\n{example.caption}\n:::")
        parts.append(f"In words: {value.alt}")
    return "\n\n".join(parts)


def write_page(folder: Path) -> None:
    """Write ``figures.md`` and its pictures into a folder of Sphinx sources."""
    sections = [section(example, number, folder) for number, example in enumerate(EXAMPLES, 1)]
    text = "\n\n".join([INTRODUCTION.format(setup=SETUP), *sections])
    (folder / PAGE).write_text(text + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write_page(Path(sys.argv[1]))
