"""Attention and a BERT encoder from scratch, to be read from top to bottom.

It is written to be understood: PyTorch's plain operations, no fused kernel, and dropout off unless it is asked for. The
numbers are the real ones all the same: ``BertEncoder.from_pretrained`` takes the weights of a published checkpoint and
gives the library's hidden states and attention maps at every layer.

The axes are batch, seq (tokens; query and key where the two may differ), hidden (features of a token), heads, and
head (features of a token in one head). A mask is True where attention is allowed, as in
``torch.nn.functional.scaled_dot_product_attention``; masks are combined with ``&``.

References
----------
Vaswani et al. (2017), Attention Is All You Need.
Devlin et al. (2019), BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding.
Ba, Kiros and Hinton (2016), Layer Normalization.
Hendrycks and Gimpel (2016), Gaussian Error Linear Units (GELUs).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from course_utils.errors import InputError
from course_utils.models import DEFAULT_CHECKPOINT, load_token_classifier

if TYPE_CHECKING:
    from transformers import PreTrainedModel


# Attention


@dataclass(frozen=True)
class AttentionResult:
    """The vectors that attention (or a layer with attention) gives, and the weights they were mixed with."""

    output: Tensor  # (…, query, size)
    weights: Tensor  # (…, query, key); every row sums to 1


def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> AttentionResult:
    """Mix the values, weighted by how well each query fits each key: softmax(QKᵀ/√d)V.

    Parameters
    ----------
    query : float tensor of shape (…, query, d)
    key : float tensor of shape (…, key, d)
    value : float tensor of shape (…, key, size)
    mask : boolean tensor that broadcasts to (…, query, key), True where attention is allowed

    Returns
    -------
    ``output`` of shape (…, query, size) and ``weights`` of shape (…, query, key).

    Raises
    ------
    InputError
        If shapes or types do not fit, or the mask forbids a whole row: softmax over nothing would be 0/0.

    References
    ----------
    Vaswani et al. (2017), equation 1.

    Examples
    --------
    The query is orthogonal to both keys, so both values count the same:

    >>> query, key = torch.tensor([[0.0, 1.0]]), torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    >>> result = scaled_dot_product_attention(query, key, torch.tensor([[2.0], [4.0]]))
    >>> result.weights.tolist(), result.output.tolist()
    ([[0.5, 0.5]], [[3.0]])
    """
    _check_vectors(query, key, value)
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])  # (…, query, key)
    if mask is not None:
        _check_mask(mask, scores.shape)
        scores = scores.masked_fill(~mask, -torch.inf)  # before the softmax: exp(-inf) = 0, and the rest sums to 1
    weights = scores.softmax(dim=-1)  # (…, query, key), over the keys
    return AttentionResult(weights @ value, weights)  # (…, query, size)


def _check_vectors(query: Tensor, key: Tensor, value: Tensor) -> None:
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


def _check_mask(mask: Tensor, shape: torch.Size) -> None:
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


def padding_mask(attention_mask: Tensor) -> Tensor:
    """Allow every query to see the real tokens, and none to see the padding.

    Parameters
    ----------
    attention_mask : tensor of shape (batch, seq) as the tokenizer gives it, 1 for real tokens and 0 for padding

    Returns
    -------
    Boolean tensor of shape (batch, 1, 1, seq), to be broadcast over heads and queries.

    Raises
    ------
    InputError
        If the shape is another, or a value is neither 0 nor 1.

    Examples
    --------
    >>> padding_mask(torch.tensor([[1, 1, 0]])).tolist()
    [[[[True, True, False]]]]
    """
    _axes(attention_mask, "attention_mask", "batch, seq")
    other = attention_mask[(attention_mask != 0) & (attention_mask != 1)]
    if len(other):
        raise InputError(f"attention_mask must hold 1 for tokens and 0 for padding, got {other[0].item()}.")
    return attention_mask.bool()[:, None, None, :]  # (batch, 1, 1, seq)


def causal_mask(length: int) -> Tensor:
    """Allow each token to see itself and what comes before it, as a model must that writes from left to right.

    Returns
    -------
    Boolean tensor of shape (length, length): rows are queries, columns are keys.

    Examples
    --------
    >>> causal_mask(3).int().tolist()
    [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    """
    return torch.ones(length, length, dtype=torch.bool).tril()


# Many heads


def split_heads(hidden: Tensor, num_heads: int) -> Tensor:
    """Cut the features of every token into heads: (batch, seq, hidden) becomes (batch, heads, seq, head).

    Reshaping cuts the last axis into heads, then the transpose moves the heads before the tokens. A ``view`` straight
    to the final shape gives the same shape, and heads that hold features of different tokens.

    Raises
    ------
    InputError
        If there are not three axes, or ``hidden`` is not a multiple of ``num_heads``.
    """
    batch, length, size = _axes(hidden, "hidden", "batch, seq, hidden")
    cut = hidden.reshape(batch, length, num_heads, _head_size(size, num_heads))  # (batch, seq, heads, head)
    return cut.transpose(1, 2)  # (batch, heads, seq, head)


def merge_heads(heads: Tensor) -> Tensor:
    """Undo ``split_heads``: (batch, heads, seq, head) becomes (batch, seq, hidden).

    Raises
    ------
    InputError
        If there are not four axes.

    Examples
    --------
    >>> hidden = torch.arange(12.0).reshape(1, 3, 4)
    >>> torch.equal(merge_heads(split_heads(hidden, 2)), hidden)
    True
    """
    batch, num_heads, length, head_size = _axes(heads, "heads", "batch, heads, seq, head")
    back = heads.transpose(1, 2)  # (batch, seq, heads, head)
    return back.reshape(batch, length, num_heads * head_size)  # (batch, seq, hidden)


def _axes(tensor: Tensor, name: str, axes: str) -> torch.Size:
    if tensor.dim() != len(axes.split(",")):
        raise InputError(f"{name} must have the axes ({axes}), got shape {tuple(tensor.shape)}.")
    return tensor.shape


def _head_size(hidden_size: int, num_heads: int) -> int:
    if num_heads < 1 or hidden_size % num_heads:
        raise InputError(f"hidden size must be a multiple of the number of heads, got {hidden_size} and {num_heads}.")
    return hidden_size // num_heads


class MultiHeadAttention(nn.Module):
    """Several attentions side by side, each on its own projection of the tokens, then one projection of all they found.

    Queries, keys and values come from the same tokens (self-attention); with ``context``, of shape
    (batch, key, hidden), keys and values come from there (cross-attention).

    References
    ----------
    Vaswani et al. (2017), section 3.2.2.
    """

    def __init__(self, hidden_size: int, num_heads: int) -> None:
        super().__init__()
        _head_size(hidden_size, num_heads)
        self.num_heads = num_heads
        # One matrix serves all heads: head h owns its output features from h · head_size to (h + 1) · head_size.
        self.query = nn.Linear(hidden_size, hidden_size)
        self.key = nn.Linear(hidden_size, hidden_size)
        self.value = nn.Linear(hidden_size, hidden_size)
        self.output = nn.Linear(hidden_size, hidden_size)

    def forward(self, hidden: Tensor, mask: Tensor | None = None, *, context: Tensor | None = None) -> AttentionResult:
        """``output`` of shape (batch, seq, hidden) and ``weights`` of shape (batch, heads, query, key)."""
        source = hidden if context is None else context  # (batch, key, hidden)
        query = split_heads(self.query(hidden), self.num_heads)  # (batch, heads, query, head)
        key = split_heads(self.key(source), self.num_heads)  # (batch, heads, key, head)
        value = split_heads(self.value(source), self.num_heads)  # (batch, heads, key, head)
        mixed = scaled_dot_product_attention(query, key, value, mask)  # (batch, heads, query, head)
        return AttentionResult(self.output(merge_heads(mixed.output)), mixed.weights)  # (batch, seq, hidden)


# The encoder


@dataclass(frozen=True)
class EncoderConfig:
    """The sizes of an encoder; the defaults are those of BERT-base."""

    vocab_size: int = 30_522  # word pieces
    hidden_size: int = 768  # features of a token
    num_layers: int = 12
    num_heads: int = 12
    intermediate_size: int = 3_072  # features inside the feed-forward part, by custom 4 · hidden_size
    max_length: int = 512  # word pieces; so many positions are learned
    num_token_types: int = 2  # first and second text of a pair
    layer_norm_eps: float = 1e-12  # added to the variance
    dropout: float = 0.0  # share of features set to 0 in training; BERT had 0.1, on the attention weights too

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name not in ("layer_norm_eps", "dropout") and value < 1:
                raise InputError(f"{name} must be at least 1, got {value}.")
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout must lie in [0, 1), got {self.dropout}.")
        _head_size(self.hidden_size, self.num_heads)


def sinusoidal_positions(length: int, size: int) -> Tensor:
    """Fixed position vectors of shape (length, size): sines in the even columns, cosines in the odd ones.

    Columns 2i and 2i + 1 turn by 1/10000^(2i/size) radians a position, so a step of k positions is the same rotation
    everywhere. BERT learns its positions instead (``BertEmbeddings``).

    Raises
    ------
    InputError
        If ``size`` is not a positive even number.

    References
    ----------
    Vaswani et al. (2017), section 3.5.

    Examples
    --------
    >>> sinusoidal_positions(2, 4)
    tensor([[0.0000, 1.0000, 0.0000, 1.0000],
            [0.8415, 0.5403, 0.0100, 0.9999]])
    """
    if size < 2 or size % 2:
        raise InputError(f"size must be a positive even number, a sine and a cosine for each frequency, got {size}.")
    positions = torch.arange(length, dtype=torch.float64)  # (seq,); float32 would blur the large angles of far ones
    frequencies = 10_000.0 ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)  # (size / 2,)
    angles = positions[:, None] * frequencies  # (seq, size / 2)
    pairs = torch.stack([angles.sin(), angles.cos()], dim=-1)  # (seq, size / 2, 2)
    return pairs.reshape(length, size).float()  # (seq, size)


class BertEmbeddings(nn.Module):
    """What a token is, where it stands and which text it belongs to: three learned vectors, added and normalised."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.words = nn.Embedding(config.vocab_size, config.hidden_size)
        self.positions = nn.Embedding(config.max_length, config.hidden_size)
        self.token_types = nn.Embedding(config.num_token_types, config.hidden_size)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, input_ids: Tensor, token_type_ids: Tensor | None = None) -> Tensor:
        """From (batch, seq) to (batch, seq, hidden); without ``token_type_ids`` all tokens are of the first text."""
        _, length = _axes(input_ids, "input_ids", "batch, seq")
        if token_type_ids is None:
            token_type_ids = torch.zeros_like(input_ids)  # (batch, seq)
        _check_same_shape(token_type_ids, "token_type_ids", input_ids)
        _check_ids(input_ids, "input_ids", self.words)
        _check_ids(token_type_ids, "token_type_ids", self.token_types)
        if length > (limit := self.positions.num_embeddings):
            raise InputError(f"input_ids has {length} tokens, but there are {limit} positions. Truncate to {limit}.")
        positions = torch.arange(length, device=input_ids.device)  # (seq,)
        summed = self.words(input_ids) + self.positions(positions) + self.token_types(token_type_ids)
        return self.dropout(self.norm(summed))  # (batch, seq, hidden)


