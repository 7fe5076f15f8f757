"""What is measured of a large training set after each epoch."""

import json

import h5py
import numpy as np
import pytest

from dlspec import runner
from dlspec.config import loader
from dlspec.core.randomness import stream
from dlspec.data.dataset import Examples
from dlspec.errors import UsageError
from dlspec.preparation import prepare
from dlspec.training.evaluation import Evaluator

CONFIG = """\
data: {path: a.h5, split: {ratios: 80/20}}
architecture: {layers: [{units: 4}]}
batch_size: 32
training: {epochs: 3}
evaluation: {train_examples: 100}
"""


@pytest.fixture
def place(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1000, 3))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", data=x, chunks=(50, 3))
        file["y"] = (x[:, 0] + 0.5 * rng.standard_normal(1000) > 0).astype(int)
    (tmp_path / "a.yaml").write_text(CONFIG)
    return tmp_path


def measured_in(place, monkeypatch, *overrides):
    """Sizes of what each epoch measures, by split, and the outcome."""
    sizes = []
    real = Evaluator.measure

    def measure(self, split, examples=None):
        sizes.append((split, len(self.splits[split] if examples is None else examples)))
        return real(self, split, examples)

    monkeypatch.setattr(Evaluator, "measure", measure)
    outcome = runner.train(prepare(loader.load(place / "a.yaml", overrides)), runs_dir=place / "runs")
    return sizes, outcome


@pytest.mark.parametrize(
    ("overrides", "train"),
    [
        ((), 100),
        (("evaluation.train_examples=all",), 800),
        (("evaluation.train_examples=800",), 800),
        (("evaluation.train_examples=799",), 799),
        (("batch_size=all",), 800),  # that J falls in every step can be seen only in all of it
        (("data.memory=100kB",), 55),  # 1/64 of 100 kB, 28 bytes per example
    ],
)
def test_so_many_examples_are_measured(overrides, train, place, monkeypatch):
    sizes, outcome = measured_in(place, monkeypatch, *overrides)
    assert sizes == [("train", train), ("dev", 200)] * 3
    assert [split["examples"] for split in outcome.report["splits"]] == [800, 200]  # the report measures all


def test_the_sample_is_random_and_follows_from_the_seed():
    X = np.arange(1000.0)[:, np.newaxis]
    examples = Examples(X, np.arange(1000), np.arange(1000))
    x, y = examples.sample(50, 3)
    expected = np.sort(stream(3, "sample").choice(1000, 50, replace=False, shuffle=False))
    assert x[:, 0].tolist() == y.tolist() == expected.tolist()
    assert len(set(expected.tolist())) == 50
    assert not np.array_equal(examples.sample(50, 4)[1], y)


def test_what_is_recorded_is_what_the_sample_gives(place, monkeypatch):
    _, outcome = measured_in(place, monkeypatch, "training.epochs=1")
    (row,) = [json.loads(line) for line in (outcome.run / "metrics.jsonl").read_text().splitlines()]
    prepared = prepare(loader.load(place / "a.yaml"))
    _, Y = prepared.dataset.splits["train"].sample(100, prepared.experiment.seed)
    assert (row["train_accuracy"] * 100) == pytest.approx(round(row["train_accuracy"] * 100))  # of 100 examples
    assert row["train_accuracy"] != outcome.report["splits"][0]["accuracy"]
    assert len(Y) == 100


def test_the_sample_stays_the_same_in_a_run(place, monkeypatch):
    _, outcome = measured_in(place, monkeypatch)
    with pytest.raises(UsageError, match="the metrics so far are of these examples"):
        runner.resume(outcome.run, overrides=["evaluation.train_examples=all", "training.epochs=4"])
