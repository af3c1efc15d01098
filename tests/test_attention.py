"""Attention by hand and against PyTorch; the encoder against the library, layer by layer."""

import math

import pytest
import torch
from tiny import tiny_config, tiny_tagger
from torch import nn
from torch.testing import assert_close
from transformers import (
    BertConfig,
    BertModel,
    ModernBertConfig,
    ModernBertForTokenClassification,
    RobertaConfig,
    RobertaForTokenClassification,
)

from course_utils.attention import (
    AttentionResult,
    BertEmbeddings,
    BertEncoder,
    EncoderConfig,
    EncoderLayer,
    EncoderOutput,
    FeedForward,
    MultiHeadAttention,
    causal_mask,
    copy_weights,
    library_name,
    merge_heads,
    padding_mask,
    scaled_dot_product_attention,
    sinusoidal_positions,
    split_heads,
)
from course_utils.errors import InputError
from course_utils.models import load_token_classifier, load_tokenizer

SMALL = EncoderConfig(vocab_size=50, hidden_size=8, num_layers=2, num_heads=2, intermediate_size=32, max_length=20)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def stir(model, deviation=0.1):
    """Move every weight off its initial value, so that no bias is 0, no norm is 1 and no two are alike."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(deviation * torch.randn_like(parameter))
    return model.eval()


# Scaled dot-product attention

# The scores qk/√2 are ln 2 or 0, so their exponentials are 2 or 1 and all weights are fractions:
# exp(scores) = [2 1 1], [1 2 1], [1 1 1], with row sums 4, 4, 3.
QUERY = math.sqrt(2) * math.log(2) * torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
KEY = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
VALUE = torch.tensor([[4.0, 0.0], [0.0, 4.0], [8.0, 12.0]])


def test_three_tokens_of_two_dimensions_by_hand():
    result = scaled_dot_product_attention(QUERY, KEY, VALUE)
    weights = torch.tensor([[2 / 4, 1 / 4, 1 / 4], [1 / 4, 2 / 4, 1 / 4], [1 / 3, 1 / 3, 1 / 3]])
    # First row: (2·4 + 1·0 + 1·8) / 4 = 4 and (2·0 + 1·4 + 1·12) / 4 = 4.
    output = torch.tensor([[4.0, 4.0], [3.0, 5.0], [4.0, 16 / 3]])
    assert_close(result.weights, weights)
    assert_close(result.output, output)


def test_three_tokens_by_hand_from_left_to_right():
    result = scaled_dot_product_attention(QUERY, KEY, VALUE, causal_mask(3))
    # The forbidden exponentials are 0: rows [2 0 0] / 2, [1 2 0] / 3, [1 1 1] / 3.
    assert_close(result.weights, torch.tensor([[1, 0, 0], [1 / 3, 2 / 3, 0], [1 / 3, 1 / 3, 1 / 3]]))
    assert_close(result.output, torch.tensor([[4.0, 0.0], [4 / 3, 8 / 3], [4.0, 16 / 3]]))


def some_mask(kind, length):
    padded = torch.ones(2, length, dtype=torch.long)
    padded[1, 3:] = 0
    masks = {"none": None, "causal": causal_mask(length), "padding": padding_mask(padded)}
    masks["both"] = masks["causal"] & masks["padding"]
    masks["random"] = torch.rand(2, 3, length, length) > 0.5
    masks["random"][..., 0] = True
    return masks[kind]


@pytest.mark.parametrize("kind", ["none", "causal", "padding", "both", "random"])
def test_it_equals_the_function_of_pytorch(kind):
    query, key = torch.randn(2, 3, 7, 4), torch.randn(2, 3, 7, 4)
    value = torch.randn(2, 3, 7, 5)
    mask = some_mask(kind, 7)
    result = scaled_dot_product_attention(query, key, value, mask)
    assert_close(result.output, nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask))
    assert_close(result.weights.sum(dim=-1), torch.ones(2, 3, 7))
    assert mask is None or (result.weights[~mask.expand(2, 3, 7, 7)] == 0).all()


def test_queries_and_keys_may_differ_in_number():
    query, key, value = torch.randn(2, 5, 4), torch.randn(2, 3, 4), torch.randn(2, 3, 6)
    result = scaled_dot_product_attention(query, key, value)
    assert result.output.shape == (2, 5, 6) and result.weights.shape == (2, 5, 3)
    assert_close(result.output, nn.functional.scaled_dot_product_attention(query, key, value))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("size", [4, 16, 64, 256])
def test_the_variance_of_dot_products_grows_with_d_and_the_root_takes_it_back(size, seed):
    # The log of a ratio of two weights is the difference of two independent scores, of variance 2 for scaled scores.
    # 20,000 pairs: the largest deviation over these five seeds and four sizes is 2.3 %.
    torch.manual_seed(seed)
    query, key = torch.randn(20_000, 1, size), torch.randn(20_000, 2, size)
    products = (query @ key.transpose(1, 2)).flatten()
    assert products.var().item() == pytest.approx(size, rel=0.06)
    log_weights = scaled_dot_product_attention(query.double(), key.double(), key.double()).weights.log()
    assert (log_weights[..., 0] - log_weights[..., 1]).var().item() == pytest.approx(2, rel=0.06)


def test_huge_scores_saturate_and_give_no_nan():
    result = scaled_dot_product_attention(1e5 * QUERY, 1e5 * KEY, VALUE)
    assert_close(result.weights, torch.tensor([[1, 0, 0], [0, 1, 0], [1 / 3, 1 / 3, 1 / 3]]))


def test_gradients_are_the_numerical_ones_with_a_mask():
    vectors = [torch.randn(2, 3, 4, dtype=torch.double, requires_grad=True) for _ in range(3)]

    def outputs(query, key, value):
        result = scaled_dot_product_attention(query, key, value, causal_mask(3))
        return result.output, result.weights

    assert torch.autograd.gradcheck(outputs, vectors)


@pytest.mark.parametrize(
    ("query", "key", "value"),
    [
        (torch.ones(3), torch.ones(3, 2), torch.ones(3, 2)),  # one axis only
        (torch.ones(3, 2), torch.ones(3, 4), torch.ones(3, 2)),  # another d
        (torch.ones(3, 2), torch.ones(3, 2), torch.ones(4, 2)),  # more values than keys
        (torch.ones(2, 3, 2), torch.ones(1, 3, 2), torch.ones(1, 3, 2)),  # another batch
        (torch.ones(3, 2), torch.ones(3, 2).double(), torch.ones(3, 2)),
        (*(torch.ones(3, 2).long(),) * 3,),
    ],
)
def test_vectors_that_do_not_fit(query, key, value):
    with pytest.raises(InputError, match=r"query, key and value must be floating-point .* got \(") as error:
        scaled_dot_product_attention(query, key, value)
    assert str(key.dtype) in str(error.value) and str(tuple(value.shape)) in str(error.value)


def test_a_row_that_is_wholly_masked_is_refused():
    mask = causal_mask(3)
    mask[1] = False
    with pytest.raises(InputError, match=r"at least one key, but allows 1 of them none, first \[1\]"):
        scaled_dot_product_attention(QUERY, KEY, VALUE, mask)
    empty_text = padding_mask(torch.tensor([[1, 1, 0], [0, 0, 0]]))
    heads = torch.randn(2, 2, 3, 4)
    with pytest.raises(InputError, match=r"allows 1 of them none, first \[1, 0, 0\]"):
        scaled_dot_product_attention(heads, heads, heads, empty_text)


@pytest.mark.parametrize("mask", [torch.ones(3, 3).long(), torch.zeros(3, 3)])
def test_a_mask_that_is_not_boolean_is_refused(mask):
    with pytest.raises(InputError, match=rf"mask must be boolean.*got {mask.dtype}\. .*padding_mask"):
        scaled_dot_product_attention(QUERY, KEY, VALUE, mask)


@pytest.mark.parametrize("shape", [(2, 3), (3, 2), (1, 3, 3)])
def test_a_mask_of_another_shape_is_refused(shape):
    with pytest.raises(InputError, match=r"mask must broadcast to \(…, query, key\) = \(3, 3\), got shape"):
        scaled_dot_product_attention(QUERY, KEY, VALUE, torch.ones(shape, dtype=torch.bool))


# Masks


def test_padding_mask():
    attention_mask = torch.tensor([[1, 1, 1], [1, 0, 0]])
    mask = padding_mask(attention_mask)
    assert mask.shape == (2, 1, 1, 3) and mask.dtype == torch.bool
    assert mask[1, 0, 0].tolist() == [True, False, False]
    assert torch.equal(padding_mask(attention_mask.bool()), mask)
    assert torch.equal(padding_mask(attention_mask.float()), mask)


def test_padding_mask_refuses_what_is_none():
    with pytest.raises(InputError, match=r"attention_mask must have the axes \(batch, seq\), got shape \(3,\)"):
        padding_mask(torch.tensor([1, 1, 0]))
    with pytest.raises(InputError, match=r"must hold 1 for tokens and 0 for padding, got 101\."):
        padding_mask(torch.tensor([[1, 101, 0]]))


def test_masks_are_combined_with_and():
    mask = padding_mask(torch.tensor([[1, 1, 0]])) & causal_mask(3)
    assert mask.int().tolist() == [[[[1, 0, 0], [1, 1, 0], [1, 1, 0]]]]


# Heads


def test_a_head_holds_neighbouring_features_of_every_token():
    hidden = torch.arange(2 * 3 * 8.0).reshape(2, 3, 8)
    heads = split_heads(hidden, 4)
    assert heads.shape == (2, 4, 3, 2)
    for text in range(2):
        for head in range(4):
            for token in range(3):
                assert torch.equal(heads[text, head, token], hidden[text, token, 2 * head : 2 * head + 2])
    assert not torch.equal(hidden.view(2, 4, 3, 2), heads)  # the same shape, other numbers
    assert torch.equal(merge_heads(heads), hidden)


def test_heads_of_tensors_that_do_not_lie_in_order():
    hidden = torch.randn(3, 2, 8).transpose(0, 1)
    assert torch.equal(merge_heads(split_heads(hidden, 2)), hidden)


def test_heads_that_do_not_fit():
    with pytest.raises(InputError, match=r"multiple of the number of heads, got 8 and 3"):
        split_heads(torch.randn(1, 2, 8), 3)
    with pytest.raises(InputError, match=r"multiple of the number of heads, got 8 and 0"):
        MultiHeadAttention(8, 0)
    with pytest.raises(InputError, match=r"hidden must have the axes \(batch, seq, hidden\), got shape \(2, 8\)"):
        split_heads(torch.randn(2, 8), 2)
    with pytest.raises(
        InputError, match=r"heads must have the axes \(batch, heads, seq, head\), got shape \(1, 2, 8\)"
    ):
        merge_heads(torch.randn(1, 2, 8))


def ours_and_pytorchs(size, num_heads):
    """Our attention and PyTorch's with the same weights."""
    ours = stir(MultiHeadAttention(size, num_heads))
    theirs = nn.MultiheadAttention(size, num_heads, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key.weight, ours.value.weight]))
        theirs.in_proj_bias.copy_(torch.cat([ours.query.bias, ours.key.bias, ours.value.bias]))
        theirs.out_proj.weight.copy_(ours.output.weight)
        theirs.out_proj.bias.copy_(ours.output.bias)
    return ours, theirs


