"""Is the verdict right, and does the first action help? `python -m benchmarks.diagnosis [--publish] [PART OF A NAME…]`.

Every situation is trained from five seeds on the same data; then once more, from each seed with the `--set` lines of
the first action that its own report prints. An action helps where the 95 % interval of the differences of the dev
error, seed by seed, is above 0, and their mean at least half a percent. Four minutes of one core.

`--publish` writes `benchmarks/results/diagnosis.json` and the figures in `docs/concepts/diagnosis.md`.
"""

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.diagnosis import summary
from benchmarks.diagnosis.held_out import HELD_OUT
from benchmarks.diagnosis.measuring import measure
from benchmarks.diagnosis.situations import SITUATIONS

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "diagnosis.json"
PAGE = ROOT / "docs" / "concepts" / "diagnosis.md"
BEGIN, END = "<!-- written by python -m benchmarks.diagnosis --publish -->\n", "<!-- end -->\n"
SETS = {"settled with": SITUATIONS, "held out": HELD_OUT}


def main() -> None:
    """Print a line per situation, then the figures."""
    parts = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    measured: dict[str, list[dict[str, Any]]] = {title: [] for title in SETS}
    for title, situations in SETS.items():
        for situation in situations:
            if not parts or any(part in f"{title}, {situation.name}" for part in parts):
                measured[title].append(measure(situation))
                print(summary.line(measured[title][-1]), flush=True)
    print(summary.markdown(measured))
    if "--publish" in sys.argv[1:]:
        publish(measured)


def publish(measured: dict[str, list[dict[str, Any]]]) -> None:
    """Write the results, and the figures into the documentation."""
    rows = ",\n".join(json.dumps({"group": title, **row}) for title, rows in measured.items() for row in rows)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(f"[\n{rows}\n]\n")
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(before + BEGIN + "\n" + summary.markdown(measured) + "\n" + END + rest.split(END)[1])


if __name__ == "__main__":
    main()
