"""What a step is made of: loss, penalties, clipping, rates by layer, gradual unfreezing."""

import math

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from tiny import classified, no_dropout, tagged, tiny_classifier, tiny_tagger
from torch import nn
from torch.nn import functional

from course_utils.batching import PaddingCollator
from course_utils.models import freeze, parameter_groups
from course_utils.optimisation import GradualUnfreezing, Objective, add_penalties, clip_gradients, make_schedule
from course_utils.training import TrainingConfig, fit, predict

LENGTHS = [5, 9, 4, 12, 7, 6, 10, 8]


def config(**options):
    return TrainingConfig(**{"learning_rate": 1e-2, "num_epochs": 2, "batch_size": 4, "precision": "float32"} | options)


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def output_and_labels(model, rows):
    batch = PaddingCollator(0)(rows.to_list())
    return model(**batch), batch["labels"]


# Loss


def test_the_plain_objective_is_the_model_s_own_loss():
    output, labels = output_and_labels(tiny_tagger(), tagged(LENGTHS))
    objective = Objective(config(), np.array([0, 1]))
    assert objective(output, labels) is output.loss
    assert objective.weight(labels) == sum(n - 2 for n in LENGTHS)


def test_label_smoothing_by_hand():
    output, labels = output_and_labels(tiny_tagger(), tagged(LENGTHS))
    found = Objective(config(label_smoothing=0.3), np.array([0, 1]))(output, labels)
    keep = labels != -100
    log_p = output.logits.log_softmax(-1)[keep]
    target = torch.full_like(log_p, 0.3 / 3)
    target[torch.arange(len(target)), labels[keep]] += 0.7
    assert found.item() == pytest.approx(-(target * log_p).sum(-1).mean().item(), abs=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_class_weights_by_hand_and_over_batches(smoothing):
    output, labels = output_and_labels(tiny_tagger(), tagged(LENGTHS))
    given = torch.tensor([1.0, 5.0, 0.5])
    objective = Objective(config(class_weights=(1.0, 5.0, 0.5), label_smoothing=smoothing), np.array([0, 1, 2]))
    flat, gold = output.logits.flatten(0, 1), labels.flatten()
    expected = functional.cross_entropy(flat, gold, weight=given, label_smoothing=smoothing)
    assert objective(output, labels).item() == pytest.approx(expected.item(), abs=1e-6)
    assert objective.weight(labels) == pytest.approx(given[labels[labels != -100]].sum().item())
    # Batches put together by their weights give the loss of them all, however unequal they are.
    parts = [(slice(0, 1), slice(1, 8)), (slice(0, 5), slice(5, 8))]
    for pieces in parts:
        total = objective.weight(labels)
        split = sum(
            objective(type(output)(logits=output.logits[piece]), labels[piece])
            * (objective.weight(labels[piece]) / total)
            for piece in pieces
        )
        assert split.item() == pytest.approx(expected.item(), abs=1e-6)


def test_balanced_weights_are_scikit_learn_s():
    labels = np.array([0, 0, 0, 1, 2, 2, -100, -100])
    objective = Objective(config(class_weights="balanced"), labels)
    expected = compute_class_weight("balanced", classes=np.array([0, 1, 2]), y=labels[labels >= 0])
    np.testing.assert_allclose(objective.weights.numpy(), expected, rtol=1e-6)


def test_a_class_without_an_example_does_not_disturb_balanced_weights():
    model, rows = tiny_classifier(num_labels=4), classified(LENGTHS)
    history = fit(model, rows, rows, config(class_weights="balanced", num_epochs=1))
    assert math.isfinite(history.records[0]["train_loss"])
    gap = Objective(config(class_weights="balanced"), np.array([0, 0, 2, 2]))
    assert gap.weights[0] == gap.weights[2] == 1


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_balanced_weights_make_the_rare_class_likelier(seed):
    # One example in eight is of class 1. Too little trains to tell them apart: only the balance shows.
    rows = classified([6] * 64, seed=seed).map(lambda row, i: {"labels": int(i % 8 == 1)}, with_indices=True)
    mean = {}
    for name in (None, "balanced"):
        model = tiny_classifier(seed=seed, **no_dropout())
        freeze(model)
        fit(model, rows, rows, config(class_weights=name, num_epochs=10, seed=seed))
        probabilities = predict(model, rows).logits
        mean[name] = float(torch.tensor(probabilities).softmax(-1)[:, 1].mean())
    assert mean["balanced"] > 1.15 * mean[None]  # seeds 0 to 4: 1.27 to 2.06 times


def test_weights_and_smoothing_are_for_classes():
    rows = classified(LENGTHS).map(lambda row: {"labels": float(row["labels"])})
    rows = rows.cast_column("labels", __import__("datasets").Value("float32"))
    model = tiny_classifier(num_labels=1, problem_type="regression")
    for options in ({"label_smoothing": 0.1}, {"class_weights": "balanced"}):
        with pytest.raises(ValueError, match="are for classes; the labels are numbers"):
            fit(model, rows, rows, config(**options))


def test_too_few_class_weights_are_refused():
    with pytest.raises(ValueError, match=r"got 2 weights, and class 2 \(counted from 0\)"):
        fit(tiny_tagger(), tagged(LENGTHS), tagged(LENGTHS), config(class_weights=(1.0, 2.0)))


# Penalties and clipping


def test_penalties_are_the_gradient_of_their_formula():
    model, rows = tiny_tagger(**no_dropout()), tagged(LENGTHS)
    batch = PaddingCollator(0)(rows.to_list())
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    (model(**batch).loss + sum(0.01 * p.abs().sum() + 0.002 * p.square().sum() for p in matrices)).backward()
    expected = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    model(**batch).loss.backward()
    add_penalties(list(model.parameters()), l1=0.01, l2=0.002)
    for p, gradient in zip(model.parameters(), expected):
        torch.testing.assert_close(p.grad, gradient, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", ["l1", "l2"])
def test_a_penalty_pulls_every_matrix_towards_zero(name):
    rows, sizes = tagged(LENGTHS), {}
    for strength in (0.0, 0.02):
        model = tiny_tagger(**no_dropout())
        fit(model, rows, rows, config(num_epochs=15, weight_decay=0.0, **{name: strength}))
        sizes[strength] = float(weights(model).abs().mean())
    assert sizes[0.02] < 0.8 * sizes[0.0]  # seeds 0 to 4: 0.31 to 0.55 times


def test_clipping_is_torch_s():
    for limit in (0.01, 1e6, math.inf):
        ours, theirs = tiny_tagger(**no_dropout()), tiny_tagger(**no_dropout())
        for model in (ours, theirs):
            model(**PaddingCollator(0)(tagged(LENGTHS).to_list())).loss.backward()
        norm = clip_gradients(list(ours.parameters()), limit)
        expected = nn.utils.clip_grad_norm_(theirs.parameters(), limit)
        assert norm == pytest.approx(float(expected))
        for a, b in zip(ours.parameters(), theirs.parameters()):
            torch.testing.assert_close(a.grad, b.grad)


# Rates


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_other_schedules(schedule):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    steps = make_schedule(optimizer, config(schedule=schedule, warmup_steps=0.2), 10)
    rates = []
    for _ in range(10):
        rates.append(steps.get_last_lr()[0])
        optimizer.step()
        steps.step()
    end = [(1 + math.cos(math.pi * k / 8)) / 2 for k in range(8)] if schedule == "cosine" else [1.0] * 8
    assert rates == pytest.approx([0, 0.5, *end])


def test_rates_fall_from_the_head_down():
    model = tiny_tagger()
    groups = parameter_groups(model, 0.01, learning_rate=1.0, layer_decay=0.5)
    rate = {id(p): group["lr"] for group in groups for p in group["params"]}
    assert len(rate) == len(list(model.parameters()))
    assert rate[id(model.classifier.weight)] == 1
    assert rate[id(model.bert.encoder.layer[1].output.dense.weight)] == 0.5
    assert rate[id(model.bert.encoder.layer[0].attention.self.query.bias)] == 0.25
    assert rate[id(model.bert.embeddings.word_embeddings.weight)] == 0.125
    for group in groups:
        assert group["weight_decay"] == (0.01 if group["params"][0].ndim >= 2 else 0)


def test_without_layer_decay_there_are_two_groups():
    assert [group["weight_decay"] for group in parameter_groups(tiny_tagger(), 0.01)] == [0.01, 0]
    assert "lr" not in parameter_groups(tiny_tagger(), 0.01)[0]


def test_lower_layers_move_less_with_layer_decay():
    rows = tagged(LENGTHS)
    moved = {}
    for decay in (1.0, 0.1):
        model = tiny_tagger(**no_dropout())
        before = model.bert.encoder.layer[0].output.dense.weight.detach().clone()
        fit(model, rows, rows, config(layer_decay=decay, weight_decay=0.0))
        moved[decay] = float((model.bert.encoder.layer[0].output.dense.weight.detach() - before).abs().mean())
    assert moved[0.1] < 0.05 * moved[1.0]  # Adam's steps are as long as the rate: 0.1 ** 2 = 0.01


# Gradual unfreezing


def trains(model):
    layers = model.bert.encoder.layer
    parts = {"head": model.classifier, "1": layers[1], "0": layers[0], "embeddings": model.bert.embeddings}
    return [name for name, part in parts.items() if all(p.requires_grad for p in part.parameters())]


def test_layers_thaw_from_the_top():
    model = tiny_tagger()
    unfreezing = GradualUnfreezing(model)
    seen = []
    for epoch in range(4):
        unfreezing.start_epoch(epoch)
        seen.append(trains(model))
    everything = ["head", "1", "0", "embeddings"]
    assert seen == [everything[: n + 1] for n in range(4)]


def test_what_was_frozen_before_stays_frozen():
    model = tiny_tagger()
    freeze(model, num_layers=1)
    unfreezing = GradualUnfreezing(model)
    unfreezing.start_epoch(0)
    unfreezing.start_epoch(9)
    assert trains(model) == ["head", "1"]


@pytest.mark.parametrize("words", [9, 55])  # few words: only the used rows of the embedding are trained
def test_fit_thaws_one_layer_an_epoch_and_leaves_none_frozen(words):
    model, rows, moved = tiny_tagger(**no_dropout()), tagged(LENGTHS), []
    rows = rows.map(lambda row: {"input_ids": [5 + i % words for i in row["input_ids"]]})
    before = {name: p.detach().clone() for name, p in model.named_parameters()}

    def metric(_):
        moved.append({name for name, p in model.named_parameters() if not torch.equal(p, before[name])})
        return {}

    fit(model, rows, rows, config(num_epochs=4, gradual_unfreezing=True, weight_decay=0.1), metric=metric)
    assert {name.split(".")[0] for name in moved[0]} == {"classifier"}
    assert {name.split(".")[3] for name in moved[1] if name.startswith("bert")} == {"1"}
    assert not any("embeddings" in name for name in moved[2]) and any("layer.0" in name for name in moved[2])
    assert any("word_embeddings" in name for name in moved[3])
    assert trains(model) == ["head", "1", "0", "embeddings"]


def test_gradual_unfreezing_needs_layers():
    with pytest.raises(ValueError, match=r"the list of its .* layers was not found"):
        GradualUnfreezing(nn.Linear(2, 2))


def test_frozen_layers_stay_as_they_are_and_train_again_afterwards():
    model, rows = tiny_tagger(), tagged(LENGTHS)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    fit(model, rows, rows, config(frozen_layers=1))
    moved = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert not any("embeddings" in name or "layer.0" in name for name in moved)
    assert {"classifier.weight", "bert.encoder.layer.1.output.dense.weight"} <= moved
    assert trains(model) == ["head", "1", "0", "embeddings"]


def test_more_frozen_layers_than_there_are_are_refused():
    with pytest.raises(ValueError, match=r"num_layers must lie in \[0, 2\], got 3"):
        fit(tiny_tagger(), tagged(LENGTHS), tagged(LENGTHS), config(frozen_layers=3))