@pytest.mark.parametrize("num_heads", [1, 2, 4])
@pytest.mark.parametrize("kind", ["none", "causal", "padding", "both"])
def test_many_heads_equal_the_module_of_pytorch(num_heads, kind):
    ours, theirs = ours_and_pytorchs(8, num_heads)
    hidden, mask = torch.randn(2, 6, 8), some_mask(kind, 6)
    result = ours(hidden, mask)
    # PyTorch's module says what is forbidden, for each text and head: (batch · heads, query, key).
    forbidden = None if mask is None else ~mask.expand(2, num_heads, 6, 6).reshape(2 * num_heads, 6, 6)
    output, weights = theirs(hidden, hidden, hidden, attn_mask=forbidden, average_attn_weights=False)
    assert_close(result.output, output)
    assert_close(result.weights, weights)


def test_keys_and_values_may_come_from_another_text():
    ours, theirs = ours_and_pytorchs(8, 2)
    hidden, context = torch.randn(2, 6, 8), torch.randn(2, 4, 8)
    seen = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
    result = ours(hidden, padding_mask(seen), context=context)
    output, weights = theirs(hidden, context, context, key_padding_mask=seen == 0, average_attn_weights=False)
    assert_close(result.output, output)
    assert_close(result.weights, weights)


# Positions


