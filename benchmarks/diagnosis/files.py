"""Data of a known fault that no recipe has: flipped labels, a shifted dev set, a rare class, few images of digits."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from dlspec.data import synthetic

DATASETS = Path(__file__).parents[2] / "datasets"

Points = tuple[NDArray[np.float64], NDArray[np.int64]]


def _moons(examples: int, seed: int) -> Points:
    return synthetic.moons(examples, 0.1, np.random.RandomState(seed))


def _flipped(points: Points, share: float, seed: int) -> Points:
    """Labels wrong by chance with this probability, which is the Bayes error of what is separable."""
    X, y = points
    wrong = np.random.default_rng(seed).random(len(y)) < share
    return X, np.where(wrong, 1 - y, y)


def _turned(points: Points, degrees: float) -> Points:
    X, y = points
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return X @ turn.T, y


def _rare(examples: int, seed: int) -> Points:
    """A disc that holds one example in twelve, within a ring of the others."""
    rng = np.random.default_rng(seed)
    y = (np.arange(examples) % 12 == 0).astype(np.int64)
    radius = np.where(y == 1, rng.uniform(0, 0.6, examples), rng.uniform(0.8, 2, examples))
    angle = rng.uniform(0, 2 * np.pi, examples)
    return np.column_stack((radius * np.cos(angle), radius * np.sin(angle))), y


def _grown(points: Points, factor: float) -> Points:
    """The second feature in another unit."""
    X, y = points
    return X * (1.0, factor), y


def _digits(start: int, stop: int) -> Points:
    """Some of the bundled images, in an order of their own."""
    with h5py.File(DATASETS / "digits.h5") as file:
        X, y = file["x"][:].reshape(-1, 64).astype(np.float64), file["y"][:]
    rows = np.random.default_rng(13).permutation(len(y))[start:stop]
    return X[rows], y[rows]


FILES: dict[str, Callable[[], Points]] = {
    "flipped10_train.csv": lambda: _flipped(_moons(1500, 1), 0.1, 1),
    "flipped10_dev.csv": lambda: _flipped(_moons(2000, 2), 0.1, 2),
    "flipped20_train.csv": lambda: _flipped(_moons(2000, 3), 0.2, 3),
    "flipped20_dev.csv": lambda: _flipped(_moons(2000, 4), 0.2, 4),
    "moons_train.csv": lambda: _moons(1500, 5),
    "moons_train_dev.csv": lambda: _moons(500, 6),
    "turned_dev.csv": lambda: _turned(_moons(500, 7), 35),
    "moved_dev.csv": lambda: (_moons(500, 8)[0] + (0.4, 0.3), _moons(500, 8)[1]),
    "rare_train.csv": lambda: _rare(2000, 9),
    "rare_dev.csv": lambda: _rare(2000, 10),
    "grown_train.csv": lambda: _grown(_moons(1500, 11), 1000.0),
    "grown_dev.csv": lambda: _grown(_moons(1500, 12), 1000.0),
    "digits_150.csv": lambda: _digits(0, 150),
    "digits_250.csv": lambda: _digits(150, 400),
    "digits_dev.csv": lambda: _digits(400, 1797),
}


def write(text: str, place: Path) -> None:
    """Write those files that a text names."""
    for name, make in FILES.items():
        if name in text:
            X, y = make()
            names = [f"x{number}" for number in range(1, X.shape[1] + 1)]
            rows = [",".join([*map(repr, x), f"c{label}"]) for x, label in zip(X.tolist(), y, strict=True)]
            (place / name).write_text("\n".join([",".join([*names, "label"]), *rows, ""]))
