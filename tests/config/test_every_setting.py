"""What must hold for every key of an experiment, whatever the sections are."""

from pathlib import Path

import pytest

from dlspec.config import yaml_tree
from dlspec.config.experiment import Experiment
from dlspec.config.loader import parse
from dlspec.config.schema import Schema
from dlspec.config.suggestions import SYNONYMS
from dlspec.errors import ConfigError

FULL = [
    {
        "name": "full",
        "data": {
            "path": "x.csv",
            "split": {"ratios": "60/20/20"},
            "classes": ["a", "b"],
            "target": "y",
            "memory": "2GB",
        },
        "architecture": {
            "layers": [{"units": 3, "activation": {"name": "leaky_relu", "slope": 0.1}, "keep_prob": 0.5}],
            "output": {"units": 1},
        },
        "training": {"epochs": 3, "early_stopping": {"patience": 2}},
        "decay": {"name": "manual", "points": [{"epoch": 1, "learning_rate": 0.1}]},
    },
    {
        "data": {"train": "a", "dev": "b", "test": "c", "train_dev": "d", "image": {"mode": "grey"}},
        "optimizer": {"name": "rmsprop"},
        "decay": {"name": "staircase"},
        "checkpoint": {"every_steps": 10, "every_seconds": None, "keep": 3},
    },
    {
        "data": {"synthetic": "moons", "noise": 0.1, "seed": 1, "test": {"examples": 50, "seed": 2}},
        "augmentation": {"crop": {"padding": 2}, "elastic": {"alpha": 8.0, "sigma": 3.0}},
        "optimizer": {"name": "momentum"},
        "decay": {"name": "inverse_time"},
    },
    {"data": {"path": "x.csv", "split": {"strategy": "time", "column": "c", "seed": 1, "train_dev": "2%"}}},
    {"data": {"path": "x.csv", "split": {"file": "x.split.csv"}}},
    {"data": {"path": "x.csv", "columns": {"missing": 0.5, "indicator": True, "types": {"a": "date"}}}},
    {"data": {"synthetic": "moons"}, "optimizer": {"name": "adamw"}, "decay": {"name": "plateau"}},
    {"data": {"synthetic": "moons"}, "optimizer": {"name": "adadelta"}, "decay": {"name": "one_cycle"}},
    {"data": {"synthetic": "moons"}, "optimizer": {"name": "adam"}, "decay": {"name": "cosine"}},
]


def settings(tree, path=()):
    """The paths of all values that are neither a mapping nor a list, nor could be one."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        if isinstance(value, dict | list):
            yield from settings(value, (*path, key))
        elif not {"classes", "target", "size"} & {*path[-1:], key}:
            yield (*path, key)


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text.encode(), path=Path("exp.yaml"))
    return list(caught.value.problems)


SETTINGS = [(which, path) for which, full in enumerate(FULL) for path in settings(Experiment(**full).model_dump())]


def written(which: int, path: tuple[str | int, ...], *, key: str, value: object) -> str:
    """A full file with one setting under another key or with another value, in its old place."""
    tree = Experiment(**FULL[which]).model_dump()
    holder = tree
    for step in path[:-1]:
        holder = holder[step]
    items = [(key, value) if old == path[-1] else (old, kept) for old, kept in holder.items()]
    holder.clear()
    holder.update(items)
    return yaml_tree.dump(tree)


@pytest.mark.parametrize(("which", "path"), SETTINGS)
def test_every_setting_says_what_it_expects(which, path):
    text = written(which, path, key=path[-1], value=[[]])
    mark = yaml_tree.parse(text.encode(), name="exp.yaml").marks[path].value
    (line,) = problems(text)
    found, _, expected = line.partition("; expected ")
    assert found == f"{mark}: {'.'.join(map(str, path))}: found a list of 1"
    assert expected


# Without these the mapping is another member of its family, and other keys are wrong too.
DECIDING = {"name", "path", "train", "synthetic"}


@pytest.mark.parametrize(
    ("which", "path"),
    [(which, path) for which, path in SETTINGS if not {*path[-2:]} & {*DECIDING, "types"}],
)
def test_every_key_is_found_again_after_a_typing_error(which, path):
    typo = f"{path[-1]}q"
    tree = Experiment(**FULL[which]).model_dump()
    text = written(which, path, key=typo, value=yaml_tree.Tree(tree).value_at(path))
    mark = yaml_tree.parse(text.encode(), name="exp.yaml").marks[*path[:-1], typo].key
    where = ".".join(map(str, (*path[:-1], typo)))
    start = f"{mark}: {where}: unknown key; did you mean {path[-1]}?"
    assert [line[: len(start)] for line in problems(text) if typo in line] == [start]


def test_every_synonym_leads_to_a_key_that_exists():
    known = {"name", *Schema(Experiment).homes}
    assert {target for targets in SYNONYMS.values() for target in targets} <= known


def test_homes_are_the_sections_that_have_a_key():
    homes = Schema(Experiment).homes
    assert homes["epochs"] == ["training"]
    assert homes["units"] == ["architecture.layers", "architecture.output"]
    assert homes["seed"] == ["", "data.split", "data", "data.dev", "data.test"]
    assert homes["slope"] == ["architecture.layers.activation"]
