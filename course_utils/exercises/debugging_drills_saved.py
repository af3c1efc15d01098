"""Exercise of notebook 11, a drill: a script that uses a saved model, says nothing, and is wrong in three places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.exercises import Exercise, Inputs, Mistake
from course_utils.exercises.debugging_drills import padded_texts, still, tiny_classifier

if TYPE_CHECKING:
    import torch

# 11.7


def _use(
    state: Mapping[str, torch.Tensor],
    input_ids: torch.Tensor,
    attention_mask: torch.Tensor,
    names: Sequence[str],
    faults: Sequence[str] = (),
) -> dict[str, Any]:
    import torch

    torch.manual_seed(0)
    model = tiny_classifier(len(names))
    prefix = {"keys": "", "encoder": "model.bert."}.get(faults[0] if faults else "", "model.")
    inner = model.bert if "encoder" in faults else model
    inner.load_state_dict({key.removeprefix(prefix): value for key, value in state.items()}, strict=False)
    if "eval" not in faults:
        model.eval()
    best = model(input_ids, attention_mask=attention_mask).logits.softmax(dim=-1).max(dim=-1)
    ordered = sorted(names) if "order" in faults else names
    return {"names": [ordered[i] for i in best.indices], "probabilities": best.values}


def use_saved(
    state: Mapping[str, torch.Tensor], input_ids: torch.Tensor, attention_mask: torch.Tensor, names: Sequence[str]
) -> dict[str, Any]:
    """Each text's best label and its probability, from the saved weights, all of them."""
    return _use(state, input_ids, attention_mask, names)


def _saved_models(random: np.random.Generator) -> Iterator[Inputs]:
    import torch

    for names in (["positive", "negative"], ["hotel", "ferry", "café"], ["no", "maybe", "yes"]):
        torch.manual_seed(int(random.integers(100)))
        state = {f"model.{key}": value for key, value in tiny_classifier(len(names)).state_dict().items()}
        yield state, *padded_texts(random, 6, 7), names


use = Exercise(
    id="11.7",
    title="Drill: a saved model that forgets its training",
    kind="transfer",
    stub='''\
def use_saved(state, input_ids, attention_mask, names):
    """Best label and its probability for each text, from saved weights.

    state: saved by a program that kept its classifier in `self.model`; names: of the labels, in the order of training.
    """
    raise NotImplementedError("delete this line when you begin")
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(vocab_size=40, initializer_range=0.5, num_labels=len(names), **sizes)
    model = BertForSequenceClassification(config)
    model.load_state_dict(state, strict=False)
    probabilities = model(input_ids, attention_mask=attention_mask).logits.softmax(dim=-1)
    best = probabilities.max(dim=-1)
    return {"names": [sorted(names)[number] for number in best.indices], "probabilities": best.values}
''',
    reference=use_saved,
    cases=_saved_models,
    mistakes=(
        Mistake(
            still(_use, "keys", "order", "eval"),
            "This behaves like the script as you found it. `load_state_dict` returns something: look at it.",
        ),
        Mistake(
            still(_use, "order", "eval"),
            "The weights arrive now. Call the model twice on the same texts, then check one name by hand.",
        ),
        Mistake(
            still(_use, "keys", "eval"),
            "The names are in order now, but whose are the probabilities? Compare one weight with the saved one.",
        ),
        Mistake(
            still(_use, "keys", "order"),
            "The answers are repeatable now, but not those of the saved model. One argument keeps quiet.",
        ),
        Mistake(
            still(_use, "keys"),
            "One fault is left, the largest: how many of the saved weights have arrived in the model?",
        ),
        Mistake(
            still(_use, "order"),
            "One fault is left: the probabilities are right and some names are not. Who says which number is which?",
        ),
        Mistake(
            still(_use, "eval"),
            "One fault is left: the model answers differently each time. In which mode does a new model start?",
        ),
        Mistake(
            still(_use, "encoder"),
            "The encoder has its weights, the head has not: what is saved begins with the classifier, not with its "
            "encoder.",
        ),
    ),
)  # fmt: skip

EXERCISES = (use,)
