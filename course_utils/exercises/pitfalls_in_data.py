"""Exercises of notebook 10 on data: an honest choice, split before augmentation, what padding does to a figure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from course_utils.exercises import Exercise, Inputs, Mistake

# 10.1


def honest_choice(validation: Sequence[float], test: Sequence[float]) -> tuple[int, float]:
    """The model that is best on validation, and its figure on test."""
    best = int(np.argmax(validation))
    return best, test[best]


def _scores(random: np.random.Generator) -> Iterator[Inputs]:
    for number in (4, 5, 6):
        validation = (random.permutation(np.arange(70, 70 + number)) / 100).tolist()
        chosen = int(np.argmax(validation))
        # Another model is best on test, a third has the highest sum, and no two figures are equal.
        test = [round(0.605 + 0.01 * i, 3) for i in random.permutation(number).tolist()]
        test[(chosen + 1) % number], test[(chosen + 2) % number] = 0.885, 0.875
        validation[(chosen + 2) % number] = max(validation) - 0.003
        yield validation, test


choice = Exercise(
    id="10.1",
    title="Choose here, report there",
    kind="apply",
    stub='''\
def honest_choice(validation, test):
    """Choose one of several models and say how good it is.

    validation, test: the accuracies of the same models, in the same order, on the two parts.
    Returns the position of the model that you may choose, and the figure that you may report for it.
    """
    ...
''',
    reference=honest_choice,
    cases=_scores,
    mistakes=(
        Mistake(
            lambda validation, test: (int(np.argmax(test)), max(test)),
            "You choose by the test part. Its figure for the winner is then partly luck, and no fresh part is left.",
        ),
        Mistake(
            lambda validation, test: (int(np.argmax(validation)), max(validation)),
            "The right model, with the figure it was chosen for. The best of many looks better than it is: which part "
            "had no say in the choice?",
        ),
        Mistake(
            lambda validation, test: (int(np.argmax(validation)), max(test)),
            "The figure belongs to another model than the one you chose.",
        ),
        Mistake(
            lambda validation, test: (
                int(np.argmax(np.add(validation, test))),
                test[int(np.argmax(np.add(validation, test)))],
            ),
            "You let both parts decide. Once the test part has a say, its figure is not fresh any more.",
        ),
        Mistake(
            lambda validation, test: test[int(np.argmax(validation))],
            "This is the figure. Say as well which model it belongs to.",
        ),
    ),
)

# 10.2


def prepare(texts: Sequence[str], held_out: Sequence[int], change: Callable[[str], str]) -> tuple[list[str], list[str]]:
    """Train texts with a changed copy of each, and the held-out texts as they are."""
    test = [texts[i] for i in held_out]
    train = [text for i, text in enumerate(texts) if i not in held_out]
    return train + [change(text) for text in train], test


def _reverse(text: str) -> str:
    return " ".join(text.split()[::-1])


def _drop_first(text: str) -> str:
    return text.partition(" ")[2]


NOTES = (
    "the ferry was late",
    "lovely cakes and tea",
    "a quiet clean room",
    "nobody answered us",
    "warm soup every day",
    "my ticket is lost",
)


def _notes(random: np.random.Generator) -> Iterator[Inputs]:
    for change, size in ((str.upper, 4), (_reverse, 5), (_drop_first, 6), (str.title, 6)):
        texts = [NOTES[i] for i in random.permutation(len(NOTES))[:size]]
        held_out = sorted(random.choice(size, size=2, replace=False).tolist())
        yield texts, held_out, change


def _both(texts: Sequence[str], held_out: Sequence[int], change: Callable[[str], str]) -> tuple[list[str], list[str]]:
    """Test copies as well."""
    train, test = prepare(texts, held_out, change)
    return train, test + [change(text) for text in test]


def _before(texts: Sequence[str], held_out: Sequence[int], change: Callable[[str], str]) -> tuple[list[str], list[str]]:
    """Augmented first: the copies of held-out texts stay in train."""
    _, test = prepare(texts, held_out, change)
    return [text for i, text in enumerate(texts) if i not in held_out] + [change(text) for text in texts], test


augmentation = Exercise(
    id="10.2",
    title="Split, then augment",
    kind="apply",
    stub='''\
def prepare(texts, held_out, change):
    """Make a train part with augmentation, and a test part.

    texts: list of texts; held_out: positions of those for test; change: a function from a text to its changed copy.
    Returns two lists: train (its texts in their order, then one changed copy of each, in the same order), and test.
    """
    ...
''',
    reference=prepare,
    cases=_notes,
    mistakes=(
        Mistake(
            _before,
            "A changed copy of a held-out text is in your train part. The model meets the test through the back door.",
        ),
        Mistake(
            _both,
            "You changed copies of the test texts too. A test has to be what people really write.",
        ),
        Mistake(
            lambda texts, held_out, change: (
                [change(text) for i, text in enumerate(texts) if i not in held_out],
                [texts[i] for i in held_out],
            ),
            "The unchanged train texts are gone. Augmentation adds to them.",
        ),
        Mistake(
            lambda texts, held_out, change: (
                [text for i, text in enumerate(texts) if i not in held_out],
                [texts[i] for i in held_out],
            ),
            "A clean split, and no augmentation yet.",
        ),
        Mistake(
            lambda texts, held_out, change: (
                prepare(texts, held_out, change)[0],
                [change(texts[i]) for i in held_out],
            ),
            "The test texts are changed. Then the figure says how well the model does on texts that nobody wrote.",
        ),
        Mistake(
            lambda texts, held_out, change: prepare(texts, held_out, change)[::-1],
            "Both parts are right; they are the wrong way round.",
        ),
    ),
)

# 10.3

shown_accuracy = Exercise(
    id="10.3",
    title="What the padding adds",
    kind="recall",
    stub=(
        "shown_accuracy = ...  "
        "# 4 rows padded to 32; 40 real words, 30 of them right; padding always right, and counted\n"
    ),
    reference=(30 + 88) / 128,
    tolerance=0.002,
    mistakes=(
        Mistake(30 / 40, "This is the honest figure. Asked for is the one that code prints when it counts padding."),
        Mistake(30 / 128, "You divide by all positions, as that code does. It also counts as right what is padding."),
        Mistake(88 / 128, "This is the share of padding. Some words are right as well."),
        Mistake((30 + 128) / 168, "You count the real words twice. How many positions does the whole batch have?"),
        Mistake(
            (30 / 40 + 1) / 2,
            "You give words and padding the same weight. Each position counts once, and most are padding.",
        ),
        Mistake(100 * (30 + 88) / 128, "Give a share between 0 and 1, not per cent."),
    ),
)

EXERCISES = (choice, augmentation, shown_accuracy)
