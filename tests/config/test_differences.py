"""What an experiment says beside its defaults."""

from pathlib import Path

from dlspec.config import loader
from dlspec.config.differences import settings

FILE = b"""\
data: {synthetic: moons, split: {ratios: 80/10/10}}
architecture: {layers: [{units: 4}, {units: 3, activation: tanh}]}
optimizer: {name: sgd, learning_rate: 0.5}
decay: {name: inverse_time}
training: {early_stopping: {}}
"""


def test_what_differs():
    found = {s.key: s for s in settings(loader.parse(FILE, path=Path("a.yaml")).experiment)}
    differing = {key: (s.value, s.default) for key, s in found.items() if s.differs}
    layers = [{"units": 4}, {"units": 3, "activation": "tanh"}]
    assert differing == {
        "data.synthetic": ("moons", None),
        "data.split.ratios": ("80/10/10", "auto"),
        "architecture.layers": (layers, []),
        "optimizer.name": ("sgd", "adam"),
        "optimizer.learning_rate": (0.5, 0.1),
        "decay.name": ("inverse_time", "constant"),
        "training.early_stopping": ("on", None),
    }
    assert (found["decay.rate"].value, found["decay.rate"].default) == (0.1, 0.1)
    assert found["training.early_stopping.patience"].value == 10


def test_every_key_is_told_once():
    keys = [setting.key for setting in settings(loader.parse(FILE, path=Path("a.yaml")).experiment)]
    assert len(keys) == len(set(keys))
    assert {"seed", "batch_size", "regularization.l2", "evaluation.bias_threshold"} <= set(keys)
