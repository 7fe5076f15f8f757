"""One contestant in a process of its own: prepares, then runs whenever a line says how many steps."""

import contextlib
import importlib
import json
import sys
from pathlib import Path

from benchmarks import machine


def main() -> None:
    """`python -m benchmarks.race.worker PACKAGE.MODULE WORKLOAD_AS_JSON THREADS`; a line of JSON per run."""
    module, workload, threads = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
    machine.pin(threads)
    from benchmarks.race.workloads import OutOfRaceError, Workload

    try:
        prepare = importlib.import_module(f"benchmarks.race.{module}").prepare
        run = prepare(Workload(**{**workload, "widths": tuple(workload["widths"])}), threads=threads)
    except (ImportError, OutOfRaceError) as error:
        _say({"missing": str(error)})
        return
    _forget_peak()
    _say({"ready": True})
    for line in sys.stdin:
        _say({"seconds": run(int(line)), "peak": _peak()})


def _forget_peak() -> None:
    """Start the peak of memory anew, where the system can: writing the data file is no part of the training."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> float:
    """Bytes of memory at most; NaN where the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((1024.0 * int(line.split()[1]) for line in lines if line.startswith("VmHWM")), float("nan"))


def _say(content: dict) -> None:
    sys.__stdout__.write(json.dumps(content) + "\n")
    sys.__stdout__.flush()


if __name__ == "__main__":
    main()
