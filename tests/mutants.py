"""Mutation test: change the code in one place, run its tests, and count how many changes they notice.

``make mutants`` draws a seeded sample of all such changes. Those that no test notices are listed: each is a behaviour
that nothing pins, or a change that makes no difference. Mutants live in a copy of the package in a temporary folder;
the checkout is only read.

Only tests that are not marked slow count. They run once unchanged, which loads the heavy libraries and notes which test
runs which lines. Every mutant then gets a forked process of its own that has the libraries already. There the tests
that run the changed line come first, the quickest of them at the very first; the first failure ends the trial. A mutant
survives only if all tests of its file pass. There is a limit of processor time; a mutant that runs into it counts as
killed.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import coverage
import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = ("metrics", "tokenization", "attention", "cleaning")
COPIED = ("course_utils", "tests", "conftest.py", "pyproject.toml")

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
WAIT = 1800  # seconds until a mutant that uses no processor counts as killed; many, since the machine may be busy
SYMMETRIC = (
    "max",
    "min",
    "maximum",
    "minimum",
    "equal",
    "union1d",
    "transpose",
)  # their arguments may stand in any order


@dataclass(frozen=True)
class Mutant:
    """One change: ``before``, which begins on ``line`` of ``file``, becomes ``after``. Offsets count bytes."""

    file: str
    line: int
    before: str
    after: str
    start: int
    end: int


# What is changed


def mutants_of(file: str, source: str) -> list[Mutant]:
    """All changes of a source file, in the order of its syntax tree."""
    data = source.encode()
    starts = [0]
    for line in data.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    for node, after in _changes(ast.parse(source)):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        found.append(Mutant(file, node.lineno, data[start:end].decode(), after, start, end))
    return found


def apply(mutant: Mutant, source: str) -> str:
    """The source with the mutant's change."""
    data = source.encode()
    return (data[: mutant.start] + mutant.after.encode() + data[mutant.end :]).decode()


def _changes(node: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """A part of the tree and what replaces it, for each change; types, docstrings and messages stay as they are."""
    if isinstance(node, ast.stmt):
        yield from ((node, text) for text in _changed_statements(node))
    elif isinstance(node, ast.expr):
        # In parentheses, so that what stands around it binds no tighter than before.
        yield from ((node, f"({ast.unparse(changed)})") for changed in _changed_expressions(node))
    if isinstance(node, ast.Raise | ast.JoinedStr) or _is_for_types(node):
        return
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _changes(child)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _without(items: list, k: int) -> list:
    return [*items[:k], *items[k + 1 :]]


def _negated(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), test)