def test_sinusoidal_positions_follow_their_formula():
    table = sinusoidal_positions(8_192, 6)
    assert table.shape == (8_192, 6) and table.dtype == torch.float32
    for position in (0, 1, 17, 8_191):
        for i in range(3):
            angle = position / 10_000 ** (2 * i / 6)
            expected = [math.sin(angle), math.cos(angle)]
            assert table[position, 2 * i : 2 * i + 2].tolist() == pytest.approx(expected, abs=1e-6)


def test_a_step_between_positions_is_the_same_everywhere():
    table = sinusoidal_positions(100, 16).double()
    products = (table[:-5] * table[5:]).sum(dim=-1)  # cosines of angles that depend on the distance only
    assert_close(products, products[:1].expand(95), atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [7, 0, -2])
def test_sines_and_cosines_come_in_pairs(size):
    with pytest.raises(InputError, match=f"size must be a positive even number.*got {size}"):
        sinusoidal_positions(4, size)


ORDER = torch.tensor([3, 0, 4, 1, 2])


def test_without_positions_a_layer_does_not_see_the_order():
    layer, hidden = stir(EncoderLayer(SMALL)), torch.randn(2, 5, 8)
    straight, mixed = layer(hidden), layer(hidden[:, ORDER])
    assert_close(mixed.output, straight.output[:, ORDER])
    assert_close(mixed.weights, straight.weights[:, :, ORDER][..., ORDER])


