"""The weights of the library's BERT, each put in its place in the encoder from scratch, and none left over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from course_utils.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ARCHITECTURE = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "position_embedding_type": "absolute",
    "is_decoder": False,
}
"""What a configuration of the library must say for ``BertEncoder`` to compute the same."""

EMBEDDING_NAMES = {
    "embeddings.words": "embeddings.word_embeddings",
    "embeddings.positions": "embeddings.position_embeddings",
    "embeddings.token_types": "embeddings.token_type_embeddings",
    "embeddings.norm": "embeddings.LayerNorm",
}
LAYER_NAMES = {
    "attention.query": "attention.self.query",
    "attention.key": "attention.self.key",
    "attention.value": "attention.self.value",
    "attention.output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "feed_forward.expand": "intermediate.dense",
    "feed_forward.contract": "output.dense",
    "feed_forward_norm": "output.LayerNorm",
}
"""Modules of ``EncoderLayer`` and what the library calls them."""


def check_architecture(model: PreTrainedModel) -> None:
    """Raise an ``InputError`` unless the library's model computes what ``BertEncoder`` does."""
    theirs = model.config
    for field, expected in ARCHITECTURE.items():
        found = getattr(theirs, field, expected)  # a configuration leaves out what its architecture has not
        if found != expected:
            raise InputError(
                f"{theirs.name_or_path or type(model).__name__}: {field} must be {expected!r} for BertEncoder, "
                f"got {found!r}. Use a checkpoint of the BERT architecture, such as minilm or bert."
            )


def library_name(parameter: str) -> str:
    """What the library's ``BertModel`` calls a parameter of ``BertEncoder``.

    Parameters
    ----------
    parameter : its name in ``encoder.named_parameters()``

    Examples
    --------
    >>> library_name("layers.3.feed_forward.expand.bias")
    'encoder.layer.3.intermediate.dense.bias'
    """
    module, _, kind = parameter.rpartition(".")
    if module in EMBEDDING_NAMES:
        return f"{EMBEDDING_NAMES[module]}.{kind}"
    _, number, part = module.split(".", 2)
    return f"encoder.layer.{number}.{LAYER_NAMES[part]}.{kind}"


def copy_weights(model: PreTrainedModel, encoder: nn.Module) -> list[str]:
    """Fill every parameter of a ``BertEncoder`` from the library's model, and account for every weight of its encoder.

    Parameters
    ----------
    model : a BERT model of the library, with or without a head
    encoder : a ``BertEncoder`` of the same sizes; its parameters are overwritten

    Returns
    -------
    The names of the weights that were not used; they can only be the pooler's.

    Raises
    ------
    InputError
        If a weight is missing, has no place or has another shape. Then nothing was copied.
    """
    theirs = model.base_model.state_dict()
    ours = {library_name(name): parameter for name, parameter in encoder.named_parameters()}
    unused = [name for name in theirs if name not in ours]
    wrong = [f"{name} is missing" for name in ours if name not in theirs]
    wrong += [f"{name} has no place" for name in unused if not name.startswith("pooler.")]
    wrong += [
        f"{name} has shape {tuple(theirs[name].shape)}, expected {tuple(parameter.shape)}"
        for name, parameter in ours.items()
        if name in theirs and theirs[name].shape != parameter.shape
    ]
    if wrong:
        raise InputError(
            f"{type(model).__name__}: weights that do not fit this encoder: {len(wrong)}, first: {wrong[0]}. "
            "Use a plain BERT model of the same sizes."
        )
    with torch.no_grad():
        for name, parameter in ours.items():
            parameter.copy_(theirs[name])
    return unused
