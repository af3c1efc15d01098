"""Print requirements.lock: the versions in this environment of all that the project needs, extras included.

Walking the dependencies, rather than listing what is installed, leaves out whatever else lives in the environment.
Left out on purpose: the project itself, the installers, and the CUDA libraries, which torch's own wheel chooses.
"""

import re
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HEADER = """\
# Made by `make lock` from the environment in .venv: every package that the project needs, extras included, at the
# version that was tested. What only other systems need is left to pip.
"""
LEFT_OUT = re.compile(r"pip|setuptools|wheel|triton|nvidia-.*|cuda-.*")


def closure(root: Requirement) -> dict[str, str]:
    """Name and version of everything that ``root`` needs, without ``root``."""
    pins: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    todo = [(root.name, extra) for extra in ("", *root.extras)]
    while todo:
        name, extra = todo.pop()
        name = canonicalize_name(name)
        if (name, extra) in seen or LEFT_OUT.fullmatch(name):
            continue
        seen.add((name, extra))
        try:
            package = distribution(name)
        except PackageNotFoundError:
            raise SystemExit(f"{name} is needed but not installed. Install it into .venv, then call again.") from None
        if name != canonicalize_name(root.name):
            pins[package.name] = package.version.partition("+")[0]  # no local versions such as "+cpu"
        for line in package.requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                todo += [(requirement.name, wanted) for wanted in ("", *requirement.extras)]
    return pins


if __name__ == "__main__":
    pins = closure(Requirement("course-utils[test,book]"))
    print(HEADER + "\n".join(f"{name}=={pins[name]}" for name in sorted(pins, key=str.lower)))
