"""`dlspec ensemble`: runs, seeds of one experiment, snapshots of one run."""

import json

import pytest

from .commands import write

EXPERIMENT = """\
name: moons
seed: 7
data: {synthetic: moons, examples: 200, noise: 0.2, split: {ratios: 60/20/20}}
architecture: {layers: [{units: 6}]}
optimizer: {name: adam, learning_rate: 0.03}
training: {epochs: 4}
"""


@pytest.fixture
def experiment(tmp_path):
    return write(tmp_path / "moons.yaml", EXPERIMENT)


@pytest.fixture
def trained(experiment, dlspec, tmp_path):
    """A function that trains the experiment with overrides and gives its run directory."""

    def train(*overrides):
        flags = [word for override in overrides for word in ("--set", override)]
        result = dlspec("train", experiment, "--runs-dir", tmp_path / "runs", "--json", *flags)
        assert result.code == 0, result.err
        return result.json["run"]

    return train


def test_runs_are_averaged(trained, dlspec):
    runs = [trained("data.split.seed=7", "data.seed=7", f"seed={seed}") for seed in (7, 8)]
    result = dlspec("ensemble", *runs, "--split", "test", "--json").json
    assert [member["run"] for member in result["members"]] == runs
    assert [row["split"] for row in result["ensemble"]] == ["test"]
    losses = [member["splits"][0]["loss"] for member in result["members"]]
    # The loss is convex in the outputs: the mean of the outputs is never worse than the mean of the losses.
    assert result["ensemble"][0]["loss"] <= sum(losses) / 2
    assert result["ensemble"][0]["loss"] not in losses


def test_a_run_averaged_with_its_twin_is_that_run(trained, dlspec):
    result = dlspec("ensemble", trained(), trained(), "--json").json
    alone = result["members"][0]["splits"][0]
    assert result["ensemble"][0]["confusion_matrix"] == alone["confusion_matrix"]
    assert result["ensemble"][0]["loss"] == pytest.approx(alone["loss"], rel=1e-5)


def test_seeds_of_one_experiment_share_data_and_split(experiment, dlspec, tmp_path):
    runs = tmp_path / "runs"
    result = dlspec("ensemble", experiment, "--seeds", "3", "--runs-dir", runs, "--split", "all", "--json")
    assert result.code == 0, result.err
    records = [json.loads((run / "run.json").read_text()) for run in sorted(runs.iterdir())]
    assert [[segment["overrides"] for segment in record["segments"]] for record in records] == [
        [[f"seed={seed}", "data.split.seed=7", "data.seed=7"]] for seed in (7, 8, 9)
    ]
    assert len({record["data"]["sha256"] for record in records}) == 1
    assert [row["split"] for row in result.json["ensemble"]] == ["train", "dev", "test"]
    assert len({member["splits"][0]["loss"] for member in result.json["members"]}) == 3


def test_snapshots_of_one_run(trained, dlspec, tmp_path):
    run = trained("decay={name: cosine, cycles: 3}", "training.epochs=7")
    names = sorted(path.name for path in (tmp_path / "runs").glob("*/checkpoints/snapshot-*"))
    assert names == ["snapshot-1.h5", "snapshot-2.h5", "snapshot-3.h5"]
    result = dlspec("ensemble", run, "--snapshots", "--json").json
    # Cycles of ⌈c · 7/3⌉ epochs end after epochs 3, 5 and 7.
    assert [(member["parameters"], member["epoch"]) for member in result["members"]] == [
        ("snapshot-1", 3),
        ("snapshot-2", 5),
        ("snapshot-3", 7),
    ]
    last = dlspec("evaluate", run, "--parameters", "last", "--json").json["splits"]
    assert result["members"][2]["splits"] == last


def test_the_table_names_the_members(trained, dlspec):
    run = trained()
    out = dlspec("ensemble", run, trained()).out.splitlines()
    assert out[0] == "dev"
    assert out[-1].startswith("ensemble ")
    assert out[2].startswith(f"{run.rsplit('/', 1)[-1]} last")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["RUN"], "RUN: an ensemble needs at least two members; name more runs, or add --snapshots"),
        (["exp.yaml"], "exp.yaml: an experiment file needs --seeds N, which trains it with N seeds first"),
        (["RUN", "RUN/checkpoints"], "RUN/checkpoints: is the same run as RUN; name each run once"),
        (["RUN", "RUN", "--snapshots"], "found 2 names; --seeds takes one experiment file and --snapshots one run"),
        (["RUN", "--snapshots"], "RUN: has no snapshots; train with decay: {name: cosine, cycles: 5}"),
        (["RUN", "RUN", "--set", "seed=3"], "--set changes an experiment that is trained; it needs --seeds"),
    ],
)
def test_wrong_arguments(arguments, message, trained, dlspec):
    run = trained()
    result = dlspec("ensemble", *(word.replace("RUN", run) for word in arguments))
    assert (result.code, result.out) == (2, "")
    assert result.err == f"{message.replace('RUN', run)}\n"


@pytest.mark.parametrize(
    ("override", "difference"),
    [
        ("data.split.seed=8", "has other examples in train than"),
        ("data.noise=0.3", "has other data than"),
        ("data.normalize=none", "normalises its data otherwise than"),
    ],
)
def test_members_must_share_their_examples(override, difference, trained, dlspec):
    runs = [trained(), trained(override)]
    result = dlspec("ensemble", *runs)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"{runs[1]}: {difference} {runs[0]}")
