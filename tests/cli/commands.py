"""Starting dlspec as a user would, and small experiments for it."""

import json
import os
import pty
import shutil
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "dlspec"]

TINY = """\
name: tiny
seed: 3
data: {synthetic: moons, examples: 60}
architecture: {layers: [{units: 4}]}
batch_size: 16
training: {epochs: 3}
"""

ENDLESS = TINY.replace("epochs: 3", "epochs: 10000000") + "evaluation: {every: 1}\n"

# Beside them a finished run leaves one checkpoint that continues it, `checkpoints/step-00000009.h5`.
REPRODUCIBLE_FILES = (
    "config.yaml", "metrics.jsonl", "health.jsonl", "report.json", "report.md", "report.html", "pictures.json",
    "checkpoints/best.h5",
)  # fmt: skip
RUN_FILES = {*REPRODUCIBLE_FILES, "config.resolved.yaml", "run.json", "timings.jsonl", "log.txt", ".lock"}


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


def environment(**changes):
    """This process's environment, without what would change how output looks; None removes a variable."""
    base = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "PYTHONIOENCODING")}
    return {name: value for name, value in {**base, **changes}.items() if value is not None}


def spawn(*arguments, cwd, env=None, prefix=()):
    """Run a command to its end in a process of its own; a traceback fails the test."""
    process = subprocess.run(
        [*prefix, *COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment(**(env or {})),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in process.stderr, process.stderr
    return Result(process.returncode, process.stdout, process.stderr)


def spawn_in_terminal(*arguments, cwd, env=None):
    """Run a command on a pseudo-terminal; standard output and error arrive together."""
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            cwd=cwd,
            env=environment(**{"TERM": "xterm-256color", **(env or {})}),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
    finally:
        os.close(theirs)
    content = b""
    try:
        while chunk := os.read(ours, 65536):
            content += chunk
    except OSError:  # the other side is closed: that is how a terminal ends
        pass
    finally:
        os.close(ours)
    text = content.decode()
    assert "Traceback" not in text, text
    return Result(process.wait(), text, "")


def start(*arguments, cwd, prefix=()):
    """Start a command and leave it running."""
    return subprocess.Popen(
        [*prefix, *COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_epochs(runs_dir, *, more_than=0, seconds=20):
    """Wait until the only run there has recorded more epochs than that: (run, epochs)."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for metrics in Path(runs_dir).glob("*/metrics.jsonl"):
            epochs = metrics.read_bytes().count(b"\n")
            if epochs > more_than:
                return metrics.parent, epochs
        time.sleep(0.01)
    raise AssertionError(f"no epoch within {seconds} s")


def write(path, text):
    """A file with this content, its path."""
    path.write_text(textwrap.dedent(text))
    return path


def write_table(path, labels, *, examples=60):
    """A CSV file whose two features tell the labels apart."""
    rows = ["a,b,label"]
    for number in range(examples):
        label = number % len(labels)
        rows.append(f"{label + number / (7 * examples):.4f},{(number * 37 % 100) / 100},{labels[label]}")
    return write(path, "\n".join(rows) + "\n")


def only_run(runs_dir):
    """The one run directory there."""
    (run,) = Path(runs_dir).iterdir()
    return run


def reproducible_in(run):
    """What must not depend on the surroundings: file: content, every checkpoint included."""
    files = files_in(run)
    return {name: files[name] for name in {*REPRODUCIBLE_FILES, *(n for n in files if n.startswith("checkpoints/"))}}


def files_in(directory):
    """Every file below, relative: its content."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


def without_privileges():
    """What must precede a command so that permissions count, also for root."""
    if os.geteuid() != 0:
        return []
    if not shutil.which("setpriv"):
        pytest.skip("root may read and write everything, and setpriv is not here to change that")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