def test_with_sinusoidal_positions_it_does():
    layer, hidden = stir(EncoderLayer(SMALL)), torch.randn(2, 5, 8)
    positions = sinusoidal_positions(5, 8)
    straight, mixed = layer(hidden + positions).output, layer(hidden[:, ORDER] + positions).output
    assert (mixed - straight[:, ORDER]).abs().amax(dim=(0, 2)).min() > 0.01


def test_with_learned_positions_it_does_until_they_are_set_to_zero():
    encoder, ids = stir(BertEncoder(SMALL)), torch.tensor([[7, 8, 9, 10, 11]])

    def difference():
        straight, mixed = encoder(ids).last_hidden_state, encoder(ids[:, ORDER]).last_hidden_state
        return (mixed - straight[:, ORDER]).abs().max()

    assert difference() > 0.01
    nn.init.zeros_(encoder.embeddings.positions.weight)
    assert difference() < 1e-5


# Layers


def test_embeddings_are_a_normalised_sum_of_three():
    embeddings = stir(BertEmbeddings(SMALL))
    ids, types = torch.tensor([[4, 9, 4]]), torch.tensor([[0, 0, 1]])
    for token, (word, kind) in enumerate([(4, 0), (9, 0), (4, 1)]):
        summed = (
            embeddings.words.weight[word] + embeddings.positions.weight[token] + embeddings.token_types.weight[kind]
        )
        centred = summed - summed.mean()
        normalised = centred / (centred.square().mean() + 1e-12).sqrt()
        expected = normalised * embeddings.norm.weight + embeddings.norm.bias
        assert_close(embeddings(ids, types)[0, token], expected)
    assert torch.equal(embeddings(ids), embeddings(ids, torch.zeros_like(ids)))


def test_the_feed_forward_part_uses_the_exact_gelu():
    part = stir(FeedForward(8, 32)).double()
    hidden = 3 * torch.randn(2, 5, 8, dtype=torch.double)
    inner = part.expand(hidden)
    inner = inner * (1 + torch.erf(inner / math.sqrt(2))) / 2
    # The approximation by tanh differs by up to 5e-4.
    assert_close(part(hidden), part.contract(inner), atol=1e-12, rtol=0)


@pytest.mark.parametrize("kind", ["none", "causal", "padding"])
def test_a_layer_equals_the_post_norm_layer_of_pytorch(kind):
    ours = stir(EncoderLayer(SMALL))
    theirs = nn.TransformerEncoderLayer(
        8, 2, 32, dropout=0, activation="gelu", layer_norm_eps=1e-12, batch_first=True, norm_first=False
    ).train()  # in evaluation mode it would take its fused path; there is no dropout to differ
    attention = ours.attention
    modules = {
        "self_attn.out_proj": attention.output,
        "linear1": ours.feed_forward.expand,
        "linear2": ours.feed_forward.contract,
        "norm1": ours.attention_norm,
        "norm2": ours.feed_forward_norm,
    }
    weights = {
        f"{name}.{kind}": getattr(module, kind) for name, module in modules.items() for kind in ("weight", "bias")
    }
    three = (attention.query, attention.key, attention.value)
    weights["self_attn.in_proj_weight"] = torch.cat([module.weight for module in three])
    weights["self_attn.in_proj_bias"] = torch.cat([module.bias for module in three])
    theirs.load_state_dict(weights)
    hidden, mask = torch.randn(2, 6, 8), some_mask(kind, 6)
    forbidden = None if mask is None else ~mask.expand(2, 2, 6, 6).reshape(4, 6, 6)
    assert_close(ours(hidden, mask).output, theirs(hidden, src_mask=forbidden))


