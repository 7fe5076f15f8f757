"""`dlspec compare`: what differs, what was reached, and whether it is noise."""

import itertools
import json
import shutil

import numpy as np
import pytest

from dlspec import paired_runs
from dlspec.analysis import paired
from dlspec.cli import console
from dlspec.measurement import open_run
from dlspec.predictions import predict
from dlspec.report.assets import SCRIPT

from .commands import write

CONFIG = """\
name: tiny
seed: 3
data: {synthetic: moons, examples: 300, noise: 0.15}
architecture: {layers: [{units: 8}]}
optimizer: {name: adam, learning_rate: 0.03}
batch_size: 16
training: {epochs: 10}
"""
VARIANTS = {
    "good": [],
    "seed": ["seed=4", "data.seed=3", "data.split.seed=3"],
    "bad": ["optimizer.learning_rate=1e-5", "architecture.layers.0.units=1"],
    "split": ["data.split.seed=9"],
    "noise": ["data.noise=0.2"],
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("compare")


@pytest.fixture
def trained(place, dlspec):
    """Runs by the name of their variant."""
    config = write(place / "tiny.yaml", CONFIG)
    for name, overrides in VARIANTS.items():
        if not (place / name).exists():
            flags = [word for override in overrides for word in ("--set", override)]
            assert dlspec("train", config, "--runs-dir", place / name, "-q", *flags).code == 0
    return {name: next((place / name).iterdir()) for name in VARIANTS}


@pytest.fixture
def content(trained, dlspec):
    """What a comparison of all of them says."""
    return dlspec("compare", *trained.values(), "--json").json


def test_the_best_stands_first_and_is_the_reference(content):
    errors = [run["dev_error"] for run in content["runs"]]
    assert errors == sorted(errors)
    assert content["reference"] == content["runs"][0]["path"]
    assert content["runs"][0]["against_reference"] is None


def test_only_what_differs_is_shown(trained, dlspec):
    found = dlspec("compare", trained["good"], trained["bad"], "--json").json
    assert found["differences"] == {"architecture.layers.0.units": [8, 1], "optimizer.learning_rate": [0.03, 1e-05]}


def test_noise_is_called_noise_and_a_difference_worse(trained, dlspec):
    def verdict(name):
        found = dlspec("compare", trained["good"], trained[name], "--json").json
        return next(run["against_reference"]["verdict"] for run in found["runs"] if run["against_reference"])

    assert verdict("seed") == "noise"
    assert verdict("bad") == "worse"


def test_every_pair_is_tested_and_corrected_for_all_of_them(trained, dlspec):
    found = dlspec("compare", trained["good"], trained["seed"], trained["bad"], "--json").json
    paths = [run["path"] for run in found["runs"]]
    assert [(pair["a"], pair["b"]) for pair in found["pairs"]] == [*itertools.combinations(paths, 2)]
    assert found["tests"] == 3
    assert [pair["p_adjusted"] for pair in found["pairs"]] == paired.holm([pair["p"] for pair in found["pairs"]])
    by_pair = {(pair["a"], pair["b"]): pair for pair in found["pairs"]}
    for run in found["runs"][1:]:
        assert run["against_reference"].items() <= by_pair[paths[0], run["path"]].items()
    assert [pair["verdict"] for pair in found["pairs"]] == ["noise", "worse", "worse"]


def test_of_many_runs_those_behind_are_tested_against_the_best_alone(trained, dlspec, monkeypatch):
    monkeypatch.setattr(paired_runs, "AMONG", 2)
    found = dlspec("compare", trained["good"], trained["seed"], trained["bad"], "--json").json
    paths = [run["path"] for run in found["runs"]]
    assert [(pair["a"], pair["b"]) for pair in found["pairs"]] == [(paths[0], paths[1]), (paths[0], paths[2])]


@pytest.mark.parametrize("others", [["good", "seed", "bad"], ["good", "seed"]], ids=["among", "beside"])
def test_a_run_that_was_chosen_before_is_the_only_one_to_be_tested_against(others, trained, dlspec):
    """Also where it is not among the runs."""
    runs = [trained[name] for name in others]
    found = dlspec("compare", *runs, "--against", trained["bad"], "--json").json
    assert found["reference"] == str(trained["bad"])
    assert found["tests"] == 2
    assert {pair["a"] for pair in found["pairs"]} == {str(trained["bad"])}
    tests = {run["path"]: run["against_reference"] for run in found["runs"]}
    assert tests.pop(str(trained["bad"])) is None
    assert [test["verdict"] for test in tests.values()] == ["better", "better"]
    assert "better than run " in dlspec("compare", *runs, "--against", trained["bad"]).out


def test_the_pairs_as_a_table(trained, dlspec):
    names = ["good", "seed", "bad"]
    out = dlspec("compare", *(trained[name] for name in names)).out
    rows = out[out.index("Every pair") :].splitlines()[1:5]
    assert [row.split() for row in rows] == [
        ["run", "1", "2", "3"], ["1", "-", "noise", "better"], ["2", "noise", "-", "better"],
        ["3", "worse", "worse", "-"],
    ]  # fmt: skip
    assert "result   on this dev set run 2 cannot be told from run 1\n" in out
    assert "note     p has Holm's correction for all 3 tests" in out
    page = dlspec("compare", *(trained[name] for name in names), "--html").out
    assert ">Every pair: the run of the row against the run of the column.<" in page
    assert ">On this dev set run 2 cannot be told from run 1.<" in page
    assert "Every pair" not in dlspec("compare", trained["good"], trained["bad"]).out


def test_no_table_is_wider_than_the_terminal(trained, dlspec, monkeypatch):
    runs = [trained[name] for name in ("good", "seed", "bad")]
    monkeypatch.setattr(console, "room_of_terminal", lambda: 80)
    out = dlspec("compare", *runs).out
    assert max(map(len, out[: out.index("\nresult ")].splitlines())) <= 80
    monkeypatch.setattr(console, "room_of_terminal", lambda: 50)
    head, *_, note = dlspec("compare", *runs).out.splitlines()[:5]
    assert head.split() == ["run", "train", "error", "dev", "error"]
    assert note == "         for lack of width without dev_loss; JSON has everything"


@pytest.mark.parametrize(
    ("name", "words"), [("split", "other dev examples than the reference"), ("noise", "other data than the reference")]
)
def test_other_dev_examples_are_not_compared(trained, dlspec, name, words):
    found = dlspec("compare", trained["good"], trained[name], "--json").json
    test = found["runs"][1]["against_reference"]
    assert words in test["label"]
    assert "verdict" not in test


def test_runs_that_differ_in_their_seeds(trained, dlspec):
    found = dlspec("compare", trained["good"], trained["seed"], trained["bad"], "--json").json
    errors = {run["path"]: run["dev_error"] for run in found["runs"]}
    (group,) = found["seeds"]
    assert len(group["runs"]) == 2
    assert group["mean"] == pytest.approx(np.mean([errors[path] for path in group["runs"]]))
    assert group["standard_deviation"] == pytest.approx(np.std([errors[path] for path in group["runs"]], ddof=1))


def test_cost_age_and_machine(content):
    for run in content["runs"]:
        assert 0 < run["seconds"] < 60
        assert 0 < run["age_seconds"] < 600
        assert run["host"]
        assert [curve["quantity"] for curve in run["curves"]] == ["dev_loss", "dev_accuracy"]
        assert [len(curve["value"]) for curve in run["curves"]] == [10, 10]
        assert run["model_kb"] > 0
        assert run["predict_ms"] > 0


def test_the_same_numbers_each_time(trained, dlspec):
    one, two = (dlspec("compare", *trained.values(), "--json").json for _ in range(2))
    for run in (*one["runs"], *two["runs"]):
        del run["age_seconds"]
    assert one == two


def test_the_text(trained, dlspec):
    result = dlspec("compare", trained["good"], trained["bad"])
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].split()[:5] == ["run", "train", "error", "dev", "error"]
    assert any(line.startswith("optimizer.learning_rate") and "1e-05" in line for line in lines)
    assert any("worse" in line for line in lines)
    assert "dev_loss" in result.out


