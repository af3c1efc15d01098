"""The LSTM and the frozen encoder: padding changes nothing, order is kept, and PyTorch and scikit-learn agree."""

import numpy as np
import pytest
import torch
from datasets import Dataset
from sklearn.metrics.pairwise import cosine_similarity
from tiny import classified, tiny_classifier, tiny_tagger
from torch import nn

from course_utils.baselines import LSTMClassifier, frozen_features, nearest_label
from course_utils.batching import PaddingCollator
from course_utils.errors import InputError
from course_utils.models import load_sequence_classifier, load_tokenizer
from course_utils.tokenization import encode_texts
from course_utils.training import TrainingConfig, fit, predict

# The LSTM


def lstm(seed=0, **options):
    torch.manual_seed(seed)
    return LSTMClassifier(60, 3, **{"embedding_size": 6, "hidden_size": 5} | options)


def batch_of(*rows: list[int], length: int | None = None):
    """Ids padded with 9, a real piece's id, to ``length``; and the mask."""
    length = length or max(map(len, rows))
    ids = torch.tensor([row + [9] * (length - len(row)) for row in rows])
    return ids, torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows])


@pytest.mark.parametrize("bidirectional", [True, False])
def test_padding_does_not_change_the_logits(bidirectional):
    model = lstm(bidirectional=bidirectional).eval()
    rows = [[5, 6, 7, 8], [11], [12, 13, 14, 15, 16, 17], [9, 9]]
    together = model(*batch_of(*rows, length=20)).logits
    for row, logits in zip(rows, together):
        torch.testing.assert_close(model(*batch_of(row)).logits[0], logits)
    assert not torch.allclose(together[0], together[1])


def test_the_head_sees_the_last_state_of_each_direction():
    model = lstm().eval()
    ids, mask = batch_of([5, 6, 7])
    outputs, _ = model.lstm(model.embedding(ids))  # (1, 3, 10): five numbers from each direction
    final = torch.cat([outputs[0, 2, :5], outputs[0, 0, 5:]])
    torch.testing.assert_close(model(ids, mask).logits[0], final @ model.head.weight.T + model.head.bias)


def test_one_direction_has_half_the_states():
    model = lstm(bidirectional=False).eval()
    ids, mask = batch_of([5, 6, 7])
    outputs, _ = model.lstm(model.embedding(ids))
    torch.testing.assert_close(model(ids, mask).logits, model.head(outputs[:, 2]))
    assert model.head.in_features == 5


def test_the_loss_is_the_cross_entropy_of_the_logits():
    model = lstm().eval()
    labels = torch.tensor([2, 0])
    output = model(*batch_of([5, 6, 7], [8]), labels=labels)
    probabilities = output.logits.softmax(-1)
    torch.testing.assert_close(output.loss, -(probabilities[0, 2].log() + probabilities[1, 0].log()) / 2)
    assert model(*batch_of([5])).loss is None


def test_dropout_is_for_training_only():
    model = lstm(dropout=0.5)
    batch = batch_of([5, 6, 7])
    assert not torch.equal(model(*batch).logits, model(*batch).logits)
    model.eval()
    assert torch.equal(model(*batch).logits, model(*batch).logits)


def test_mixed_precision_leaves_it_in_float32():
    model = lstm().eval()
    batch = batch_of([5, 6, 7], [8])
    with torch.autocast("cpu", torch.bfloat16):
        output = model(*batch, labels=torch.tensor([0, 1]))
    assert output.logits.dtype == output.loss.dtype == torch.float32
    assert torch.equal(output.logits, model(*batch).logits)


@pytest.mark.parametrize(
    "mask", [[[0, 1, 1], [1, 1, 1]], [[1, 1, 1], [1, 0, 1]], [[1, 1, 1], [0, 0, 0]]], ids=["left", "hole", "empty"]
)
def test_padding_before_the_text_is_refused(mask):
    with pytest.raises(InputError, match="padding must come after the text: each row of attention_mask is ones, then"):
        lstm()(torch.full((2, 3), 5), torch.tensor(mask))


def test_one_class_is_refused():
    with pytest.raises(InputError, match=r"num_labels must be at least 2, got 1\."):
        LSTMClassifier(60, 1)


def test_default_sizes():
    model = LSTMClassifier(60, 4)
    assert (model.embedding.num_embeddings, model.embedding.embedding_dim) == (60, 128)
    assert (model.lstm.hidden_size, model.lstm.bidirectional, model.lstm.num_layers) == (128, True, 1)
    assert (model.head.in_features, model.head.out_features, model.dropout.p) == (256, 4, 0.3)


