"""Write the start values of the course's labs, as its notebooks draw them, for `initializer: from_file`.

`python configs/course/make_starts.py [directory]`; without one they go into `starts/` beside this script, where the
experiments look for them. Needs NumPy alone. The numbers come from `np.random.RandomState`, whose stream is frozen
(NEP 19), layer by layer: W = N(0, 1), scaled; biases start at 0 and are left out. All files but the two of the cats,
which are too big, come with dlspec.
"""

import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def he(W: Array) -> Array:
    """W · √(2/n_in)."""
    return W * np.sqrt(2.0 / W.shape[1])


def xavier(W: Array) -> Array:
    """W / √n_in."""
    return W / np.sqrt(W.shape[1])


def small(W: Array) -> Array:
    """W · 0.01."""
    return W * 0.01


def large(W: Array) -> Array:
    """W · 10."""
    return W * 10.0


# The file, np.random.seed, the units of each layer from the input to the output, and what scales the draws.
STARTS: dict[str, tuple[int, tuple[int, ...], Callable[[Array], Array]]] = {
    "circles-large": (3, (2, 10, 5, 1), large),
    "circles-he": (3, (2, 10, 5, 1), he),
    "football": (3, (2, 20, 3, 1), xavier),
    "moons": (3, (2, 5, 2, 1), he),
    **{f"flower-{units}": (2, (2, units, 1), small) for units in (1, 2, 3, 4, 5, 20, 50)},
    "cat-2-layer": (1, (12288, 7, 1), small),
    "cat-4-layer": (1, (12288, 20, 7, 5, 1), xavier),
}


def weights(name: str) -> dict[str, Array]:
    """W1 (n_out, n_in), W2, … of one lab."""
    seed, units, scaled = STARTS[name]
    rng = np.random.RandomState(seed)
    shapes = ((n_out, n_in) for n_in, n_out in pairwise(units))
    return {f"W{layer}": scaled(rng.randn(*shape)) for layer, shape in enumerate(shapes, start=1)}


def write(name: str, directory: Path) -> None:
    """The NPZ file of one lab."""
    directory.mkdir(parents=True, exist_ok=True)
    np.savez(directory / f"{name}.npz", **weights(name))


if __name__ == "__main__":
    for lab in STARTS:
        write(lab, Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "starts")
