"""Scores of whole entities, and the spans that a row of BIO tags stands for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from course_utils.errors import InputError
from course_utils.metrics.classification import LabelScore
from course_utils.metrics.inputs import check_same_length

Span = tuple[str, int, int]
"""Type, start and end of an entity, end exclusive."""


@dataclass(frozen=True)
class EntityScores:
    """Scores of whole entities: a prediction counts when type, start and end are all right."""

    precision: float
    recall: float
    f1: float
    num_gold: int
    num_predicted: int
    num_correct: int
    per_type: tuple[LabelScore, ...]


def spans_from_bio(tags: Sequence[str]) -> list[Span]:
    """Entities of one sentence as ``(type, start, end)``, end exclusive.

    As in conlleval, an ``I-`` after ``O``, at the start, or after another type begins an entity.

    Parameters
    ----------
    tags : one BIO tag a word

    Raises
    ------
    InputError
        If a tag is not ``O``, ``B-TYPE`` or ``I-TYPE``.

    Examples
    --------
    >>> spans_from_bio(["B-PER", "I-PER", "O", "I-LOC"])
    [('PER', 0, 2), ('LOC', 3, 4)]
    """
    spans: list[Span] = []
    kind, start = "", 0
    for position, tag in enumerate([*tags, "O"]):
        prefix, _, here = tag.partition("-")
        if tag != "O" and (prefix not in ("B", "I") or not here):
            raise InputError(f'entity tags must be O, B-TYPE or I-TYPE, got "{tag}".')
        if kind and (prefix != "I" or here != kind):
            spans.append((kind, start, position))
            kind = ""
        if here and not kind:
            kind, start = here, position
    return spans


def entity_counts(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> np.ndarray:
    """Count the gold, predicted and correct entities of each sentence.

    Parameters
    ----------
    gold, predicted : one list of BIO tags a sentence

    Returns
    -------
    int array of shape (num_sentences, 3)

    Examples
    --------
    >>> entity_counts([["B-PER", "O"], ["O", "O"]], [["B-PER", "B-LOC"], ["O", "O"]])
    array([[1, 2, 1],
           [0, 0, 0]])
    """
    return np.array([[len(spans) for spans in sentence] for sentence in _span_sets(gold, predicted)])


def _span_sets(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> list[tuple[set[Span], ...]]:
    """Of each sentence the gold, the predicted and the correct spans."""
    check_same_length(gold=gold, predicted=predicted)
    result: list[tuple[set[Span], ...]] = []
    for position, (gold_tags, predicted_tags) in enumerate(zip(gold, predicted)):
        if len(gold_tags) != len(predicted_tags):
            raise InputError(f"sentence {position}: {len(gold_tags)} gold and {len(predicted_tags)} predicted tags.")
        right, said = set(spans_from_bio(gold_tags)), set(spans_from_bio(predicted_tags))
        result.append((right, said, right & said))
    return result


def precision_recall_f1(num_gold: float, num_predicted: float, num_correct: float) -> tuple[float, float, float]:
    """Precision, recall and F1 from counts; 0 where a denominator is 0.

    Parameters
    ----------
    num_gold, num_predicted, num_correct : numbers of entities

    Examples
    --------
    >>> precision_recall_f1(num_gold=4, num_predicted=2, num_correct=2)
    (1.0, 0.5, 0.6666666666666666)
    """
    precision = num_correct / num_predicted if num_predicted else 0.0
    recall = num_correct / num_gold if num_gold else 0.0
    return float(precision), float(recall), float(2 * num_correct / max(num_gold + num_predicted, 1))


def entity_f1(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> EntityScores:
    """Micro-averaged precision, recall and F1 of whole entities, and the scores of each type.

    Parameters
    ----------
    gold, predicted : one list of BIO tags a sentence

    Raises
    ------
    InputError
        If sentences or tags differ in number, or a tag is not BIO.

    References
    ----------
    Tjong Kim Sang and De Meulder (2003), Introduction to the CoNLL-2003 Shared Task.

    Examples
    --------
    >>> entity_f1([["B-PER", "I-PER", "O"]], [["B-PER", "O", "O"]]).f1
    0.0
    """
    by_type = [Counter[str](), Counter[str](), Counter[str]()]  # gold, predicted, correct
    for sentence in _span_sets(gold, predicted):
        for counter, spans in zip(by_type, sentence):
            counter.update(kind for kind, _, _ in spans)
    per_type = [
        LabelScore(kind, *precision_recall_f1(*(counter[kind] for counter in by_type)), support=by_type[0][kind])
        for kind in sorted(by_type[0] | by_type[1])
    ]
    num_gold, num_predicted, num_correct = (counter.total() for counter in by_type)
    scores = precision_recall_f1(num_gold, num_predicted, num_correct)
    return EntityScores(*scores, num_gold, num_predicted, num_correct, tuple(per_type))
