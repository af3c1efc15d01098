"""What a learner has done so far: in this kernel, or on this machine."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from course_utils.checks.cards import Table, show
from course_utils.checks.grading import State
from course_utils.checks.journal import JOURNAL, Record
from course_utils.errors import InputError, suggest
from course_utils.exercises import all_exercises


@dataclass(frozen=True)
class ExerciseProgress:
    """One exercise: times are ISO 8601 in UTC, empty if it has not happened.

    ``attempts`` counts up to the first that passed, ``hints_seen`` the different hints until then.
    """

    exercise: str
    notebook: str
    state: State
    attempts: int
    first_tried: str
    passed: str
    hints_seen: int


@dataclass(frozen=True)
class Progress:
    """Every exercise of the course, and what has to be said about the file of results.

    Shown as a table with a row for each notebook.
    """

    exercises: tuple[ExerciseProgress, ...]
    notes: tuple[str, ...] = ()

    def table(self) -> Table:
        """Exercises, passed, tried and hints seen by notebook."""
        notebooks = dict.fromkeys(row.notebook for row in self.exercises)
        rows = []
        for notebook in notebooks:
            own = [row for row in self.exercises if row.notebook == notebook]
            states = [row.state for row in own]
            hints = sum(row.hints_seen for row in own)
            rows.append((notebook, len(own), states.count("passed"), states.count("tried"), hints))
        passed = sum(row.state == "passed" for row in self.exercises)
        caption = f"Exercises: {passed} of {len(self.exercises)} passed"
        columns = ("notebook", "exercises", "passed", "tried", "hints seen")
        return Table(caption, columns, tuple(rows), self.notes)

    def to_csv(self) -> str:
        """One row an exercise, with a header; an exercise that was never tried is there too."""
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, list(ExerciseProgress.__dataclass_fields__), lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in self.exercises)
        return buffer.getvalue()

    def __repr__(self) -> str:
        return repr(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def summarise(records: Iterable[Record]) -> tuple[ExerciseProgress, ...]:
    """What records of any kind say about each exercise, in the order of the course.

    Exercises that the course no longer has come last.
    """
    tries: dict[str, list[Record]] = {name: [] for name in all_exercises()}
    for record in records:
        if record["kind"] == "check":
            tries.setdefault(record["exercise"], []).append(record)
    return tuple(_summary(name, own) for name, own in tries.items())


def _summary(exercise: str, tries: list[Record]) -> ExerciseProgress:
    success = next((i for i, record in enumerate(tries) if record["state"] == "passed"), None)
    counted = tries if success is None else tries[: success + 1]
    state: State = "passed" if success is not None else "tried" if tries else "not attempted"
    return ExerciseProgress(
        exercise=exercise,
        notebook=exercise.partition(".")[0],
        state=state,
        attempts=len(counted),
        first_tried=tries[0]["time"] if tries else "",
        passed=counted[-1]["time"] if success is not None else "",
        hints_seen=len({record["hint"] for record in counted} - {""}),
    )


def progress() -> Progress:
    """All that this machine remembers, from all kernels. What it shows differs from learner to learner.

    For the end of a notebook there is ``tally``, whose output can be stored.
    """
    contents = JOURNAL.read()
    return Progress(summarise(contents.records), contents.notes)


def tally(notebook: str) -> None:
    """Show what has been done in this kernel with the exercises of a notebook.

    Parameters
    ----------
    notebook : its number, such as ``"02"``

    Raises
    ------
    InputError
        If the notebook has no exercises.
    """
    exercises = [exercise for exercise in all_exercises().values() if exercise.notebook == notebook]
    if not exercises:
        known = list(dict.fromkeys(exercise.notebook for exercise in all_exercises().values()))
        raise InputError(f'there are no exercises for notebook "{notebook}": {suggest(str(notebook), known)}')
    states = {row.exercise: row.state for row in summarise(JOURNAL.session)}
    rows = tuple((exercise.id, exercise.title, states[exercise.id]) for exercise in exercises)
    passed = sum(row[2] == "passed" for row in rows)
    caption = f"Notebook {notebook}, since the kernel started: {passed} of {len(rows)} exercises passed"
    note = "`course status` in a terminal shows all notebooks."
    show(Table(caption, ("exercise", "title", "state"), rows, (note,)))
