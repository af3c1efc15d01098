"""A language model that counts."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Sequence

from course_utils.errors import InputError

START, END, UNKNOWN = "<s>", "</s>", "<UNK>"


class NgramLanguageModel:
    """Predict each word from the ``order - 1`` words before it, with interpolated Kneser-Ney smoothing.

    An n-gram of the highest order, or at the beginning of a sentence, counts as often as it was seen. A shorter one
    counts as often as there are different words before it: "Francisco" is frequent, but only after "San". Every count
    gives up ``discount``, and what is saved is spent on the next shorter context, at last on all words equally.

    A word seen fewer than ``min_count`` times in training is read as ``<UNK>``, and so is every word that training has
    not seen. The more words are unknown, the lower the perplexity: compare models on one vocabulary only, and look at
    ``share_unknown``.

    Parameters
    ----------
    order : n, the longest n-gram; 1 looks at no context
    discount : taken off every count, in (0, 1)
    min_count : how often training must have seen a word to know it; with 1 it knows all its words, and ``<UNK>`` has
        only its part of what is spread equally

    Attributes
    ----------
    vocabulary : NLTK's ``Vocabulary`` of the known words and of ``<UNK>``, ``<s>`` and ``</s>`` (start and end)

    Raises
    ------
    InputError
        If a parameter is outside its range, a sentence is not a list of words, there is nothing to count or to score,
        no word is frequent enough to be known, or the model is not fitted yet.

    References
    ----------
    Kneser and Ney (1995), Improved Backing-off for M-gram Language Modeling.
    Chen and Goodman (1999), An Empirical Study of Smoothing Techniques for Language Modeling, section 3.

    Examples
    --------
    >>> sentences = [["the", "boat", "is", "late"], ["the", "boat", "is", "full"], ["the", "quay", "is", "full"]]
    >>> model = NgramLanguageModel(order=2, min_count=1).fit(sentences)
    >>> model.probability("boat", ["the"]) > model.probability("full", ["the"])
    True
    >>> model.share_unknown([["the", "gull"]])
    0.5
    """

    def __init__(self, order: int = 3, *, discount: float = 0.75, min_count: int = 2) -> None:
        if order < 1:
            raise InputError(f"order must be at least 1, got {order}.")
        if not 0 < discount < 1:
            raise InputError(f"discount must lie in (0, 1), got {discount}.")
        if min_count < 1:
            raise InputError(f"min_count must be at least 1, got {min_count}.")
        self.order, self.discount, self.min_count = order, discount, min_count
        self._counts: dict[tuple[str, ...], Counter[str]] = {}

    def fit(self, sentences: Sequence[Sequence[str]]) -> NgramLanguageModel:
        """Count the n-grams of sentences.

        Parameters
        ----------
        sentences : each a list of words

        Raises
        ------
        InputError
            If a sentence is not a list of words, there are no words, or none is frequent enough to be known.
        """
        from nltk.lm import Vocabulary
        from nltk.util import everygrams

        words = _all_words(sentences)
        most = max(Counter(words).values())
        if most < self.min_count:
            raise InputError(
                f"no word occurs {self.min_count} times, so all would be unknown. Lower min_count to {most}."
            )
        self.vocabulary = Vocabulary([*words, *[START, END] * self.min_count], unk_cutoff=self.min_count)
        padded = [self.vocabulary.lookup([START, *sentence, END]) for sentence in sentences]
        seen = Counter(ngram for sentence in padded for ngram in everygrams(sentence, max_len=self.order))
        del seen[(START,)]  # it is never predicted
        counts: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for ngram, count in seen.items():
            *context, word = ngram
            if len(ngram) == self.order or ngram[0] == START:
                counts[tuple(context)][word] += count
            if context:  # for the n-gram without its first word this is one more word that stands before it
                counts[tuple(context[1:])][word] += 1
        self._counts = dict(counts)
        return self

    def probability(self, word: str, context: Sequence[str] = ()) -> float:
        """How likely a word is after a context. For every context the probabilities of all words but ``<s>`` sum to 1.

        Parameters
        ----------
        word : a word, or ``</s>`` for the end of the sentence
        context : the words before it, of which the last ``order - 1`` count; ``<s>`` begins a sentence

        Raises
        ------
        InputError
            If the context is not a list of words, or the model is not fitted yet.
        """
        self._require_counts()
        if isinstance(context, str):
            raise InputError(f'context must be a list of words, got the text "{context}". Split it into words first.')
        known = self.vocabulary.lookup(context[max(0, len(context) - self.order + 1) :])
        return self._interpolated(self.vocabulary.lookup(word), known)

    def _require_counts(self) -> None:
        if not self._counts:
            raise InputError("the model has counted nothing yet. Call fit first.")

    def _interpolated(self, word: str, context: tuple[str, ...]) -> float:
        shorter = self._interpolated(word, context[1:]) if context else 1 / (len(self.vocabulary) - 1)
        following = self._counts.get(context)
        if following is None:
            return shorter
        saved = self.discount * len(following)
        return (max(following[word] - self.discount, 0) + saved * shorter) / following.total()

    def perplexity(self, sentences: Sequence[Sequence[str]]) -> float:
        """Inverse geometric mean of the probabilities of all words and sentence ends; lower is better.

        A model that finds k words equally likely everywhere has perplexity k.

        Parameters
        ----------
        sentences : each a list of words
        """
        _all_words(sentences)
        logs = []
        for sentence in sentences:
            padded = [START, *sentence, END]
            for i in range(1, len(padded)):
                logs.append(math.log(self.probability(padded[i], padded[max(0, i - self.order + 1) : i])))
        return math.exp(-math.fsum(logs) / len(logs))

    def share_unknown(self, sentences: Sequence[Sequence[str]]) -> float:
        """Share of the words, in [0, 1], that are read as ``<UNK>``.

        Parameters
        ----------
        sentences : each a list of words
        """
        self._require_counts()
        words = _all_words(sentences)
        return sum(word not in self.vocabulary for word in words) / len(words)

    def generate(self, num_words: int = 20, *, seed: int = 0) -> list[str]:
        """Draw words one after another; where the model ends a sentence it begins the next. ``<UNK>`` is not drawn.

        Parameters
        ----------
        num_words : how many words, ends of sentences not counted
        seed : of the draws
        """
        self._require_counts()
        generator = random.Random(seed)
        choices = sorted(set(self.vocabulary) - {START, UNKNOWN})
        words: list[str] = []
        history = [START]
        while len(words) < num_words:
            (word,) = generator.choices(choices, [self.probability(choice, history) for choice in choices])
            if word == END:
                history = [START]
            else:
                history.append(word)
                words.append(word)
        return words


def _all_words(sentences: Sequence[Sequence[str]]) -> list[str]:
    if any(isinstance(sentence, str) for sentence in sentences):
        raise InputError("each sentence must be a list of words, got a text. Split it into words first.")
    words = [word for sentence in sentences for word in sentence]
    if not words:
        raise InputError("sentences must hold at least one word, got none.")
    return words
