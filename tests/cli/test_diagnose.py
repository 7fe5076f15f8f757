"""`dlspec diagnose RUN`: what it shows, and what it writes anew."""

import errno
import json
import os
import shutil
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from dlspec.run import directory, storage
from dlspec.run.storage import FileSystem

from .commands import TINY, files_in, only_run, write, write_table

FORMAT1 = Path(__file__).parent.parent / "golden" / "format1"


@pytest.fixture
def run(trained, tmp_path):
    """A finished run that a test may change."""
    return shutil.copytree(trained[0], tmp_path / "run")


def test_the_page_is_written_anew_byte_for_byte(run, dlspec):
    before = files_in(run)
    for name in ("report.html", "report.md"):
        (run / name).unlink()
    assert dlspec("diagnose", run).code == 0
    assert files_in(run) == before


def test_the_panel(run, dlspec):
    content = json.loads((run / "report.json").read_text())
    content["diagnosis"] |= {"verdict": "high bias", "notes": ["a note"]}
    content["actions"] = [
        {
            "action": "train longer", "gap": "bias", "knob": "train", "reason": "the cost still falls",
            "effect": "less bias", "set": ["training.epochs=60", "a=b c"],
        }
    ]  # fmt: skip
    content["health"] = {
        "findings": [{"message": "layer 1 is dead", "layer": 1, "epoch": 2, "value": 1, "threshold": 0}]
    }
    content["segments"].append({"epoch": 1, "step": 2, "changes": ["batch_size=8", "regularization.l2=0.5"]})
    (run / "report.json").write_text(json.dumps(content))
    result = dlspec("diagnose", run)
    assert (result.code, result.err) == (0, "")
    for words in (
        "verdict  high bias\n", "changed  after epoch 1, step 2: batch_size=8, regularization.l2=0.5\n",
        "found    layer 1 is dead (layer 1, epoch 2: 1, threshold 0)\n", "note     a note\n",
        "try 1    train longer (against bias; knob: train)\n",
        "         the cost still falls\n", "         less bias\n", "         --set training.epochs=60 --set 'a=b c'\n",
        "95 % interval", "Loss\n", "Accuracy\n", "\u28c0", "page     ",
    ):  # fmt: skip
        assert words in result.out, words
    for name in ("report.html", "report.md"):
        assert "the cost still falls" in (run / name).read_text()


def test_json_is_the_report(run, dlspec):
    result = dlspec("diagnose", run, "--json")
    content = result.json
    timed = {name: content.pop(name) for name in ("predict_ms", "test_looks")}
    assert content == {"run": str(run), **json.loads((run / "report.json").read_text())}
    assert timed == {"predict_ms": json.loads((run / "run.json").read_text())["predict_ms"], "test_looks": 1}


def test_what_the_clock_says_and_who_looked_at_test(run, dlspec):
    content = json.loads((run / "report.json").read_text())
    limits = [{"limit": "predict_ms <= 5", "value": None, "met": None}]
    content["selection"] = {"optimize": "accuracy", "value": 0.75, "model_kb": 2.5, "limits": limits}
    layer = {"layer": 1, "activation": "relu", "mean": 0.5, "dead": 0.03}
    content["health"] = {"findings": [], "initial": [layer], "last": [layer]}
    (run / "report.json").write_text(json.dumps(content))
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"predict_ms": 7.5}))
    assert dlspec("evaluate", run, "--split", "test").code == 0
    out = dlspec("diagnose", run).out
    for words in (
        "model    2.5 kB of parameters, 7.5 ms to predict one example\n",
        "best accuracy               0.75\n",
        "predict_ms <= 5  not met     7.5\n",
        "note     test was looked at 2 times\n",
        "Layers before the first step\n",
        "Layers at the end\nlayer  activation  mean  dead\n1            relu   0.5   3 %\n",
    ):
        assert words in out, words


def test_a_run_of_before_gets_its_pictures(run, dlspec):
    before = files_in(run)
    (run / "pictures.json").unlink()
    assert dlspec("diagnose", run).code == 0
    assert files_in(run) == before


