"""Write golden_synthetic.json: the synthetic sets as scikit-learn and the course's own code make them.

Needs scikit-learn, which neither dlspec nor its tests do: `python tests/data/make_golden.py`.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
from sklearn import datasets


def planar(seed: int, examples: int) -> tuple[np.ndarray, np.ndarray]:
    """The course's load_planar_dataset, for an even number of examples."""
    np.random.seed(seed)
    n = examples // 2
    X, y = np.zeros((examples, 2)), np.zeros(examples, dtype=np.int64)
    for j in range(2):
        ix = range(n * j, n * (j + 1))
        t = np.linspace(j * 3.12, (j + 1) * 3.12, n) + np.random.randn(n) * 0.2
        r = 4 * np.sin(4 * t) + np.random.randn(n) * 0.2
        X[ix] = np.c_[r * np.sin(t), r * np.cos(t)]
        y[ix] = j
    return X, y


def blobs(seed: int, examples: int) -> tuple[np.ndarray, np.ndarray]:
    X, y = datasets.make_blobs(n_samples=examples, random_state=seed, n_features=2, centers=6)
    return X, y % 2


def quantiles(seed: int, examples: int) -> tuple[np.ndarray, np.ndarray]:
    return datasets.make_gaussian_quantiles(
        mean=None, cov=0.5, n_samples=examples, n_features=2, n_classes=2, shuffle=True, random_state=seed
    )


SETS = {
    "flower": planar,
    "circles": lambda seed, m: datasets.make_circles(n_samples=m, factor=0.8, noise=0.05, random_state=seed),
    "moons": lambda seed, m: datasets.make_moons(n_samples=m, noise=0.2, random_state=seed),
    "blobs": blobs,
    "gaussian_quantiles": quantiles,
}


def describe(name: str, seed: int, examples: int) -> dict:
    X, y = SETS[name](seed, examples)
    return {
        "name": name,
        "seed": seed,
        "examples": examples,
        "first_rows": X[:3].tolist(),
        "last_row": X[-1].tolist(),
        "sums": X.sum(axis=0).tolist(),
        "ordered_sums": (np.arange(examples) @ X).tolist(),
        "labels_sha256": hashlib.sha256(y.astype("<i8").tobytes()).hexdigest(),
    }


if __name__ == "__main__":
    golden = [
        describe(name, seed, examples)
        for name in SETS
        for seed, examples in ((1, 400), (3, 400), (1, 300), (3, 300), (7, 2), (7, 13), (7, 100))
        if name != "flower" or examples % 2 == 0
    ]
    Path(__file__).with_name("golden_synthetic.json").write_text(json.dumps(golden, indent=1) + "\n")
