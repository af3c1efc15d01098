"""What a frozen encoder knows already: its vectors, and the label whose description is nearest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from course_utils.batching import LengthGroupedBatchSampler, PaddingCollator
from course_utils.errors import InputError

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel

POOLINGS = ("mean", "first")


def frozen_features(
    model: PreTrainedModel, dataset: Dataset, pooling: str = "mean", *, batch_size: int = 64
) -> np.ndarray:
    """One vector an example from an encoder as it is, without gradients and without dropout.

    ``minilm`` was trained to put sentences of like meaning near each other by the *mean* of its last layer, scaled to
    length 1. The vectors here are not scaled: ``nearest_label`` does not need it, and
    ``sklearn.preprocessing.normalize`` does it.

    Parameters
    ----------
    model : an encoder, or a model with a head, which is left out; its training mode is put back
    dataset : encoded examples, as from ``encode_texts``
    pooling : ``"mean"`` over the real pieces (special tokens included, padding not) or ``"first"``, the vector of the
        first piece as it leaves the last layer
    batch_size : examples a forward pass; batches are made of examples of similar length

    Returns
    -------
    Float array of shape (num_examples, hidden), in the order of the dataset.

    Raises
    ------
    InputError
        If ``pooling`` is unknown, or the dataset is not encoded.
    """
    if pooling not in POOLINGS:
        raise InputError(f'pooling must be one of {", ".join(POOLINGS)}, got "{pooling}".')
    missing = [name for name in ("input_ids", "attention_mask") if name not in dataset.column_names]
    if missing:
        raise InputError(
            f'the dataset has no column "{missing[0]}". Encode it first: encode_texts(dataset, tokenizer).'
        )
    encoder = model.base_model
    columns = [name for name in ("input_ids", "attention_mask", "token_type_ids") if name in dataset.column_names]
    examples = dataset.select_columns(columns).to_list()
    collate = PaddingCollator(encoder.config.pad_token_id or 0)
    batches = LengthGroupedBatchSampler([len(row["input_ids"]) for row in examples], batch_size, shuffle=False)
    features = np.empty((len(examples), encoder.config.hidden_size), dtype=np.float32)
    was_training = encoder.training
    encoder.eval()
    with torch.inference_mode():
        for rows in batches:
            batch = {name: tensor.to(encoder.device) for name, tensor in collate([examples[i] for i in rows]).items()}
            hidden = encoder(**batch).last_hidden_state  # (batch, seq, hidden)
            if pooling == "first":
                vectors = hidden[:, 0]
            else:
                mask = batch["attention_mask"].unsqueeze(-1)  # (batch, seq, 1)
                vectors = (hidden * mask).sum(dim=1) / mask.sum(dim=1)
            features[rows] = vectors.float().cpu().numpy()
    encoder.train(was_training)
    return features


@dataclass(frozen=True)
class NearestLabels:
    """The nearest label of every text.

    ``indices`` has shape (num_texts,). ``similarities``, of shape (num_texts, num_labels), holds the cosine of every
    text with every label, in [-1, 1].
    """

    indices: np.ndarray
    similarities: np.ndarray


def nearest_label(text_vectors: np.ndarray, label_vectors: np.ndarray) -> NearestLabels:
    """Classify without one labelled example: the label whose description is nearest to the text.

    Parameters
    ----------
    text_vectors : float array of shape (num_texts, hidden), from ``frozen_features``
    label_vectors : float array of shape (num_labels, hidden), one for each label's description, from the same model

    Returns
    -------
    NearestLabels
        Of equally near labels the first.

    Raises
    ------
    InputError
        If a shape is wrong, or a vector has no direction (all zeros, or not finite).

    References
    ----------
    Yin, Hay and Roth (2019), Benchmarking Zero-shot Text Classification.

    Examples
    --------
    >>> nearest_label(np.array([[3.0, 1.0], [0.0, 2.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])).indices
    array([0, 1])
    """
    texts, labels = (np.asarray(vectors, dtype=float) for vectors in (text_vectors, label_vectors))
    if texts.ndim != 2 or labels.ndim != 2 or texts.shape[1] != labels.shape[1] or len(labels) == 0:
        raise InputError(
            "text_vectors and label_vectors must have shapes (num_texts, hidden) and (num_labels, hidden), "
            f"got {texts.shape} and {labels.shape}."
        )
    similarities = _unit("text_vectors", texts) @ _unit("label_vectors", labels).T  # (num_texts, num_labels)
    return NearestLabels(similarities.argmax(axis=1), similarities)


def _unit(name: str, vectors: np.ndarray) -> np.ndarray:
    """Every row scaled to length 1."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    pointless = ~(np.isfinite(lengths[:, 0]) & (lengths[:, 0] > 0))
    if pointless.any():
        raise InputError(f"{name} must be finite and not all zeros, but row {pointless.argmax()} is not. Leave it out.")
    return vectors / lengths
