"""What keeps a small training set from being learned by heart: one setting changed at a time, three seeds each.

    python benchmarks/regularisation.py        (about five minutes on one core)

All on the Eastmere reviews with ``minilm``, of which the top layer, the pooler and the head train. Embeddings and the
lower five layers are frozen, so their outputs are computed once for every text and kept. Three experiments:

* ``methods``: polarity from 128 reviews; dropout, decay, penalties, early stopping and so on, each alone;
* ``search``: random settings on the same reviews: what the best of many is worth;
* ``transfer``: polarity from 32 reviews, after a first training on another label of other authors' reviews.

Measured is on the validation part only, which takes no part in any training or stopping: the test part is not opened.
Stored are the loss and the answer of every validation review, so that differences can be paired. Writes
benchmarks/results/regularisation.json; runs that are in it already are not repeated.
"""

import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from course_utils.corpora import label_names, load_corpus
from course_utils.models import encoder_layers, load_encoder, load_sequence_classifier, load_tokenizer
from course_utils.runtime import describe, set_seed
from course_utils.tokenization import encode_texts
from course_utils.training import History, TrainingConfig, fit, predict

RESULTS = Path(__file__).parent / "results" / "regularisation.json"
SEEDS = (0, 1, 2)
FROZEN, ROWS, EPOCHS, BATCH_SIZE, RATE = 5, 128, 8, 16, 5e-4
CHANGED = 0.1  # share of the words that augmentation deletes or replaces
NUM_SETTINGS = 32  # of the search
FEW, SOURCE_ROWS = 32, 512  # for transfer


def delete_words(text: str, random: np.random.Generator) -> str:
    """The text without some of its words, chosen at random."""
    return " ".join(word for word in text.split() if random.random() >= CHANGED) or text


def replace_words(text: str, random: np.random.Generator, vocabulary: list[str]) -> str:
    """The text with some of its words replaced by words of other texts, both chosen at random."""
    return " ".join(str(random.choice(vocabulary)) if random.random() < CHANGED else word for word in text.split())


def augmented(train: Dataset, method: str, seed: int) -> Dataset:
    """The examples, and a changed copy of each."""
    random, texts = np.random.default_rng(seed), train["text"][:]
    if method == "deletion":
        copies = [delete_words(text, random) for text in texts]
    else:
        vocabulary = sorted({word for text in texts for word in text.split()})
        copies = [replace_words(text, random, vocabulary) for text in texts]
    return Dataset.from_dict({"text": texts + copies, "label": 2 * train["label"][:]})


