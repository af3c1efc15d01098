"""The program that answers the vault: how it chooses, and that it refuses a second try. The vault stays closed."""

import importlib
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture
def program(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    for name in ("vault", "comparison"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module("vault")


def closed(*args, vault=False, **options):
    return pytest.fail("the vault was opened") if vault else {}


def run(layers, *losses):
    return {"layers": layers, "validation_losses": list(losses)}


def test_the_setting_with_the_lowest_mean_loss_after_the_last_epoch_is_chosen(program):
    # Means of the last losses: 0.30 and 0.25; the single lowest and the lowest first loss belong to the other one.
    runs = [run(3, 0.1, 0.2), run(3, 0.1, 0.4), run(6, 0.5, 0.25), run(6, 0.5, 0.25)]
    assert program.chosen_layers(runs) == 6


def test_the_share_of_other_answers_by_hand(program):
    one, other = [[0.0, 1.0], [1.0, 0.0]], [[0.2, 0.9], [0.0, 1.0]]
    assert program.share_that_differs(one, other) == 0.5


def test_there_is_no_second_try(program, monkeypatch, tmp_path):
    (tmp_path / "vault.json").write_text("{}")
    monkeypatch.setattr(program, "RESULTS", tmp_path / "vault.json")
    monkeypatch.setattr(program, "load_corpus", closed)
    with pytest.raises(SystemExit, match=r"vault\.json is there already: the vault is answered once"):
        program.main()


def test_another_model_than_the_stored_one_opens_nothing(program, monkeypatch, tmp_path):
    stored = {"layers": 6, "seed": 0, "validation_losses": [0.2], "test": {"logits": [[0.0, 1.0]]}}
    replaced = {
        "RESULTS": tmp_path / "vault.json",
        "stored_runs": lambda: [stored],
        "load_tokenizer": lambda name: None,
        "load_corpus": closed,
        "train": lambda *args: (None, {"test": {"logits": [[1.0, 0.0]]}}),
    }
    for name, value in replaced.items():
        monkeypatch.setattr(program, name, value)
    with pytest.raises(SystemExit, match=r"answers 100\.0% of the test reviews otherwise than the stored run"):
        program.main()
    assert not (tmp_path / "vault.json").exists()
