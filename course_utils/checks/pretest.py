"""The test before and after the course: ten questions, judged and compared on this machine only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from course_utils.checks.cards import Card, Table, show
from course_utils.checks.grading import is_unfinished
from course_utils.checks.journal import JOURNAL, Record
from course_utils.checks.pretest_questions import QUESTIONS
from course_utils.checks.quizzes import Question
from course_utils.errors import InputError

When = Literal["before", "after"]
Answers = dict[int, str]

LETTERS = "abcd"


@dataclass(frozen=True)
class QuestionSheet:
    """The questions as a reader sees them, in Markdown, without their answers."""

    questions: tuple[Question, ...]

    def __repr__(self) -> str:
        return self._repr_markdown_()

    def _repr_markdown_(self) -> str:
        blocks = []
        for label, question in enumerate(self.questions, start=1):
            options = [f"- {letter}) {option.text}" for letter, option in zip(LETTERS, question.options)]
            blocks.append(f"**{label}. {question.text}**\n\n" + "\n".join(options))
        return "\n\n".join(blocks)


def question_sheet() -> QuestionSheet:
    """The ten questions, to be shown as the last value of a cell."""
    return QuestionSheet(QUESTIONS)


def answer_test(when: When, answers: Mapping[int, Any]) -> None:
    """Keep the answers to the ten questions; after the course, compare them with those from before.

    Parameters
    ----------
    when : before the course nothing is judged, so that the questions stay fresh
    answers : a letter for each question's number; ``None`` leaves a question out

    Raises
    ------
    InputError
        If ``when`` is something else.

    Examples
    --------
    >>> answer_test("before", {1: None, 2: None})
    ○ Test before the course: not attempted yet
    """
    if when not in ("before", "after"):
        raise InputError(f'when must be "before" or "after", got "{when}".')
    title = f"Test {when} the course"
    given = {label: letter for label, letter in answers.items() if not is_unfinished(letter)}
    if not given:
        show(Card("○", f"{title}: not attempted yet"))
        return
    unreadable = [label for label, letter in given.items() if not _is_answer(label, letter)]
    if unreadable:
        rule = f"An answer is one of the letters a to d, for a question from 1 to {len(QUESTIONS)}."
        show(Card("✗", f"{title}: not kept", (f"{rule} Look at: {', '.join(map(repr, unreadable))}.",)))
        return
    kept = {label: letter.lower() for label, letter in given.items()}
    record = {"when": when, "answers": {str(label): letter for label, letter in kept.items()}}
    told = JOURNAL.append("test", **record)
    if when == "before":
        judged = "They are judged after the last notebook, so that the questions stay fresh."
        show(Card("✓", f"{title}: {len(kept)} of {len(QUESTIONS)} answers kept", (judged, *told)))
        return
    show(compare_tests(kept))
    for label in range(1, len(QUESTIONS) + 1):
        if label in kept and not _is_right(label, kept[label]):
            show(_explanation(label, kept[label]))


def compare_tests(after: Answers | None = None) -> Table:
    """The first test before the course beside the last one after it, question by question.

    Parameters
    ----------
    after : letters by question; what was recorded last if not given
    """
    contents = JOURNAL.read()
    before = _recorded(contents.records, "before", first=True)
    after = _recorded(contents.records, "after", first=False) if after is None else after
    labels = range(1, len(QUESTIONS) + 1)
    rows = tuple((label, _judgement(label, before), _judgement(label, after)) for label in labels)
    counts = [sum(row[column] == "right" for row in rows) for column in (1, 2)]
    start = f"{counts[0]} of {len(QUESTIONS)} right" if before else "not taken"
    end = f"{counts[1]} of {len(QUESTIONS)} right" if after else "not taken"
    return Table(
        f"Test before the course: {start}; after it: {end}", ("question", "before", "after"), rows, contents.notes
    )


def _recorded(records: tuple[Record, ...], when: When, *, first: bool) -> Answers:
    tests = [record["answers"] for record in records if record["kind"] == "test" and record["when"] == when]
    if not tests:
        return {}
    chosen = tests[0] if first else tests[-1]
    letters = {label: chosen.get(str(label)) for label in range(1, len(QUESTIONS) + 1)}
    return {label: letter.lower() for label, letter in letters.items() if _is_answer(label, letter)}


def _is_answer(label: Any, letter: Any) -> bool:
    return label in range(1, len(QUESTIONS) + 1) and isinstance(letter, str) and letter.lower() in tuple(LETTERS)


def _is_right(label: int, letter: str) -> bool:
    return LETTERS.index(letter) == QUESTIONS[label - 1].right


def _judgement(label: int, answers: Answers) -> str:
    if label not in answers:
        return "no answer"
    return "right" if _is_right(label, answers[label]) else "wrong"


def _explanation(label: int, letter: str) -> Card:
    question = QUESTIONS[label - 1]
    chosen, right = question.options[LETTERS.index(letter)], question.options[question.right]
    lines = (f"Your answer: {chosen.text}. {chosen.why}", f"Right: {right.text}. {right.why}")
    return Card("✗", f"Question {label}. {question.text}", lines)
