"""Experiments at the edge of what fits: odd ratios, links, one example, cycles that do not fit, costs out of range."""

import json

import numpy as np
import pytest

from .commands import only_run, write

MOONS = """\
data: {synthetic: moons, examples: 60, split: {ratios: 60/20/20}}
architecture: {layers: [{units: 3}]}
training: {epochs: 3}
"""


@pytest.fixture
def moons(tmp_path):
    return write(tmp_path / "moons.yaml", MOONS)


def test_a_test_set_out_of_range_is_null_in_the_report(dlspec, tmp_path):
    rows = np.random.default_rng(0).standard_normal((30, 2))
    for name, targets in (("train", rows[:, 1]), ("dev", rows[:, 1]), ("test", [1e25] * 30)):
        lines = [f"{x!r},{y!r}" for x, y in zip(rows[:, 0].tolist(), list(map(float, targets)), strict=True)]
        write(tmp_path / f"{name}.csv", "\n".join(["x,y", *lines]) + "\n")
    config = write(
        tmp_path / "exp.yaml",
        "data: {train: train.csv, dev: dev.csv, test: test.csv, task: regression}\ntraining: {epochs: 1}\n"
        "evaluation: {test: true}\n",
    )
    result = dlspec("train", config, "--runs-dir", tmp_path / "runs", "--json")
    assert result.code == 0, result.err
    assert result.json["splits"][2]["loss"] is None
    report = json.loads((only_run(tmp_path / "runs") / "report.json").read_text())
    assert report["splits"][2]["cost"] is None
    assert report["splits"][1]["cost"] > 0


def test_thirds_are_resolved_as_they_were_written(moons, dlspec, tmp_path):
    thirds = "33.3333333333/33.3333333333/33.3333333334"
    assert dlspec("train", moons, "--runs-dir", tmp_path / "runs", "--set", f"data.split.ratios={thirds}").code == 0
    run = only_run(tmp_path / "runs")
    assert thirds in (run / "config.resolved.yaml").read_text()
    assert dlspec("evaluate", run).code == 0


def test_a_link_to_a_data_file_keeps_its_own_name(dlspec, tmp_path):
    (tmp_path / "store").mkdir()
    lines = [f"{x},{'ab'[x % 2]}" for x in range(40)]
    write(tmp_path / "store" / "abc123", "\n".join(["x,y", *lines]) + "\n")
    (tmp_path / "link.csv").symlink_to(tmp_path / "store" / "abc123")
    config = write(tmp_path / "exp.yaml", "data: {path: link.csv}\ntraining: {epochs: 1}\n")
    assert dlspec("train", config, "--runs-dir", tmp_path / "runs").code == 0
    assert dlspec("evaluate", only_run(tmp_path / "runs")).code == 0


def test_members_whose_classes_stand_in_another_order_are_no_ensemble(dlspec, tmp_path):
    lines = [f"{x},{'cat' if x % 2 else 'dog'}" for x in range(40)]
    write(tmp_path / "pets.csv", "\n".join(["x,y", *lines]) + "\n")
    runs = []
    for classes in ("[cat, dog]", "[dog, cat]"):
        config = write(
            tmp_path / "exp.yaml", f"data: {{path: pets.csv, classes: {classes}}}\ntraining: {{epochs: 1}}\n"
        )
        runs.append(dlspec("train", config, "--runs-dir", tmp_path / "runs", "--json").json["run"])
    result = dlspec("ensemble", *runs)
    assert (result.code, result.err) == (
        2,
        f"{runs[1]}: has other classes than {runs[0]}; an ensemble needs the same\n",
    )


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("decay={name: cosine, cycles: 4}", "decay.cycles: found 4, but only 3 epochs are left; expected no more"),
        ("decay={name: constant, warmup: 3}", "decay.warmup: found 3, but the run has 3 epochs; expected less"),
    ],
)
def test_what_does_not_fit_into_the_run_is_refused(override, message, moons, dlspec, tmp_path):
    result = dlspec("train", moons, "--runs-dir", tmp_path / "runs", "--set", override)
    assert result.code == 2
    assert result.err.endswith(f"{message}\n")
    assert not (tmp_path / "runs").exists()


def test_a_cycle_that_ends_in_the_midst_of_an_epoch_leaves_no_snapshot(moons, dlspec, tmp_path):
    flags = ("--set", "decay={name: cosine, cycles: 2, per: step}", "--set", "batch_size=12")
    assert dlspec("train", moons, "--runs-dir", tmp_path / "runs", *flags).code == 0  # 9 steps, 3 per epoch
    assert not list(only_run(tmp_path / "runs").glob("checkpoints/snapshot-*"))


@pytest.mark.parametrize("size", ["all", 1])
def test_batch_norm_on_one_training_example_is_refused_before_the_run(size, dlspec, tmp_path):
    for name, rows in (("train", ["0,1.5"]), ("dev", ["1,2.5", "2,3.5"])):
        write(tmp_path / f"{name}.csv", "\n".join(["x,y", *rows]) + "\n")
    config = write(
        tmp_path / "exp.yaml",
        f"data: {{train: train.csv, dev: dev.csv, task: regression}}\nbatch_size: {size}\n"
        "architecture: {layers: [{units: 3, batch_norm: true}]}\n",
    )
    result = dlspec("train", config, "--runs-dir", tmp_path / "runs")
    assert (result.code, len(result.err.splitlines())) == (2, 1)
    assert "there is 1 training example" in result.err
    assert not (tmp_path / "runs").exists()


def test_the_size_that_is_suggested_is_accepted(dlspec, tmp_path):
    rows = [f"{x},{x}.5" for x in range(7)]
    for name in ("train", "dev"):
        write(tmp_path / f"{name}.csv", "\n".join(["x,y", *rows]) + "\n")
    config = write(
        tmp_path / "exp.yaml",
        "data: {train: train.csv, dev: dev.csv, task: regression}\nbatch_size: 1\ntraining: {epochs: 1}\n"
        "architecture: {layers: [{units: 3, batch_norm: true}]}\n",
    )
    result = dlspec("train", config, "--runs-dir", tmp_path / "runs")
    assert result.err.endswith("such as 4\n")
    assert dlspec("train", config, "--runs-dir", tmp_path / "runs", "--set", "batch_size=4").code == 0


def test_a_damaged_record_is_one_line(moons, dlspec, tmp_path):
    assert dlspec("train", moons, "--runs-dir", tmp_path / "runs").code == 0
    run = only_run(tmp_path / "runs")
    record = json.loads((run / "run.json").read_text())
    for missing in ("format", "status", "result", "data"):
        (run / "run.json").write_text(json.dumps({name: value for name, value in record.items() if name != missing}))
        result = dlspec("evaluate", run)
        assert (result.code, result.err) == (1, f"{run / 'run.json'}: has no {missing!r}; the file is damaged\n")


def test_seeds_of_an_ensemble_can_be_trained_again_from_their_records(moons, dlspec, tmp_path):
    assert dlspec("ensemble", moons, "--seeds", "2", "--runs-dir", tmp_path / "runs").code == 0
    second = sorted((tmp_path / "runs").iterdir())[1]
    overrides = json.loads((second / "run.json").read_text())["segments"][0]["overrides"]
    flags = [word for override in overrides for word in ("--set", override)]
    assert dlspec("train", moons, "--runs-dir", tmp_path / "again", *flags).code == 0
    again = only_run(tmp_path / "again")
    assert (again / "metrics.jsonl").read_bytes() == (second / "metrics.jsonl").read_bytes()
