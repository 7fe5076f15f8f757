"""One seed, one independent stream of random numbers per use."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dlspec.core.arrays import Shape

# Words of 64 bits that are drawn at once, since NumPy cannot draw them into an array that is there: 32 kB.
_WORDS = 4_096

# A new use takes a new number. The old ones never change, so that adding a consumer of randomness
# moves no other stream.
USES = {
    "split": 0, "init": 1, "shuffle": 2, "dropout": 3, "augment": 4, "search": 5, "gradcheck": 6, "bootstrap": 7,
    "sample": 8,
}  # fmt: skip


def stream(seed: int, use: str, *indices: int) -> np.random.Generator:
    """Generator of the stream of one use, the same for the same arguments whatever else was drawn.

    Args:
        seed: the experiment's seed, at least 0.
        use: a key of `USES`.
        indices: which of several streams of that use, such as the epoch of a shuffle.
    """
    sequence = np.random.SeedSequence(entropy=seed, spawn_key=(USES[use], *indices))
    return np.random.Generator(np.random.PCG64(sequence))


def uniform_16_bits(rng: np.random.Generator, shape: Shape) -> tuple[Callable[[], None], NDArray[np.uint16]]:
    """Whole numbers from 0 to 65,535, and a function that draws them all anew.

    For 128×512 it takes 32 µs, where as many float32 numbers take 87.
    """
    draw, size = rng.bit_generator.random_raw, math.prod(shape)
    words = np.empty(-(-size // 4), np.uint64)
    parts = [words[first : first + _WORDS] for first in range(0, words.size, _WORDS)]

    def fill() -> None:
        for part in parts:
            part[:] = draw(part.size)

    return fill, words.view(np.uint16)[:size].reshape(shape)
