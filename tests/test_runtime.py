"""Device, precision and seed; devices that this machine lacks are played by a mock."""

import random

import numpy as np
import pytest
import torch

from course_utils import runtime


def pretend(monkeypatch, *, cuda=False, mps=False, bf16_gpu=True, bf16_cpu=False):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: int(cuda))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: bf16_gpu)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    monkeypatch.setattr(runtime, "cpu_has_bfloat16", lambda: bf16_cpu)


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_auto_takes_the_best_device(monkeypatch, cuda, mps, expected):
    pretend(monkeypatch, cuda=cuda, mps=mps)
    assert runtime.choose_device("auto").type == expected
    assert runtime.choose_device("cpu").type == "cpu"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tpu", 'must be one of .* got "tpu"'),
        ("cuda", "this machine has none"),
        ("mps", "this machine has none"),
        ("cuda:x", "must be one of"),
    ],
)
def test_devices_that_cannot_be_had(monkeypatch, name, message):
    pretend(monkeypatch)
    with pytest.raises(ValueError, match=message):
        runtime.choose_device(name)


def test_a_card_that_does_not_exist(monkeypatch):
    pretend(monkeypatch, cuda=True)
    assert str(runtime.choose_device("cuda:0")) == "cuda:0"
    with pytest.raises(ValueError, match="there are 1 CUDA devices"):
        runtime.choose_device("cuda:1")


@pytest.mark.parametrize(
    ("device", "machine", "expected"),
    [
        ("cpu", {"bf16_cpu": True}, "bfloat16"),
        ("cpu", {"bf16_cpu": False}, "float32"),
        ("cuda", {"cuda": True, "bf16_gpu": True}, "bfloat16"),
        ("cuda", {"cuda": True, "bf16_gpu": False}, "float16"),
        ("mps", {"mps": True}, "float32"),
    ],
)
def test_auto_takes_the_precision_that_the_hardware_has(monkeypatch, device, machine, expected):
    pretend(monkeypatch, **machine)
    assert runtime.choose_precision("auto", device) == expected
    assert runtime.choose_precision("float32", device) == "float32"


@pytest.mark.parametrize(("name", "message"), [("fp8", "must be one of"), ("float16", "needs a GPU")])
def test_precisions_that_cannot_be_had(name, message):
    with pytest.raises(ValueError, match=message):
        runtime.choose_precision(name, "cpu")


def test_a_seed_repeats_every_generator():
    def draw():
        return random.random(), np.random.rand(), torch.rand(1).item()

    runtime.set_seed(7)
    first = draw()
    runtime.set_seed(7)
    assert draw() == first
    with pytest.raises(ValueError, match="seed must lie in"):
        runtime.set_seed(-1)


def test_describe_names_the_machine():
    facts = runtime.describe()
    assert facts["threads"] >= 1 and facts["packages"]["torch"]
    assert facts["precision"] in runtime.PRECISIONS
