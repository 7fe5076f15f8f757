"""One contestant in a process of its own: prepares, then runs whenever a line says how many steps."""

import importlib
import json
import os
import sys


def main() -> None:
    """`python -m benchmarks.race.worker CONTESTANT WORKLOAD THREADS`; a line of JSON per run."""
    contestant, name, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if hasattr(os, "sched_setaffinity"):  # so that no contestant has more cores than it says
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    from benchmarks.race.workloads import WORKLOADS

    try:
        run = importlib.import_module(f"benchmarks.race.contestants.{contestant}").prepare(
            WORKLOADS[name], threads=threads
        )
    except (ImportError, NotImplementedError) as error:
        _say({"missing": str(error)})
        return
    _say({"ready": True})
    for line in sys.stdin:
        _say({"seconds": run(int(line))})


def _say(content: dict) -> None:
    sys.__stdout__.write(json.dumps(content) + "\n")
    sys.__stdout__.flush()


if __name__ == "__main__":
    main()
