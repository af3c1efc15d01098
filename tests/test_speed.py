"""What makes a step faster must not change what it computes."""

import numpy as np
import pytest
import torch
from tiny import classified, no_dropout, tagged, tiny_classifier, tiny_config, tiny_tagger
from torch import nn
from torch.nn import functional
from transformers import BertForMaskedLM, BertForSequenceClassification, RobertaConfig, RobertaForSequenceClassification

from course_utils.batching import PaddingCollator
from course_utils.models import parameter_groups
from course_utils.speed import FastDropout, UsedRows, first_token_only, step_seed

LENGTHS = [5, 9, 4, 12, 7, 6, 10, 8]


def batch_of(rows):
    return PaddingCollator(0)(rows.to_list())


def gradients(model, batch, *contexts):
    model.zero_grad()
    for context in contexts:
        context.__enter__()
    loss = model(**batch).loss
    for context in reversed(contexts):
        context.__exit__(None, None, None)
    loss.backward()
    return loss.item(), {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


# Dropout


@pytest.mark.parametrize("p", [0.1, 0.25, 0.5, 0.9])
def test_dropout_drops_the_right_share_and_keeps_the_mean(p):
    x = torch.ones(1_000_000)
    with FastDropout((0, 1)):
        y = functional.dropout(x, p)
    # The standard deviation of the share is at most 0.0005, so six of them; the seed is fixed.
    assert float((y == 0).float().mean()) == pytest.approx(p, abs=0.003)
    assert float(y.mean()) == pytest.approx(1, abs=0.01)
    kept = y[y != 0]
    assert torch.allclose(kept, torch.full_like(kept, 1 / (1 - p)), rtol=1e-4)


def test_decisions_are_independent_of_each_other():
    with FastDropout((3,)):
        kept = (functional.dropout(torch.ones(400_000), 0.5) != 0).double().numpy()
    for distance in (1, 2, 3, 4, 5, 64):
        # Correlations of independent decisions have a standard deviation of 1 / sqrt(400,000) = 0.0016.
        assert abs(np.corrcoef(kept[:-distance], kept[distance:])[0, 1]) < 0.01


def test_the_gradient_passes_where_the_value_passed():
    x = torch.randn(50, 7, requires_grad=True)
    with FastDropout((1,)):
        y = nn.Dropout(0.4)(x)
    y.sum().backward()
    assert torch.equal(x.grad == 0, y == 0)
    assert torch.allclose(x.grad * x, y)


def test_the_same_seed_draws_the_same_noise_and_another_seed_other_noise():
    drawn = []
    for seed in ((0, 5), (0, 5), (0, 6), (1, 5)):
        with FastDropout(seed):
            drawn.append(functional.dropout(torch.ones(100), 0.5))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2]) and not torch.equal(drawn[0], drawn[3])


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_no_dropout_and_all_dropout_are_left_to_the_library(p):
    with FastDropout((0,)):
        assert torch.equal(functional.dropout(torch.ones(9), p), torch.full((9,), 1 - p))
        assert torch.equal(functional.dropout(torch.ones(9), 0.5, training=False), torch.ones(9))


def test_outside_the_block_the_library_draws():
    torch.manual_seed(0)
    expected = functional.dropout(torch.ones(50), 0.5)
    with FastDropout((0,)):
        functional.dropout(torch.ones(50), 0.5)
    torch.manual_seed(0)
    assert torch.equal(functional.dropout(torch.ones(50), 0.5), expected)


def attention_inputs(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(2, 3, 6, 8, generator=generator) for _ in range(3)]


@pytest.mark.parametrize("kind", ["none", "boolean", "additive", "one row masked"])
def test_attention_with_dropout_is_the_library_s_on_average(kind):
    query, key, value = attention_inputs()
    allowed = torch.ones(2, 1, 6, 6, dtype=torch.bool)
    allowed[0, :, :, 4:] = False
    if kind == "one row masked":
        allowed[1, :, 2] = False
    mask = None if kind == "none" else allowed
    if kind == "additive":
        mask = torch.where(allowed, 0.0, -1e9)
    exact = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    mean = torch.zeros_like(exact)
    for step in range(3000):
        with FastDropout((step,)):
            mean += functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=0.1) / 3000
    compared = torch.ones(2, 6, dtype=torch.bool)
    if kind == "one row masked":
        assert mean.isfinite().all()  # -inf would have made this row NaN, and then every gradient
        compared[1, 2] = False
    difference = (mean - exact).transpose(1, 2)[compared]
    # The mean of 3,000 draws of weights times values around 1 strays by about 0.005; largest of five seeds 0.028.
    assert difference.abs().max() < 0.05


