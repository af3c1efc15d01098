"""Where a training step becomes faster without changing what it computes.

Three places where the usual step does work that nobody needs. The recipe stays what it was: the last two give the same
loss and gradients but for the last digits, the first draws its noise from the same distribution with another generator.
What each one gains is in ``benchmarks/NOTES.md``.

- Dropout on the CPU draws one random number after the other on one thread. ``FastDropout`` draws them in bulk.
- A classifier that reads the first token only needs the last layer's output only there: ``first_token_only``.
- Half of a small model's weights are rows of the word embedding, and a small corpus uses few of them. ``UsedRows``
  trains just those; the others have no gradient, so only weight decay moves them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

LEVELS = 2**16  # a decision compares 16 random bits: the drop rate is exact to 1 / 131,072


class _Dropped(torch.autograd.Function):
    """``x`` where ``keep`` is true, else 0, times ``scale``; the same for the gradient."""

    @staticmethod
    def forward(context: Any, x: torch.Tensor, keep: torch.Tensor, scale: float) -> torch.Tensor:
        context.save_for_backward(keep)
        context.scale = scale
        return _Dropped.dropped(x, keep, scale)

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (keep,) = context.saved_tensors
        return _Dropped.dropped(gradients[0], keep, context.scale), None, None

    @staticmethod
    def dropped(x: torch.Tensor, keep: torch.Tensor, scale: float) -> torch.Tensor:
        kept = torch.where(keep, x, 0.0)
        return kept if scale == 1 else kept.mul_(scale)


class FastDropout(TorchFunctionMode):
    """While active, ``dropout`` and attention with dropout draw their random numbers in bulk.

    A query that may look nowhere gets the mean of all values, where the library gives zeros; only padding is such a
    query in an encoder, and nobody reads what it gets.

    Parameters
    ----------
    seed : numbers that name the noise, such as (seed, step, process): the same numbers give the same noise

    Examples
    --------
    >>> with FastDropout((0, 1)):
    ...     kept = functional.dropout(torch.ones(100_000), 0.1)
    >>> round(float(kept.mean()), 1), sorted({round(float(value), 3) for value in kept.unique()})
    (1.0, [0.0, 1.111])
    """

    def __init__(self, seed: Sequence[int]) -> None:
        super().__init__()
        self.random = np.random.Generator(np.random.SFC64(np.random.SeedSequence(list(seed))))

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if function is functional.dropout:
            return self._dropout(*args, **kwargs)
        if function is functional.scaled_dot_product_attention:
            return self._attention(*args, **kwargs)
        return function(*args, **kwargs)

    def _keep(self, x: torch.Tensor, p: float) -> tuple[torch.Tensor, float]:
        """Which elements of ``x`` stay, and by what they are multiplied so that the mean stays."""
        dropped = min(round(p * LEVELS), LEVELS - 1)
        size = x.numel()
        words = self.random.integers(0, 2**64, size=-(-size // 4), dtype=np.uint64)  # four decisions a word
        bits = torch.from_numpy(words.view(np.int16)[:size]).view(x.shape)
        return bits >= dropped - LEVELS // 2, LEVELS / (LEVELS - dropped)

    def _dropout(
        self, input: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
    ) -> torch.Tensor:
        if not training or not 0 < p < 1 or inplace or input.device.type != "cpu" or not input.is_floating_point():
            return functional.dropout(input, p, training, inplace)
        return _Dropped.apply(input, *self._keep(input, p))

    def _attention(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attn_mask: torch.Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        **options: Any,
    ) -> torch.Tensor:
        scale = options.pop("scale", None)
        others = is_causal or any(options.values())  # enable_gqa: the library's own way
        if others or not 0 < dropout_p < 1 or query.device.type != "cpu":
            options |= {"dropout_p": dropout_p, "is_causal": is_causal, "scale": scale}
            return functional.scaled_dot_product_attention(query, key, value, attn_mask=attn_mask, **options)
        scores = (query * (scale or query.shape[-1] ** -0.5)) @ key.transpose(-2, -1)  # (batch, heads, query, key)
        if attn_mask is not None and attn_mask.dtype == torch.bool:
            # Not -inf: a query that may look nowhere would get NaN.
            scores = scores.masked_fill(~attn_mask, torch.finfo(scores.dtype).min)
        elif attn_mask is not None:
            scores = scores + attn_mask
        weights = scores.softmax(-1)
        keep, larger = self._keep(weights, dropout_p)
        # The values are multiplied in place of the weights: they are fewer.
        return _Dropped.apply(weights, keep, 1.0).to(value.dtype) @ (value * larger)


def step_seed(*numbers: int) -> int:
    """One seed from several numbers, such as (seed, step, process).

    Other numbers, as many of them, give an unrelated seed. (A zero at the end changes nothing: compare only like.)
    """
    return int(np.random.SeedSequence(list(numbers)).generate_state(1)[0])


def recomputes(model: nn.Module) -> bool:
    """Whether gradient checkpointing is on: layers run again in the backward pass, outside any block around forward."""
    return any(getattr(module, "gradient_checkpointing", False) for module in model.modules())


# The last layer


def _last_layer_read_at_first_token(model: Any) -> Any:
    """The last layer of a BERT or RoBERTa sequence classifier, if nobody looks at its other outputs."""
    if (kind := type(model).__name__) not in _READERS or type(model).__module__.partition(".")[0] != "transformers":
        return None
    if model._compiled_call_impl is not None:  # another forward method would be compiled anew
        return None
    config, base, layer = model.config, model.base_model, model.base_model.encoder.layer[-1]
    if config._attn_implementation != "sdpa" or config.is_decoder or recomputes(model):
        return None
    if config.output_hidden_states or config.output_attentions:
        return None
    # A part that someone has replaced may read more than the first token.
    parts = (layer, layer.attention.self, base.pooler, model.classifier)
    if tuple(type(part).__name__ for part in parts) != _READERS[kind]:
        return None
    watched = [model, base, base.encoder, *layer.modules(), model.classifier, *([base.pooler] if base.pooler else [])]
    if any(m._forward_hooks or m._forward_pre_hooks or "forward" in vars(m) for m in watched):
        return None  # a hook would see one token where it expects all
    return layer


# Types of the layer, its attention, the pooler and the head that read the last layer at the first token only.
_READERS = {
    "BertForSequenceClassification": ("BertLayer", "BertSelfAttention", "BertPooler", "Linear"),
    "RobertaForSequenceClassification": (
        "RobertaLayer",
        "RobertaSelfAttention",
        "NoneType",
        "RobertaClassificationHead",
    ),
}


@contextlib.contextmanager
def first_token_only(model: nn.Module) -> Iterator[bool]:
    """While active, the last layer of a sequence classifier is computed at the first token, the only one that is read.

    Keys and values still come from every token. Other models are left alone, and so are models with hooks there, with
    parts of one's own, or with gradient checkpointing.

    Yields
    ------
    Whether it applies.
    """
    layer = _last_layer_read_at_first_token(model)
    if layer is None:
        yield False
        return

    def forward(hidden: torch.Tensor, attention_mask: torch.Tensor | None = None, *_: Any, **__: Any) -> torch.Tensor:
        attention, first = layer.attention.self, hidden[:, :1]  # (batch, seq, hidden), (batch, 1, hidden)

        def heads(x: torch.Tensor) -> torch.Tensor:
            return x.view(*x.shape[:2], -1, attention.attention_head_size).transpose(1, 2)

        context = functional.scaled_dot_product_attention(
            heads(attention.query(first)),
            heads(attention.key(hidden)),
            heads(attention.value(hidden)),
            attn_mask=None if attention_mask is None else attention_mask[..., :1, :],
            dropout_p=attention.dropout.p if layer.training else 0.0,
            scale=attention.scaling,
        )  # (batch, heads, 1, head_size)
        context = context.transpose(1, 2).reshape(first.shape[0], 1, -1)
        return layer.feed_forward_chunk(layer.attention.output(context, first))

    layer.forward = forward
    try:
        yield True
    finally:
        del layer.forward


# The word embedding


class UsedRows:
    """The rows of the word embedding that the training data use, as a small parameter of their own.

    Gradient, clipping, optimiser and checkpoint then handle a few thousand rows and not 30,000. A row that is not
    used has no gradient: AdamW would only shrink it by its weight decay, which ``swap_out`` does in one go.

    Parameters
    ----------
    embedding : the model's word embedding
    used : the ids that occur in training, padding included
    """

    def __init__(self, embedding: nn.Embedding, used: Sequence[int]) -> None:
        self.embedding, self.full, self.padding = embedding, embedding.weight, embedding.padding_idx
        self.ids = torch.tensor(sorted(set(used)), device=self.full.device)
        self.new_id = torch.full((len(self.full),), -1, device=self.full.device)
        self.new_id[self.ids] = torch.arange(len(self.ids), device=self.full.device)
        self.rows = nn.Parameter(self.full.detach()[self.ids].clone())
        self.pending = 1.0  # the shrinking of the other rows that is still to be done
        self._hook: Any = None

    @classmethod
    def of(cls, model: nn.Module, used: Sequence[int]) -> UsedRows | None:
        """For a model, if it has a trainable word embedding of its own and uses less than half of it."""
        from transformers import PreTrainedModel

        # What else a model of one's own does with its embedding cannot be known.
        embedding = model.get_input_embeddings() if isinstance(model, PreTrainedModel) else None
        if type(embedding) is not nn.Embedding or not embedding.weight.requires_grad or embedding.max_norm:
            return None
        sharing = sum(p is embedding.weight for m in model.modules() for p in m._parameters.values())
        if sharing > 1 or embedding.sparse or embedding.scale_grad_by_freq:
            return None
        known = {*used, *(() if embedding.padding_idx is None else (embedding.padding_idx,))}
        return cls(embedding, sorted(known)) if len(known) < embedding.num_embeddings / 2 else None

    def swap_in(self) -> None:
        """Let the model train the used rows."""
        with torch.no_grad():
            self.rows.copy_(self.full[self.ids])
        self.rows.requires_grad_(self.full.requires_grad)  # who freezes the model freezes the whole embedding
        self.embedding.weight = self.rows
        if self.padding is not None:
            self.embedding.padding_idx = int(self.new_id[self.padding])

        def renumber(_: nn.Module, args: Any, named: dict[str, Any]) -> Any:
            if args:
                return (self.new_id[args[0]], *args[1:]), named
            return args, named | {"input": self.new_id[named["input"]]}

        self._hook = self.embedding.register_forward_pre_hook(renumber, with_kwargs=True)

    def watch(self, optimizer: torch.optim.Optimizer) -> None:
        """Note, at every step of the optimiser, by how much the other rows would have shrunk."""

        def note(watched: torch.optim.Optimizer, *_: Any) -> None:
            if self.rows.grad is not None:  # AdamW passes over a parameter without a gradient
                group = next(g for g in watched.param_groups if any(p is self.rows for p in g["params"]))
                self.pending *= 1 - group["lr"] * group["weight_decay"]

        optimizer.register_step_post_hook(note)

    def swap_out(self, *, shrink: bool = True) -> None:
        """Give the model its whole embedding again, with the trained rows. Does nothing if it has it already.

        Parameters
        ----------
        shrink : also do the weight decay of the other rows that is pending
        """
        if self._hook is None:
            return
        self._hook.remove()
        self._hook = None
        with torch.no_grad():
            if shrink and self.pending != 1:
                self.full.mul_(self.pending)
                self.pending = 1.0
            self.full[self.ids] = self.rows
        self.embedding.weight, self.embedding.padding_idx = self.full, self.padding
