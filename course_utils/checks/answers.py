"""Check an answer, show what came out, remember it."""

from __future__ import annotations

import copy
from typing import Any

from course_utils.checks.cards import Card, show
from course_utils.checks.grading import Verdict, draw_cases, grade
from course_utils.checks.journal import JOURNAL
from course_utils.errors import InputError
from course_utils.exercises import Exercise, Inputs, find_exercise


def check(exercise: str, answer: Any) -> None:
    """Compare an answer with the reference and show a tick, a hint or "not attempted yet"; remember the result.

    Parameters
    ----------
    exercise : id, such as ``"02.1"``
    answer : a function or a value; nothing that it is or does raises

    Raises
    ------
    InputError
        If there is no such exercise.

    Examples
    --------
    >>> check("00.1", ...)
    ○ Exercise 00.1, What the majority baseline reaches: not attempted yet
    """
    found = find_exercise(exercise)
    verdict = grade(found, answer)
    told: tuple[str, ...] = ()
    if verdict.state != "not attempted":
        told = JOURNAL.append("check", exercise=found.id, state=verdict.state, hint=verdict.hint)
    show(verdict_card(found, verdict, told))


def check_solution(exercise: str, solution: Any) -> None:
    """Show that a solution printed in the notebook is right; it does not count as the learner's.

    Parameters
    ----------
    exercise : id, such as ``"02.1"``
    solution : a function or a value

    Raises
    ------
    AssertionError
        If the solution is wrong: the notebook must not be published.
    InputError
        If there is no such exercise.

    Examples
    --------
    >>> check_solution("00.1", 0.6)
    ✓ Exercise 00.1, What the majority baseline reaches: the solution passes
    """
    found = find_exercise(exercise)
    verdict = grade(found, solution)
    if verdict.state != "passed":
        raise AssertionError(
            f"the solution of exercise {found.id} does not pass. {verdict.seen} {verdict.hint}".strip()
        )
    show(Card("✓", f"Exercise {found.id}, {found.title}: the solution passes"))


def verdict_card(exercise: Exercise, verdict: Verdict, told: tuple[str, ...] = ()) -> Card:
    """How a verdict is shown.

    Parameters
    ----------
    exercise, verdict : what was asked and what came out
    told : what else the learner should know
    """
    mark, state = {"passed": ("✓", "passed"), "tried": ("✗", "not yet")}.get(verdict.state, ("○", "not attempted yet"))
    hint = f"Hint: {verdict.hint}" if verdict.hint else ""
    lines = tuple(line for line in (verdict.seen, hint, *told) if line)
    return Card(mark, f"Exercise {exercise.id}, {exercise.title}: {state}", lines)


def case_inputs(exercise: str, case: int) -> Inputs:
    """The inputs of one case, to try one's function on by hand.

    Parameters
    ----------
    exercise : id, such as ``"02.1"``
    case : its number in the message, from 1

    Raises
    ------
    InputError
        If there is no such exercise or case.

    Examples
    --------
    >>> case_inputs("02.4", 1)
    (3,)
    """
    found = find_exercise(exercise)
    cases = draw_cases(found) if found.cases else []
    if not 1 <= case <= len(cases):
        raise InputError(f"exercise {found.id} has {len(cases)} cases, got case {case}. They are counted from 1.")
    return copy.deepcopy(cases[case - 1])