class DropEverything(nn.Module):
    def forward(self, hidden):
        return torch.zeros_like(hidden)


def test_dropout_is_off_unless_asked_for():
    plain, ids = BertEncoder(SMALL).train(), torch.tensor([[7, 8, 9]])
    assert torch.equal(plain(ids).last_hidden_state, plain.eval()(ids).last_hidden_state)
    settings = vars(SMALL) | {"dropout": 0.5}
    dropped = BertEncoder(EncoderConfig(**settings))
    dropped.load_state_dict(plain.state_dict())
    rates = [module.p for module in dropped.modules() if isinstance(module, nn.Dropout)]
    assert rates == [0.5] * 3  # the embeddings and two layers
    assert torch.equal(dropped.eval()(ids).last_hidden_state, plain(ids).last_hidden_state)
    embedded = dropped.train().embeddings(torch.full((20, 20), 7))  # 3,200 decisions, standard deviation 0.9 %
    assert (embedded == 0).float().mean().item() == pytest.approx(0.5, abs=0.04)


def test_dropout_acts_on_each_part_of_a_layer_before_the_sum():
    layer, hidden = stir(EncoderLayer(SMALL)), torch.randn(1, 4, 8)
    layer.dropout = DropEverything()
    assert torch.equal(layer(hidden).output, layer.feed_forward_norm(layer.attention_norm(hidden)))


# The encoder


def test_initial_weights_are_those_of_bert():
    encoder = BertEncoder(EncoderConfig(vocab_size=1_000, hidden_size=64, num_layers=1, num_heads=2, max_length=64))
    for name, parameter in encoder.named_parameters():
        if "norm" in name:
            assert (parameter == (1 if name.endswith("weight") else 0)).all()
        elif name.endswith("bias"):
            assert (parameter == 0).all()
        elif parameter.numel() > 4_000:  # standard deviation of the estimate: at most 1.1 %
            assert parameter.std().item() == pytest.approx(0.02, rel=0.05), name


@pytest.mark.parametrize("padding", [1, 4, 13])
def test_padding_does_not_change_real_tokens(padding):
    encoder, ids = stir(BertEncoder(SMALL)), torch.randint(50, (2, 6))
    alone = encoder(ids)
    padded_ids = torch.cat([ids, torch.randint(50, (2, padding))], dim=1)  # whatever stands there
    attention_mask = torch.cat([torch.ones(2, 6), torch.zeros(2, padding)], dim=1).long()
    padded = encoder(padded_ids, attention_mask)
    for before, after in zip(alone.hidden_states, padded.hidden_states):
        assert_close(after[:, :6], before, atol=1e-5, rtol=0)
    for before, after in zip(alone.attentions, padded.attentions):
        assert_close(after[:, :, :6, :6], before, atol=1e-5, rtol=0)
        assert (after[..., 6:] == 0).all()
    unmasked = encoder(padded_ids).last_hidden_state[:, :6]
    assert (unmasked - alone.last_hidden_state).abs().max() > 0.01


def test_with_the_causal_mask_the_future_has_no_influence():
    layers = [stir(EncoderLayer(SMALL)) for _ in range(3)]

    def run(hidden, mask):
        for layer in layers:
            hidden = layer(hidden, mask).output
        return hidden

    hidden = torch.randn(1, 6, 8)
    other = torch.cat([hidden[:, :4], torch.randn(1, 2, 8)], dim=1)
    assert_close(run(other, causal_mask(6))[:, :4], run(hidden, causal_mask(6))[:, :4])
    assert (run(other, causal_mask(6)) - run(hidden, causal_mask(6)))[:, 4:].abs().amin() > 0
    assert (run(other, None) - run(hidden, None))[:, :4].abs().max() > 0.01


