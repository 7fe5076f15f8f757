"""How often train and dev are measured, and how much of train: by sizes alone."""

import json

import pytest

from dlspec import builder, experiment_data, resolver, runner
from dlspec.config import loader
from dlspec.errors import ConfigError
from dlspec.preparation import prepare


def resolved(text, place, *, examples=1000):
    path = place / "a.yaml"
    split = "split: {ratios: 80/20}"
    path.write_text(f"data: {{synthetic: moons, examples: {examples}, {split}}}\n" + text)
    loaded = loader.load(path)
    return resolver.resolve(loaded, experiment_data.load_data(loaded), cores=1)


# A step of 2-10-1 takes 2 · 8 µs and its products, 30 multiply-adds an example, 3 · 30 / 50,000 µs for each: with 1,000
# examples, 800 of them train, a measurement takes 60 + 1,000 · 30 / 50,000 = 60.6 µs. It may take 3 % of an epoch.
SMALL = "architecture: {layers: [{units: 10}]}\n"
# 2-1000-1000-1: 1,003,000 multiply-adds, 20.06 µs an example. Measuring takes 60 + 20,060 µs.
LARGE = "architecture: {layers: [{units: 1000}, {units: 1000}]}\n"


@pytest.mark.parametrize(
    ("text", "every"),
    [
        # one step of 16 + 800 · 3 · 30 / 50,000 = 17.44 µs: 60.6 / (0.03 · 17.44) = 115.8
        (SMALL + "batch_size: all\ntraining: {epochs: 10000}", 116),
        (SMALL + "batch_size: all\ntraining: {epochs: 2000}", 66),  # 30 measurements at least
        (SMALL + "batch_size: all\ntraining: {epochs: 59}", 1),
        (SMALL + "batch_size: all\ntraining: {epochs: 60}", 2),
        # 13 steps: 208 + 1.44 µs; 60.6 / (0.03 · 209.44) = 9.6
        (SMALL + "batch_size: 64\ntraining: {epochs: 10000}", 10),
        # 800 steps: 12,800 + 1.44 µs, of which 60.6 are less than a twentieth
        (SMALL + "batch_size: 1\ntraining: {epochs: 10000}", 1),
        # 13 steps: 13 · 24 + 800 · 3 · 20.06 = 48,456 µs; 20,120 / (0.03 · 48,456) = 13.8
        (LARGE + "batch_size: 64\ntraining: {epochs: 10000}", 14),
        # of 800 only 100 are measured, and dev: 60 + 300 · 20.06 = 6,078; 6,078 / (0.03 · 48,456) = 4.2
        (LARGE + "batch_size: 64\ntraining: {epochs: 10000}\nevaluation: {train_examples: 100}", 5),
        # five within the patience of either
        (LARGE + "batch_size: 64\ntraining: {epochs: 10000, early_stopping: {patience: 40}}", 8),
        (LARGE + "batch_size: 64\ntraining: {epochs: 10000, early_stopping: {patience: 3}}", 1),
        (LARGE + "batch_size: 64\ntraining: {epochs: 10000}\ndecay: {name: plateau, patience: 10}", 2),
        (
            LARGE + "batch_size: 64\ntraining: {epochs: 10000, early_stopping: {patience: 50}}\n"
            "decay: {name: plateau, patience: 20}",
            4,
        ),
        (SMALL + "batch_size: all\ntraining: {epochs: 10000}\nevaluation: {every: 3}", 3),
        (SMALL + "training: {epochs: 5}\nevaluation: {every: 300}", 300),
    ],
)
def test_epochs_from_one_measurement_to_the_next(text, every, tmp_path):
    assert resolved(text, tmp_path).evaluation.every == every


@pytest.mark.parametrize(
    ("examples", "text", "sample"),
    [
        (1_000, "", 2_000),
        (49_000, "", 2_000),
        (100_000, "", 4_000),
        (400_000, "", 10_000),
        (1_000, "evaluation: {train_examples: 7}", 7),
        (1_000, "evaluation: {train_examples: all}", "all"),
    ],
)
def test_train_examples_that_are_measured(examples, text, sample, tmp_path):
    assert resolved(text, tmp_path, examples=examples).evaluation.train_examples == sample


@pytest.mark.parametrize(
    ("text", "where", "patience"),
    [
        ("training: {early_stopping: {patience: 4}}\n", r"3:39: training\.early_stopping\.patience", 4),
        ("decay: {name: plateau, patience: 2}\n", r"3:34: decay\.patience", 2),
        ("decay: plateau\n", r"3:8: decay\.patience", 5),
    ],
)
def test_patience_that_ends_before_the_next_measurement(text, where, patience, tmp_path):
    words = f"found {patience} epochs, but train and dev are measured every 6 of them; expected at least 6, or a small"
    with pytest.raises(ConfigError, match=rf"{where}: {words}"):
        resolved("evaluation: {every: 6}\n" + text, tmp_path)


@pytest.mark.parametrize(
    ("text", "measured"),
    [
        ("training: {epochs: 10}\nevaluation: {every: 4}", [1, 4, 8, 10]),
        ("training: {epochs: 8}\nevaluation: {every: 4}", [1, 4, 8]),
        ("training: {epochs: 3}\nevaluation: {every: 4}", [1, 3]),
        ("training: {epochs: 3}\nevaluation: {every: 1}", [1, 2, 3]),
        # the members of a snapshot ensemble have a row each
        ("training: {epochs: 9}\nevaluation: {every: 4}\ndecay: {name: cosine, cycles: 3}", [1, 3, 4, 6, 8, 9]),
    ],
)
def test_the_first_and_the_last_epoch_are_measured_too(text, measured, tmp_path):
    is_measured = builder.build_is_measured(resolved(text, tmp_path), steps_per_epoch=5)
    assert [epoch for epoch in range(1, 11) if is_measured(epoch)][: len(measured)] == measured


def test_a_run_has_a_row_for_each_measurement_and_trains_alike(tmp_path):
    def run(name, every):
        text = f"name: {name}\n{SMALL}training: {{epochs: 10}}\nevaluation: {{every: {every}}}"
        resolved(text, tmp_path, examples=100)
        outcome = runner.train(prepare(loader.load(tmp_path / "a.yaml")), runs_dir=tmp_path / "runs")
        return outcome.report, [json.loads(line) for line in (outcome.run / "metrics.jsonl").read_text().splitlines()]

    every, seldom = run("a", 1), run("b", 4)
    assert [row["epoch"] for row in seldom[1]] == [1, 4, 8, 10]
    for row in seldom[1]:
        assert row | {"improved": None} == every[1][row["epoch"] - 1] | {"improved": None}
    assert seldom[0]["splits"] == every[0]["splits"]
