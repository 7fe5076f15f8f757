"""What sampling the health of a network costs, as a share of the time of training: `python -m benchmarks.health`.

The share is measured within each run: the seconds spent in the sampler and its recorder by those from the trainer's
first event to its last. The best of three runs counts, since the machine may be doing something else.
"""

import tempfile
import time
from pathlib import Path

from dlspec import runner
from dlspec.config import loader
from dlspec.preparation import prepare
from dlspec.run.health import HealthRecorder
from dlspec.training.events import Event, RunFinished, RunStarted

CASES = {
    "digits, 64-256-10, batch 64": ("configs/digits.yaml", []),
    "digits, 5 epochs": ("configs/digits.yaml", ["training.epochs=5", "training.early_stopping=null"]),
    "breast cancer": ("configs/breast_cancer.yaml", []),
    "moons": ("configs/moons.yaml", []),
    "moons, full batch": ("configs/moons.yaml", ["batch_size=all", "training.epochs=2000"]),
    "iris": ("configs/iris.yaml", []),
    "diabetes": ("configs/diabetes.yaml", []),
    "digits, 512-512-512, batch 128": (
        "configs/digits.yaml",
        [
            "architecture.layers=[{units: 512}, {units: 512}, {units: 512}]",
            "batch_size=128",
            "training={epochs: 20}",
        ],
    ),
}


def measure(config: str, overrides: list[str]) -> tuple[float, float]:
    """Seconds of training, and those of them that the samples took."""
    spent, whole = 0.0, 0.0
    original = HealthRecorder.__call__

    def timed(self: HealthRecorder, event: Event) -> None:
        nonlocal spent
        start = time.perf_counter()
        original(self, event)
        spent += time.perf_counter() - start

    started = 0.0

    def watch(event: Event) -> None:
        nonlocal whole, started
        if isinstance(event, RunStarted):
            started = time.perf_counter()
        elif isinstance(event, RunFinished):
            whole = time.perf_counter() - started

    HealthRecorder.__call__ = timed  # type: ignore[method-assign]
    try:
        with tempfile.TemporaryDirectory() as runs:
            prepared = prepare(loader.load(Path(config), overrides))
            runner.train(prepared, runs_dir=Path(runs), watcher=watch)
    finally:
        HealthRecorder.__call__ = original  # type: ignore[method-assign]
    return whole, spent


def main() -> None:
    """Print a table."""
    print("| experiment | training | samples | share |")
    print("|---|---:|---:|---:|")
    for name, (config, overrides) in CASES.items():
        whole, spent = min((measure(config, overrides) for _ in range(3)), key=lambda pair: pair[1] / pair[0])
        print(f"| {name} | {whole:.3f} s | {1000 * spent:.1f} ms | {spent / whole:.1%} |")


if __name__ == "__main__":
    main()
