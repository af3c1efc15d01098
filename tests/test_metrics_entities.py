"""Scores of entities: worked out by hand, and equal to spaCy's scorer and to nervaluate."""

import numpy as np
import pytest
from nervaluate import Evaluator
from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab

from course_utils.errors import InputError
from course_utils.metrics import LabelScore, entity_counts, entity_f1, precision_recall_f1, spans_from_bio

TYPES = ("LOC", "ORG", "PER")


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("O O", []),
        ("B-PER I-PER O", [("PER", 0, 2)]),
        ("B-PER I-PER I-PER", [("PER", 0, 3)]),
        ("B-PER B-PER", [("PER", 0, 1), ("PER", 1, 2)]),
        ("B-PER B-LOC", [("PER", 0, 1), ("LOC", 1, 2)]),
        ("I-PER I-PER", [("PER", 0, 2)]),
        ("O I-LOC", [("LOC", 1, 2)]),
        ("B-PER I-LOC", [("PER", 0, 1), ("LOC", 1, 2)]),
        ("B-PER I-LOC I-LOC", [("PER", 0, 1), ("LOC", 1, 3)]),
        ("B-PER O I-PER", [("PER", 0, 1), ("PER", 2, 3)]),
        ("B-a-b I-a-b", [("a-b", 0, 2)]),
        ("", []),
    ],
)
def test_spans_as_conlleval_reads_them(tags, spans):
    assert spans_from_bio(tags.split()) == spans


@pytest.mark.parametrize("tag", ["PER", "S-PER", "B-", "I-", "B", "I", "o", "O-PER", "b-PER", ""])
def test_a_tag_that_is_not_bio_is_an_error(tag):
    with pytest.raises(InputError, match=rf'^entity tags must be O, B-TYPE or I-TYPE, got "{tag}"\.$'):
        spans_from_bio(["O", tag])


def test_entity_scores_worked_out_by_hand():
    gold = ["B-PER I-PER O B-LOC".split(), "B-ORG O".split()]
    predicted = ["B-PER I-PER O B-ORG".split(), "O O".split()]
    scores = entity_f1(gold, predicted)
    assert (scores.num_gold, scores.num_predicted, scores.num_correct) == (3, 2, 1)
    assert (scores.precision, scores.recall, scores.f1) == pytest.approx((1 / 2, 1 / 3, 2 / 5))
    assert scores.per_type == (
        LabelScore("LOC", 0, 0, 0, 1),
        LabelScore("ORG", 0, 0, 0, 1),
        LabelScore("PER", 1, 1, 1, 1),
    )
    assert entity_counts(gold, predicted).tolist() == [[2, 2, 1], [1, 0, 0]]


def test_types_that_are_only_predicted_have_a_row():
    scores = entity_f1([["O", "B-PER"]], [["B-LOC", "B-PER"]])
    assert scores.per_type == (LabelScore("LOC", 0, 0, 0, 0), LabelScore("PER", 1, 1, 1, 1))


def test_an_entity_of_the_right_place_and_wrong_type_or_length_does_not_count():
    assert entity_f1([["B-PER", "I-PER"]], [["B-PER", "O"]]).f1 == 0
    assert entity_f1([["O", "B-PER"]], [["B-PER", "I-PER"]]).f1 == 0
    assert entity_f1([["B-PER", "I-PER"]], [["B-ORG", "I-ORG"]]).f1 == 0
    assert entity_f1([["O", "O"]], [["O", "O"]]).f1 == 0


