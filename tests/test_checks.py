"""Checking answers, what is shown, what is remembered."""

import csv
import errno
import html.parser
import io
import json
import math
import os
import subprocess
import sys
from collections import Counter, UserDict
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
import torch
from nbformat.v4 import new_code_cell, new_notebook

from course_utils import checks, notebooks
from course_utils.checks import posttest_questions, pretest_questions
from course_utils.checks.cards import Card, Table, number
from course_utils.checks.comparison import describe, find_difference, plain
from course_utils.checks.grading import grade
from course_utils.checks.journal import JOURNAL
from course_utils.checks.quizzes import Option, Question, find_faults, read_quiz
from course_utils.checks.reports import summarise
from course_utils.errors import InputError
from course_utils.exercises import Exercise, Mistake, all_exercises, find_exercise


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch) -> Path:
    """A learner who has just arrived; the file of results, which does not exist yet."""
    monkeypatch.setenv("COURSE_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(JOURNAL, "session", [])
    monkeypatch.setattr(JOURNAL, "complained", False)
    return tmp_path / "state" / "progress.jsonl"


def records(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def double(value):
    return 2 * value


DOUBLE = Exercise(
    id="99.1",
    title="Twice as much",
    kind="apply",
    stub="def double(value):\n    ...\n",
    reference=double,
    cases=lambda random: [(1.0,), (2.0,), (random.uniform(3, 4),)],
    mistakes=(
        Mistake(lambda value: value, "You give back what came in."),
        Mistake(lambda value: value**2, "You square."),
        Mistake(lambda value: 7, "You give a constant.", recognise=lambda got, expected: got == 7 or math.isnan(got)),
        Mistake(lambda value: value + "x", "You add a text."),
    ),
)


def seen(answer: object, exercise: Exercise = DOUBLE) -> str:
    verdict = grade(exercise, answer)
    assert verdict.state == "tried"
    return verdict.seen


# Comparison


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (1, 1.0),
        (True, 1),
        (np.float32(0.5), 0.5),
        (torch.tensor(0.5), 0.5),
        (torch.nn.Parameter(torch.ones(2)), [1.0, 1.0]),
        (torch.tensor([0.1], dtype=torch.bfloat16), [0.10009765625]),
        ([torch.tensor([1, 2]), (3, 4)], np.array([[1, 2], [3, 4]])),
        (range(3), [0, 1, 2]),
        (pd.Series([1, 2]), [1, 2]),
        (pd.Series(["a", "b"]), ["a", "b"]),
        (np.array(["a", "b"]), ("a", "b")),
        (np.str_("a"), "a"),
        ([], np.zeros(0)),
        ([[1], [2, 3]], [[1], [2, 3]]),
        (UserDict(a=torch.ones(2)), {"a": [1, 1]}),
        (math.nan, math.nan),
        ([math.inf, -math.inf], torch.tensor([math.inf, -math.inf])),
        (10**30, 10**30),
        (None, None),
    ],
)
def test_equal_values_of_any_kind(got, expected):
    assert find_difference(plain(got), plain(expected), 1e-6) is None
    assert find_difference(plain(expected), plain(got), 1e-6) is None


@pytest.mark.parametrize(
    ("got", "expected", "kind", "text"),
    [
        (1, 2, "value", "expected 2, got 1"),
        (math.nan, 2.5, "value", "expected 2.5, got nan"),
        (2 * math.inf, -math.inf, "value", "expected -inf, got inf"),
        (0, True, "value", "expected True, got 0"),
        (1 / 3, 0.33333, "value", "expected 0.33333, got 0.3333333"),
        ([[1, 2], [3, 4]], [[1, 2], [0, 0]], "value", "at [1, 0] expected 0, got 3; 2 of 4 numbers differ"),
        ([1, 2], [[1], [2]], "shape", "expected shape (2, 1), got (2,)"),
        ([], [0, 2.5], "value", "expected [0, 2.5], got []"),
        ([0, 1, True], [True], "value", "expected [True], got [0, 1, 1]"),
        (list(range(9)), [1], "shape", "expected shape (1,), got (9,)"),
        (0, None, "value", "expected None, got 0"),
        ("a", None, "type", "expected None, got a text"),
        ("cafe\u0301", "caf\u00e9", "value", r"expected 'caf\xe9', got 'cafe\u0301'"),
        ("a\u00a0b", "a b", "value", r"expected 'a b', got 'a\xa0b'"),
        ("a\u00a0c", "a b", "value", "expected 'a b', got 'a\\xa0c'"),
        (1, [1], "shape", "expected numbers of shape (1,), got a number"),
        ([True], False, "shape", "expected True or False, got numbers of shape (1,)"),
        ("a", "b", "value", "expected 'b', got 'a'"),
        ("1", 1, "type", "expected a number, got a text"),
        (1, "1", "type", "expected a text, got a number"),
        (None, "a", "type", "expected a text, got None"),
        (..., 1, "type", "expected a number, got `...`"),
        ({1}, 1, "type", "expected a number, got something of type set"),
        (["a"], ["a", "b"], "shape", "expected a list of 2, got a list of 1"),
        (["a", "c"], ["a", "b"], "value", "item 1: expected 'b', got 'c'"),
        (["a", [1, 2]], ["a", [1, 3]], "value", "item 1: at [1] expected 3, got 2; 1 of 2 numbers differ"),
        ({"a": 1}, {"a": 2}, "value", "item 'a': expected 2, got 1"),
        (["a", [{"b": "c"}]], ["a", [{"b": "d"}]], "value", "item 1, item 0, item 'b': expected 'd', got 'c'"),
        ({"b": 1}, {"a": 1, "c": 2}, "shape", "expected the keys 'a', 'c', got 'b'"),
        ({}, {"a": 1}, "shape", "expected the keys 'a', got none"),
        (1 + 2j, 1.0, "type", "expected a number, got something of type complex"),
    ],
)
def test_a_difference_is_said_precisely(got, expected, kind, text):
    difference = find_difference(plain(got), plain(expected), 1e-6)
    assert (difference.kind, difference.text) == (kind, text)


