"""A notebook as the rules of ``notebook_structure`` see it: cells, sections, calls, outputs, what its text may name."""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils.exercises import Exercise, all_exercises

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@dataclass(frozen=True)
class Section:
    """The cells from one H2 to the next; the head, before the first, has no title."""

    title: str
    start: int
    cells: tuple[NotebookNode, ...]

    @property
    def opening(self) -> str:
        """The first line under the heading."""
        lines = [line for cell in self.cells if cell.cell_type == "markdown" for line in cell.source.splitlines()]
        return next((line for line in lines[1:] if line.strip()), "")


@dataclass(frozen=True)
class Call:
    """A call of a function by its name, in the code cell at a position."""

    position: int
    node: ast.Call

    @property
    def first(self) -> object:
        """The first argument, if it is a constant."""
        arguments = self.node.args
        return arguments[0].value if arguments and isinstance(arguments[0], ast.Constant) else None


@dataclass(frozen=True)
class Page:
    """A notebook, and what its text may refer to."""

    number: str
    notebook: NotebookNode
    exercises: Sequence[Exercise] = ()
    terms: frozenset[str] = frozenset()
    references: frozenset[str] = frozenset()

    @property
    def cells(self) -> list[NotebookNode]:
        return self.notebook.cells

    @cached_property
    def code(self) -> dict[int, NotebookNode]:
        return {position: cell for position, cell in enumerate(self.cells) if cell.cell_type == "code"}

    @cached_property
    def trees(self) -> dict[int, ast.Module]:
        """The code cells that can be parsed."""
        return {position: tree for position, cell in self.code.items() if (tree := parse(cell.source))}

    @cached_property
    def text(self) -> str:
        """All prose."""
        return "\n\n".join(cell.source for cell in self.cells if cell.cell_type == "markdown")

    @cached_property
    def sections(self) -> list[Section]:
        starts = [i for i, cell in enumerate(self.cells) if cell.cell_type == "markdown" and cell.source[:3] == "## "]
        borders = [0, *starts, len(self.cells)]
        titles = ["", *(self.cells[start].source.partition("\n")[0][3:].strip() for start in starts)]
        return [
            Section(title, start, tuple(self.cells[start:end]))
            for title, start, end in zip(titles, borders, borders[1:], strict=False)
        ]

    def section(self, title: str) -> str:
        """The prose of the sections with this title."""
        chosen = [section for section in self.sections if section.title == title]
        cells = [cell for section in chosen for cell in section.cells if cell.cell_type == "markdown"]
        return "\n\n".join(cell.source for cell in cells)

    def calls(self, name: str) -> list[Call]:
        """Calls of a function, in their order."""
        found = []
        for position, tree in self.trees.items():
            nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
            own = [node for node in nodes if isinstance(node.func, ast.Name) and node.func.id == name]
            found += [Call(position, node) for node in sorted(own, key=lambda node: node.lineno)]
        return found


def read_page(path: Path) -> Page:
    """A notebook of the course with the course's exercises, terms and references."""
    number = path.stem[:2]
    bibliography = (ROOT / "book" / "references.bib").read_text("utf-8")
    return Page(
        number,
        nbformat.read(path, as_version=4),
        exercises=[exercise for exercise in all_exercises().values() if exercise.notebook == number],
        terms=term_anchors((path.parent / "glossary.md").read_text("utf-8")),
        references=frozenset(re.findall(r"^@\w+\{([^,\s]+),", bibliography, re.MULTILINE)),
    )


def term_anchors(glossary: str) -> frozenset[str]:
    """The anchors that Sphinx gives to the terms of a glossary.

    >>> sorted(term_anchors("```{glossary}\\nF1 score\\nBIO\\n    Tags.\\n```"))
    ['term-BIO', 'term-F1-score']
    """
    (body,) = re.findall(r"```\{glossary\}\n(.*?)```", glossary, re.DOTALL)
    terms = [line for line in body.splitlines() if line and not line[0].isspace()]
    return frozenset("term-" + re.sub(r"[^\w.]+", "-", term.strip()) for term in terms)


def parse(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except SyntaxError:
        return None


def tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))


def num_lines(cell: NotebookNode) -> int:
    return len(cell.source.splitlines())


def place(page: Page, position: int) -> str:
    """How a message names a cell; counted from 1, as by ``make notebooks``."""
    return f"cell {position + 1} (`{page.cells[position].source.strip().partition(chr(10))[0][:60]}`)"


def is_data(tree: ast.Module | None) -> bool:
    """Whether a cell only assigns literals: data that is written out."""
    if tree is None or not tree.body:
        return False
    try:
        for statement in tree.body:
            if not isinstance(statement, ast.Assign):
                return False
            ast.literal_eval(statement.value)
    except ValueError:
        return False
    return True


def output_text(cell: NotebookNode) -> str:
    """What a reader can read of a code cell's outputs, HTML tags and alternative texts included."""
    texts = [cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")]
    for output in cell.get("outputs", []):
        texts += [output.get("text", ""), output.get("evalue", ""), *output.get("traceback", [])]
        texts += [value for kind, value in output.get("data", {}).items() if kind.startswith("text/")]
    return "\n".join(texts)
