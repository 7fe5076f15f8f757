"""A run of the format before: read, evaluated and resumed as one of today."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from dlspec import measurement, runner
from dlspec.config import loader
from dlspec.preparation import prepare
from dlspec.run import checkpoint, checkpoints, format1
from dlspec.run.record import read_record

GOLDEN = Path(__file__).parent.parent / "golden" / "format1"


@pytest.fixture
def old(tmp_path):
    return Path(shutil.copytree(GOLDEN, tmp_path / "runs" / "old"))


def test_its_record_has_one_segment(old):
    record = read_record(old)
    assert (record["format"], record["status"], record["lineage"]) == (2, "finished", [])
    assert [segment["config"] for segment in record["segments"]] == ["config.resolved.yaml"]
    assert "overrides" not in record


@pytest.mark.parametrize(("parameters", "epoch"), [(None, 3), ("last", 3), ("best", 3)])
def test_it_can_be_evaluated(parameters, epoch, old):
    evaluated = measurement.evaluate(measurement.open_run(old, parameters=parameters), split="all")
    assert evaluated.epoch == epoch
    expected = json.loads((old / "report.json").read_text())["splits"]
    for found, reported in zip(evaluated.splits, expected, strict=True):
        assert found["loss"] == pytest.approx(reported["loss"], rel=1e-5)
        assert found["accuracy"] == reported["accuracy"]


def drawn_as_then(rng, shape):
    """The numbers of dropout from float32, as the dlspec that wrote the run drew them."""
    u = np.empty(shape, np.uint16)

    def draw():
        u[...] = 65_536 * rng.random(shape, dtype=np.float32)

    return draw, u


def test_it_goes_on_as_the_same_run_of_today(old, tmp_path, monkeypatch):
    monkeypatch.setattr("dlspec.core.layers.uniform_16_bits", drawn_as_then)
    loaded = loader.load(old / "config.yaml", ["training.epochs=6"])
    straight = runner.train(prepare(loaded), runs_dir=tmp_path / "straight").run
    outcome = runner.resume(old, overrides=["training.epochs=6"], allow_inexact=True)
    assert outcome.finished.epoch == 6
    one, two = (checkpoint.load(checkpoints.of_name(run, "last")) for run in (straight, old))
    for name, array in one.parameters.items():  # equal in bits on the machine that wrote it
        np.testing.assert_allclose(two.parameters[name], array, rtol=1e-4, atol=1e-6)
    assert one.progress["rng"] == two.progress["rng"]
    rows = [json.loads(line) for line in (old / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5, 6]


def test_a_state_in_the_midst_of_an_epoch(old):
    saved = checkpoint.load(old / "checkpoints" / "last.h5")
    saved.progress.update(epoch=2, batch=2, step=8)
    metrics = (old / "metrics.jsonl").read_bytes()
    progress = format1.continued(saved, batch_size=16, examples=36, metrics=metrics + b'{"epoch": 4').progress
    assert (progress["epoch"], progress["seen"], progress["segment"]) == (2, 32, 1)
    assert progress["metrics_bytes"] == sum(len(line) + 1 for line in metrics.split(b"\n")[:2])