class LowerLayers:
    """What the frozen layers make of each text, computed once; also the collator that puts it into batches."""

    def __init__(self) -> None:
        self.tokenizer, self.encoder = load_tokenizer("minilm"), load_encoder("minilm", num_layers=FROZEN).eval()
        self.states: dict[str, torch.Tensor] = {}  # of shape (pieces, hidden)

    def encode(self, rows: Dataset) -> Dataset:
        """Texts and labels as ``fit`` wants them, with the text itself to look up its states."""
        encoded = encode_texts(rows, self.tokenizer, label_column="label")
        missing = [i for i, text in enumerate(rows["text"][:]) if text not in self.states]
        with torch.no_grad():
            for i in missing:
                ids = torch.tensor([encoded[i]["input_ids"]])
                self.states[rows[i]["text"]] = self.encoder(ids).last_hidden_state[0]
        return encoded.add_column("text", rows["text"][:])

    def __call__(self, examples: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """States and mask, padded to the longest text, and labels if there are any."""
        states = [self.states[example["text"]] for example in examples]
        batch = {"inputs_embeds": pad_sequence(states, batch_first=True)}
        batch["attention_mask"] = pad_sequence([torch.ones(len(text), dtype=torch.long) for text in states], True)
        if "labels" in examples[0]:
            batch["labels"] = torch.tensor([example["labels"] for example in examples])
        return batch


class Handed(nn.Module):
    """In place of the embeddings: hands on what it is given."""

    def forward(self, inputs_embeds: torch.Tensor, **_: Any) -> torch.Tensor:
        """The states as they are."""
        return inputs_embeds


def top_layer(names: list[str], dropout: float, seed: int) -> Any:
    """A classifier of the last layer, the pooler and a new head."""
    set_seed(seed)
    options: dict[str, Any] = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    model: Any = load_sequence_classifier("minilm", names, **options)
    model.bert.embeddings, model.bert.encoder.layer = Handed(), model.bert.encoder.layer[FROZEN:]
    model.config.num_hidden_layers = len(model.bert.encoder.layer)
    return model


def pull_back(model: nn.Module, strength: float) -> None:
    """Add ``strength * (w - start)**2`` to the loss for every matrix of the layer, by its slope."""
    for p in matrices(model):
        start = p.detach().clone()
        p.register_hook(lambda slope, p=p, start=start: slope + 2 * strength * (p.detach() - start))


def matrices(model: nn.Module) -> list[nn.Parameter]:
    """The matrices of the layer that trains."""
    return [p for layer in encoder_layers(model) for p in layer.parameters() if p.ndim >= 2]


def flat(model: nn.Module) -> torch.Tensor:
    """All their weights in one vector."""
    return torch.cat([p.detach().flatten() for p in matrices(model)])


@dataclass(frozen=True)
class Method:
    """What differs from training without any regularisation."""

    settings: dict[str, Any] = field(default_factory=dict)  # of TrainingConfig
    dropout: float = 0.0
    times: int = 1  # as many training rows, in as many fewer epochs
    augmentation: str = ""
    back: float = 0.0
    watched: str = "few"  # by fit: a few rows, all validation rows, or reviews by yet other authors


METHODS = {
    "none": Method(watched="validation"),
    "dropout 0.1": Method(dropout=0.1),
    "dropout 0.3": Method(dropout=0.3),
    "weight decay 0.01": Method({"weight_decay": 0.01}),
    "L1": Method({"l1": 1e-5}),
    "L2": Method({"l2": 1e-3}),
    "L2 towards the start": Method(back=1e-3),
    "early stopping": Method({"early_stopping_patience": 2}, watched="others"),
    "label smoothing": Method({"label_smoothing": 0.1}),
    "random deletion": Method(augmentation="deletion"),
    "random replacement": Method(augmentation="replacement"),
    "2 times the data": Method(times=2),
    "4 times the data": Method(times=4),
}


class Benchmark:
    """The corpora, the runs done so far, and where they are written."""

    def __init__(self) -> None:
        self.runs: list[dict[str, Any]] = json.loads(RESULTS.read_text("utf-8"))["runs"] if RESULTS.exists() else []
        self.polarity, self.stars = load_corpus("eastmere-polarity"), load_corpus("eastmere-reviews")
        self.names, self.lower = label_names(self.polarity, "label"), LowerLayers()
        self.validation = self.lower.encode(self.polarity["validation"])

    def shuffled(self, seed: int) -> tuple[Dataset, Dataset]:
        """Training rows in random order, and rows by a dozen other authors, to watch."""
        random, rows = np.random.default_rng(seed), self.polarity["train"]
        others = np.isin(rows["author"][:], random.permutation(sorted(set(rows["author"][:])))[:12])
        return rows.select(random.permutation(np.flatnonzero(~others))), rows.select(np.flatnonzero(others))

    def missing(self, **key: Any) -> bool:
        """Whether there is no run with these settings yet."""
        return not any(all(run.get(name) == value for name, value in key.items()) for run in self.runs)

    def train(self, model: nn.Module, rows: Dataset, watched: Dataset, config: TrainingConfig) -> tuple[History, float]:
        """The history, and the processor's seconds."""
        started = time.process_time()
        history = fit(model, rows, watched, config, collator=self.lower)
        return history, round(time.process_time() - started, 1)

    def keep(self, key: dict[str, Any], model: nn.Module, **figures: Any) -> None:
        """Predict the validation reviews and write the run down."""
        predictions = predict(model, self.validation, collator=self.lower, precision="float32")
        logits, gold = map(torch.from_numpy, predictions.flat())
        losses, right = functional.cross_entropy(logits, gold, reduction="none"), logits.argmax(dim=-1) == gold
        run = key | {"accuracy": round(right.float().mean().item(), 4), "loss": round(losses.mean().item(), 4)}
        run |= figures
        print(run, file=sys.stderr)
        run |= {"right": "".join(str(int(answer)) for answer in right)}
        run |= {"losses": " ".join(f"{value:.3f}" for value in losses.tolist())}
        self.runs.append(run)
        examples = list(self.polarity["train"]["text"][:3])
        settings = {
            "rows": ROWS, "epochs": EPOCHS, "batch_size": BATCH_SIZE, "learning_rate": RATE, "frozen": FROZEN,
            "authors": self.polarity["validation"]["author"][:],
            "deletion": [delete_words(text, np.random.default_rng(0)) for text in examples],
        }  # fmt: skip
        RESULTS.parent.mkdir(exist_ok=True)
        content = {"machine": describe()} | settings | {"runs": self.runs}
        RESULTS.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def run_methods(bench: Benchmark, seed: int) -> None:
    """Every method with one seed: its own authors, its own head, its own order."""
    rows, others = bench.shuffled(seed)
    others = bench.lower.encode(others)
    watched = {"few": others.select(range(8)), "others": others, "validation": bench.validation}
    for name, method in METHODS.items():
        key = {"experiment": "methods", "method": name, "seed": seed}
        if not bench.missing(**key):
            continue
        train, copies = rows.select(range(ROWS * method.times)), method.times
        if method.augmentation:
            train, copies = augmented(train, method.augmentation, seed), 2
        encoded, model = bench.lower.encode(train), top_layer(bench.names, method.dropout, seed)
        start = flat(model)
        if method.back:
            pull_back(model, method.back)
        settings = {"num_epochs": EPOCHS // copies, "weight_decay": 0.0} | method.settings
        config = TrainingConfig(RATE, batch_size=BATCH_SIZE, precision="float32", seed=seed, **settings)
        history, seconds = bench.train(model, encoded, watched[method.watched], config)
        figures: dict[str, Any] = {"cpu_seconds": seconds, "epochs": len(history.records)}
        figures |= {"length": round(flat(model).norm().item(), 3), "start_length": round(start.norm().item(), 3)}
        figures |= {"moved": round((flat(model) - start).norm().item(), 3)}
        figures |= {"train_loss": [round(record["train_loss"], 4) for record in history.records]}
        if method.watched != "few":
            figures |= {"watched_loss": [round(record["validation_loss"], 4) for record in history.records]}
        bench.keep(key, model, **figures)


def run_search(bench: Benchmark, seed: int) -> None:
    """Random settings, as a search would try them, on one draw of reviews; each with a head and an order of its own."""
    if seed != SEEDS[0]:
        return
    rows = bench.lower.encode(bench.shuffled(seed)[0].select(range(ROWS)))
    for number in range(NUM_SETTINGS):
        key = {"experiment": "search", "number": number}
        if not bench.missing(**key):
            continue
        random = np.random.default_rng((seed, number))
        rate, epochs = float(f"{10 ** random.uniform(-4.3, -2.7):.1e}"), int(random.integers(3, 9))
        dropout, smoothing = round(random.uniform(0, 0.3), 2), round(random.uniform(0, 0.2), 2)
        model = top_layer(bench.names, dropout, number)
        config = TrainingConfig(
            rate, num_epochs=epochs, batch_size=BATCH_SIZE, label_smoothing=smoothing, precision="float32", seed=number
        )
        seconds = bench.train(model, rows, bench.validation.select(range(8)), config)[1]
        tried = {"learning_rate": rate, "epochs": epochs, "dropout": dropout, "label_smoothing": smoothing}
        bench.keep(key, model, **tried, cpu_seconds=seconds)


def run_transfer(bench: Benchmark, seed: int) -> None:
    """A few polarity labels, after a first training on another label of reviews by other authors."""
    few = bench.shuffled(seed)[0].select(range(FEW))
    reviews = bench.stars["train"]
    others = np.flatnonzero(~np.isin(reviews["author"][:], few["author"][:]))
    others = reviews.select(np.random.default_rng(seed).permutation(others)[:SOURCE_ROWS])
    domains = sorted(set(others["domain"][:]))
    first_labels: dict[str, tuple[list[Any], list[str]]] = {
        "nothing": ([], []),
        "domain": ([domains.index(domain) for domain in others["domain"][:]], domains),
        "stars": ([(stars - 3) / math.sqrt(2) for stars in others["stars"][:]], ["stars"]),  # about mean 0, variance 1
    }
    for name, (labels, outputs) in first_labels.items():
        key = {"experiment": "transfer", "first": name, "seed": seed}
        if not bench.missing(**key):
            continue
        model, seconds = top_layer(bench.names, 0.1, seed), 0.0
        if labels:
            source = bench.lower.encode(Dataset.from_dict({"text": others["text"][:], "label": labels}))
            first = top_layer(outputs, 0.1, seed)
            config = TrainingConfig(RATE, num_epochs=3, batch_size=BATCH_SIZE, precision="float32", seed=seed)
            seconds = bench.train(first, source, source.select(range(8)), config)[1]
            model.bert.load_state_dict(first.bert.state_dict())
        config = TrainingConfig(RATE, num_epochs=8, batch_size=8, precision="float32", seed=seed)
        target = bench.lower.encode(few)
        more = bench.train(model, target, bench.validation.select(range(8)), config)[1]
        bench.keep(key, model, cpu_seconds=round(seconds + more, 1))


EXPERIMENTS: dict[str, Callable[[Benchmark, int], None]] = {
    "methods": run_methods,
    "transfer": run_transfer,
    "search": run_search,
}


def main() -> None:
    """Run what is missing and write after every run; names of experiments as arguments run these alone."""
    bench = Benchmark()
    for name in sys.argv[1:] or EXPERIMENTS:
        for seed in SEEDS:  # everything with one seed first: interrupted, it still compares
            EXPERIMENTS[name](bench, seed)


if __name__ == "__main__":
    main()
