"""How the suite runs the notebooks: as `make notebooks` does, each for itself, and none much longer than it states."""

import os
import runpy
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import nbformat
import pytest

from course_utils.notebooks import notebook_environment

STATE = TemporaryDirectory()  # what the kernels remember of a learner; removed at the end
PATIENCE = 3
"""A notebook may take this many times the seconds that it states: a shared machine is slow, a fault is slower."""

SPENT = pytest.StashKey[float]()
FOUND = pytest.StashKey[set[str]]()


def is_cell(item: pytest.Item) -> bool:
    """Whether a test is a notebook's cell, run by nbval in its notebook's kernel."""
    return type(item).__module__.startswith("nbval")


def visible_files(folder: Path) -> set[str]:
    """What a notebook must leave as it is. Notebooks themselves may be written meanwhile, by people."""
    return {path.name for path in folder.iterdir() if path.name[0] != "." and path.suffix != ".ipynb"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    if not is_cell(item):
        return (yield)
    notebook = item.parent
    notebook.stash.setdefault(FOUND, visible_files(item.path.parent))
    # A state of its own: no notebook can lean on what another one has done, so they run in any order.
    environment = notebook_environment(Path(STATE.name, item.path.stem))
    with mock.patch.dict(os.environ, environment, clear=True):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    if is_cell(item) and call.when == "call":
        item.parent.stash[SPENT] = item.parent.stash.get(SPENT, 0.0) + call.duration
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, None, None]:
    result = yield
    if is_cell(item) and (nextitem is None or nextitem.parent is not item.parent):
        check_finished_notebook(item.path, item.parent.stash.get(SPENT, 0.0), item.parent.stash[FOUND])
    return result


def check_finished_notebook(path: Path, spent: float, found: set[str]) -> None:
    """Fail if a notebook took much longer than it states, or left a file behind.

    Parameters
    ----------
    path : the notebook
    spent : seconds in its cells
    found : names of the files that lay beside it before
    """
    stated_seconds = runpy.run_path(str(Path(__file__).parent / "tests/notebook_head.py"))["stated_seconds"]
    prose = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    stated = stated_seconds("\n\n".join(prose))
    if stated is not None and spent > PATIENCE * stated:
        pytest.fail(
            f"{path.name} ran for {spent:.0f} s and states {stated}: its ceiling is {PATIENCE} times that.",
            pytrace=False,
        )
    left = sorted(visible_files(path.parent) - found)
    if left:
        pytest.fail(f"{path.name} ran, and left behind: {', '.join(left)}.", pytrace=False)