def test_the_tolerance_is_relative_and_absolute():
    assert find_difference(plain(1000.5), plain(1000.0), 1e-3) is None
    assert find_difference(plain(0.0005), plain(0.0), 1e-3) is None
    assert find_difference(plain(0.5), plain(0.0), 1e-3) is not None
    assert find_difference(plain(1.0), plain(1.0 + 1e-12), 0.0) is not None


def test_functions_and_classes_are_named_so():
    assert (describe(len), describe(int), describe({"a": 1})) == ("a function", "a class", "a dictionary")


# Grading


@pytest.mark.parametrize(
    "answer",
    [
        None,
        ...,
        [None, ...],
        {"a": None},
        lambda value: None,
        lambda value: ...,
        lambda value: ... @ value,
        lambda value: torch.softmax(..., dim=-1),
        lambda value: (...).shape,
        lambda value: np.exp(...),
    ],
)
def test_what_is_not_attempted(answer):
    assert grade(DOUBLE, answer).state == "not attempted"


def test_a_function_that_says_that_it_is_not_implemented_is_not_attempted():
    def todo(value):
        raise NotImplementedError

    assert grade(DOUBLE, todo).state == "not attempted"


def test_a_function_that_computes_but_returns_nothing_is_told_so_and_a_stub_is_not():
    def forgot(value):
        value = 2 * value

    def stub(value):
        """With a text of its own."""

    assert grade(DOUBLE, forgot).seen == "The function returns None. If you have written it, its `return` is missing."
    assert grade(DOUBLE, forgot).state == "not attempted"
    assert grade(DOUBLE, stub).seen == grade(DOUBLE, lambda value: ...).seen == ""


def test_a_function_that_returns_nothing_only_sometimes_was_attempted():
    text = seen(lambda value: 2 * value if value < 2 else None)
    assert text.startswith("Case 2 of 3, `double(value=2.0)`: expected a number, got None. ")
    assert text.endswith('`case_inputs("99.1", 2)` of `course_utils.checks` gives you these inputs.')


@pytest.mark.parametrize("answer", [double, lambda value: torch.tensor(2 * value), lambda value: np.float64(value) * 2])
def test_the_kind_of_number_does_not_matter(answer):
    assert (grade(DOUBLE, answer).state, grade(DOUBLE, answer).seen) == ("passed", "3 of 3 cases.")


class Doubler(torch.nn.Module):
    def forward(self, value):
        return 2 * value


def test_anything_that_can_be_called_is_a_function():
    assert grade(DOUBLE, Doubler()).state == "passed"
    assert grade(DOUBLE, lambda *values: 2 * values[0]).state == "passed"


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda value: value, "You give back what came in."),
        (lambda value: value * value, "You square."),
        (lambda value: 7, "You give a constant."),
        (lambda value: math.nan, "You give a constant."),
        (lambda value: "x" + value, ""),  # another message than that of the mistake
        (lambda value: value + "x", "You add a text."),
        (lambda value: [7, 7], ""),  # the predicate sees only numbers of the expected shape
        (lambda value: value if value < 3 else 7, ""),  # one mistake in some cases, another elsewhere
        (lambda value: 2 * value if value < 3 else 7, "You give a constant."),
    ],
)
def test_known_mistakes_get_their_hint(answer, hint):
    verdict = grade(DOUBLE, answer)
    assert (verdict.state, verdict.hint) == ("tried", hint)
    assert ("case_inputs" in verdict.seen) == (hint == "")


def test_where_two_mistakes_fit_the_first_one_speaks():
    both = (Mistake(lambda value: value, "first"), Mistake(lambda value: value + 0, "second"), *DOUBLE.mistakes[1:])
    exercise = Exercise("99.2", "Order", "apply", DOUBLE.stub, double, both, DOUBLE.cases)
    assert grade(exercise, lambda value: value).hint == "first"
    turned = Exercise("99.2", "Order", "apply", DOUBLE.stub, double, both[::-1], DOUBLE.cases)
    assert grade(turned, lambda value: value).hint == "second"


