"""Which actions the evidence speaks for, in which order, and that every override they print can be applied."""

from pathlib import Path

import pytest

from dlspec.config import loader
from dlspec.diagnosis.actions import RULES, actions_of
from dlspec.diagnosis.bias_variance import diagnose
from dlspec.diagnosis.evidence import Evidence
from dlspec.diagnosis.findings import Finding
from dlspec.diagnosis.intervals import ErrorRate

MOONS = "data: {synthetic: moons, examples: 1000}\n"
HIDDEN = "architecture: {layers: [{units: 8}, {units: 4, activation: tanh}]}\n"
LAYER = "{{units: 4, activation: {}}}"
DEEP = f"architecture: {{{{layers: [{LAYER}, {LAYER}, {LAYER}]}}}}\n"


def config_at(place, text):
    path = Path(place) / "e.yaml"
    path.write_text(text)
    return path


def evidence_of(place, text, *, train=0.2, dev=0.2, test=None, findings=(), **facts):
    errors = {"train": train, "train_dev": facts.pop("train_dev", None), "dev": dev, "test": test}
    sizes = {"dev": facts.pop("dev_examples", 10_000)}
    rates = {name: None if e is None else ErrorRate(e, sizes.get(name, 10_000)) for name, e in errors.items()}
    defaults = {
        "examples": 600,
        "task": "classification",
        "classes": 2,
        "images": False,
        "stopped_early": False,
        "penalty": 0.0,
        "final_rate": 1.0,
        "epochs": 10,
    }
    return Evidence(
        experiment=loader.load(config_at(place, text)).experiment,
        diagnosis=diagnose(**rates, human_level_error=0.0, bias_threshold=0.02, variance_threshold=0.02),
        findings=[Finding(name, 1, epoch, 0.5, 1.0, f"the {name}") for name, epoch in findings],
        **(defaults | facts),
    )


def first(place, text, **settings):
    action = actions_of(evidence_of(place, text, **settings))[0]
    return action.action, action.set


@pytest.mark.parametrize(
    ("config", "finding", "expected"),
    [
        ("initializer: zeros\n", ("symmetric units", 3), ("start from he", ("initializer=he",))),
        ("initializer: {name: he, gain: 9}\n", ("exploding signal", 0), ("start from he", ("initializer=he",))),
        ("", ("exploding signal", 0),
         ("normalize every layer over the batch",
          ("architecture.layers.0.batch_norm=true", "architecture.layers.1.batch_norm=true"))),
        ("", ("dead units", 0), ("take leaky_relu for relu", ("architecture.layers.0.activation=leaky_relu",))),
        ("optimizer: {name: adam, learning_rate: 0.5}\n", ("dead units", 8),
         ("lower the learning rate", ("optimizer.learning_rate=0.01",))),
        ("", ("oscillating cost", None), ("lower the learning rate", ("optimizer.learning_rate=0.0001",))),
        ("optimizer: sgd\n", ("rising cost", 3), ("lower the learning rate", ("optimizer.learning_rate=0.01",))),
        ("decay: {name: manual, points: [{epoch: 5, learning_rate: 0.1}]}\n", ("rising cost", 3),
         ("lower the learning rate", ("optimizer.learning_rate=0.0001", "decay=constant"))),
        ("", ("steps too small", None), ("raise the learning rate", ("optimizer.learning_rate=0.01",))),
        ("training: {epochs: 7}\n", ("dead units", 3), ("train longer", ("training.epochs=70",))),
        ("training: {epochs: 20}\n", ("cost still falling", None), ("train longer", ("training.epochs=80",))),
        ("batch_size: all\n", ("cost still falling", None), ("take mini-batches", ("batch_size=64",))),
        ("batch_size: all\n", ("dead units", 3), ("take mini-batches", ("batch_size=64",))),  # 20 steps in all
        ("optimizer: {name: sgd, learning_rate: 1e-5}\n", ("steps too small", None),
         ("raise the learning rate", ("optimizer.learning_rate=0.1",))),
        ("optimizer: {name: sgd, learning_rate: 30}\n", ("oscillating cost", None),
         ("lower the learning rate", ("optimizer.learning_rate=1",))),
    ],
)  # fmt: skip
def test_a_fault_of_the_training_comes_before_everything_else(config, finding, expected, tmp_path):
    assert first(tmp_path, MOONS + HIDDEN + config, findings=[finding], dev=0.5) == expected


@pytest.mark.parametrize(
    ("optimizer", "changes"),
    [
        ("{name: sgd, learning_rate: 1e-7}", ("data.normalize=standard", "optimizer.learning_rate=0.1")),
        ("{name: sgd, learning_rate: 0.5}", ("data.normalize=standard",)),
    ],
)
def test_normalised_inputs_bear_the_usual_learning_rate(optimizer, changes, tmp_path):
    text = MOONS.replace("1000", "1000, normalize: none") + f"optimizer: {optimizer}\n"
    findings = [("inputs off scale", 0), ("steps too small", None)]
    assert first(tmp_path, text, findings=findings) == ("normalize the inputs", changes)


