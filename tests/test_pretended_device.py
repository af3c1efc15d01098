"""Code beside a device: what moves tensors is tried without a GPU, on the pretended device."""

import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from pretended_device import DEVICE, PretendedDevice, is_marked, run_notebook
from tiny import classified, no_dropout, tiny_classifier
from torch import nn

from course_utils.runtime import choose_device
from course_utils.training import TrainingConfig, fit, predict

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
ON_THE_DEVICE = {"torch.cuda.is_available()": "True", '"cuda" if': '"mps" if'}  # the cells without course_utils
SMALLER = {
    "05_token_classification": {
        "NUM_LAYERS = 3": "NUM_LAYERS = 1",
        "num_hidden_layers=3": "num_hidden_layers=1",
        "MOST = 800": "MOST = 200",
        "num_train_epochs=3,": "num_train_epochs=3, max_steps=6,",
        **ON_THE_DEVICE,
    },
    "06_sentence_classification": {
        "BATCH_SIZE, WARMUP_STEPS = 16, 8, 2": "BATCH_SIZE, WARMUP_STEPS = 16, 2, 2",
        "load_encoder(CHECKPOINT)": "load_encoder(CHECKPOINT, num_layers=1)",
        'sample(encoded["train"], 200, SEED)': 'sample(encoded["train"], 24, SEED)',
        **ON_THE_DEVICE,
    },
    "07_regularisation_and_tuning": {},
}


def test_a_tensor_moves_there_and_back():
    with PretendedDevice():
        assert choose_device().type == DEVICE.type
        here = torch.arange(6.0).reshape(2, 3)
        there = here.to("mps")
        assert (there.device, here.device.type, there.cpu().device.type) == (DEVICE, "cpu", "cpu")
        assert (there @ there.T).device == torch.zeros(2, device=there.device).device == DEVICE
        assert there.to(torch.float64).device == here.to(there).device == DEVICE
        assert here.to("cpu").device.type == "cpu"
        np.testing.assert_array_equal(there.cpu().numpy(), here.numpy())
    assert there.device.type == "cpu"  # outside nothing is pretended


@pytest.mark.parametrize(
    "forgotten",
    [
        lambda here, there: here @ there.T,
        lambda here, there: torch.cat([here, there]),
        lambda here, there: nn.functional.cross_entropy(there, here.argmax(dim=-1)),
        lambda here, there: here[there.argmax(dim=-1)],
        lambda here, there: nn.Linear(3, 2).to(DEVICE)(here),
    ],
)
def test_a_mixture_is_refused(forgotten):
    with PretendedDevice():
        here, there = torch.rand(2, 3), torch.rand(2, 3, device="mps")
        with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
            forgotten(here, there)


def test_what_a_gpu_allows_is_allowed():
    with PretendedDevice():
        there = torch.rand(2, 3).to(DEVICE)
        assert (there * torch.tensor(2.0)).device == DEVICE  # a single number
        assert there[torch.tensor([1, 0])].device == DEVICE  # places to look at


def test_numpy_is_refused():
    with PretendedDevice(), pytest.raises(TypeError, match=r"Use Tensor\.cpu"):
        torch.rand(3, device="mps").numpy()


def test_fit_and_predict_compute_there_what_they_compute_here():
    data = classified([6, 9, 5, 8, 7, 6])
    config = TrainingConfig(learning_rate=1e-2, num_epochs=2, batch_size=2, precision="float32")
    results = {}
    for place, pretence in {"cpu": nullcontext(), "mps": PretendedDevice()}.items():
        with pretence:
            model = tiny_classifier(**no_dropout())
            history = fit(model, data, data, config)
            answers = predict(model, data, precision="float32").logits
        assert all(is_marked(weight) == (place == "mps") for weight in model.parameters())
        results[place] = [step["loss"] for step in history.steps], answers
    assert np.allclose(results["cpu"][0], results["mps"][0]) and np.allclose(results["cpu"][1], results["mps"][1])


def run(notebook: str, smaller: dict[str, str], folder: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, NOTEBOOKS.parent / "tests" / "pretended_device.py", NOTEBOOKS / f"{notebook}.ipynb"]
    for change in smaller.items():
        command += change
    quiet = {"TQDM_DISABLE": "1", "HF_HUB_OFFLINE": "1", "MPLBACKEND": "Agg", "COURSE_STATE": str(folder)}
    return subprocess.run(command, cwd=NOTEBOOKS, env=os.environ | quiet, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("notebook", SMALLER)
def test_a_notebook_runs_beside_a_device(notebook, tmp_path):
    done = run(notebook, SMALLER[notebook], tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
def test_a_notebook_that_forgets_the_device_is_caught(tmp_path):
    forgets = {"**{name: tensor.to(device) for name, tensor in batch.items()}": "**batch"}
    done = run("05_token_classification", SMALLER["05_token_classification"] | forgets, tmp_path)
    assert "Expected all tensors to be on the same device" in done.stderr


def test_a_change_that_does_not_occur_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="the notebook has changed"):
        run_notebook(NOTEBOOKS / "05_token_classification.ipynb", {"NO_SUCH_LINE": ""})
