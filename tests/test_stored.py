"""Stored results are found in a checkout and in a wheel; a wrong name is answered with the right ones."""

import json
import tomllib
from pathlib import Path

import pytest

from course_utils import stored
from course_utils.errors import InputError

ROOT = Path(__file__).parent.parent


def test_every_stored_file_can_be_read_and_names_its_machine():
    files = sorted((ROOT / "benchmarks" / "results").glob("*.json"))
    assert len(files) >= 3
    for path in files:
        assert stored.stored_results(path.stem) == json.loads(path.read_text("utf-8"))
        assert path.read_text("utf-8").count('"machine"')


def test_a_wheel_carries_them_and_they_are_found_there_first(tmp_path, monkeypatch):
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "benchmarks/results" in wheel["only-include"]
    assert wheel["sources"]["benchmarks"] == "course_utils/benchmarks"
    monkeypatch.setattr(stored, "__file__", str(tmp_path / "stored.py"))
    (tmp_path / "benchmarks" / "results").mkdir(parents=True)
    (tmp_path / "benchmarks" / "results" / "one.json").write_text("[1]")
    assert stored.stored_results("one") == [1]


def test_a_wrong_name_is_answered_with_the_right_ones():
    with pytest.raises(InputError, match=r"no stored results are named 'learning_rate'.*learning_rates"):
        stored.stored_results("learning_rate")
    with pytest.raises(InputError, match=r"choose one of .*eastmere_transfer"):
        stored.stored_results("nothing like it")