def _check_same_shape(tensor: Tensor, name: str, input_ids: Tensor) -> None:
    if tensor.shape != input_ids.shape:
        raise InputError(
            f"{name} must have the shape of input_ids, {tuple(input_ids.shape)}, got {tuple(tensor.shape)}."
        )


def _check_ids(ids: Tensor, name: str, table: nn.Embedding) -> None:
    # On a GPU the table itself would fail without saying why, and spoil the session.
    outside = ids[(ids < 0) | (ids >= table.num_embeddings)]
    if len(outside):
        raise InputError(
            f"{name} must lie in [0, {table.num_embeddings}), got {outside[0].item()}. Use the model's own tokenizer."
        )


class FeedForward(nn.Module):
    """Two linear layers with GELU between them, applied to each token by itself.

    GELU is the exact one, x · Φ(x) with Φ the normal distribution function, not its approximation by tanh.
    """

    def __init__(self, hidden_size: int, intermediate_size: int) -> None:
        super().__init__()
        self.expand = nn.Linear(hidden_size, intermediate_size)
        self.contract = nn.Linear(intermediate_size, hidden_size)

    def forward(self, hidden: Tensor) -> Tensor:
        """From (…, hidden) to (…, hidden)."""
        inner = nn.functional.gelu(self.expand(hidden))  # (…, intermediate)
        return self.contract(inner)  # (…, hidden)


