"""The course's sets of points in the plane, by name.

They draw from `np.random.RandomState`, whose stream NumPy's policy has frozen (NEP 19), in the order
of the published recipes: the same seed gives the very points that everyone else has.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = tuple[NDArray[np.float64], NDArray[np.int64]]
"""X (m, 2) and labels y (m,)."""


def flower(examples: int, noise: float, rng: np.random.RandomState) -> Points:
    """A flower of four petals in two colours.

    r = 4 sin(4θ) + noise·ε₁, X = (r sin θ, r cos θ), with θ even over [3.12j, 3.12(j + 1)] + noise·ε₂ for
    class j. With seed 1, 400 examples and noise 0.2 it is the course's planar set.
    """
    X = []
    counts = _halves(examples)
    for j, n in enumerate(counts):
        theta = np.linspace(j * 3.12, (j + 1) * 3.12, n) + rng.randn(n) * noise
        r = 4 * np.sin(4 * theta) + rng.randn(n) * noise
        X.append(np.column_stack((r * np.sin(theta), r * np.cos(theta))))
    return np.concatenate(X), np.repeat(np.arange(2), counts)


def circles(examples: int, noise: float, rng: np.random.RandomState) -> Points:
    """A circle of radius 1 (class 0) around one of radius 0.8 (class 1), plus noise·ε.

    scikit-learn's `make_circles`.
    """
    counts = _halves(examples)
    X = np.concatenate(
        [
            radius * _on_circle(np.linspace(0, 2 * np.pi, n, endpoint=False))
            for radius, n in zip((1.0, 0.8), counts, strict=True)
        ]
    )
    return _shuffled_and_noisy(X, np.repeat(np.arange(2), counts), noise, rng)


def moons(examples: int, noise: float, rng: np.random.RandomState) -> Points:
    """Two half circles that reach into each other, plus noise·ε.

    scikit-learn's `make_moons`.
    """
    counts = _halves(examples)
    outer, inner = (_on_circle(np.linspace(0, np.pi, n)) for n in counts)
    X = np.concatenate((outer, 1 - inner - (0, 0.5)))
    return _shuffled_and_noisy(X, np.repeat(np.arange(2), counts), noise, rng)


def blobs(examples: int, noise: float, rng: np.random.RandomState) -> Points:
    """Six Gaussians of standard deviation `noise`, centres uniform on [−10, 10]², class = blob mod 2.

    scikit-learn's `make_blobs` with 6 centers and the course's `y % 2`.
    """
    centers = rng.uniform(-10, 10, size=(6, 2))
    counts = [examples // 6 + (blob < examples % 6) for blob in range(6)]
    X = [rng.normal(loc=center, scale=noise, size=(n, 2)) for center, n in zip(centers, counts, strict=True)]
    order = _permutation(examples, rng)
    return np.concatenate(X)[order], np.repeat(np.arange(6) % 2, counts)[order]


def gaussian_quantiles(examples: int, noise: float, rng: np.random.RandomState) -> Points:
    """One Gaussian of variance 0.5; the half nearer to the origin is class 0. Then noise·ε is added.

    Without noise it is scikit-learn's `make_gaussian_quantiles` with cov 0.5 and 2 classes.
    """
    X = np.sqrt(0.5) * rng.standard_normal((examples, 2))
    X = X[np.argsort(np.sum(X**2, axis=1))]
    return _shuffled_and_noisy(X, np.repeat(np.arange(2), _halves(examples)), noise, rng)


def spirals(examples: int, noise: float, rng: np.random.RandomState) -> Points:
    """Two arms of one and a half turns: radius t, angle 3πt + πj for class j, t even over [0, 1], plus noise·ε."""
    t = [np.linspace(0, 1, n) for n in _halves(examples)]
    X = np.concatenate([tj[:, np.newaxis] * _on_circle(3 * np.pi * tj + np.pi * j) for j, tj in enumerate(t)])
    return X + noise * rng.standard_normal(X.shape), np.repeat(np.arange(2), _halves(examples))


def xor(examples: int, noise: float, rng: np.random.RandomState) -> Points:
    """Uniform on [−1, 1]²; class 1 where x1·x2 < 0. Classes alternate; then noise·ε is added."""
    X, y = _on_square(examples, rng)
    wrong = (X[:, 0] * X[:, 1] < 0) != y
    X[wrong, 0] *= -1
    return X + noise * rng.standard_normal(X.shape), y


def linear(examples: int, noise: float, rng: np.random.RandomState) -> Points:
    """Uniform on [−1, 1]²; class 1 where x1 + x2 > 0. Classes alternate; then noise·ε is added."""
    X, y = _on_square(examples, rng)
    wrong = (X[:, 0] + X[:, 1] > 0) != y
    X[wrong] *= -1
    return X + noise * rng.standard_normal(X.shape), y


def _halves(examples: int) -> tuple[int, int]:
    return examples // 2, examples - examples // 2


def _on_circle(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack((np.cos(angle), np.sin(angle)))


def _on_square(examples: int, rng: np.random.RandomState) -> Points:
    """Uniform points and alternating labels; the caller mirrors those on the wrong side, which keeps them uniform."""
    return rng.uniform(-1, 1, size=(examples, 2)), np.arange(examples) % 2


def _permutation(examples: int, rng: np.random.RandomState) -> NDArray[np.int64]:
    order = np.arange(examples)
    rng.shuffle(order)
    return order


def _shuffled_and_noisy(
    X: NDArray[np.float64], y: NDArray[np.int64], noise: float, rng: np.random.RandomState
) -> Points:
    order = _permutation(len(X), rng)
    return X[order] + rng.normal(scale=noise, size=X.shape), y[order]


@dataclass(frozen=True)
class Synthetic:
    """A recipe and the noise it is known with.

    Attributes:
        make: function of the number of examples, the noise (standard deviation) and the random stream.
        noise: default standard deviation.
    """

    make: Callable[[int, float, np.random.RandomState], Points]
    noise: float


SYNTHETIC = {
    "flower": Synthetic(flower, noise=0.2),
    "circles": Synthetic(circles, noise=0.05),
    "moons": Synthetic(moons, noise=0.2),
    "blobs": Synthetic(blobs, noise=1.0),
    "gaussian_quantiles": Synthetic(gaussian_quantiles, noise=0.0),
    "spirals": Synthetic(spirals, noise=0.03),
    "xor": Synthetic(xor, noise=0.1),
    "linear": Synthetic(linear, noise=0.1),
}
