"""Results of runs that take too long for a notebook: ``benchmarks/results/*.json``, written by programs only."""

import json
from pathlib import Path
from typing import Any

from course_utils.errors import InputError, suggest


def results_folder() -> Path:
    """The folder of the stored results: inside an installed wheel, or beside the package in a checkout."""
    inside = Path(__file__).parent / "benchmarks" / "results"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "benchmarks" / "results"


def stored_results(name: str) -> Any:
    """What a program in ``benchmarks`` has measured and stored.

    Parameters
    ----------
    name : name of the file without ``.json``; the program that writes it has the same name, or says so in its help

    Returns
    -------
    The content of the file: usually a dict with ``machine`` and ``runs``.

    Raises
    ------
    InputError
        If there is no such file; the message lists those that there are.

    Examples
    --------
    >>> sorted(stored_results("learning_rates"))
    ['machine', 'runs']
    """
    path = results_folder() / f"{name}.json"
    if not path.is_file():
        known = sorted(path.stem for path in results_folder().glob("*.json"))
        raise InputError(f"no stored results are named {name!r}: {suggest(name, known)}")
    return json.loads(path.read_text("utf-8"))
