"""`dlspec gradcheck`: everything there is, or one experiment."""

import json
import re
import time

import pytest

from dlspec import battery
from dlspec.core import gradcheck, slips
from dlspec.core.activations import Tanh

from .commands import TINY, spawn, spawn_in_terminal, write


@pytest.fixture(name="wrong_tanh")
def _wrong_tanh(monkeypatch):
    """The derivative of tanh without its square, in every case that uses it."""
    right = Tanh.bind

    def bind(self, shape, dtype):
        bound, kept = right(self, shape, dtype), []

        def forward(Z):
            kept[:] = [bound.forward(Z)]
            return kept[0]

        return type(bound)(forward, lambda dA: dA * (1 - kept[0]))

    monkeypatch.setattr(Tanh, "bind", bind)


class TestEverything:
    def test_a_line_per_case_and_a_summary_in_less_than_20_seconds(self, tmp_path):
        started = time.perf_counter()
        result = spawn("gradcheck", cwd=tmp_path)
        assert time.perf_counter() - started < 20
        assert (result.code, result.err) == (0, "")
        head, *lines, empty, summary = result.out.splitlines()
        assert head.split() == ["group", "case", "entries", "left", "out", "differences", "complex", "step", "verdict"]
        assert len(lines) == len(battery.cases())
        assert all(line.endswith(" ok") for line in lines)
        assert empty == ""
        entries = sum(int(re.search(r" (\d+) ", line[64:]).group(1)) for line in lines)
        assert re.fullmatch(
            rf"{len(lines)} cases, {entries:,} entries, \d+ of them left out at kinks, [\d.]+ s: all right", summary
        )
        assert list(tmp_path.iterdir()) == []

    def test_json(self, dlspec):
        result = dlspec("gradcheck", "--json")
        assert result.code == 0
        assert (result.json["verdict"], result.json["epsilon"]) == ("ok", gradcheck.EPSILON)
        assert [case["case"] for case in result.json["cases"]] == [case.name for case in battery.cases()]
        first = result.json["cases"][0]
        assert first.keys() == {
            "group", "case", "entries", "left_out", "differences", "complex_step", "verdict", "finding"
        }  # fmt: skip
        assert (first["entries"], first["left_out"], first["verdict"], first["finding"]) == (10, 0, "ok", None)
        assert first["differences"] < 1e-7
        assert first["complex_step"] < 1e-12

    @pytest.mark.usefixtures("wrong_tanh")
    def test_a_wrong_build_is_told_and_exits_with_1(self, dlspec):
        result = dlspec("gradcheck")
        assert result.code == 1
        lines = result.out.splitlines()
        assert next(line for line in lines if line.startswith("activation    tanh ")).endswith("wrong")
        assert next(line for line in lines if line.startswith("activation    relu ")).endswith("ok")
        at = lines.index("activation: tanh")
        assert lines[at + 1] == "breaks at  dW[2] and db[2]"
        assert lines[at + 2] == "place      what arrives at dW[2] and db[2]: the way back from dW[3] and db[3]"
        assert lines[at + 3] == "pattern    none that is known"
        assert lines[at + 4].split() == ["worst", "entries", "backward", "numeric"]
        label, index, backward, numeric = lines[at + 5].split()
        assert label == "dW[1]"
        assert re.fullmatch(r"\[\d,\d\]", index)
        assert float(backward) != float(numeric)
        assert lines[-1].endswith("not right")

    @pytest.mark.usefixtures("wrong_tanh")
    def test_a_wrong_build_in_json(self, dlspec):
        result = dlspec("gradcheck", "--json")
        assert result.code == 1
        assert result.json["verdict"] == "wrong"
        case = next(case for case in result.json["cases"] if case["case"] == "tanh")
        assert case["finding"]["blocks"] == ["W2", "b2"]
        assert case["differences"] > 1e-3

    def test_in_a_terminal_the_lines_come_above_a_bar(self, tmp_path):
        result = spawn_in_terminal("gradcheck", cwd=tmp_path, env={"COLUMNS": "120"})
        assert result.code == 0
        assert f"/{len(battery.cases())}" in result.out  # the bar
        assert "\x1b[32mok" in result.out  # green
        assert "all right" in result.out

    @pytest.mark.parametrize(
        "flags",
        [
            ["--set", "seed=2"],
            ["--steps", "0"],
            ["--examples", "9"],
            ["--coordinates", "1"],
            ["--full"],
            ["--directions", "0"],
        ],
        ids=lambda flags: flags[0],
    )
    def test_settings_need_an_experiment(self, flags, dlspec):
        result = dlspec("gradcheck", *flags)
        name = flags[0]
        assert result.code == 2
        assert result.err == f"{name} is about one experiment; name its file: dlspec gradcheck CONFIG {name} …\n"