def test_attention_without_dropout_is_the_library_s():
    query, key, value = attention_inputs()
    expected = functional.scaled_dot_product_attention(query, key, value)
    with FastDropout((0,)):
        assert torch.equal(functional.scaled_dot_product_attention(query, key, value, dropout_p=0.0), expected)


def test_the_mask_may_be_given_by_its_place():
    query, key, value = attention_inputs()
    mask = (torch.arange(6) < 4).expand(6, 6)
    drawn = []
    for arguments, named in (
        ((mask, 0.5), {}),
        ((mask,), {"dropout_p": 0.5}),
        ((), {"attn_mask": mask, "dropout_p": 0.5}),
    ):
        with FastDropout((0,)):
            drawn.append(functional.scaled_dot_product_attention(query, key, value, *arguments, **named))
    assert torch.equal(drawn[0], drawn[1]) and torch.equal(drawn[0], drawn[2])
    with FastDropout((0,)):
        plain = functional.scaled_dot_product_attention(query, key, value, mask)
    assert torch.equal(plain, functional.scaled_dot_product_attention(query, key, value, mask))


def test_a_causal_mask_is_left_to_the_library():
    query, key, value = attention_inputs()
    with FastDropout((0,)):
        out = functional.scaled_dot_product_attention(query, key, value, dropout_p=0.999, is_causal=True)
    assert out.shape == query.shape
    torch.manual_seed(7)
    expected = functional.scaled_dot_product_attention(query, key, value, dropout_p=0.5, is_causal=True)
    torch.manual_seed(7)
    with FastDropout((0,)):
        found = functional.scaled_dot_product_attention(query, key, value, dropout_p=0.5, is_causal=True)
    assert torch.equal(found, expected)


def test_seeds_of_steps_differ():
    assert len({step_seed(seed, step, rank) for seed in range(3) for step in range(50) for rank in range(2)}) == 300


# The last layer at the first token


def tiny_roberta(**options):
    torch.manual_seed(0)
    settings = tiny_config(num_labels=2, **options).to_dict() | {"pad_token_id": 0, "max_position_embeddings": 80}
    settings.pop("model_type")
    return RobertaForSequenceClassification(RobertaConfig(**settings))


@pytest.mark.parametrize("make", [tiny_classifier, tiny_roberta])
@pytest.mark.parametrize("lengths", [LENGTHS, [7] * 4])
def test_the_last_layer_at_the_first_token_gives_the_same_loss_and_gradients(make, lengths):
    model, batch = make(**no_dropout()), batch_of(classified(lengths))
    loss, expected = gradients(model, batch)
    with first_token_only(model) as applies:
        assert applies
    found_loss, found = gradients(model, batch, first_token_only(model))
    assert found_loss == pytest.approx(loss, abs=1e-6)
    for name, gradient in expected.items():
        torch.testing.assert_close(found.get(name, torch.zeros_like(gradient)), gradient, atol=1e-6, rtol=1e-4)


def test_the_last_layer_is_whole_again_afterwards():
    model, batch = tiny_classifier().eval(), batch_of(classified(LENGTHS))
    before = model.bert(batch["input_ids"], batch["attention_mask"]).last_hidden_state
    with first_token_only(model):
        assert model.bert(batch["input_ids"], batch["attention_mask"]).last_hidden_state.shape[1] == 1
    with pytest.raises(IndexError), first_token_only(model):
        model.bert(torch.tensor([[60]]))  # there is no such row: an error inside must not leave the layer cut
    assert torch.equal(model.bert(batch["input_ids"], batch["attention_mask"]).last_hidden_state, before)


class MeanPooler(type(tiny_classifier().bert.pooler)):
    def forward(self, hidden):
        return self.activation(self.dense(hidden.mean(1)))


class MeanClassifier(BertForSequenceClassification):
    def forward(self, input_ids=None, attention_mask=None, labels=None):
        return self.classifier(self.bert(input_ids, attention_mask).last_hidden_state.mean(1))


def test_models_with_parts_of_one_s_own_are_left_alone():
    pooled, headed, hooked, compiled = tiny_classifier(), tiny_classifier(), [], tiny_classifier()
    pooled.bert.pooler = MeanPooler(pooled.config)
    headed.classifier = nn.Sequential(nn.Linear(16, 2))
    for part in ("", "bert", "bert.encoder", "bert.pooler", "classifier", "bert.encoder.layer.1.output"):
        hooked.append(tiny_classifier())
        hooked[-1].get_submodule(part).register_forward_hook(lambda *_: None)
    compiled.compile(backend="eager")
    checkpointed = tiny_classifier()
    checkpointed.gradient_checkpointing_enable()
    for model in (pooled, headed, MeanClassifier(tiny_config()), *hooked, compiled, checkpointed):
        with first_token_only(model) as applies:
            assert not applies
    with first_token_only(tiny_classifier()) as applies:
        assert applies


