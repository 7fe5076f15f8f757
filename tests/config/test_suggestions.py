"""What someone may have meant: names of values that other tools use."""

from pathlib import Path

import pytest

from dlspec.config.experiment import Experiment
from dlspec.config.loader import parse
from dlspec.config.schema import Schema
from dlspec.config.suggestions import VALUE_SYNONYMS
from dlspec.errors import ConfigError


def said(line):
    with pytest.raises(ConfigError) as raised:
        parse(f"data: {{synthetic: moons}}\n{line}".encode(), path=Path("exp.yaml"))
    (problem,) = raised.value.problems
    return problem


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("architecture: {layers: [{units: 3, activation: swish}]}", "silu"),
        ("architecture: {layers: [{units: 3, activation: LeakyReLU}]}", "leaky_relu"),
        ("architecture: {layers: [{units: 3, activation: lrelu}]}", "leaky_relu"),
        ("architecture: {layers: [{units: 3, activation: logistic}]}", "sigmoid"),
        ("architecture: {layers: [{units: 3, activation: identity}]}", "linear"),
        ("architecture: {output: {loss: mse}}", "squared_error"),
        ("architecture: {output: {loss: mae}}", "absolute_error"),
        ("architecture: {output: {loss: bce}}", "binary_cross_entropy"),
        ("initializer: kaiming_uniform", "he_uniform"),
        ("decay: step", "staircase"),
        ("decay: reduce-on-plateau", "plateau"),
        ("optimizer: nesterov", "momentum"),
        ("evaluation: {metric: acc}", "accuracy"),
        ("evaluation: {metric: mse}", "rmse"),
        ("dtype: float", "float32"),
        ("training: {early_stopping: {monitor: val_loss}}", "dev_loss"),
        ("training: {early_stopping: {monitor: val_acc}}", "dev_accuracy"),
        ("training: {early_stopping: {monitor: accuracy}}", "dev_accuracy"),
        ("training: {early_stopping: {monitor: training_loss}}", "train_loss"),
        ("decay: {name: plateau, monitor: dev_acc}", "dev_accuracy"),
    ],
)
def test_names_of_values_that_other_tools_use(line, meant):
    assert said(line).endswith(f"; did you mean {meant}?")


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ("{cat: -1}", "class_weight.cat: found -1; expected a number greater than 0"),
        ("{cat: heavy}", "class_weight.cat: found 'heavy' (text); expected a number greater than 0"),
        ("[1, 2]", "class_weight: found a list of 2; expected 'balanced', or a mapping of names to numbers"),
    ],
)
def test_a_weight_of_a_class(weights, words):
    assert said(f"training: {{class_weight: {weights}}}").endswith(words)


def test_no_synonym_is_a_name_of_ours():
    names = {name for option in _options(Schema(Experiment).root) for name in option}
    # `mae` is a metric and elsewhere a loss, `step` a unit of time and elsewhere a decay.
    assert set(VALUE_SYNONYMS) & names == {"mae", "step"}
    assert {ours for meant in VALUE_SYNONYMS.values() for ours in meant} <= names | {"dev", "train"}


def _options(node):
    if isinstance(node, dict):
        yield node.get("enum", [node["const"]] if "const" in node else [])
        node = list(node.values())
    for child in node if isinstance(node, list) else ():
        yield from _options(child)
