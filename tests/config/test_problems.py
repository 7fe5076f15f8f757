"""The exact lines for the mistakes that people make."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError, model_validator

from dlspec.config import yaml_tree
from dlspec.config.architecture import HiddenLayer
from dlspec.config.data import OneFile, SplitFiles
from dlspec.config.experiment import Experiment
from dlspec.config.loader import parse
from dlspec.config.problems import MAX_LINES, problem_lines
from dlspec.config.regularization import Regularization
from dlspec.config.schema import Schema
from dlspec.config.section import Section
from dlspec.errors import ConfigError

DATA = "data: {path: x.csv}\n"
TOP = f"expected one of: {', '.join(Experiment.model_fields)}"
OPTIMIZERS = "expected one of: sgd, momentum, adagrad, rmsprop, adadelta, adam, adamw, nadam"
BATCH = "expected a whole number of at least 1, or 'all'"
AUTO = "auto: what evaluation.optimize names, or dev_loss"
MONITOR = "quantity to watch: train or dev, _, then cost, loss, accuracy, f1, precision, recall, rmse, mae or r2"
LAYER = ", ".join(HiddenLayer.model_fields)
REGULARIZATION = ", ".join(Regularization.model_fields)
ANY_DATA = "expected a mapping with one of: path, train, synthetic"
ONE_FILE = ", ".join(OneFile.model_fields)
SPLIT_FILES = ", ".join(SplitFiles.model_fields)

HASH = "strategy is hash, which needs fixed ratios to be stable; expected ratios such as 80/10/10"
SPLITS = [
    (
        "{path: a, split: {strategy: group}}",
        "1:17: data.split: strategy is group, which goes by a column; expected column",
    ),
    (
        "{path: a, split: {column: b}}",
        "1:17: data.split: column is b, but strategy is auto; expected group, time or hash",
    ),
    ("{path: a, split: {strategy: hash, column: b}}", f"1:17: data.split: {HASH}"),
    (
        "{path: a, split: {column_is_feature: true}}",
        "1:17: data.split: column_is_feature is given, but no column; expected column, or file",
    ),
    (
        "{path: a, split: {file: b, seed: 3}}",
        "1:17: data.split: file and seed are given; leave out seed, for the file says how it was split",
    ),
    (
        "{path: a, split: {train_dev: 100%}}",
        "1:36: data.split.train_dev: found '100%'; expected a percentage between 0 and 100 such as 2%",
    ),
    (
        "{path: a, split: {train_dev: 1.2.3%}}",
        "1:36: data.split.train_dev: found '1.2.3%'; expected a percentage between 0 and 100 such as 2%",
    ),
    (
        "{path: a, target: [c, b], split: {strategy: time, column: b}}",
        "1:1: data: split.column is b, which is a target; expected another column",
    ),
    (
        "{path: a, sample_weight: b, split: {strategy: time, column: b}}",
        "1:1: data: split.column is b, which is sample_weight; expected another column",
    ),
    (
        "{path: a, split: {strategy: years, column: b}}",
        "1:35: data.split.strategy: found 'years'; expected one of: auto, random, stratified, group, time, hash",
    ),
    (
        "{train: a, split: {file: b}}",
        "1:1: data: split.file is b, which divides one file; expected path in place of train",
    ),
    (
        "{train: a, train_dev: b, split: {train_dev: 2%}}",
        "1:1: data: both train_dev and split.train_dev are given; leave out one of them",
    ),
    (
        "{train: a, dev: b, split: {train_dev: 2%, ratios: 80/20}}",
        "1:1: data: both dev and split are given; leave out split, or dev to have it cut from train",
    ),
    (
        "{synthetic: moons, split: {file: b}}",
        "1:1: data: split.file is given, but moons is made on the fly; leave it out",
    ),
    (
        "{synthetic: moons, split: {strategy: group, column: b}}",
        "1:1: data: split.column is given, but moons is made on the fly; leave it out",
    ),
]


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text.encode(), path=Path("exp.yaml"))
    return list(caught.value.problems)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        # Values of the wrong kind, or out of range.
        (
            "optimizer:\n  learning_rate: fast",
            "3:18: optimizer.learning_rate: found 'fast' (text); expected a number greater than 0",
        ),
        (
            "optimizer: {learning_rate: '1e-3'}",
            "2:28: optimizer.learning_rate: found '1e-3' (text); expected a number greater than 0; "
            "write 1e-3 without quotes",
        ),
        ("optimizer: {learning_rate: 0}", "2:28: optimizer.learning_rate: found 0; expected a number greater than 0"),
        (
            "optimizer: {learning_rate: .inf}",
            "2:28: optimizer.learning_rate: found inf; expected a finite number greater than 0",
        ),
        (
            "optimizer: {learning_rate: .nan}",
            "2:28: optimizer.learning_rate: found nan; expected a finite number greater than 0",
        ),
        (
            "optimizer: {learning_rate: }",
            "2:13: optimizer.learning_rate: found an empty value; expected a number greater than 0",
        ),
        (
            "optimizer: {learning_rate: [1, 2]}",
            "2:13: optimizer.learning_rate: found a list of 2; expected a number greater than 0",
        ),
        (
            "optimizer: {beta1: 1}",
            "2:20: optimizer.beta1: found 1; expected a number of at least 0 and less than 1",
        ),
        (
            "optimizer: {beta1: true}",
            "2:20: optimizer.beta1: found true; expected a number of at least 0 and less than 1",
        ),
        (
            "regularization: {keep_prob: 1.5}",
            "2:29: regularization.keep_prob: found 1.5; expected a number greater than 0 and at most 1",
        ),
        (
            "evaluation: {human_level_error: 1%}",
            "2:33: evaluation.human_level_error: found '1%' (text); expected a number from 0 to 1; write 0.01",
        ),
        (
            "seed: -1",
            "2:7: seed: found -1; expected a whole number of at least 0 and less than 18,446,744,073,709,551,616",
        ),
        (
            "training: {epochs: 1_000}",
            "2:20: training.epochs: found '1_000' (text); expected a whole number from 1 to 10,000,000; write 1000",
        ),
        (
            "training: {epochs: 3.0}",
            "2:20: training.epochs: found 3.0; expected a whole number from 1 to 10,000,000; write 3",
        ),
        (
            "training: {epochs: 1:30}",
            "2:20: training.epochs: found '1:30' (text); expected a whole number from 1 to 10,000,000; "
            "1:30 is not read as a number; write it out",
        ),
        (
            "training: {epochs: 50%}",
            "2:20: training.epochs: found '50%' (text); expected a whole number from 1 to 10,000,000",
        ),
        (
            'training: {epochs: "\\ta\\n' + "x" * 100 + '"}',
            f"2:20: training.epochs: found '\\ta\\n{'x' * 57}…' (text); expected a whole number from 1 to 10,000,000",
        ),
        # Either of two kinds is one line.
        ("batch_size: 0.5", f"2:13: batch_size: found 0.5; {BATCH}"),
        ("batch_size: none", f"2:13: batch_size: found 'none'; {BATCH}"),
        ("batch_size: 0", f"2:13: batch_size: found 0; {BATCH}"),
        ("batch_size: true", f"2:13: batch_size: found true; {BATCH}"),
        ("batch_size:", f"2:1: batch_size: found an empty value; {BATCH}"),
        ("batch_size: {}", f"2:1: batch_size: found an empty mapping; {BATCH}"),
        ("batch_size: ALL", f"2:13: batch_size: found 'ALL'; {BATCH}; did you mean all?"),
        ("batch_size: '64'", f"2:13: batch_size: found '64'; {BATCH}; write 64 without quotes"),
        ("threads: 0", "2:10: threads: found 0; expected a whole number from 1 to 1,024, or 'auto'"),
        # Names.
        ("optimizer: sdg", f"2:12: optimizer: found 'sdg'; {OPTIMIZERS}; did you mean sgd?"),
        ("optimizer: 3", f"2:12: optimizer: found 3; {OPTIMIZERS}, or a mapping with name"),
        ("optimizer:", f"2:1: optimizer: found an empty value; {OPTIMIZERS}, or a mapping with name"),
        ("optimizer: []", f"2:1: optimizer: found an empty list; {OPTIMIZERS}, or a mapping with name"),
        ("optimizer: {name: Adam}", f"2:19: optimizer.name: found 'Adam'; {OPTIMIZERS}; did you mean adam?"),
        ("optimizer: {name: 3}", f"2:19: optimizer.name: found 3 (whole number); {OPTIMIZERS}"),
        ("dtype: double", "2:8: dtype: found 'double'; expected one of: float32, float64; did you mean float64?"),
        (
            "name: a b",
            "2:7: name: found 'a b'; expected name of the run directory: letters, digits, dot, _ and -, at most 100, "
            "not starting with a dot",
        ),
        (
            "name: 2026",
            "2:7: name: found 2026 (whole number); expected text (name of the run directory: letters, digits, dot, _ "
            "and -, at most 100, not starting with a dot); write '2026' in quotes",
        ),
        (
            "training: {early_stopping: {monitor: val_loss}}",
            f"2:38: training.early_stopping.monitor: found 'val_loss'; expected {MONITOR}; {AUTO}; did you "
            "mean dev_loss?",
        ),
        (
            "training: {early_stopping: {monitor: 0.5}}",
            f"2:38: training.early_stopping.monitor: found 0.5 (number); expected text ({MONITOR}; {AUTO})",
        ),
        (
            "decay: {monitor: val_loss, name: plateau}",
            f"2:18: decay.monitor: found 'val_loss'; expected {MONITOR}; did you mean dev_loss?",
        ),
        (
            "evaluation: {subject_to: [recall >= 0.9]}",
            "2:1: evaluation: subject_to is given, but no optimize; expected the metric to optimize under these limits",
        ),
        ("decay: {per: batch}", "2:14: decay.per: found 'batch'; expected one of: epoch, step"),
        # Sections.
        ("training: 3", "2:11: training: found 3; expected a mapping with epochs, class_weight, early_stopping"),
        ("architecture: deep", "2:15: architecture: found 'deep' (text); expected a mapping with layers, output"),
        (
            "training: {early_stopping: true}",
            "2:28: training.early_stopping: found true; expected a mapping with patience, min_delta, monitor, "
            "mode, start_epoch; "
            "write {} for its defaults",
        ),
        (
            "training: {early_stopping: false}",
            "2:28: training.early_stopping: found false; expected a mapping with patience, min_delta, monitor, "
            "mode, start_epoch; "
            "leave the key out",
        ),
        (
            "architecture:\n  layers:\n    units: 3",
            f"3:3: architecture.layers: found a mapping with units; expected a list of mappings with {LAYER}; "
            "put '- ' before each item",
        ),
        ("architecture: {layers: [64]}", f"2:25: architecture.layers.0: found 64; expected a mapping with {LAYER}"),
        (
            "architecture: {layers: [{activation: relu}]}",
            "2:25: architecture.layers.0.units: missing; expected a whole number from 1 to 1,000,000",
        ),
        (
            "architecture: {layers: [{units: 3, activation: rleu}]}",
            "2:48: architecture.layers.0.activation: found 'rleu'; "
            "expected one of: linear, sigmoid, tanh, relu, leaky_relu, hard_tanh, elu, selu, softplus, silu, gelu; "
            "did you mean relu?",
        ),
        (
            "decay: manual",
            "2:8: decay.points: missing; expected a list of mappings with epoch, step, learning_rate; at least 1",
        ),
        (
            "decay: {name: manual, points: []}",
            "2:23: decay.points: found an empty list; "
            "expected a list of mappings with epoch, step, learning_rate; at least 1",
        ),
        # Rules that span several keys.
        (
            "decay: {name: manual, points: [{epoch: 3, learning_rate: 1}, {epoch: 3, learning_rate: 1}]}",
            "2:1: decay: points are not in rising order: epoch 3 after 3; sort them by epoch",
        ),
        (
            "decay: {name: manual, per: step, points: [{step: 3, learning_rate: 1}, {step: 2, learning_rate: 1}]}",
            "2:1: decay: points are not in rising order: step 2 after 3; sort them by step",
        ),
        (
            "decay: {name: manual, points: [{epoch: 3, learning_rate: 1}, {step: 9, learning_rate: 1}]}",
            "2:1: decay: point 2 of points gives step; expected epoch, the unit of per",
        ),
        (
            "decay: {name: manual, per: step, points: [{learning_rate: 1}]}",
            "2:1: decay: point 1 of points gives neither epoch nor step; expected step, the unit of per",
        ),
        (
            "training: {epochs: 5, early_stopping: {start_epoch: 6}}",
            "2:1: training: early_stopping.start_epoch is 6, but epochs is 5, so no epoch could be the best; "
            "expected at most 5",
        ),
        (
            "architecture:\n  output: {loss: squared_error, activation: sigmoid}",
            "3:3: architecture.output: loss squared_error does not fit the output activation sigmoid; "
            "expected binary_cross_entropy or multi_task_cross_entropy, or leave loss at auto",
        ),
        (
            "augmentation: {shift: 1.5}",
            "2:23: augmentation.shift: found 1.5; expected a whole number of at least 0, or a number of at least 0 "
            "and less than 1",
        ),
        (
            "augmentation: {crop: 4}",
            "2:22: augmentation.crop: found 4; expected a mapping with padding",
        ),
        # Unknown keys.
        (
            "optimizer:\n  lr: 1",
            "3:3: optimizer.lr: unknown key; did you mean learning_rate? "
            "expected one of: name, learning_rate, beta1, beta2, epsilon, amsgrad",
        ),
        (
            "optimizer: {learning_rat: 1}",
            "2:13: optimizer.learning_rat: unknown key; did you mean learning_rate? "
            "expected one of: name, learning_rate, beta1, beta2, epsilon, amsgrad",
        ),
        (
            "regularization: {dropout: 0.2}",
            "2:18: regularization.dropout: unknown key; did you mean keep_prob (keep_prob = 1 - dropout)? "
            f"expected one of: {REGULARIZATION}",
        ),
        (
            "regularization: {weight_decay: 1}",
            f"2:18: regularization.weight_decay: unknown key; did you mean l2? expected one of: {REGULARIZATION}",
        ),
        (
            "decay: {rate: 1}",
            "2:9: decay.rate: unknown key; rate belongs to decay inverse_time; set name: inverse_time",
        ),
        (
            "optimizer: {name: sgd, epsilon: 1}",
            "2:24: optimizer.epsilon: unknown key; epsilon belongs to optimizer adagrad or rmsprop or "
            "adadelta or adam or adamw or nadam; set name: adagrad",
        ),
        (
            "optimizer: {weight_decay: 0.1}",
            "2:13: optimizer.weight_decay: unknown key; weight_decay belongs to optimizer adamw; set name: adamw",
        ),
        (
            "optimizer: {name: sgd, momentum: 0.9}",
            "2:24: optimizer.momentum: unknown key; did you mean beta? beta belongs to optimizer momentum; "
            "set name: momentum",
        ),
        (
            "architecture: {layers: [{units: 3, activation: {name: relu, negative_slope: 1}}]}",
            "2:61: architecture.layers.0.activation.negative_slope: unknown key; did you mean slope? "
            "slope belongs to activation leaky_relu; set name: leaky_relu",
        ),
        ("epochs: 3", "2:1: epochs: unknown key; epochs belongs to training"),
        ("num_epochs: 3", "2:1: num_epochs: unknown key; did you mean epochs in training?"),
        (
            "dropout: 0.5",
            "2:1: dropout: unknown key; did you mean keep_prob (keep_prob = 1 - dropout) in "
            "architecture.layers or regularization?",
        ),
        ("training: {dtype: float64}", "2:12: training.dtype: unknown key; dtype belongs to the top level"),
        ("model: {}", f"2:1: model: unknown key; did you mean architecture? {TOP}"),
        ("batch-size: 3", f"2:1: batch-size: unknown key; did you mean batch_size? {TOP}"),
        ("foo: 3", f"2:1: foo: unknown key; {TOP}"),
        ("'a b\\e': 3", f"2:1: 'a b\\e': unknown key; {TOP}"),
        # Lost indentation.
        (
            "training:\nepochs: 3",
            "3:1: epochs: unknown key; training is empty and epochs belongs inside it: indent epochs",
        ),
        (
            "training:\n  early_stopping:\n  patience: 3",
            "4:3: training.patience: unknown key; early_stopping is empty and patience belongs inside it: "
            "indent patience",
        ),
        (
            "optimizer:\nlearning_rate: 3",
            "3:1: learning_rate: unknown key; optimizer is empty and learning_rate belongs inside it: "
            "indent learning_rate",
        ),
    ],
)
def test_one_mistake_is_one_line(text, line):
    assert problems(DATA + text) == [f"exp.yaml:{line}"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("name: x", [f"1:1: data: missing; {ANY_DATA}"]),
        ("data:", [f"1:1: data: found an empty value; {ANY_DATA}"]),
        ("data: x.csv", [f"1:7: data: found 'x.csv' (text); {ANY_DATA}"]),
        ("data: {}", [f"1:1: data: found an empty mapping; {ANY_DATA}"]),
        (
            "data: {pth: 1}",
            [
                f"1:1: data: found a mapping with pth; {ANY_DATA}",
                f"1:8: data.pth: unknown key; did you mean path? expected one of: {ONE_FILE}",
            ],
        ),
        (
            "data: {path: 3}",
            [
                "1:14: data.path: found 3 (whole number); expected text (CSV, TSV, Parquet, HDF5, NPZ, NPY, IDX or "
                "CIFAR-10 file, or folder of images, relative to the experiment file); write '3' in quotes"
            ],
        ),
        (
            "data: {path: ''}",
            [
                "1:14: data.path: found ''; expected CSV, TSV, Parquet, HDF5, NPZ, NPY, IDX or CIFAR-10 file, or "
                "folder of images, relative to the experiment file"
            ],
        ),
        (
            "data: {path: a, train: b}",
            ["1:8: data.path: unknown key; path and train exclude each other; keep one of the two"],
        ),
        ("data: {path: a, noise: 1}", ["1:17: data.noise: unknown key; noise belongs to data with synthetic"]),
        (
            "data: {train: a, val: b}",
            [f"1:18: data.val: unknown key; did you mean dev? expected one of: {SPLIT_FILES}"],
        ),
        (
            "data: {path: a, val: b}",
            ["1:17: data.val: unknown key; did you mean dev? dev belongs to data with train or synthetic"],
        ),
        (
            "data: {path: a, split: {ratios: 60/50}}",
            ["1:33: data.split.ratios: found '60/50'; the ratios add up to 110; expected 100"],
        ),
        (
            "data: {synthetic: mons}",
            [
                "1:19: data.synthetic: found 'mons'; expected one of: flower, circles, moons, blobs, "
                "gaussian_quantiles, spirals, xor, linear; did you mean moons?"
            ],
        ),
        (
            "data: {path: a, classes: [0, one]}",
            ["1:27: data.classes.0: found 0 (whole number); expected text; write '0' in quotes"],
        ),
        (
            "data: {path: a, classes: [one]}",
            ["1:17: data.classes: found a list of 1; expected a list of text; at least 2"],
        ),
        (
            "data: {path: a, target: [b, c, b]}",
            ["1:1: data: target names b twice; expected different columns"],
        ),
        (
            "data: {path: a, target: []}",
            [
                "1:17: data.target: found an empty list; expected text (CSV, TSV, Parquet: column to predict, or a "
                "list of columns; unset means the last one), or a list of text; at least 1"
            ],
        ),
        (
            "data: {path: a, target: [b, c], sample_weight: c}",
            ["1:1: data: sample_weight is c, which is a target; expected another column"],
        ),
        (
            "data: {path: a, task: multi_task, classes: [no, yes]}",
            ["1:1: data: classes are given, but a multi_task has none; leave out classes or task"],
        ),
        (
            "data: {train: a, task: multi_task, split: {ratios: 70/30, strategy: stratified}}",
            ["1:1: data: split.strategy is stratified, which needs classes; expected random for a multi_task"],
        ),
        (
            "data: {synthetic: moons, test: test.csv}",
            ["1:32: data.test: found 'test.csv' (text); expected a mapping with examples, noise, seed"],
        ),
        (
            "data: {synthetic: moons, test: {examples: 100}}",
            ["1:26: data.test.seed: missing; expected a whole number of at least 0 and less than 4,294,967,296"],
        ),
        (
            "data: {synthetic: moons, test: {seed: 2}, split: {}}",
            ["1:1: data: split.ratios is auto; expected train/dev such as 80/20, to cut dev from train"],
        ),
        (
            "data: {synthetic: moons, dev: {seed: 2}, split: {ratios: 80/20}}",
            ["1:1: data: both dev and split are given; leave out split, or dev to have it cut from train"],
        ),
        *((f"data: {data}", [line]) for data, line in SPLITS),
        ("data:\npath: x", ["2:1: path: unknown key; data is empty and path belongs inside it: indent path"]),
    ],
)
def test_data_in_its_three_forms(text, lines):
    assert problems(text) == [f"exp.yaml:{line}" for line in lines]


def test_all_problems_are_told_at_once_in_the_order_of_the_file():
    text = "seed: x\noptimizer:\n  lr: 1\n  beta1: 2\ndata: {path: x.csv}\nepochs: 3\nbatch_size: 0\n"
    assert problems(text) == [
        "exp.yaml:1:7: seed: found 'x' (text); expected a whole number of at least 0 and less than "
        "18,446,744,073,709,551,616",
        "exp.yaml:3:3: optimizer.lr: unknown key; did you mean learning_rate? "
        "expected one of: name, learning_rate, beta1, beta2, epsilon, amsgrad",
        "exp.yaml:4:10: optimizer.beta1: found 2; expected a number of at least 0 and less than 1",
        "exp.yaml:6:1: epochs: unknown key; epochs belongs to training",
        f"exp.yaml:7:13: batch_size: found 0; {BATCH}",
    ]


def test_very_many_problems_are_counted():
    lines = problems(DATA + "".join(f"k{i}: 1\n" for i in range(MAX_LINES + 7)))
    assert len(lines) == MAX_LINES + 1
    assert lines[0] == f"exp.yaml:2:1: k0: unknown key; {TOP}"
    assert lines[-1] == f"exp.yaml:{MAX_LINES + 2}:1: and 7 more from here on"


class Inner(Section):
    on: bool = False


class Outer(Section):
    flag: bool = Field(True, description="a switch")
    mode: Literal["off"] | Inner = "off"
    items: Annotated[list[Inner], Field(min_length=1)] | Literal["none"] = "none"

    @model_validator(mode="after")
    def _whole(self) -> "Outer":
        if not self.flag:
            raise ValueError("flag is false; expected true")
        return self


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("flag: yes", ["1:7: flag: found 'yes' (text); expected true or false; write true"]),
        ("flag: No", ["1:7: flag: found 'No' (text); expected true or false; write false"]),
        ("flag: 'true'", ["1:7: flag: found 'true' (text); expected true or false; write true"]),
        ("flag: 1", ["1:7: flag: found 1; expected true or false"]),
        ("flag: false", ["1:1: flag is false; expected true"]),
        ("mode: {onn: true}", ["1:8: mode.onn: unknown key; did you mean on? expected one of: on"]),
        ("mode: 3", ["1:7: mode: found 3; expected 'off', or a mapping with on"]),
        ("items: [{}, {on: 1}]", ["1:18: items.1.on: found 1; expected true or false"]),
        ("items: []", ["1:1: items: found an empty list; expected a list of mappings with on; at least 1, or 'none'"]),
    ],
)
def test_sections_that_dlspec_does_not_have_yet(text, lines):
    tree = yaml_tree.parse(text.encode(), name="f.yaml")
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(tree.root)
    got = problem_lines(caught.value, tree=tree, schema=Schema(Outer))
    assert got == [f"f.yaml:{line}" for line in lines]