def test_gradients_reach_every_parameter_but_the_bias_of_the_keys():
    encoder = stir(BertEncoder(SMALL)).double()
    output = encoder(torch.randint(50, (2, 6)), torch.tensor([[1] * 6, [1] * 4 + [0] * 2]))
    (output.last_hidden_state * torch.randn(2, 6, 8)).sum().backward()
    for name, parameter in encoder.named_parameters():
        largest = parameter.grad.abs().max()
        if name.endswith("attention.key.bias"):
            # It adds the same number to all scores of a row, which softmax takes away again.
            assert largest < 1e-12
        else:
            assert largest > 1e-4, name


@pytest.mark.parametrize(
    ("ids", "options", "message"),
    [
        ([1, 2, 3], {}, r"input_ids must have the axes \(batch, seq\), got shape \(3,\)"),
        ([[1, 50]], {}, r"input_ids must lie in \[0, 50\), got 50\. Use the model's own tokenizer"),
        ([[1, -1]], {}, r"input_ids must lie in \[0, 50\), got -1"),
        ([[1] * 21], {}, "input_ids has 21 tokens, but there are 20 positions. Truncate to 20"),
        ([[1, 2]], {"token_type_ids": [[0, 2]]}, r"token_type_ids must lie in \[0, 2\), got 2"),
        ([[1, 2], [3, 4]], {"token_type_ids": [[0, 1]]}, r"token_type_ids must have the shape of input_ids, \(2, 2\)"),
        ([[1, 2], [3, 4]], {"attention_mask": [[1, 1]]}, r"attention_mask must .* \(2, 2\), got \(1, 2\)"),
        ([[1, 2], [3, 4]], {"attention_mask": [[1, 1], [0, 0]]}, r"allows 1 of them none, first \[1, 0, 0\]"),
        ([[1, 2]], {"attention_mask": [[1, 7]]}, "must hold 1 for tokens and 0 for padding, got 7"),
    ],
)
def test_batches_that_cannot_be_encoded(ids, options, message):
    encoder = BertEncoder(SMALL)
    with pytest.raises(InputError, match=message):
        encoder(torch.tensor(ids), **{name: torch.tensor(value) for name, value in options.items()})


def test_the_longest_text_is_encoded():
    assert BertEncoder(SMALL)(torch.ones(1, 20).long()).last_hidden_state.shape == (1, 20, 8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_layers": 0}, "num_layers must be at least 1, got 0"),
        ({"vocab_size": -3}, "vocab_size must be at least 1, got -3"),
        ({"dropout": 1}, r"dropout must lie in \[0, 1\), got 1"),
        ({"dropout": -0.1}, r"dropout must lie in \[0, 1\), got -0.1"),
        ({"hidden_size": 100}, "hidden size must be a multiple of the number of heads, got 100 and 12"),
    ],
)
def test_sizes_that_make_no_encoder(options, message):
    with pytest.raises(InputError, match=message):
        EncoderConfig(**options)


# Equality with the library

TEXTS = [
    "Anna May left the May Queen at the harbour.",
    "No.",
    "It rained for three days, and on the fourth the ferry to the lighthouse did not run, so nobody came to the fair.",
]


def assert_same_encoding(ours, theirs, batch):
    """Hidden states and attention maps within 1e-5 at every layer, at real tokens."""
    with torch.no_grad():
        found = ours(**batch)
        expected = theirs(**batch, output_hidden_states=True, output_attentions=True)
    real = batch["attention_mask"].bool()  # (batch, seq)
    assert len(found.hidden_states) == len(expected.hidden_states)
    assert len(found.attentions) == len(expected.attentions) == len(found.hidden_states) - 1
    for layer, (have, want) in enumerate(zip(found.hidden_states, expected.hidden_states)):
        assert_close(have[real], want[real], atol=1e-5, rtol=0, msg=lambda m, layer=layer: f"states {layer}: {m}")
    for layer, (have, want) in enumerate(zip(found.attentions, expected.attentions)):
        # Rows of real queries, (tokens, heads, key); the keys are all compared.
        have, want = have.transpose(1, 2)[real], want.transpose(1, 2)[real]
        assert_close(have, want, atol=1e-5, rtol=0, msg=lambda m, layer=layer: f"attention {layer}: {m}")
    assert torch.equal(found.last_hidden_state, found.hidden_states[-1])


