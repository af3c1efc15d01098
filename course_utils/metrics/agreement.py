"""How far two annotators agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from course_utils.errors import InputError
from course_utils.metrics.entities import entity_f1
from course_utils.metrics.inputs import check_option, check_same_length

WEIGHTS = (None, "linear", "quadratic")


def cohen_kappa(
    first: Sequence[Any] | np.ndarray,
    second: Sequence[Any] | np.ndarray,
    *,
    weights: Literal["linear", "quadratic"] | None = None,
    labels: Sequence[Any] | None = None,
) -> float:
    """Agreement of two annotators beyond what their label frequencies give by chance.

    Parameters
    ----------
    first, second : the labels that each annotator gave, shape (num_examples,)
    weights : ``None`` counts every disagreement the same; ``"linear"`` and ``"quadratic"`` count it by the distance of
        the labels on their scale, or its square, so that 4 stars against 5 weigh less than 1 against 5
    labels : all labels in their order. Weights need it: without it, a number of stars that nobody gave would be no step
        of the scale

    Returns
    -------
    At most 1, which is full agreement; 0 is what chance gives. NaN if both gave one and the same label throughout.

    Raises
    ------
    InputError
        If lengths differ, there are no examples, ``weights`` is unknown or lacks ``labels``, or a label is not among
        them.

    References
    ----------
    Cohen (1960), A Coefficient of Agreement for Nominal Scales; Cohen (1968), Weighted Kappa.
    Artstein and Poesio (2008), Inter-Coder Agreement for Computational Linguistics.

    Examples
    --------
    >>> cohen_kappa(["NOUN", "NOUN", "VERB", "VERB"], ["NOUN", "VERB", "VERB", "VERB"])
    0.5
    >>> cohen_kappa([1, 5, 4, 2], [2, 5, 5, 1], weights="quadratic", labels=[1, 2, 3, 4, 5])
    0.869...
    """
    from sklearn.metrics import cohen_kappa_score

    check_same_length(first=first, second=second)
    check_option("weights", weights, WEIGHTS)
    given = np.union1d(first, second)
    if labels is None and weights is not None:
        raise InputError(f'weights="{weights}" needs labels: all labels in their order, given or not.')
    unknown = [] if labels is None else given[~np.isin(given, labels)].tolist()
    if unknown:
        raise InputError(f"labels must hold every label that was given, but lacks {', '.join(map(str, unknown))}.")
    if len(given) == 1:
        return float("nan")  # chance alone gives full agreement
    return float(cohen_kappa_score(first, second, labels=labels, weights=weights))


def span_f1(first: Sequence[Sequence[str]], second: Sequence[Sequence[str]]) -> float:
    """Agreement of two annotators on entities: F1 of one's spans against the other's, whichever is the gold.

    Kappa needs the number of spans that both left unmarked, which nobody can count. Counting words instead would
    reward the many on which anybody agrees that they are outside.

    Parameters
    ----------
    first, second : one list of BIO tags a sentence

    Returns
    -------
    Share in [0, 1]; NaN if neither marked a span.

    Raises
    ------
    InputError
        If sentences or tags differ in number, or a tag is not BIO.

    References
    ----------
    Hripcsak and Rothschild (2005), Agreement, the F-Measure, and Reliability in Information Retrieval.

    Examples
    --------
    >>> round(span_f1([["B-PER", "O", "B-LOC"]], [["B-PER", "O", "O"]]), 3)
    0.667
    """
    scores = entity_f1(first, second)
    return scores.f1 if scores.num_gold + scores.num_predicted else float("nan")
