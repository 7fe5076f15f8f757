"""`dlspec learning-curve`: errors by the number of training examples, as `dlspec train` itself would get them."""

import json

import numpy as np
import pytest

from dlspec import learning_curve, preparation
from dlspec.config import loader

from .commands import files_in, write

CONFIG = """\
name: curve
seed: 5
data: {synthetic: moons, examples: 300, noise: 0.25, split: {ratios: 70/30}}
architecture: {layers: [{units: 8}]}
optimizer: {name: adam, learning_rate: 0.03}
batch_size: 32
training: {epochs: 6}
"""


@pytest.fixture
def config(tmp_path):
    return write(tmp_path / "curve.yaml", CONFIG)


def test_sizes_seeds_and_points(config, dlspec):
    result = dlspec("learning-curve", config, "--sizes", "4", "--seeds", "2", "--json")
    assert result.code == 0, result.err
    found = result.json
    assert found["seeds"] == [5, 6]
    assert [point["examples"] for point in found["points"]] == [26, 52, 105, 210]
    for point in found["points"]:
        assert len(point["dev_errors"]) == len(point["train_errors"]) == 2
        assert point["dev_error"] == pytest.approx(np.mean(point["dev_errors"]))
    fit, doubled = found["fit"], found["doubled"]
    assert fit["a"] >= 0
    assert doubled["examples"] == 420
    assert doubled["low"] < doubled["gain"] < doubled["high"] or doubled["low"] == doubled["high"]


@pytest.mark.parametrize(
    "settings",
    ["", "training: {epochs: 6, early_stopping: {patience: 1}}\n", "decay: {name: staircase, every: 2, factor: 0.5}\n"],
)
def test_the_whole_set_gives_what_train_gives(settings, tmp_path, dlspec):
    text = CONFIG if not settings.startswith("training") else CONFIG.replace("training: {epochs: 6}\n", "")
    config = write(tmp_path / "a.yaml", text + settings)
    found = dlspec("learning-curve", config, "--sizes", "3", "--seeds", "1", "--json").json
    report = dlspec("train", config, "--runs-dir", tmp_path / "runs", "--json").json
    errors = {split["split"]: split["error"] for split in report["splits"]}
    # The order of the examples within the epochs is another, and with it the last bits, so that a few examples may
    # fall to the other side.
    assert found["points"][-1]["dev_error"] == pytest.approx(errors["dev"], abs=0.05)
    assert found["points"][-1]["train_error"] == pytest.approx(errors["train"], abs=0.05)


def test_parts_contain_each_other_and_keep_the_shares_of_the_classes(config):
    prepared = preparation.prepare(loader.load(config))
    order = learning_curve._order(prepared.dataset, seed=1)
    labels = prepared.dataset.splits["train"].Y
    assert sorted(order) == list(range(210))
    for size in (10, 26, 52, 105):
        assert abs(labels[order[:size]].mean() - labels.mean()) <= 1 / size


def test_a_part_is_repeated_so_that_every_training_makes_the_same_steps(config):
    prepared = preparation.prepare(loader.load(config, ["training.class_weight=balanced"]))
    rows = np.arange(0, 40)
    part = learning_curve._part(prepared, rows)
    train = part.dataset.splits["train"]
    assert len(train.X) == 210
    assert set(train.rows) == set(prepared.dataset.splits["train"].rows[:40])
    assert len(part.weights) == 210
    assert part.dataset.splits["dev"] is prepared.dataset.splits["dev"]


def test_regression_has_one_unit_for_all_sizes(tmp_path, dlspec, rng):
    x = rng.standard_normal((120, 3))
    y = x @ [1.0, 2.0, -1.0] + 0.1 * rng.standard_normal(120)
    rows = [f"{','.join(f'{v:.5f}' for v in row)},{t:.5f}" for row, t in zip(x, y, strict=True)]
    write(tmp_path / "t.csv", "\n".join(["a,b,c,y", *rows]) + "\n")
    config = write(
        tmp_path / "a.yaml",
        "data: {path: t.csv, task: regression}\noptimizer: {learning_rate: 0.1}\nbatch_size: all\n"
        "training: {epochs: 200}\n",
    )
    found = dlspec("learning-curve", config, "--sizes", "3", "--seeds", "2", "--json").json
    assert all(0 < point["dev_error"] < 0.05 for point in found["points"])


def test_it_writes_only_where_it_is_asked_to(config, dlspec, tmp_path):
    flags = ("--sizes", "3", "--seeds", "1")
    before = files_in(tmp_path)
    one = dlspec("learning-curve", config, *flags, "--json")
    assert files_in(tmp_path) == before
    out = tmp_path / "deep" / "learning-curve.json"
    two = dlspec("learning-curve", config, *flags, "--out", out, "--json")
    assert two.json == one.json == json.loads(out.read_text())
    again = dlspec("learning-curve", config, *flags, "--out", out)
    assert (again.code, again.out) == (2, "")
    assert "already there" in again.err
    assert dlspec("learning-curve", config, *flags, "--out", out, "--force").code == 0


def test_the_text(config, dlspec):
    result = dlspec("learning-curve", config, "--sizes", "3", "--seeds", "2")
    lines = result.out.splitlines()
    assert lines[0].split() == ["examples", "train", "error", "dev", "error"]
    assert [line.split()[0] for line in lines[1:4]] == ["52", "105", "210"]
    assert any(line.startswith("doubled  420 examples: dev error ") for line in lines)
    assert lines[-1].startswith("verdict  ")


def test_trainings_that_diverge_are_left_out_and_told(config, dlspec):
    flags = ("--set", "optimizer={name: sgd, learning_rate: 1e30}", "--sizes", "3", "--seeds", "1", "--json")
    found = dlspec("learning-curve", config, *flags).json
    assert (found["fit"], found["doubled"]) == (None, None)
    assert "diverge" in found["verdict"]
    assert found["points"][0]["dev_errors"] == []


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--set", "data={train: t.csv}"], "has no dev set to measure on"),
        (["--set", "data.examples=20"], "has 14 training examples, too few for 5 sizes from 8 on"),
        (["--sizes", "2"], "--sizes"),
    ],
)
def test_mistakes(config, dlspec, tmp_path, flags, words, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "t.csv", "\n".join(["a,b", *(f"{n},{n % 2}" for n in range(50))]) + "\n")
    result = dlspec("learning-curve", config, *flags)
    assert (result.code, result.out) == (2, "")
    assert words in result.err