class TestOneExperiment:
    def test_a_table_per_stage(self, tiny, tmp_path):
        result = spawn("gradcheck", tiny, "--steps", "3", cwd=tmp_path)
        assert (result.code, result.err) == (0, "")
        lines = result.out.splitlines()
        assert lines[:2] == [
            "tiny: gradients of J on its own data, penalties included, ε = 3e-06",
            "note     float64 instead of float32",
        ]
        titles = [line for line in lines if " examples, J = " in line]
        assert [title.split(",")[0] for title in titles] == ["at random initialisation", "after 3 steps of training"]
        assert all(", 36 examples, J = " in title for title in titles)
        first = lines.index(titles[0])
        assert lines[first + 1].split() == [
            "block", "entries", "left", "out", "differences", "complex", "step", "directions",
            "worst", "backward", "numeric", "verdict",
        ]  # fmt: skip
        rows = [line.split() for line in lines[first + 2 : first + 6]]
        assert [row[:4] for row in rows] == [
            ["dW[1]", "8", "of", "8"], ["db[1]", "4", "of", "4"], ["dW[2]", "4", "of", "4"], ["db[2]", "1", "of", "1"]
        ]  # fmt: skip
        for row in rows:
            assert float(row[4]) < 1e-7
            assert float(row[5]) < 1e-12
            assert float(row[-3]) == pytest.approx(float(row[-2]), rel=1e-4)
            assert row[-1] == "ok"
        assert lines[-1].split() == ["verdict", "ok"]
        assert list(tmp_path.iterdir()) == [tiny]

    def test_dropout_is_turned_off_and_that_is_said(self, tiny, dlspec):
        result = dlspec("gradcheck", tiny, "--set", "regularization.keep_prob=0.5", "--steps", "0")
        assert result.code == 0
        assert "note     dropout turned off (keep_prob 1): with it J is not the same twice" in result.out.splitlines()
        assert "after" not in result.out

    def test_json_holds_every_number(self, tiny, dlspec):
        result = dlspec("gradcheck", tiny, "--steps", "2", "--coordinates", "3", "--directions", "2", "--json")
        assert result.code == 0
        content = result.json
        assert (content["config"], content["verdict"], content["epsilon"]) == (str(tiny), "ok", 3e-6)
        assert content["changes"] == ["float64 instead of float32"]
        assert [(stage["step"], stage["examples"]) for stage in content["stages"]] == [(0, 36), (2, 36)]
        block = content["stages"][1]["blocks"][0]
        assert (block["block"], block["shape"], block["verdict"]) == ("W1", [4, 2], "ok")
        assert (block["differences"]["count"], block["directions"]["count"]) == (3, 2)
        assert set(block["complex_step"]) == {"relative_error", "rounding", "count", "left_out", "verdict"}
        assert len(block["worst"]) == 3
        assert block["worst"][0].keys() == {"index", "backward", "numeric"}

    def test_full_and_the_step_of_the_course(self, tiny, dlspec):
        result = dlspec("gradcheck", tiny, "--full", "--epsilon", "1e-7", "--steps", "0", "--json")
        assert result.code == 0
        assert result.json["epsilon"] == 1e-7
        for block in result.json["stages"][0]["blocks"]:
            size = block["shape"][0] * (block["shape"][1] if len(block["shape"]) > 1 else 1)
            assert block["differences"]["count"] + block["differences"]["left_out"] == size
            assert block["directions"] is None

    @pytest.mark.usefixtures("wrong_tanh")
    def test_a_wrong_gradient(self, tmp_path, dlspec):
        config = write(tmp_path / "tanh.yaml", TINY.replace("units: 4", "units: 4, activation: tanh"))
        result = dlspec("gradcheck", config, "--steps", "0")
        assert result.code == 1
        lines = result.out.splitlines()
        assert "breaks at  dW[1] and db[1]" in lines
        assert "place      what arrives at dW[1] and db[1]: the way back from dW[2] and db[2]" in lines
        assert lines[-1].split() == ["verdict", "wrong"]
        result = dlspec("gradcheck", config, "--steps", "0", "--json")
        assert result.code == 1
        assert result.json["stages"][0]["finding"]["blocks"] == ["W1", "b1"]

    def test_not_a_number_is_null_in_json(self, tiny, dlspec, monkeypatch):
        right = gradcheck.Objective.gradient
        monkeypatch.setattr(gradcheck.Objective, "gradient", lambda self: right(self) * float("nan"))
        result = dlspec("gradcheck", tiny, "--steps", "0", "--json")
        assert result.code == 1
        stage = json.loads(result.out)["stages"][0]
        assert stage["verdict"] == "wrong"
        assert stage["blocks"][0]["differences"]["relative_error"] is None
        assert stage["finding"]["pattern"].startswith("not finite")

    @pytest.mark.parametrize(
        "options",
        [("--epsilon", "0"), ("--coordinates", "0"), ("--examples", "1"), ("--steps", "-1"), ("--directions", "-1")],
    )
    def test_settings_out_of_range(self, tiny, dlspec, options):
        result = dlspec("gradcheck", tiny, *options)
        assert result.code == 2
        assert options[0] in result.err

    def test_a_missing_file(self, tmp_path, dlspec):
        result = dlspec("gradcheck", tmp_path / "none.yaml")
        assert result.code == 2
        assert "none.yaml: there is no such file" in result.err


def test_the_default_step_is_that_of_the_library(dlspec):
    assert dlspec("gradcheck", "--json").json["epsilon"] == gradcheck.EPSILON


def test_labels_of_the_table_are_those_of_the_course():
    assert [slips.label(name) for name in ("W1", "gamma2")] == ["dW[1]", "dγ[2]"]
