"""A device that is not there: it computes on the CPU, and mixing its tensors with the CPU's fails as on a GPU.

Inside ``with PretendedDevice():`` the machine seems to have an MPS device. A tensor that is moved to it, or made on it,
is marked by its storage. An operation that mixes marked and unmarked tensors raises, and so does ``numpy()`` of a
marked one. So code that forgets ``.to(device)`` or ``.cpu()`` fails here. What a GPU's kernels and precision do is not
pretended.

    python tests/pretended_device.py notebook.ipynb [OLD NEW …]

runs a notebook's code with it. Each OLD is replaced by NEW first, which makes it smaller; what it asserts about results
is left out, since a smaller run has others.
"""

import ast
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

import nbformat
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

DEVICE = torch.device("mps", 0)
aten = torch.ops.aten
ACROSS_DEVICES = {aten.copy_.default, aten._to_copy.default}
CPU_INDEX_ALLOWED = {aten.index.Tensor, aten.index_put_.default, aten.index_put.default, aten._index_put_impl_.default}


def is_pretended(device: Any) -> bool:
    """Whether an argument names the pretended device."""
    return isinstance(device, (str, torch.device)) and torch.device(device).type == DEVICE.type


def is_marked(tensor: torch.Tensor) -> bool:
    """Whether the tensor lies on the pretended device."""
    return hasattr(tensor.untyped_storage(), "pretended")


def mark(tensor: torch.Tensor) -> torch.Tensor:
    """Put a tensor on the pretended device, without a copy."""
    tensor.untyped_storage().pretended = True
    return tensor


def tensors_of(*trees: Any) -> Iterator[torch.Tensor]:
    """All tensors in nested lists, tuples and dictionaries."""
    return (leaf for leaf in tree_leaves(trees) if isinstance(leaf, torch.Tensor))


class _Operations(TorchDispatchMode):
    """Sees every operation, those of the backward pass too: refuses a mixture, marks what comes out."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in ACROSS_DEVICES:
            return func(*args, **kwargs)
        checked = args[:1] if func in CPU_INDEX_ALLOWED and is_marked(args[0]) else args
        inputs = list(tensors_of(checked, kwargs))
        marked = [is_marked(tensor) for tensor in inputs]
        # As on a GPU, a tensor without dimensions may come from the CPU.
        if any(marked) and any(not on and tensor.ndim > 0 for on, tensor in zip(marked, inputs)):
            raise RuntimeError(
                f"Expected all tensors to be on the same device, but found at least two devices, {DEVICE} and cpu! "
                f"(in {func})"
            )
        result = func(*args, **kwargs)
        if any(marked):
            for tensor in tensors_of(result):
                mark(tensor)
        return result


class PretendedDevice(TorchFunctionMode):
    """Context: the machine seems to have a device beside the CPU."""

    def __enter__(self) -> "PretendedDevice":
        self._stack = ExitStack()
        self._stack.enter_context(mock.patch("torch.backends.mps.is_available", return_value=True))
        self._stack.enter_context(_Operations())
        return super().__enter__()

    def __exit__(self, *details: Any) -> None:
        super().__exit__(*details)
        self._stack.close()

    def __torch_function__(self, func: Callable, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        source = args[0] if args and isinstance(args[0], torch.Tensor) else None
        if func == torch.Tensor.device.__get__:
            return DEVICE if is_marked(source) else func(*args, **kwargs)
        if name in ("numpy", "__array__") and source is not None and is_marked(source):
            raise TypeError(
                f"can't convert {DEVICE} device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host "
                "memory first."
            )
        if name in ("to", "cpu") and source is not None:
            return _moved(func, name, source, args[1:], kwargs)
        if is_pretended(kwargs.get("device")):
            return mark(func(*args, **{**kwargs, "device": "cpu"}))
        return func(*args, **kwargs)


def _moved(func: Callable, name: str, source: torch.Tensor, rest: tuple, kwargs: dict) -> torch.Tensor:
    """``source.to(…)`` or ``source.cpu()``: a copy where the device changes."""
    target = "cpu" if name == "cpu" else kwargs.get("device")
    for value in rest:
        if isinstance(value, torch.Tensor):  # to(other)
            target = DEVICE if is_marked(value) else "cpu"
        elif isinstance(value, (str, torch.device)):
            target = value
    rest = tuple("cpu" if is_pretended(value) else value for value in rest)
    kwargs = {key: "cpu" if is_pretended(value) else value for key, value in kwargs.items()}
    before = is_marked(source)
    after = before if target is None else is_pretended(target)
    result = func(source, *rest, **kwargs)
    if after != before and result.untyped_storage()._cdata == source.untyped_storage()._cdata:
        result = aten._to_copy.default(result)
    return mark(result) if after else result


class _NoAsserts(ast.NodeTransformer):
    def visit_Assert(self, node: ast.Assert) -> ast.Pass:
        return ast.copy_location(ast.Pass(), node)


def run_notebook(path: str | Path, smaller: dict[str, str]) -> None:
    """Run the code cells of a notebook with the pretended device.

    Raises
    ------
    ValueError
        If something that is to be replaced does not occur in the notebook.
    """
    sources = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    for old, new in smaller.items():
        if not any(old in source for source in sources):
            raise ValueError(f'"{old}" is not in {path}: the notebook has changed, and so must its smaller form.')
        sources = [source.replace(old, new) for source in sources]
    names: dict[str, Any] = {"__name__": "__main__"}
    with PretendedDevice():
        for number, source in enumerate(sources):
            tree = ast.fix_missing_locations(_NoAsserts().visit(ast.parse(source)))
            try:
                exec(compile(tree, f"code cell {number}", "exec"), names)
            except Exception as error:
                error.add_note(f"in code cell {number} of {path}:\n{source}")
                raise


if __name__ == "__main__":
    run_notebook(sys.argv[1], dict(zip(sys.argv[2::2], sys.argv[3::2], strict=True)))
