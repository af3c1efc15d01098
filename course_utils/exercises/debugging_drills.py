"""Exercises of notebook 11, drills: scripts that run, say nothing, and are wrong in three places.

A drill is mended when it behaves as it should, however that is written. Each wrong answer is the script with some of
its faults still in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.exercises import Exercise, Inputs, Mistake

if TYPE_CHECKING:
    import torch

Batches = Sequence[tuple["torch.Tensor", "torch.Tensor"]]

VOCABULARY = 40
NUM_STEPS = 4


def still(script: Callable[..., Any], *faults: str) -> Callable[..., Any]:
    """The script with these of its faults left."""
    return lambda *inputs: script(*inputs, faults=faults)


def tiny_classifier(num_labels: int = 2) -> Any:
    """A tiny BERT, begun at random."""
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        initializer_range=0.5,  # large, so that the mask matters before any training
        num_labels=num_labels,
    )
    return BertForSequenceClassification(config)


def padded_texts(random: np.random.Generator, num_texts: int, length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask of texts of different lengths, padded with id 0; one text is as long as asked."""
    import torch

    lengths = np.append(random.integers(3, length - 1, num_texts - 1), length)
    mask = (np.arange(length) < random.permutation(lengths)[:, None]).astype(int)  # (num_texts, length)
    ids = random.integers(1, VOCABULARY, mask.shape) * mask
    return torch.from_numpy(ids), torch.from_numpy(mask)


# 11.5


def _train(
    input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor, seed: int, faults: Sequence[str] = ()
) -> dict[str, Any]:
    import torch

    torch.manual_seed(seed)
    model = tiny_classifier()
    model.train("eval early" not in faults)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    mask = None if "mask" in faults else attention_mask
    losses = []
    for _ in range(NUM_STEPS):
        if "zero_grad" not in faults:
            optimizer.zero_grad()
        loss = model(input_ids, attention_mask=mask, labels=labels).loss
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    if "eval" not in faults:
        model.eval()
    return {"losses": losses, "logits": model(input_ids, attention_mask=mask).logits}


def train_and_predict(
    input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor, seed: int
) -> dict[str, Any]:
    """Four losses of a tiny classifier, and its logits after them, with the mask, fresh gradients and no dropout."""
    return _train(input_ids, attention_mask, labels, seed)


def _labelled_texts(random: np.random.Generator) -> Iterator[Inputs]:
    import torch

    for num_texts, length in ((4, 7), (6, 9), (8, 8)):
        ids, mask = padded_texts(random, num_texts, length)
        yield ids, mask, torch.from_numpy(random.permutation(num_texts) % 2), int(random.integers(100))


training = Exercise(
    id="11.5",
    title="Drill: a loop that trains badly",
    kind="apply",
    stub='''\
def train_and_predict(input_ids, attention_mask, labels, seed):
    """Train a tiny classifier for four steps on padded texts; return its losses, and its logits after training."""
    raise NotImplementedError("delete this line when you begin")
    torch.manual_seed(seed)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(vocab_size=40, initializer_range=0.5, **sizes)
    model = BertForSequenceClassification(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    losses = []
    for _ in range(4):
        loss = model(input_ids, attention_masks=attention_mask, labels=labels).loss
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    logits = model(input_ids, attention_masks=attention_mask).logits
    return {"losses": losses, "logits": logits}
''',
    reference=train_and_predict,
    cases=_labelled_texts,
    mistakes=(
        Mistake(
            still(_train, "mask", "zero_grad", "eval"),
            "This behaves like the script as you found it. Begin with its first number: is the first loss what it "
            "should be, before any step was taken?",
        ),
        Mistake(
            still(_train, "zero_grad", "eval"),
            "The first loss is right now. Later ones are not: print the norm of the gradient at each step.",
        ),
        Mistake(
            still(_train, "mask", "eval"),
            "The steps are clean, but the first loss is off already. What does the model know of the padding? And are "
            "the logits the same when you ask twice?",
        ),
        Mistake(
            still(_train, "mask", "zero_grad"),
            "The prediction is repeatable now. The training is still wrong, from its first loss on: hold the keywords "
            "of the call against those that the model names.",
        ),
        Mistake(
            still(_train, "mask"),
            "One fault is left, and it shows before the first step: the loss hangs on how far the texts are padded.",
        ),
        Mistake(
            still(_train, "zero_grad"),
            "One fault is left. The first two losses are right, the third is not: what does a step leave behind?",
        ),
        Mistake(
            still(_train, "eval"),
            "The losses are right, so one fault is left, after the training. Compute the logits twice and compare.",
        ),
        Mistake(
            still(_train, "eval early"),
            "The logits are repeatable, but you have trained without dropout. Each mode has its place.",
        ),
    ),
)  # fmt: skip

# 11.6


