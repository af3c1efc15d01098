"""The majority, a unigram tagger, and TF-IDF with a linear model."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from course_utils.errors import InputError

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

Label = TypeVar("Label")


class MajorityClassifier(Generic[Label]):
    """Always answer the most frequent training label; ties go to the one seen first.

    Examples
    --------
    >>> MajorityClassifier().fit(["good", "bad", "good"]).predict(2)
    ['good', 'good']
    """

    def fit(self, labels: Sequence[Label]) -> MajorityClassifier[Label]:
        """Count the labels.

        Parameters
        ----------
        labels : one an example

        Raises
        ------
        InputError
            If there are none.
        """
        if not labels:
            raise InputError("labels must not be empty.")
        self.label = Counter(labels).most_common(1)[0][0]
        return self

    def predict(self, count: int) -> list[Label]:
        """The same label again and again.

        Parameters
        ----------
        count : how often
        """
        return [self.label] * count


class UnigramTagger(Generic[Label]):
    """Tag each word with the tag it had most often in training.

    An unknown word backs off to its lower-case form, then to the most frequent tag of words seen once.

    Examples
    --------
    >>> tagger = UnigramTagger().fit([["the", "boat"], ["a", "quay"]], [["DET", "NOUN"], ["DET", "NOUN"]])
    >>> tagger.predict([["The", "boat"]])
    [['DET', 'NOUN']]
    """

    def fit(self, sentences: Sequence[Sequence[str]], tags: Sequence[Sequence[Label]]) -> UnigramTagger[Label]:
        """Count the tags of each word.

        Parameters
        ----------
        sentences : each a list of words
        tags : of each sentence one tag a word

        Raises
        ------
        InputError
            If there are no sentences, or not as many rows of tags.
        """
        if not sentences or len(sentences) != len(tags):
            raise InputError(f"sentences and tags must be equally many, got {len(sentences)} and {len(tags)}.")
        counts: defaultdict[str, Counter[Label]] = defaultdict(Counter)
        for words, row in zip(sentences, tags):
            for word, tag in zip(words, row, strict=True):
                counts[word][tag] += 1
        # Unknown words are rare words, so they resemble the words seen once, not all words.
        once: Counter[Label] = Counter()
        for seen in counts.values():
            if seen.total() == 1:
                once += seen
        everything: Counter[Label] = Counter(tag for row in tags for tag in row)
        self.unknown = (once or everything).most_common(1)[0][0]
        self.best = {word: seen.most_common(1)[0][0] for word, seen in counts.items()}
        return self

    def predict(self, sentences: Sequence[Sequence[str]]) -> list[list[Label]]:
        """One tag a word.

        Parameters
        ----------
        sentences : each a list of words
        """
        return [[self.best.get(w, self.best.get(w.lower(), self.unknown)) for w in words] for words in sentences]


def can_fit_tfidf(texts: Sequence[str], labels: Sequence[object]) -> bool:
    """Whether there are two labels, and a word of two characters: TF-IDF counts no shorter ones, and no emoji.

    Parameters
    ----------
    texts, labels : of the training examples

    Examples
    --------
    >>> can_fit_tfidf(["a", "b"], ["yes", "no"]), can_fit_tfidf(["no", "ok"], ["yes", "no"])
    (False, True)
    """
    return len(set(labels)) > 1 and any(re.search(r"\w\w", text) for text in texts)


def tfidf_logistic_regression(*, regularisation: float = 10.0, seed: int = 0) -> Pipeline:
    """TF-IDF of words and word pairs with logistic regression, not yet fitted.

    Parameters
    ----------
    regularisation : scikit-learn's ``C``: larger means weaker
    seed : of the solver

    Returns
    -------
    A scikit-learn pipeline with ``fit(texts, labels)`` and ``predict(texts)``.

    Examples
    --------
    >>> model = tfidf_logistic_regression().fit(["good boat", "good quay", "bad boat"], ["yes", "yes", "no"])
    >>> model.predict(["a good ferry", "a bad ferry"]).tolist()
    ['yes', 'no']
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    return make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        LogisticRegression(C=regularisation, max_iter=1000, random_state=seed),
    )


def tfidf_ridge(*, regularisation: float = 1.0) -> Pipeline:
    """TF-IDF of words and word pairs with ridge regression, not yet fitted: the baseline for a number.

    Parameters
    ----------
    regularisation : scikit-learn's ``alpha``: larger means stronger

    Returns
    -------
    A scikit-learn pipeline with ``fit(texts, targets)`` and ``predict(texts)``.

    Examples
    --------
    >>> model = tfidf_ridge().fit(["good boat", "good quay", "bad boat"], [5, 5, 1])
    >>> good, bad = model.predict(["a good ferry", "a bad ferry"])
    >>> bool(1 < bad < good < 5)
    True
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline

    return make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), Ridge(alpha=regularisation))
