"""Words to model inputs, with the labels aligned to the word pieces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from course_utils.errors import InputError

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

IGNORE_INDEX = -100
"""The label that PyTorch's cross-entropy, and every count of this package, leaves out."""


def align_labels_with_tokens(
    labels: Sequence[int], word_ids: Sequence[int | None], *, inside: Sequence[int] | None = None
) -> list[int]:
    """One label for each word piece, from one label for each word.

    The first piece of a word carries the word's label. Later pieces and special tokens carry ``IGNORE_INDEX``, or,
    if ``inside`` is given, later pieces carry ``inside[label]``: for BIO tags the number of ``I-X`` for ``B-X``.

    Parameters
    ----------
    labels : one label number a word
    word_ids : for each piece the position of its word, ``None`` for special tokens (``encoding.word_ids()``)
    inside : for each label number the number that the later pieces of such a word carry

    Returns
    -------
    One label a piece, as long as ``word_ids``.

    Raises
    ------
    InputError
        If a piece belongs to a word that has no label.

    Examples
    --------
    The word 1 has two pieces:

    >>> align_labels_with_tokens([7, 3], [None, 0, 1, 1, None])
    [-100, 7, 3, -100, -100]
    """
    aligned = []
    previous = None
    for word in word_ids:
        if word is None:
            aligned.append(IGNORE_INDEX)
        elif word >= len(labels):
            raise InputError(
                f"piece of word {word}, but there are only {len(labels)} labels. Tokens and labels differ."
            )
        elif word != previous:
            aligned.append(labels[word])
        else:
            aligned.append(IGNORE_INDEX if inside is None else inside[labels[word]])
        previous = word
    return aligned


def encode_word_list(words: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int) -> Any:
    """Encode one sentence of words so that every word has at least one piece.

    A word that the tokenizer turns into nothing (a lone variation selector, a control character) is read as the
    unknown token: each word keeps its own prediction.

    Parameters
    ----------
    words : of one sentence
    tokenizer : a fast tokenizer
    max_length : longest input in word pieces, the special tokens included

    Returns
    -------
    The tokenizer's encoding: ``input_ids``, ``attention_mask``, ``word_ids()``.
    """
    encoding = tokenizer(list(words), is_split_into_words=True, truncation=True, max_length=max_length)
    present = {word for word in encoding.word_ids() if word is not None}
    last = max(present, default=-1)
    if len(present) != last + 1 or (last + 1 < len(words) and len(encoding["input_ids"]) < max_length):
        spare = [word if tokenizer.tokenize(word) else tokenizer.unk_token for word in words]
        encoding = tokenizer(spare, is_split_into_words=True, truncation=True, max_length=max_length)
    return encoding


def first_pieces(word_ids: Sequence[int]) -> list[int]:
    """The positions of the pieces that begin a word.

    Parameters
    ----------
    word_ids : the word of each piece, -1 for special tokens, as ``encode_words`` stores them

    Examples
    --------
    >>> first_pieces([-1, 0, 1, 1, -1])
    [1, 2]
    """
    return [i for i, word in enumerate(word_ids) if word >= 0 and (i == 0 or word != word_ids[i - 1])]


def _word_prefix(tokenizer: PreTrainedTokenizerBase) -> str:
    """A space, if the tokenizer writes it into the pieces (RoBERTa): without it words of a list read as if glued."""

    def ids(text: str | list[str]) -> list[int]:
        return tokenizer(text, is_split_into_words=isinstance(text, list))["input_ids"]

    return " " if ids(["a", "a"]) != ids("a a") == ids(["a", " a"]) else ""


def _inputs(encoding: Any) -> dict[str, list[int]]:
    return {"input_ids": encoding["input_ids"], "attention_mask": encoding["attention_mask"]}


def encode_words(
    dataset: Dataset,
    tokenizer: PreTrainedTokenizerBase,
    *,
    label_column: str | None = None,
    max_length: int = 256,
    inside: Sequence[int] | None = None,
) -> Dataset:
    """Encode sentences of words for token classification.

    Parameters
    ----------
    dataset : has ``tokens`` and, if labels are wanted, ``label_column`` with one label number a word
    tokenizer : a fast tokenizer
    label_column : ``pos_tags`` or ``ner_tags``; ``None`` for unlabelled sentences
    max_length : longest input in word pieces, the two special tokens included
    inside : see ``align_labels_with_tokens``

    Returns
    -------
    Dataset with ``input_ids``, ``attention_mask``, ``labels`` (if asked for), ``word_ids`` (the word of each
    piece, -1 for special tokens) and ``num_truncated_words`` (words that the cut at ``max_length`` left without a
    prediction).

    Raises
    ------
    InputError
        If a column is missing, or a sentence has not one label a word.
    """
    _require(dataset, "tokens", label_column)
    prefix = _word_prefix(tokenizer)

    def encode(row: dict[str, Any], index: int) -> dict[str, Any]:
        words = row["tokens"]
        encoding = encode_word_list([*words[:1], *(prefix + word for word in words[1:])], tokenizer, max_length)
        word_ids = encoding.word_ids()
        kept = 1 + max((word for word in word_ids if word is not None), default=-1)
        result = _inputs(encoding) | {"num_truncated_words": len(words) - kept}
        result["word_ids"] = [-1 if word is None else word for word in word_ids]
        if label_column is not None:
            labels = row[label_column]
            if len(labels) != len(words):
                raise InputError(f"row {index}: {len(words)} tokens but {len(labels)} labels; give one label a token.")
            result["labels"] = align_labels_with_tokens(labels, word_ids, inside=inside)
        return result

    return _map(dataset, encode)


def encode_texts(
    dataset: Dataset,
    tokenizer: PreTrainedTokenizerBase,
    *,
    text_column: str = "text",
    label_column: str | None = None,
    max_length: int = 256,
) -> Dataset:
    """Encode whole texts for classification or regression.

    Parameters
    ----------
    dataset : has ``text_column`` and, if labels are wanted, ``label_column`` with a label number or a float
    tokenizer : a fast tokenizer
    text_column : the column with the texts
    label_column : ``None`` for unlabelled texts
    max_length : longest input in word pieces, the two special tokens included

    Returns
    -------
    Dataset with ``input_ids``, ``attention_mask``, ``labels`` (if asked for) and ``num_truncated_pieces``.

    Raises
    ------
    InputError
        If a column is missing.
    """
    _require(dataset, text_column, label_column)

    def encode(row: dict[str, Any], index: int) -> dict[str, Any]:
        encoding = tokenizer(row[text_column], truncation=True, max_length=max_length, return_overflowing_tokens=True)
        first = encoding.encodings[0]
        special = tokenizer.num_special_tokens_to_add()
        cut = sum(len(rest.ids) - special for rest in encoding.encodings[1:])
        result = {"input_ids": first.ids, "attention_mask": first.attention_mask, "num_truncated_pieces": cut}
        if label_column is not None:
            result["labels"] = row[label_column]
        return result

    return _map(dataset, encode)


def _require(dataset: Dataset, *columns: str | None) -> None:
    for column in columns:
        if column is not None and column not in dataset.column_names:
            raise InputError(f'no column "{column}"; columns are {", ".join(dataset.column_names)}.')


def _map(dataset: Dataset, encode: Any) -> Dataset:
    # In memory and without the fingerprint cache: a tokenizer's state is not part of the fingerprint we want to trust.
    from datasets import Dataset

    rows = [encode(row, index) for index, row in enumerate(dataset)]
    return Dataset.from_list(rows) if rows else Dataset.from_dict({"input_ids": [], "attention_mask": []})
