"""Exercises of notebook 11 on models and training: swallowed keywords, prefixes, two softmaxes, labels out of range."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from os.path import commonprefix
from typing import Any

import numpy as np

from course_utils.exercises import Exercise, Inputs, Mistake
from course_utils.tokenization import IGNORE_INDEX

# 11.1


def unknown_names(batch: Iterable[str], forward: Callable[..., Any]) -> list[str]:
    """Names that a function has no parameter for, in alphabetical order."""
    parameters = inspect.signature(forward).parameters.values()
    named = {parameter.name for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD}
    return sorted(set(batch) - named)


def _parameters(forward: Callable[..., Any]) -> set[str]:
    return set(inspect.signature(forward).parameters)


def _calls(random: np.random.Generator) -> Iterator[Inputs]:
    def classifier(input_ids, attention_mask=None, labels=None, **kwargs): ...  # type: ignore[no-untyped-def]

    def encoder(input_ids, attention_mask=None, position_ids=None, **options): ...  # type: ignore[no-untyped-def]

    def strict(input_ids, attention_mask=None, token_type_ids=None): ...  # type: ignore[no-untyped-def]

    cases: list[tuple[list[str], Callable[..., Any]]] = [
        (["input_ids", "attention_masks", "label"], classifier),
        (["input_ids", "attention_mask", "labels"], encoder),
        (["input_ids", "attention_mask", "options", "label"], encoder),
        (["input_ids", "attention_mask", "labels"], classifier),
        (["mask", "input_ids", "ids"], strict),
    ]
    for names, forward in cases:
        yield [names[i] for i in random.permutation(len(names))], forward


swallowed = Exercise(
    id="11.1",
    title="Names that a model swallows",
    kind="apply",
    stub='''\
def unknown_names(batch, forward):
    """Which names of a batch a model's forward function has no parameter for.

    batch: the names of what is passed, as a list or as the batch itself; forward: a function, often with a catch-all
    such as **kwargs, which names nothing. Returns a list in alphabetical order.
    """
    ...
''',
    reference=unknown_names,
    cases=_calls,
    mistakes=(
        Mistake(
            lambda batch, forward: sorted(_parameters(forward) - set(batch)),
            "These are the parameters that the batch leaves out. Asked for is the other direction.",
        ),
        Mistake(
            lambda batch, forward: sorted(set(batch) & _parameters(forward)),
            "These are the names that the function knows. Which does it not know?",
        ),
        Mistake(
            lambda batch, forward: sorted(set(batch) - _parameters(forward)),
            "Nearly. The catch-all has a name too (`kwargs`, `options`), and something passed under that name is "
            "swallowed like all the rest. Look at the `kind` of each parameter.",
        ),
        Mistake(
            lambda batch, forward: (
                []
                if any(p.kind is p.VAR_KEYWORD for p in inspect.signature(forward).parameters.values())
                else unknown_names(batch, forward)
            ),
            "A function with a catch-all accepts every name. That is the pitfall, not the answer: which does it know?",
        ),
        Mistake(
            lambda batch, forward: sorted(
                name
                for name in batch
                if name not in inspect.signature(forward).parameters
                or inspect.signature(forward).parameters[name].default is not inspect.Parameter.empty
            ),
            "A parameter with a default value, such as `attention_mask=None`, has a name as well.",
        ),
        Mistake(
            lambda batch, forward: len(unknown_names(batch, forward)),
            "This is how many there are. Give their names: a number does not say what to mend.",
        ),
    ),
)

# 11.2


def find_prefix(saved: Sequence[str], expected: Sequence[str]) -> str:
    """What stands before the expected names in the saved ones."""
    candidates = [name.removesuffix(expected[0]) for name in saved if name.endswith(expected[0])]
    return next(prefix for prefix in candidates if all(prefix + name in saved for name in expected))


def _saved_names(random: np.random.Generator) -> Iterator[Inputs]:
    del random  # the traps must be there every time
    expected = ["bert.weight", "classifier.weight", "classifier.bias"]
    for prefix, first, last in (
        ("model.", [], []),
        ("", [], ["scale"]),
        ("module.model.", ["old_bert.weight"], []),
        ("wrapped.", ["scale", "module.bert.weight"], ["temperature"]),
    ):
        yield [*first, *(prefix + name for name in expected), *last], expected


prefix_of = Exercise(
    id="11.2",
    title="What a wrapper writes before every name",
    kind="transfer",
    stub='''\
def find_prefix(saved, expected):
    """The text that stands before every expected name in the names of a saved file.

    saved: names of the weights in the file, some of which may belong to the wrapper alone; expected: names of the
    model's weights. With the right prefix, prefix + name is in saved for every expected name. It may be empty.
    Returns the prefix.
    """
    ...
''',
    reference=find_prefix,
    cases=_saved_names,
    mistakes=(
        Mistake(
            lambda saved, expected: saved[0].split(".")[0] + ".",
            "You take the first part of the first name. A prefix may have two parts or none, and the first name may "
            "be one of the wrapper's own.",
        ),
        Mistake(
            lambda saved, expected: next(n.removesuffix(expected[0]) for n in saved if n.endswith(expected[0])),
            "You stop at the first name with the right ending. Does your prefix lead to every other expected name?",
        ),
        Mistake(
            lambda saved, expected: find_prefix(saved, expected).rstrip("."),
            "The dot belongs to the prefix: prefix and name, put together, must give the saved name.",
        ),
        Mistake(
            lambda saved, expected: commonprefix(list(saved)),  # noqa: RUF071  (character by character is meant)
            "You look for what all saved names begin with. Some of them are not the model's.",
        ),
        Mistake(
            lambda saved, expected: "",
            "Without a prefix no name fits, and `strict=False` says nothing of it.",
        ),
    ),
)

# 11.3

two_softmaxes = Exercise(
    id="11.3",
    title="The lowest loss after two softmaxes",
    kind="recall",
    stub="lowest_loss = ...  # nats; six labels, softmax and then CrossEntropyLoss, and the model is sure and right\n",
    reference=math.log(1 + 5 / math.e),
    tolerance=1e-3,
    mistakes=(
        Mistake(math.log(6), "This is the loss of a model that knows nothing. Here it is sure, and right."),
        Mistake(0.0, "That would hold for logits. What reaches the loss are numbers between 0 and 1."),
        Mistake(
            math.log(1 + 6 / math.e),
            "One label is the right one. How many others stand beside it in the sum?",
        ),
        Mistake(math.log(1 + 1 / math.e), "This is for two labels: one right, one wrong."),
        Mistake(
            math.log(1 + 5 * math.e),
            "This is the highest loss: sure and wrong. Which of the labels gets the 1, and which get the 0?",
        ),
        Mistake(
            math.e / (math.e + 5),
            "This is the probability that the second softmax gives to the right label. The loss is one step further.",
        ),
    ),
)

# 11.4


def first_bad_label(labels: Sequence[int], num_labels: int) -> int:
    """Position of the first label that cross-entropy cannot use, or -1."""
    bad = [label != IGNORE_INDEX and not 0 <= label < num_labels for label in labels]
    return bad.index(True) if any(bad) else -1


def _label_rows(random: np.random.Generator) -> Iterator[Inputs]:
    for labels, num_labels in (
        ([-100, 0, 1, 3, 2, -100], 3),
        ([-100, 2, 0, 1, -100], 3),
        ([1, -1, 0, 5, 1], 4),
        ([-100, 4, 12, 30, 13, -100], 12),
    ):
        front = random.integers(0, num_labels, size=2).tolist()
        yield front + labels, num_labels


def _found(bad: Sequence[bool]) -> int:
    return list(bad).index(True) if any(bad) else -1


out_of_range = Exercise(
    id="11.4",
    title="Find the label before the GPU does",
    kind="apply",
    stub='''\
def first_bad_label(labels, num_labels):
    """Where the first label stands that cross-entropy cannot use.

    labels: a list of whole numbers, with -100 where there is nothing to learn; num_labels: outputs of the model.
    Returns a position, counted from 0, or -1 if all labels are fine.
    """
    ...
''',
    reference=first_bad_label,
    cases=_label_rows,
    mistakes=(
        Mistake(
            lambda labels, num_labels: _found([not 0 <= label < num_labels for label in labels]),
            "You stop at -100. Cross-entropy leaves that label out, and so should you.",
        ),
        Mistake(
            lambda labels, num_labels: _found([label != -100 and not 0 <= label <= num_labels for label in labels]),
            "You let the label that equals `num_labels` pass. They are counted from 0: which is the last?",
        ),
        Mistake(
            lambda labels, num_labels: _found([label >= num_labels for label in labels]),
            "You look at the upper end only. A -1 is no label either.",
        ),
        Mistake(
            lambda labels, num_labels: (
                labels[first_bad_label(labels, num_labels)] if first_bad_label(labels, num_labels) >= 0 else -1
            ),
            "This is the label itself. Asked for is where it stands.",
        ),
        Mistake(
            lambda labels, num_labels: first_bad_label(labels, num_labels) >= 0,
            "You say whether there is one. Say where: it is the row that you will want to look at.",
        ),
        Mistake(
            lambda labels, num_labels: max(
                (i for i, label in enumerate(labels) if label != -100 and not 0 <= label < num_labels), default=-1
            ),
            "This is the last one. The first is asked for.",
        ),
    ),
)

EXERCISES = (swallowed, prefix_of, two_softmaxes, out_of_range)