def random_batch(vocab_size, lengths):
    seq = max(lengths)
    attention_mask = (torch.arange(seq) < torch.tensor(lengths)[:, None]).long()
    ids = torch.randint(vocab_size, (len(lengths), seq))
    types = (torch.rand(len(lengths), seq) > 0.5).long()
    return {"input_ids": ids, "attention_mask": attention_mask, "token_type_ids": types}


def eager_bert(**options):
    return stir(BertModel(tiny_config(attn_implementation="eager", **options)))


@pytest.fixture(scope="module")
def minilm():
    """The encoder of the real checkpoint: ours, the library's, and the tokenizer."""
    theirs = load_token_classifier("minilm", attn_implementation="eager").base_model
    return BertEncoder.from_pretrained("minilm"), theirs.eval(), load_tokenizer("minilm")


@pytest.mark.slow
@pytest.mark.parametrize("text", TEXTS)
def test_minilm_equals_the_library_without_padding(minilm, text):
    ours, theirs, tokenizer = minilm
    assert_same_encoding(ours, theirs, tokenizer(text, return_tensors="pt"))


@pytest.mark.slow
@pytest.mark.parametrize("length", [None, 64])
def test_minilm_equals_the_library_with_padding(minilm, length):
    ours, theirs, tokenizer = minilm
    tokenizer.padding_side = "right"
    padding = "max_length" if length else "longest"
    batch = tokenizer(TEXTS, return_tensors="pt", padding=padding, max_length=length)
    assert (batch["attention_mask"] == 0).any()
    assert_same_encoding(ours, theirs, batch)


@pytest.mark.slow
def test_minilm_equals_the_library_on_a_pair_padded_on_the_left(minilm):
    ours, theirs, tokenizer = minilm
    tokenizer.padding_side = "left"
    batch = tokenizer(TEXTS[:2], TEXTS[1:], return_tensors="pt", padding=True)
    assert batch["token_type_ids"].unique().tolist() == [0, 1] and (batch["attention_mask"][:, 0] == 0).any()
    assert_same_encoding(ours, theirs, batch)


@pytest.mark.slow
def test_minilm_with_its_first_layers_only(minilm):
    whole, _, tokenizer = minilm
    first = BertEncoder.from_pretrained(num_layers=2)
    batch = tokenizer(TEXTS[0], return_tensors="pt")
    assert not first.training and first.config.num_layers == 2
    states, all_states = first(**batch).hidden_states, whole(**batch).hidden_states
    assert len(states) == 3 and len(all_states) == 7
    assert all(torch.equal(a, b) for a, b in zip(states, all_states))
    with pytest.raises(InputError, match=r"num_layers must lie in \[1, 6\]"):
        BertEncoder.from_pretrained("minilm", num_layers=7)


@pytest.mark.slow
def test_the_shape_of_bert_base_equals_the_library():
    theirs = stir(BertModel(BertConfig(vocab_size=100, attn_implementation="eager")), deviation=0.01)
    ours = BertEncoder.from_library(theirs)
    assert (ours.config.num_layers, ours.config.hidden_size, ours.config.num_heads) == (12, 768, 12)
    assert_same_encoding(ours, theirs, random_batch(100, [9, 4]))


@pytest.mark.parametrize("seed", range(3))
def test_small_random_models_equal_the_library(seed):
    torch.manual_seed(seed)
    theirs = eager_bert(layer_norm_eps=0.01, type_vocab_size=3, max_position_embeddings=9, num_hidden_layers=3)
    ours = BertEncoder.from_library(theirs)
    assert_same_encoding(ours, theirs, random_batch(60, [9, 1, 5]))


def test_a_model_with_a_head_gives_its_encoder():
    tagger = tiny_tagger(attn_implementation="eager").eval()
    assert_same_encoding(BertEncoder.from_library(tagger), tagger.base_model, random_batch(60, [5, 7]))


def test_a_folder_gives_its_encoder(tmp_path):
    theirs = eager_bert()
    theirs.save_pretrained(tmp_path)
    ours = BertEncoder.from_pretrained(tmp_path)
    assert not ours.training
    assert_same_encoding(ours, theirs, random_batch(60, [5, 7]))