def test_a_run_whose_data_is_gone_goes_without_pictures(tmp_path, dlspec):
    write_table(tmp_path / "a.csv", ["yes", "no"])
    config = write(tmp_path / "a.yaml", TINY.replace("{synthetic: moons, examples: 60}", "{path: a.csv}"))
    assert dlspec("train", config, "--runs-dir", tmp_path / "runs").code == 0
    run = only_run(tmp_path / "runs")
    page = (run / "report.html").read_bytes()
    (tmp_path / "a.csv").unlink()
    assert dlspec("diagnose", run).err == ""
    assert (run / "report.html").read_bytes() == page  # the pictures are kept
    (run / "pictures.json").unlink()
    result = dlspec("diagnose", run)
    assert result.code == 0
    assert result.err.startswith("note: without pictures of examples: ")
    assert len((run / "report.html").read_bytes()) < len(page)


def test_a_run_of_the_first_format(tmp_path, dlspec):
    run = shutil.copytree(FORMAT1, tmp_path / "run")
    result = dlspec("diagnose", run)
    assert result.code == 0
    assert (run / "report.html").exists()


def test_examples_of_streamed_data_are_found_in_their_file(tmp_path, dlspec):
    x = np.random.default_rng(3).normal(size=(600, 2)).astype("f4")
    with h5py.File(tmp_path / "rows.h5", "w") as file:
        file["x"], file["y"] = x, x[:, 0] > x[:, 1]
    config = write(
        tmp_path / "a.yaml", "data: {path: rows.h5, memory: 20kB, split: {ratios: 50/50}}\ntraining: {epochs: 1}\n"
    )
    assert dlspec("train", config, "--runs-dir", tmp_path / "runs").code == 0
    examples = json.loads((only_run(tmp_path / "runs") / "pictures.json").read_text())["worst"]["examples"]
    losses = [example["loss"] for example in examples]
    assert losses == sorted(losses, reverse=True)
    for example in examples:
        assert [number for _, number in example["features"]] == pytest.approx(x[example["row"] - 1].tolist(), rel=1e-4)


def curve_of(run, **changes):
    """A learning curve that goes with a run."""
    report = json.loads((run / "report.json").read_text())
    m = report["splits"][0]["examples"]
    points = [
        {"examples": size, "train_error": 0.0, "dev_error": error, "train_errors": [0.0], "dev_errors": [error]}
        for size, error in ((m // 2, 0.2), (m, 0.1))
    ]
    doubled = {"examples": 2 * m, "dev_error": 0.05, "gain": 0.05, "low": 0.04, "high": 0.06}
    whole = {
        "format": 1, "name": report["name"], "seeds": [1, 2, 3], "points": points, "verdict": "more data would help",
        "fit": {"a": 3.6, "b": 1.0, "c": 0.0}, "doubled": doubled,
    }  # fmt: skip
    return whole | changes


def test_a_learning_curve_ranks_more_data(run, tmp_path, dlspec):
    content = json.loads((run / "report.json").read_text())
    content["actions"] = [
        {"action": name, "gap": "variance", "knob": "dev", "reason": "r", "effect": "e", "set": []}
        for name in ("stop early", "get more training data than 36 examples")
    ]
    (run / "report.json").write_text(json.dumps(content))
    path = write(tmp_path / "curve.json", json.dumps(curve_of(run)))
    result = dlspec("diagnose", run, "--learning-curve", path)
    assert (result.code, result.err) == (0, "")
    assert "try 1    get more training data than 36 examples" in result.out
    assert "         measured: 72 examples would give a dev error of 5.0%, -5.0%" in result.out
    assert "Error by training examples\n" in result.out
    assert (run / "report.html").read_text().index("get more training data") < (run / "report.html").read_text().index(
        "stop early"
    )
    again = dlspec("diagnose", run, "--json").json  # it is kept
    assert again["actions"][0]["action"].startswith("get more training data")
    assert json.loads((run / "report.json").read_text()) == content


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read: no such file"),
        ("half", "is no JSON"),
        ("{}", "is no learning curve; write one with: dlspec learning-curve CONFIG --out"),
        ({"points": []}, "is no learning curve"),
        ({"fit": {"a": "x", "b": 1, "c": 0}}, "is no learning curve"),
        ({"name": "other"}, "is of 'other' with 36 training examples; the run is of 'tiny' with 36"),
    ],
)
def test_what_is_no_learning_curve_of_the_run(text, words, run, tmp_path, dlspec):
    before = files_in(run)
    path = tmp_path / "curve.json"
    if text is not None:
        path.write_text(text if isinstance(text, str) else json.dumps(curve_of(run, **text)))
    result = dlspec("diagnose", run, "--learning-curve", path)
    assert (result.code, result.out) == (2, "")
    (line,) = result.err.splitlines()
    assert line.startswith(f"{path}: ")
    assert words in line
    assert files_in(run) == before


