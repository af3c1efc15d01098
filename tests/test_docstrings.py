"""What docstrings must say. Read from the source: nothing is imported.

The interface of a package is its ``__all__``; that of a module is every public function and class in it. To both belong
the public methods of their classes. What the files of a package share among themselves, and do not export, is a
helper: one sentence is enough for it, which names the error that it raises.
"""

import ast
import re
from pathlib import Path

import pytest

import course_utils

FOLDER = Path(course_utils.__file__).parent
INTERFACE = (
    "attention",
    "baselines",
    "batching",
    "checks",
    "cleaning",
    "corpora",
    "metrics",
    "models",
    "plotting",
    "tokenization",
)
# What takes only these can be shown at work in two lines. The examples for models, datasets and figures are notebooks.
PLAIN = {
    *("str", "int", "float", "bool", "object", "None", "Any", "Hashable", "Literal", "np", "ndarray", "Tensor"),
    *("Callable", "Iterable", "Mapping", "Sequence", "dict", "list", "tuple", "set"),
}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def files_of(module: str) -> list[Path]:
    package = FOLDER / module
    return sorted(package.glob("*.py")) if package.is_dir() else [package.with_suffix(".py")]


def parse(path: Path) -> list[ast.stmt]:
    return ast.parse(path.read_text("utf-8")).body


def definitions(body: list[ast.stmt], before: str = "") -> dict[str, Function | ast.ClassDef]:
    """The public functions and classes of a module, and the public methods of its classes."""
    found: dict[str, Function | ast.ClassDef] = {}
    for node in body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            found[before + node.name] = node
            if isinstance(node, ast.ClassDef):
                found |= definitions(node.body, f"{node.name}.")
    return found


def exported(package: str) -> set[str]:
    """The names in ``__all__``."""
    for node in parse(FOLDER / package / "__init__.py"):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    raise AssertionError(f"{package} has no __all__")


def constants(body: list[ast.stmt]) -> dict[str, bool]:
    """Public constants, and whether a string follows them or the last of the constants that stand together."""
    found: dict[str, bool] = {}
    together: list[str] = []
    for node in body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            together.append(ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target))
        else:
            found |= dict.fromkeys(together, isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
            together = []
    return {name: described for name, described in found.items() if not name.startswith("_")}


ALL = {
    f"{path.relative_to(FOLDER)}: {name}": node
    for path in sorted(FOLDER.rglob("*.py"))
    for name, node in definitions(parse(path)).items()
}
INNER = {  # of the modules of INTERFACE, helpers included
    f"{module}.{name}": node
    for module in INTERFACE
    for path in files_of(module)
    for name, node in definitions(parse(path)).items()
    if isinstance(node, Function)
}
EXPORTED = {module: exported(module) for module in INTERFACE if (FOLDER / module).is_dir()}
OUTER = {
    key: node
    for key, node in INNER.items()
    if (module := key.split(".")[0]) not in EXPORTED or key.split(".")[1] in EXPORTED[module]
}


def docstring(node: Function | ast.ClassDef) -> str:
    return ast.get_docstring(node) or ""


def section(node: Function, heading: str) -> str:
    """The text below a heading of numpydoc."""
    match = re.search(rf"^{heading}\n-+\n(.*?)(?=^[A-Z][a-z]+\n-+\n|\Z)", docstring(node), re.MULTILINE | re.DOTALL)
    return match[1] if match else ""


def parameters(node: Function) -> list[ast.arg]:
    given = node.args
    all_of_them = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]
    return [argument for argument in all_of_them if argument is not None and argument.arg not in ("self", "cls")]


def named_parameters(node: Function) -> list[str]:
    """The names before the colons of the section."""
    lines = re.findall(r"^([\w*]+(?:, [\w*]+)*) :", section(node, "Parameters"), re.MULTILINE)
    return [name.lstrip("*") for line in lines for name in line.split(", ")]


