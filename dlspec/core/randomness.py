"""One seed, one independent stream of random numbers per use."""

import numpy as np

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
