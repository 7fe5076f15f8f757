"""The `checkpoint` section: its defaults, and what its settings refuse."""

from pathlib import Path

import pytest

from dlspec.config.checkpoint import Checkpoint
from dlspec.config.loader import parse
from dlspec.errors import ConfigError


def parsed(section):
    text = f"data: {{synthetic: moons}}\ncheckpoint: {section}\n"
    return parse(text.encode(), path=Path("exp.yaml")).experiment.checkpoint


@pytest.mark.parametrize(
    ("section", "every_steps", "every_seconds", "keep"),
    [
        ("{}", None, 10.0, 2),
        ("{every_steps: 100}", 100, 10.0, 2),
        ("{every_steps: 1, every_seconds: null, keep: 5}", 1, None, 5),
        ("{every_seconds: 0}", None, 0.0, 2),
        ("{every_steps: null, every_seconds: null}", None, None, 2),  # only at the end
    ],
)
def test_what_it_says(section, every_steps, every_seconds, keep):
    assert parsed(section) == Checkpoint(every_steps=every_steps, every_seconds=every_seconds, keep=keep)


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ("{every_steps: 0}", "2:27: checkpoint.every_steps: found 0; expected a whole number of at least 1"),
        ("{every_steps: 1.5}", "2:27: checkpoint.every_steps: found 1.5; expected a whole number of at least 1"),
        ("{every_seconds: -1}", "2:29: checkpoint.every_seconds: found -1; expected a number of at least 0"),
        ("{every_seconds: .nan}", "2:29: checkpoint.every_seconds: found nan; expected a finite number of at least 0"),
        ("{every_seconds: .inf}", "2:29: checkpoint.every_seconds: found inf; expected a finite number of at least 0"),
        ("{keep: 0}", "2:20: checkpoint.keep: found 0; expected a whole number of at least 1"),
        ("{keep: null}", "2:14: checkpoint.keep: found an empty value; expected a whole number of at least 1"),
        ("10", "2:13: checkpoint: found 10; expected a mapping with every_steps, every_seconds, keep"),
    ],
)
def test_what_it_refuses(section, problem):
    with pytest.raises(ConfigError) as caught:
        parsed(section)
    assert list(caught.value.problems) == [f"exp.yaml:{problem}"]
