"""Baselines, by hand and against NLTK."""

import math
import random
from collections import Counter

import pytest
from nltk.lm import KneserNeyInterpolated
from nltk.tag import DefaultTagger
from nltk.tag import UnigramTagger as NltkUnigramTagger
from nltk.util import everygrams

from course_utils import baselines
from course_utils.baselines import (
    MajorityClassifier,
    NgramLanguageModel,
    UnigramTagger,
    can_fit_tfidf,
    tfidf_logistic_regression,
    tfidf_ridge,
)
from course_utils.errors import InputError


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


@pytest.mark.parametrize(
    ("texts", "labels", "expected"),
    [
        (["good soup", "x"], [0, 1], True),
        (["good soup", "bad soup"], [1, 1], False),
        (["x", "🍲"], [0, 1], False),
        (["xy"], [0, 1], True),
    ],
)
def test_tfidf_needs_two_labels_and_a_word_of_two_characters(texts, labels, expected):
    assert can_fit_tfidf(texts, labels) is expected


def test_every_promised_name_is_here():
    assert all(hasattr(baselines, name) for name in baselines.__all__)
    assert {"LSTMClassifier", "frozen_features", "nearest_label", "NgramLanguageModel"} <= set(baselines.__all__)


# The n-gram language model


def test_bigram_probabilities_by_hand():
    """Bigrams: <s> a (twice), a b, a c, b </s>, c </s>. One word stands before a, b and c each, two before </s>."""
    model = NgramLanguageModel(2, discount=0.5, min_count=1).fit([["a", "b"], ["a", "c"]])
    # Four of five words have a word before them: 0.5 * 4 of the 5 counts are spread over a, b, c, </s> and <UNK>.
    shortest = {"a": 0.18, "b": 0.18, "c": 0.18, "</s>": 0.38, "<UNK>": 0.08}
    for word, expected in shortest.items():
        assert model.probability(word) == pytest.approx(expected)
        assert model.probability(word, ["never seen"]) == pytest.approx(expected)
    assert model.probability("b", ["a"]) == pytest.approx((1 - 0.5 + 0.5 * 2 * 0.18) / 2)
    assert model.probability("a", ["a"]) == pytest.approx(0.5 * 2 * 0.18 / 2)
    assert model.probability("a", ["<s>"]) == pytest.approx((2 - 0.5 + 0.5 * 1 * 0.18) / 2)
    assert model.probability("</s>", ["b"]) == pytest.approx(1 - 0.5 + 0.5 * 1 * 0.38)
    assert model.perplexity([["a", "b"]]) == pytest.approx((0.795 * 0.34 * 0.69) ** (-1 / 3))


def test_the_beginning_of_a_sentence_keeps_its_counts():
    """Nothing stands before the bigrams "<s> a" and "<s> b", so that is not what is counted."""
    model = NgramLanguageModel(3, discount=0.5, min_count=1).fit([["a"], ["a"], ["b"]])
    # a and b stand after one word each, </s> after two; a, b, </s> and <UNK> share what the three give up
    shortest = (1 - 0.5 + 0.5 * 3 / 4) / 4
    assert model.probability("a") == model.probability("b") == pytest.approx(shortest)
    assert model.probability("a", ["<s>"]) == pytest.approx((2 - 0.5 + 0.5 * 2 * shortest) / 3)
    assert model.probability("b", ["<s>"]) == pytest.approx((1 - 0.5 + 0.5 * 2 * shortest) / 3)


def test_a_unigram_model_counts_words_and_no_contexts():
    model = NgramLanguageModel(1, discount=0.5, min_count=1).fit([["a", "a", "b"]])
    assert model.probability("a") == pytest.approx((2 - 0.5 + 0.5 * 3 / 4) / 4)
    assert model.probability("a", ["<s>", "b"]) == model.probability("a")


def random_sentences(seed, count=60):
    """Sentences of 1 to 8 of 12 words, of which the first are frequent."""
    generator = random.Random(seed)
    words, weights = [f"w{k}" for k in range(12)], [1 / (k + 1) for k in range(12)]
    return [generator.choices(words, weights, k=generator.randint(1, 8)) for _ in range(count)]


class ReferenceModel(KneserNeyInterpolated):
    """NLTK's model with the shortest context mixed with equal shares, which NLTK leaves out."""

    def unmasked_score(self, word, context=None):
        if context:
            return super().unmasked_score(word, context)
        after = {w: self.estimator._continuation_counts(w)[0] for w in self.vocab}
        total, discount = sum(after.values()), self.estimator.discount
        saved = discount * sum(count > 0 for count in after.values())
        return (max(after[word] - discount, 0) + saved / (len(self.vocab) - 1)) / total