def test_fit_trains_it_as_it_is():
    """Five seeds learnt it to the last example."""
    torch.manual_seed(0)
    model = LSTMClassifier(60, 2, embedding_size=16, hidden_size=16, dropout=0.0)
    train, validation = classified(range(4, 12)), classified(range(4, 12), seed=1)
    config = TrainingConfig(learning_rate=1e-2, num_epochs=25, batch_size=4, device="cpu")
    before = predict(model, train).loss
    history = fit(model, train, validation, config)
    predictions = predict(model, train)
    assert history.records[-1]["train_loss"] < 0.2 < before
    assert (predictions.logits.argmax(axis=1) == predictions.labels).all()


# Features of a frozen encoder


def encoded(lengths, **columns):
    generator = torch.Generator().manual_seed(0)
    rows = [torch.randint(5, 60, (length,), generator=generator).tolist() for length in lengths]
    return Dataset.from_dict({"input_ids": rows, "attention_mask": [[1] * len(row) for row in rows]} | columns)


LENGTHS = [3, 9, 1, 14, 6, 6, 2]


@pytest.mark.parametrize("batch_size", [1, 3, 64])
@pytest.mark.parametrize("pooling", ["mean", "first"])
def test_features_are_those_of_each_example_alone_in_the_order_of_the_dataset(pooling, batch_size):
    model, dataset = tiny_classifier(), encoded(LENGTHS)
    features = frozen_features(model, dataset, pooling, batch_size=batch_size)
    assert features.shape == (7, 16)
    assert features.dtype == np.float32
    model.eval()
    for ids, vector in zip(dataset["input_ids"], features):
        hidden = model.bert(torch.tensor([ids])).last_hidden_state[0].detach().numpy()
        expected = hidden[0] if pooling == "first" else sum(hidden) / len(ids)
        np.testing.assert_allclose(vector, expected, atol=1e-6)


def test_the_mean_is_the_default():
    model, dataset = tiny_classifier(), encoded(LENGTHS)
    assert np.array_equal(frozen_features(model, dataset), frozen_features(model, dataset, "mean"))


def test_padding_is_not_part_of_the_mean():
    """Against the mean over all columns of a padded batch, the usual mistake."""
    model, dataset = tiny_classifier().eval(), encoded([3, 9])
    batch = PaddingCollator(0)(dataset.to_list())
    wrong = model.bert(**batch).last_hidden_state.mean(dim=1).detach().numpy()
    features = frozen_features(model, dataset)
    np.testing.assert_allclose(features[1], wrong[1], atol=1e-6)
    assert np.abs(features[0] - wrong[0]).max() > 0.01


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_left_as_it_was(training):
    model = tiny_tagger()
    model.train(training)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    first, second = (frozen_features(model, encoded(LENGTHS)) for _ in range(2))
    assert np.array_equal(first, second), "dropout is off"
    assert model.training == model.bert.training == training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_an_encoder_without_a_head_gives_the_same():
    model = tiny_classifier()
    assert np.array_equal(frozen_features(model, encoded(LENGTHS)), frozen_features(model.bert, encoded(LENGTHS)))


def test_other_columns_do_no_harm_and_segments_count():
    model = tiny_classifier()
    plain = frozen_features(model, encoded([3, 5]))
    assert np.array_equal(frozen_features(model, encoded([3, 5], labels=["a", "b"], text=["x", "y"])), plain)
    segments = [[0, 0, 0], [0, 1, 1, 1, 1]]
    features = frozen_features(model, encoded([3, 5], token_type_ids=segments))
    assert np.array_equal(features[0], plain[0])
    assert np.abs(features[1] - plain[1]).max() > 0.01


def test_no_examples_have_no_features():
    dataset = Dataset.from_dict({"input_ids": [], "attention_mask": []})
    assert frozen_features(tiny_classifier(), dataset).shape == (0, 16)


def test_what_frozen_features_refuses():
    with pytest.raises(InputError, match='pooling must be one of mean, first, got "max"'):
        frozen_features(tiny_classifier(), encoded([3]), "max")
    with pytest.raises(InputError, match=r'the dataset has no column "input_ids"\. Encode it first: encode_texts'):
        frozen_features(tiny_classifier(), Dataset.from_dict({"text": ["a"]}))
    with pytest.raises(InputError, match='the dataset has no column "attention_mask"'):
        frozen_features(tiny_classifier(), Dataset.from_dict({"input_ids": [[5]]}))


# Nearest labels


