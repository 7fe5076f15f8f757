"""Experiments whose data is read in parts: what they measure, and what does not go together."""

import io

import h5py
import numpy as np
import pytest
from rich.console import Console

from dlspec import gradcheck, measurement, runner
from dlspec.cli.training import introduce
from dlspec.config import loader
from dlspec.errors import ConfigError, DataError
from dlspec.preparation import prepare
from dlspec.run.health import read_health
from dlspec.training.events import EpochDone

CONFIG = """\
data: {path: a.h5, memory: 100kB, split: {ratios: 60/20/20}}
architecture: {layers: [{units: 4}]}
batch_size: 32
training: {epochs: 2}
"""


@pytest.fixture
def place(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3000, 8))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", data=x, chunks=(50, 8))
        file["y"] = np.digitize(x[:, 0] + 0.3 * rng.standard_normal(3000), [-0.5, 0.5])
        file["numbers"] = x[:, :2] + rng.standard_normal((3000, 2))
        file["labels"] = np.where(x[:, 2:4] > 1, -1, x[:, :2] > 0)
    return tmp_path


def prepared(place, *overrides, text=CONFIG):
    path = place / "a.yaml"
    path.write_text(text)
    return prepare(loader.load(path, overrides))


def trained(place, *overrides):
    epochs = []
    watch = lambda event: epochs.append(event.quantities) if isinstance(event, EpochDone) else None  # noqa: E731
    return runner.train(prepared(place, *overrides), runs_dir=place / "runs", watcher=watch), epochs


@pytest.mark.parametrize(
    "overrides",
    [(), ("data.y=numbers",), ("data.y=labels", "data.task=multi_task"), ("training.class_weight=balanced",)],
)
def test_splits_are_measured_as_in_memory(place, overrides):
    outcome, epochs = trained(place, "evaluation.test=true", *overrides)
    splits = outcome.report["splits"]
    config = outcome.run / "config.resolved.yaml"
    config.write_text(config.read_text().replace("memory: 100kB", "memory: null"))
    in_memory = measurement.evaluate(measurement.open_run(outcome.run), split="all").splits
    assert [split["examples"] for split in splits] == [1800, 600, 600]
    for found, expected in zip(splits, in_memory, strict=True):
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            assert found[key] == (pytest.approx(value, rel=1e-6) if isinstance(value, float) else value), key
    assert epochs[-1]["dev_loss"] == splits[1]["loss"]


@pytest.mark.parametrize("overrides", [(), ("training.class_weight=balanced",), ("data.y=numbers",)])
def test_the_health_of_a_run_is_sampled(place, overrides):
    outcome, _ = trained(place, *overrides)
    samples = read_health(outcome.run)
    assert [sample["epoch"] for sample in samples] == [0, 2]
    assert samples[0]["inputs"]["rms"] == pytest.approx(1, abs=0.1)
    assert all(layer["gradient_norm"] > 0 for sample in samples for layer in sample["layers"])
    assert outcome.report["health"]["initial"] == samples[0]["layers"]
    assert outcome.predict_ms > 0


def test_runs_are_measured_again_and_averaged(place):
    runs = [trained(place, f"seed={seed}", "data.split.seed=1")[0] for seed in (1, 2)]
    members = [measurement.open_run(outcome.run) for outcome in runs]
    again = measurement.evaluate(members[0], split="dev").splits[0]
    assert again == runs[0].report["splits"][1]
    (both,) = measurement.evaluate_ensemble(members, split="dev")
    assert both["examples"] == 600
    other = measurement.open_run(trained(place, "seed=3")[0].run)
    with pytest.raises(measurement.UsageError, match="has other examples in train"):
        measurement.evaluate_ensemble([members[0], other], split="dev")


def test_what_is_trained_is_said_to_be_streamed(place):
    notes = Console(file=io.StringIO(), width=100)
    introduce(notes, prepared(place))
    assert "1,800 train, 600 dev, 600 test; 8 features, 3 classes; streamed" in notes.file.getvalue()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("batch_size=all",), "batch_size: all needs all examples in memory; leave it out, or data.memory"),
        (("augmentation={shift: 1}",), "augmentation needs all examples in memory; leave it out, or data.memory"),
        (("data.sample_weight=w",), "data.sample_weight needs all examples in memory; leave it out, or data.memory"),
        (("batch_size=600",), "data.memory: leaves a buffer of 393 examples to shuffle in; expected room for two "
                              "batches of 600: more memory, or a smaller batch_size"),
        (("data.memory=0MB",), "data.memory: found '0MB'; expected a size such as 512MB or 2GB"),
        (("data.memory=1..2MB",), "data.memory: found '1..2MB'; expected a size such as 512MB or 2GB"),
    ],
)  # fmt: skip
def test_what_does_not_go_together(place, overrides, message):
    with pytest.raises(ConfigError) as caught:
        prepared(place, *overrides)
    assert str(caught.value).endswith(message)


def test_a_gradient_check_needs_all_examples(place):
    path = place / "a.yaml"
    path.write_text(CONFIG)
    with pytest.raises(
        DataError, match=r"a\.h5: is read in parts, but this needs all examples; leave out data\.memory"
    ):
        list(gradcheck.run(gradcheck.prepare(loader.load(path))))


def test_an_error_in_the_midst_of_an_epoch_ends_the_run(place):
    ready = prepared(place)
    with (place / "a.h5").open("ab") as file:
        file.write(b"more")
    with pytest.raises(DataError, match="has changed while it was trained on"):
        runner.train(ready, runs_dir=place / "runs")
