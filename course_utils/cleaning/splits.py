"""Split without leakage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence

import numpy as np

from course_utils.errors import InputError


def split_grouped(
    groups: Sequence[Hashable],
    shares: Mapping[str, float],
    *,
    labels: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> dict[str, list[int]]:
    """Split examples so that no group is in two splits, with the labels spread evenly where that is possible.

    Groups are taken from the largest to the smallest, in random order among equals; each goes to the split that is
    furthest behind its share of the group's labels. The last chance for a label to be in the first split is taken.

    Parameters
    ----------
    groups : the group of each example (a document, an author, a set of duplicates)
    shares : name of the split to its share of the examples; shares sum to 1
    labels : the label of each example, to stratify by
    seed : decides the order among groups of one size

    Returns
    -------
    Name of the split to the sorted positions of its examples. Every example is in exactly one split.

    Raises
    ------
    InputError
        If the lengths differ, the shares do not sum to 1, or there are fewer groups than splits.

    Examples
    --------
    >>> split_grouped(["a", "a", "b", "c"], {"train": 0.5, "test": 0.5})
    {'train': [0, 1], 'test': [2, 3]}
    """
    if labels is not None and len(labels) != len(groups):
        raise InputError(f"labels must be as long as groups: got {len(labels)} labels and {len(groups)} groups.")
    if abs(sum(shares.values()) - 1) > 1e-9 or min(shares.values()) <= 0:
        raise InputError(f"shares must be positive and sum to 1, got {dict(shares)}.")
    members: defaultdict[Hashable, list[int]] = defaultdict(list)
    for position, group in enumerate(groups):
        members[group].append(position)
    if len(members) < len(shares):
        raise InputError(
            f"{len(members)} groups cannot fill {len(shares)} splits. Give more examples, or splits of your own."
        )
    kinds: dict[Hashable, int] = (
        {label: k for k, label in enumerate(dict.fromkeys(labels))} if labels is not None else {None: 0}
    )
    column = [kinds[label] for label in labels] if labels is not None else [0] * len(groups)
    wanted = np.outer(list(shares.values()), np.bincount(column, minlength=len(kinds)))  # (split, label)
    behind = wanted.copy()
    room = np.array(list(shares.values())) * len(groups)
    remaining = np.bincount(column, minlength=len(kinds))
    in_first = np.zeros(len(kinds), dtype=int)
    names = list(shares)
    result: dict[str, list[int]] = {name: [] for name in names}
    shuffled = [list(members)[i] for i in np.random.default_rng(seed).permutation(len(members))]
    for left, group in zip(range(len(shuffled), 0, -1), sorted(shuffled, key=lambda g: -len(members[g]))):
        counts = np.bincount([column[i] for i in members[group]], minlength=len(kinds))
        need = (behind / np.maximum(wanted, 1)) @ counts + 1e-3 * room / len(groups)
        remaining -= counts
        last_chance = bool(np.any((remaining == 0) & (in_first == 0)))
        empty = [s for s, name in enumerate(names) if not result[name]]
        if len(empty) >= left:  # the last groups fill splits that are still empty: without examples they are of no use
            best = max(empty, key=lambda s: need[s])
        elif last_chance:
            best = 0
        else:
            best = int(np.argmax(need))
        result[names[best]].extend(members[group])
        behind[best] -= counts
        in_first += counts * (best == 0)
        room[best] -= len(members[group])
    return {name: sorted(positions) for name, positions in result.items()}
