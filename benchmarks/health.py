"""What everything beside the steps of a training costs, as a share of its time: `python -m benchmarks.health`.

The shares are measured within each run, from the trainer's first event to its last: seconds in the samples of health,
in the files, in the measuring of train and dev after each epoch, and in the progress, by all of them. The last two
columns are of the run: from the run directory to the report, in which a short training is a part. Of three runs the one
with the smallest sum counts, since the machine may be doing something else.
"""

import io
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

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
}

PARTS: dict[str, list[tuple[type, str]]] = {
    "health": [(HealthRecorder, "__call__")],
    "metrics and log": [(MetricsRecorder, "__call__"), (Log, "__call__")],
    "checkpoints": [(CheckpointWriter, "__call__")],
    "train and dev": [(Evaluator, "measure")],
    "progress": [(Bar, "__call__")],
}
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
    """Seconds of a training by part, of all of it, and of the run."""
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
        with Bar(Console(file=io.StringIO(), force_terminal=True)) as bar:
            start = time.perf_counter()
            runner.train(prepared, runs_dir=Path(runs), watcher=bar)
            seconds["run"] = time.perf_counter() - start
    return seconds


def main() -> None:
    """Print a table."""
    print("| experiment | training | " + " | ".join(PARTS) + " | together | run | its health |")
    print("|---|---:|" + "---:|" * (len(PARTS) + 3))
    for name, (config, overrides) in CASES.items():
        found = [measure(config, overrides) for _ in range(3)]
        shares = [{part: run[part] / run["all"] for part in PARTS} for run in found]
        together = [sum(share.values()) for share in shares]
        best = together.index(min(together))
        cells = " | ".join(f"{share:.1%}" for share in shares[best].values())
        run = found[best]
        of_run = f"{run['run']:.3f} s | {run['health'] / run['run']:.1%}"
        print(f"| {name} | {run['all']:.3f} s | {cells} | {together[best]:.1%} | {of_run} |", flush=True)


if __name__ == "__main__":
    main()
