"""What ``fit`` and ``predict`` leave behind, also after errors, and what ``fit`` refuses."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tiny import classified, no_dropout, tagged, tiny_classifier, tiny_tagger
from torch import nn

from course_utils.batching import PaddingCollator
from course_utils.errors import InputError
from course_utils.training import TrainingConfig, fit, predict

LENGTHS = [5, 9, 4, 12, 7, 6, 10, 8]


def config(**options):
    settings = {"learning_rate": 1e-2, "num_epochs": 2, "batch_size": 4, "precision": "float32", "device": "cpu"}
    return TrainingConfig(**settings | options)


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def few_words(rows):
    """So few different words that only the used rows of the embedding are trained."""
    return rows.map(lambda row: {"input_ids": [5 + i % 9 for i in row["input_ids"]]})


class Stopped(BaseException):
    """As KeyboardInterrupt: not an ``Exception``."""


def fail(*_, **__):
    raise Stopped


# After an error


def spoilt_metric(model, rows, settings):
    fit(model, rows, rows, settings, metric=fail)


def spoilt_forward(model, rows, settings):
    model.classifier.register_forward_pre_hook(fail)
    fit(model, rows, rows, settings)


def spoilt_name(model, rows, settings):
    fit(model, rows, rows, TrainingConfig(**vars(settings) | {"best_metric": "accuracy"}))


def spoilt_resume(model, rows, settings):
    fit(model, rows, rows, settings, resume_from="/nowhere")


@pytest.mark.parametrize("spoil", [spoilt_metric, spoilt_forward, spoilt_name, spoilt_resume])
@pytest.mark.parametrize("freezing", [{"frozen_layers": 1, "compile": True}, {"gradual_unfreezing": True}])
def test_after_an_error_the_model_is_whole_and_trains_as_before(spoil, freezing):
    model, rows = tiny_tagger(), few_words(tagged(LENGTHS))
    model.classifier.bias.requires_grad_(False)  # the user's own choice stays
    embedding = model.get_input_embeddings().weight
    torch.compiler.reset()  # the compiler does not look again for hooks on a model that it knows
    model.compile = lambda: nn.Module.compile(model, backend="eager")
    with pytest.raises((Stopped, InputError)):
        spoil(model, rows, config(**freezing))
    assert model._compiled_call_impl is None
    assert [name for name, p in model.named_parameters() if not p.requires_grad] == ["classifier.bias"]
    assert model.get_input_embeddings().weight is embedding and not model.training
    assert all(p.grad is None for p in model.parameters())


def test_gradients_from_before_do_not_enter_the_first_step():
    rows = tagged(LENGTHS)
    fresh, used = tiny_tagger(), tiny_tagger()
    used(**PaddingCollator(0)(rows.to_list())).loss.backward()
    fit(fresh, rows, rows, config())
    fit(used, rows, rows, config())
    assert torch.equal(weights(fresh), weights(used))


def test_predict_gives_each_module_its_mode_back_also_after_an_error():
    model = tiny_classifier().train()
    model.bert.embeddings.eval()
    modes = [module.training for module in model.modules()]
    predict(model, classified(LENGTHS))
    assert [module.training for module in model.modules()] == modes
    model.classifier.register_forward_hook(fail)
    with pytest.raises(Stopped):
        predict(model, classified(LENGTHS))
    assert [module.training for module in model.modules()] == modes


# Out of memory


class Hungry(nn.Module):
    """Runs out of memory in the forward pass, the backward pass, or the evaluation."""

    def __init__(self, where, message):
        super().__init__()
        self.weight, self.where, self.message = nn.Parameter(torch.ones(2, 2)), where, message

    def forward(self, input_ids, attention_mask, labels=None):
        if self.where == ("evaluation" if labels is None else "forward"):
            raise RuntimeError(self.message)
        logits = self.weight.sum(0).expand(len(input_ids), 2)
        loss = logits.sum()
        if self.where == "backward":
            loss.register_hook(self.refuse)
        return SimpleNamespace(loss=loss, logits=logits)

    def refuse(self, _):
        raise RuntimeError(self.message)


@pytest.mark.parametrize("where", ["forward", "backward", "evaluation"])
def test_out_of_memory_is_explained_wherever_it_happens(where):
    rows, message = classified(LENGTHS), "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."
    with pytest.raises(InputError, match=r"out of memory with batch_size=4\. Halve batch_size and double"):
        fit(Hungry(where, message), rows, rows, config())
    with pytest.raises(RuntimeError, match=r"^something else$"):
        fit(Hungry(where, "something else"), rows, rows, config())


# Best epochs


def test_an_epoch_without_a_number_is_never_the_best():
    rows, seen = classified(LENGTHS), []
    scores = iter([math.nan, 0.4, math.nan, 0.9, 0.1])
    model = tiny_classifier()

    def metric(_):
        seen.append(weights(model))
        return {"accuracy": next(scores)}

    settings = config(num_epochs=5, early_stopping_patience=4, best_metric="accuracy")
    fit(model, rows, rows, settings, metric=metric)
    assert torch.equal(weights(model), seen[3])


@pytest.mark.parametrize("name", ["train_loss", "seconds", "epoch", "f1"])
def test_only_the_validation_loss_and_the_metric_s_figures_can_be_best(name):
    rows = classified(LENGTHS)
    with pytest.raises(InputError, match=rf'best_metric "{name}" is not among validation_loss, accuracy'):
        fit(tiny_classifier(), rows, rows, config(best_metric=name), metric=lambda _: {"accuracy": 0.5})


def test_a_metric_must_not_take_the_name_of_another_figure():
    rows = classified(LENGTHS)
    with pytest.raises(InputError, match='metric must not return "seconds"'):
        fit(tiny_classifier(), rows, rows, config(), metric=lambda _: {"accuracy": 0.5, "seconds": 3})


def test_a_metric_may_return_numpy_s_numbers(tmp_path):
    rows = classified(LENGTHS)
    settings = config(checkpoint_every=1, output_dir=str(tmp_path))
    history = fit(tiny_classifier(), rows, rows, settings, metric=lambda _: {"accuracy": np.float32(0.5)})
    assert [type(record["accuracy"]) for record in history.records] == [float, float]


# What is refused


def test_classes_for_a_model_with_one_output_are_refused():
    rows = classified(LENGTHS)
    with pytest.raises(InputError, match=r"labels are whole numbers \(classes\), but the model has one output"):
        fit(tiny_classifier(num_labels=1), rows, rows, config())


def test_a_model_that_is_frozen_as_a_whole_is_refused():
    rows, model = classified(LENGTHS), tiny_classifier().requires_grad_(False)
    with pytest.raises(InputError, match="no weight of the model trains"):
        fit(model, rows, rows, config())


def test_more_class_weights_than_classes_are_refused():
    rows = classified(LENGTHS)
    with pytest.raises(InputError, match="class_weights has 3 weights, the model has 2 classes"):
        fit(tiny_classifier(), rows, rows, config(class_weights=(1, 2, 3)))


def test_class_weights_may_be_an_array_or_a_list():
    assert config(class_weights=np.array([1, 2])).class_weights == (1.0, 2.0)
    assert config(class_weights=[1, 2]) == config(class_weights=(1.0, 2.0))
    with pytest.raises(InputError, match="class_weights must be positive numbers"):
        config(class_weights=np.array([1.0, math.nan]))


# Small things that were wrong once


def test_a_target_of_minus_100_is_a_number_like_any_other_in_regression():
    rows = classified([5, 6, 7, 8]).map(lambda row: {"labels": -100.0 if row["labels"] else 1.0})
    rows = rows.cast_column("labels", __import__("datasets").Value("float32"))
    history = fit(tiny_classifier(num_labels=1, problem_type="regression"), rows, rows, config(num_epochs=1))
    assert [step["weight"] for step in history.steps] == [4]
    assert history.steps[0]["loss"] > 4000  # two of four errors are about 100


def test_a_run_of_one_step_moves():
    rows, model = classified([5, 6, 7]), tiny_classifier()
    before = weights(model)
    history = fit(model, rows, rows, config(num_epochs=1))
    assert [step["learning_rate"] for step in history.steps] == [1e-2]
    assert not torch.equal(weights(model), before)


def test_a_class_that_never_occurs_does_not_blow_up_the_smoothed_loss():
    rows = classified(LENGTHS)
    settings = config(num_epochs=1, class_weights="balanced", label_smoothing=0.1)
    history = fit(tiny_classifier(num_labels=4), rows.map(lambda row: {"labels": 3 * row["labels"]}), rows, settings)
    # Classes 1 and 2 never occur. The loss of an untrained model is about log 4 = 1.39.
    assert all(1 < step["loss"] < 2 for step in history.steps)


@pytest.mark.parametrize("make", [tiny_tagger, tiny_classifier])
def test_gradient_checkpointing_changes_nothing_without_dropout(make):
    rows = tagged(LENGTHS) if make is tiny_tagger else classified(LENGTHS)
    plain, checkpointed = make(**no_dropout()), make(**no_dropout())
    checkpointed.gradient_checkpointing_enable()
    fit(plain, rows, rows, config())
    fit(checkpointed, rows, rows, config())
    torch.testing.assert_close(weights(checkpointed), weights(plain), atol=1e-5, rtol=1e-4)


def test_gradient_checkpointing_draws_the_same_noise_twice():
    model, rows = tiny_tagger(hidden_dropout_prob=0.3), tagged(LENGTHS)
    plain = tiny_tagger(hidden_dropout_prob=0.3)
    model.gradient_checkpointing_enable()
    fit(model, rows, rows, config(num_epochs=1))
    # The library's dropout under the same seeds, which checkpointing restores.
    from course_utils import bookkeeping

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bookkeeping, "recomputes", lambda _: True)
        fit(plain, rows, rows, config(num_epochs=1))
    torch.testing.assert_close(weights(model), weights(plain), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("words", ["few", "many"])
def test_compiled_training_is_plain_training(words):
    rows = tagged([6] * 8)
    rows = few_words(rows) if words == "few" else rows
    plain, compiled = tiny_tagger(**no_dropout()), tiny_tagger(**no_dropout())
    compiled.compile = lambda: nn.Module.compile(compiled, backend="eager")
    fit(plain, rows, rows, config())
    fit(compiled, rows, rows, config(compile=True))
    torch.testing.assert_close(weights(compiled), weights(plain), atol=1e-6, rtol=1e-5)


# Resuming


def test_a_run_with_another_collator_is_not_resumed(tmp_path):
    """The optimiser's state has other shapes then, and AdamW in one pass would read beyond their end."""
    rows = few_words(tagged(LENGTHS))
    settings = config(num_epochs=3, checkpoint_every=1, output_dir=str(tmp_path))
    model = tiny_tagger()
    calls = []
    model.classifier.register_forward_pre_hook(lambda *_: calls.append(1) if len(calls) < 4 else fail())
    with pytest.raises(Stopped):
        fit(model, rows, rows, settings)
    with pytest.raises(InputError, match="trained weights was"):
        fit(tiny_tagger(), rows, rows, settings, resume_from=tmp_path, collator=PaddingCollator(0))
    with pytest.raises(InputError, match="validation data was"):
        fit(tiny_tagger(), rows, rows.select(range(4)), settings, resume_from=tmp_path)
    with pytest.raises(InputError, match="compile was False, now it is True"):
        fit(tiny_tagger(), rows, rows, config(**vars(settings) | {"compile": True}), resume_from=tmp_path)
