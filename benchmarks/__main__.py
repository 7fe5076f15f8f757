"""`python -m benchmarks race`, `guard`, …: one module per command."""

import importlib
import sys

COMMANDS = {
    "race": "benchmarks.race.referee",
    "whole": "benchmarks.whole",
    "inference": "benchmarks.inference",
    "memory": "benchmarks.memory",
    "startup": "benchmarks.startup",
    "roofline": "benchmarks.roofline",
    "scaling": "benchmarks.scaling",
    "report": "benchmarks.report",
    "guard": "benchmarks.guard",
}


def main() -> int:
    """Run the command that the first argument names."""
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.stderr.write(f"usage: python -m benchmarks {{{','.join(COMMANDS)}}} [options]\n")
        return 2
    return int(importlib.import_module(COMMANDS[sys.argv[1]]).main(sys.argv[2:]))


if __name__ == "__main__":
    sys.exit(main())
