"""A multi-task from the experiment file to the report: labels that may be missing."""

import json
import math

import numpy as np
import pytest

from dlspec import builder, measurement, preparation, runner
from dlspec.cli.app import command_line
from dlspec.config import loader
from dlspec.core.losses import LOSSES
from dlspec.core.metrics import label_accuracy, label_counts, label_precision_recall_f1
from dlspec.data.dataset import Examples
from dlspec.errors import ConfigError
from dlspec.training.evaluation import Evaluator

from .test_evaluation import line

NAN = np.nan
Y = np.array([[1, 0], [0, NAN], [1, 1], [NAN, 1], [0, 0]])
HELD = np.array([[True, False], [True, True], [False, True], [True, False], [False, False]])


def test_counts_of_labels_by_hand():
    counts = label_counts(Y, HELD)
    assert counts.tolist() == [[[1, 1], [1, 1]], [[2, 0], [1, 1]]]
    assert np.issubdtype(counts.dtype, np.integer)
    assert label_accuracy(counts) == 5 / 8
    precision, recall, f1 = label_precision_recall_f1(counts)
    np.testing.assert_allclose(precision, [1 / 2, 1], rtol=1e-15)
    np.testing.assert_allclose(recall, [1 / 2, 1 / 2], rtol=1e-15)
    np.testing.assert_allclose(f1, [1 / 2, 2 / 3], rtol=1e-15)


def test_a_label_that_is_missing_everywhere_scores_0():
    counts = label_counts(np.array([[NAN, 1.0]]), np.array([[True, True]]))
    assert [scores.tolist() for scores in label_precision_recall_f1(counts)] == [[0, 1], [0, 1], [0, 1]]
    assert label_accuracy(counts) == 1


def test_a_split_by_hand():
    """z = x: the labels held for 1 are those of x > 0."""
    cost = line(np.eye(2), [0, 0], loss="multi_task_cross_entropy")
    X = np.where(HELD, 2.0, -1.0)
    evaluator = Evaluator(
        model=cost,
        loss=LOSSES["multi_task_cross_entropy"](),
        splits={"dev": Examples(X=X, Y=Y, rows=np.arange(5))},
        task="multi_task",
        classes=("car", "sign"),
        metric="f1",
    )
    result = evaluator.evaluate("dev")
    assert (result["split"], result["examples"], result["labels"]) == ("dev", 5, 8)
    right, wrong_2, wrong_1 = math.log1p(math.exp(-2)), math.log1p(math.exp(2)), math.log1p(math.exp(1))
    low = math.log1p(math.exp(-1))  # a right 0 at z = −1
    loss = (right + low) + wrong_2 + (wrong_1 + right) + wrong_1 + (low + low)
    assert result["loss"] == pytest.approx(loss / 5, rel=1e-14)
    assert result["cost"] == result["loss"]
    assert result["accuracy"] == 5 / 8
    assert result["error"] == 3 / 8
    assert result["error_std"] == pytest.approx(math.sqrt(3 / 8 * 5 / 8 / 8), rel=1e-14)
    assert result["f1"] == pytest.approx((1 / 2 + 2 / 3) / 2, rel=1e-14)
    car, sign = result["classes"]
    assert car == pytest.approx({"class": "car", "examples": 4, "precision": 1 / 2, "recall": 1 / 2, "f1": 1 / 2})
    assert sign == pytest.approx({"class": "sign", "examples": 4, "precision": 1, "recall": 1 / 2, "f1": 2 / 3})
    assert "confusion_matrix" not in result
    assert evaluator.measure("dev") == {"loss": result["loss"], "cost": result["cost"], "f1": result["f1"]}


EXPERIMENT = """\
name: streets
data: {path: a.csv, target: [car, sign, person], task: multi_task, split: {ratios: 60/20/20}}
architecture: {layers: [{units: 16}]}
optimizer: {learning_rate: 0.03}
batch_size: 32
training: {epochs: 60}
"""