def test_an_exception_becomes_one_line_with_the_line_of_the_learner():
    def fails(value):
        return [value][len("a  b")]

    assert seen(fails).startswith(
        "Case 1 of 3, `double(value=1.0)`: your function raised IndexError: list index out of range at "
        '`return [value][len("a  b")]`.'
    )


def test_long_messages_are_cut_and_addresses_and_line_breaks_removed():
    def fails(value):
        raise ValueError(f"first\nsecond {object()!r}" + 300 * "x")

    text = seen(fails)
    assert "ValueError: first second <object object at 0x...>xxx" in text and " ... at `raise" in text
    assert len(text) < 500 and "\n" not in text


def test_an_exception_without_a_message_and_one_from_a_call_that_does_not_fit():
    def fails(value):
        raise KeyError

    assert "your function raised KeyError at `raise KeyError`." in seen(fails)
    assert "your function raised TypeError: " in seen(lambda: 1) and "takes 0 positional arguments" in seen(lambda: 1)


def test_an_interrupt_is_not_swallowed():
    def stopped(value):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        grade(DOUBLE, stopped)


def test_results_that_cannot_be_compared_are_like_exceptions():
    def endless(value):
        result = []
        result.append(result)
        return [1, result]

    assert "your function raised RecursionError" in seen(endless)
    sparse = torch.eye(2).to_sparse()
    assert "your function raised TypeError" in seen(lambda value: sparse)
    assert seen(sparse, find_exercise("00.1")).startswith("This answer cannot be compared with anything: TypeError")
    assert seen(sparse).startswith("This answer cannot be compared with anything: TypeError")


def test_a_value_in_place_of_a_function_and_the_other_way_round():
    assert (
        seen(4.0)
        == 'Expected a function, got a number. Give the function itself, without brackets: `check("99.1", double)`.'
    )
    assert seen(double, find_exercise("00.1")) == (
        "Expected a value, got a function. Call it, and give what it returns."
    )


def test_a_value_that_is_wrong_does_not_give_the_right_one_away():
    exercise = find_exercise("00.1")
    verdict = grade(exercise, 0.61)
    assert (verdict.state, verdict.seen, verdict.hint) == ("tried", "Not this one.", "")
    assert grade(exercise, "0.6").seen == "Expected a number, got a text."
    assert grade(exercise, [0.6]).seen == "Expected a number, got numbers of shape (1,)."
    assert grade(exercise, 60.0).hint == grade(exercise, 33).hint == "Accuracy is a share, so it lies between 0 and 1."
    assert grade(exercise, torch.tensor(0.6)).state == "passed"


def test_functions_get_copies_and_hear_when_they_write_into_them():
    def in_place(scores, mask):
        scores[~mask] = -math.inf
        return scores.softmax(dim=-1)

    verdict = grade(find_exercise("02.5"), in_place)
    assert verdict.state == "passed"
    assert verdict.seen == "5 of 5 cases. But your function writes into `scores`, which belongs to its caller."
    # The hint for a function that spoils its input comes from the unspoilt one.
    assert grade(find_exercise("02.5"), lambda scores, mask: scores.zero_().softmax(-1)).hint == ""


def count(array, words, kind, score):
    return len(words)


def test_long_inputs_are_shown_by_their_shape_or_kind():
    mistakes = tuple(Mistake(lambda *inputs, n=n: n, f"{n}") for n in range(3))
    stub = "def count(array, words, kind, score):\n    ...\n"
    cases = lambda random: [(np.zeros((5, 6)), 20 * ["word"], "x", len)]  # noqa: E731
    exercise = Exercise("99.3", "Count", "recall", stub, count, mistakes, cases)
    call = "`count(array=<shape (5, 6)>, words=<a list of 20>, kind='x', score=<a function>)`"
    where = '`case_inputs("99.3", 1)` of `course_utils.checks` gives you these inputs.'
    assert seen(lambda *inputs: 1, exercise) == f"Case 1 of 1, {call}: expected 20, got 1. {where}"


@pytest.mark.parametrize(
    ("words", "shown"),
    [(np.array(["by", "ferry"]), "['by', 'ferry']"), (np.array(20 * ["word"]), "<a list of 20>")],
)
def test_an_array_that_does_not_hold_numbers_is_shown_as_a_list(words, shown):
    call = f"`count(array=0.5, words={shown}, kind='x', score=1)`"
    mistakes = tuple(Mistake(lambda *inputs, n=n: n, f"{n}") for n in range(3))
    stub = "def count(array, words, kind, score):\n    ...\n"
    exercise = Exercise(
        "99.3", "Count", "recall", stub, count, mistakes, lambda random: [(np.float64(0.5), words, "x", 1)]
    )
    assert seen(lambda *inputs: 0, exercise).startswith(f"Case 1 of 1, {call}: expected {len(words)}, got 0.")


# Determinism and display


class Parser(html.parser.HTMLParser):
    """Collects tags and text, and notices what is not closed."""

    def __init__(self, source: str):
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.text = ""
        self.feed(source)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.tags[tag] += 1

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data + " "


