"""Time of one step of every optimiser, in the sizes of a small and a common network.

    python -m benchmarks.optimizers

The members take turns of some steps each, so that a busy machine slows them all; shown are the median and the
fastest step.
"""

import statistics
import time

import numpy as np

from dlspec.core.optimizers import OPTIMIZERS

SIZES = [3_000, 535_818]  # 64-32-32-10 and 784-512-256-10
OPTIONS = [("momentum", {"nesterov": True}), ("momentum", {"bias_correction": True}), ("adam", {"amsgrad": True})]
TURNS, STEPS = 10, 40


def bound_step(name: str, settings: dict[str, bool], size: int):  # type: ignore[no-untyped-def]
    """The step of an optimiser on random float32 numbers, nearly all of them weights."""
    rng = np.random.default_rng(1)
    theta, grad = (rng.standard_normal(size).astype(np.float32) for _ in range(2))
    return OPTIMIZERS[name](**settings).bind(theta, grad, decayed=slice(0, size - size // 100)).step


def main() -> None:
    """Print the table."""
    cases = [*((name, {}) for name in OPTIMIZERS), *OPTIONS]
    print(f"{'float32, one thread':<30}" + "".join(f"{f'{size:,}, µs':>24}" for size in SIZES))
    columns = []
    for size in SIZES:
        steps = [bound_step(name, settings, size) for name, settings in cases]
        times: list[list[float]] = [[] for _ in cases]
        for turn in range(TURNS):
            for step, seconds in zip(steps, times, strict=True):
                for t in range(turn * STEPS + 1, (turn + 1) * STEPS + 1):
                    start = time.perf_counter()
                    step(1e-3, t)
                    seconds.append(time.perf_counter() - start)
        columns.append([(statistics.median(seconds) * 1e6, min(seconds) * 1e6) for seconds in times])
    for (name, settings), *figures in zip(cases, *columns, strict=True):
        label = " ".join([name, *settings])
        print(f"{label:<30}" + "".join(f"{f'{median:.1f} ({fastest:.1f})':>24}" for median, fastest in figures))


if __name__ == "__main__":
    main()