def test_the_defaults_are_those_of_bert_base():
    theirs = BertConfig()
    ours = EncoderConfig()
    assert (ours.vocab_size, ours.hidden_size) == (theirs.vocab_size, theirs.hidden_size)
    assert (ours.num_layers, ours.num_heads) == (theirs.num_hidden_layers, theirs.num_attention_heads)
    assert (ours.intermediate_size, ours.max_length) == (theirs.intermediate_size, theirs.max_position_embeddings)
    assert (ours.num_token_types, ours.layer_norm_eps) == (theirs.type_vocab_size, theirs.layer_norm_eps)


def test_sizes_and_results_cannot_be_changed():
    assert all(kind.__dataclass_params__.frozen for kind in (EncoderConfig, AttentionResult, EncoderOutput))


# Copying weights


def test_every_weight_is_used_but_the_pooler():
    theirs = eager_bert()
    ours = BertEncoder.from_library(theirs)
    assert copy_weights(theirs, ours) == ["pooler.dense.weight", "pooler.dense.bias"]
    copied = {library_name(name): parameter for name, parameter in ours.named_parameters()}
    assert copied.keys() == {name for name, _ in theirs.named_parameters() if not name.startswith("pooler.")}
    assert all(torch.equal(parameter, theirs.get_parameter(name)) for name, parameter in copied.items())


def test_a_copy_is_a_copy():
    theirs = eager_bert()
    ours = BertEncoder.from_library(theirs)
    before = theirs.embeddings.word_embeddings.weight.clone()
    nn.init.zeros_(ours.embeddings.words.weight)
    assert torch.equal(theirs.embeddings.word_embeddings.weight, before)


def test_weights_of_half_precision_are_copied_into_float32():
    theirs = eager_bert().to(torch.bfloat16)
    ours = BertEncoder.from_library(theirs)
    assert {parameter.dtype for parameter in ours.parameters()} == {torch.float32}
    assert torch.equal(ours.embeddings.words.weight, theirs.embeddings.word_embeddings.weight.float())


def test_a_weight_that_is_missing():
    theirs = eager_bert()
    theirs.encoder.layer = theirs.encoder.layer[:1]
    with pytest.raises(
        InputError, match=r"BertModel: .*: 16, first: encoder.layer.1.attention.self.query.weight is missing"
    ):
        BertEncoder.from_library(theirs)


def test_a_weight_without_a_place():
    theirs = eager_bert()
    theirs.encoder.layer[1].adapter = nn.Linear(4, 4, bias=False)
    with pytest.raises(InputError, match=r"BertModel: .*: 1, first: encoder.layer.1.adapter.weight has no place"):
        BertEncoder.from_library(theirs)


def test_weights_of_another_shape_and_nothing_copied():
    ours = BertEncoder.from_library(eager_bert())
    before = {name: weight.clone() for name, weight in ours.state_dict().items()}
    with pytest.raises(
        InputError, match=r": 1, first: embeddings.word_embeddings.weight has shape \(61, 16\), expected \(60, 16\)"
    ):
        copy_weights(eager_bert(vocab_size=61), ours)
    assert all(torch.equal(weight, before[name]) for name, weight in ours.state_dict().items())


SIZES = {"vocab_size": 60, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}


@pytest.mark.parametrize(
    ("architecture", "make"),
    [
        ("roberta", lambda: RobertaForTokenClassification(RobertaConfig(**SIZES))),
        ("modernbert", lambda: ModernBertForTokenClassification(ModernBertConfig(**SIZES | {"pad_token_id": 0}))),
    ],
)
def test_another_architecture_is_refused(tmp_path, architecture, make):
    make().save_pretrained(tmp_path)
    message = (
        f"{tmp_path}: model_type must be 'bert' for BertEncoder, got '{architecture}'. Use a checkpoint of the BERT"
    )
    with pytest.raises(InputError, match=message):
        BertEncoder.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("option", "value"),
    [("hidden_act", "gelu_new"), ("position_embedding_type", "relative_key"), ("is_decoder", True)],
)
def test_a_variant_of_bert_that_computes_otherwise_is_refused(option, value):
    model = BertModel(tiny_config(**{option: value}))
    with pytest.raises(InputError, match=rf"BertModel: {option} must be .*, got {value!r}"):
        BertEncoder.from_library(model)
