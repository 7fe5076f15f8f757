"""Draw docs/images/train.svg: what `dlspec train configs/digits.yaml` shows on a terminal.

Run it from the top of a clone, with dlspec installed: `python docs/picture.py`.
"""

import io
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

from rich.console import Console
from rich.text import Text

COMMAND = ["train", "configs/digits.yaml"]


def main() -> None:
    """Run the command, colours on, and export its output."""
    environment = {"FORCE_COLOR": "1", "COLUMNS": "92", "PATH": "/usr/bin"}
    done = subprocess.run(
        [sys.executable, "-m", "dlspec", *COMMAND],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    console = Console(record=True, width=92, file=io.StringIO(), color_system="truecolor", force_terminal=True)
    console.print(Text("$ dlspec " + " ".join(COMMAND), style="bold"))
    lines = [Text.from_ansi(line.split("\r")[-1]) for line in done.stdout.splitlines()]
    for line, following in pairwise([*lines, Text()]):
        # The bar is one line that is drawn again and again: keep its last state.
        if not (line.plain.startswith("epoch") and following.plain.startswith("epoch")):
            console.print(line)
    svg = console.export_svg(title="dlspec")
    # Without the fonts of a content network: a picture that asks the net for nothing.
    Path("docs/images/train.svg").write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL))


if __name__ == "__main__":
    main()
