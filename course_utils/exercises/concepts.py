"""Exercises of notebook 01, Concepts: costs, kinds of learning, perplexity, labels from plain text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from course_utils.exercises import Exercise, Inputs, Mistake

# 01.1


def break_even(fixed: float, tuned: float, prompted: float) -> float:
    """Number of texts at which both ways have cost the same."""
    if prompted <= tuned:
        return math.inf
    return fixed / (prompted - tuned)


def _costs(random: np.random.Generator) -> Iterator[Inputs]:
    yield from ((30.0, 0.01, 0.5), (8.0, 0.25, 2.25), (100.0, 1.0, 1.5), (5.0, 2.0, 1.0), (7.0, 0.5, 0.5))
    tuned = float(random.uniform(0.1, 1))
    yield float(random.uniform(10, 50)), tuned, tuned + float(random.uniform(0.5, 2))


cost = Exercise(
    id="01.1",
    title="From how many texts on fine-tuning pays",
    kind="transfer",
    stub='''\
def break_even(fixed, tuned, prompted):
    """Number of texts at which fine-tuning and prompting have cost the same.

    fixed: what labels and training cost once; tuned, prompted: what one text costs with the fine-tuned model and
    with the prompted one; all three in one currency. Returns math.inf if fine-tuning never catches up.
    """
    ...
''',
    reference=break_even,
    cases=_costs,
    mistakes=(
        Mistake(
            lambda fixed, tuned, prompted: fixed / prompted,
            "You let the fine-tuned model read for nothing. What does one text save, and how many such savings pay?",
        ),
        Mistake(
            lambda fixed, tuned, prompted: fixed / tuned,
            "So many texts cost as much as the training did. Where does the other way of doing it come in?",
        ),
        Mistake(
            lambda fixed, tuned, prompted: fixed / (prompted - tuned),
            "Right where a fine-tuned text is the cheaper one. What happens where it is not: can a number of texts be "
            "negative, and what if both cost the same?",
        ),
        Mistake(
            lambda fixed, tuned, prompted: math.inf if prompted <= tuned else (prompted - tuned) / fixed,
            "Upside down: this says which part of the fixed cost one text brings back. How many texts bring back all?",
        ),
        Mistake(
            lambda fixed, tuned, prompted: fixed / abs(prompted - tuned) if prompted != tuned else math.inf,
            "Where prompting is the cheaper of the two for each text, no number of texts pays back the training.",
        ),
        Mistake(
            lambda fixed, tuned, prompted: math.inf if prompted <= tuned else fixed / (prompted + tuned),
            "A text that goes through one model does not go through the other. Is it their sum that counts?",
        ),
    ),
)

# 01.2

_KINDS = ["supervised", "self-supervised", "unsupervised", "self-supervised", "supervised"]


def _kinds(**changed: str) -> list[str]:
    """The right answer but for some places: ``_kinds(b="supervised")``."""
    return [changed.get(letter, kind) for letter, kind in zip("abcde", _KINDS)]


kinds = Exercise(
    id="01.2",
    title="Name the kind of learning",
    kind="recall",
    stub="""\