def test_the_page_has_everything_that_the_text_has(trained, dlspec):
    page = dlspec("compare", trained["good"], trained["bad"], "--html").out
    for words in (
        ">Results<", ">Noise or not<", ">Settings that differ<", ">Curves<", ">Cost and age<", ">worse<", ">1e-05<",
        "Loss on dev by epoch, 1 to 10.", "Accuracy on dev by epoch, 1 to 10.", "data-chart=",
        "Content-Security-Policy",
    ):  # fmt: skip
        assert words in page, words


def test_what_the_experiment_optimizes_orders_the_runs(place, dlspec):
    """The best within its limits stands first, whatever its dev error."""
    config = write(place / "asked.yaml", CONFIG)
    runs = []
    for bound, units in (("0.999", 8), ("0.1", 2)):
        out = place / f"asked-{bound}"
        flags = ["evaluation.optimize=f1", f"evaluation.subject_to=[recall >= {bound}]"]
        flags += [f"architecture.layers.0.units={units}"]
        words = [word for flag in flags for word in ("--set", flag)]
        assert dlspec("train", config, "--runs-dir", out, "-q", *words).code == 0
        runs += out.iterdir()
    content = dlspec("compare", *runs, "--json").json
    assert [run["limits"] for run in content["runs"]] == ["met", "not met"]
    assert content["runs"][0]["dev_error"] > content["runs"][1]["dev_error"]
    assert content["runs"][0]["optimize"] == "f1"
    assert [run["limits"] for run in dlspec("compare", *runs, "--sort", "dev_error", "--json").json["runs"]] == [
        "not met",
        "met",
    ]
    head, first, *_ = dlspec("compare", *runs).out.splitlines()
    assert head.split()[-1] == "limits"
    assert first.split()[-1] == "met"


