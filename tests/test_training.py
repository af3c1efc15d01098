"""The training loop: equal to a loop written by hand, and safe to interrupt."""

import json
import math
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tiny import classified, no_dropout, tagged, tiny_classifier, tiny_tagger
from torch import nn

from course_utils.batching import LengthGroupedBatchSampler, PaddingCollator
from course_utils.models import parameter_groups
from course_utils.optimisation import make_schedule
from course_utils.training import Predictions, TrainingConfig, fit, predict

LENGTHS = [5, 9, 4, 12, 7, 6, 10, 8]


def config(**options):
    return TrainingConfig(**{"learning_rate": 1e-2, "num_epochs": 2, "batch_size": 4, "precision": "float32"} | options)


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def by_hand(model, rows, settings):
    """The loop that every tutorial prints, with the same order, schedule, decay groups and clipping."""
    optimizer = torch.optim.AdamW(parameter_groups(model, settings.weight_decay), lr=settings.learning_rate)
    sampler = LengthGroupedBatchSampler([len(r["input_ids"]) for r in rows], settings.batch_size, seed=settings.seed)
    total = len(sampler) * settings.num_epochs
    warmup = math.ceil(settings.warmup_steps * total)
    collate = PaddingCollator(0)
    losses, step = [], 0
    model.train()
    for epoch in range(settings.num_epochs):
        sampler.epoch = epoch
        for batch_rows in sampler:
            rate = min(step / warmup, 1) if step < warmup else (total - step) / (total - warmup)
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * rate
            batch = collate([rows[i] for i in batch_rows])
            logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
            loss = nn.functional.cross_entropy(logits.flatten(0, -2), batch["labels"].flatten(), ignore_index=-100)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), settings.max_grad_norm)
            optimizer.step()
            losses.append(loss.item())
            step += 1
    return losses


@pytest.mark.parametrize(
    ("make", "data", "words"),
    # few words: only the used rows are trained; a classifier: the last layer at the first token only
    [
        (tiny_tagger, tagged, 55),
        (tiny_tagger, tagged, 9),
        (tiny_classifier, classified, 55),
        (tiny_classifier, classified, 9),
    ],
)
def test_fit_equals_a_loop_written_by_hand(make, data, words):
    rows = data(LENGTHS).map(lambda row: {"input_ids": [5 + i % words for i in row["input_ids"]]})
    ours, theirs = make(**no_dropout()), make(**no_dropout())
    history = fit(ours, rows, rows, config())
    losses = by_hand(theirs, rows.to_list(), config())
    assert [step["loss"] for step in history.steps] == pytest.approx(losses, abs=1e-5)
    assert torch.allclose(weights(ours), weights(theirs), atol=1e-4)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_loss_falls_on_eight_examples(seed):
    rows = tagged(LENGTHS, seed=seed)
    history = fit(tiny_tagger(seed=seed), rows, rows, config(num_epochs=30, seed=seed))
    # Over seeds 0 to 9: first epoch 1.05 to 1.2 (log 3 = 1.10), last one 0.02 to 0.5.
    assert history.records[0]["train_loss"] == pytest.approx(math.log(3), abs=0.25)
    assert history.records[-1]["validation_loss"] < 0.6


def test_accumulation_weighs_every_token_the_same():
    rows = tagged([4, 20, 5, 18, 6, 16, 4, 20])
    whole, parts = tiny_tagger(**no_dropout()), tiny_tagger(**no_dropout())
    one = fit(whole, rows, rows, config(batch_size=8))
    four = fit(parts, rows, rows, config(batch_size=2, gradient_accumulation_steps=4))
    assert [s["loss"] for s in four.steps] == pytest.approx([s["loss"] for s in one.steps], abs=1e-5)
    assert torch.allclose(weights(whole), weights(parts), atol=1e-4)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    rows = tagged(LENGTHS)
    runs = []
    for seed in (0, 0, 1):
        model = tiny_tagger()
        fit(model, rows, rows, config(seed=seed))
        runs.append(weights(model))
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


def test_frozen_weights_do_not_move():
    model = tiny_classifier()
    model.bert.embeddings.requires_grad_(False)
    before = model.bert.embeddings.word_embeddings.weight.clone()
    fit(model, classified(LENGTHS), classified(LENGTHS), config())
    assert torch.equal(model.bert.embeddings.word_embeddings.weight, before)


def test_the_schedule_rises_then_falls_to_zero():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = make_schedule(optimizer, config(learning_rate=0.5, warmup_steps=2), 10)
    rates = []
    for _ in range(10):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    assert rates == pytest.approx([0, 0.5, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8])


def test_early_stopping_restores_the_best_weights():
    rows = classified(LENGTHS)
    scores = iter([0.5, 0.9, 0.8, 0.7, 0.6])
    seen = []

    def metric(_):
        seen.append(weights(model))
        return {"accuracy": next(scores)}

    model = tiny_classifier()
    settings = config(num_epochs=5, early_stopping_patience=2, best_metric="accuracy")
    history = fit(model, rows, rows, settings, metric=metric)
    assert history.stopped_early and len(history.records) == 4
    assert torch.equal(weights(model), seen[1])


