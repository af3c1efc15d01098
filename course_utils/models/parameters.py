"""What is done with the parameters of a model: count, freeze, group for the optimiser, rescale the output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from course_utils.errors import InputError

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel


def count_parameters(model: nn.Module, *, trainable_only: bool = False) -> int:
    """Number of weights, each shared weight counted once.

    Parameters
    ----------
    model : any module
    trainable_only : leave out the frozen ones
    """
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable_only)


def freeze(model: nn.Module, *, embeddings: bool = True, num_layers: int | None = None) -> list[str]:
    """Stop training the embeddings and the first layers; the head still trains.

    Parameters
    ----------
    model : an encoder, with or without a head
    embeddings : whether the embeddings are among what is frozen
    num_layers : how many layers, from the embeddings on; ``None`` means all

    Returns
    -------
    The names of the frozen parameters.

    Raises
    ------
    InputError
        If ``num_layers`` is more than the encoder has.
    """
    layers = encoder_layers(model)
    count = len(layers) if num_layers is None else num_layers
    if not 0 <= count <= len(layers):
        raise InputError(f"num_layers must lie in [0, {len(layers)}], got {num_layers}.")
    frozen = list(layers[:count])
    if embeddings:
        encoder: Any = getattr(model, "base_model", model)
        frozen.append(encoder.embeddings)
    for module in frozen:
        module.requires_grad_(False)
    return [name for name, parameter in model.named_parameters() if not parameter.requires_grad]


def encoder_layers(model: nn.Module) -> list[nn.Module]:
    """The encoder's layers from the first to the last.

    Parameters
    ----------
    model : an encoder, with or without a head

    Raises
    ------
    InputError
        If the model has no list of as many layers as its configuration says.
    """
    from torch import nn

    encoder: Any = getattr(model, "base_model", model)
    lists = [module for module in encoder.modules() if isinstance(module, nn.ModuleList)]
    depth = getattr(getattr(model, "config", None), "num_hidden_layers", "unknown number of")
    found = next((list(module) for module in lists if len(module) == depth), None)
    if found is None:
        raise InputError(f"{type(model).__name__}: the list of its {depth} layers was not found.")
    return found


def parameter_groups(
    model: nn.Module, weight_decay: float, *, learning_rate: float | None = None, layer_decay: float = 1.0
) -> list[dict[str, Any]]:
    """Groups for AdamW: matrices decay, biases and LayerNorm weights (all vectors) do not.

    Frozen parameters are in no group.

    Parameters
    ----------
    model : an encoder with a head; without ``layer_decay`` any module
    weight_decay : of the matrices
    learning_rate : the rate of the head; needed for ``layer_decay``
    layer_decay : with less than 1 every layer has groups of its own, and its rate is that of the layer above it times
        ``layer_decay``; the embeddings come below the first layer

    References
    ----------
    Howard and Ruder (2018), Universal Language Model Fine-tuning for Text Classification, section 3.2.
    """
    trained = [p for p in model.parameters() if p.requires_grad]
    depth: dict[int, int] = {}  # parameter to its distance from the head
    if layer_decay < 1:
        encoder: Any = getattr(model, "base_model", model)
        for distance, module in enumerate([*reversed(encoder_layers(model)), encoder.embeddings], 1):
            depth |= {id(p): distance for p in module.parameters()}
    groups = []
    for distance in sorted({depth.get(id(p), 0) for p in trained}):
        here = [p for p in trained if depth.get(id(p), 0) == distance]
        rate = {} if learning_rate is None else {"lr": learning_rate * layer_decay**distance}
        groups += [
            {"params": [p for p in here if p.ndim >= 2], "weight_decay": weight_decay} | rate,
            {"params": [p for p in here if p.ndim < 2], "weight_decay": 0.0} | rate,
        ]
    return groups


def default_learning_rate(model: nn.Module, task: str) -> float:
    """The learning rate to start from: small models take larger steps, and heads on every word take larger ones still.

    Chosen on validation data for models of about 22 M weights (``benchmarks/learning_rates.py``); for larger ones
    the usual values of the literature (Devlin et al. 2019, appendix A.3: 2e-5 to 5e-5).

    Parameters
    ----------
    model : its number of weights decides
    task : ``pos``, ``ner``, ``classify`` or ``regress``
    """
    small = count_parameters(model) < 50e6
    if task in ("pos", "ner"):
        return 3e-4 if small else 5e-5
    return 1e-4 if small else 3e-5


def rescale_output(model: PreTrainedModel, *, mean: float, deviation: float) -> None:
    """Make a regression model that answers ``z`` answer ``z * deviation + mean``, by its last linear layer.

    Parameters
    ----------
    model : with one output; it is changed in place
    mean, deviation : mean and standard deviation of the targets; the model was trained on their standard scores
    """
    import torch
    from torch import nn

    last = [module for module in model.modules() if isinstance(module, nn.Linear) and module.out_features == 1][-1]
    with torch.no_grad():
        last.weight.mul_(deviation)
        last.bias.mul_(deviation).add_(mean)