def test_html_shows_hostile_names_as_text(trained, dlspec, tmp_path):
    copy = shutil.copytree(trained["good"], tmp_path / "<img src=x onerror=alert(1)>")
    record = json.loads((copy / "run.json").read_text())
    record |= {"run": "<script>alert(1)</script>", "process": {"host": "<b>host</b>"}}
    (copy / "run.json").write_text(json.dumps(record))
    page = dlspec("compare", copy, trained["bad"], "--html").out
    assert page.startswith("<!DOCTYPE html>")
    assert page.rstrip().endswith("</html>")
    page = page.replace(f"<script>{SCRIPT}</script>", "")
    for tag in ("<img", "<script", "<b>", "http:", "https:"):
        assert tag not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_a_run_that_was_killed_is_still_listed(trained, dlspec, tmp_path):
    copy = shutil.copytree(trained["good"], tmp_path / "killed")
    record = json.loads((copy / "run.json").read_text())
    (copy / "run.json").write_text(json.dumps(record | {"status": "running"}))
    shutil.rmtree(copy / "checkpoints")
    found = dlspec("compare", trained["bad"], copy, "--sort", "-dev_error", "--json").json
    assert [run["status"] for run in found["runs"]] == ["finished", "killed"]
    assert found["runs"][1]["against_reference"]["label"].startswith("cannot be measured: ")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--json", "--html"], "keep one of the two"),
        (["--where", "optimizer.name == sgd"], "no run fits --where"),
        (["nowhere"], "no such run"),
    ],
)
def test_mistakes(trained, dlspec, flags, words):
    result = dlspec("compare", *flags, "--runs-dir", trained["good"].parent)
    assert (result.code, result.out) == (2, "")
    assert words in result.err
    assert len(result.err.splitlines()) == 1


# --- what a model says of each example -------------------------------------------------------------------

TASKS = {
    "two classes": "data: {synthetic: moons, examples: 80}\n",
    "classes": "data: {path: table.csv, target: c}\n",
    "regression": "data: {path: numbers.csv, target: [a, b], task: regression}\n",
    "labels": "data: {path: labels.csv, target: [y1, y2], task: multi_task}\n",
}


@pytest.mark.parametrize("task", TASKS)
def test_mistakes_add_up_to_the_error(task, dlspec, tmp_path, rng):
    pairs = rng.standard_normal((60, 2))
    tables = {
        "table.csv": ["a,b,c", *(f"{a},{b},{'xyz'[i % 3]}" for i, (a, b) in enumerate(pairs))],
        "numbers.csv": ["a,b,d", *(f"{a},{b},{a * b}" for a, b in pairs)],
        "labels.csv": ["a,y1,y2", *(f"{a},{int(a > 0)},{['0', '1', ''][i % 3]}" for i, (a, _) in enumerate(pairs))],
    }
    for name, rows in tables.items():
        write(tmp_path / name, "\n".join(rows) + "\n")
    config = write(tmp_path / "a.yaml", TASKS[task] + "training: {epochs: 3}\n")
    result = dlspec("train", config, "--runs-dir", tmp_path / "runs", "--json")
    assert result.code == 0, result.err
    dev = next(split for split in result.json["splits"] if split["split"] == "dev")
    found = predict(open_run(next((tmp_path / "runs").iterdir())), split="dev")
    assert np.nanmean(found.mistakes) == pytest.approx(dev["error"], rel=1e-6)
    assert found.losses.mean() == pytest.approx(dev["loss"], rel=1e-6)