def _changed_statements(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.Expr(value=ast.Call()) | ast.Raise():
            yield "pass"
        case ast.Assign(targets=[target]) if ast.unparse(target) in map(ast.unparse, ast.walk(node.value)):
            yield "pass"  # what it rewrites was there before
        case ast.AugAssign():
            yield "pass"
            yield ast.unparse(_with(node, op=ARITHMETIC[type(node.op)]()))
        case ast.Return(value=ast.expr()) if not isinstance(node.value, ast.Constant) or node.value.value is not None:
            yield "return None"
        case ast.Break():
            yield "continue"
        case ast.Continue():
            yield "break"


def _changed_expressions(node: ast.expr) -> Iterator[ast.AST]:
    match node:
        case ast.Compare():
            for k, operator in enumerate(node.ops):
                for other in COMPARISONS[type(operator)]:
                    yield _with(node, ops=[*node.ops[:k], other(), *node.ops[k + 1 :]])
        case ast.BoolOp():
            yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
        case ast.BinOp() if type(node.op) in ARITHMETIC:
            yield _with(node, op=ARITHMETIC[type(node.op)]())
        case ast.UnaryOp():
            yield node.operand
        case ast.Constant(value=bool()):
            yield ast.Constant(not node.value)
        case ast.Constant(value=int() | float()):
            yield ast.Constant(node.value + 1)
        case ast.IfExp(test=ast.Name() | ast.Attribute() | ast.Call()):
            yield _with(node, test=_negated(node.test))
        case ast.Call():
            for k in range(len(node.keywords)):
                yield _with(node, keywords=_without(node.keywords, k))
            swapped = [*node.args[1::-1], *node.args[2:]]
            order_matters = ast.unparse(node.func).split(".")[-1] not in SYMMETRIC
            if order_matters and list(map(ast.dump, swapped)) != list(map(ast.dump, node.args)):
                yield _with(node, args=swapped)


# What notices it


def source_files(module: str) -> list[str]:
    """The files of a module or package, relative to the checkout."""
    package = ROOT / "course_utils" / module
    paths = sorted(package.glob("*.py")) if package.is_dir() else [package.with_suffix(".py")]
    return [str(path.relative_to(ROOT)) for path in paths if path.stem != "__init__"]


def tests_of(file: str) -> list[str]:
    """The doctests of a file, and the tests of its name and of its package."""
    parts = Path(file).with_suffix("").parts[1:]
    names = [f"tests/test_{'_'.join(parts[:k])}.py" for k in range(len(parts), 0, -1)]
    return [file, *(name for name in names if (ROOT / name).exists())]


class Order:
    """A pytest plugin: the tests of these names first, in this order."""

    def __init__(self, first: Sequence[str]) -> None:
        self.place = {name: k for k, name in enumerate(first)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: self.place.get(item.nodeid, len(self.place)))


class Clock:
    """A pytest plugin: the seconds of each test."""

    def __init__(self) -> None:
        self.seconds = Counter[str]()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration


class Reach:
    """Which tests run which lines, the quickest first."""

    def __init__(self, root: Path, measured: Path, seconds: Counter[str]) -> None:
        self.root, self.seconds, self.data = root, seconds, coverage.CoverageData(str(measured))
        self.data.read()

    def tests(self, mutant: Mutant) -> list[str]:
        """Names of the tests that run a line of the change; none if it runs at import, since then all reach it."""
        lines = range(mutant.line, mutant.line + mutant.before.count("\n") + 1)
        contexts = self.data.contexts_by_lineno(str(self.root / mutant.file))
        found = {context.rpartition("|")[0] for line in lines for context in contexts.get(line, [])}
        return sorted(found - {""}, key=lambda name: self.seconds[name])


class Judge:
    """A copy of the package in which this process tries mutants."""

    def __init__(self, folder: str) -> None:
        self.root = Path(tempfile.mkdtemp(dir=folder))
        for name in COPIED:
            path = ROOT / name
            if path.is_dir():
                shutil.copytree(path, self.root / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(path, self.root)
        (self.root / "data").symlink_to(ROOT / "data")

    def run_tests(self, tests: list[str], *options: str, plugins: Sequence[object] = ()) -> int:
        """Exit status of pytest in this process."""
        os.chdir(self.root)
        os.environ["PYTHONPATH"] = str(self.root)  # for the processes that tests start
        sys.path.insert(0, str(self.root))
        # Plain asserts: nobody reads what failed, and rewriting them takes longer than many a test.
        fixed = ("-x", "-q", "-m", "not slow", "--assert=plain", "-p", "no:cacheprovider")
        return pytest.main([*fixed, *options, *tests], plugins=plugins)

    def try_tests(self, tests: list[str], limit: float, first: Sequence[str] = ()) -> tuple[str, float]:
        """What became of the tests in a forked process (passed, failed, timeout), and its processor seconds."""
        child = os.fork()
        if child == 0:
            resource.setrlimit(resource.RLIMIT_CPU, (int(limit) + 1, int(limit) + 1))
            signal.alarm(WAIT)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            code = 1
            try:
                code = self.run_tests(tests, plugins=[Order(first)])
            finally:
                os._exit(code)
        _, status, used = os.wait4(child, 0)
        code = os.waitstatus_to_exitcode(status)
        if code in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED):
            raise RuntimeError(f"pytest found no tests in {', '.join(tests)}")
        late = code in (-signal.SIGXCPU, -signal.SIGKILL, -signal.SIGALRM)
        outcome = "timeout" if late else "failed" if code else "passed"
        return outcome, used.ru_utime + used.ru_stime

    def try_mutant(self, mutant: Mutant, limit: float, first: Sequence[str]) -> str:
        """What became of the tests with a change, those of ``first`` before the others."""
        path = self.root / mutant.file
        source = path.read_text("utf-8")
        path.write_text(apply(mutant, source), "utf-8")
        try:
            return self.try_tests(tests_of(mutant.file), limit, first)[0]
        finally:
            path.write_text(source, "utf-8")


def warm_up(judge: Judge, tests: list[str]) -> Reach:
    """Run the tests unchanged in this process, then forget this project's modules and keep the libraries'."""
    path, folder = sys.path.copy(), Path.cwd()
    known, clock, measured = set(sys.modules), Clock(), judge.root / "coverage"
    os.environ["COVERAGE_FILE"] = str(measured)
    if judge.run_tests(tests, "--cov=course_utils", "--cov-context=test", "--cov-report=", plugins=[clock]):
        sys.exit("The tests fail without any change: mend that first.")
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(judge.root)):
            del sys.modules[name]
    sys.path[:] = path
    os.chdir(folder)
    return Reach(judge.root, measured, clock.seconds)