def raises_input_error(node: Function) -> bool:
    """Whether its own body has ``raise InputError(…)``."""
    raised = [ast.unparse(inner.exc) for inner in ast.walk(node) if isinstance(inner, ast.Raise) and inner.exc]
    return any(error.startswith("InputError(") for error in raised)


def is_plain(node: Function) -> bool:
    """Whether it takes something, only numbers, texts, arrays and collections of them, and returns something."""
    if node.returns is None or ast.unparse(node.returns) == "None":
        return False
    words: set[str] = set()
    for argument in parameters(node):
        annotation = re.sub(r"Literal\[.*?\]", "", ast.unparse(argument.annotation or ast.Constant(None)))
        words |= set(re.findall(r"[A-Za-z_]\w*", annotation))
    return bool(words) and words <= PLAIN


def is_method(name: str) -> bool:
    return name.count(".") == 2


def test_the_interface_is_found():
    assert {"metrics.entity_f1", "attention.BertEncoder.from_pretrained", "tokenization.encode_words"} <= set(OUTER)
    assert "metrics.check_share" in set(INNER) - set(OUTER)
    assert "batching" not in EXPORTED and "batching.py: LengthGroupedBatchSampler" in ALL


@pytest.mark.parametrize("module", EXPORTED)
def test_no_name_is_exported_twice(module):
    """Otherwise one of two functions of a name would not be looked at."""
    found = [name for path in files_of(module) for name in definitions(parse(path)) if name in EXPORTED[module]]
    assert len(found) == len(set(found)) > 0


FAULTS = '''
def bare(first: int, *rest: str, last: bool = True) -> int:
    """Without sections."""
    if last:
        raise InputError("no")
    return first


def full(first: int, *rest: str, last: bool = True) -> int:
    """With all of them.

    Parameters
    ----------
    first, last : a line
        that goes on : and on
    *rest : the rest

    Raises
    ------
    InputError
        Always.

    Examples
    --------
    >>> full(1)
    """
    raise InputError("no")


def heavy(model: nn.Module) -> int:
    raise ValueError("no")
'''


def test_what_is_missing_is_noticed():
    bare, full, heavy = ast.parse(FAULTS).body
    assert (named_parameters(bare), named_parameters(full)) == ([], ["first", "last", "rest"])
    assert [argument.arg for argument in parameters(bare)] == ["first", "rest", "last"]
    assert [raises_input_error(node) for node in (bare, full, heavy)] == [True, True, False]
    assert [is_plain(node) for node in (bare, full, heavy)] == [True, True, False]
    assert [section(node, "Examples") for node in (bare, full)] == ["", ">>> full(1)"]
    assert section(full, "Raises") == "InputError\n    Always.\n\n"
    body = ast.parse('A = 1\nB = 2\n"""Both."""\nC = 3\n_D = 4\n\ndef f(): ...').body
    assert constants(body) == {"A": True, "B": True, "C": False}


def test_every_public_name_has_a_docstring():
    assert [name for name, node in ALL.items() if not docstring(node)] == []
    assert [
        str(path) for path in FOLDER.rglob("*.py") if not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ] == []


@pytest.mark.parametrize("module", INTERFACE)
def test_every_public_constant_has_a_docstring(module):
    described = {name: said for path in files_of(module) for name, said in constants(parse(path)).items()}
    wanted = described if module not in EXPORTED else described.keys() & EXPORTED[module]
    assert [name for name in sorted(wanted) if not described[name]] == []


@pytest.mark.parametrize("name", OUTER)
def test_parameters_are_described(name):
    assert sorted(named_parameters(OUTER[name])) == sorted(argument.arg for argument in parameters(OUTER[name]))


@pytest.mark.parametrize("name", [name for name, node in INNER.items() if raises_input_error(node)])
def test_errors_are_described(name):
    text = section(INNER[name], "Raises") if name in OUTER else docstring(INNER[name])
    assert "InputError" in text


@pytest.mark.parametrize("name", [name for name, node in OUTER.items() if is_plain(node) and not is_method(name)])
def test_functions_of_plain_values_show_an_example(name):
    assert ">>> " in section(OUTER[name], "Examples")