def test_a_card_says_the_same_as_text_and_as_html():
    card = Card("✗", "Exercise 1: not yet", ('got a < b & `x > "y"`',))
    assert repr(card) == '✗ Exercise 1: not yet\n  got a < b & `x > "y"`'
    source = card._repr_html_()
    parsed = Parser(source)
    assert " ".join(parsed.text.split()) == '✗ Exercise 1: not yet got a < b & x > "y"'
    assert parsed.tags["code"] == 1 and 'role="status"' in source and '<span aria-hidden="true">✗</span>' in source


def test_a_table_says_the_same_as_text_and_as_html():
    table = Table("Caption", ("name", "n"), (("a<b", 10), ("c", 2)), ("`note`",))
    assert repr(table) == "Caption\nname  n\na<b   10\nc     2\n`note`"
    parsed = Parser(table._repr_html_())
    assert parsed.text.split() == ["Caption", "name", "n", "a<b", "10", "c", "2", "note"]
    assert parsed.tags["th"] == 2 and parsed.tags["td"] == 4 and parsed.tags["caption"] == 1


def test_a_table_without_rows_still_has_its_columns():
    assert repr(Table("Caption", ("name", "n"), ())) == "Caption\nname  n"


def test_numbers_as_readers_want_them():
    assert [number(n) for n in (12345, 0.5, 1e-7, 1 / 3, True, "up")] == [
        "12345",
        "0.5",
        "1e-07",
        "0.3333",
        "True",
        "up",
    ]


