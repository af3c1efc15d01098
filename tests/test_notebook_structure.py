"""What every notebook must look like; and each rule seen failing, on a made-up notebook that keeps all of them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from notebook_numbers import figures, stated_numbers, unsupported_numbers
from notebook_page import NOTEBOOKS, ROOT, Page, parse, read_page, term_anchors
from notebook_structure import find_faults

from course_utils.exercises import Exercise, Mistake
from course_utils.notebooks import normalise

Cells = list[NotebookNode]
Change = Callable[[Cells], None]

pytest_plugins = ["pytester"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebooks_keep_the_rules(path):
    assert find_faults(read_page(path)) == []


# A notebook that keeps the rules


def md(source: str) -> NotebookNode:
    return new_markdown_cell(source)


def code(source: str, shown: str = "1", *tags: str, **data: str) -> NotebookNode:
    outputs = [new_output("execute_result", data={"text/plain": shown, **data})] if shown else []
    return new_code_cell(source, outputs=outputs, metadata={"tags": list(tags)} if tags else {})


HEAD = """\
# Weigh the notes

**What you will do.** Weigh. **What you will learn.** To weigh. **What you need.** A scale.

| machine, two cores | you | memory |
| --- | --- | --- |
| about 60 seconds | about 40 minutes | about 1.5 GiB |"""
RECALL = "<details><summary>What is a note?</summary>\n\nA sheet.\n\n</details>\n\n"
MISTAKES = (Mistake(10, "Too much."), Mistake(20, "Far too much."), Mistake(-1, "Less than nothing."))
EXERCISES = tuple(
    Exercise(f"04.{n}", f"Number {n}", kind, f"answer_{n} = ...  # choose\n", n, MISTAKES)
    for n, kind in enumerate(("recall", "apply", "transfer", "apply"), start=1)
)


def exercise_cells(exercise: Exercise) -> Cells:
    name = exercise.name
    return [
        md(f"### Exercise {exercise.id}: {exercise.title}"),
        code(f'{exercise.stub}\ncheck("{exercise.id}", {name})'),
        md("<details><summary>Hint</summary>\n\nCount.\n\n</details>\n\nThe solution is folded."),
        code(f'{name} = {exercise.reference}\ncheck_solution("{exercise.id}", {name})', "passes", "hide-cell"),
    ]


def guess_cells(name: str) -> Cells:
    return [
        md("Guess first."),
        code(f'guess("04.{name}", None, question="weight")'),
        md("Now look."),
        code(f'weight = 3\nreveal("04.{name}", weight)'),
    ]


def quiz(*right: int) -> str:
    blocks = ["## Quiz"]
    for label, place in enumerate(right, start=1):
        blocks.append(f"**{label}. Which number is meant by question {label}?**")
        for option in range(3):
            verdict = "Right" if option == place else "No"
            why = "It is so for a good reason, given above."
            blocks.append(f"<details><summary>Option {option} with 7.77</summary>\n\n{verdict}. {why}\n\n</details>")
    return "\n\n".join(blocks)


def good_cells() -> Cells:
    return [
        md(HEAD),
        md(3 * RECALL),
        md("## Set up\n\nAll imports."),
        code("import math\n\nSEED = 0\nmath.pi", "3.141592653589793"),
        md("## Weigh\n\n*Core, 10 minutes.* A half is 0.50 or 50 %: see [loss](glossary.md#term-loss) {cite:p}`guo`."),
        code("half = 1 / 2\nhalf", "0.5"),
        *guess_cells("first"),
        *guess_cells("second-one"),
        md("## Practise\n\n*second reading*"),
        *(cell for exercise in EXERCISES for cell in exercise_cells(exercise)),
        md("## Summary\n\n- A half is 0.5."),
        code('tally("04")'),
        md(quiz(0, 1, 2, 1)),
        md("## Further reading\n\n{cite:t}`guo` and {cite:p}`vaswani, devlin`."),
        md("## For instructors\n\nAbout 10 minutes each."),
    ]


def make_page(change: Change | None = None, **fields: object) -> Page:
    cells = good_cells()
    if change:
        change(cells)
    code_cells = [cell for cell in cells if cell.cell_type == "code"]
    for count, cell in enumerate(code_cells, start=1):
        cell.execution_count = count
    notebook = new_notebook(cells=cells)
    normalise(notebook)
    terms, references = frozenset({"term-loss"}), frozenset({"guo", "vaswani", "devlin"})
    return replace(Page("04", notebook, EXERCISES, terms, references), **fields)


def test_the_made_up_notebook_keeps_the_rules():
    assert find_faults(make_page()) == []


# Changes that break them


def where(cells: Cells, text: str) -> int:
    (position,) = [i for i, cell in enumerate(cells) if text in cell.source]
    return position


def swap(old: str, new: str) -> Change:
    """Replace a text in the one cell that holds it."""

    def change(cells: Cells) -> None:
        cell = cells[where(cells, old)]
        cell.source = cell.source.replace(old, new)

    return change


def drop(text: str) -> Change:
    return lambda cells: cells.pop(where(cells, text)) and None


def before(text: str, *added: NotebookNode) -> Change:
    def change(cells: Cells) -> None:
        position = where(cells, text)
        cells[position:position] = added

    return change


def shown(text: str, **data: str) -> Change:
    """A cell with this output."""
    return before("## Practise", md("See."), code("thing", text, **data))


def failed(*tags: str) -> Change:
    cell = code("1 / 0", "", *tags)
    cell.outputs = [new_output("error", ename="ZeroDivisionError", evalue="division by zero", traceback=["Oh"])]
    return before("## Practise", md("See."), cell)


def tagged(text: str, *tags: str) -> Change:
    def change(cells: Cells) -> None:
        cells[where(cells, text)].metadata = NotebookNode(tags=list(tags))

    return change


def data_cell(num_lines: int) -> NotebookNode:
    rows = "".join(f'    ("row", {row}),\n' for row in range(num_lines - 2))
    return code(f"ROWS = [\n{rows}]", "")


def long_cell(num_lines: int) -> NotebookNode:
    return code("\n".join("half += half" for _ in range(num_lines)))


HALF = "cell 6 (`half = 1 / 2`)"


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        # Head
        (before("# Weigh the notes", md("Welcome.")), ["the first cell does not begin with the title"]),
        (before("## Practise", md("# Second title")), ["2 titles, expected one"]),
        (
            before("## Practise", md("And now:\n\n## Another section")),
            ["cell 15 (`And now:`): a title or section does not begin its cell"],
        ),
        (swap("What you will learn", "Aims"), ['the head does not say "What you will learn"']),
        (swap("What you need", "Needed"), ['the head does not say "What you need"']),
        (
            swap("| about 60 seconds", "| a moment"),
            [
                "the head has no table | machine … seconds | you … minutes | memory … GiB |",
                '"1.5" in section "" is in no output and no code there',  # in the table it needs no support
            ],
        ),
        (swap("about 60 seconds", "60 seconds, or 91 seconds"), ["the head states 91 seconds, expected at most 90"]),
        (
            lambda cells: cells.__setitem__(1, md(2 * RECALL)),
            ["2 questions with folded answers before the first code cell, expected three"],
        ),
        (
            swap("*second reading*", "Read twice."),
            ['section "Practise" does not begin with *core* or *second reading*'],
        ),
        (
            swap("*Core, 10 minutes.* A half", "A half"),
            ['section "Weigh" does not begin with *core* or *second reading*'],
        ),
        # Cells
        (before("half = 1 / 2", code("SEED + 1")), [f"{HALF.replace('6', '7')}: no prose before it"]),
        (swap("half = 1 / 2\n", "half = 1 /\n"), ["cell 6 (`half = 1 /`): the source cannot be parsed"]),
        (
            before("## Practise", md("See."), long_cell(25)),
            ["cell 16 (`half += half`): 25 lines, expected at most 24"],
        ),
        (before("## Practise", md("See."), code("half += half", "")), ["cell 16 (`half += half`): shows nothing"]),
        (
            swap("half = 1 / 2\n", "import sys\nhalf = 1 / 2\n"),
            ["cell 6 (`import sys`): imports, expected only in the first code cell"],
        ),
        (
            swap("half = 1 / 2\n", "def f():\n    from a import b\nhalf = 1 / 2\n"),
            ["cell 6 (`def f():`): imports, expected only in the first code cell"],
        ),
        (
            tagged("half = 1 / 2", "standalone"),
            [f"{HALF}: standalone, expected at most one such cell, in ['05', '06', '07']"],
        ),
        # Outputs
        (shown("<Figure>", **{"image/png": "aGVsbG8="}), ["cell 16 (`thing`): an image without alternative text"]),
        (failed(), ["cell 16 (`1 / 0`): an error in its output"]),
        (shown("see /home/anna/notes.txt"), ["cell 16 (`thing`): an absolute path in its output"]),
        (shown("C:\\Users\\anna"), ["cell 16 (`thing`): an absolute path in its output"]),
        (shown("at http://box:8888/"), ["cell 16 (`thing`): the address of a host in its output"]),
        (shown("at 127.0.0.1"), ["cell 16 (`thing`): the address of a host in its output"]),
        # Exercises
        (
            lambda cells: [drop(text)(cells) for text in ('check("04.2"', 'check_solution("04.2"')] and None,
            ["exercise 04.2 is checked 0 times, expected once"],
        ),
        (
            before("## Summary", md("Again."), code('check("04.2", 2)')),
            ["exercise 04.2 is checked 2 times, expected once"],
        ),
        (
            swap("answer_2 = ...  # choose", "answer_2 = 2  # choose"),
            ["cell 21 (`answer_2 = 2  # choose`): exercise 04.2 has another stub"],
        ),
        (
            before("## Summary", md("More."), code('check("04.9", 2)')),
            ['cell 33 (`check("04.9", 2)`): 04.9 is no exercise of this notebook'],
        ),
        (
            drop('check_solution("04.4"'),
            ["exercise 04.4: the next code cell is not its solution, tagged hide-cell"],
        ),
        (
            tagged('check_solution("04.3"', "solution"),
            ["exercise 04.3: the next code cell is not its solution, tagged hide-cell"],
        ),
        (
            before("answer_1 = 1", code("half"), md("So.")),
            ["exercise 04.1: the next code cell is not its solution, tagged hide-cell"],
        ),
        # Guesses
        (
            drop('reveal("04.first"'),
            ["04.first is guessed 1 times and revealed 0 times, expected once each"],
        ),
        (
            swap('guess("04.first", None', 'guess("04.third", None'),
            [
                "04.third is guessed 1 times and revealed 0 times, expected once each",
                "04.first is guessed 0 times and revealed 1 times, expected once each",
            ],
        ),
        (
            lambda cells: cells.insert(5, cells.pop(where(cells, 'reveal("04.first"'))) or cells.insert(6, md("See.")),
            ["04.first is not revealed in a later cell than it is guessed"],
        ),
        (
            lambda cells: [swap("04.first", "05.first")(cells[i : i + 1]) for i in (7, 9)] and None,
            ["05.first does not begin with 04."],
        ),
        (
            swap('"04.first", None', '"04.first", 3'),
            ['cell 8 (`guess("04.first", 3, question="weight")`): the guess is not left to the learner'],
        ),
        (
            lambda cells: [drop(text)(cells) for text in ('guess("04.first"', 'reveal("04.first"')] and None,
            ["1 guesses, expected at least two"],
        ),
        # Quiz
        (drop("## Quiz"), ["0 sections called Quiz, expected one"]),
        (
            lambda cells: cells.__setitem__(where(cells, "## Quiz"), md(quiz(1, 1, 1, 2))),
            ["quiz: option 2 is right in 3 of 4 questions: change the places"],
        ),
        (
            lambda cells: cells.__setitem__(where(cells, "## Quiz"), md("## Quiz\n\nNone.")),
            ["quiz: questions must be lines **1. Text?**, **2. Text?** and so on, got numbers []."],
        ),
        # End matter and links
        (drop("## For instructors"), ["0 sections called For instructors, expected one"]),
        (before("## Summary", md("## Summary\n\nTwo.")), ["2 sections called Summary, expected one"]),
        (swap('tally("04")', 'tally("05")'), ["tally called with ['05'], expected once with \"04\""]),
        (drop('tally("04")'), ['tally called with [], expected once with "04"']),
        (swap("`vaswani, devlin`", "`guo`"), ["1 works cited in Further reading, expected at least two"]),
        (swap("{cite:p}`guo`", "{cite:p}`guo, smith`"), ["smith is cited and not in references.bib"]),
        (swap("#term-loss", "#term-lost"), ["term-lost is linked and not in glossary.md"]),
        # Numbers
        (swap("0.50 or", "0.51 or"), ['"0.51" in section "Weigh" is in no output and no code there']),
        (swap("50 %", "55 %"), ['"55 %" in section "Weigh" is in no output and no code there']),
        (
            swap("*second reading*", "*second reading* A half is 0.5."),
            ['"0.5" in section "Practise" is in no output and no code there'],
        ),
        (swap("- A half is 0.5.", "- It is 0.7."), ['"0.7" in section "Summary" is in no output and no code there']),
        (swap("A scale.", "A scale of 2.5 kg."), ['"2.5" in section "" is in no output and no code there']),
    ],
)
def test_a_rule_that_is_broken_is_seen_and_no_other(change, faults):
    assert find_faults(make_page(change)) == faults


@pytest.mark.parametrize(
    "change",
    [
        before("## Practise", md("Data."), data_cell(40)),
        before("## Practise", md("See."), long_cell(24)),
        lambda cells: cells.__setitem__(3, code("import math\n" + "\n".join(f"A{i} = {i}" for i in range(30)))),
        before("answer_1 = 1", code("half", "1", "hide-cell"))
        if False
        else shown("<Figure>", **{"text/html": "<img>"}),
        failed("raises-exception"),
        shown("and/or 1.2.3, 'http://example.org/home', a/b/tmp/c, <cell>"),
        swap("10 minutes each", "`0.77` of [that](x-9.9.ipynb), Python 3.11, exercise 04.1, in 2017, 30,522 words"),
    ],
)
def test_what_the_rules_allow(change):
    assert find_faults(make_page(change)) == []


def test_an_image_with_its_alternative_text_is_no_fault():
    page = make_page(shown("<Figure>", **{"image/png": "aGVsbG8="}))
    page.cells[15].metadata.mystnb = NotebookNode(image=NotebookNode(alt="A square."))
    assert find_faults(page) == []


@pytest.mark.parametrize(
    ("exercises", "faults"),
    [
        (EXERCISES[:3], ["3 exercises, expected at least 4"]),
        (
            tuple(replace(one, kind="apply") for one in EXERCISES),
            ["no exercise of kind recall", "no exercise of kind transfer"],
        ),
    ],
)
def test_exercises_that_are_too_few_or_of_one_kind(exercises, faults):
    page = make_page(exercises=exercises)
    assert [fault for fault in find_faults(page) if "is no exercise of this" not in fault] == faults


def test_the_first_notebook_may_have_three_exercises_no_questions_and_no_marks():
    def first(cells: Cells) -> None:
        for cell in cells:
            cell.source = cell.source.replace('"04.', '"00.').replace('"04"', '"00"')
        cells[1:2] = []
        swap("*second reading*", "Now.")(cells)

    exercises = tuple(replace(one, id=one.id.replace("04", "00")) for one in EXERCISES)
    assert find_faults(make_page(first, number="00", exercises=exercises)) == []
    page = make_page(first, number="00", exercises=exercises[:3])
    assert [fault for fault in find_faults(page) if "expected at least" in fault] == []


def test_the_long_notebooks_may_take_two_minutes():
    longer = swap("about 60 seconds", "about 120 seconds")
    faults = {number: find_faults(make_page(longer, number=number)) for number in ("04", "05", "06", "11")}
    stated = {number: [fault for fault in found if "seconds" in fault] for number, found in faults.items()}
    assert stated == {"04": ["the head states 120 seconds, expected at most 90"], "05": [], "06": [], "11": []}


@pytest.mark.parametrize(
    ("source", "count", "faults"),
    [
        ("import torch\n" + "half += half\n" * 59, 1, []),
        ("import torch\n" + "half += half\n" * 60, 1, ["61 lines, expected at most 60"]),
        ("import course_utils", 1, ["standalone, yet it names course_utils"]),
        ("import torch", 2, 2 * ["standalone, expected at most one such cell, in ['05', '06', '07']"]),
    ],
)
def test_a_cell_that_stands_alone(source, count, faults):
    cells = [cell for _ in range(count) for cell in (md("Without."), code(source, "1", "standalone"))]
    found = find_faults(make_page(before("## Practise", *cells), number="05"))
    assert [fault.partition(": ")[2] for fault in found if "(`import " in fault] == faults


@pytest.mark.parametrize("change", ["count", "missing", "source"])
def test_a_notebook_that_was_not_executed_as_it_stands_is_seen(change):
    page = make_page()
    if change == "source":
        page.cells[5].source += "  # later"
        assert find_faults(page) == ["not as `make notebooks` writes it: a source has changed since"]
        return
    page.cells[5].execution_count = 7 if change == "count" else None
    assert find_faults(page) == ["not executed from top to bottom"]


# Numbers


@pytest.mark.parametrize(
    ("prose", "output", "unsupported"),
    [
        ("0.69", "0.693", []),
        ("0.69", "0.685", []),
        ("0.69", "0.6951", ["0.69"]),
        ("0.693", "0.69", ["0.693"]),
        ("5 %", "0.05", []),
        ("5 %", "0.0549", []),
        ("5 %", "0.056", ["5 %"]),
        ("5%", "5", []),
        ("12.5 per cent", "0.125", []),
        ("0.95", "95 %", []),
        ("0.95", "95", ["0.95"]),
        ("22.7 million", "22,713,986", []),
        ("22.8 million", "22_713_986", ["22.8 million"]),
        ("a rate of 3e-4", "0.0003", []),
        ("a rate of 3e-4", "0.0004", ["3e-4"]),
        ("a gap of -0.5", "[-0.5]", []),
        ("$p = 0.25$ and $50\\,\\%$", "0.25", ["50 %"]),
        ("between 0.1 and 0.2.", "0.1", ["0.2"]),
        ("In 2017, 24 notes, 30,522 pieces, 3 of 4", "", []),
        ("`0.5` {cite:p}`a0.5` [a](b-0.5) <img alt='0.5'> Python 3.11 and 02.5", "", []),
        ("```\n0.5\n```\n\n0.6", "", ["0.6"]),
        ("exercise 10.2", "", []),
        ("p < 0.05 and q > 0.1", "", ["0.05", "0.1"]),
        ("[0.1,0.2] and 2.5GiB in 1.2.3", "", ["0.1", "0.2", "2.5"]),
        ("one ` and\n\n0.3 `x`", "", ["0.3"]),
        ("0.5", "x1 == 0.5", []),
    ],
)
def test_numbers_in_prose_and_the_figures_that_support_them(prose, output, unsupported):
    assert unsupported_numbers(prose, [("", output)], names={"10.2"}) == unsupported


def test_a_comment_supports_nothing_and_the_code_beside_it_does():
    assert unsupported_numbers("0.25 and 0.75", [("x = 0.25  # of 0.75", "")]) == ["0.75"]
    assert unsupported_numbers("0.25", [("x = (0.25", "")]) == []  # what cannot be parsed is another rule's


def test_values_of_numbers():
    (number,) = stated_numbers("1.5 million")
    assert (number.value, number.tolerance, number.is_percentage) == (1_500_000, 50_000, False)
    assert list(figures("1e-3, 30_522 and 5 %")) == [(0.001, False), (30522, False), (5, True)]


def test_anchors_of_terms_are_those_of_the_book():
    from sphinx.util.nodes import _make_id  # what Sphinx's glossary calls

    terms = ["fine-tuning", "entity F1", "WordPiece", "WordPiece 2.0", "n-gram model"]
    anchors = term_anchors("```{glossary}\n" + "".join(f"{term}\n    Text.\n\n" for term in terms) + "```\n")
    assert anchors == {f"term-{_make_id(term)}" for term in terms}


def test_a_page_knows_what_its_text_may_refer_to():
    page = read_page(ROOT / "notebooks" / "00_start_here.ipynb")
    assert [exercise.id for exercise in page.exercises] == ["00.1", "00.2", "00.3"]
    assert "term-WordPiece" in page.terms and "vaswani2017attention" in page.references
    assert parse("x = ") is None


# How the suite runs them: conftest.py beside this folder


def notebook(path: Path, source: str, *, seconds: int, shown: str = "") -> None:
    cells = [md(HEAD.replace("60 seconds", f"{seconds} seconds")), code(source, shown)]
    cells[1].execution_count = 1
    nbformat.write(new_notebook(cells=cells), path)


@pytest.fixture
def course(pytester: pytest.Pytester) -> Path:
    """A folder with the course's own conftest.py and an empty folder of notebooks."""
    pytester.makeconftest((ROOT / "conftest.py").read_text("utf-8"))
    head = pytester.mkdir("tests") / "notebook_head.py"
    head.write_text((ROOT / "tests" / "notebook_head.py").read_text("utf-8"), "utf-8")
    return pytester.mkdir("notebooks")


