"""A run small enough to be trained hundreds of times."""

import hashlib
from datetime import UTC, datetime

from dlspec import runner
from dlspec.config import loader
from dlspec.preparation import prepare

# Everything that a checkpoint has to carry: masks, running statistics, moments, a best epoch, a lowered rate.
CONFIG = """\
name: tiny
seed: 4
threads: 1
data: {synthetic: moons, examples: 40, noise: 0.2, split: {ratios: 60/20/20}}
architecture:
  layers:
    - {units: 4, activation: relu, batch_norm: true, keep_prob: 0.8}
optimizer: {name: adam, learning_rate: 0.05}
decay: {name: plateau, factor: 0.5, patience: 1}
batch_size: 10
training: {epochs: 9, early_stopping: {patience: 2}}
checkpoint: {every_steps: 2, every_seconds: null}
"""


def prepared(directory):
    """The experiment, ready to train again and again."""
    path = directory / "tiny.yaml"
    path.write_text(CONFIG)
    return prepare(loader.load(path))


def train(experiment, runs_dir, **settings):
    return runner.train(experiment, runs_dir=runs_dir, now=lambda: datetime(2026, 1, 1, tzinfo=UTC), **settings)


def of_format(number, image):
    """A checkpoint file as a dlspec of that format would write it: its header is the same for all from 2 on."""
    digest = hashlib.sha256(str(number).encode() + image).hexdigest()
    return f"dlspec checkpoint {number}\nbytes {len(image)}\nsha256 {digest}\n".encode().ljust(512, b"\0") + image
