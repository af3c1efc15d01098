"""Repair of entity tags: every sequence of four against the scorer, and the report to the letter."""

from itertools import product

import pytest

from course_utils.cleaning import BioRepair, TagChange, repair_bio
from course_utils.errors import InputError
from course_utils.metrics import spans_from_bio

TAGS = ("O", "B-A", "I-A", "B-B", "I-B")


@pytest.mark.parametrize("scheme", ["iob2", "iob1"])
@pytest.mark.parametrize("length", range(5))
def test_entities_stay_and_every_change_is_reported(scheme, length):
    for tags in product(TAGS, repeat=length):
        repair = repair_bio(tags, scheme)
        assert spans_from_bio(repair.tags) == spans_from_bio(tags)
        assert repair_bio(repair.tags, scheme).changes == ()
        for position, tag in enumerate(repair.tags):  # IOB2: what goes on, goes on from the same type
            assert tag[0] != "I" or (position and repair.tags[position - 1][2:] == tag[2:])
        changed = {change.position: (change.found, change.repaired) for change in repair.changes}
        assert changed == {i: (a, b) for i, (a, b) in enumerate(zip(tags, repair.tags)) if a != b}
        assert len(repair.changes) == len(changed)


def test_the_report_of_stray_tags():
    assert repair_bio(["I-PER", "I-PER", "O", "I-LOC", "I-ORG", "B-ORG", "I-ORG"]) == BioRepair(
        tags=["B-PER", "I-PER", "O", "B-LOC", "B-ORG", "B-ORG", "I-ORG"],
        changes=(
            TagChange(0, "I-PER", "B-PER", "I-PER at the start of the sentence"),
            TagChange(3, "I-LOC", "B-LOC", "I-LOC after O"),
            TagChange(4, "I-ORG", "B-ORG", "I-ORG after I-LOC"),
        ),
    )


def test_the_report_of_a_conversion():
    """IOB1 of two people side by side, and a place."""
    assert repair_bio(["I-PER", "B-PER", "I-PER", "O", "I-LOC"], "iob1") == BioRepair(
        tags=["B-PER", "B-PER", "I-PER", "O", "B-LOC"],
        changes=(
            TagChange(0, "I-PER", "B-PER", "IOB1 begins an entity with I-: I-PER at the start of the sentence"),
            TagChange(4, "I-LOC", "B-LOC", "IOB1 begins an entity with I-: I-LOC after O"),
        ),
    )


def test_the_default_scheme_is_iob2():
    assert repair_bio(["I-A"]) == repair_bio(["I-A"], "iob2") != repair_bio(["I-A"], "iob1")


def test_right_tags_are_copied_and_not_changed():
    tags = ["B-A", "I-A", "O"]
    repair = repair_bio(tags)
    assert repair == BioRepair(["B-A", "I-A", "O"], ())
    assert repair.tags is not tags
    assert repair_bio([]) == BioRepair([], ())


def test_types_may_have_hyphens_and_one_letter():
    assert repair_bio(["I-A", "I-A-B", "I-A-B"]).tags == ["B-A", "B-A-B", "I-A-B"]


@pytest.mark.parametrize("tag", ["", "o", "B", "B-", "I-", "b-PER", "E-PER", "X", "OO", "OB-PER", "B-PER\n", 3, None])
def test_unknown_tags_are_refused(tag):
    with pytest.raises(InputError) as caught:
        repair_bio(["O", tag])
    assert str(caught.value) == (
        f'entity tags must be O, B-TYPE or I-TYPE, got "{tag}" at position 1. Mend it by hand.'
    )


def test_unknown_schemes_and_texts_are_refused():
    with pytest.raises(InputError, match=r'^scheme must be "iob2" or "iob1", got "bioes"\.$'):
        repair_bio(["O"], "bioes")
    with pytest.raises(InputError, match=r'^tags must be a list with one tag a word, got the text "OO"\.$'):
        repair_bio("OO")
