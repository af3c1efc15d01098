"""Exercises of notebook 03 on losses and their gradients."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from course_utils.exercises import Exercise, Inputs, Mistake, normal
from course_utils.tokenization import IGNORE_INDEX

if TYPE_CHECKING:
    from torch import Tensor

# 03.1


def _is_negative(got: np.ndarray, expected: np.ndarray) -> bool:
    return bool(got < 0)


untrained = Exercise(
    id="03.1",
    title="The loss before training",
    kind="recall",
    stub="untrained_loss = ...  # nats; twelve tags, and the model gives all of them the same probability\n",
    reference=math.log(12),
    tolerance=0.002,
    mistakes=(
        Mistake(1 / 12, "This is the probability of the right tag. The loss is made of it by one more function."),
        Mistake(math.log2(12), "This is in bits, from the logarithm to base 2. Nats use the natural logarithm."),
        Mistake(math.log10(12), "This is the logarithm to base 10. PyTorch, NumPy and `math.log` use another base."),
        Mistake(
            -math.log(12),
            "A probability is at most 1, so its logarithm is at most 0. What does the loss do about that?",
            recognise=_is_negative,
        ),
        Mistake(math.log(2), "So much for two labels. Here the probability is shared among more."),
        Mistake(0.0, "A loss of 0 means that the right tag has probability 1."),
    ),
)

# 03.2


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean negative log-probability of the right labels."""
    counted = labels != IGNORE_INDEX
    log_probabilities = logits[counted].log_softmax(dim=-1)
    return -log_probabilities.gather(1, labels[counted][:, None]).mean()


def _logits_and_labels(random: np.random.Generator) -> Iterator[Inputs]:
    import torch

    for num_labelled, num_ignored, num_labels, shift in ((3, 0, 2, 0), (2, 1, 3, 0), (5, 3, 4, 0), (4, 4, 5, 200)):
        size = num_labelled + num_ignored
        labels = random.integers(0, num_labels, size)
        labels[random.permutation(size)[:num_ignored]] = IGNORE_INDEX
        yield 2 * normal(random, size, num_labels) + shift, torch.from_numpy(labels)


def _log_probabilities(logits: Tensor, labels: Tensor) -> Tensor:
    """Of the right labels of the tokens that count."""
    counted = labels != IGNORE_INDEX
    return logits[counted].log_softmax(dim=-1).gather(1, labels[counted][:, None])


def _by_hand_with_exp(logits: Tensor, labels: Tensor) -> Tensor:
    counted = labels != IGNORE_INDEX
    shares = logits.exp() / logits.exp().sum(dim=-1, keepdim=True)
    return -shares[counted].gather(1, labels[counted][:, None]).log().mean()


mean_loss = Exercise(
    id="03.2",
    title="Cross-entropy when some labels are left out",
    kind="apply",
    stub='''\
def cross_entropy(logits, labels):
    """Mean cross-entropy, in nats, of the tokens that have a label.

    logits: float tensor of shape (tokens, labels); labels: int tensor of shape (tokens,), -100 where there is none.
    Returns one number.
    """
    ...
''',
    reference=cross_entropy,
    cases=_logits_and_labels,
    mistakes=(
        Mistake(
            lambda logits, labels: -_log_probabilities(logits, labels).sum() / len(labels),
            "The sum is right, but you divide by all tokens. Those without a label are not part of the mean.",
        ),
        Mistake(
            lambda logits, labels: -_log_probabilities(logits, labels).sum(),
            "This is the sum over the tokens. A long text would have a large loss only because it is long.",
        ),
        Mistake(
            lambda logits, labels: _log_probabilities(logits, labels).mean(),
            "The size is right. A logarithm of a probability is negative; the loss is not.",
        ),
        Mistake(
            lambda logits, labels: -_log_probabilities(logits, labels).exp().mean(),
            "You average the probabilities themselves. Which function comes between a probability and the loss?",
        ),
        Mistake(
            lambda logits, labels: -_log_probabilities(logits.softmax(dim=-1), labels).mean(),
            "Softmax has been applied twice: to the logits, and once more to the probabilities. The loss starts "
            "from logits.",
        ),
        Mistake(
            lambda logits, labels: -_log_probabilities(logits.T.log_softmax(dim=-1).T, labels).mean(),
            "Softmax runs over the tokens. The labels of *one* token compete: that is the last axis.",
        ),
        Mistake(
            lambda logits, labels: -logits.log_softmax(dim=-1)[range(len(labels)), labels].mean(),
            "-100 is no position in a row of logits. Choose the tokens that have a label first, then look up.",
        ),
        Mistake(
            _by_hand_with_exp,
            "Right for small logits, NaN for large ones: their exponential is infinite. "
            "`log_softmax` takes the logarithm without ever computing it.",
        ),
        Mistake(
            lambda logits, labels: -logits[labels != IGNORE_INDEX].log_softmax(dim=-1).mean(),
            "You average over every label of a token. Only the label that is right counts.",
        ),
    ),
)

# 03.3


def multi_label_gradient(logits: Tensor, targets: Tensor) -> Tensor:
    """Slope of the mean binary cross-entropy in every logit."""
    return (logits.sigmoid() - targets) / targets.numel()


def _logits_and_targets(random: np.random.Generator) -> Iterator[Inputs]:
    import torch

    for num_examples, num_labels in ((1, 3), (2, 2), (3, 4), (4, 5)):
        targets = (random.random((num_examples, num_labels)) < 0.5).astype(np.float32)
        yield normal(random, num_examples, num_labels), torch.from_numpy(targets)


many_labels = Exercise(
    id="03.3",
    title="The gradient when several labels may be right",
    kind="transfer",
    stub='''\
def multi_label_gradient(logits, targets):
    """Gradient of the mean binary cross-entropy (sigmoid of each logit, mean over all entries).

    logits: float tensor of shape (examples, labels); targets: the same shape, 1.0 where the label holds, else 0.0.
    Returns a tensor of the same shape, without calling backward.
    """
    ...
''',
    reference=multi_label_gradient,
    cases=_logits_and_targets,
    mistakes=(
        Mistake(
            lambda logits, targets: (logits.softmax(dim=-1) - targets) / targets.numel(),
            "This is the pattern for *one* right label, where the labels compete. Here each is a question of its own.",
        ),
        Mistake(
            lambda logits, targets: (targets - logits.sigmoid()) / targets.numel(),
            "Turned round. The gradient points uphill: where the label holds, a larger logit makes the loss smaller.",
        ),
        Mistake(
            lambda logits, targets: logits.sigmoid() - targets,
            "This is the gradient of the *sum* of all entries. A mean over n entries has smaller slopes.",
        ),
        Mistake(
            lambda logits, targets: (logits.sigmoid() - targets) / len(targets),
            "You divide by the number of examples. The mean runs over all entries: examples and labels.",
        ),
        Mistake(
            lambda logits, targets: (
                (logits.sigmoid() - targets) * logits.sigmoid() * (1 - logits.sigmoid()) / targets.numel()
            ),
            "One factor too many. In the chain of slopes, that of the sigmoid is cancelled by that of the logarithm.",
        ),
        Mistake(
            lambda logits, targets: (logits - targets) / targets.numel(),
            "You compare the logits with the targets. What turns a logit into a probability?",
        ),
    ),
)

EXERCISES = (untrained, mean_loss, many_labels)
