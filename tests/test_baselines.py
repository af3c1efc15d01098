"""Baselines, by hand and against NLTK."""

import random

import pytest
from nltk.tag import DefaultTagger
from nltk.tag import UnigramTagger as NltkUnigramTagger

from course_utils.baselines import MajorityClassifier, UnigramTagger, tfidf_logistic_regression, tfidf_ridge


def test_the_majority_is_the_most_frequent_label():
    assert MajorityClassifier().fit([2, 1, 1]).predict(3) == [1, 1, 1]
    with pytest.raises(ValueError, match="must not be empty"):
        MajorityClassifier().fit([])


def test_known_words_are_tagged_as_nltk_does():
    generator = random.Random(0)
    words = [f"w{i}" for i in range(30)]
    sentences = [[generator.choice(words) for _ in range(8)] for _ in range(60)]
    tags = [[generator.choice("ABC") for _ in row] for row in sentences]
    ours = UnigramTagger().fit(sentences, tags)
    theirs = NltkUnigramTagger([list(zip(*row)) for row in zip(sentences, tags)], backoff=DefaultTagger("A"))
    counts = {}
    for row, labels in zip(sentences, tags):
        for word, tag in zip(row, labels):
            counts.setdefault(word, []).append(tag)
    clear = [w for w in words if w in counts and len({counts[w].count(t) for t in "ABC"}) == 3]  # no ties
    assert len(clear) > 10
    assert ours.predict([clear])[0] == [tag for _, tag in theirs.tag(clear)]


def test_an_unknown_word_is_tagged_like_the_words_seen_once():
    sentences = [["the", "the", "the", "boat", "quay", "sails"]]
    tagger = UnigramTagger().fit(sentences, [["DET", "DET", "DET", "NOUN", "NOUN", "VERB"]])
    assert tagger.predict([["gull", "The"]]) == [["NOUN", "DET"]]


def test_without_words_seen_once_an_unknown_word_gets_the_commonest_tag():
    tagger = UnigramTagger().fit([["a", "a", "b", "b", "b"]], [["X", "X", "Y", "Y", "Y"]])
    assert tagger.predict([["c"]]) == [["Y"]]


def test_sentences_and_tags_must_match():
    with pytest.raises(ValueError, match="equally many, got 1 and 2"):
        UnigramTagger().fit([["a"]], [["X"], ["Y"]])
    with pytest.raises(ValueError, match="zip"):
        UnigramTagger().fit([["a", "b"]], [["X"]])


def test_tfidf_learns_which_words_decide():
    texts = ["good soup", "good bread", "bad soup", "bad bread"] * 3
    model = tfidf_logistic_regression().fit(texts, [1, 1, 0, 0] * 3)
    assert model.predict(["good quay", "bad quay"]).tolist() == [1, 0]


def test_tfidf_ridge_orders_texts_by_their_number():
    texts = ["awful cold soup", "plain soup", "splendid hot soup"] * 4
    model = tfidf_ridge().fit(texts, [1.0, 3.0, 5.0] * 4)
    low, high = model.predict(["awful cold", "splendid hot"])
    assert low < 2.5 and high > 3.5
