"""A neural classifier without pretraining."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence
from transformers.modeling_outputs import SequenceClassifierOutput

from course_utils.errors import InputError


class LSTMClassifier(nn.Module):
    """Embedding, one LSTM, and a linear head on its final states: what came before the Transformer.

    ``course_utils.training.fit`` trains it as it is. All weights begin at random, drawn from PyTorch's generator: call
    ``set_seed`` before you make one.

    Parameters
    ----------
    vocab_size : number of word pieces of the tokenizer, ``len(tokenizer)``
    num_labels : number of classes, at least 2
    embedding_size, hidden_size : length of a piece's vector, and of the LSTM's state in each direction
    bidirectional : read from both ends; the head then sees both final states
    dropout : share of the embeddings' and the final states' components that training sets to zero

    Raises
    ------
    InputError
        If ``num_labels`` is below 2; when it is called, if padding stands before the text, or an example has no piece.

    References
    ----------
    Hochreiter and Schmidhuber (1997), Long Short-Term Memory.

    Examples
    --------
    >>> model = LSTMClassifier(100, 3, embedding_size=8, hidden_size=4)
    >>> model(torch.tensor([[5, 6, 0]]), torch.tensor([[1, 1, 0]])).logits.shape
    torch.Size([1, 3])
    """

    def __init__(
        self,
        vocab_size: int,
        num_labels: int,
        *,
        embedding_size: int = 128,
        hidden_size: int = 128,
        bidirectional: bool = True,
        dropout: float = 0.3,
    ) -> None:
        if num_labels < 2:
            raise InputError(f"num_labels must be at least 2, got {num_labels}.")
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embedding_size)
        self.lstm = nn.LSTM(embedding_size, hidden_size, batch_first=True, bidirectional=bidirectional)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden_size * (2 if bidirectional else 1), num_labels)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor | None = None
    ) -> SequenceClassifierOutput:
        """Classify a batch padded on the right.

        Parameters
        ----------
        input_ids, attention_mask : int tensors of shape (batch, seq)
        labels : int tensor of shape (batch,), or ``None``

        Returns
        -------
        ``logits`` of shape (batch, num_labels), and ``loss``, the mean cross-entropy, if there are labels.

        Raises
        ------
        InputError
            If padding stands before the text, or an example has no piece.
        """
        if (attention_mask[:, 1:] > attention_mask[:, :-1]).any() or not attention_mask[:, 0].all():
            raise InputError("padding must come after the text: each row of attention_mask is ones, then zeros.")
        # Mixed precision is off here: PyTorch has no bfloat16 LSTM for every CPU.
        with torch.autocast(input_ids.device.type, enabled=False):
            embedded = self.dropout(self.embedding(input_ids))  # (batch, seq, embedding_size)
            # A packed batch ends each row at its own length, so that the final states never see padding.
            packed = pack_padded_sequence(embedded, attention_mask.sum(1).cpu(), batch_first=True, enforce_sorted=False)
            _, (states, _) = self.lstm(packed)  # (directions, batch, hidden_size)
            final = torch.cat(list(states), dim=-1)  # (batch, directions * hidden_size)
            logits = self.head(self.dropout(final))
            loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)
