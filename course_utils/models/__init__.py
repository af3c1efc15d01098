"""A pretrained checkpoint with a task head, and what of it trains."""

from course_utils.models.catalogue import (
    CHECKPOINTS,
    DEFAULT_CHECKPOINT,
    MINILM_PACKAGE,
    MINILM_SHA256,
    Checkpoint,
    find_minilm,
    resolve_checkpoint,
)
from course_utils.models.loading import (
    load_encoder,
    load_saved,
    load_sequence_classifier,
    load_token_classifier,
    load_tokenizer,
    max_input_length,
    save,
)
from course_utils.models.parameters import (
    count_parameters,
    default_learning_rate,
    encoder_layers,
    freeze,
    parameter_groups,
    rescale_output,
)

__all__ = [
    "CHECKPOINTS",
    "DEFAULT_CHECKPOINT",
    "MINILM_PACKAGE",
    "MINILM_SHA256",
    "Checkpoint",
    "count_parameters",
    "default_learning_rate",
    "encoder_layers",
    "find_minilm",
    "freeze",
    "load_encoder",
    "load_saved",
    "load_sequence_classifier",
    "load_token_classifier",
    "load_tokenizer",
    "max_input_length",
    "parameter_groups",
    "rescale_output",
    "resolve_checkpoint",
    "save",
]
