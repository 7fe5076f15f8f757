"""`dlspec tune`: the fastest number of threads, and no trace of how it was found."""

import numpy as np
import pytest

from dlspec import tune
from dlspec.config import loader
from dlspec.preparation import prepare
from dlspec.tune import Timing, choose

from .commands import files_in, reproducible_in


@pytest.mark.parametrize(
    ("timings", "best"),
    [
        ([(1, 1, 100, 90, 110)], 1),
        ([(1, 1, 100, 98, 102), (2, 1, 60, 58, 62)], 2),
        ([(1, 1, 100, 98, 102), (2, 1, 97, 96, 97.5)], 1),  # less than 5 % faster
        ([(1, 1, 100, 70, 130), (2, 1, 60, 50, 75)], 1),  # noise
        ([(1, 1, 100, 98, 102), (2, 1, 60, 58, 62), (4, 1, 59, 58, 60)], 2),
        ([(1, 1, 100, 98, 102), (2, 1, 150, 140, 160), (4, 1, 40, 38, 42)], 4),
        ([(1, 1, 100, 98, 102), (2, 1, 60, 58, 62), (2, 2, 50, 48, 52)], (2, 2)),
    ],
)
def test_the_choice(timings, best):
    chosen = choose([Timing(*timing) for timing in timings])
    assert (chosen.threads, chosen.streams) == (best if isinstance(best, tuple) else (best, 1))


def test_the_time_of_a_step_is_the_time_of_a_round_by_its_steps(tiny, monkeypatch):
    seconds = iter(np.arange(0.0, 1e5, 0.0625).tolist())  # a clock that goes on when it is read
    monkeypatch.setattr(tune, "ROUNDS", 3)
    done = []
    tuning = tune.run(
        prepare(loader.load(tiny)),
        threads=[1, 2],
        clock=lambda: next(seconds),
        progress=lambda *now: done.append(now),
    )
    assert [(timing.threads, timing.streams) for timing in tuning.timings] == [(1, 1), (2, 1), (2, 2)]
    for timing in tuning.timings:
        # 1/16 s before the first step, 2/16 before the second, and 3/16 are more than 0.15.
        assert timing.low == timing.seconds == timing.high == 0.1875 / 2
    assert tuning.best == tuning.timings[0]
    assert done == [(1, 3), (2, 3), (3, 3)]


def test_the_output_and_no_trace(tiny, dlspec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tune, "ROUND_S", 0.001)
    assert dlspec("train", tiny, "--runs-dir", "before", "-q").code == 0
    files = files_in(tmp_path)
    found = dlspec("tune", tiny, "--threads", "3", "--json").json
    assert [(timing["threads"], timing["streams"]) for timing in found["timings"]] == [(1, 1), (2, 1), (3, 1), (2, 2)]
    assert all(0 < t["low"] <= t["seconds"] <= t["high"] for t in found["timings"])
    assert found["set"] == [f"threads={found['threads']}", f"streams={found['streams']}"]
    result = dlspec("tune", tiny, "--threads", "1")
    assert result.code == 0
    assert "try      --set threads=1 --set streams=1" in result.out.splitlines()
    assert files_in(tmp_path) == files
    assert dlspec("train", tiny, "--runs-dir", "after", "-q").code == 0
    (before,), (after,) = (list((tmp_path / name).iterdir()) for name in ("before", "after"))
    assert reproducible_in(before) == reproducible_in(after)
