"""What everything beside the steps of a training costs, as a share of its time: `python -m benchmarks.health`.

The shares are measured within each run, from the trainer's first event to its last: seconds in the samples of health,
in the files, in the measuring of train and dev, and in the progress, by all of them. `together` leaves out the
checkpoints, of which a run has one or two at its end however long it is. The last two columns are of the run: from the
run directory to the report, in which a short training is a part. Of five runs the one with the smallest sum counts,
since the machine may be doing something else.
"""

import io
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from dlspec import runner
from dlspec.cli.progress import Bar
from dlspec.config import loader
from dlspec.preparation import prepare
from dlspec.run.health import HealthRecorder
from dlspec.run.recorder import CheckpointWriter, Log, MetricsRecorder
from dlspec.session import Session
from dlspec.training.evaluation import Evaluator

LARGE = "architecture.layers=[{units: 512}, {units: 512}, {units: 512}]"
CASES = {
    "digits, 64-256-10, batch 64": ("configs/digits.yaml", []),
    "digits, 5 epochs": ("configs/digits.yaml", ["training={epochs: 5}"]),
    "digits, 500 epochs of 3 steps": ("configs/digits.yaml", ["training={epochs: 500}", "batch_size=512"]),
    "breast cancer": ("configs/breast_cancer.yaml", []),
    "moons": ("configs/moons.yaml", []),
    "moons, full batch": ("configs/moons.yaml", ["batch_size=all", "training.epochs=2000"]),
    "moons, 500 epochs of 3 steps": ("configs/moons.yaml", ["batch_size=256", "training.epochs=500"]),
    "iris": ("configs/iris.yaml", []),
    "diabetes": ("configs/diabetes.yaml", []),
    "digits, 512-512-512, batch 128": ("configs/digits.yaml", [LARGE, "batch_size=128", "training={epochs: 20}"]),
    "digits, 512-512-512, batch 128, 400 epochs": (
        "configs/digits.yaml",
        [LARGE, "batch_size=128", "training={epochs: 400}"],
    ),
}

BIG = "60,000 × 784, 512-256, batch 128, 5 epochs"
BIG_CONFIG = """\
data: {path: big.npz, split: {ratios: 90/10}}
architecture: {layers: [{units: 512}, {units: 256}]}
batch_size: 128
training: {epochs: 5}
"""

PARTS: dict[str, list[tuple[type, str]]] = {
    "health": [(HealthRecorder, "__call__")],
    "metrics and log": [(MetricsRecorder, "__call__"), (Log, "__call__")],
    "checkpoints": [(CheckpointWriter, "__call__")],
    "train and dev": [(Evaluator, "measure")],
    "progress": [(Bar, "__call__")],
}
TOGETHER = [part for part in PARTS if part != "checkpoints"]
WHOLE = (Session, "_play")


@contextmanager
def timed(owner: type, name: str, spend: Callable[[float], None]) -> Iterator[None]:
    """Within it, each call of a method tells its seconds."""
    original = getattr(owner, name)

    def call(*arguments: Any, **settings: Any) -> Any:
        start = time.perf_counter()
        try:
            return original(*arguments, **settings)
        finally:
            spend(time.perf_counter() - start)

    setattr(owner, name, call)
    try:
        yield
    finally:
        setattr(owner, name, original)


def measure(config: str, overrides: list[str]) -> dict[str, float]:
    """Seconds of a training by part, of all of it, and of the run; `every` is that of the evaluation."""
    seconds = dict.fromkeys((*PARTS, "all", "run"), 0.0)

    def spender(part: str) -> Callable[[float], None]:
        def spend(more: float) -> None:
            seconds[part] += more

        return spend

    with ExitStack() as stack, tempfile.TemporaryDirectory() as runs:
        for part, methods in {**PARTS, "all": [WHOLE]}.items():
            for owner, name in methods:
                stack.enter_context(timed(owner, name, spender(part)))
        prepared = prepare(loader.load(Path(config), overrides))
        seconds["every"] = float(prepared.experiment.evaluation.every)
        with Bar(Console(file=io.StringIO(), force_terminal=True)) as bar:
            start = time.perf_counter()
            runner.train(prepared, runs_dir=Path(runs), watcher=bar)
            seconds["run"] = time.perf_counter() - start
    return seconds


def big(place: Path) -> str:
    """As many examples as MNIST, of noise, and their experiment."""
    rng = np.random.default_rng(1)
    np.savez(place / "big.npz", x=rng.integers(0, 256, (60_000, 784), np.uint8), y=rng.integers(0, 10, 60_000))
    (place / "big.yaml").write_text(BIG_CONFIG)
    return str(place / "big.yaml")


def main() -> None:
    """Print a table."""
    with tempfile.TemporaryDirectory() as place:
        _table({**CASES, BIG: (big(Path(place)), [])})


def _table(cases: dict[str, tuple[str, list[str]]]) -> None:
    print("| experiment | measured every | training | " + " | ".join(PARTS) + " | together | run | its health |")
    print("|---|---:|---:|" + "---:|" * (len(PARTS) + 3))
    for name, (config, overrides) in cases.items():
        found = [measure(config, overrides) for _ in range(5)]
        shares = [{part: run[part] / run["all"] for part in PARTS} for run in found]
        together = [sum(share[part] for part in TOGETHER) for share in shares]
        best = together.index(min(together))
        cells = " | ".join(f"{share:.1%}" for share in shares[best].values())
        run = found[best]
        of_run = f"{run['run']:.3f} s | {run['health'] / run['run']:.1%}"
        head = f"| {name} | {run['every']:.0f} | {run['all']:.3f} s"
        print(f"{head} | {cells} | {together[best]:.1%} | {of_run} |", flush=True)


if __name__ == "__main__":
    main()