def experiment(folder, text=EXPERIMENT):
    """Labels that follow from two numbers; a third of them is missing."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 2))
    labels = np.column_stack((x[:, 0] > 0, x[:, 1] > 0.3, x.sum(axis=1) > 0)).astype(int).astype(str)
    labels[rng.random((300, 3)) < 1 / 3] = ""
    rows = "\n".join(f"{a!r},{b!r},{','.join(row)}" for (a, b), row in zip(x.tolist(), labels.tolist(), strict=True))
    (folder / "a.csv").write_text(f"x1,x2,car,sign,person\n{rows}\n")
    (folder / "streets.yaml").write_text(text)
    return loader.load(folder / "streets.yaml")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streets")
    return runner.train(preparation.prepare(experiment(folder)), runs_dir=folder / "runs")


def test_training_learns_the_labels(finished):
    assert finished.report["task"] == "multi_task"
    for split in finished.report["splits"]:
        assert split["accuracy"] > 0.93
        assert split["error"] == pytest.approx(1 - split["accuracy"])
        assert [label["class"] for label in split["classes"]] == ["car", "sign", "person"]
        assert split["labels"] == sum(label["examples"] for label in split["classes"]) < 3 * split["examples"]
        assert 0.6 * 3 * split["examples"] < split["labels"] < 0.74 * 3 * split["examples"]


def test_the_resolved_experiment_says_what_auto_meant(finished):
    output = loader.load(finished.run / "config.resolved.yaml").experiment.architecture.output
    assert (output.units, output.activation, output.loss.name) == (3, "sigmoid", "multi_task_cross_entropy")


def test_the_diagnosis_counts_labels_and_not_examples(finished):
    train = finished.report["splits"][0]
    n, p, z = train["labels"], train["error"], 1.959963984540054
    centre, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    bias = finished.report["diagnosis"]["gaps"][0]
    assert bias["high"] == pytest.approx((centre + half) / (1 + z * z / n), rel=1e-9)


def test_the_report_has_labels_and_no_confusion_matrix(finished):
    text = (finished.run / "report.md").read_text()
    assert "Error is the share of wrong labels among those present; human-level error is 0.00 %." in text
    _, below = text.split("## Labels on dev\n\n")
    assert [cell.strip() for cell in below.splitlines()[0].strip("|").split("|")] == [
        "label", "examples", "precision", "recall", "F1"
    ]  # fmt: skip
    assert [row.split()[1] for row in below.splitlines()[2:5]] == ["car", "sign", "person"]
    assert "onfusion" not in text


def test_it_is_measured_again_the_same(finished):
    trained = measurement.open_run(finished.run)
    assert measurement.evaluate(trained, split="all").splits[:2] == finished.report["splits"]


def test_evaluate_on_the_terminal(finished, capsys):
    command_line()(["evaluate", str(finished.run), "--split", "dev"], standalone_mode=False)
    out = capsys.readouterr().out
    assert "dev: labels" in out
    assert [line.split()[0] for line in out.splitlines()[-4:]] == ["car", "sign", "person", "mean"]
    assert "confusion" not in out
    command_line()(["evaluate", str(finished.run), "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out)["splits"][0]["classes"][0]["class"] == "car"


def test_missing_labels_move_no_weight(tmp_path):
    """A label that is missing in an example contributes nothing to the gradient of its unit."""
    prepared = preparation.prepare(experiment(tmp_path, EXPERIMENT.replace("[{units: 16}]", "[]")))
    cost = builder.build_cost(prepared.experiment, n_x=2)
    train = prepared.dataset.splits["train"]
    rows = np.isnan(train.Y[:, 1]) & ~np.isnan(train.Y[:, 0])
    cost.bind(rows.sum())(train.X[rows], train.Y[rows], None)
    gradient = cost.parameters.gradients["W1"]  # (3, 2)
    assert not gradient[1].any()
    assert gradient[0].all()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "architecture: {layers",
            "architecture: {output: {loss: binary_cross_entropy}, layers",
            "3:31: architecture.output.loss: found binary_cross_entropy, but the data has 3 labels of a multi-task; "
            "expected one of: auto, multi_task_cross_entropy",
        ),
        (
            "architecture: {layers",
            "architecture: {output: {activation: softmax}, layers",
            "3:37: architecture.output.activation: found softmax, but the data has 3 labels of a multi-task; "
            "expected sigmoid or auto",
        ),
        (
            "architecture: {layers",
            "architecture: {output: {units: 2}, layers",
            "3:32: architecture.output.units: found 2, but the data has 3 labels of a multi-task; expected 3 or auto",
        ),
        (
            "batch_size: 32",
            "evaluation: {metric: r2}",
            "5:22: evaluation.metric: found r2, but the task is multi_task; expected one of: auto, accuracy, f1",
        ),
        (
            "training: {",
            "training: {class_weight: balanced, ",
            "6:26: training.class_weight: the task is multi_task, which has no classes; leave class_weight out",
        ),
    ],
)
def test_what_does_not_fit_labels(tmp_path, old, new, message):
    loaded = experiment(tmp_path, EXPERIMENT.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        preparation.prepare(loaded)
    assert str(caught.value) == f"{loaded.path}:{message}"


def test_the_loss_of_labels_does_not_fit_two_classes(tmp_path):
    (tmp_path / "a.yaml").write_text(
        "data: {synthetic: moons}\narchitecture: {output: {loss: multi_task_cross_entropy}}\n"
    )
    with pytest.raises(
        ConfigError, match="found multi_task_cross_entropy, but the data has two classes; expected one of: auto, bin"
    ):
        preparation.prepare(loader.load(tmp_path / "a.yaml"))