def test_predict_keeps_the_order_and_padding_changes_nothing():
    rows = tagged(LENGTHS)
    model = tiny_tagger().train()
    found = predict(model, rows, batch_size=3)
    assert model.training
    model.eval()
    for row, logits, labels in zip(rows, found.logits, found.labels):
        alone = model(torch.tensor([row["input_ids"]])).logits[0].detach().numpy()
        assert logits.shape == (len(row["input_ids"]), 3)
        np.testing.assert_allclose(logits, alone, atol=1e-5)
        assert labels.tolist() == row["labels"]


def test_the_loss_of_predictions_counts_every_token_once():
    logits = [np.array([[0.0, 0.0], [9.0, 0.0]]), np.array([[0.0, 0.0]])]
    labels = [np.array([0, -100]), np.array([1])]
    assert Predictions(logits, labels).loss == pytest.approx(math.log(2))
    assert Predictions(np.array([[1.0], [3.0]]), np.array([2.0, 5.0])).loss == pytest.approx((1 + 4) / 2)


def test_predict_without_labels():
    rows = classified(LENGTHS).remove_columns("labels")
    found = predict(tiny_classifier(), rows)
    assert found.logits.shape == (8, 2) and found.labels is None
    with pytest.raises(ValueError, match="no labels"):
        found.flat()


class Killed(Exception):
    pass


def interrupt_after(model, calls):
    """Let the model die in its forward pass number ``calls``."""
    forward, count = model.forward, iter(range(1, 10_000))

    def dying(*arguments, **options):
        if next(count) == calls:
            raise Killed
        return forward(*arguments, **options)

    model.forward = dying
    return model


RESUMABLE = {"num_epochs": 3, "batch_size": 2, "gradient_accumulation_steps": 2, "early_stopping_patience": 3}


@pytest.mark.parametrize("calls", [3, 6, 9, 13, 17])
@pytest.mark.parametrize("words", [10, 55])  # few words: only the used rows of the embedding are trained
def test_a_resumed_run_ends_with_the_same_weights(tmp_path, calls, words):
    rows = tagged([*LENGTHS, 11, 5]).map(lambda row: {"input_ids": [5 + i % words for i in row["input_ids"]]})
    whole = tiny_tagger()
    expected = fit(whole, rows, rows, config(**RESUMABLE))
    settings = config(**RESUMABLE, checkpoint_every=1, output_dir=str(tmp_path))
    with pytest.raises(Killed):
        fit(interrupt_after(tiny_tagger(), calls), rows, rows, settings)
    resumed = tiny_tagger(seed=99)
    history = fit(resumed, rows, rows, settings, resume_from=tmp_path)
    assert torch.equal(weights(resumed), weights(whole))
    assert [s["loss"] for s in history.steps] == [s["loss"] for s in expected.steps]


def interrupted_run(folder):
    rows = tagged(LENGTHS)
    settings = config(num_epochs=3, checkpoint_every=1, output_dir=str(folder))
    with pytest.raises(Killed):
        fit(interrupt_after(tiny_tagger(), 8), rows, rows, settings)
    return rows, settings, sorted((folder / "checkpoints").iterdir())


def test_a_torn_checkpoint_is_refused_and_the_one_before_is_used(tmp_path, capsys):
    rows, settings, found = interrupted_run(tmp_path)
    assert [path.name for path in found] == ["step-00000004", "step-00000005"]
    torn = found[-1] / "model.safetensors"
    torn.write_bytes(torn.read_bytes()[:-10])
    resumed, whole = tiny_tagger(seed=5), tiny_tagger()
    fit(resumed, rows, rows, settings, resume_from=tmp_path)
    assert "step-00000005: model.safetensors is damaged" in capsys.readouterr().err
    fit(whole, rows, rows, config(num_epochs=3))
    assert torch.equal(weights(resumed), weights(whole))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"learning_rate": 5e-3}, "learning_rate was 0.01, now it is 0.005"),
        ({"num_epochs": 9}, "num_epochs was 3, now it is 9"),
    ],
)
def test_a_foreign_checkpoint_is_refused_with_the_reason(tmp_path, change, reason):
    rows, settings, _ = interrupted_run(tmp_path)
    other = config(**{"num_epochs": 3, "checkpoint_every": 1, "output_dir": str(tmp_path)} | change)
    with pytest.raises(ValueError, match=reason):
        fit(tiny_tagger(), rows, rows, other, resume_from=tmp_path)
    with pytest.raises(ValueError, match="training data was"):
        fit(tiny_tagger(), tagged(LENGTHS, seed=4), rows, settings, resume_from=tmp_path)


