"""The layer rule of the design: a module imports only from layers below its own."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

import course_utils

# From the top to the bottom; modules of one layer do not import each other.
LAYERS = [
    {"cli", "notebooks"},
    {"runs", "doctor", "benchmark"},
    {"workflows"},
    {"tasks"},
    {"preflight", "checks"},
    {"exercises"},
    {"training", "plotting", "baselines"},
    {"bookkeeping"},
    {"checkpoints", "predictions", "optimisation"},
    {"metrics", "attention", "configuration"},
    {"models", "tokenization", "batching", "speed", "processes", "guards"},
    {"corpora"},
    {"published", "own_files", "nltk_reader"},
    {"eastmere"},
    {"columns"},
    {"cleaning", "file_formats"},
    {"sources", "runtime", "stored"},
    {"errors"},
]
LAYER = {module: number for number, layer in enumerate(LAYERS) for module in layer}
FOLDER = Path(course_utils.__file__).parent
# A package is one module of its layer, in several files.
PACKAGES = sorted(path.parent.name for path in FOLDER.glob("*/__init__.py"))
MODULES = sorted([*PACKAGES, *(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")])
FILES = sorted(path for path in FOLDER.rglob("*.py") if path.parent != FOLDER or path.stem != "__init__")
HEAVY = ("torch", "transformers", "datasets", "pandas", "spacy")


def module_of(file: Path) -> str:
    return file.relative_to(FOLDER).with_suffix("").parts[0]


def imported_names(source: str, package: str = "course_utils") -> set[str]:
    """The full names that a source file of a package imports from this project, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), package)
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return {name for name in found if name.startswith("course_utils.")}


def course_imports(source: str, package: str = "course_utils") -> set[str]:
    """The modules of the project that a source file imports."""
    modules = {name.split(".")[1] for name in imported_names(source, package)}
    return {module for module in modules if module in LAYER or module in MODULES}


def inner_imports(package: str, sources: dict[str, str]) -> dict[str, set[str]]:
    """For each file of a package the other files of it that it imports; what is no file is a name in ``__init__``."""
    graph = {}
    for file, source in sources.items():
        names = [n.split(".") for n in imported_names(source, f"course_utils.{package}") if n.split(".")[1] == package]
        # "from course_utils.metrics.regression import spearman" names the package's file in its third part.
        graph[file] = {parts[2] if parts[2] in sources else "__init__" for parts in names if len(parts) > 2}
    return graph


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


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("from .regression import spearman", {"metrics"}),
        ("from . import regression", {"metrics"}),
        ("from ..models import freeze", {"models"}),
        ("from .. import cli", {"cli"}),
        ("from course_utils.metrics.regression import spearman", {"metrics"}),
    ],
)
def test_imports_inside_a_package_are_seen(line, expected):
    assert course_imports(line, "course_utils.metrics") == expected


def test_the_files_of_packages_are_checked():
    assert {"metrics"} <= set(PACKAGES)
    assert {(file.parent.name, file.stem) for file in FILES} >= {("metrics", "__init__"), ("metrics", "regression")}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(FOLDER)))
def test_imports_go_downwards(file):
    module = module_of(file)
    package = ".".join(("course_utils", *file.relative_to(FOLDER).parent.parts))
    imported = course_imports(file.read_text("utf-8"), package) - ({module} if module in PACKAGES else set())
    upwards = sorted(name for name in imported if LAYER.get(name, -1) <= LAYER.get(module, -1))
    assert upwards == [], f"{module} imports {', '.join(upwards)}"


@pytest.mark.parametrize("package", PACKAGES)
def test_the_files_of_a_package_do_not_import_each_other_in_a_circle(package):
    sources = {path.stem: path.read_text("utf-8") for path in (FOLDER / package).glob("*.py")}
    TopologicalSorter(inner_imports(package, sources)).prepare()  # raises CycleError


def test_a_circle_is_noticed():
    imports = {"__init__": "from . import a", "a": "from .b import c", "b": "from course_utils.metrics.a import d"}
    assert inner_imports("metrics", imports) == {"__init__": {"a"}, "a": {"b"}, "b": {"a"}}
    through_the_package = {"__init__": "from . import a", "a": "from course_utils.metrics import b"}
    for sources in (imports, through_the_package):
        with pytest.raises(CycleError):
            TopologicalSorter(inner_imports("metrics", sources)).prepare()


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
