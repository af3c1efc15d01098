"""What attention asks of the tensors it is given: one rule a function, one message a rule."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from course_utils.errors import InputError


def axes_of(tensor: Tensor, name: str, axes: str) -> torch.Size:
    """The shape of a tensor, or an ``InputError`` unless it has the axes that are named, such as ``"batch, seq"``."""
    if tensor.dim() != len(axes.split(",")):
        raise InputError(f"{name} must have the axes ({axes}), got shape {tuple(tensor.shape)}.")
    return tensor.shape


def head_size_of(hidden_size: int, num_heads: int) -> int:
    """Features of a token in one head, or an ``InputError`` unless the heads share the features equally."""
    if num_heads < 1 or hidden_size % num_heads:
        raise InputError(f"hidden size must be a multiple of the number of heads, got {hidden_size} and {num_heads}.")
    return hidden_size // num_heads


def check_vectors(query: Tensor, key: Tensor, value: Tensor) -> None:
    """Raise an ``InputError`` unless queries, keys and values fit each other in shape and type."""
    fits = min(query.dim(), key.dim(), value.dim()) >= 2
    fits = fits and query.shape[:-2] == key.shape[:-2] and query.shape[-1] == key.shape[-1]
    fits = fits and key.shape[:-1] == value.shape[:-1]
    fits = fits and query.is_floating_point() and query.dtype == key.dtype == value.dtype
    if not fits:
        found = ", ".join(f"{tuple(tensor.shape)} {tensor.dtype}" for tensor in (query, key, value))
        raise InputError(
            "query, key and value must be floating-point tensors of one type and of the shapes "
            f"(…, query, d), (…, key, d), (…, key, size), got {found}."
        )


def check_mask(mask: Tensor, shape: torch.Size) -> None:
    """Raise an ``InputError`` unless a mask is boolean, broadcasts to ``shape`` and leaves every query a key."""
    if mask.dtype != torch.bool:
        raise InputError(
            f"mask must be boolean, True where attention is allowed, got {mask.dtype}. "
            "For the tokenizer's attention_mask use padding_mask(attention_mask)."
        )
    # Broadcasting aligns the last axes.
    if mask.dim() > len(shape) or any(have not in (1, size) for have, size in zip(mask.shape[::-1], shape[::-1])):
        raise InputError(f"mask must broadcast to (…, query, key) = {tuple(shape)}, got shape {tuple(mask.shape)}.")
    empty = (~mask.any(dim=-1)).nonzero().tolist()
    if empty:
        raise InputError(
            f"mask must allow each query at least one key, but allows {len(empty)} of them none, first {empty[0]}. "
            "Leave out texts that are wholly padding; let queries that are padding see a key."
        )


def check_same_shape(tensor: Tensor, name: str, input_ids: Tensor) -> None:
    """Raise an ``InputError`` unless a tensor has the shape of ``input_ids``."""
    if tensor.shape != input_ids.shape:
        raise InputError(
            f"{name} must have the shape of input_ids, {tuple(input_ids.shape)}, got {tuple(tensor.shape)}."
        )


def check_ids(ids: Tensor, name: str, table: nn.Embedding) -> None:
    """Raise an ``InputError`` unless every number has a row in its table.

    On a GPU the table itself would fail without saying why, and spoil the session.
    """
    outside = ids[(ids < 0) | (ids >= table.num_embeddings)]
    if len(outside):
        raise InputError(
            f"{name} must lie in [0, {table.num_embeddings}), got {outside[0].item()}. Use the model's own tokenizer."
        )
