"""Notebooks 10 and 11 hold every pitfall of the catalogue once, as a pair in the five-cell form.

A pair is five cells that follow each other: Markdown that says what goes wrong, the broken version, Markdown tagged
``preflight`` that says how to find it, the mended version, Markdown that says what to keep. ``LONGER`` ones have more.
"""

import ast
import re
from collections import Counter
from dataclasses import dataclass

import nbformat
import pytest
from nbformat import NotebookNode
from notebook_page import ROOT, parse, tags

NOTEBOOKS = {"10": range(1, 17), "11": range(17, 41)}
LOUD = {12, 18, 22, 23, 34}
BOTH = {15, 25}
CLAIMS = {40}
LONGER = {36, 37, 38, 39, 40}  # with a guess or further steps; the rest of the form holds

HEADING = re.compile(r"### P(\d\d) \S.*\n\n(.+)\n")
KEEP = "**To keep.**"
MARK = re.compile(r"\*(?:Core|Second reading)\.\* \*(Loud|Silent|Loud and silent|A claim, not a program)\.\*")


@dataclass(frozen=True)
class Pair:
    """The cells of a pitfall, from its heading to what is to be kept."""

    notebook: str
    pitfall: int
    mark_line: str
    cells: tuple[NotebookNode, ...]


def kind_of(pitfall: int) -> str:
    """How the catalogue marks a pitfall."""
    kinds = {"Loud": LOUD, "Loud and silent": BOTH, "A claim, not a program": CLAIMS}
    return next((kind for kind, pitfalls in kinds.items() if pitfall in pitfalls), "Silent")


def pairs_of(notebook: str, cells: list[NotebookNode]) -> list[Pair]:
    """The pairs of a notebook, in their order; each ends with what is to be kept, or before the next heading."""
    found = []
    for position, cell in enumerate(cells):
        match = HEADING.match(cell.source + "\n") if cell.cell_type == "markdown" else None
        if match:
            own = [cell]
            for later in cells[position + 1 :]:
                if later.cell_type == "markdown" and later.source.startswith("#"):
                    break
                own.append(later)
                if later.source.startswith(KEEP):
                    break
            found.append(Pair(notebook, int(match[1]), match[2], tuple(own)))
    return found


def asserts(cell: NotebookNode) -> bool:
    """Whether a cell is code that asserts something, is shown, and lets the notebook go on."""
    tree = parse(cell.source) if cell.cell_type == "code" else None
    asserted = tree is not None and any(isinstance(node, ast.Assert) for node in ast.walk(tree))
    return asserted and not tags(cell) & {"hide-cell", "raises-exception"}


def form_faults(pair: Pair) -> list[str]:
    """Where a pair departs from the form, one line each."""
    faults = []
    mark = MARK.fullmatch(pair.mark_line)
    if not mark:
        faults.append(f'the line under the heading is "{pair.mark_line}"')
    elif mark[1] != kind_of(pair.pitfall):
        faults.append(f"marked {mark[1]}, the catalogue says {kind_of(pair.pitfall)}")
    looks = [position for position, cell in enumerate(pair.cells) if "preflight" in tags(cell)]
    if len(looks) != 1 or not pair.cells[looks[0]].source.startswith("**How to find it.** "):
        return [*faults, "not one cell tagged preflight that begins with **How to find it.**"]
    (look,) = looks
    if not pair.cells[-1].source.startswith(KEEP):
        return [*faults, f"no cell that begins with {KEEP}"]
    if pair.pitfall not in LONGER and (len(pair.cells), look) != (5, 2):
        faults.append(f"{len(pair.cells)} cells, the look is number {look + 1}, expected 5 and 3")
    for name, cell in (("broken", pair.cells[look - 1]), ("mended", pair.cells[-2])):
        if not asserts(cell):
            faults.append(f"the {name} version asserts nothing, is hidden, or stops the notebook")
    return faults


ALL = {
    number: [
        pair
        for path in sorted((ROOT / "notebooks").glob(f"{number}_*.ipynb"))
        for pair in pairs_of(number, nbformat.read(path, as_version=4).cells)
    ]
    for number in NOTEBOOKS
}


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_each_pitfall_has_one_pair_in_its_notebook_and_they_are_in_order(number):
    assert [pair.pitfall for pair in ALL[number]] == list(NOTEBOOKS[number])


def test_no_pitfall_has_two_headings():
    count = Counter(pair.pitfall for pairs in ALL.values() for pair in pairs)
    assert [pitfall for pitfall, times in count.items() if times > 1] == []
    assert sorted(count) == list(range(1, 41))


@pytest.mark.parametrize("pair", [p for pairs in ALL.values() for p in pairs], ids=lambda pair: f"P{pair.pitfall:02}")
def test_a_pair_has_the_five_cells(pair):
    assert form_faults(pair) == []


# The rules themselves


def cell(kind: str, source: str, *names: str) -> NotebookNode:
    new = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
    return new(source, metadata={"tags": list(names)})


def good_cells() -> list[NotebookNode]:
    return [
        cell("markdown", "### P08 The labels are the mask\n\n*Core.* *Silent.*\n\nYou may read that it is right."),
        cell("code", "assert loss < 0.1\nloss"),
        cell("markdown", "**How to find it.** Look.", "preflight"),
        cell("code", "assert right > 0.8\nright"),
        cell("markdown", "**To keep.** Labels are not a mask."),
    ]


def faults_after(change) -> list[str]:
    cells = good_cells()
    change(cells)
    (pair,) = pairs_of("10", cells)
    return form_faults(pair)


def test_a_pair_in_the_form_has_no_fault():
    assert faults_after(lambda cells: None) == []


def replaced(position: int, old: str, new: str):
    def change(cells: list[NotebookNode]) -> None:
        cells[position].source = cells[position].source.replace(old, new)

    return change


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (replaced(0, "*Silent.*", "*Loud.*"), "marked Loud, the catalogue says Silent"),
        (replaced(0, "*Core.* ", ""), 'the line under the heading is "*Silent.*"'),
        (replaced(1, "assert", "print"), "the broken version asserts nothing"),
        (replaced(3, "assert right > 0.8\n", ""), "the mended version asserts nothing"),
        (
            lambda cells: cells[1].metadata.tags.append("raises-exception"),
            "the broken version asserts nothing, is hidden",
        ),
        (lambda cells: cells[2].metadata.tags.clear(), "not one cell tagged preflight"),
        (lambda cells: cells[4].metadata.tags.append("preflight"), "not one cell tagged preflight"),
        (replaced(2, "How to find it", "Look"), "not one cell tagged preflight that begins with"),
        (lambda cells: cells.insert(1, cell("code", "loss = 1")), "6 cells, the look is number 4, expected 5 and 3"),
        (lambda cells: cells.pop(), "no cell that begins with **To keep.**"),
        (replaced(4, "**To keep.**", "### P09 The next\n\n*Core.*"), "no cell that begins with **To keep.**"),
    ],
)
def test_a_departure_from_the_form_is_found(change, fault):
    cells = good_cells()
    change(cells)
    pair = pairs_of("10", cells)[0]
    (found,) = form_faults(pair)
    assert fault in found


def test_the_marks_of_the_catalogue():
    kinds = Counter(kind_of(pitfall) for pitfalls in NOTEBOOKS.values() for pitfall in pitfalls)
    assert kinds == {"Silent": 32, "Loud": 5, "Loud and silent": 2, "A claim, not a program": 1}
