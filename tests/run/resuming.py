"""Experiments that keep every kind of state, and what of a run must come out the same whatever happened to it."""

import json
import shutil
from itertools import count
from pathlib import Path

import h5py
import numpy as np

from dlspec import runner
from dlspec.config import loader
from dlspec.preparation import prepare

MOONS = "data: {synthetic: moons, examples: 80, noise: 0.3}\nseed: 3\nbatch_size: 16\n"

# What each keeps beside θ: the generator of the masks, running averages and their statistics, the factor of a
# plateau, the best epoch, the images of an epoch, the gradient's averages.
EXPERIMENTS = {
    "dropout": MOONS + "architecture: {layers: [{units: 6, keep_prob: 0.7}]}\ntraining: {epochs: 5}\n",
    "batch-norm": MOONS
    + "architecture: {layers: [{units: 6, batch_norm: true}]}\noptimizer: rmsprop\ntraining: {epochs: 5}\n",
    "plateau": MOONS
    + "architecture: {layers: [{units: 6}]}\noptimizer: {name: momentum, learning_rate: 0.5}\n"
    + "decay: {name: plateau, monitor: train_loss, patience: 1, min_delta: 0.1, cooldown: 1}\ntraining: {epochs: 8}\n",
    "early-stopping": MOONS
    + "architecture: {layers: [{units: 6}]}\noptimizer: {name: adam, learning_rate: 0.3}\n"
    + "training: {epochs: 40, early_stopping: {patience: 3}}\n",
    "schedule": MOONS
    + "architecture: {layers: [{units: 6, keep_prob: 0.9}]}\nregularization: {l2: 0.1, clip_norm: 1}\n"
    + "optimizer: {name: adam, amsgrad: true}\ndecay: {name: cosine, per: step, warmup: 5, cycles: 2}\n"
    + "training: {epochs: 6}\n",
    "augmentation": "data: {path: images.npz, split: {ratios: 60/20/20}}\nseed: 4\nbatch_size: 8\n"
    + "augmentation: {shift: 1, noise: 0.1}\narchitecture: {layers: [{units: 4}]}\ntraining: {epochs: 4}\n",
    "streaming": "data: {path: rows.h5, memory: 40kB, split: {ratios: 80/10/10}}\nseed: 5\nbatch_size: 30\n"
    + "architecture: {layers: [{units: 5}]}\noptimizer: {name: adam, learning_rate: 0.01}\n"
    + "training: {epochs: 2, class_weight: balanced}\n",
    "all-at-once": MOONS.replace("batch_size: 16", "batch_size: all")
    + "architecture: {layers: [{units: 6, keep_prob: 0.8}]}\noptimizer: sgd\ntraining: {epochs: 6}\n",
    "seldom-measured": MOONS
    + "architecture: {layers: [{units: 6, keep_prob: 0.8}]}\noptimizer: {name: momentum, learning_rate: 0.5}\n"
    + "decay: {name: plateau, monitor: train_loss, patience: 3, min_delta: 0.1}\nevaluation: {every: 3}\n"
    + "training: {epochs: 8}\n",
    "two-streams": MOONS
    + "threads: 2\nstreams: 2\narchitecture: {layers: [{units: 6}, {units: 5}]}\nregularization: {l2: 0.1}\n"
    + "training: {epochs: 3, class_weight: balanced}\n",
}
STEPS = {
    "dropout": 15,
    "batch-norm": 15,
    "plateau": 24,
    "schedule": 18,
    "augmentation": 12,
    "streaming": 32,
    "all-at-once": 6,
    "seldom-measured": 24,
    "two-streams": 9,
}

SAME = ("metrics.jsonl", "health.jsonl", "report.json", "report.md", "report.html", "pictures.json")


def write(place, name, text=None):
    """The experiment file, beside its data."""
    place.mkdir(exist_ok=True)
    path = place / f"{name}.yaml"
    path.write_text(text or EXPERIMENTS[name])
    if "images.npz" in path.read_text():
        rng = np.random.default_rng(0)
        np.savez(place / "images.npz", x=rng.integers(0, 256, (40, 5, 5), np.uint8), y=np.arange(40) % 2)
    if "rows.h5" in path.read_text():
        rng = np.random.default_rng(0)
        with h5py.File(place / "rows.h5", "w") as file:
            file.create_dataset("x", data=rng.standard_normal((600, 10)), chunks=(15, 10))
            file["y"] = rng.integers(0, 3, 600)
    return path


def train(place, name, *, overrides=(), **settings):
    """Train in `place/runs`; gives how it ended."""
    prepared = prepare(loader.load(write(place, name), overrides))
    return runner.train(prepared, runs_dir=place / "runs", **settings)


def stop_after(steps):
    """An `interrupted` that becomes true after that many steps of a session."""
    counter = count(1)
    return lambda: next(counter) >= steps


def content_of(run: Path):
    """Everything of a run that must not depend on interruptions, by file."""
    files = {name: (run / name).read_bytes() for name in SAME if (run / name).exists()}
    return files | {path.name: path.read_bytes() for path in (run / "checkpoints").iterdir()}


def copy_of(run, place):
    """A run of its own, at the same depth, so that its relative paths hold."""
    target = place / "runs" / run.name
    shutil.copytree(run, target)
    for data in run.parent.parent.glob("*.npz"):
        shutil.copy(data, place)
    return target


def rows_of(run):
    """The rows of its metrics."""
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