# Five texts, in this order: "supervised", "self-supervised" or "unsupervised"?
#   a. predict the stars that the writer of a review gave
#   b. guess a word that was hidden, from the words around it
#   c. sort reviews into six heaps by the distance of their vectors
#   d. predict the next word of a novel
#   e. predict the part of speech that an annotator gave to each word
kinds = ...
""",
    reference=_KINDS,
    mistakes=(
        Mistake(
            _kinds(b="unsupervised", d="unsupervised"),
            "Two of the five have a right answer that the loss compares with, though no person wrote it down as one. "
            "Without supervision there would be no right answer at all.",
        ),
        Mistake(
            _kinds(b="supervised", d="supervised"),
            "Labels there are, you are right. But ask of b and d who wrote them: did anybody have to sit down for it?",
        ),
        Mistake(
            _kinds(c="self-supervised"),
            "What would be the right heap of a review? If nobody can say, there is no label, made by hand or not.",
        ),
        Mistake(
            _kinds(d="unsupervised"),
            "Look at d again. The novel itself holds what the model has to answer, and the loss compares with it.",
        ),
        Mistake(
            _kinds(b="unsupervised"),
            "Look at b again. Somebody knows which word was hidden, and the loss compares with it.",
        ),
        Mistake(
            _kinds(a="self-supervised"),
            "The stars come with the review, but they are no part of its text: a person has judged and given them.",
        ),
    ),
)

# 01.3


def perplexity(probabilities: Sequence[float]) -> float:
    """Exponential of the mean negative logarithm."""
    return math.exp(-sum(math.log(p) for p in probabilities) / len(probabilities))


def _word_probabilities(random: np.random.Generator) -> Iterator[Inputs]:
    yield ([0.5, 0.125],)
    yield ([0.25, 0.25, 0.25],)
    for size in (2, 4, 6):
        yield (random.uniform(0.05, 0.9, size).tolist(),)


surprise = Exercise(
    id="01.3",
    title="Perplexity from probabilities",
    kind="apply",
    stub='''\
def perplexity(probabilities):
    """How many equally likely words would surprise as much as this text does.

    probabilities: list with the probability that the model gave to each word of the text, all above 0.
    """
    ...
''',
    reference=perplexity,
    cases=_word_probabilities,
    mistakes=(
        Mistake(
            lambda probabilities: -np.log(probabilities).mean(),
            "This is the loss, in nats. Perplexity undoes the logarithm.",
        ),
        Mistake(
            lambda probabilities: np.exp(np.log(probabilities).mean()),
            "Below 1: this is the geometric mean of the probabilities. A sign, or a fraction turned over, is left.",
        ),
        Mistake(
            lambda probabilities: 1 / np.prod(probabilities),
            "This grows with every word, so long texts look bad. Take the mean over the words somewhere.",
        ),
        Mistake(
            lambda probabilities: 1 / np.mean(probabilities),
            "You average probabilities, so a word that the model thought impossible hardly counts. "
            "Probabilities of words in a row are multiplied: which mean goes with products?",
        ),
        Mistake(
            lambda probabilities: np.mean(1 / np.asarray(probabilities)),
            "The mean of the inverses lets one rare word decide alone. Take the mean of the logarithms.",
        ),
        Mistake(
            lambda probabilities: 2 ** -np.log(probabilities).mean(),
            "The logarithm has base e and the power base 2. Use one base for both.",
        ),
    ),
)

# 01.4


def masked_examples(words: Sequence[str]) -> list[tuple[list[str], str]]:
    """One example a position."""
    return [([*words[:i], "[MASK]", *words[i + 1 :]], word) for i, word in enumerate(words)]


def _hide_more_and_more(words: Sequence[str]) -> list[tuple[list[str], str]]:
    seen, examples = list(words), []
    for i, word in enumerate(words):
        seen[i] = "[MASK]"
        examples.append((list(seen), word))
    return examples


def _sentences(random: np.random.Generator) -> Iterator[Inputs]:
    vocabulary = ["anna", "the", "may", "queen", "left", "harbour", "gull", "at", "sea"]
    for size in (2, 3, 4, 6):
        yield (random.permutation(vocabulary)[:size].tolist(),)


hiding = Exercise(
    id="01.4",
    title="Labels from plain text",
    kind="apply",
    stub='''\
def masked_examples(words):
    """Self-supervised examples for an encoder: each word of a sentence hidden once.

    words: list of words. Returns a list of pairs, in the order of the words: the sentence as a list of as many
    words, with "[MASK]" in one place, and the word that was there.
    """
    ...
''',
    reference=masked_examples,
    cases=_sentences,
    mistakes=(
        Mistake(
            _hide_more_and_more,
            "From the second example on, earlier words are hidden too. Start each example from the whole sentence.",
        ),
        Mistake(
            lambda words: [(["[MASK]"] * len(words), word) for word in words],
            "All places are hidden in every example. Do they share one list that you write into? Copy it each time.",
        ),
        Mistake(
            lambda words: [([*words[:i], "[MASK]"], word) for i, word in enumerate(words)],
            "Only what comes before the gap is left, as a decoder sees it. An encoder reads on both sides.",
        ),
        Mistake(
            lambda words: [(list(words[:i]), word) for i, word in enumerate(words)],
            "These are examples for predicting the next word. Here a word is hidden, and the rest stays on both sides.",
        ),
        Mistake(
            lambda words: [([*words[:i], *words[i + 1 :]], word) for i, word in enumerate(words)],
            "The word is gone without a trace, so the model cannot know where to look. Something must hold its place.",
        ),
        Mistake(
            lambda words: [([*words[:i], "[MASK]", *words[i + 1 :]], i) for i in range(len(words))],
            "The label is the number of the place. That can be seen in the input; what is to be guessed is the word.",
        ),
    ),
)

EXERCISES = (cost, kinds, surprise, hiding)
