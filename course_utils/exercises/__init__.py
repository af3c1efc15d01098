"""The exercises of the course, declared: one module a notebook, one ``Exercise`` each.

To add an exercise, add it to the ``EXERCISES`` of its notebook's module, or add a module; it is found by itself, and a
test runs its stub, its reference and its wrong answers. Exercise modules import nothing heavy when they are loaded, so
that ``course status`` can list them: references use the methods of the tensors they are given.
"""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from course_utils.errors import InputError, suggest

if TYPE_CHECKING:
    import torch

MIN_MISTAKES = 3

Inputs = tuple[Any, ...]


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that learners give, with the hint that helps without giving the solution away.

    Parameters
    ----------
    wrong : a wrong value, or a wrong function of the same inputs; an answer that does the same on every case is
        recognised, also if "the same" is the same exception
    hint : what the learner reads; backticks make code
    recognise : for a whole family of mistakes, ``recognise(got, expected)``, two float arrays of equal shape; it
        must hold in every case in which the answer is wrong
    """

    wrong: Any
    hint: str
    recognise: Callable[[np.ndarray, np.ndarray], bool] | None = None


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Parameters
    ----------
    id : notebook and number, ``"02.1"``
    title : a few words
    kind : recall something, apply it, or transfer it to something new
    stub : source of the cell that the learner completes: a function of the reference's name and parameters whose
        docstring is the task, or ``name = ...`` for a value
    reference : the right function, or the right value
    mistakes : at least three; the first that fits an answer gives the hint
    cases : for a function: yields tuples of small random inputs, drawn from the generator it is given
    tolerance : largest difference of a number that is right, relative and absolute

    Raises
    ------
    InputError
        If the declaration breaks one of these rules.
    """

    id: str
    title: str
    kind: Literal["recall", "apply", "transfer"]
    stub: str
    reference: Any
    mistakes: tuple[Mistake, ...]
    cases: Callable[[np.random.Generator], Iterable[Inputs]] | None = None
    tolerance: float = 1e-5

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d\d\.\d+", self.id):
            raise InputError(f'an exercise\'s id must be notebook and number such as "02.1", got "{self.id}".')
        if len(self.mistakes) < MIN_MISTAKES:
            raise InputError(f"{self.id}: {len(self.mistakes)} mistakes, expected at least {MIN_MISTAKES}.")
        if len({mistake.hint for mistake in self.mistakes}) < len(self.mistakes):
            raise InputError(f"{self.id}: two mistakes share a hint. Give each its own.")
        if callable(self.reference) != (self.cases is not None):
            raise InputError(f"{self.id}: a reference that is a function needs cases, and only such a reference.")
        if not self.tolerance >= 0:
            raise InputError(f"{self.id}: tolerance must not be negative, got {self.tolerance}.")
        name, parameters = _defined_by(self.stub)
        if name is None:
            raise InputError(f"{self.id}: the stub must be one function, or one `name = ...`.")
        if callable(self.reference) and (name, parameters) != (self.reference.__name__, self.parameters):
            raise InputError(f"{self.id}: the stub and the reference differ in name or parameters.")

    @property
    def notebook(self) -> str:
        """Number of the notebook: ``"02"``."""
        return self.id.partition(".")[0]

    @property
    def name(self) -> str:
        """The name that the learner's answer has in the notebook."""
        return _defined_by(self.stub)[0] or ""

    @property
    def parameters(self) -> list[str]:
        """Names of the inputs of a function; empty for a value."""
        return list(inspect.signature(self.reference).parameters) if callable(self.reference) else []


def _defined_by(stub: str) -> tuple[str | None, list[str]]:
    """Name and parameters of the one function or variable that a source defines."""
    match ast.parse(stub).body:
        case [ast.FunctionDef(name=name, args=args)]:
            return name, [argument.arg for argument in args.args]
        case [ast.Assign(targets=[ast.Name(id=name)])]:
            return name, []
    return None, []


def collect(declared: Mapping[str, Iterable[Exercise]]) -> dict[str, Exercise]:
    """Exercises by id, in the order of the course.

    Parameters
    ----------
    declared : the exercises of each module

    Raises
    ------
    InputError
        If two exercises have one id.
    """
    found: dict[str, tuple[str, Exercise]] = {}
    for module, exercises in declared.items():
        for exercise in exercises:
            if exercise.id in found:
                raise InputError(f"exercise {exercise.id} is declared twice: in {found[exercise.id][0]} and {module}.")
            found[exercise.id] = module, exercise
    ordered = sorted(found, key=lambda name: [int(part) for part in name.split(".")])
    return {name: found[name][1] for name in ordered}


@cache
def all_exercises() -> Mapping[str, Exercise]:
    """Every exercise of the course by id, in the order of the course.

    Examples
    --------
    >>> list(all_exercises())[:2]
    ['00.1', '00.2']
    """
    modules = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return collect({module.__name__: module.EXERCISES for module in modules})


def find_exercise(name: str) -> Exercise:
    """The exercise with this id.

    Raises
    ------
    InputError
        If there is none; the message suggests one.
    """
    exercises = all_exercises()
    if name not in exercises:
        raise InputError(f'no exercise is called "{name}": {suggest(str(name), list(exercises))}')
    return exercises[name]


def normal(random: np.random.Generator, *shape: int) -> torch.Tensor:
    """Standard normal numbers as a float32 tensor, for the cases of an exercise."""
    import torch

    return torch.from_numpy(random.standard_normal(shape, dtype=np.float32))
