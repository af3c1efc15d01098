"""Several processes that train one model together.

Every process holds the whole model, takes its share of each batch, and adds its gradients to those of the others. The
result is that of one process with the whole batch. ``accelerate`` finds the processes that ``torchrun`` or
``accelerate launch`` started; here are only the few sums that training needs.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from course_utils.errors import InputError
from course_utils.runtime import choose_device

if TYPE_CHECKING:
    import torch

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """The processes of this run: ``rank`` is this one's number in [0, ``count``)."""

    rank: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes and speaks."""
        return self.rank == 0

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """One process's part of a batch or of a dataset: every ``count``-th item."""
        return items[self.rank :: self.count]

    def sum(self, value: float) -> float:
        """The sum of a number over all processes."""
        return float(sum(self.gather(value)))

    def gather(self, item: T) -> list[T]:
        """The items of all processes, in the order of their ranks."""
        if self.count == 1:
            return [item]
        import torch.distributed

        items: list[Any] = [None] * self.count
        torch.distributed.all_gather_object(items, item)
        return items

    def equalise(self, tensors: Iterable[torch.Tensor]) -> None:
        """Give the tensors of all processes the first one's values, in place."""
        if self.count == 1:
            return
        import torch.distributed

        for tensor in tensors:
            torch.distributed.broadcast(tensor.detach(), src=0)

    def sum_gradients(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        """Replace every gradient by its sum over the processes; a process without one counts as zero.

        A parameter that has no gradient in any process gets none: the optimiser passes over it, decay included.
        """
        if self.count == 1:
            return
        import torch
        import torch.distributed

        used = torch.tensor([p.grad is not None for p in parameters], dtype=torch.int32, device=parameters[0].device)
        torch.distributed.all_reduce(used)
        trained = [p for p, number in zip(parameters, used.tolist()) if number]
        if not trained:
            return
        flat = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in trained])
        torch.distributed.all_reduce(flat)  # one message: many small ones would wait for each other
        for p, part in zip(trained, flat.split([p.numel() for p in trained])):
            p.grad = part.view_as(p)


@functools.cache
def current_processes() -> Processes:
    """The processes that were launched together with this one; just this one if there was no launcher.

    Raises
    ------
    InputError
        If the processes that were launched do not find each other.
    """
    launched = int(os.environ.get("WORLD_SIZE", "1"))
    if launched == 1:
        return Processes()
    from accelerate import PartialState

    try:
        state = PartialState(cpu=choose_device().type == "cpu")  # joins the process group
    except (ValueError, RuntimeError) as error:
        raise InputError(
            f"WORLD_SIZE is {launched}, but the other processes were not found ({' '.join(str(error).split())[:160]}). "
            "Start all of them with torchrun, or unset WORLD_SIZE."
        ) from error
    if state.num_processes != launched:
        raise InputError(
            f"{launched} processes were launched, but {state.num_processes} found each other. Each would train alone. "
            "On a CPU set ACCELERATE_USE_CPU=1 and start them with torchrun."
        )
    return Processes(state.process_index, state.num_processes)


def leave_processes() -> None:
    """Leave the process group, if there is one, so that the others do not wait for this process."""
    import torch.distributed

    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
