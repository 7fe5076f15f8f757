"""How long `dlspec runs` takes over many runs: the whole command, in a process of its own.

    python -m benchmarks.runs [RUNS]

It must stay below a second for 2,000 runs.
"""

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMANDS = {
    "runs": (),
    "runs --json": ("--json",),
    "runs --sort dev_error": ("--sort", "dev_error"),
    "runs --where 'optimizer.name == adam'": ("--where", "optimizer.name == adam"),
}
EXPERIMENT = "name: many\ndata: {synthetic: moons}\narchitecture: {layers: [{units: 8}]}\ntraining: {epochs: 200}\n"
ROUNDS = 5


def main() -> None:
    """Train one run, copy it, list the copies."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with tempfile.TemporaryDirectory() as place:
        runs_dir = Path(place) / "runs"
        config = Path(place) / "many.yaml"
        config.write_text(EXPERIMENT)
        _seconds("train", str(config), "--runs-dir", str(runs_dir), "-q")
        (first,) = runs_dir.iterdir()
        settings = (first / "config.resolved.yaml").read_text()
        for number_of in range(1, number):
            copy = runs_dir / f"{first.name}-{number_of}"
            shutil.copytree(first, copy, ignore=shutil.ignore_patterns("*.h5", "log.txt"))
            different = settings.replace("learning_rate: 0.001", f"learning_rate: {number_of / 1e6}")
            (copy / "config.resolved.yaml").write_text(different)
        print(f"{number} runs, best of {ROUNDS}")
        for name, flags in COMMANDS.items():
            times = [_seconds("runs", "--runs-dir", str(runs_dir), *flags) for _ in range(ROUNDS)]
            wall, cpu = (min(each) for each in zip(*times, strict=True))
            print(f"{name:<40}{wall:6.2f} s, {cpu:5.2f} s of a processor")


def _seconds(*arguments: str) -> tuple[float, float]:
    """Wall clock, and the time of a processor, which other work on the machine does not stretch."""
    started, before = time.perf_counter(), _processor_time()
    subprocess.run([sys.executable, "-m", "dlspec", *arguments], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started, _processor_time() - before


def _processor_time() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
