"""Whole processes, in turn: what a person waits for between the command and the prompt."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine

Command = Sequence[str]


def in_turn(programs: Mapping[str, Sequence[Command]], *, cwd: Path, threads: int, rounds: int) -> dict[str, Any]:
    """Seconds of each program, which is one command or several in a row, A B C A B C.

    A first round is not counted: it compiles Python's byte code and reads the files into memory. Whoever fails in it is
    missing.

    Args:
        programs: commands by name.
        cwd: where they run.
        threads: cores they are kept on, and threads their libraries are told of.
        rounds: how many are counted.

    Returns:
        `seconds` by name, a list per name; `missing` the last line of the error by name.
    """
    environment = machine.environment(threads)
    environment["PYTHONPATH"] = os.pathsep.join([str(machine.ROOT), environment.get("PYTHONPATH", "")])
    machine.pin(threads)
    seconds: dict[str, list[float]] = {}
    missing: dict[str, str] = {}
    for name, commands in programs.items():
        try:
            _run(commands, cwd, environment)
            seconds[name] = []
        except subprocess.CalledProcessError as error:
            missing[name] = (error.stderr.strip().splitlines() or ["it died"])[-1]
    for _ in range(rounds):
        for name, timed in seconds.items():
            timed.append(_run(programs[name], cwd, environment))
    return {"seconds": seconds, "missing": missing}


def _run(commands: Sequence[Command], cwd: Path, environment: Mapping[str, str]) -> float:
    begin = time.perf_counter()
    for command in commands:
        subprocess.run(command, cwd=cwd, env=environment, check=True, capture_output=True, text=True)
    return time.perf_counter() - begin
