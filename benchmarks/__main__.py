"""`python -m benchmarks race` and `python -m benchmarks guard`."""

import sys

from benchmarks import guard
from benchmarks.race import referee

COMMANDS = {"race": referee.main, "guard": guard.main}


def main() -> int:
    """Run the command that the first argument names."""
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.stderr.write(f"usage: python -m benchmarks {{{','.join(COMMANDS)}}} [options]\n")
        return 2
    return COMMANDS[sys.argv[1]](sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
