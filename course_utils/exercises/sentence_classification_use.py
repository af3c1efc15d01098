"""Exercises of notebook 06, Sentence classification, on a finished model: is it whole, and which words matter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from course_utils.exercises import Exercise, Inputs, Mistake

WORDS = ("the", "ferry", "was", "not", "late", "and", "crew", "kind", "but", "soup", "cold", "quay")
ENCODER = (
    "bert.embeddings.word_embeddings.weight",
    "bert.encoder.layer.0.output.dense.weight",
    "bert.pooler.dense.bias",
)
HEAD = ("classifier.weight", "classifier.bias")

# 06.5


def alarming(missing: Sequence[str], fine_tuned: bool) -> list[str]:
    """The missing weights that should not be missing."""
    return sorted(name for name in missing if fine_tuned or not name.startswith("classifier."))


def _reports(random: np.random.Generator) -> Iterator[Inputs]:
    yield list(HEAD), False
    yield list(HEAD), True
    yield [], True
    for fine_tuned in (False, True, False):
        names = [*HEAD, *random.permutation(ENCODER)[: random.integers(2, 4)].tolist()]
        yield random.permutation(names).tolist(), fine_tuned


report = Exercise(
    id="06.5",
    title="When a missing weight is an alarm",
    kind="transfer",
    stub='''\
def alarming(missing, fine_tuned):
    """The missing weights that should make you stop, sorted by name.

    missing: list of the names that the load report calls missing, such as "classifier.weight" or
    "bert.pooler.dense.bias"; the head of this model is called "classifier". fine_tuned: whether the files are
    those of a model that was fine-tuned and saved before (True), or of a pretrained encoder (False).
    """
    ...
''',
    reference=alarming,
    cases=_reports,
    mistakes=(
        Mistake(
            lambda missing, fine_tuned: sorted(missing),
            "Before training, somebody has to be missing: the pretrained encoder never had a head for your labels.",
        ),
        Mistake(
            lambda missing, fine_tuned: sorted(name for name in missing if not name.startswith("classifier.")),
            "After training the head is the one thing that only your files have. Without it, every answer is a guess.",
        ),
        Mistake(
            lambda missing, fine_tuned: sorted(missing) if fine_tuned else [],
            "Weights of the encoder must be there before training, too. Else it is not pretrained.",
        ),
        Mistake(
            lambda missing, fine_tuned: sorted(
                name for name in missing if not fine_tuned or not name.startswith("classifier.")
            ),
            "Turned round: the missing head is expected before training and an alarm after it.",
        ),
        Mistake(
            lambda missing, fine_tuned: sorted(name for name in missing if name.startswith("classifier.")),
            "You name the head in every case. When is it new, and what about the encoder?",
        ),
        Mistake(
            lambda missing, fine_tuned: [name for name in missing if fine_tuned or not name.startswith("classifier.")],
            "The right names in the order of the report. Sorted was asked for, so that two reports can be compared.",
        ),
    ),
)

# 06.6


def occlusion(score: Callable[[list[str]], float], words: list[str]) -> list[float]:
    """How much the score falls when each word is left out."""
    return [score(words) - score(words[:i] + words[i + 1 :]) for i in range(len(words))]


def _scorer(random: np.random.Generator) -> Callable[[list[str]], float]:
    """A bag of words with one turn: "not" turns the word after it round."""
    weights = dict(zip(WORDS, random.uniform(0.5, 2.0, len(WORDS)) * random.choice([-1, 1], len(WORDS))))

    def score(words: list[str]) -> float:
        turned = [-1 if i and words[i - 1] == "not" else 1 for i in range(len(words))]
        return 0.5 + sum(weights[word] * sign for word, sign in zip(words, turned))

    return score


def _scorers_and_words(random: np.random.Generator) -> Iterator[Inputs]:
    for size in (3, 5, 6, 7):
        words = random.permutation([word for word in WORDS if word != "not"])[:size].tolist()
        # "not" in the middle, and one word twice: leaving a word out by its name would leave out two.
        yield _scorer(random), [*words[:2], "not", *words[2:], words[0]]


occluded = Exercise(
    id="06.6",
    title="Leave out each word in turn",
    kind="transfer",
    stub='''\
def occlusion(score, words):
    """How much the score falls when a word is left out, for each word in turn: a list of numbers.

    score: a function that takes a list of words and returns a number; words: list of words, some may occur twice.
    A word that raises the score gets a positive number.
    """
    ...
''',
    reference=occlusion,
    cases=_scorers_and_words,
    mistakes=(
        Mistake(
            lambda score, words: [score(words[:i] + words[i + 1 :]) - score(words) for i in range(len(words))],
            "The sign is turned round: if the score falls without a word, the word had raised it.",
        ),
        Mistake(
            lambda score, words: [score(words[:i] + words[i + 1 :]) for i in range(len(words))],
            "These are the scores of the shortened texts. Compare each with that of the whole text.",
        ),
        Mistake(
            lambda score, words: [score([word]) for word in words],
            "You score each word alone. What it does in this text depends on its neighbours.",
        ),
        Mistake(
            lambda score, words: [score(words) - score([other for other in words if other != word]) for word in words],
            "Where a word occurs twice you leave out both. Leave out a *position*, not a name.",
        ),
        Mistake(
            lambda score, words: [score(words[: i + 1]) - score(words[:i]) for i in range(len(words))],
            "You let the text grow word by word. Then a word is judged without what comes after it.",
        ),
        Mistake(
            lambda score, words: [abs(score(words) - score(words[:i] + words[i + 1 :])) for i in range(len(words))],
            "The sizes are right. Which words speak for the score, and which against it?",
        ),
    ),
)

EXERCISES = (report, occluded)