def run_notebooks(pytester: pytest.Pytester, *names: str) -> pytest.RunResult:
    options = ["--nbval", "--nbval-current-env", "-n", "2", "--dist", "loadfile", "-p", "no:cacheprovider"]
    return pytester.runpytest_subprocess(*options, *(names or ["notebooks"]))


@pytest.mark.slow
def test_a_notebook_that_runs_longer_than_three_times_what_it_states_fails_the_suite(pytester, course):
    notebook(course / "slow.ipynb", "import time\ntime.sleep(3.1)", seconds=1)
    notebook(course / "quick.ipynb", "import time\ntime.sleep(3.1)", seconds=60)
    nbformat.write(new_notebook(cells=[code("silent = 1", "")]), course / "free.ipynb")  # states nothing

    done = run_notebooks(pytester)

    done.assert_outcomes(passed=3, errors=1)
    done.stdout.fnmatch_lines(["slow.ipynb ran for 3 s and states 1: its ceiling is 3 times that."])


@pytest.mark.slow
@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_notebooks_run_in_any_order_since_each_has_a_state_of_its_own(pytester, course, order):
    source = (
        "import os\nfrom pathlib import Path\nstate = Path(os.environ['COURSE_STATE'])\n"
        "state.mkdir(exist_ok=True)\nbefore = os.listdir(state)\n(state / 'left').touch()\nbefore"
    )
    for name in order:
        notebook(course / f"{name}.ipynb", source, seconds=60, shown="[]")
    run_notebooks(pytester, *(f"notebooks/{name}.ipynb" for name in order), "-n", "0").assert_outcomes(passed=2)


@pytest.mark.slow
def test_a_notebook_that_leaves_a_file_behind_fails_the_suite(pytester, course):
    (course / "index.md").touch()
    notebook(course / "untidy.ipynb", "open('left.txt', 'w').close()", seconds=60)

    done = run_notebooks(pytester, "-n", "0")

    done.assert_outcomes(passed=1, errors=1)
    done.stdout.fnmatch_lines(["untidy.ipynb ran, and left behind: left.txt."])
