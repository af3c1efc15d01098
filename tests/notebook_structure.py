"""What a notebook of the course must look like: each rule takes a page and returns a line for each fault.

``find_faults`` applies all rules. The numbers in the prose have a module of their own, ``notebook_numbers``.
"""

import ast
import copy
import re
from collections import Counter
from collections.abc import Iterator

from notebook_head import COST, stated_seconds
from notebook_numbers import unsupported_numbers
from notebook_page import Page, is_data, num_lines, output_text, place, tags

from course_utils.checks import quizzes
from course_utils.errors import InputError
from course_utils.notebooks import normalise

MAX_LINES = 24
MAX_STANDALONE_LINES = 60
MAX_SECONDS = {"05": 120, "06": 120, "11": 120}
USUAL_MAX_SECONDS = 90
STANDALONE = {"05", "06", "07"}
KINDS = ("recall", "apply", "transfer")
END_MATTER = ("Summary", "Quiz", "Further reading", "For instructors")

FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1\s*$", re.MULTILINE | re.DOTALL)
CITATION = re.compile(r"\{cite(?::\w+)?\}`([^`]+)`")
MARK = re.compile(r"[*_]+(core|second reading)\b", re.IGNORECASE)
PATH = re.compile(r"(?<![\w.:/<-])/(?:home|root|tmp|usr|opt|var|mnt|srv|work|Users|private)/|\b[A-Z]:\\\w")
HOST = re.compile(r"\blocalhost\b|(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])|https?://[^\s/]+:\d+")


# Head


def title_faults(page: Page) -> Iterator[str]:
    first = page.cells[0]
    if first.cell_type != "markdown" or not first.source.startswith("# "):
        yield "the first cell does not begin with the title"
    titles = 0
    for position, cell in enumerate(page.cells):
        if cell.cell_type != "markdown":
            continue
        bare = FENCE.sub("", cell.source)
        titles += len(re.findall(r"^# ", bare, re.MULTILINE))
        if re.search(r"(?<!\A)^##? ", bare, re.MULTILINE):
            yield f"{place(page, position)}: a title or section does not begin its cell"
    if titles != 1:
        yield f"{titles} titles, expected one"


def head_faults(page: Page) -> Iterator[str]:
    head = "\n\n".join(cell.source for cell in page.sections[0].cells if cell.cell_type == "markdown")
    for phrase in ("What you will do", "What you will learn", "What you need"):
        if phrase not in head:
            yield f'the head does not say "{phrase}"'
    seconds, most = stated_seconds(head), MAX_SECONDS.get(page.number, USUAL_MAX_SECONDS)
    if seconds is None:
        yield "the head has no table | machine … seconds | you … minutes | memory … GiB |"
    elif seconds > most:
        yield f"the head states {seconds} seconds, expected at most {most}"


def opening_faults(page: Page) -> Iterator[str]:
    before = page.cells[: min(page.code, default=len(page.cells))]
    asked = sum(cell.source.count("<details") for cell in before)
    if page.number != "00" and asked < 3:
        yield f"{asked} questions with folded answers before the first code cell, expected three"


def mark_faults(page: Page) -> Iterator[str]:
    if page.number == "00":
        return
    set_up = min(page.code, default=0)
    for section in page.sections:
        is_lesson = section.start > set_up and section.title not in END_MATTER
        if is_lesson and not MARK.match(section.opening):
            yield f'section "{section.title}" does not begin with *core* or *second reading*'


# Cells


def cell_faults(page: Page) -> Iterator[str]:
    """Prose before code; code that can be parsed, is short, and shows something."""
    first = min(page.code, default=0)
    for position, cell in page.code.items():
        name, tree = place(page, position), page.trees.get(position)
        if tree is None:
            yield f"{name}: the source cannot be parsed"
        if position and page.cells[position - 1].cell_type == "code" and not tags(cell) & {"hide-cell", "solution"}:
            yield f"{name}: no prose before it"
        is_free = position == first or is_data(tree)
        most = MAX_STANDALONE_LINES if "standalone" in tags(cell) else MAX_LINES
        if num_lines(cell) > most and not is_free:
            yield f"{name}: {num_lines(cell)} lines, expected at most {most}"
        if cell.execution_count and not cell.outputs and not is_data(tree):
            yield f"{name}: shows nothing"


def import_faults(page: Page) -> Iterator[str]:
    standalone = [position for position, cell in page.code.items() if "standalone" in tags(cell)]
    for position in standalone:
        if page.number not in STANDALONE or len(standalone) > 1:
            yield f"{place(page, position)}: standalone, expected at most one such cell, in {sorted(STANDALONE)}"
        if "course_utils" in page.cells[position].source:
            yield f"{place(page, position)}: standalone, yet it names course_utils"
    first = min(page.code, default=0)
    for position, tree in page.trees.items():
        imports = any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(tree))
        if imports and position != first and position not in standalone:
            yield f"{place(page, position)}: imports, expected only in the first code cell"


# Outputs


def output_faults(page: Page) -> Iterator[str]:
    for position, cell in page.code.items():
        name, text = place(page, position), output_text(cell)
        kinds = {kind for output in cell.outputs for kind in output.get("data", {})}
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        if any(kind.startswith("image/") for kind in kinds) and not alt.strip():
            yield f"{name}: an image without alternative text"
        failed = any(output.output_type == "error" for output in cell.outputs)
        if failed and "raises-exception" not in tags(cell):
            yield f"{name}: an error in its output"
        if PATH.search(text):
            yield f"{name}: an absolute path in its output"
        if HOST.search(text):
            yield f"{name}: the address of a host in its output"