def test_a_rate_that_is_high_already_is_not_raised(tmp_path):
    text = MOONS + HIDDEN + "optimizer: {name: adam, learning_rate: 0.02}\n"
    assert first(tmp_path, text, findings=[("steps too small", None)])[0] == "train a bigger network"


@pytest.mark.parametrize(
    ("regularization", "task", "l2"),
    [
        ("{}", "classification", 1.8),
        ("{l2: 2}", "classification", 6),
        ("{}", "regression", 180),
        ("{l2: 2}", "regression", 180),
    ],
)
def test_l2_is_as_strong_as_the_task_needs(regularization, task, l2, tmp_path):
    text = f"data: {{train: a.csv, dev: b.csv}}\nregularization: {regularization}\n" + HIDDEN
    action, changes = first(tmp_path, text, train=0.001, dev=0.2, task=task)
    assert action in ("regularize with L2", "strengthen L2")
    assert changes == (f"regularization.l2={l2}",)


def test_inputs_are_normalised_unless_they_are(tmp_path):
    for normalize, expected in (("none", "normalize the inputs"), ("standard", "train a bigger network")):
        text = MOONS.replace("1000", f"1000, normalize: {normalize}") + HIDDEN
        assert first(tmp_path, text, findings=[("inputs off scale", 0)])[0] == expected


@pytest.mark.parametrize(
    ("config", "facts", "expected"),
    [
        ("batch_size: 4\narchitecture: {layers: [{units: 8, batch_norm: true}]}\n", {}, "take larger batches"),
        ("regularization: {l2: 100}\n" + HIDDEN, {"penalty": 0.6}, "leave out the regularization"),
        ("regularization: {keep_prob: 0.2}\n" + HIDDEN, {}, "leave out the regularization"),
        (
            "decay: {name: exponential, base: 0.5}\n" + HIDDEN,
            {"final_rate": 1e-3},
            "let the learning rate fall more slowly",
        ),
        ("decay: cosine\n" + HIDDEN, {"final_rate": 1e-3}, "train a bigger network"),
        ("regularization: {l2: 7}\n", {"examples": 600}, "leave out the regularization"),
        ("regularization: {l2: 7}\n", {"examples": 600, "task": "regression", "dev": 0.3}, "train a bigger network"),
        (
            "training: {epochs: 20}\n" + HIDDEN,
            {"findings": [("cost still falling", None)], "classes": 4},
            "train longer",
        ),
        (
            "training: {epochs: 20}\n" + HIDDEN,
            {"findings": [("cost still falling", None)], "classes": 5},
            "train a bigger network",
        ),
        (DEEP.format("sigmoid", "sigmoid", "sigmoid"), {}, "take relu for sigmoid"),
        (DEEP.format("sigmoid", "sigmoid", "tanh"), {}, "train a bigger network"),
        ("training: {early_stopping: {patience: 1}}\n" + HIDDEN, {"stopped_early": True}, "stop later"),
        ("training: {early_stopping: {patience: 50}}\n" + HIDDEN, {"stopped_early": True}, "train a bigger network"),
        (HIDDEN, {}, "train a bigger network"),
        ("regularization: {l2: 0.1}\n" + HIDDEN, {}, "leave out the regularization"),
    ],
)
def test_what_the_experiment_shows(config, facts, expected, tmp_path):
    assert first(tmp_path, MOONS + config, **facts)[0] == expected


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("[]", "architecture.layers=[{units: 64, activation: relu}]"),
        ("[{units: 100, activation: linear}]", "architecture.layers=[{units: 100, activation: relu}]"),
        ("[{units: 2, activation: tanh}]",
         "architecture.layers=[{units: 64, activation: tanh}, {units: 64, activation: tanh}]"),
        ("[{units: 50}, {units: 60}, {units: 5}]",
         ("architecture.layers.0.units=200", "architecture.layers.1.units=240",
                                                    "architecture.layers.2.units=64")),
    ],
)  # fmt: skip
def test_a_bigger_network(layers, expected, tmp_path):
    action, changes = first(tmp_path, MOONS + f"architecture: {{layers: {layers}}}\n")
    assert action == "train a bigger network"
    assert changes == ((expected,) if isinstance(expected, str) else expected)


def test_the_larger_gap_comes_first_unless_the_training_is_at_fault(tmp_path):
    gaps = [
        [
            action.gap
            for action in actions_of(evidence_of(tmp_path, MOONS + HIDDEN, train=train, dev=0.5, findings=findings))
        ]
        for train, findings in ((0.1, ()), (0.4, ()), (0.1, [("oscillating cost", 8)]))
    ]
    assert [gap[0] for gap in gaps] == ["variance", "bias", "optimization"]
    assert all({"bias", "variance"} <= set(gap) for gap in gaps)


