"""Whole runs in float32 and float64, with one thread and two: repeatable in bits, and equal within rounding."""

import itertools
import json

import pytest

from dlspec import preparation, runner
from dlspec.config import loader
from dlspec.run import checkpoints

EXPERIMENT = b"""\
data: {synthetic: spirals, examples: 1500, noise: 0.1, split: {ratios: 60/20/20}}
architecture: {layers: [{units: 300, batch_norm: true}, {units: 300, keep_prob: 0.8}]}
regularization: {l2: 0.1}
optimizer: {name: adam, learning_rate: 1e-3}
batch_size: 256
training: {epochs: 3}
"""
SETTINGS = list(itertools.product(["float32", "float64"], [1, 2]))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Twice every dtype × threads: (bytes of the last checkpoint, rows of the metrics)."""
    place = tmp_path_factory.mktemp("numerics")
    results = {}
    for dtype, threads in SETTINGS:
        overrides = [f"dtype={dtype}", f"threads={threads}"]
        loaded = loader.parse(EXPERIMENT, path=place / "experiment.yaml", overrides=overrides)
        twice = [runner.train(preparation.prepare(loaded), runs_dir=place / "runs").run for _ in range(2)]
        results[dtype, threads] = [
            (
                checkpoints.of_name(run, "last").read_bytes(),
                [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()],
            )
            for run in twice
        ]
    return results


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_same_setting_gives_the_same_bytes(runs, setting):
    first, second = runs[setting]
    assert first == second


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-3), ("float64", 1e-9)])
def test_the_number_of_threads_changes_rounding_only(runs, dtype, tolerance):
    (_, one), (_, two) = runs[dtype, 1][0], runs[dtype, 2][0]
    for a, b in zip(one, two, strict=True):
        assert a["train_loss"] == pytest.approx(b["train_loss"], rel=tolerance)
        assert a["dev_loss"] == pytest.approx(b["dev_loss"], rel=tolerance)


@pytest.mark.parametrize("threads", [1, 2])
def test_float32_follows_float64(runs, threads):
    (_, single), (_, double) = runs["float32", threads][0], runs["float64", threads][0]
    for a, b in zip(single, double, strict=True):
        assert a["train_loss"] == pytest.approx(b["train_loss"], rel=5e-3)
        assert a["learning_rate"] == b["learning_rate"]
