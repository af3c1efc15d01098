"""Whether an answer to an exercise is right, and which mistake it looks like if it is not.

An answer that is a function is called on the exercise's cases: random inputs that are the same at every attempt, so
that the same answer always gets the same words.
"""

from __future__ import annotations

import copy
import dis
import inspect
import re
import traceback
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import CodeType
from typing import Any, Literal

import numpy as np

from course_utils.checks.comparison import Difference, describe, find_difference, plain, show_numbers
from course_utils.exercises import Exercise, Inputs, Mistake

State = Literal["passed", "tried", "not attempted"]

MAX_MESSAGE = 200
MAX_INPUT = 60  # characters of one input of a case
"""Characters of a learner's exception that are shown."""
RETURNS_NOTHING = "The function returns None. If you have written it, its `return` is missing."


@dataclass(frozen=True)
class Verdict:
    """What came out: the state, what was seen, and the hint if the mistake is known."""

    exercise: str
    state: State
    seen: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a function did with one case.

    ``value`` is plain, ``error`` an exception's type and message, ``line`` the source line that raised it,
    ``unfinished`` whether the function looks like a stub, ``changed`` the names of inputs that it wrote into.
    """

    value: Any = None
    error: str = ""
    line: str = ""
    unfinished: bool = False
    changed: tuple[str, ...] = ()


def draw_cases(exercise: Exercise, seed: int = 0) -> list[Inputs]:
    """The inputs of an exercise whose answer is a function; the same for the same seed."""
    assert exercise.cases is not None
    return list(exercise.cases(np.random.default_rng([seed, zlib.crc32(exercise.id.encode())])))


def grade(exercise: Exercise, answer: Any, *, seed: int = 0) -> Verdict:
    """Compare an answer with the reference.

    Parameters
    ----------
    exercise : what was asked
    answer : a function or a value; ``None``, ``...`` and a function that gives nothing but these, or raises
        ``NotImplementedError``, are not attempted yet
    seed : of the cases

    Examples
    --------
    >>> from course_utils.exercises import find_exercise
    >>> grade(find_exercise("00.1"), 0.6).state
    'passed'
    >>> grade(find_exercise("00.1"), 60).hint
    'Accuracy is a share, so it lies between 0 and 1.'
    """
    if is_unfinished(answer):
        return Verdict(exercise.id, "not attempted")
    if callable(exercise.reference) and callable(answer):
        return _grade_function(exercise, answer, seed)
    if callable(answer):
        seen = f"Expected a value, got {describe(answer)}. Call it, and give what it returns."
        return Verdict(exercise.id, "tried", seen)
    read = run(lambda: answer, (), [])
    if read.error:
        return Verdict(exercise.id, "tried", f"This answer cannot be compared with anything: {read.error}.")
    if callable(exercise.reference):
        give = f'Give the function itself, without brackets: `check("{exercise.id}", {exercise.name})`.'
        return Verdict(exercise.id, "tried", f"Expected a function, got {describe(read.value)}. {give}")
    return _grade_value(exercise, read.value)


def is_unfinished(answer: Any) -> bool:
    """Whether an answer is None or ``...``, or holds nothing else."""
    if isinstance(answer, dict):
        answer = list(answer.values())
    if isinstance(answer, list | tuple):
        return len(answer) > 0 and all(is_unfinished(part) for part in answer)
    return answer is None or answer is ...


def run(function: Callable[..., Any], inputs: Inputs, names: list[str]) -> Outcome:
    """Call a function on copies of the inputs, whatever it does.

    Parameters
    ----------
    function : anybody's
    inputs : positional arguments
    names : what the inputs are called
    """
    arguments = copy.deepcopy(inputs)
    try:
        value = function(*arguments)
        unfinished = is_unfinished(value)
        value = plain(value)  # here, since a result may be as broken as the function, and so may its inputs be now
        pairs = {name: (plain(now), plain(before)) for name, now, before in zip(names, arguments, inputs)}
    except NotImplementedError:
        return Outcome(..., unfinished=True)
    except Exception as error:
        # A stub with gaps computes with `...`, and every library names that type in its complaint.
        if isinstance(error, TypeError | AttributeError) and "ellipsis" in str(error):
            return Outcome(..., unfinished=True)
        return Outcome(error=_error_text(error), line=_line_in(function, error))
    changed = tuple(name for name, (now, before) in pairs.items() if find_difference(now, before, 0.0))
    return Outcome(value, unfinished=unfinished, changed=changed)


@dataclass(frozen=True)
class Attempt:
    """An answer and the reference, run on the same cases."""

    exercise: Exercise
    cases: list[Inputs]
    got: list[Outcome]
    expected: list[Outcome]

    def differences(self) -> dict[int, Difference]:
        """The first difference of each case in which the answer is wrong, by the case's index."""
        found = {}
        for i, (got, expected) in enumerate(zip(self.got, self.expected)):
            if got.error:
                where = f" at `{got.line}`" if got.line else ""
                found[i] = Difference("type", f"your function raised {got.error}{where}")
            elif difference := find_difference(got.value, expected.value, self.exercise.tolerance):
                found[i] = difference
        return found

    def looks_like(self, mistake: Mistake, wrong: Iterable[int]) -> bool:
        """Whether the answer does what the mistake does on every case, or its predicate holds in those cases."""
        others = (run(mistake.wrong, case, self.exercise.parameters) for case in self.cases)
        if all(_same(got, other, self.exercise.tolerance) for got, other in zip(self.got, others)):
            return True
        return all(_recognised(mistake, self.got[i].value, self.expected[i].value) for i in wrong)


