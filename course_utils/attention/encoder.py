"""The BERT encoder from scratch: embeddings, then layers of attention and feed-forward parts.

References
----------
Devlin et al. (2019), BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding.
Ba, Kiros and Hinton (2016), Layer Normalization.
Hendrycks and Gimpel (2016), Gaussian Error Linear Units (GELUs).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from course_utils.attention.inputs import axes_of, check_ids, check_same_shape, head_size_of
from course_utils.attention.library_weights import check_architecture, copy_weights
from course_utils.attention.mechanism import AttentionResult, MultiHeadAttention, padding_mask
from course_utils.errors import InputError
from course_utils.models import DEFAULT_CHECKPOINT, load_encoder

if TYPE_CHECKING:
    from transformers import PreTrainedModel


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
        head_size_of(self.hidden_size, self.num_heads)


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
        """The vectors of the tokens before the first layer, of shape (batch, seq, hidden).

        Parameters
        ----------
        input_ids : int tensor of shape (batch, seq)
        token_type_ids : the same shape, 0 for the first text of a pair and 1 for the second; ``None`` makes all 0

        Raises
        ------
        InputError
            If shapes differ, an id is outside its table, or there are more tokens than positions.
        """
        _, length = axes_of(input_ids, "input_ids", "batch, seq")
        if token_type_ids is None:
            token_type_ids = torch.zeros_like(input_ids)  # (batch, seq)
        check_same_shape(token_type_ids, "token_type_ids", input_ids)
        check_ids(input_ids, "input_ids", self.words)
        check_ids(token_type_ids, "token_type_ids", self.token_types)
        if length > (limit := self.positions.num_embeddings):
            raise InputError(f"input_ids has {length} tokens, but there are {limit} positions. Truncate to {limit}.")
        positions = torch.arange(length, device=input_ids.device)  # (seq,)
        summed = self.words(input_ids) + self.positions(positions) + self.token_types(token_type_ids)
        return self.dropout(self.norm(summed))  # (batch, seq, hidden)


class FeedForward(nn.Module):
    """Two linear layers with GELU between them, applied to each token by itself.

    GELU is the exact one, x · Φ(x) with Φ the normal distribution function, not its approximation by tanh.
    """

    def __init__(self, hidden_size: int, intermediate_size: int) -> None:
        super().__init__()
        self.expand = nn.Linear(hidden_size, intermediate_size)
        self.contract = nn.Linear(intermediate_size, hidden_size)

    def forward(self, hidden: Tensor) -> Tensor:
        """Each token by itself, of the same shape.

        Parameters
        ----------
        hidden : float tensor of shape (…, hidden)
        """
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
        """``output`` of shape (batch, seq, hidden) and ``weights`` of shape (batch, heads, query, key).

        Parameters
        ----------
        hidden : float tensor of shape (batch, seq, hidden)
        mask : boolean tensor that broadcasts to (batch, heads, query, key), True where attention is allowed
        """
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
        """Encode a batch as the tokenizer gives it. The states of padding tokens mean nothing.

        Parameters
        ----------
        input_ids : int tensor of shape (batch, seq)
        attention_mask : the same shape, 1 for real tokens and 0 for padding; without it every token counts as real
        token_type_ids : the same shape, 0 for the first text of a pair and 1 for the second; ``None`` makes all 0

        Raises
        ------
        InputError
            If shapes differ, an id is outside its table, a text is longer than ``max_length`` or wholly padding.
        """
        mask = None
        if attention_mask is not None:
            check_same_shape(attention_mask, "attention_mask", input_ids)
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
        return cls.from_library(load_encoder(checkpoint, num_layers=num_layers))

    @classmethod
    def from_library(cls, model: PreTrainedModel) -> BertEncoder:
        """The encoder of a BERT model of the library, without dropout and in evaluation mode.

        Parameters
        ----------
        model : with or without a head; it stays as it is

        Raises
        ------
        InputError
            If it is of another architecture, or a weight does not find its place.
        """
        check_architecture(model)
        theirs = model.config
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