@pytest.fixture(scope="module")
def diverged(tmp_path_factory):
    """A run whose first step was its last."""
    return tmp_path_factory.mktemp("diverged")


def test_a_diverged_run_says_what_to_try(diverged, dlspec):
    config = write(diverged / "a.yaml", TINY)
    assert dlspec("train", config, "--runs-dir", diverged / "runs", "--set", "optimizer.learning_rate=1e300").code == 3
    run = only_run(diverged / "runs")
    before = files_in(run)
    result = dlspec("diagnose", run)
    assert (result.code, result.err) == (0, "")
    for words in (
        "status   diverged: ", "try 1    lower the learning rate (against optimization; knob: train)\n",
        "         it was 1e+300\n", "         --set optimizer.learning_rate=0.01\n",
        "         --set regularization.clip_norm=1\n", "Layers when last looked at\n",
        "Largest values when it broke, up to the first that is not finite\n", "layer 1, W1", "page     ",
    ):  # fmt: skip
        assert words in result.out, words
    found = dlspec("diagnose", run, "--json").json
    assert found["status"] == "diverged"
    assert [action["set"] for action in found["actions"]] == [
        ["optimizer.learning_rate=0.01"],
        ["regularization.clip_norm=1"],
    ]
    assert found["sizes"][-1][0] == "layer 1, W1"
    assert files_in(run) == before
    refused = dlspec("diagnose", run, "--plots", diverged / "plots")
    assert (refused.code, refused.out) == (2, "")
    assert "has no report, because the run is diverged" in refused.err


@pytest.mark.parametrize("text", ['{"epoch": 1}\n', '{"epoch": 1, "layers": [1]}\n', "half\n"])
def test_an_interrupted_run_says_how_far_it_came(text, run, dlspec):
    (run / "report.json").unlink()
    record = json.loads((run / "run.json").read_text())
    changes = {"status": "interrupted", "message": "stopped after step 9"}
    (run / "run.json").write_text(json.dumps(record | changes))
    result = dlspec("diagnose", run)
    assert result.code == 0
    assert result.out.startswith("status   interrupted: stopped after step 9\n")
    assert "Loss\n" in result.out
    assert result.out.endswith(f"go on    dlspec resume {run}\npage     {run}/report.html\n")
    assert ">Interrupted<" in (run / "report.html").read_text()
    (run / "health.jsonl").write_text(text)
    damaged = dlspec("diagnose", run)
    assert (damaged.code, damaged.out) == (1, "")
    assert "damaged" in damaged.err


def test_a_killed_run_gets_its_page_from_diagnose(run, dlspec):
    """Also where there is a report of before it went on."""
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**record, "status": "running", "message": None}))
    result = dlspec("diagnose", run)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(
        "status   killed: its process was killed, or its machine stopped\n"
        "note     report.json and report.md are of the end before this one\n"
    )
    assert ">Killed<" in (run / "report.html").read_text()
    before = files_in(run)
    assert dlspec("diagnose", run, "--json").json["status"] == "killed"
    assert files_in(run) == before


def test_a_report_that_was_lost_is_written_by_resume(run, dlspec):
    before = files_in(run)
    (run / "report.json").unlink()
    result = dlspec("diagnose", run)
    assert result.code == 2
    assert result.err == (f"{run}: has no report, because it was lost; have it written with: dlspec resume {run}\n")
    assert dlspec("resume", run, "-q").code == 0
    after = files_in(run)
    for name in ("report.json", "report.md", "report.html", "pictures.json", "metrics.jsonl"):
        assert after[name] == before[name]
    assert dlspec("diagnose", run).code == 0


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("interrupted", "has no report, because the run is interrupted; have it written with: dlspec resume "),
        ("running", "has no report, because the run is killed; have it written with: dlspec resume "),
    ],
)
def test_an_unfinished_run_has_no_report_to_draw(status, words, run, tmp_path, dlspec):
    (run / "report.json").unlink()
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**record, "status": status}))
    result = dlspec("diagnose", run, "--plots", tmp_path / "plots")
    assert (result.code, result.out) == (2, "")
    assert words in result.err