def execution_faults(page: Page) -> Iterator[str]:
    counts = [cell.execution_count for cell in page.code.values()]
    if counts != list(range(1, len(counts) + 1)):
        yield "not executed from top to bottom"
        return
    normal = copy.deepcopy(page.notebook)
    normalise(normal, stored=page.notebook)
    if normal != page.notebook:
        yield "not as `make notebooks` writes it: a source has changed since"


# Exercises, guesses, quiz


def exercise_faults(page: Page) -> Iterator[str]:
    least = 3 if page.number == "00" else 4
    if len(page.exercises) < least:
        yield f"{len(page.exercises)} exercises, expected at least {least}"
    for kind in KINDS:
        if kind not in {exercise.kind for exercise in page.exercises}:
            yield f"no exercise of kind {kind}"
    asked, solved = page.calls("check"), page.calls("check_solution")
    for call in asked + solved:
        if call.first not in {exercise.id for exercise in page.exercises}:
            yield f"{place(page, call.position)}: {call.first} is no exercise of this notebook"
    for exercise in page.exercises:
        checks = [call.position for call in asked if call.first == exercise.id]
        if len(checks) != 1:
            yield f"exercise {exercise.id} is checked {len(checks)} times, expected once"
            continue
        if exercise.stub.strip() not in page.cells[checks[0]].source:
            yield f"{place(page, checks[0])}: exercise {exercise.id} has another stub"
        solution = next((position for position in page.code if position > checks[0]), None)
        solutions = [call.position for call in solved if call.first == exercise.id]
        if solutions != [solution] or "hide-cell" not in tags(page.cells[solution]):
            yield f"exercise {exercise.id}: the next code cell is not its solution, tagged hide-cell"


def guess_faults(page: Page) -> Iterator[str]:
    guesses, reveals = page.calls("guess"), page.calls("reveal")
    made, shown = Counter(call.first for call in guesses), Counter(call.first for call in reveals)
    if len(made) < 2:
        yield f"{len(made)} guesses, expected at least two"
    for name in {**made, **shown}:
        if (made[name], shown[name]) != (1, 1):
            yield f"{name} is guessed {made[name]} times and revealed {shown[name]} times, expected once each"
        elif min(c.position for c in reveals if c.first == name) <= max(c.position for c in guesses if c.first == name):
            yield f"{name} is not revealed in a later cell than it is guessed"
        if not str(name).startswith(f"{page.number}."):
            yield f"{name} does not begin with {page.number}."
    for call in guesses:
        given = call.node.args[1:2]
        if given and isinstance(given[0], ast.Constant) and given[0].value not in (None, ...):
            yield f"{place(page, call.position)}: the guess is not left to the learner"


def quiz_faults(page: Page) -> Iterator[str]:
    found = [section for section in page.sections if section.title == "Quiz"]
    if len(found) != 1:
        yield f"{len(found)} sections called Quiz, expected one"
        return
    try:
        yield from (f"quiz: {fault}" for fault in quizzes.find_faults(quizzes.read_quiz(page.section("Quiz"))))
    except InputError as error:
        yield f"quiz: {error}"


# End matter and links


def end_faults(page: Page) -> Iterator[str]:
    titles = Counter(section.title for section in page.sections)
    for title in END_MATTER:
        if title != "Quiz" and titles[title] != 1:
            yield f"{titles[title]} sections called {title}, expected one"
    tallied = [call.first for call in page.calls("tally")]
    if tallied != [page.number]:
        yield f'tally called with {tallied}, expected once with "{page.number}"'


def keys(text: str) -> set[str]:
    """The keys that a text cites."""
    return {key.strip() for group in CITATION.findall(text) for key in group.split(",")}


def citation_faults(page: Page) -> Iterator[str]:
    known = keys(page.section("Further reading")) & page.references
    if len(known) < 2:
        yield f"{len(known)} works cited in Further reading, expected at least two"
    for key in sorted(keys(page.text) - page.references):
        yield f"{key} is cited and not in references.bib"


def glossary_faults(page: Page) -> Iterator[str]:
    for anchor in sorted(set(re.findall(r"glossary\.md#([^)\s]+)", page.text)) - page.terms):
        yield f"{anchor} is linked and not in glossary.md"


def number_faults(page: Page) -> Iterator[str]:
    """Numbers in the prose that nothing shows: in their own section, or anywhere for the head and the end matter."""
    names = {exercise.id for exercise in page.exercises}
    everything = list(page.code.values())
    for section in page.sections:
        if section.title == "Quiz":  # wrong options may name wrong numbers
            continue
        is_overview = section.title in ("", *END_MATTER)
        cells = everything if is_overview else [cell for cell in section.cells if cell.cell_type == "code"]
        shown = [(cell.source, output_text(cell)) for cell in cells]
        prose = [COST.sub("", cell.source) for cell in section.cells if cell.cell_type == "markdown"]
        for number in unsupported_numbers("\n\n".join(prose), shown, names=names):
            yield f'"{number}" in section "{section.title}" is in no output and no code there'


RULES = (
    title_faults,
    head_faults,
    opening_faults,
    mark_faults,
    cell_faults,
    import_faults,
    output_faults,
    execution_faults,
    exercise_faults,
    guess_faults,
    quiz_faults,
    end_faults,
    citation_faults,
    glossary_faults,
    number_faults,
)


def find_faults(page: Page) -> list[str]:
    """Every fault by every rule."""
    return [fault for rule in RULES for fault in rule(page)]
