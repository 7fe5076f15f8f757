"""Every experiment that comes with dlspec: valid, trains, and as good as promised."""

import json
from pathlib import Path

import pytest
from course.files import overrides_for

from dlspec import preparation, runner
from dlspec.config import loader, yaml_tree

ROOT = Path(__file__).parents[1]
CONFIGS = sorted((ROOT / "configs").rglob("*.yaml"))
SKLEARN = json.loads((ROOT / "tests" / "golden" / "sklearn_mlp.json").read_text())["scores"]

each_config = pytest.mark.parametrize("config", CONFIGS, ids=lambda path: str(path.relative_to(ROOT / "configs")))


def train(config, overrides, runs_dir):
    outcome = runner.train(
        preparation.prepare(loader.load(config, [*overrides, "evaluation.test=true"])), runs_dir=runs_dir
    )
    return outcome, {measured["split"]: measured for measured in outcome.report["splits"]}


def test_there_are_configs():
    assert len(CONFIGS) >= 6


@each_config
def test_config_is_valid_and_reads_back_from_its_full_form(config):
    loaded = loader.load(config)
    full = yaml_tree.dump(loaded.experiment.model_dump()).encode()
    assert loader.parse(full, path=config).experiment == loaded.experiment


@each_config
def test_config_trains_two_epochs(config, tmp_path):
    outcome, splits = train(config, [*overrides_for(config, tmp_path), "training.epochs=2"], tmp_path)
    assert outcome.finished.reason == "completed"
    rows = [json.loads(line) for line in (outcome.run / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2]
    if config.stem != "circles-zeros":  # which learns nothing
        assert rows[1]["train_cost"] != rows[0]["train_cost"]  # it may rise at first: the cat images do at α = 0.005
    assert splits["train"]["cost"] in (rows[0]["train_cost"], rows[1]["train_cost"])  # the best epoch or the last


@pytest.mark.parametrize(("name", "accuracy"), [("digits", 0.97), ("breast_cancer", 0.96)])
def test_dev_accuracy_is_as_promised(name, accuracy, tmp_path):
    _, splits = train(ROOT / "configs" / f"{name}.yaml", [], tmp_path)
    assert splits["dev"]["accuracy"] >= accuracy
    assert splits["test"]["accuracy"] >= accuracy


@pytest.mark.parametrize(("name", "score"), [("iris", "accuracy"), ("diabetes", "r2")])
def test_as_good_as_scikit_learn_on_the_same_split(name, score, tmp_path):
    _, splits = train(ROOT / "configs" / f"{name}.yaml", [], tmp_path)
    for peer in SKLEARN[name].values():
        for split in ("dev", "test"):
            assert splits[split][score] >= peer[split] - 1e-9


def test_logistic_regression_on_the_cat_images_gives_the_numbers_of_the_course(tmp_path):
    config = ROOT / "configs" / "course" / "cat-logistic.yaml"
    _, splits = train(config, overrides_for(config, tmp_path), tmp_path)
    assert splits["train"]["accuracy"] == pytest.approx(207 / 209, abs=1e-12)  # 99.043 %
    assert splits["test"]["accuracy"] == pytest.approx(35 / 50, abs=1e-12)  # 70 %
