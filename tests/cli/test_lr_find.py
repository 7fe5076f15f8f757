"""`dlspec lr-find`: a learning rate that works, and no trace of how it was found."""

import numpy as np
import pytest

from .commands import TINY, files_in, reproducible_in, write


@pytest.fixture
def quadratic(tmp_path):
    """J(w) = ½‖w − w*‖² in three features that are standardised and uncorrelated: every eigenvalue is 1.

    Gradient descent is fastest at α = 1, and diverges from 2 on.
    """
    signs = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)] * 5)
    y = signs @ [3.0, -2.0, 1.0]
    rows = [f"{','.join(map(str, x))},{t}" for x, t in zip(signs, y, strict=True)]
    write(tmp_path / "train.csv", "\n".join(["a,b,c,y", *rows]) + "\n")
    return write(
        tmp_path / "quadratic.yaml",
        "data: {train: train.csv, target: y, task: regression}\noptimizer: sgd\nbatch_size: all\n",
    )


def test_a_quadratic_whose_best_rate_is_known(quadratic, dlspec):
    found = dlspec("lr-find", quadratic, "--high", "100", "--json").json
    assert 0.05 <= found["learning_rate"] <= 0.5
    assert found["set"] == f"optimizer.learning_rate={found['learning_rate']:g}"


def test_the_suggestion_trains(quadratic, dlspec, tmp_path):
    found = dlspec("lr-find", quadratic, "--json").json
    flags = ("--set", found["set"], "--set", "training.epochs=100", "--runs-dir", tmp_path / "runs", "--json")
    assert dlspec("train", quadratic, *flags).json["splits"][0]["loss"] < 1e-3 * found["losses"][0]


def test_it_leaves_no_trace(tiny, dlspec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert dlspec("train", tiny, "--runs-dir", "before", "-q").code == 0
    files, state = files_in(tmp_path), np.random.get_state()
    result = dlspec("lr-find", tiny)
    assert result.code == 0
    assert files_in(tmp_path) == files
    assert all(np.array_equal(a, b) for a, b in zip(state, np.random.get_state(), strict=True))
    assert dlspec("train", tiny, "--runs-dir", "after", "-q").code == 0
    (before,), (after,) = (list((tmp_path / name).iterdir()) for name in ("before", "after"))
    assert reproducible_in(before) == reproducible_in(after)


@pytest.mark.parametrize(
    "settings",
    [
        "optimizer: momentum\n",
        "optimizer: rmsprop\nregularization: {l2: 0.5, keep_prob: 0.8, clip_norm: 1.0, max_norm: 2.0}\n",
        "decay: {name: staircase, every: 1, factor: 0.5}\n",
        "dtype: float64\n",
    ],
)
def test_noisy_steps_give_a_sane_rate(settings, dlspec, tmp_path):
    text = TINY.replace("examples: 60", "examples: 200, noise: 0.4") + settings
    found = dlspec("lr-find", write(tmp_path / "a.yaml", text), "--json").json
    assert 1e-4 < found["learning_rate"] <= 1.0
    assert dlspec("lr-find", tmp_path / "a.yaml", "--json").json == found


def test_the_text(tiny, dlspec):
    result = dlspec("lr-find", tiny)
    lines = result.out.splitlines()
    assert lines[0].strip() == "loss"
    assert sum("*" in line for line in lines) > 3
    assert lines[-2].startswith("try      --set optimizer.learning_rate=0.")
    assert lines[-1] == "now      0.001"


def test_no_suggestion_is_a_message(tmp_path, dlspec):
    """With zeros as start values a network of relu never leaves the spot."""
    text = TINY.replace("epochs: 3", "epochs: 3, class_weight: balanced") + "initializer: zeros\n"
    config = write(tmp_path / "a.yaml", text)
    found = dlspec("lr-find", config, "--json")
    assert (found.code, found.json["learning_rate"], found.json["set"]) == (0, None, None)
    result = dlspec("lr-find", config)
    assert result.out.splitlines()[-1].startswith("no suggestion: ")
    assert "nan" not in result.out


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--low", "1", "--high", "1"], "expected a lower and a higher learning rate"),
        (["--set", "optimizer.lr=1"], "did you mean learning_rate"),
        (["--steps", "5"], "--steps"),
    ],
)
def test_mistakes(tiny, dlspec, flags, words):
    result = dlspec("lr-find", tiny, *flags)
    assert (result.code, result.out) == (2, "")
    assert words in result.err