class EncoderLayer(nn.Module):
    """Attention between the tokens, then a feed-forward part within each.

    Each part is added to its own input (the residual), and LayerNorm comes after the sum ("post-norm"), as in BERT.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(config.hidden_size, config.num_heads)
        self.attention_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.feed_forward = FeedForward(config.hidden_size, config.intermediate_size)
        self.feed_forward_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, hidden: Tensor, mask: Tensor | None = None) -> AttentionResult:
        """``output`` of shape (batch, seq, hidden) and ``weights`` of shape (batch, heads, query, key)."""
        attended = self.attention(hidden, mask)
        hidden = self.attention_norm(hidden + self.dropout(attended.output))  # (batch, seq, hidden)
        hidden = self.feed_forward_norm(hidden + self.dropout(self.feed_forward(hidden)))  # (batch, seq, hidden)
        return AttentionResult(hidden, attended.weights)


@dataclass(frozen=True)
class EncoderOutput:
    """What an encoder computed, layer by layer."""

    hidden_states: tuple[Tensor, ...]  # num_layers + 1 of (batch, seq, hidden): the embeddings, then each layer
    attentions: tuple[Tensor, ...]  # num_layers of (batch, heads, query, key)

    @property
    def last_hidden_state(self) -> Tensor:
        """What the last layer gives, of shape (batch, seq, hidden): the input of a head."""
        return self.hidden_states[-1]


class BertEncoder(nn.Module):
    """BERT without its pooler: embeddings, then layers of the same form, each with its own weights.

    The weights begin random, as BERT's did; ``from_pretrained`` and ``from_library`` take them from a real model.

    Examples
    --------
    >>> encoder = BertEncoder(EncoderConfig(hidden_size=8, num_layers=2, num_heads=2, intermediate_size=32))
    >>> output = encoder(torch.tensor([[101, 7592, 102]]))
    >>> [tuple(states.shape) for states in output.hidden_states]
    [(1, 3, 8), (1, 3, 8), (1, 3, 8)]
    >>> [tuple(weights.shape) for weights in output.attentions]
    [(1, 2, 3, 3), (1, 2, 3, 3)]
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = BertEmbeddings(config)
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.num_layers))
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)  # BERT's own choice, initializer_range
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None
    ) -> EncoderOutput:
        """Encode a batch as the tokenizer gives it, three tensors of shape (batch, seq).

        Without ``attention_mask`` every token counts as real. The states of padding tokens mean nothing.

        Raises
        ------
        InputError
            If shapes differ, an id is outside its table, a text is longer than ``max_length`` or wholly padding.
        """
        mask = None
        if attention_mask is not None:
            _check_same_shape(attention_mask, "attention_mask", input_ids)
            mask = padding_mask(attention_mask)  # (batch, 1, 1, seq)
        hidden_states, attentions = [self.embeddings(input_ids, token_type_ids)], []  # (batch, seq, hidden)
        for layer in self.layers:
            result = layer(hidden_states[-1], mask)
            hidden_states.append(result.output)  # (batch, seq, hidden)
            attentions.append(result.weights)  # (batch, heads, query, key)
        return EncoderOutput(tuple(hidden_states), tuple(attentions))

    @classmethod
    def from_pretrained(
        cls, checkpoint: str | Path = DEFAULT_CHECKPOINT, *, num_layers: int | None = None
    ) -> BertEncoder:
        """The encoder of a checkpoint of the BERT architecture, without dropout and in evaluation mode.

        Parameters
        ----------
        checkpoint : a name of ``models.CHECKPOINTS``, a hub id or a local folder
        num_layers : keep only the first ``num_layers`` layers

        Raises
        ------
        InputError
            If the checkpoint cannot be had, is of another architecture, or a weight does not find its place.
        """
        return cls.from_library(load_token_classifier(checkpoint, num_layers=num_layers))

    @classmethod
    def from_library(cls, model: PreTrainedModel) -> BertEncoder:
        """The encoder of a BERT model of the library, with or without a head; errors as in ``from_pretrained``."""
        theirs = model.config
        for field, expected in ARCHITECTURE.items():
            found = getattr(theirs, field, expected)  # a configuration leaves out what its architecture has not
            if found != expected:
                raise InputError(
                    f"{theirs.name_or_path or type(model).__name__}: {field} must be {expected!r} for BertEncoder, "
                    f"got {found!r}. Use a checkpoint of the BERT architecture, such as minilm or bert."
                )
        config = EncoderConfig(
            vocab_size=theirs.vocab_size,
            hidden_size=theirs.hidden_size,
            num_layers=theirs.num_hidden_layers,
            num_heads=theirs.num_attention_heads,
            intermediate_size=theirs.intermediate_size,
            max_length=theirs.max_position_embeddings,
            num_token_types=theirs.type_vocab_size,
            layer_norm_eps=theirs.layer_norm_eps,
        )
        encoder = cls(config)
        copy_weights(model, encoder)
        return encoder.eval()


# The library's weights

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


def library_name(parameter: str) -> str:
    """What the library's ``BertModel`` calls a parameter of ``BertEncoder``.

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


def copy_weights(model: PreTrainedModel, encoder: BertEncoder) -> list[str]:
    """Fill every parameter of ``encoder`` from the library's model, and account for every weight of its encoder.

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
