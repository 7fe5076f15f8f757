"""`validate`, `show` and `schema`: what they say of an experiment, and that they write nothing."""

import json

import pytest

from dlspec.config import loader
from dlspec.config.experiment import Experiment

from .commands import TINY, write, write_table


class TestValidate:
    def test_a_sound_experiment_without_advice(self, tmp_path, dlspec):
        config = write(
            tmp_path / "moons.yaml",
            "data: {synthetic: moons, examples: 1000}\nbatch_size: all\narchitecture: {layers: [{units: 4}]}\n",
        )
        result = dlspec("validate", config)
        assert (result.code, result.out, result.err) == (0, f"{config}: ok\n", "")
        assert list(tmp_path.iterdir()) == [config]

    def test_advice_names_the_place_and_the_key(self, tmp_path, dlspec):
        config = write(
            tmp_path / "moons.yaml",
            """\
            data: {synthetic: moons, examples: 60, normalize: none, split: {ratios: 70/30}}
            architecture:
              layers:
                - {units: 4, activation: sigmoid, keep_prob: 0.3}
            initializer: large
            batch_size: 16
            training: {early_stopping: {}}
            """,
        )
        result = dlspec("validate", config)
        assert result.code == 0
        *advice, ok = result.out.splitlines()
        assert ok == f"{config}: ok"
        places = [line.split(": advice: ")[0].removeprefix(f"{config}:") for line in advice]
        keys = [line.split(": ")[2] for line in advice]
        assert list(zip(places, keys, strict=True)) == [
            ("1:57", "data.split"),
            ("1:51", "data.normalize"),
            ("4:30", "architecture.layers.0.activation"),
            ("5:14", "initializer"),
            ("4:50", "architecture.layers.0.keep_prob"),
            ("6:13", "batch_size"),
            ("7:12", "training.early_stopping"),
        ]

    def test_warnings_of_the_data(self, tmp_path, dlspec):
        write(tmp_path / "a.csv", "a,b,y\n" + "".join(f"{i},7,{i % 2}\n" for i in range(40)))
        result = dlspec("validate", write(tmp_path / "a.yaml", "data: {path: a.csv}\n"))
        assert result.code == 0
        assert f"{tmp_path / 'a.yaml'}: warning: features constant in training, so that they become 0: b" in result.out

    @pytest.mark.parametrize(
        "text", ["", "a: 1", TINY + "x: 1\n", "data: {path: missing.csv}", "data: {synthetic: moons, examples: 2}"]
    )
    def test_what_is_wrong_exits_with_2(self, text, tmp_path, dlspec):
        result = dlspec("validate", write(tmp_path / "a.yaml", text))
        assert (result.code, result.out) == (2, "")
        assert result.err

    def test_all_problems_are_told_at_once(self, tmp_path, dlspec):
        config = write(tmp_path / "a.yaml", "data: {synthetic: moons}\nsed: 1\nbatch_size: 0\ndtype: float16\n")
        lines = dlspec("validate", config).err.splitlines()
        assert [line.removeprefix(f"{config}:").split(": ")[1] for line in lines] == ["sed", "batch_size", "dtype"]


class TestShow:
    def test_the_output_loads_to_the_same_experiment(self, tiny, dlspec):
        result = dlspec("show", tiny)
        assert (result.code, result.err) == (0, "")
        shown = loader.parse(result.out.encode(), path=tiny)
        assert shown.experiment == loader.load(tiny).experiment

    def test_every_default_is_written_out(self, tiny, dlspec):
        shown = loader.parse(dlspec("show", tiny).out.encode(), path=tiny)
        assert set(shown.tree.root) == set(Experiment.model_fields)
        assert shown.tree.root["optimizer"] == {
            "name": "adam", "learning_rate": 0.001, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "amsgrad": False
        }  # fmt: skip

    def test_showing_twice_changes_nothing(self, tiny, dlspec):
        first = dlspec("show", tiny).out
        assert dlspec("show", write(tiny.with_name("shown.yaml"), first)).out == first

    def test_overrides_are_in_it(self, tiny, dlspec):
        out = dlspec("show", tiny, "--set", "optimizer={name: sgd, learning_rate: 3e-4}", "--set", "seed=9").out
        experiment = loader.parse(out.encode(), path=tiny).experiment
        assert (experiment.optimizer.name, experiment.optimizer.learning_rate, experiment.seed) == ("sgd", 3e-4, 9)

    def test_a_wrong_experiment_is_not_shown(self, tiny, dlspec):
        result = dlspec("show", tiny, "--set", "seed=-1")
        assert (result.code, result.out) == (2, "")

    def test_no_data_are_needed(self, tmp_path, dlspec):
        assert dlspec("show", write(tmp_path / "a.yaml", "data: {path: missing.csv}\n")).code == 0

    @pytest.mark.parametrize("name", ["a: b", "# x", "'", '"', "größe", "1", "null", "- a", "{x}"])
    def test_odd_text_comes_back(self, name, tmp_path, dlspec):
        config = write(tmp_path / "a.yaml", json.dumps({"data": {"path": "a.csv", "target": name}}))
        shown = loader.parse(dlspec("show", config).out.encode(), path=config)
        assert shown.experiment.data.target == name


class TestSchema:
    def test_it_is_a_schema_of_every_key(self, dlspec):
        result = dlspec("schema")
        assert (result.code, result.err) == (0, "")
        schema = result.json
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert (schema["type"], schema["additionalProperties"], schema["required"]) == ("object", False, ["data"])
        assert set(schema["properties"]) == set(Experiment.model_fields)

    def test_every_reference_leads_somewhere_and_every_section_is_closed(self, dlspec):
        schema = dlspec("schema").json
        references, sections = set(), []

        def visit(node):
            if isinstance(node, dict):
                references.update({node["$ref"]} if isinstance(node.get("$ref"), str) else ())
                sections.extend([node] if "properties" in node else ())
                for child in node.values():
                    visit(child)
            elif isinstance(node, list):
                for child in node:
                    visit(child)

        visit(schema)
        assert references == {f"#/$defs/{name}" for name in schema["$defs"]}
        assert len(sections) > 25
        assert all(section["additionalProperties"] is False for section in sections)

    def test_every_setting_has_a_description(self, dlspec):
        schema = dlspec("schema").json
        missing = [
            f"{name}.{key}"
            for name, section in {"Experiment": schema, **schema["$defs"]}.items()
            for key, setting in section.get("properties", {}).items()
            if key != "name" and not setting.get("description")
        ]
        assert missing == []


@pytest.mark.parametrize(("command", "argument"), [("validate", "CONFIG"), ("show", "CONFIG|RUN"), ("resume", "RUN")])
def test_the_file_is_required(command, argument, dlspec):
    result = dlspec(command)
    assert (result.code, result.out) == (2, "")
    assert f"{command}: missing argument '{argument}'; see: " in result.err


def test_commands_that_only_read_write_nothing(tmp_path, dlspec, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "cats.csv", ["no", "yes"])
    write(tmp_path / "cats.yaml", "data: {path: cats.csv}\n")
    before = sorted(path.name for path in tmp_path.iterdir())
    for arguments in (("validate", "cats.yaml"), ("show", "cats.yaml"), ("schema",), ("evaluate", "latest")):
        dlspec(*arguments)
    assert sorted(path.name for path in tmp_path.iterdir()) == before
