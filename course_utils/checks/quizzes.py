"""Questions with options, each explained, and the rules that a good set of them keeps.

A notebook's quiz is a Markdown cell, so that it works in JupyterLab, on a static page and without a kernel. Every
option is folded: whoever opens one reads whether it is right, and why::

    ## Quiz

    **1. What sums to one?**

    <details><summary>Each column of the weights</summary>

    No. A column belongs to a key, and a key does not share anything out.

    </details>
    <details><summary>Each row of the weights</summary>

    Right. A row belongs to a query, which shares out its attention.

    </details>
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from course_utils.errors import InputError

MIN_OPTIONS = 3
MIN_EXPLANATION = 20
"""Characters that say more than right or wrong."""

QUESTION = re.compile(r"^\*\*(\d+)\. (.+?)\*\*\s*$", re.MULTILINE)
OPTION = re.compile(r"<details>\s*<summary>(.+?)</summary>\n\n(Right|No)\. (.+?)\n\n</details>", re.DOTALL)


@dataclass(frozen=True)
class Option:
    """One answer to choose: its text, whether it is right, and why."""

    text: str
    right: bool
    why: str


@dataclass(frozen=True)
class Question:
    """A question with exactly one right option."""

    text: str
    options: tuple[Option, ...]

    @property
    def right(self) -> int:
        """Index of the right option."""
        return [option.right for option in self.options].index(True)


def read_quiz(markdown: str) -> tuple[Question, ...]:
    """The questions in the source of a Markdown cell.

    Parameters
    ----------
    markdown : a cell's source in the form shown above

    Raises
    ------
    InputError
        If there is no question, the numbers do not run from 1, or an option is not of the form.
    """
    _, *parts = QUESTION.split(markdown)
    numbers, texts, bodies = parts[::3], parts[1::3], parts[2::3]
    if not numbers or numbers != [str(i + 1) for i in range(len(numbers))]:
        raise InputError(f"questions must be lines **1. Text?**, **2. Text?** and so on, got numbers {numbers}.")
    questions = []
    for label, text, body in zip(numbers, texts, bodies):
        options = tuple(
            Option(option.strip(), verdict == "Right", why) for option, verdict, why in OPTION.findall(body)
        )
        if len(options) != body.count("<details"):
            raise InputError(
                f"question {label}: {body.count('<details')} options, of which {len(options)} can be read. Write "
                "<details><summary>option</summary>, an empty line, Right. or No. and why, an empty line, </details>."
            )
        questions.append(Question(text, options))
    return tuple(questions)


def find_faults(questions: Sequence[Question], *, min_questions: int = 4) -> list[str]:
    """The rules that a set of questions breaks, one line each; empty if it is good.

    Parameters
    ----------
    questions : in their order
    min_questions : how many there must be at least
    """
    faults = []
    if len(questions) < min_questions:
        faults.append(f"{len(questions)} questions, expected at least {min_questions}")
    for label, question in enumerate(questions, start=1):
        if len(question.options) < MIN_OPTIONS:
            faults.append(f"question {label}: {len(question.options)} options, expected at least {MIN_OPTIONS}")
        if sum(option.right for option in question.options) != 1:
            faults.append(f"question {label}: exactly one option must be right")
        if len({option.text for option in question.options}) < len(question.options):
            faults.append(f"question {label}: two options are the same")
        unexplained = [option.text for option in question.options if len(option.why) < MIN_EXPLANATION]
        faults += [f'question {label}: "{text}" is not explained' for text in unexplained]
    return faults or _giveaways(questions)


def _giveaways(questions: Sequence[Question]) -> list[str]:
    """What would let a learner find the right options without knowing anything."""
    faults = []
    place, times = Counter(question.right for question in questions).most_common(1)[0]
    if 2 * times > len(questions):
        faults.append(f"option {place + 1} is right in {times} of {len(questions)} questions: change the places")
    longest = sum(question.options[question.right].text == _longest(question) for question in questions)
    if longest == len(questions):
        faults.append("the longest option is always right")
    return faults


def _longest(question: Question) -> str:
    return max((option.text for option in question.options), key=len)