@pytest.mark.parametrize("order", [2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_probabilities_are_those_of_nltk(order, seed):
    """In the middle of a sentence: NLTK gives the start of one no counts of its own."""
    sentences = random_sentences(seed)
    ours = NgramLanguageModel(order, discount=0.6, min_count=1).fit(sentences)
    theirs = ReferenceModel(order, discount=0.6)
    padded = [["<s>", *sentence, "</s>"] for sentence in sentences]
    theirs.fit(
        [list(everygrams(sentence, max_len=order)) for sentence in padded],
        [word for sentence in padded for word in sentence],
    )
    generator = random.Random(seed)
    words = sorted(ours.vocabulary)
    for _ in range(200):
        word, *context = generator.choices([word for word in words if word not in ("<s>", "</s>")], k=order)
        assert ours.probability(word, context) == pytest.approx(theirs.score(word, context))


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("min_count", [1, 2, 5])
def test_probabilities_sum_to_one_after_every_context(order, min_count):
    model = NgramLanguageModel(order, min_count=min_count).fit(random_sentences(0))
    words = set(model.vocabulary) - {"<s>"}
    contexts = [[], ["<s>"], ["w0"], ["<s>", "w1"], ["w0", "w1", "w0"], ["w11", "gull"], ["</s>"], ["gull"] * 3]
    for context in contexts:
        assert math.fsum(model.probability(word, context) for word in words) == pytest.approx(1)
        assert all(0 < model.probability(word, context) < 1 for word in words)


def test_only_the_last_words_of_a_context_count():
    model = NgramLanguageModel(3).fit(random_sentences(0))
    assert model.probability("w0", ["w5", "w1", "w2"]) == model.probability("w0", ["w1", "w2"])
    assert model.probability("w0", ["w1", "w2"]) != model.probability("w0", ["w2"])


def test_rare_and_new_words_are_read_as_unknown():
    sentences = [["a", "b", "a"], ["a", "b", "c"], ["d", "a"]]
    model = NgramLanguageModel(2, min_count=2).fit(sentences)
    assert set(model.vocabulary) == {"a", "b", "<UNK>", "<s>", "</s>"}
    assert model.probability("c", ["b"]) == model.probability("gull", ["b"]) == model.probability("<UNK>", ["b"])
    assert model.probability("</s>", ["d"]) == model.probability("</s>", ["gull"]) > model.probability("</s>", ["b"])
    assert model.share_unknown([["a", "c"], ["gull", "b"], [], ["d"]]) == 0.6
    assert set(NgramLanguageModel(2, min_count=3).fit(sentences).vocabulary) == {"a", "<UNK>", "<s>", "</s>"}


def test_perplexity_is_that_of_every_word_and_sentence_end():
    """Sentences of different lengths are not averaged: four words and two ends make six equal parts."""
    model = NgramLanguageModel(3).fit(random_sentences(0))
    parts = [
        model.probability("w0", ["<s>"]),
        model.probability("</s>", ["<s>", "w0"]),
        model.probability("w1", ["<s>"]),
        model.probability("w0", ["<s>", "w1"]),
        model.probability("w2", ["w1", "w0"]),
        model.probability("</s>", ["w0", "w2"]),
    ]
    assert model.perplexity([["w0"], ["w1", "w0", "w2"]]) == pytest.approx(math.prod(parts) ** (-1 / 6))


def test_context_lowers_the_perplexity_where_it_tells_something():
    sentences = [["a", "b"], ["b", "a"], ["a", "b", "a"], ["b", "a", "b"]] * 10
    unigram, bigram = (NgramLanguageModel(order).fit(sentences).perplexity(sentences) for order in (1, 2))
    assert bigram < unigram - 0.5


def test_generated_words_follow_the_model_and_the_seed():
    model = NgramLanguageModel(2, discount=1e-9).fit([["a", "b", "c"]] * 2)
    assert model.generate(7) == ["a", "b", "c", "a", "b", "c", "a"], "the next sentence begins where one has ended"
    assert len(model.generate()) == 20
    model = NgramLanguageModel(3).fit(random_sentences(0))
    assert model.generate(30) == model.generate(30, seed=0)
    assert len({tuple(model.generate(30, seed=seed)) for seed in range(5)}) == 5
    assert model.generate(0) == []


def test_generated_words_are_as_frequent_as_they_are_likely():
    """Without <UNK>, whose share the others divide. Bound: the largest gap of the seeds 0 to 9 was 0.019."""
    model = NgramLanguageModel(1, min_count=10).fit(random_sentences(0))
    words = set(model.vocabulary) - {"<s>", "</s>", "<UNK>"}
    drawn = Counter(model.generate(2000, seed=0))
    total = sum(model.probability(word) for word in words)
    assert set(drawn) == words
    for word in words:
        assert drawn[word] / 2000 == pytest.approx(model.probability(word) / total, abs=0.03)


def test_the_defaults_of_the_ngram_model():
    model = NgramLanguageModel()
    assert (model.order, model.discount, model.min_count) == (3, 0.75, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": 0}, r"order must be at least 1, got 0\."),
        ({"discount": 0.0}, r"discount must lie in \(0, 1\), got 0\.0\."),
        ({"discount": 1.0}, r"discount must lie in \(0, 1\), got 1\.0\."),
        ({"min_count": 0}, r"min_count must be at least 1, got 0\."),
    ],
)
def test_parameters_of_the_ngram_model_have_ranges(options, message):
    with pytest.raises(InputError, match=message):
        NgramLanguageModel(**options)


def test_what_the_ngram_model_refuses():
    model = NgramLanguageModel()
    for call in (lambda: model.probability("a"), lambda: model.share_unknown([["a"]]), lambda: model.generate()):
        with pytest.raises(InputError, match=r"the model has counted nothing yet\. Call fit first\."):
            call()
    with pytest.raises(InputError, match=r"no word occurs 2 times, so all would be unknown\. Lower min_count to 1\."):
        model.fit([["a", "b"]])
    model.fit([["a", "a"]])
    for call in (model.fit, model.perplexity, model.share_unknown):
        with pytest.raises(InputError, match="sentences must hold at least one word, got none"):
            call([[], []])
        with pytest.raises(
            InputError, match=r"each sentence must be a list of words, got a text\. Split it into words"
        ):
            call(["the boat"])
    with pytest.raises(InputError, match='context must be a list of words, got the text "the"'):
        model.probability("boat", "the")
