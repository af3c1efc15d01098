"""Execute notebooks and store their outputs so that two runs in a row change no line.

The notebooks are the source of truth, outputs included. ``python -m course_utils.notebooks`` runs them in this
environment, in the state a learner would have (no mirror, no hub), and writes back what is the same on every run:
fixed cell ids, merged streams, no timings, no addresses. Cells tagged ``nbval-ignore-output`` show figures that move;
they keep their stored outputs as long as their source is the same.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbformat import NotebookNode

KEEP_OUTPUT = "nbval-ignore-output"
FOLDED = "hide-cell"
WIDGET = "application/vnd.jupyter.widget-view+json"
NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# What differs from run to run without meaning anything.
VOLATILE = (
    (re.compile(r"\x1b\[[0-9;]*m"), ""),  # ANSI colours
    (re.compile(r"[^ \n\"']*ipykernel_\d+/\d+\.py"), "<cell>"),
    (re.compile(r"0x[0-9a-f]{6,}"), "0x..."),
    (re.compile(r"[^\n]*\r(?!\n)"), ""),  # a progress line that was written over
)


class NotebookError(RuntimeError):
    """A notebook did not run to its end. The message names the notebook, the cell and the error on one line."""


def notebook_environment(state: str | Path) -> dict[str, str]:
    """Environment variables for a kernel: those of this process, without what would change a notebook's outputs.

    Parameters
    ----------
    state : where the kernel remembers answers and guesses; a folder of its own, not that of the person who runs it
    """
    # NLTK_DATA and a mirror would offer data that a learner lacks; MPLBACKEND would send figures elsewhere.
    removed = {"COURSE_MIRROR", "NLTK_DATA", "MPLBACKEND"}
    kept = {name: value for name, value in os.environ.items() if name not in removed}
    return kept | {"HF_HUB_OFFLINE": "1", "PYTHONHASHSEED": "0", "TQDM_DISABLE": "1", "COURSE_STATE": str(state)}


def execute(notebook: NotebookNode, *, name: str, folder: Path, timeout: int = 300) -> None:
    """Run all cells in a fresh kernel of this environment and put their outputs into ``notebook``.

    Parameters
    ----------
    notebook : what ``nbformat.read`` returns; changed in place
    name : how an error message calls it
    folder : working directory of the kernel
    timeout : seconds that one cell may take

    Raises
    ------
    NotebookError
        At the first cell that fails, unless it is tagged ``raises-exception``.
    """
    import ipykernel.kernelspec
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    class ThisEnvironment(KernelSpecManager):
        """Ignores kernels that are registered elsewhere, whatever their names."""

        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            resources = ipykernel.kernelspec.RESOURCES
            return KernelSpec(resource_dir=resources, **ipykernel.kernelspec.get_kernel_dict())

    running = 0

    def remember(cell: NotebookNode, cell_index: int) -> None:
        nonlocal running
        running = cell_index

    client = NotebookClient(
        notebook,
        timeout=timeout,
        startup_timeout=max(60, timeout),  # on a busy machine a kernel needs more than the minute it usually gets
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        on_cell_start=remember,
        # load_ipython_extension, below; and without the kernel's warning that it listens on loopback
        extra_arguments=["--ext=course_utils.notebooks", "--log-level=ERROR"],
    )
    client.create_kernel_manager().kernel_spec_manager = ThisEnvironment()
    try:
        with TemporaryDirectory() as state:
            client.execute(cwd=str(folder), env=notebook_environment(state))
    except CellExecutionError as error:
        reason = f"{error.ename}: {error.evalue}"
    except CellTimeoutError:
        reason = f"it took longer than {timeout} seconds"
    except DeadKernelError:
        reason = "the kernel died, perhaps for want of memory"
    else:
        return
    cell = notebook.cells[running]
    source = cell.source.strip().partition("\n")[0]
    reason = " ".join(_clean(reason).split())
    raise NotebookError(f"{name}, cell {running + 1} (`{source}`): {reason}")


def load_ipython_extension(shell: Any) -> None:
    """Let the kernel write a figure's ``alt`` attribute into the metadata of the output that shows the figure."""
    original = shell.display_formatter.format

    def format_with_alt(obj: Any, *args: Any, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = original(obj, *args, **kwargs)
        alt = getattr(obj, "alt", None)
        if isinstance(alt, str) and "image/png" in data:
            metadata["alt"] = alt
        return data, metadata

    shell.display_formatter.format = format_with_alt


def normalise(notebook: NotebookNode, *, stored: NotebookNode | None = None) -> None:
    """Remove from an executed notebook, in place, what differs from run to run.

    Parameters
    ----------
    notebook : an executed notebook
    stored : the notebook before the run; its cells tagged ``nbval-ignore-output`` give back their outputs if neither
        they nor a code cell above them have changed since they were normalised
    """
    notebook.metadata = nbformat.from_dict(NOTEBOOK_METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    ids: set[str] = set()
    unchanged = True  # so far: what a cell shows depends on all code above it
    for position, cell in enumerate(notebook.cells):
        cell.id = _fingerprint(cell.source, ids)
        ids.add(cell.id)
        cell.metadata = nbformat.from_dict({k: cell.metadata[k] for k in ("mystnb", "tags") if cell.metadata.get(k)})
        if FOLDED in cell.metadata.get("tags", []):  # the book folds by the tag, JupyterLab by this
            cell.metadata.jupyter = nbformat.from_dict({"source_hidden": True, "outputs_hidden": True})
        if cell.cell_type != "code":
            continue
        old = stored.cells[position] if stored else NotebookNode(outputs=[])
        unchanged = unchanged and old.get("id") == cell.id
        if unchanged and old.outputs and KEEP_OUTPUT in cell.metadata.get("tags", []):
            cell.outputs = old.outputs
        cell.outputs = _merge_streams([output for output in map(_normalise_output, cell.outputs) if output])
        alts = [output.metadata.pop("alt") for output in cell.outputs if "alt" in output.get("metadata", {})]
        if alts:
            image = cell.metadata.setdefault("mystnb", NotebookNode()).setdefault("image", NotebookNode())
            image.alt = " ".join(dict.fromkeys(alts))


def run(path: Path, *, into: Path | None = None, fresh: bool = False, timeout: int = 300) -> None:
    """Execute one notebook and write the normalised result back, or into another folder.

    Parameters
    ----------
    path : the notebook
    into : folder that gets the executed copy; the kernel works there and ``path`` stays as it is
    fresh : renew the outputs of cells tagged ``nbval-ignore-output`` too, as is always done for a copy
    timeout : seconds that one cell may take

    Raises
    ------
    NotebookError
        If a cell fails; nothing is written then.
    """
    notebook = nbformat.read(path, as_version=4)
    stored = None if fresh or into else nbformat.read(path, as_version=4)
    target = (into or path.parent) / path.name
    execute(notebook, name=str(path), folder=target.parent, timeout=timeout)
    normalise(notebook, stored=stored)
    text = nbformat.writes(notebook).rstrip("\n") + "\n"
    if not target.exists() or target.read_text(encoding="utf-8") != text:
        target.write_text(text, encoding="utf-8", newline="\n")


def as_text(path: Path) -> str:
    """Sources and outputs of a notebook as plain text, one image a line: what a person wants to see in a diff."""
    notebook = nbformat.read(path, as_version=4)
    lines: list[str] = []
    for cell in notebook.cells:
        tags = " ".join(cell.metadata.get("tags", []))
        lines += [f"--- {cell.cell_type} {tags}".rstrip(), cell.source]
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            text = output.get("text") or data.get("text/plain") or "\n".join(output.get("traceback", []))
            lines += [">>> " + " ".join(["output", *sorted(data)]), text.rstrip("\n")]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the notebooks that are named, or all of them; the first error stops. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m course_utils.notebooks", description=main.__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all in --folder")
    parser.add_argument("--folder", type=Path, default=Path("notebooks"), help="default: notebooks")
    parser.add_argument("--into", type=Path, help="write executed copies here, with all that lies beside the notebooks")
    parser.add_argument("--fresh", action="store_true", help=f"renew the outputs of cells tagged {KEEP_OUTPUT} too")
    parser.add_argument("--timeout", type=int, default=300, help="seconds that one cell may take (default: 300)")
    parser.add_argument("--as-text", type=Path, metavar="NOTEBOOK", help="print one notebook as plain text and stop")
    options = parser.parse_args(arguments)
    if options.as_text:
        print(as_text(options.as_text), end="")
        return 0
    if options.into:
        # Start from nothing: a page that was deleted must not survive in the copy.
        shutil.rmtree(options.into, ignore_errors=True)
        shutil.copytree(options.folder, options.into, ignore=shutil.ignore_patterns(".*", "*.ipynb"))
    for path in options.notebooks or sorted(options.folder.glob("*.ipynb")):
        start = time.perf_counter()
        try:
            run(path, into=options.into, fresh=options.fresh, timeout=options.timeout)
        except NotebookError as error:
            print(error, file=sys.stderr)
            return 1
        print(f"{path}: {time.perf_counter() - start:.1f} s", flush=True)
    return 0


def _fingerprint(source: str, taken: set[str]) -> str:
    """A cell's id: a digest of its source, so that a stored output can be told from one of an older source."""
    digest = hashlib.sha256(source.encode()).hexdigest()[:8]
    return next(name for name in (digest, *(f"{digest}-{n}" for n in range(2, 10_000))) if name not in taken)


def _clean(text: str) -> str:
    for pattern, replacement in VOLATILE:
        text = pattern.sub(replacement, text)
    return text


def _normalise_output(output: NotebookNode) -> NotebookNode | None:
    """The output without what differs from run to run; None if nothing is left of it."""
    if output.output_type == "stream":
        output.text = _clean(output.text)
        return output if output.text else None
    if output.output_type == "error":
        output.evalue = _clean(output.evalue)
        output.traceback = [_clean(line) for line in output.traceback]
        return output
    output.data.pop(WIDGET, None)
    for kind, value in output.data.items():
        if kind.startswith("text/"):
            output.data[kind] = _clean(value)
    return output if output.data else None


def _merge_streams(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Join the streams between two other outputs: how they were cut up and interleaved is a matter of timing."""
    merged: list[NotebookNode] = []
    streams: dict[str, NotebookNode] = {}
    for output in outputs:
        if output.output_type != "stream":
            streams = {}
            merged.append(output)
        elif output.name in streams:
            streams[output.name].text += output.text
        else:
            streams[output.name] = output
            # stdout first, whichever arrived first
            merged.insert(len(merged) - (output.name == "stdout" and "stderr" in streams), output)
    return merged


if __name__ == "__main__":
    sys.exit(main())