def test_models_that_read_more_than_the_first_token_are_left_alone():
    eager = tiny_classifier(attn_implementation="eager")
    asked = tiny_classifier()
    asked.config.output_hidden_states = True
    watched = tiny_classifier()
    watched.bert.encoder.layer[-1].attention.self.register_forward_hook(lambda *_: None)
    for model in (tiny_tagger(), eager, asked, watched, nn.Linear(2, 2)):
        with first_token_only(model) as applies:
            assert not applies


# The rows of the embedding that are used


def train_by_hand(model, rows, steps, used=None, weight_decay=0.1):
    """A few steps of AdamW, with or without the small embedding; the learning rate changes at every step."""
    small = UsedRows.of(model, used) if used else None
    if small:
        small.swap_in()
    optimizer = torch.optim.AdamW(parameter_groups(model, weight_decay), lr=1e-2)
    if small:
        small.watch(optimizer)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 1e-2 / (step + 1)
        model(**batch_of(rows)).loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        optimizer.zero_grad()
    if small:
        small.swap_out()
    return small


def few_words():
    rows = tagged(LENGTHS)
    return rows.map(lambda row: {"input_ids": [5 + i % 9 for i in row["input_ids"]]})


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_training_the_used_rows_is_training_them_all(weight_decay):
    rows = few_words()
    whole, small = tiny_tagger(**no_dropout()), tiny_tagger(**no_dropout())
    before = small.get_input_embeddings().weight.detach().clone()
    train_by_hand(whole, rows, 6, weight_decay=weight_decay)
    used = sorted({0} | {i for ids in rows["input_ids"] for i in ids})
    assert train_by_hand(small, rows, 6, used=used, weight_decay=weight_decay).rows.shape == (len(used), 16)
    for (name, expected), found in zip(whole.named_parameters(), small.parameters()):
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5, msg=name)
    shrunk = np.prod([1 - weight_decay * 1e-2 / (step + 1) for step in range(6)])
    after = small.get_input_embeddings().weight.detach()
    torch.testing.assert_close(after[50], before[50] * shrunk)
    assert not torch.allclose(after[5], before[5] * shrunk)


def test_the_model_has_its_own_embedding_again():
    model = tiny_tagger()
    embedding, weight = model.get_input_embeddings(), model.get_input_embeddings().weight
    small = UsedRows.of(model, [7, 9])
    small.swap_in()
    assert embedding.weight.shape == (3, 16) and embedding.padding_idx == 0
    expected = model.eval()(torch.tensor([[7, 9, 0]])).logits
    small.swap_out()
    small.swap_out()  # a second time does nothing
    assert embedding.weight is weight and embedding.padding_idx == 0 and not embedding._forward_pre_hooks
    assert torch.equal(model(torch.tensor([[7, 9, 0]])).logits, expected)


def test_a_frozen_row_block_does_not_shrink():
    model, rows = tiny_tagger(**no_dropout()), few_words()
    embedding = model.get_input_embeddings()
    before = embedding.weight.detach().clone()
    small = UsedRows.of(model, range(5, 14))
    small.swap_in()
    optimizer = torch.optim.AdamW(parameter_groups(model, 0.5), lr=1e-2)
    small.watch(optimizer)
    small.swap_out()
    for frozen in (True, False):  # as gradual unfreezing does, between two epochs
        embedding.weight.requires_grad_(not frozen)
        small.swap_in()
        model(**batch_of(rows)).loss.backward()
        optimizer.step()
        small.swap_out()
        assert torch.equal(embedding.weight, before) == frozen


def test_the_embedding_may_be_called_with_a_named_argument():
    model = tiny_tagger()
    small = UsedRows.of(model, [7, 9])
    expected = model.get_input_embeddings()(torch.tensor([9, 7]))
    small.swap_in()
    found = model.get_input_embeddings()(input=torch.tensor([9, 7]))
    small.swap_out()
    assert torch.equal(found, expected)


def test_embeddings_that_cannot_be_cut_are_left_alone():
    frozen = tiny_tagger()
    frozen.get_input_embeddings().requires_grad_(False)
    tied = BertForMaskedLM(tiny_config())
    clipped = tiny_tagger()
    clipped.get_input_embeddings().max_norm = 1.0
    assert UsedRows.of(frozen, [7]) is None
    assert UsedRows.of(tied, [7]) is None  # the output layer needs every row
    assert UsedRows.of(clipped, [7]) is None
    assert UsedRows.of(nn.Linear(2, 2), [7]) is None
    assert UsedRows.of(nn.Sequential(nn.Embedding(60, 4)), [7]) is None
    assert UsedRows.of(tiny_tagger(), range(29)) is not None
    assert UsedRows.of(tiny_tagger(), range(30)) is None  # half of 60 rows: nothing to gain
