"""Padded batches with little padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from course_utils.errors import InputError

LABEL_PADDING = -100
"""What cross-entropy ignores by default; ``tokenization.IGNORE_INDEX`` is the same number."""


@dataclass(frozen=True)
class PaddingCollator:
    """Turn encoded examples into one batch, padded to its own longest example.

    Parameters
    ----------
    pad_token_id : the id that fills ``input_ids``; the mask, not the id, says what is padding
    pad_to_multiple_of : round the length up; GPUs prefer multiples of 8
    """

    pad_token_id: int
    pad_to_multiple_of: int = 1

    def __call__(self, examples: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """``input_ids`` and ``attention_mask`` of shape (batch, seq); ``labels`` of (batch, seq) or (batch,)."""
        if not examples:
            raise InputError("a batch needs at least one example, got none.")
        longest = max(len(example["input_ids"]) for example in examples)
        length = -(-longest // self.pad_to_multiple_of) * self.pad_to_multiple_of

        def padded(name: str, value: int) -> torch.Tensor:
            block = torch.full((len(examples), length), value, dtype=torch.long)  # (batch, seq)
            for row, example in zip(block, examples):
                row[: len(example[name])] = torch.as_tensor(example[name])
            return block

        batch = {"input_ids": padded("input_ids", self.pad_token_id), "attention_mask": padded("attention_mask", 0)}
        if "token_type_ids" in examples[0]:
            batch["token_type_ids"] = padded("token_type_ids", 0)
        if "labels" in examples[0]:
            if np.ndim(examples[0]["labels"]):
                batch["labels"] = padded("labels", LABEL_PADDING)
            else:
                batch["labels"] = torch.as_tensor([example["labels"] for example in examples])
        return batch


class LengthGroupedBatchSampler:
    """Batches of examples of similar length, in an order that is new and random in every epoch.

    All examples are shuffled, cut into pools of ``pool`` batches, sorted by length within each pool, and the batches
    shuffled. Every example comes once an epoch.

    Parameters
    ----------
    lengths : length of every example, in word pieces
    batch_size : examples a batch; the last batch may be smaller
    shuffle : ``False`` sorts all examples by length, longest first, so that a lack of memory shows at once
    seed : the same seed and epoch give the same batches
    pool : batches sorted together: more gives less padding, fewer more randomness
    """

    def __init__(
        self, lengths: Sequence[int], batch_size: int, *, shuffle: bool = True, seed: int = 0, pool: int = 50
    ) -> None:
        if batch_size < 1:
            raise InputError(f"batch_size must be at least 1, got {batch_size}.")
        self.lengths = np.asarray(lengths)
        self.batch_size, self.shuffle, self.seed, self.pool = batch_size, shuffle, seed, pool
        self.epoch = 0

    def __len__(self) -> int:
        return -(-len(self.lengths) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        count, size = len(self.lengths), self.batch_size
        if not self.shuffle:
            order = np.argsort(-self.lengths, kind="stable")
            yield from (order[i : i + size].tolist() for i in range(0, count, size))
            return
        random = np.random.default_rng((self.seed, self.epoch))
        order = random.permutation(count)
        batches = []
        for i in range(0, count, size * self.pool):
            part = order[i : i + size * self.pool]
            part = part[np.argsort(-self.lengths[part], kind="stable")]
            batches += [part[j : j + size].tolist() for j in range(0, len(part), size)]
        yield from (batches[k] for k in random.permutation(len(batches)))
