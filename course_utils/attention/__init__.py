"""Attention and a BERT encoder from scratch, to be read in this order: ``mechanism``, ``encoder``, ``library_weights``.

It is written to be understood: PyTorch's plain operations, no fused kernel, and dropout off unless it is asked for. The
numbers are the real ones all the same: ``BertEncoder.from_pretrained`` takes the weights of a published checkpoint and
gives the library's hidden states and attention maps at every layer.

The axes are batch, seq (tokens; query and key where the two may differ), hidden (features of a token), heads, and
head (features of a token in one head). A mask is True where attention is allowed, as in
``torch.nn.functional.scaled_dot_product_attention``; masks are combined with ``&``.
"""

from course_utils.attention.encoder import (
    BertEmbeddings,
    BertEncoder,
    EncoderConfig,
    EncoderLayer,
    EncoderOutput,
    FeedForward,
)
from course_utils.attention.library_weights import (
    ARCHITECTURE,
    EMBEDDING_NAMES,
    LAYER_NAMES,
    copy_weights,
    library_name,
)
from course_utils.attention.mechanism import (
    AttentionResult,
    MultiHeadAttention,
    causal_mask,
    merge_heads,
    padding_mask,
    scaled_dot_product_attention,
    sinusoidal_positions,
    split_heads,
)

__all__ = [
    "ARCHITECTURE",
    "EMBEDDING_NAMES",
    "LAYER_NAMES",
    "AttentionResult",
    "BertEmbeddings",
    "BertEncoder",
    "EncoderConfig",
    "EncoderLayer",
    "EncoderOutput",
    "FeedForward",
    "MultiHeadAttention",
    "causal_mask",
    "copy_weights",
    "library_name",
    "merge_heads",
    "padding_mask",
    "scaled_dot_product_attention",
    "sinusoidal_positions",
    "split_heads",
]
