"""SIGINT and SIGTERM: training ends after its step with a checkpoint, everything else at once."""

import json
import os
import signal
import subprocess
import sys

import pytest

from dlspec.cli import signals
from dlspec.run import checkpoint, checkpoints

from .commands import ENDLESS, start, wait_for_epochs, write


@pytest.fixture
def endless(tmp_path):
    return write(tmp_path / "endless.yaml", ENDLESS)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_training_ends_with_a_checkpoint(number, code, endless, tmp_path):
    with start("train", endless, cwd=tmp_path) as process:
        run, _ = wait_for_epochs(tmp_path / "runs", more_than=3)
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (code, "")
    record = json.loads((run / "run.json").read_text())
    saved = checkpoint.load(checkpoints.of_name(run, "last"))
    epoch, seen, step = (saved.progress[name] for name in ("epoch", "seen", "step"))
    assert err.splitlines()[-1] == (
        f"runs/{run.name}: stopped after step {step}; checkpoint written; go on with: dlspec resume runs/{run.name}"
    )
    assert (record["status"], record["epoch"], record["step"]) == ("interrupted", epoch, step)
    assert record["message"] == f"stopped after step {step}"
    assert (step - 3 * epoch, seen) in [(0, 0), (1, 16), (2, 32), (3, 36)]  # 36 examples in batches of 16
    assert [(session["status"], session["from_step"]) for session in record["lineage"]] == [("interrupted", 0)]
    assert saved.progress["metrics_bytes"] == (run / "metrics.jsonl").stat().st_size
    rows = (run / "metrics.jsonl").read_text().splitlines()
    assert json.loads(rows[-1])["epoch"] == epoch == len(rows)
    assert not (run / "report.json").exists()
    assert f"Stopped after step {step}." in (run / "report.html").read_text()
    assert "Traceback" not in err


def test_an_interrupted_run_can_be_evaluated(endless, tmp_path, dlspec):
    with start("train", endless, cwd=tmp_path) as process:
        run, _ = wait_for_epochs(tmp_path / "runs")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
    result = dlspec("evaluate", run, "--json")
    assert (result.code, result.json["splits"][0]["examples"]) == (0, 12)
    assert result.json["epoch"] == len((run / "metrics.jsonl").read_text().splitlines())


def test_nohup_is_respected(endless, tmp_path):
    nohup = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh"]
    with start("train", endless, "-q", cwd=tmp_path, prefix=nohup) as process:
        _, epochs = wait_for_epochs(tmp_path / "runs")
        process.send_signal(signal.SIGINT)
        wait_for_epochs(tmp_path / "runs", more_than=epochs + 50)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    assert process.returncode == 143


def killing_itself(body):
    """A Python process that runs this and should not reach the end: (exit code, output, error)."""
    script = f"import os, signal\nfrom dlspec.cli import signals\n{body}\nprint('still here')"
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    return process.returncode, process.stdout, process.stderr


@pytest.mark.parametrize(("first", "second", "code"), [("INT", "INT", 130), ("INT", "TERM", 143), ("TERM", "INT", 130)])
def test_a_second_signal_ends_at_once(first, second, code):
    body = (
        "with signals.flagged() as interruption:\n"
        f"    os.kill(os.getpid(), signal.SIG{first})\n"
        f"    assert interruption() and interruption.number == signal.SIG{first}\n"
        f"    os.kill(os.getpid(), signal.SIG{second})"
    )
    assert killing_itself(body) == (code, "", "")


@pytest.mark.parametrize(("name", "code"), [("INT", 130), ("TERM", 143)])
def test_outside_of_training_the_first_signal_ends_at_once(name, code):
    assert killing_itself(f"signals.exit_at_once()\nos.kill(os.getpid(), signal.SIG{name})") == (code, "", "")


def test_the_handlers_are_put_back():
    before = [signal.getsignal(number) for number in signals.SIGNALS]
    with signals.flagged() as interruption:
        assert not interruption()
        os.kill(os.getpid(), signal.SIGTERM)
        assert interruption()
    assert [signal.getsignal(number) for number in signals.SIGNALS] == before
