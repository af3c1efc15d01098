"""Attention from scratch: values mixed by how well keys fit a query, masks, many heads, and positions.

Attention alone is blind to order: without positions a text would be a bag of tokens.

References
----------
Vaswani et al. (2017), Attention Is All You Need.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from course_utils.attention.inputs import axes_of, check_mask, check_vectors, head_size_of
from course_utils.errors import InputError


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
    check_vectors(query, key, value)
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])  # (…, query, key)
    if mask is not None:
        check_mask(mask, scores.shape)
        scores = scores.masked_fill(~mask, -torch.inf)  # before the softmax: exp(-inf) = 0, and the rest sums to 1
    weights = scores.softmax(dim=-1)  # (…, query, key), over the keys
    return AttentionResult(weights @ value, weights)  # (…, query, size)


# Masks


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
    axes_of(attention_mask, "attention_mask", "batch, seq")
    other = attention_mask[(attention_mask != 0) & (attention_mask != 1)]
    if len(other):
        raise InputError(f"attention_mask must hold 1 for tokens and 0 for padding, got {other[0].item()}.")
    return attention_mask.bool()[:, None, None, :]  # (batch, 1, 1, seq)


def causal_mask(length: int) -> Tensor:
    """Allow each token to see itself and what comes before it, as a model must that writes from left to right.

    Parameters
    ----------
    length : number of tokens

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

    Parameters
    ----------
    hidden : tensor of shape (batch, seq, hidden)
    num_heads : number of heads, of which hidden is a multiple

    Raises
    ------
    InputError
        If there are not three axes, or ``hidden`` is not a multiple of ``num_heads``.

    Examples
    --------
    Two tokens of four features: the first head has the first two features of both.

    >>> split_heads(torch.arange(8).reshape(1, 2, 4), 2).tolist()
    [[[[0, 1], [4, 5]], [[2, 3], [6, 7]]]]
    """
    batch, length, size = axes_of(hidden, "hidden", "batch, seq, hidden")
    cut = hidden.reshape(batch, length, num_heads, head_size_of(size, num_heads))  # (batch, seq, heads, head)
    return cut.transpose(1, 2)  # (batch, heads, seq, head)


def merge_heads(heads: Tensor) -> Tensor:
    """Undo ``split_heads``: (batch, heads, seq, head) becomes (batch, seq, hidden).

    Parameters
    ----------
    heads : tensor of shape (batch, heads, seq, head)

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
    batch, num_heads, length, head_size = axes_of(heads, "heads", "batch, heads, seq, head")
    back = heads.transpose(1, 2)  # (batch, seq, heads, head)
    return back.reshape(batch, length, num_heads * head_size)  # (batch, seq, hidden)


class MultiHeadAttention(nn.Module):
    """Several attentions side by side, each on its own projection of the tokens, then one projection of all they found.

    Queries, keys and values come from the same tokens (self-attention); with ``context`` keys and values come from
    there (cross-attention).

    Parameters
    ----------
    hidden_size : features of a token
    num_heads : number of heads, of which ``hidden_size`` is a multiple

    References
    ----------
    Vaswani et al. (2017), section 3.2.2.
    """

    def __init__(self, hidden_size: int, num_heads: int) -> None:
        super().__init__()
        head_size_of(hidden_size, num_heads)
        self.num_heads = num_heads
        # One matrix serves all heads: head h owns its output features from h · head_size to (h + 1) · head_size.
        self.query = nn.Linear(hidden_size, hidden_size)
        self.key = nn.Linear(hidden_size, hidden_size)
        self.value = nn.Linear(hidden_size, hidden_size)
        self.output = nn.Linear(hidden_size, hidden_size)

    def forward(self, hidden: Tensor, mask: Tensor | None = None, *, context: Tensor | None = None) -> AttentionResult:
        """``output`` of shape (batch, seq, hidden) and ``weights`` of shape (batch, heads, query, key).

        Parameters
        ----------
        hidden : float tensor of shape (batch, query, hidden)
        mask : boolean tensor that broadcasts to (batch, heads, query, key), True where attention is allowed
        context : float tensor of shape (batch, key, hidden); ``None`` takes ``hidden``
        """
        source = hidden if context is None else context  # (batch, key, hidden)
        query = split_heads(self.query(hidden), self.num_heads)  # (batch, heads, query, head)
        key = split_heads(self.key(source), self.num_heads)  # (batch, heads, key, head)
        value = split_heads(self.value(source), self.num_heads)  # (batch, heads, key, head)
        mixed = scaled_dot_product_attention(query, key, value, mask)  # (batch, heads, query, head)
        return AttentionResult(self.output(merge_heads(mixed.output)), mixed.weights)  # (batch, seq, hidden)


# Positions


def sinusoidal_positions(length: int, size: int) -> Tensor:
    """Fixed position vectors of shape (length, size): sines in the even columns, cosines in the odd ones.

    Columns 2i and 2i + 1 turn by 1/10000^(2i/size) radians a position, so a step of k positions is the same rotation
    everywhere. BERT learns its positions instead (``BertEmbeddings``).

    Parameters
    ----------
    length : number of positions, from 0
    size : length of a vector, even

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