def test_check_shows_what_came_out_and_is_the_same_each_time(capsys):
    for _ in range(2):
        checks.check("02.4", lambda size: np.tri(size))
        checks.check("02.4", lambda size: ~np.tri(size, dtype=bool))
        checks.check("02.4", None)
    out = capsys.readouterr().out
    assert out[: len(out) // 2] == out[len(out) // 2 :]
    assert out.splitlines()[:4] == [
        "✓ Exercise 02.4, The causal mask: passed",
        "  4 of 4 cases.",
        "✗ Exercise 02.4, The causal mask: not yet",
        "  Case 1 of 4, `causal_mask(size=3)`: at [0, 0] expected True, got False; 9 of 9 numbers differ.",
    ]
    assert out.splitlines()[4].startswith("  Hint: The mask is turned round")
    assert out.splitlines()[5] == "○ Exercise 02.4, The causal mask: not attempted yet"


def test_an_unknown_exercise_is_an_error_for_the_author():
    for call in (lambda: checks.check("02.44", None), lambda: checks.check_solution("02.44", None)):
        with pytest.raises(InputError, match=r'no exercise is called "02\.44": did you mean "02\.4"\?'):
            call()


def test_a_solution_is_shown_but_not_counted_and_a_wrong_one_stops_the_notebook(capsys, state):
    checks.check_solution("02.4", lambda size: np.tri(size))
    assert capsys.readouterr().out == "✓ Exercise 02.4, The causal mask: the solution passes\n"
    with pytest.raises(AssertionError, match=r"the solution of exercise 02\.4 does not pass\. Case 1 of 4.*may look"):
        checks.check_solution("02.4", lambda size: ~np.tri(size, dtype=bool))
    with pytest.raises(AssertionError, match=r"the solution of exercise 02\.4 does not pass\.$"):
        checks.check_solution("02.4", None)
    assert JOURNAL.session == [] and not state.exists()


def test_a_learner_can_get_the_inputs_of_a_case():
    scores, mask = checks.case_inputs("02.5", 1)
    assert scores.shape == mask.shape == (2, 2)
    scores.zero_()
    assert checks.case_inputs("02.5", 1)[0].abs().min() > 0
    with pytest.raises(InputError, match=r"exercise 02\.5 has 5 cases, got case 6\. They are counted from 1"):
        checks.case_inputs("02.5", 6)
    with pytest.raises(InputError, match=r"has 5 cases, got case 0"):
        checks.case_inputs("02.5", 0)
    with pytest.raises(InputError, match=r"exercise 00\.1 has 0 cases"):
        checks.case_inputs("00.1", 1)


@pytest.mark.slow
def test_a_notebook_of_stubs_stores_the_same_outputs_whatever_was_done_before(tmp_path, state):
    stub = find_exercise("02.4").stub
    sources = [
        "from course_utils.checks import *",
        f'{stub}\n\ncheck("02.4", causal_mask)',
        'guess("02.cost", None, question="seconds")',
        'reveal("02.cost", 3)',
        'answer_test("before", {1: None})',
        'tally("02")',
        "question_sheet()",
    ]
    path = tmp_path / "02.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(source) for source in sources]), path)
    notebooks.run(path)
    first = path.read_text("utf-8")
    checks.check("02.4", lambda size: np.tri(size))
    checks.guess("02.cost", 5)
    notebooks.run(path)
    assert path.read_text("utf-8") == first

    outputs = [cell.outputs for cell in nbformat.read(path, as_version=4).cells]
    assert [len(output) for output in outputs] == [0, 1, 1, 1, 1, 1, 1]
    texts = [output[0].data["text/plain"] for output in outputs[1:]]
    assert texts[0] == "○ Exercise 02.4, The causal mask: not attempted yet"
    assert texts[2] == "○ 02.cost: it is 3. There was no guess"
    assert texts[4].startswith("Notebook 02, since the kernel started: 0 of 6 exercises passed")
    assert all("text/html" in output[0].data for output in outputs[1:6]) and "text/markdown" in outputs[6][0].data


# What is remembered


def try_everything() -> None:
    checks.check("02.4", lambda size: ~np.tri(size, dtype=bool))
    checks.check("02.4", lambda size: ~np.tri(size, dtype=bool))
    checks.check("02.4", lambda size: np.tri(size).T)
    checks.check("02.4", lambda size: np.zeros(size))
    checks.check("02.4", lambda size: np.tri(size))
    checks.check("02.4", lambda size: np.ones((size, size)))  # after success: no further attempt is counted
    checks.check("02.1", lambda query, key: query @ key.T)
    checks.check("02.2", lambda scores: None)


def test_progress_counts_attempts_and_different_hints_up_to_the_first_success(state):
    try_everything()
    rows = {row.exercise: row for row in checks.progress().exercises}
    causal, scores, weights = rows["02.4"], rows["02.1"], rows["02.2"]
    assert (causal.state, causal.attempts, causal.hints_seen) == ("passed", 5, 2)
    assert (scores.state, scores.attempts, scores.hints_seen, scores.passed) == ("tried", 1, 1, "")
    assert (weights.state, weights.attempts, weights.first_tried) == ("not attempted", 0, "")
    assert causal.first_tried == records(state)[0]["time"] and causal.passed == records(state)[4]["time"]
    assert len(records(state)) == 7  # what was not attempted is not recorded


def test_progress_is_a_table_with_a_row_for_each_notebook():
    try_everything()
    shown = checks.progress()
    lines = repr(shown).splitlines()
    sizes = Counter(exercise.notebook for exercise in all_exercises().values())
    assert lines[0] == f"Exercises: 1 of {sizes.total()} passed"
    counts = {line.split()[0]: line.split()[1:] for line in lines[2:]}
    assert counts["02"] == ["6", "1", "1", "3"]
    others = {notebook: row for notebook, row in counts.items() if notebook != "02"}
    assert others == {name: [str(size), "0", "0", "0"] for name, size in sizes.items() if name != "02"}
    assert Parser(shown._repr_html_()).tags["tr"] == 1 + len(sizes)


def test_the_csv_has_every_exercise_and_the_times_of_the_records(state):
    try_everything()
    JOURNAL.append("check", exercise="77.1", state="passed", hint="")  # of another version of the course
    rows = list(csv.DictReader(io.StringIO(checks.progress().to_csv())))
    header = ["exercise", "notebook", "state", "attempts", "first_tried", "passed", "hints_seen"]
    assert list(rows[0]) == header
    assert [row["exercise"] for row in rows] == [*all_exercises(), "77.1"]
    times = [record["time"] for record in records(state)]
    by_id = {row["exercise"]: list(row.values()) for row in rows}
    assert by_id["02.4"] == ["02.4", "02", "passed", "5", times[0], times[4], "2"]
    assert by_id["02.1"] == ["02.1", "02", "tried", "1", times[6], "", "1"]
    assert by_id["00.1"] == ["00.1", "00", "not attempted", "0", "", "", "0"]


def test_a_tally_knows_only_this_kernel(capsys, state):
    checks.check("02.4", lambda size: np.tri(size))
    JOURNAL.session.clear()  # as in a new kernel
    checks.check("02.1", lambda query, key: query @ key.T)
    capsys.readouterr()
    checks.tally("02")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Notebook 02, since the kernel started: 0 of 6 exercises passed"
    assert lines[2].endswith("tried") and lines[5].endswith("not attempted")
    assert [row.state for row in checks.progress().exercises if row.exercise == "02.4"] == ["passed"]
    with pytest.raises(InputError, match=r'no exercises for notebook "2": did you mean "02"\?'):
        checks.tally("2")


def test_nothing_is_remembered_before_anything_was_tried(state):
    assert checks.progress().notes == () and not state.exists()
    assert {row.state for row in summarise([])} == {"not attempted"}


WRITER = """
import pathlib, sys, time
from course_utils.checks.journal import Journal
name, folder = sys.argv[1], pathlib.Path(sys.argv[2])
(folder / f"ready-{name}").touch()
while len(list(folder.glob("ready-*"))) < 2:
    time.sleep(0.001)
journal = Journal()
for i in range(300):
    assert journal.append("check", exercise=f"{name}.{i}", state="tried", hint=i % 7 * "long ") == ()
"""


def test_two_processes_at_once_lose_nothing(tmp_path):
    command = [sys.executable, "-c", WRITER]
    writers = [subprocess.Popen([*command, name, str(tmp_path)]) for name in ("10", "11")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    contents = JOURNAL.read()
    assert contents.notes == () and len(contents.records) == 600
    assert {record["exercise"] for record in contents.records} == {f"{n}.{i}" for n in (10, 11) for i in range(300)}


def test_a_line_that_another_process_writes_in_between_survives(monkeypatch, state):
    checks.check("02.4", lambda size: np.tri(size))
    other = state.read_bytes().replace(b"02.4", b"02.1")
    write = os.write

    def write_after_another(handle, line):
        with open(state, "ab") as file:
            file.write(other)
        return write(handle, line)

    monkeypatch.setattr("course_utils.checks.journal.os.write", write_after_another)
    checks.check("02.5", lambda scores, mask: scores)
    assert [record["exercise"] for record in JOURNAL.read().records] == ["02.4", "02.1", "02.5"]


DAMAGED = [
    b"not json",
    b'{"kind": "check"',
    b"\xff\xfe",
    b"[1, 2]",
    b'{"time": "t", "kind": "other"}',
    b'{"time": "t", "kind": ["check"]}',
    b'{"time": 3, "kind": "check", "exercise": "02.1", "state": "passed", "hint": ""}',
    b'{"time": "t", "kind": "check", "exercise": 2.1, "state": "passed", "hint": ""}',
    b'{"time": "t", "kind": "check", "exercise": "02.1", "hint": ""}',
    b'{"time": "t", "kind": "check", "exercise": "02.1", "state": "won", "hint": ""}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("line", DAMAGED, ids=lambda line: line[:40].decode("latin-1"))
def test_a_damaged_line_costs_only_itself_and_is_said(state, line):
    checks.check("02.1", lambda query, key: query)
    state.write_bytes(line + b"\n\n" + state.read_bytes())
    checks.check("02.4", lambda size: np.tri(size))
    shown = checks.progress()
    assert [row.exercise for row in shown.exercises if row.attempts] == ["02.1", "02.4"]
    assert shown.notes == (f"1 of 3 lines in {state} are damaged and left out.",)
    assert shown.notes[0] in repr(shown)


def test_a_line_that_was_cut_off_does_not_spoil_the_next(state):
    state.parent.mkdir()
    state.write_bytes(b'{"time": "t", "kind": "check", "exer')
    checks.check("02.4", lambda size: np.tri(size))
    assert len(JOURNAL.read().records) == 1
    assert JOURNAL.read().notes == (f"1 of 2 lines in {state} are damaged and left out.",)


def test_a_folder_that_cannot_be_written_is_said_once_and_nothing_else_breaks(capsys, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COURSE_STATE", str(tmp_path / "file"))
    checks.check("02.4", lambda size: np.tri(size))
    checks.check("02.4", lambda size: np.tri(size))
    checks.guess("02.cost", 3)
    checks.reveal("02.cost", 4)
    checks.answer_test("before", {1: "b"})
    checks.tally("02")
    out = capsys.readouterr().out
    assert out.count("Your progress cannot be saved in") == 1 and out.count(": passed") == 2
    assert "1 of 6 exercises passed" in out and "you guessed 3" in out
    shown = checks.progress()
    assert {row.state for row in shown.exercises} == {"not attempted"}
    assert len(shown.notes) == 1 and shown.notes[0].startswith("Your progress cannot be read from")


def test_a_read_only_folder(capsys, monkeypatch, state):
    checks.check("02.1", lambda query, key: query)

    def refuse(path, *arguments):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr("course_utils.checks.journal.os.open", refuse)
    capsys.readouterr()
    checks.check("02.4", lambda size: np.tri(size))
    assert (
        f"  Your progress cannot be saved in {state} (Read-only file system). All else works."
        in capsys.readouterr().out
    )
    assert [row.exercise for row in checks.progress().exercises if row.attempts] == ["02.1"]


def test_a_full_disk(capsys, monkeypatch):
    write = os.write
    monkeypatch.setattr("course_utils.checks.journal.os.write", lambda handle, line: write(handle, line[:5]))
    checks.check("02.4", lambda size: np.tri(size))
    assert "cannot be saved" in capsys.readouterr().out
    monkeypatch.undo()


# Guesses


def last(capsys) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_a_guess_is_kept_and_compared(capsys, state):
    checks.guess("05.lr", 0.9, question="accuracy at the best rate")
    assert last(capsys) == ["✓ Guess 05.lr, accuracy at the best rate: you guess 0.9"]
    checks.reveal("05.lr", np.float32(0.75))
    assert last(capsys) == ["✓ 05.lr: it is 0.75, you guessed 0.9", "  0.15 too high"]
    kept = [{k: v for k, v in record.items() if k != "time"} for record in records(state)]
    base = {"name": "05.lr", "guess": 0.9, "question": "accuracy at the best rate", "unit": ""}
    assert kept == [{"kind": "guess", **base}, {"kind": "reveal", **base, "actual": 0.75}]


def test_no_guess_is_no_guess(capsys, state):
    for nothing in (None, ...):
        checks.guess("05.lr", nothing)
        assert last(capsys) == ["○ Guess 05.lr: no guess yet"]
    checks.reveal("05.lr", 3)
    assert last(capsys) == ["○ 05.lr: it is 3. There was no guess"]
    checks.reveal("05.never-asked", 3)
    assert last(capsys) == ["○ 05.never-asked: it is 3. There was no guess"]
    assert checks.guesses().rows == () and not state.exists()


@pytest.mark.parametrize(
    ("guessed", "actual", "unit", "lines"),
    [
        (40, 50, "%", ["✓ 05.x: it is 50 %, you guessed 40 %", "  10 % too low"]),
        (torch.tensor(3.0), 3, "", ["✓ 05.x: it is 3, you guessed 3", "  as guessed"]),
        ("falls", "falls", "", ["✓ 05.x: it is falls, you guessed falls", "  as guessed"]),
        ("falls", "rises", "", ["✓ 05.x: it is rises, you guessed falls"]),
        ("about 3", 3, "s", ["✓ 05.x: it is 3 s, you guessed about 3 s"]),
    ],
)
def test_how_far_off(capsys, guessed, actual, unit, lines):
    checks.guess("05.x", guessed, unit=unit)
    capsys.readouterr()
    checks.reveal("05.x", actual)
    assert last(capsys) == lines


@pytest.mark.parametrize(
    ("value", "found"),
    [([1, 2], "numbers of shape (2,)"), ("", "a text"), (81 * "x", "a text"), ({1: 2}, "a dictionary")],
)
def test_what_is_no_guess_is_not_kept_but_breaks_nothing(capsys, state, value, found):
    checks.guess("05.x", value)
    rule = f"  A guess is one number or a text of at most 80 characters, got {found}."
    assert last(capsys) == ["✗ Guess 05.x: not kept", rule]
    assert not state.exists()
    with pytest.raises(InputError, match="what is revealed must be one number or a short text"):
        checks.reveal("05.x", value)


@pytest.mark.parametrize("name", ["lr", "5.lr", "05.", "05.LR", 5])
def test_the_name_of_a_guess_has_a_form(name):
    for call in (checks.guess, checks.reveal):
        with pytest.raises(InputError, match=r'must be notebook and a word such as "05\.lr", got'):
            call(name, 1)


def test_a_guess_of_an_earlier_kernel_counts_unless_this_kernel_says_otherwise(capsys):
    checks.guess("05.lr", 1)
    checks.guess("05.lr", 2)
    JOURNAL.session.clear()
    checks.reveal("05.lr", 3)
    assert "you guessed 2" in last(capsys)[-2]
    checks.guess("05.lr", None)
    checks.reveal("05.lr", 3)
    assert last(capsys)[-1] == "○ 05.lr: it is 3. There was no guess"


def test_at_the_end_the_guess_that_stood_at_the_first_reveal_counts():
    checks.reveal("05.lr", 9)  # before any guess: settles nothing
    checks.check("02.1", 3)  # another kind of record
    checks.guess("05.lr", 1)
    checks.guess("05.lr", 2, question="rate", unit="%")
    checks.reveal("05.lr", 3)
    checks.guess("05.lr", 3)  # too late
    checks.reveal("05.lr", 3)
    checks.guess("02.cost", "much")
    table = checks.guesses()
    assert table.caption == "Guesses: 1 of 2 revealed"
    assert table.rows == (("02.cost", "", "much", "not revealed", ""), ("05.lr", "rate", "2 %", "3 %", "1 % too low"))


# The test before and after


def right_answers(questions):
    return {label: "abcd"[question.right] for label, question in enumerate(questions, start=1)}


QUESTIONS, AFTER = pretest_questions.QUESTIONS, posttest_questions.QUESTIONS
RIGHT, RIGHT_AFTER = right_answers(QUESTIONS), right_answers(AFTER)


def test_before_the_course_answers_are_kept_and_not_judged(capsys, state):
    checks.answer_test("before", {1: "B", 2: None, 3: ..., 10: "d"})
    judged = "They are judged after notebook 11, so that the questions stay fresh."
    assert last(capsys) == ["✓ Test before the course: 2 of 10 answers kept", f"  {judged}"]
    assert records(state)[0]["answers"] == {"1": "b", "10": "d"}


def test_after_it_both_are_compared_and_what_is_wrong_is_explained(capsys):
    wrong = {label: "b" if letter == "a" else "a" for label, letter in RIGHT.items()}
    checks.answer_test("before", wrong | {1: RIGHT[1], 2: None})
    checks.answer_test("before", RIGHT)  # too late: the first one counts
    capsys.readouterr()
    checks.answer_test("after", RIGHT_AFTER | {3: "a"})
    lines = last(capsys)
    assert lines[0] == "Test before the course: 1 of 10 right; after it: 9 of 10 right"
    assert [line.split(maxsplit=1) for line in lines[2:5]] == [
        ["1", "where labels come from    right      right"],
        ["2", "accuracy and rare labels  no answer  right"],
        ["3", "splitting by group        wrong      wrong"],
    ]
    question = AFTER[2]
    assert lines[12:] == [
        f"✗ Question 3. {question.text}",
        f"  Your answer: {question.options[0].text}. {question.options[0].why}",
        f"  Right: {question.options[3].text}. {question.options[3].why}",
    ]
    assert checks.compare_tests().caption == lines[0]


def test_a_test_that_was_not_taken(capsys):
    assert checks.compare_tests().caption == "Test before the course: not taken; after it: not taken"
    for nothing in ({}, {1: None, 2: ...}):
        checks.answer_test("after", nothing)
        assert last(capsys) == ["○ Test after the course: not attempted yet"]


@pytest.mark.parametrize(
    ("answers", "named"), [({1: "e"}, "1"), ({1: "a", 11: "b"}, "11"), ({2: 3, "x": "ab"}, "2, 'x'"), ({1: ""}, "1")]
)
def test_answers_that_cannot_be_read_are_named_and_not_kept(capsys, state, answers, named):
    checks.answer_test("before", answers)
    lines = last(capsys)
    assert lines[0] == "✗ Test before the course: not kept" and lines[1].endswith(f"Look at: {named}.")
    assert not state.exists()


def test_a_test_is_before_or_after():
    for call in (lambda: checks.answer_test("during", {}), lambda: checks.question_sheet("during")):
        with pytest.raises(InputError, match='when must be "before" or "after", got "during"'):
            call()


def test_a_damaged_test_counts_only_where_it_can_be_read():
    JOURNAL.append("test", when="before", answers={"1": RIGHT[1].upper(), "²": "a", "2": 5, "3": "x"})
    assert checks.compare_tests().caption == "Test before the course: 1 of 10 right; after it: not taken"


@pytest.mark.parametrize(("when", "questions"), [((), QUESTIONS), (("before",), QUESTIONS), (("after",), AFTER)])
def test_the_questions_are_shown_without_their_answers(when, questions):
    sheet = checks.question_sheet(*when)
    assert repr(sheet) == sheet._repr_markdown_()
    assert repr(sheet).startswith(f"**1. {questions[0].text}**\n\n- a) {questions[0].options[0].text}\n- b) ")
    assert not [option.why for question in questions for option in question.options if option.why in repr(sheet)]


def test_the_answers_from_before_the_course_do_not_pass_the_test_after_it():
    assert set(RIGHT) == set(RIGHT_AFTER) == set(range(1, len(pretest_questions.TOPICS) + 1))
    assert not {question.text for question in QUESTIONS} & {question.text for question in AFTER}
    same = [label for label, letter in RIGHT.items() if RIGHT_AFTER[label] == letter]
    assert len(same) <= 5, same  # ten letters learned by heart are worth no more than half


# Quizzes


QUIZ = """## Quiz

**1. First?**

<details><summary>`a`</summary>

No. This one is wrong for a reason.

</details>
<details><summary>b</summary>

Right. This one is right for a reason.

With a second paragraph.

</details>
"""


def test_a_quiz_is_read_from_its_cell():
    (question,) = read_quiz(QUIZ)
    assert question.text == "First?" and question.right == 1
    assert question.options[0] == Option("`a`", False, "This one is wrong for a reason.")
    assert question.options[1].why.endswith("With a second paragraph.")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("## Quiz\n\nNothing.", r"questions must be lines \*\*1\. Text\?\*\*.*got numbers \[\]"),
        (QUIZ.replace("**1.", "**2."), r"got numbers \['2'\]"),
        (QUIZ.replace("Right.", "Yes."), r"question 1: 2 options, of which 1 can be read"),
        (QUIZ.replace("</summary>\n\nNo", "</summary>\nNo"), r"question 1: 2 options, of which 1 can be read"),
    ],
)
def test_a_quiz_of_another_form_is_refused(source, message):
    with pytest.raises(InputError, match=message):
        read_quiz(source)


def question(right: int, *, num_options: int = 3, longest: int | None = None, why: str = 20 * "x") -> Question:
    texts = [f"option {i}" + (" and more" if i == longest else "") for i in range(num_options)]
    return Question("Why?", tuple(Option(text, i == right, why) for i, text in enumerate(texts)))


def test_the_rules_of_a_quiz():
    good = [question(0), question(1, longest=0), question(2, longest=0), question(0, longest=1)]
    assert find_faults(good) == []
    assert find_faults(good[:3]) == ["3 questions, expected at least 4"]
    assert find_faults([*good[:3], question(0, num_options=2)]) == ["question 4: 2 options, expected at least 3"]
    assert find_faults([question(9), *good[1:]]) == ["question 1: exactly one option must be right"]
    assert find_faults([question(0, why="Because."), *good[1:]])[0] == 'question 1: "option 0" is not explained'
    twin = Question("Why?", (Option("a", True, 20 * "x"), Option("b", False, 20 * "x"), Option("b", False, 20 * "x")))
    assert find_faults([twin, *good[1:]]) == ["question 1: two options are the same"]
    same_place = [question(0, longest=1), question(0), question(0), question(2)]
    assert find_faults(same_place) == ["option 1 is right in 3 of 4 questions: change the places"]
    telling = [question(i % 3, longest=i % 3) for i in range(4)]
    assert find_faults(telling) == ["the longest option is always right"]


def test_the_package_is_cheap_to_import():
    heavy = ("torch", "transformers", "datasets", "pandas", "spacy", "IPython")
    code = f"""
import sys
from course_utils.checks import progress
repr(progress())
print([name for name in {heavy} if name in sys.modules])"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