@pytest.mark.parametrize(
    ("counts", "scores"),
    [
        ((4, 2, 1), (1 / 2, 1 / 4, 1 / 3)),
        ((1, 1, 1), (1, 1, 1)),
        ((0, 2, 0), (0, 0, 0)),
        ((2, 0, 0), (0, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((1, 0, 0), (0, 0, 0)),
        ((3, 3, 2), (2 / 3, 2 / 3, 2 / 3)),
    ],
)
def test_precision_recall_and_f1_from_counts(counts, scores):
    result = precision_recall_f1(*counts)
    assert result == pytest.approx(scores)
    assert {type(value) for value in result} == {float}
    assert {type(value) for value in precision_recall_f1(*np.array(counts))} == {float}


@pytest.mark.parametrize(
    ("gold", "predicted", "message"),
    [
        ([["O"], ["O", "O"]], [["O"], ["O"]], r"^sentence 1: 2 gold and 1 predicted tags\.$"),
        ([["O"]], [["O"], ["O"]], "^gold and predicted must be equally long, got 1 and 2"),
        ([], [], "nothing to score: got no gold"),
        ([["O"]], [["X"]], 'got "X"'),
        ([["Y"]], [["O"]], 'got "Y"'),
    ],
)
@pytest.mark.parametrize("score", [entity_f1, entity_counts])
def test_tags_that_cannot_be_scored(score, gold, predicted, message):
    with pytest.raises(InputError, match=message):
        score(gold, predicted)


# Other implementations


def tag_sequences(number: int, seed: int, *, well_formed: bool) -> list[list[str]]:
    """Random tags; well-formed ones hold an ``I-`` only where an entity of its type goes on."""
    random = np.random.default_rng(seed)
    every = ["O", *(f"{prefix}-{kind}" for kind in TYPES for prefix in "BI")]
    sequences = []
    for _ in range(number):
        tags: list[str] = []
        for _ in range(random.integers(1, 12)):
            before = tags[-1] if tags else "O"
            open_entity = [f"I-{before[2:]}"] * 4 if before != "O" else []
            allowed = ["O"] * 3 + [tag for tag in every if tag[0] == "B"] + open_entity
            tags.append(str(random.choice(allowed if well_formed else every)))
        sequences.append(tags)
    return sequences


def partly_right(gold: list[list[str]], seed: int, *, well_formed: bool) -> list[list[str]]:
    """About half of the sentences as in the gold, the others made anew at the same lengths."""
    random = np.random.default_rng(seed)
    result = []
    for tags in gold:
        other: list[str] = []
        while len(other) < len(tags):
            other += ["O", *tag_sequences(1, int(random.integers(2**31)), well_formed=well_formed)[0]]
        result.append(tags if random.random() < 0.5 else other[: len(tags)])
    return result


@pytest.fixture(scope="module")
def well_formed():
    gold = tag_sequences(1000, seed=1, well_formed=True)
    return gold, partly_right(gold, seed=2, well_formed=True)


@pytest.fixture(scope="module")
def malformed():
    gold = tag_sequences(1000, seed=3, well_formed=False)
    return gold, partly_right(gold, seed=4, well_formed=False)


def is_well_formed(tags: list[str]) -> bool:
    return all(tag[0] != "I" or before[1:] == tag[1:] for before, tag in zip(["O", *tags], tags))


def test_the_generated_tags_are_what_they_are_said_to_be(well_formed, malformed):
    assert all(is_well_formed(tags) for part in well_formed for tags in part)
    assert sum(not is_well_formed(tags) for tags in malformed[0]) > 500
    for gold, predicted in (well_formed, malformed):
        assert 0.3 < entity_f1(gold, predicted).f1 < 0.8
        assert [len(tags) for tags in gold] == [len(tags) for tags in predicted]


def test_scores_equal_those_of_spacy(well_formed):
    # ``Doc`` reads well-formed tags by itself; it refuses a sentence that begins with I-.
    gold, predicted = well_formed
    vocab = Vocab()

    def doc(tags):
        return Doc(vocab, words=["w"] * len(tags), ents=tags)

    theirs = Scorer.score_spans([Example(doc(p), doc(g)) for g, p in zip(gold, predicted)], "ents")
    ours = entity_f1(gold, predicted)
    assert (ours.precision, ours.recall, ours.f1) == pytest.approx(
        (theirs["ents_p"], theirs["ents_r"], theirs["ents_f"])
    )
    assert {s.label: pytest.approx({"p": s.precision, "r": s.recall, "f": s.f1}) for s in ours.per_type} == theirs[
        "ents_per_type"
    ]


@pytest.mark.parametrize("kind", ["well_formed", "malformed"])
def test_scores_equal_those_of_nervaluate(kind, request):
    # nervaluate 1.2 reads a stray I- as conlleval does: after O, at the start, or after another type it begins an
    # entity. The two part only on tags that are not BIO: after B-PER it takes any tag that ends in PER, S-PER say, for
    # a continuation, since it looks at prefixes only where an entity begins. Here that is an error, tested above.
    gold, predicted = request.getfixturevalue(kind)
    theirs = Evaluator(gold, predicted, tags=list(TYPES), loader="list").evaluate()
    ours = entity_f1(gold, predicted)
    strict = theirs["overall"]["strict"]
    assert (ours.num_gold, ours.num_predicted, ours.num_correct) == (strict.possible, strict.actual, strict.correct)
    assert (ours.precision, ours.recall, ours.f1) == pytest.approx((strict.precision, strict.recall, strict.f1))
    for score in ours.per_type:
        strict = theirs["entities"][score.label]["strict"]
        assert (score.precision, score.recall, score.f1) == pytest.approx((strict.precision, strict.recall, strict.f1))
        assert score.support == strict.possible


def test_counts_by_sentence_add_up_to_the_scores(malformed):
    gold, predicted = malformed
    counts, scores = entity_counts(gold, predicted), entity_f1(gold, predicted)
    assert counts.shape == (1000, 3)
    assert counts.sum(axis=0).tolist() == [scores.num_gold, scores.num_predicted, scores.num_correct]
    assert precision_recall_f1(*counts.sum(axis=0)) == (scores.precision, scores.recall, scores.f1)
    alone = [entity_f1([g], [p]) for g, p in zip(gold[:20], predicted[:20])]
    assert counts[:20].tolist() == [[s.num_gold, s.num_predicted, s.num_correct] for s in alone]