_judge: Judge  # of this worker process


def _start_worker(folder: str) -> None:
    global _judge
    _judge = Judge(folder)


def _measure(tests: tuple[str, ...]) -> tuple[tuple[str, ...], str, float]:
    return tests, *_judge.try_tests(list(tests), limit=600)


def _judged(job: tuple[Mutant, float, list[str]]) -> tuple[Mutant, str]:
    return job[0], _judge.try_mutant(*job)


# The report


def report(verdicts: list[tuple[Mutant, str]], num_candidates: dict[str, int], seconds: float) -> dict:
    """Counts by module, and the survivors."""
    counts = {module: Counter[str]() for module in num_candidates}
    for mutant, outcome in verdicts:
        counts[module_of(mutant.file)][outcome] += 1
    survivors = sorted((mutant for mutant, outcome in verdicts if outcome == "passed"), key=lambda m: (m.file, m.start))
    return {
        "seconds": round(seconds),
        "killed": sum(count["failed"] + count["timeout"] for count in counts.values()),
        "mutants": len(verdicts),
        "modules": {
            module: {
                "candidates": num_candidates[module],
                "mutants": count.total(),
                "killed": count["failed"] + count["timeout"],
                "of_these_by_time": count["timeout"],
            }
            for module, count in counts.items()
        },
        "survivors": [
            {name: value for name, value in asdict(mutant).items() if name not in ("start", "end")}
            for mutant in survivors
        ],
    }


def module_of(file: str) -> str:
    return Path(file).with_suffix("").parts[1]


def show(mutant: dict) -> str:
    return f"{mutant['file']}:{mutant['line']}: {' '.join(mutant['before'].split())}  →  {mutant['after']}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Count how many changes of the code its tests notice.")
    parser.add_argument("modules", nargs="*", default=MODULES, help=f"of course_utils; all without: {MODULES}")
    parser.add_argument("--sample", type=int, default=300, help="mutants to draw from all there are")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=45, help="no new mutant is begun after that")
    parser.add_argument("--at-least", type=float, default=85, help="per cent killed, else the exit status is 1")
    parser.add_argument("--json", type=Path, default=ROOT / "_build" / "mutants.json")
    options = parser.parse_args()

    begin = time.monotonic()
    sys.dont_write_bytecode = True  # a mutant of the same size and second would be taken for its original
    os.environ |= {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    files = [file for module in options.modules for file in source_files(module)]
    candidates = [mutant for file in files for mutant in mutants_of(file, (ROOT / file).read_text("utf-8"))]
    drawn = random.Random(options.seed).sample(candidates, min(options.sample, len(candidates)))
    print(f"{len(drawn)} of {len(candidates)} mutants, seed {options.seed}", flush=True)

    verdicts = []
    with tempfile.TemporaryDirectory() as folder:
        suites = {tuple(tests_of(mutant.file)) for mutant in drawn}
        reach = warm_up(Judge(folder), sorted(set().union(*suites)))
        # Forked, so that the workers and the processes of their mutants have what is loaded here.
        with multiprocessing.get_context("fork").Pool(options.workers, _start_worker, (folder,)) as pool:
            limits = {}
            for tests, outcome, seconds in pool.imap_unordered(_measure, sorted(suites)):
                if outcome != "passed":
                    sys.exit(f"The tests fail without any change: {' '.join(tests)}")
                limits[tests] = 10 + 5 * seconds
            jobs = [(mutant, limits[tuple(tests_of(mutant.file))], reach.tests(mutant)) for mutant in drawn]
            for mutant, outcome in pool.imap_unordered(_judged, jobs):
                verdicts.append((mutant, outcome))
                if outcome == "passed":
                    print("survived", show(asdict(mutant)), flush=True)
                if time.monotonic() - begin > 60 * options.minutes:
                    print(f"{options.minutes:g} minutes are over: {len(drawn) - len(verdicts)} mutants were not tried")
                    break

    num_candidates = dict(Counter(module_of(mutant.file) for mutant in candidates))
    result = {"seed": options.seed} | report(verdicts, num_candidates, time.monotonic() - begin)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print()
    for module, count in result["modules"].items():
        print(f"{module:14} {count['killed']:4} of {count['mutants']:4} killed (from {count['candidates']} possible)")
    share = 100 * result["killed"] / result["mutants"]
    print(f"{'all':14} {result['killed']:4} of {result['mutants']:4} killed: {share:.1f} %, {result['seconds']} s")
    sys.exit(share < options.at_least)


if __name__ == "__main__":
    main()