def test_a_run_that_goes_on_has_its_earlier_report_or_none(run, dlspec):
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**record, "status": "running", "message": None}))
    before = files_in(run)
    with directory.locked(run):
        result = dlspec("diagnose", run)
        assert result.code == 0
        assert result.err.startswith("note: nothing was written anew: ")
        assert "another process (pid " in result.err
        assert "verdict  " in result.out
        assert files_in(run) == before
        (run / "report.json").unlink()
        result = dlspec("diagnose", run)
        assert (result.code, result.err) == (0, "")
        assert result.out.startswith("status   running\n")
        assert dlspec("diagnose", run, "--plots", run.parent / "plots").err == (
            f"{run}: has no report yet, because the run goes on; look at it with: dlspec show {run}\n"
        )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("report.json", "{}"),
        ("report.json", "[1]"),
        ("report.json", "half"),
        ("report.json", '{"splits": [], "diagnosis": {"gaps": 3}}'),
        ("metrics.jsonl", "half\n"),
        ("metrics.jsonl", '{"epoch": "x"}\n'),
        ("health.jsonl", '{"epoch": 1}\n'),
        ("health.jsonl", '{"epoch": 1, "layers": [{}]}\n'),
        ("pictures.json", '{"boundary": {"x": [1]}}'),
        ("pictures.json", '{"worst": {"examples": [{}]}}'),
        ("learning-curve.json", '{"points": 1}'),
    ],
)
def test_damaged_files_are_named(name, content, run, dlspec):
    (run / name).write_text(content)
    page = (run / "report.html").read_bytes()
    result = dlspec("diagnose", run)
    assert (result.code, result.out) == (1, "")
    (line,) = result.err.splitlines()
    assert "damaged" in line
    assert (run / "report.html").read_bytes() == page


@pytest.mark.parametrize("name", ["report.json", "metrics.jsonl", "pictures.json", "config.resolved.yaml"])
def test_a_directory_in_the_place_of_a_file(name, run, dlspec):
    (run / name).unlink()
    (run / name).mkdir()
    result = dlspec("diagnose", run)
    assert result.out == ""
    assert result.code in (1, 2)
    (line,) = result.err.splitlines()
    assert line.startswith(f"{run / name}: ")


def test_a_damaged_configuration_is_told_with_its_line(run, dlspec):
    (run / "config.resolved.yaml").write_text("sede: 3\ndata: {synthetic: moons}\n")
    result = dlspec("diagnose", run)
    assert (result.code, result.out) == (2, "")
    assert f"{run}/config.resolved.yaml:1:1: sede: unknown key" in result.err


def test_a_place_that_is_only_read(run, dlspec, monkeypatch):
    class ReadOnly(FileSystem):
        def create(self, path):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(storage, "filesystem", ReadOnly())
    result = dlspec("diagnose", run)
    assert (result.code, "verdict  " in result.out) == (0, True)
    assert result.err.startswith(f"note: nothing was written anew: {run}/report.md: cannot write: read-only file")


def test_half_a_row_is_no_damage(run, dlspec):
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"epoch"')
    assert dlspec("diagnose", run).code == 0


def test_no_clock_and_no_place_stand_on_the_page(run):
    page = (run / "report.html").read_text()
    record = json.loads((run / "run.json").read_text())
    for words in (record["run"], record["started"][:10], str(run.parent), "runs/"):
        assert words not in page


def test_without_matplotlib(run, tmp_path, dlspec, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = dlspec("diagnose", run, "--plots", tmp_path / "plots")
    assert result.code == 2
    assert result.err.endswith("which is not installed: pip install 'dlspec[plot]'\n")
    assert not (tmp_path / "plots").exists()


def test_every_figure_as_svg_and_png(run, tmp_path, dlspec):
    pytest.importorskip("matplotlib")
    report = json.loads((run / "report.json").read_text())
    report["segments"].append({"epoch": 1, "step": 3, "changes": ["batch_size=8"]})
    (run / "report.json").write_text(json.dumps(report))
    for place in ("a", "b"):
        assert dlspec("diagnose", run, "--plots", tmp_path / place).code == 0
    files = files_in(tmp_path / "a")
    keys = {"loss", "accuracy", "gaps", "errors", "confusion", "boundary"}
    assert set(files) >= {f"{key}.{kind}" for key in keys for kind in ("svg", "png")}
    assert files == files_in(tmp_path / "b")
    assert all(content.startswith((b"<?xml", b"\x89PNG")) for content in files.values())
    assert b"<!-- batch_size=8 -->" in files["loss.svg"]
