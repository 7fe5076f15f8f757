"""The check of one experiment: in float64, without dropout, on its own data, before and after some training."""

import numpy as np
import pytest

from dlspec import gradcheck
from dlspec.config import loader
from dlspec.core.layers import Dropout
from dlspec.errors import TrainingError

SOURCE = """\
name: checked
seed: 3
data: {synthetic: moons, examples: 200, noise: 0.2}
architecture:
  layers:
    - {units: 6, activation: tanh, keep_prob: 0.5, batch_norm: true}
    - {units: 5, activation: softplus, l1: 0.2}
  output: {loss: {name: binary_cross_entropy, label_smoothing: 0.1}}
regularization: {l2: 0.7, input_keep_prob: 0.9}
batch_size: 16
training: {epochs: 2, class_weight: {"0": 3.0}, early_stopping: {patience: 1}}
"""


def load(tmp_path, *overrides, source=SOURCE):
    return loader.parse(source.encode(), path=tmp_path / "checked.yaml", overrides=overrides)


def run(subject, **settings):
    return list(gradcheck.run(subject, **settings))


def test_right_before_and_after_training(tmp_path):
    first, second = run(gradcheck.prepare(load(tmp_path)))
    assert [block.name for block in first.blocks] == ["W1", "gamma1", "beta1", "W2", "b2", "W3", "b3"]
    for stage, step in ((first, 0), (second, gradcheck.STEPS)):
        assert (stage.step, stage.examples, stage.finding) == (step, gradcheck.EXAMPLES, None)
        assert {block.verdict for block in stage.blocks} == {"ok"}
        for block in stage.blocks:
            assert block.differences.relative_error < 1e-7
            assert block.complex_step.relative_error < 1e-12
    assert second.cost < first.cost  # the training is one


def test_the_changes_are_told(tmp_path):
    subject = gradcheck.prepare(load(tmp_path))
    assert subject.changes == (
        "float64 instead of float32",
        "dropout turned off (keep_prob 1): with it J is not the same twice",
    )
    experiment = subject.prepared.experiment
    assert experiment.dtype == "float64"
    assert subject.prepared.dataset.splits["train"].X.dtype == np.float64
    assert subject.prepared.weights.dtype == np.float64
    assert {layer.keep_prob for layer in experiment.architecture.layers} == {None}
    assert (experiment.regularization.keep_prob, experiment.regularization.input_keep_prob) == (1.0, 1.0)
    source = "data: {synthetic: moons}\ndtype: float64\n"
    assert gradcheck.prepare(load(tmp_path, source=source)).changes == ()


def test_penalties_weights_and_smoothing_are_in_the_cost(tmp_path):
    """Each setting changes J of the same network at the same start; dropout does not."""
    costs = {}
    for override in (
        "regularization.l2=0.7",
        "regularization.l2=0",
        "architecture.layers.1.l1=0",
        "training.class_weight=null",
        "architecture.output.loss=auto",
        "regularization.input_keep_prob=0.4",
    ):
        (stage,) = run(gradcheck.prepare(load(tmp_path, override)), steps=0, coordinates=1, directions=0)
        costs[override] = stage.cost
    assert costs.pop("regularization.input_keep_prob=0.4") == costs["regularization.l2=0.7"]
    assert len(set(costs.values())) == len(costs)


def test_biases_start_at_random(tmp_path):
    (stage,) = run(gradcheck.prepare(load(tmp_path)), steps=0)
    for block in stage.blocks:
        if block.name in ("b2", "b3", "beta1"):
            assert block.entries.values.all()
        if block.name == "gamma1":
            assert (block.entries.values != 1.0).all()


def test_as_much_as_is_asked_for(tmp_path):
    subject = gradcheck.prepare(load(tmp_path))
    (stage,) = run(subject, steps=0, examples=10, coordinates=3, directions=2)
    assert stage.examples == 10
    assert {block.name: block.differences.count for block in stage.blocks if block.size > 3} == {
        "W1": 3, "gamma1": 3, "beta1": 3, "W2": 3, "b2": 3, "W3": 3
    }  # fmt: skip
    assert {block.directions.count for block in stage.blocks if block.size > 3} == {2}
    (stage,) = run(subject, steps=0, examples=1000, coordinates=None)
    assert stage.examples == len(subject.prepared.dataset.splits["train"].X)
    assert {block.differences.count for block in stage.blocks} == {block.size for block in stage.blocks}
    assert all(block.directions is None for block in stage.blocks)


def test_training_goes_on_for_exactly_as_many_steps(tmp_path, monkeypatch):
    """Beyond the 2 epochs of 8 steps that the experiment asks for, and past its early stopping."""
    seen = []
    build = gradcheck.build_trainer

    def spy(*arguments, **keywords):
        trainer = build(*arguments, **keywords)
        seen.append(trainer)
        return trainer

    monkeypatch.setattr(gradcheck, "build_trainer", spy)
    run(gradcheck.prepare(load(tmp_path)), steps=37, coordinates=1, directions=0)
    (trainer,) = seen
    assert trainer.state().step == 37


def test_the_same_experiment_gives_the_same_check(tmp_path):
    one, other = (run(gradcheck.prepare(load(tmp_path)), steps=5, coordinates=4) for _ in range(2))
    for first, again in zip(one, other, strict=True):
        assert first.cost == again.cost
        assert [block.measures for block in first.blocks] == [block.measures for block in again.blocks]


@pytest.mark.parametrize("activation", ["relu", "hard_tanh", "selu"])
@pytest.mark.parametrize("position", ["before", "after"])
def test_kinks_do_not_spoil_it(tmp_path, activation, position):
    source = f"""\
data: {{synthetic: spirals, examples: 300}}
architecture:
  layers:
    - {{units: 20, activation: {activation}, batch_norm: {{position: {position}}}}}
    - {{units: 20, activation: {activation}}}
regularization: {{l1: 0.1}}
"""
    for stage in run(gradcheck.prepare(load(tmp_path, source=source)), coordinates=None):
        assert {block.verdict for block in stage.blocks} == {"ok"}


def test_features_that_are_not_normalised(tmp_path):
    """Inputs of the order of 1,000 bend J a million times more: smaller steps are taken there."""
    rows = ["a,b,y"] + [f"{1000 + 7 * k % 500},{-3000 + 13 * k % 700},{k % 5 * 1.5}" for k in range(60)]
    (tmp_path / "table.csv").write_text("\n".join(rows) + "\n")
    source = """\
data: {path: table.csv, target: y, task: regression, normalize: none}
architecture: {layers: [{units: 5, activation: tanh}]}
initializer: small
"""
    for stage in run(gradcheck.prepare(load(tmp_path, source=source)), steps=3):
        assert {block.verdict for block in stage.blocks} == {"ok"}


def test_a_cost_that_is_not_finite_is_an_error(tmp_path):
    subject = gradcheck.prepare(load(tmp_path, "architecture.output.loss=auto", "regularization.l2=1e300"))
    with pytest.raises(TrainingError, match=r"the cost is (inf|nan) after \d+ steps.*lower optimizer.learning_rate"):
        run(gradcheck.prepare(load(tmp_path, "optimizer={name: sgd, learning_rate: 1e300}")), steps=20)
    assert subject.prepared.experiment.regularization.l2 == 1e300


def test_no_dropout_layer_is_left(tmp_path):
    subject = gradcheck.prepare(load(tmp_path))
    cost = gradcheck.builder.build_cost(subject.prepared.experiment, n_x=2)
    assert not any(isinstance(placed.layer, Dropout) for placed in cost.network.placed)
