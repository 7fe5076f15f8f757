"""What to try after a divergence: the advice as actions, without what the experiment has already."""

import pytest

from dlspec.config import loader
from dlspec.diagnosis.divergence import RULES, actions_after, long_step
from dlspec.training.divergence import ADVICE

BASE = "data: {synthetic: moons, normalize: none}\narchitecture: {layers: [{units: 4, activation: relu}]}\n"
RATE, CLIP = "lower the learning rate", "limit the gradient"


def experiment(tmp_path, overrides=()):
    path = tmp_path / "a.yaml"
    path.write_text(BASE)
    return loader.load(path, ["initializer=large", "optimizer={name: sgd, learning_rate: 50}", *overrides]).experiment


@pytest.mark.parametrize(
    ("block", "overrides", "expected"),
    [
        ("parameters", [], {RATE: ("optimizer.learning_rate=1",), CLIP: ("regularization.clip_norm=1",)}),
        (
            "parameters",
            ["optimizer.learning_rate=0.2", "regularization.clip_norm=5"],
            {RATE: ("optimizer.learning_rate=0.02",), CLIP: ("regularization.clip_norm=0.5",)},
        ),
        (
            "parameters",
            ["decay={name: manual, points: [{epoch: 2, learning_rate: 9}]}", "optimizer.learning_rate=0.1"],
            {
                "lower the learning rates of decay.points": ("optimizer.learning_rate=0.01", "decay=constant"),
                CLIP: ("regularization.clip_norm=1",),
            },
        ),
        (
            "outputs",
            [],
            {
                RATE: ("optimizer.learning_rate=1",),
                "scale the inputs and the start values": ("data.normalize=standard", "initializer=he"),
            },
        ),
        (
            "outputs",
            ["data.normalize=standard", "architecture.layers.0.activation=tanh"],
            {RATE: ("optimizer.learning_rate=1",), "scale the inputs and the start values": ("initializer=xavier",)},
        ),
        ("outputs", ["data.normalize=standard", "initializer=he"], {RATE: ("optimizer.learning_rate=1",)}),
        (
            "loss",
            [],
            {
                RATE: ("optimizer.learning_rate=1",),
                "normalize the inputs": ("data.normalize=standard",),
                "rescale the targets, if they are numbers far from 1": (),
            },
        ),
        ("inputs", [], {ADVICE["inputs"][0]: ()}),
    ],
)
def test_the_advice_as_actions(block, overrides, expected, tmp_path):
    found = actions_after(ADVICE[block], experiment(tmp_path, overrides))
    assert {action.action: action.set for action in found} == expected
    assert {(action.gap, action.knob) for action in found} == {("optimization", "train")}


@pytest.mark.parametrize(
    ("ratios", "found"),
    [
        ([], None),
        ([None, None], None),
        ([0.4, 0.01], None),
        ([None, 2.0, 40.0], (3, 40.0, "one step of layer 3 is 40 times as long as its weights")),
    ],
)
def test_the_layer_with_the_longest_steps(ratios, found):
    layers = [{"layer": number, "update_ratio": ratio} for number, ratio in enumerate(ratios, start=1)]
    finding = long_step([{"epoch": 7, "layers": layers}])
    assert (finding and (finding.layer, finding.value, finding.message)) == found
    assert finding is None or (finding.epoch, finding.name) == (7, "steps too large")


def test_every_rule_is_for_advice_that_is_given():
    told = [text for texts in ADVICE.values() for text in texts]
    for words in RULES:
        assert any(words in text for text in told), words
