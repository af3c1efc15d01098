"""The layer rule of the design: a module imports only from layers below its own."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import course_utils

# From the top to the bottom; modules of one layer do not import each other.
LAYERS = [
    {"cli", "notebooks"},
    {"runs", "doctor"},
    {"workflows"},
    {"tasks"},
    {"preflight", "checks"},
    {"training", "plotting", "baselines"},
    {"checkpoints"},
    {"metrics", "attention"},
    {"models", "tokenization", "batching"},
    {"corpora"},
    {"published", "own_files", "nltk_reader"},
    {"eastmere"},
    {"columns"},
    {"cleaning", "file_formats"},
    {"sources", "runtime"},
    {"errors"},
]
LAYER = {module: number for number, layer in enumerate(LAYERS) for module in layer}
FOLDER = Path(course_utils.__file__).parent
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
HEAVY = ("torch", "transformers", "datasets", "pandas", "spacy")


def course_imports(source: str) -> set[str]:
    """The modules of the package that a source imports anywhere, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = ("course_utils." if node.level else "") + (node.module or "")
            names = [module.rstrip("."), *(f"{module.rstrip('.')}.{alias.name}" for alias in node.names)]
        else:
            continue
        parts = [name.split(".") for name in names if name.startswith("course_utils.")]
        found |= {part[1] for part in parts if part[1] in LAYER or (FOLDER / f"{part[1]}.py").exists()}
    return found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("import course_utils.models as m, os", {"models"}),
        ("from course_utils import __version__, metrics", {"metrics"}),
        ("from course_utils.training import fit", {"training"}),
        ("from . import corpora", {"corpora"}),
        ("from .cli import app", {"cli"}),
        ("def f():\n    from course_utils.checks import check", {"checks"}),
        ("import torch\nfrom transformers import models", set()),
    ],
)
def test_every_form_of_import_is_seen(line, expected):
    assert course_imports(line) == expected


def test_every_module_has_a_layer():
    assert [module for module in MODULES if module not in LAYER] == []


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_downwards(module):
    imported = course_imports((FOLDER / f"{module}.py").read_text("utf-8"))
    upwards = sorted(name for name in imported if LAYER.get(name, -1) <= LAYER.get(module, -1))
    assert upwards == [], f"{module} imports {', '.join(upwards)}"


def imported_by(statement: str) -> set[str]:
    """The heavy libraries that a fresh interpreter has loaded after a statement."""
    code = f"import sys\n{statement}\nprint(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_package_itself_is_cheap():
    assert imported_by("import course_utils") == set()


@pytest.mark.parametrize("module", ["errors", "runtime", "sources", "cleaning", "file_formats", "corpora", "cli"])
def test_the_lower_modules_and_the_command_line_are_cheap(module):
    assert imported_by(f"import course_utils.{module}") == set()


def test_what_is_heavy_is_noticed():
    assert "torch" in imported_by("import course_utils.training")