def test_a_newer_checkpoint_is_refused(tmp_path):
    rows, settings, found = interrupted_run(tmp_path)
    for path in found:
        state = json.loads((path / "state.json").read_text())
        (path / "state.json").write_text(json.dumps(state | {"format": 99}))
    with pytest.raises(ValueError, match="its format is 99, this version reads 3"):
        fit(tiny_tagger(), rows, rows, settings, resume_from=tmp_path)


def test_resuming_without_a_checkpoint_says_so(tmp_path):
    rows = tagged(LENGTHS)
    with pytest.raises(ValueError, match="no checkpoint to resume from"):
        fit(tiny_tagger(), rows, rows, config(), resume_from=tmp_path)


class Exploding(nn.Module):
    def __init__(self, loss):
        super().__init__()
        self.weight, self.value = nn.Parameter(torch.ones(2, 2)), loss

    def forward(self, input_ids, attention_mask, labels):
        return SimpleNamespace(loss=self.weight.sum() * self.value, logits=torch.zeros(len(labels), 2))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_with_step_and_rate(value):
    rows = classified(LENGTHS)
    with pytest.raises(ValueError, match=rf"the loss is {value} at step 1 \(learning rate .*Lower learning_rate"):
        fit(Exploding(value), rows, rows, config())


def test_a_batch_without_labels_is_named():
    rows = tagged(LENGTHS).map(lambda row: {"labels": [-100] * len(row["labels"])})
    with pytest.raises(ValueError, match="step 1: all labels are -100"):
        fit(tiny_tagger(), rows, rows, config())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("learning_rate", 0),
        ("learning_rate", math.nan),
        ("num_epochs", 0),
        ("batch_size", 0),
        ("weight_decay", -0.1),
        ("warmup_steps", 1.5),
        ("warmup_steps", -5),
        ("schedule", "square"),
        ("precision", "int8"),
        ("device", "tpu"),
        ("seed", -1),
        ("max_grad_norm", 0),
        ("gradient_accumulation_steps", 0),
        ("early_stopping_patience", 0),
        ("checkpoint_every", 0),
        ("label_smoothing", 1),
        ("class_weights", "rare"),
        ("class_weights", ()),
        ("class_weights", (1.0, 0.0)),
        ("l1", -1e-3),
        ("l2", 1),
        ("frozen_layers", -1),
        ("layer_decay", 0),
        ("layer_decay", 1.1),
    ],
)
def test_every_field_of_the_configuration_is_checked(field, value):
    with pytest.raises(ValueError, match=f"{field} must .*got {re.escape(str(value))}"):
        config(**{field: value})


def test_checkpoints_need_a_folder():
    with pytest.raises(ValueError, match="checkpoint_every needs output_dir"):
        config(checkpoint_every=5)


def test_empty_and_unlabelled_data_are_refused():
    rows = classified(LENGTHS)
    with pytest.raises(ValueError, match="train must have examples with labels"):
        fit(tiny_classifier(), rows.select([]), rows, config())
    with pytest.raises(ValueError, match="validation must have examples with labels"):
        fit(tiny_classifier(), rows, rows.remove_columns("labels"), config())


def test_regression_learns_a_number():
    rows = classified(LENGTHS).map(lambda row: {"labels": 4.0 if row["labels"] else 1.0})
    rows = rows.cast_column("labels", __import__("datasets").Value("float32"))
    model = tiny_classifier(num_labels=1, problem_type="regression")
    history = fit(model, rows, rows, config(num_epochs=40))
    assert history.records[0]["validation_loss"] > 3  # around (1 + 16) / 2 for outputs near 0, minus some steps
    assert history.records[-1]["validation_loss"] < 1  # the variance of the targets is 2.25


def test_a_new_run_in_the_folder_of_an_old_one_can_be_resumed(tmp_path):
    interrupted_run(tmp_path)  # leaves step 4 and 5
    rows = tagged(LENGTHS)
    settings = config(learning_rate=5e-3, num_epochs=3, checkpoint_every=1, output_dir=str(tmp_path))
    with pytest.raises(Killed):
        fit(interrupt_after(tiny_tagger(), 4), rows, rows, settings)
    resumed, whole = tiny_tagger(seed=5), tiny_tagger()
    fit(resumed, rows, rows, settings, resume_from=tmp_path)
    fit(whole, rows, rows, config(learning_rate=5e-3, num_epochs=3))
    assert torch.equal(weights(resumed), weights(whole))


def test_the_training_loss_weighs_every_token_the_same():
    rows = tagged([30, 30, 30, 30, 4])  # the second batch has two labels
    history = fit(tiny_tagger(), rows, rows, config(num_epochs=1, batch_size=4))
    counts = [row["weight"] for row in history.steps]
    assert sorted(counts) == [2, 112]
    expected = sum(row["loss"] * row["weight"] for row in history.steps) / 114
    assert history.records[0]["train_loss"] == pytest.approx(expected)
