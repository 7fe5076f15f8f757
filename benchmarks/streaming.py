"""What does it cost to read a set in parts? The same training in memory and streamed, on a set that fits both ways.

    python -m benchmarks.streaming [ROUNDS]

Prints examples per second of an epoch of training steps, and of one with the measuring of train and dev behind it, for
both ways and in turn, so that a machine that is busy is busy for both. The set is 100 MB in the page cache, the memory
for streaming a tenth of it.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np

from dlspec import builder
from dlspec.config import loader
from dlspec.preparation import Prepared, prepare
from dlspec.run.environment import numerics
from dlspec.session import build_trainer
from dlspec.training.events import EpochDone

# Inputs, hidden layers, batch size, how x is stored.
CASES = [
    ((30,), (), 64, np.float32, None),
    ((64,), (64, 32), 64, np.float32, None),
    ((784,), (512, 256), 128, np.uint8, None),
    ((784,), (512, 256), 128, np.uint8, "gzip"),
    ((784,), (64,), 128, np.float32, None),
]
SIZE = 100_000_000  # bytes of the set in memory


def write_set(path: Path, n_x: int, dtype: type, compression: str | None) -> None:
    """Noise with a hidden rule, in chunks of about 256 kB."""
    rng = np.random.default_rng(0)
    m, rule = SIZE // (4 * n_x), rng.standard_normal((n_x, 10))
    with h5py.File(path, "w") as file:
        chunk = max(1, 256_000 // (n_x * np.dtype(dtype).itemsize))
        x = file.create_dataset("x", (m, n_x), dtype, chunks=(chunk, n_x), compression=compression)
        y = file.create_dataset("y", (m,), np.uint8)
        for start in range(0, m, 10 * chunk):
            rows = slice(start, min(start + 10 * chunk, m))
            values = np.clip(8 * rng.standard_normal((rows.stop - start, n_x)) + 16, 0, 255).astype(dtype)
            x[rows], y[rows] = values, ((values - 16.0) @ rule).argmax(axis=1)


def epochs_of(prepared: Prepared) -> Iterator[tuple[float, float]]:
    """Seconds of the steps of an epoch, and of all of it with its measuring; again and again."""
    cost = builder.build_cost(prepared.experiment, n_x=prepared.dataset.splits["train"].n_x)
    evaluator = builder.build_evaluator(prepared.experiment, cost, prepared.dataset)
    measured = [0.0]

    def timed(measure: Callable[[], object]) -> Callable[[], object]:
        def run() -> object:
            start = time.perf_counter()
            found = measure()
            measured[0] = time.perf_counter() - start
            return found

        return run

    trainer = build_trainer(prepared, cost, evaluator, interrupted=lambda: False)
    trainer.measure = timed(trainer.measure)  # type: ignore[assignment]
    start = time.perf_counter()
    for event in trainer.run():
        if isinstance(event, EpochDone):
            taken = time.perf_counter() - start
            yield taken - measured[0], taken
            start = time.perf_counter()


def main() -> None:
    """Print the table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print("network            batch  x               examples/s: steps             with measuring")
    print("                                          memory   streamed  ratio    memory   streamed  ratio")
    for (n_x,), hidden, batch, dtype, compression in CASES:
        with tempfile.TemporaryDirectory() as place:
            write_set(Path(place) / "set.h5", n_x, dtype, compression)
            layers = ", ".join(f"{{units: {units}}}" for units in hidden)
            config = Path(place) / "a.yaml"
            config.write_text(
                f"data: {{path: set.h5, split: {{ratios: 90/5/5}}}}\narchitecture: {{layers: [{layers}]}}\n"
                f"batch_size: {batch}\nthreads: 1\ntraining: {{epochs: {rounds + 1}}}\n"
            )
            memory = f"data.memory={SIZE // 10 // 10**6}MB"
            runs = [prepare(loader.load(config, flags)) for flags in ((), (memory,))]
            with numerics(1):
                ways = [epochs_of(prepared) for prepared in runs]
                for way in ways:
                    next(way)  # warm
                times = np.array([[next(way) for way in ways] for _ in range(rounds)])  # (rounds, ways, 2)
            m = len(runs[0].dataset.splits["train"])
            name = "-".join(map(str, (n_x, *hidden, 10)))
            stored = f"{np.dtype(dtype).name} {compression or ''}"
            row = f"{name:18} {batch:5}  {stored:15}"
            for what in (0, 1):
                rates = m / times[:, :, what]
                ratio = statistics.median(times[:, 0, what] / times[:, 1, what])
                row += f" {np.median(rates[:, 0]):9,.0f} {np.median(rates[:, 1]):10,.0f}  {ratio:5.2f}"
            print(row)


if __name__ == "__main__":
    main()