def _evaluate(batches: Batches, id2label: Mapping[int, str], faults: Sequence[str] = ()) -> dict[str, Any]:
    from torch.nn import functional

    sums: list[float] = []
    weights: list[int] = []
    right, total, predicted = 0, 0, Counter[int]()
    for logits, labels in batches:
        labelled = labels >= 0
        mean = functional.cross_entropy(logits.flatten(0, 1), labels.flatten()).item()
        weight = 1 if "mean" in faults else len(labels) if "sentences" in faults else int(labelled.sum())
        sums.append(weight * mean)
        weights.append(weight)
        best = logits.argmax(dim=-1)
        counted = labels > 0 if "zero" in faults else labelled
        right += int((best == labels)[counted].sum())
        total += labels.numel() if "padding" in faults else int(counted.sum())
        predicted.update(best[labelled].tolist())
    names = sorted(id2label.values()) if "names" in faults else [id2label[i] for i in range(len(id2label))]
    counts = {names[i]: count for i, count in predicted.items()}
    return {"loss": sum(sums) / sum(weights), "accuracy": right / total, "predicted": counts}


def evaluate(batches: Batches, id2label: Mapping[int, str]) -> dict[str, Any]:
    """Loss and accuracy over the labelled words, each weighing the same, and how often each tag was predicted."""
    return _evaluate(batches, id2label)


def _tagged_batches(random: np.random.Generator) -> Iterator[Inputs]:
    import torch

    for sizes in (((2, 4), (1, 6)), ((3, 5), (1, 3), (2, 4)), ((1, 8), (4, 4)), ((2, 7), (3, 3))):
        batches = []
        for number, (num_sentences, length) in enumerate(sizes):
            labels = random.integers(0, 3, (num_sentences, length))
            labels[:, 0], labels[:, 1], labels[0, -1] = 0, 1 + random.integers(2), -100
            labels[-1, 2 + number :] = -100  # batches differ in their number of labels for each sentence
            logits = random.normal(size=(num_sentences, length, 3)) + 1.5 * number * np.eye(3)[labels.clip(0)]
            logits[:, 0] = np.roll([2.0, 0.0, -1.0], number)  # some right, some wrong, and of all three labels
            batches.append((torch.from_numpy(logits), torch.from_numpy(labels)))
        yield batches, {0: "O", 1: "B-PER", 2: "I-PER"}


evaluation = Exercise(
    id="11.6",
    title="Drill: an evaluation that cannot be trusted",
    kind="apply",
    stub='''\
def evaluate(batches, id2label):
    """Loss and accuracy over all labelled words of a test, and how often each tag was predicted for them.

    batches: pairs of logits (sentences, length, tags) and labels (sentences, length); -100 means: no label here.
    """
    raise NotImplementedError("delete this line when you begin")
    losses, right, total, predicted = [], 0, 0, Counter()
    for logits, labels in batches:
        losses.append(functional.cross_entropy(logits.flatten(0, 1), labels.flatten()).item())
        best = logits.argmax(dim=-1)
        right += (best == labels).sum().item()
        total += labels.numel()
        predicted.update(best[labels != -100].tolist())
    names = sorted(id2label.values())
    counts = {names[number]: count for number, count in predicted.items()}
    return {"loss": sum(losses) / len(losses), "accuracy": right / total, "predicted": counts}
''',
    reference=evaluate,
    cases=_tagged_batches,
    mistakes=(
        Mistake(
            still(_evaluate, "mean", "padding", "names"),
            "This behaves like the script as you found it. Take one batch and count by hand what each of the three "
            "results should be.",
        ),
        Mistake(
            still(_evaluate, "padding", "names"),
            "The loss is right now. The accuracy is too low: out of how many is it a share?",
        ),
        Mistake(
            still(_evaluate, "mean", "names"),
            "The accuracy is right now. For the loss, think of two batches, one with 2 labels and one with 20. And "
            "read the counts: are there really so many names among the words?",
        ),
        Mistake(
            still(_evaluate, "mean", "padding"),
            "The tags have their right names now. The two figures are still off: one in what it divides by, the "
            "other in how much each batch weighs.",
        ),
        Mistake(
            still(_evaluate, "mean"),
            "One fault is left: a word in a batch with few labels weighs more in the loss than a word in a full one.",
        ),
        Mistake(
            still(_evaluate, "padding"),
            "One fault is left: a position without a label cannot be right, yet it counts.",
        ),
        Mistake(
            still(_evaluate, "names"),
            "The figures are right. One fault is left: ask the configuration, not the alphabet, which number is which.",
        ),
        Mistake(
            still(_evaluate, "sentences"),
            "You weigh each batch by its sentences. They differ in length, so words still weigh differently.",
        ),
        Mistake(
            still(_evaluate, "zero"),
            "You leave out too much: the label 0 is a tag like the others. Only one number means that there is none.",
        ),
    ),
)

EXERCISES = (training, evaluation)