def test_the_cosine_decides_and_not_the_length():
    nearest = nearest_label(np.array([[3.0, 4.0], [0.1, 0.0]]), np.array([[100.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]))
    assert nearest.indices.tolist() == [1, 0]
    np.testing.assert_allclose(nearest.similarities, [[0.6, 0.8, -0.6], [1, 0, -1]], atol=1e-12)


def test_similarities_are_those_of_scikit_learn():
    generator = np.random.default_rng(0)
    texts, labels = generator.normal(size=(20, 8)), generator.normal(size=(5, 8))
    nearest = nearest_label(texts, labels)
    np.testing.assert_allclose(nearest.similarities, cosine_similarity(texts, labels), atol=1e-12)
    assert nearest.indices.tolist() == cosine_similarity(texts, labels).argmax(axis=1).tolist()


def test_of_equally_near_labels_the_first():
    assert nearest_label([[1.0, 0.0]], [[0.0, 1.0], [2.0, 0.0], [2.0, 0.0]]).indices.tolist() == [1]


def test_no_texts_have_no_labels():
    nearest = nearest_label(np.empty((0, 4)), np.ones((2, 4)))
    assert (nearest.indices.shape, nearest.similarities.shape) == ((0,), (0, 2))


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        (np.ones(4), np.ones((2, 4)), r"must have shapes .*, got \(4,\) and \(2, 4\)"),
        (np.ones((3, 4)), np.ones(4), r"got \(3, 4\) and \(4,\)"),
        (np.ones((3, 4)), np.ones((2, 5)), r"got \(3, 4\) and \(2, 5\)"),
        (np.ones((3, 4)), np.ones((0, 4)), r"got \(3, 4\) and \(0, 4\)"),
        ([[1.0, 2.0], [0.0, 0.0]], np.ones((1, 2)), "text_vectors must be finite and not all zeros, but row 1 is not"),
        (np.ones((1, 2)), [[1.0, np.nan], [0.0, 0.0]], "label_vectors must be finite and not all zeros, but row 0 is"),
        ([[np.inf, 1.0]], np.ones((1, 2)), "text_vectors must be finite"),
    ],
)
def test_what_nearest_label_refuses(texts, labels, message):
    with pytest.raises(InputError, match=message):
        nearest_label(texts, labels)


# The real model

PAIRS = (  # much the same in other words
    ("The ferry was late again.", "Our boat did not arrive on time."),
    ("The doctor listened to me.", "A physician heard my worries."),
    ("The soup was cold.", "My broth had gone tepid."),
    ("She bought a novel for the journey.", "She got herself a book to read on the train."),
    ("The app lost my ticket.", "My booking vanished from the phone."),
    ("The room was quiet.", "There was no noise at night."),
)


@pytest.fixture(scope="module")
def real_model():
    return load_sequence_classifier(labels=["a", "b"]), load_tokenizer()


def vectors_of(texts, real_model):
    model, tokenizer = real_model
    return frozen_features(model, encode_texts(Dataset.from_dict({"text": list(texts)}), tokenizer), batch_size=4)


@pytest.mark.slow
def test_sentences_of_like_meaning_are_nearest_to_each_other(real_model):
    first, second = (vectors_of(texts, real_model) for texts in zip(*PAIRS))
    nearest = nearest_label(first, second)
    assert nearest.indices.tolist() == [0, 1, 2, 3, 4, 5]
    related = np.diag(nearest.similarities)
    assert related.mean() > nearest.similarities[~np.eye(6, dtype=bool)].mean() + 0.3


@pytest.mark.slow
def test_what_is_near_need_not_agree(real_model):
    """The vectors tell the topic better than the verdict."""
    vectors = vectors_of(["I liked the soup.", "I did not like the soup.", "The broth was delicious."], real_model)
    opposite, like_minded = nearest_label(vectors[:1], vectors[1:]).similarities[0]
    assert opposite > like_minded + 0.2


@pytest.mark.slow
def test_a_description_finds_its_texts_without_a_labelled_example(real_model):
    descriptions = ["This is about food.", "This is about ships.", "This is about medicine."]
    texts = ["The soup was cold.", "We sailed at dawn.", "The nurse took my temperature.", "Fresh bread and butter."]
    nearest = nearest_label(vectors_of(texts, real_model), vectors_of(descriptions, real_model))
    assert nearest.indices.tolist() == [0, 1, 2, 0]


@pytest.mark.slow
def test_the_mean_of_the_real_model_ignores_padding(real_model):
    """The same sentence alone and beside a long one: equal within rounding, and equal to the library's own mean."""
    model, tokenizer = real_model
    short, long = "The soup was cold.", "The soup was cold, and so was the bread, the tea and the welcome. " * 3
    alone, together = vectors_of([short], real_model)[0], vectors_of([long, short], real_model)[1]
    np.testing.assert_allclose(alone, together, atol=1e-5)
    hidden = model.bert(**tokenizer(short, return_tensors="pt")).last_hidden_state[0]
    np.testing.assert_allclose(alone, nn.functional.adaptive_avg_pool1d(hidden.T, 1)[:, 0].detach(), atol=1e-5)