def _grade_function(exercise: Exercise, answer: Callable[..., Any], seed: int) -> Verdict:
    cases = draw_cases(exercise, seed)
    got, expected = ([run(f, case, exercise.parameters) for case in cases] for f in (answer, exercise.reference))
    if all(outcome.unfinished for outcome in got):
        forgot = all(outcome.value is None for outcome in got) and not _is_empty(answer)
        return Verdict(exercise.id, "not attempted", RETURNS_NOTHING if forgot else "")
    attempt = Attempt(exercise, cases, got, expected)
    differences = attempt.differences()
    if not differences:
        return Verdict(exercise.id, "passed", f"{len(cases)} of {len(cases)} cases.{_warn_of_changes(got)}")
    first, difference = next(iter(differences.items()))
    call = describe_call(exercise, cases[first])
    seen = f"Case {first + 1} of {len(cases)}, {call}: {difference.text}."
    hint = next((mistake.hint for mistake in exercise.mistakes if attempt.looks_like(mistake, differences)), "")
    if not hint or "<" in call:  # nothing else to go by, or inputs too long to be shown
        seen += f' `case_inputs("{exercise.id}", {first + 1})` of `course_utils.checks` gives you these inputs.'
    return Verdict(exercise.id, "tried", seen, hint)


def _is_empty(function: Callable[..., Any]) -> bool:
    """Whether a function's body is no more than a docstring and ``...``."""

    def instructions(code: CodeType) -> list[str]:
        return [step.opname for step in dis.get_instructions(code) if step.opname != "NOP"]

    def empty() -> None: ...

    code = getattr(function, "__code__", None)
    return code is not None and instructions(code) == instructions(empty.__code__)


def _same(one: Outcome, other: Outcome, tolerance: float) -> bool:
    if one.error or other.error:
        return one.error == other.error
    return find_difference(one.value, other.value, tolerance) is None


def _recognised(mistake: Mistake, got: Any, expected: Any) -> bool:
    """Whether a mistake has a predicate, the values are numbers of equal shape, and the predicate holds."""
    arrays = isinstance(got, np.ndarray) and isinstance(expected, np.ndarray)
    if mistake.recognise is None or not arrays or got.shape != expected.shape:
        return False
    with np.errstate(all="ignore"):  # an answer may hold NaN or infinity
        return mistake.recognise(got.astype(float), expected.astype(float))


def _grade_value(exercise: Exercise, got: Any) -> Verdict:
    """``got`` is plain."""
    expected = plain(exercise.reference)
    difference = find_difference(got, expected, exercise.tolerance)
    if difference is None:
        return Verdict(exercise.id, "passed")
    # What was expected would be the solution; only its form is said.
    seen = f"{difference.text[0].upper()}{difference.text[1:]}." if difference.kind != "value" else "Not this one."
    for mistake in exercise.mistakes:
        same = find_difference(got, plain(mistake.wrong), exercise.tolerance) is None
        if same or _recognised(mistake, got, expected):
            return Verdict(exercise.id, "tried", seen, mistake.hint)
    return Verdict(exercise.id, "tried", seen)


def describe_call(exercise: Exercise, inputs: Inputs) -> str:
    """The call of one case as a learner would write it, with shapes in place of long inputs.

    Examples
    --------
    >>> from course_utils.exercises import find_exercise
    >>> describe_call(find_exercise("02.4"), (3,))
    '`causal_mask(size=3)`'
    """
    shown = [f"{name}={_short(value)}" for name, value in zip(exercise.parameters, inputs)]
    return f"`{exercise.name}({', '.join(shown)})`"


def _short(value: Any) -> str:
    if callable(value):
        return f"<{describe(value)}>"  # its own name may hold an address, which is another one on every run
    shown = plain(value) if hasattr(value, "shape") else value  # an array of texts becomes a list
    is_array = isinstance(shown, np.ndarray)
    text = show_numbers(shown) if is_array else repr(shown)
    if len(text) <= MAX_INPUT:
        return text
    return f"<shape {shown.shape}>" if is_array else f"<{describe(shown)}>"


def _warn_of_changes(outcomes: list[Outcome]) -> str:
    names = sorted({name for outcome in outcomes for name in outcome.changed})
    if not names:
        return ""
    return f" But your function writes into {' and '.join(f'`{n}`' for n in names)}, which belongs to its caller."


def _error_text(error: Exception) -> str:
    message = re.sub(r"0x[0-9a-f]{6,}", "0x...", " ".join(str(error).split())).rstrip(".")
    message = message if len(message) <= MAX_MESSAGE else message[:MAX_MESSAGE] + " ..."
    return f"{type(error).__name__}: {message}".removesuffix(": ")


def _line_in(function: Callable[..., Any], error: Exception) -> str:
    """The last source line, in the file or cell of the function itself, that the exception passed through."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.line or "" for frame in frames if code and frame.filename == code.co_filename]
    return lines[-1] if lines else ""
