"""What does it cost to read a set in parts? The same training in memory and streamed, on a set that fits both ways.

    python -m benchmarks.streaming [ROUNDS]

Prints examples per second of an epoch of training steps, and of one with the measuring of train and dev behind it, for
both ways and in turn, so that a machine that is busy is busy for both. The ratios are medians of the rounds: by the
clock, which tells the truth on a machine with a core to spare, and by the time of the processor, which is what is left
where the thread that reads ahead has no core of its own. The set is 200 MB in the page cache, the memory for streaming
64 MB, for Parquet 128 MB.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dlspec import builder
from dlspec.config import loader
from dlspec.preparation import Prepared, prepare
from dlspec.run.environment import numerics
from dlspec.session import build_trainer
from dlspec.training.events import EpochDone

Times = NDArray[np.float64]

# Inputs, hidden layers, batch size, how x is stored.
CASES = [
    (30, (), 64, "h5 float32"),
    (30, (), 64, "parquet float32"),
    (64, (256,), 64, "h5 float32"),
    (64, (256,), 64, "parquet float32"),
    (784, (512, 256), 128, "h5 uint8"),
    (784, (512, 256), 128, "h5 uint8 gzip"),
    (784, (64,), 128, "h5 float32"),
]
SIZE = 200_000_000  # bytes of the set in memory


def write_parquet(path: Path, n_x: int) -> None:
    """The same in row groups of about 2 MB."""
    m, rng = SIZE // (4 * n_x), np.random.default_rng(0)
    rule, rows = rng.standard_normal((n_x, 10)), max(1, 2_000_000 // (4 * n_x))
    schema = pa.schema([*((f"x{j}", pa.float32()) for j in range(n_x)), ("y", pa.int64())])
    with pq.ParquetWriter(path, schema) as file:
        for start in range(0, m, rows):
            x = rng.standard_normal((min(rows, m - start), n_x), dtype=np.float32)
            file.write_table(pa.table([*x.T, (x @ rule).argmax(axis=1)], schema=schema))


def write_hdf5(path: Path, n_x: int, dtype: type, compression: str | None) -> None:
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


def clocks() -> Times:
    """Seconds by the clock, and of the processor, all threads together."""
    return np.array((time.perf_counter(), time.process_time()))


def epochs_of(prepared: Prepared) -> Iterator[tuple[Times, Times]]:
    """`clocks` of the steps of an epoch, and of all of it with its measuring; again and again."""
    cost = builder.build_cost(prepared.experiment, n_x=prepared.dataset.splits["train"].n_x)
    evaluator = builder.build_evaluator(prepared.experiment, cost, prepared.dataset)
    measured = [np.zeros(2)]

    def timed(measure: Callable[[], object]) -> Callable[[], object]:
        def run() -> object:
            start = clocks()
            found = measure()
            measured[0] = clocks() - start
            return found

        return run

    trainer = build_trainer(prepared, cost, evaluator, interrupted=lambda: False)
    trainer.measure = timed(trainer.measure)  # type: ignore[assignment]
    start = clocks()
    for event in trainer.run():
        if isinstance(event, EpochDone):
            taken = clocks() - start
            yield taken - measured[0], taken
            start = clocks()


def main() -> None:
    """Print the table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(f"{'':35} examples/s: steps{'':19} with measuring")
    print(f"network            batch  x{'':10}" + 2 * "     memory   streamed  clock   CPU")
    for n_x, hidden, batch, stored in CASES:
        with tempfile.TemporaryDirectory() as place:
            form, dtype, *compression = stored.split()
            if form == "parquet":
                write_parquet(Path(place) / "set.parquet", n_x)
            else:
                write_hdf5(Path(place) / "set.h5", n_x, np.dtype(dtype).type, compression[0] if compression else None)
            layers = ", ".join(f"{{units: {units}}}" for units in hidden)
            config = Path(place) / "a.yaml"
            config.write_text(
                f"data: {{path: set.{form}, split: {{ratios: 90/5/5}}}}\narchitecture: {{layers: [{layers}]}}\n"
                f"batch_size: {batch}\nthreads: 1\ntraining: {{epochs: {rounds + 1}}}\n"
            )
            memory = f"data.memory={128 if form == 'parquet' else 64}MB"
            runs = [prepare(loader.load(config, flags)) for flags in ((), (memory,))]
            with numerics(1):
                ways = [epochs_of(prepared) for prepared in runs]
                for way in ways:
                    next(way)  # warm
                times = np.array([[next(way) for way in ways] for _ in range(rounds)])  # (rounds, ways, what, clock)
            m = len(runs[0].dataset.splits["train"])
            row = f"{'-'.join(map(str, (n_x, *hidden, 10))):18} {batch:5}  {stored:15}"
            for what in (0, 1):
                rates = np.median(m / times[:, :, what, 0], axis=0)
                ratios = np.median(times[:, 0, what] / times[:, 1, what], axis=0)
                row += f" {rates[0]:10,.0f} {rates[1]:10,.0f}  {ratios[0]:5.2f} {ratios[1]:5.2f}"
            print(row, flush=True)


if __name__ == "__main__":
    main()