def test_where_every_gap_is_fine_there_is_nothing_to_do(tmp_path):
    evidence = evidence_of(tmp_path, MOONS + HIDDEN, train=0.01, dev=0.01, test=0.01, findings=[("dead units", 0)])
    assert actions_of(evidence) == []


def test_a_dev_set_that_is_too_small_to_tell_asks_for_a_bigger_one(tmp_path):
    (action,) = actions_of(evidence_of(tmp_path, MOONS, train=0.01, dev=0.02, dev_examples=50))
    assert (action.action, action.gap, action.knob) == ("get a bigger dev set", "variance", "dev")
    assert "examples would tell" in action.effect


@pytest.mark.parametrize(
    ("errors", "gap", "knob"),
    [
        ({"train": 0.2, "dev": 0.2}, "bias", "train"),
        ({"train": 0.01, "dev": 0.2}, "variance", "dev"),
        ({"train": 0.01, "train_dev": 0.01, "dev": 0.2}, "data mismatch", "dev"),
        ({"train": 0.01, "dev": 0.01, "test": 0.2}, "overfitting to dev", "test"),
    ],
)
def test_an_action_turns_the_knob_of_its_gap(errors, gap, knob, tmp_path):
    actions = actions_of(evidence_of(tmp_path, MOONS + HIDDEN, **errors))
    assert {(action.gap, action.knob) for action in actions} == {(gap, knob)}
    assert all(action.reason and action.effect for action in actions)


def test_no_action_is_given_twice(tmp_path):
    findings = [(name, 3) for name in ("dead units", "rising cost", "oscillating cost", "loss spikes")]
    actions = actions_of(evidence_of(tmp_path, MOONS + HIDDEN, findings=findings, dev=0.6))
    assert len({action.action for action in actions}) == len(actions)


def test_no_setting_is_given_two_values(tmp_path):
    findings = [("oscillating cost", 3), ("steps too small", None)]
    text = MOONS + HIDDEN + "regularization: {l2: 9}\n"
    actions = actions_of(evidence_of(tmp_path, text, findings=findings, dev=0.6, penalty=2.0))
    names = [action.action for action in actions]
    assert "lower the learning rate" in names
    assert not {"raise the learning rate", "tune the learning rate, on a log scale"} & set(names)
    settings = {change for action in actions for change in action.set}
    assert len({change.split("=", 1)[0] for change in settings}) == len(settings)


EXPERIMENTS = [
    MOONS,
    MOONS + HIDDEN,
    MOONS + "architecture: {layers: [{units: 4, activation: {name: leaky_relu, slope: 0.1}, l2: 3, keep_prob: 0.3, "
    "batch_norm: {momentum: 0.5}}, {units: 3, activation: sigmoid}]}\ninitializer: {name: constant, value: 0.5}\n"
    "regularization: {l2: 0.5, l1: 0.25, keep_prob: 0.4, input_keep_prob: 0.3, max_norm: 1}\n"
    "optimizer: {name: adamw, weight_decay: 0.5}\nbatch_size: 2\n"
    "decay: {name: manual, points: [{epoch: 3, learning_rate: 0.1}]}\n"
    "training: {epochs: 30, early_stopping: {patience: 2}}\n",
    MOONS + "optimizer: sgd\nbatch_size: all\narchitecture: {layers: [{units: 2, activation: selu}]}\n",
    MOONS + "optimizer: {name: momentum, nesterov: true}\ndecay: {name: plateau, factor: 0.1}\n"
    "architecture: {layers: [{units: 5, activation: sigmoid}, {units: 4, activation: sigmoid}]}\n",
    "data: {train: a.csv, dev: b.csv}\n" + HIDDEN,
]  # fmt: skip
FINDINGS = ["symmetric units", "vanishing gradient", "inputs off scale", "dead units", "oscillating cost",
            "steps too small", "cost still falling", "diverging curves"]  # fmt: skip


@pytest.mark.parametrize("text", EXPERIMENTS)
@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize("epoch", [0, 5])
def test_every_override_that_is_printed_can_be_applied(text, finding, epoch, tmp_path):
    settings = {"test": 0.9, "images": True, "stopped_early": True, "penalty": 2.0, "final_rate": 1e-4}
    evidence = evidence_of(tmp_path, text, dev=0.5, findings=[(finding, epoch)], **settings)
    actions = actions_of(evidence)
    assert len(actions) > 6
    path = config_at(tmp_path, text)
    before = loader.load(path).experiment
    for action in actions:
        after = loader.load(path, action.set).experiment
        assert (after != before) == bool(action.set), action


def test_every_gap_has_rules():
    assert set(RULES) == {"bias", "variance", "data mismatch", "overfitting to dev"}
