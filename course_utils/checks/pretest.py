"""The tests before and after the course: ten questions each on the same topics, compared on this machine only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from course_utils.checks import posttest_questions, pretest_questions
from course_utils.checks.cards import Card, Table, show
from course_utils.checks.grading import is_unfinished
from course_utils.checks.journal import JOURNAL, Record
from course_utils.checks.quizzes import Question
from course_utils.errors import InputError

When = Literal["before", "after"]
Answers = dict[int, str]

QUESTIONS: dict[When, tuple[Question, ...]] = {
    "before": pretest_questions.QUESTIONS,
    "after": posttest_questions.QUESTIONS,
}
LABELS = range(1, len(pretest_questions.TOPICS) + 1)
"""The numbers of the questions; one number stands for one topic in both tests."""
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


def question_sheet(when: When = "before") -> QuestionSheet:
    """The ten questions of a test, to be shown as the last value of a cell.

    Parameters
    ----------
    when : before the course or after it; question by question both are about the same

    Raises
    ------
    InputError
        If ``when`` is something else.
    """
    _check_when(when)
    return QuestionSheet(QUESTIONS[when])


def answer_test(when: When, answers: Mapping[int, Any]) -> None:
    """Keep the answers to the ten questions; after the course, compare them with those to the questions before it.

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
    _check_when(when)
    title = f"Test {when} the course"
    given = {label: letter for label, letter in answers.items() if not is_unfinished(letter)}
    if not given:
        show(Card("○", f"{title}: not attempted yet"))
        return
    unreadable = [label for label, letter in given.items() if not _is_answer(label, letter)]
    if unreadable:
        rule = f"An answer is one of the letters a to d, for a question from 1 to {len(LABELS)}."
        show(Card("✗", f"{title}: not kept", (f"{rule} Look at: {', '.join(map(repr, unreadable))}.",)))
        return
    kept = {label: letter.lower() for label, letter in given.items()}
    record = {"when": when, "answers": {str(label): letter for label, letter in kept.items()}}
    told = JOURNAL.append("test", **record)
    if when == "before":
        judged = "They are judged after notebook 11, so that the questions stay fresh."
        show(Card("✓", f"{title}: {len(kept)} of {len(LABELS)} answers kept", (judged, *told)))
        return
    show(compare_tests(kept))
    for label in LABELS:
        if label in kept and not _is_right("after", label, kept[label]):
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
    pairs = [(_judgement("before", label, before), _judgement("after", label, after)) for label in LABELS]
    rows = tuple((label, topic, *pair) for label, topic, pair in zip(LABELS, pretest_questions.TOPICS, pairs))
    counts = [sum(pair[column] == "right" for pair in pairs) for column in (0, 1)]
    start = f"{counts[0]} of {len(LABELS)} right" if before else "not taken"
    end = f"{counts[1]} of {len(LABELS)} right" if after else "not taken"
    caption = f"Test before the course: {start}; after it: {end}"
    return Table(caption, ("question", "topic", "before", "after"), rows, contents.notes)


def _check_when(when: str) -> None:
    if when not in QUESTIONS:
        raise InputError(f'when must be "before" or "after", got "{when}".')


def _recorded(records: tuple[Record, ...], when: When, *, first: bool) -> Answers:
    tests = [record["answers"] for record in records if record["kind"] == "test" and record["when"] == when]
    if not tests:
        return {}
    chosen = tests[0] if first else tests[-1]
    letters = {label: chosen.get(str(label)) for label in LABELS}
    return {label: letter.lower() for label, letter in letters.items() if _is_answer(label, letter)}


def _is_answer(label: Any, letter: Any) -> bool:
    return label in LABELS and isinstance(letter, str) and letter.lower() in tuple(LETTERS)


def _is_right(when: When, label: int, letter: str) -> bool:
    return LETTERS.index(letter) == QUESTIONS[when][label - 1].right


def _judgement(when: When, label: int, answers: Answers) -> str:
    if label not in answers:
        return "no answer"
    return "right" if _is_right(when, label, answers[label]) else "wrong"


def _explanation(label: int, letter: str) -> Card:
    question = QUESTIONS["after"][label - 1]
    chosen, right = question.options[LETTERS.index(letter)], question.options[question.right]
    lines = (f"Your answer: {chosen.text}. {chosen.why}", f"Right: {right.text}. {right.why}")
    return Card("✗", f"Question {label}. {question.text}", lines)
