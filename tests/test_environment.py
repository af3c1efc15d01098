"""The three descriptions of the environment agree: pyproject.toml, requirements.lock, environment.yml."""

import re
import tomllib
from pathlib import Path

import pytest
import rattler
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
LOCK = [
    line for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines() if not line.startswith("#")
]
PINS = {canonicalize_name(name): Version(version) for name, _, version in (line.partition("==") for line in LOCK)}
REQUIREMENTS = [
    *PROJECT["dependencies"],
    *(line for extra in PROJECT["optional-dependencies"].values() for line in extra),
]


def test_every_line_of_the_lock_is_a_name_and_a_public_version():
    # no "+cpu", no hash, no address, no marker: pip can install it on any machine
    odd = [line for line in LOCK if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", line)]
    assert odd == []
    assert len(PINS) == len(LOCK)
    assert sorted(LOCK, key=lambda line: line.partition("==")[0].lower()) == LOCK


def test_the_lock_leaves_out_the_project_the_installers_and_cuda():
    assert not [n for n in PINS if re.fullmatch(r"course-utils|pip|setuptools|wheel|triton|nvidia-.*|cuda-.*", n)]


@pytest.mark.parametrize("line", REQUIREMENTS)
def test_every_dependency_is_pinned_within_its_range(line):
    requirement = Requirement(line)
    pin = PINS[canonicalize_name(requirement.name)]
    assert pin in requirement.specifier
    # a range without a lower bound would let pip choose a version that nobody tried
    assert any(part.operator in (">=", "==") for part in requirement.specifier)


def test_conda_installs_python_and_pip_and_leaves_the_rest_to_the_lock():
    assert set(CONDA) == {"name", "channels", "dependencies"}
    *specs, pip_block = CONDA["dependencies"]
    parsed = {spec.name.normalized: spec for spec in map(rattler.MatchSpec, specs)}
    assert set(parsed) == {"python", "pip"}
    python = Version(str(parsed["python"].version).removesuffix(".*").lstrip("="))
    assert python in SpecifierSet(PROJECT["requires-python"])
    assert pip_block == {"pip": ["-r requirements.lock", "-e ."]}
