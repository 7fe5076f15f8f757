"""Runs that are wrong: `run.json` that holds something else than it should, and files that are damaged or gone."""

import json
import shutil

from run.tiny import of_format

from dlspec import runner
from dlspec.config import loader
from dlspec.preparation import prepare
from dlspec.run import checkpoint

RUN_COMMANDS = ("show", "evaluate", "diagnose", "reproduce", "resume", "ensemble", "errors")


def stopped(config, place):
    """A run of an experiment that was stopped in its midst, `place/runs/good`."""
    steps = iter(range(100))
    made = runner.train(prepare(loader.load(config)), runs_dir=place / "made", interrupted=lambda: next(steps) == 4).run
    good = shutil.copytree(made, place / "runs" / "good")
    shutil.rmtree(place / "made")
    return good


def with_record(run, change):
    """Replace `run.json` by bytes, or by what a function makes of its content."""
    content = change if isinstance(change, bytes) else change(json.loads((run / "run.json").read_text()))
    (run / "run.json").write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())


def _without(name):
    return lambda record: {key: value for key, value in record.items() if key != name}


def _with(**changes):
    return lambda record: {**record, **changes}


def _segment(**changes):
    return lambda record: {**record, "segments": [{**record["segments"][0], **changes}]}


# What `run.json` holds in place of what it should.
RECORDS = {
    "empty": b"",
    "binary": bytes(range(256)),
    "cut": lambda record: json.dumps(record).encode()[:100],
    "nul": b"\0" * 200,
    "utf-16": "{}".encode("utf-16"),
    "deep": b"[" * 100_000,
    "list": b"[]",
    "number": b"7",
    "no-keys": b"{}",
    "no-format": _without("format"),
    "no-status": _without("status"),
    "no-result": _without("result"),
    "no-data": _without("data"),
    "no-segments": _without("segments"),
    "no-lineage": _without("lineage"),
    "no-message": _without("message"),
    "sizes-text": _with(sizes="W1"),
    "sizes-pair": _with(sizes=[["W1"]]),
    "sizes-word": _with(sizes=[["W1", "large"]]),
    "no-started": _without("started"),
    "newer": _with(format=99),
    "format-text": _with(format="2"),
    "format-true": _with(format=True),
    "format-0": _with(format=0),
    "format-huge": lambda record: json.dumps(record).replace('"format": 2', f'"format": {"9" * 5000}').encode(),
    "status-list": _with(status=[]),
    "status-unknown": _with(status="asleep"),
    "result-number": _with(result=3),
    "result-path": _with(result="../../../good/checkpoints/best"),
    "data-text": _with(data="x"),
    "data-empty": _with(data={}),
    "segments-empty": _with(segments=[]),
    "segments-text": _with(segments="x"),
    "segments-numbers": _with(segments=[1]),
    "segments-unknown-key": _segment(colour="red"),
    "segments-no-config": lambda record: {**record, "segments": [{"epoch": 0}]},
    "segments-config-number": _segment(config=3),
    "segments-config-path": _segment(config="../good/config.resolved.yaml"),
    "segments-overrides": _segment(overrides=None),
    "segments-epoch-text": _segment(epoch="x"),
    "lineage-text": _with(lineage="x"),
    "lineage-numbers": _with(lineage=[1]),
    "environment-list": _with(environment=[1]),
}


def _replaced(name, content):
    return lambda run: (run / name).write_bytes(content)


def _edited(name, old, new):
    return lambda run: (run / name).write_bytes((run / name).read_bytes().replace(old, new))


def _removed(name):
    def damage(run):
        path = run / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return damage


def _directory(name):
    def damage(run):
        _removed(name)(run)
        (run / name).mkdir()

    return damage


def _checkpoints(change):
    def damage(run):
        for path in (run / "checkpoints").iterdir():
            path.write_bytes(change(path.read_bytes()))

    return damage


def _checkpoint_content(change):
    """Checkpoints that are whole, and hold something else than they should."""

    def damage(run):
        for path in (run / "checkpoints").iterdir():
            saved = checkpoint.load(path)
            change(saved)
            checkpoint.save(path, saved)

    return damage


def _file_in_place_of_checkpoints(run):
    shutil.rmtree(run / "checkpoints")
    (run / "checkpoints").write_bytes(b"")


def _list_in_metrics(run):
    path = run / "metrics.jsonl"
    path.write_bytes(b"[" + b" " * (path.stat().st_size - 3) + b"]\n")


def _finished_with_report(content):
    def damage(run):
        with_record(run, _with(status="finished"))
        (run / "report.json").write_bytes(content)

    return damage


CONFIG = "config.resolved.yaml"
MEASURE, REPEAT = ("evaluate", "ensemble", "errors"), ("reproduce", "resume")
READ = (*MEASURE, "diagnose")

# What is done to a run, and the commands that cannot do without.
DAMAGE = {
    "no-config": (_removed(CONFIG), READ + REPEAT),
    "config-empty": (_replaced(CONFIG, b""), READ + REPEAT),
    "config-binary": (_replaced(CONFIG, bytes(range(256))), READ + REPEAT),
    "config-list": (_replaced(CONFIG, b"- 1"), READ + REPEAT),
    "config-key": (_edited(CONFIG, b"seed:", b"sede:"), READ + REPEAT),
    "config-directory": (_directory(CONFIG), READ + REPEAT),
    "config-edited": (_edited(CONFIG, b"seed: 3", b"seed: 4"), REPEAT),
    "config-units": (_edited(CONFIG, b"units: 2", b"units: 3"), MEASURE + REPEAT),
    "config-data": (_edited(CONFIG, b"synthetic: moons", b"path: gone.csv"), MEASURE + REPEAT),
    "no-record": (_removed("run.json"), RUN_COMMANDS),
    "record-directory": (_directory("run.json"), RUN_COMMANDS),
    "no-checkpoints": (_removed("checkpoints"), (*MEASURE, "reproduce")),
    "checkpoints-empty": (_directory("checkpoints"), (*MEASURE, "reproduce")),
    "checkpoints-file": (_file_in_place_of_checkpoints, (*MEASURE, "reproduce")),
    "checkpoint-empty": (_checkpoints(lambda data: data[:0]), (*MEASURE, "reproduce")),
    "checkpoint-cut": (_checkpoints(lambda data: data[:-100]), (*MEASURE, "reproduce")),
    "checkpoint-flipped": (
        _checkpoints(lambda data: data[:2000] + bytes([data[2000] ^ 1]) + data[2001:]),
        (*MEASURE, "reproduce"),
    ),
    "checkpoint-text": (_checkpoints(lambda data: data[600:]), (*MEASURE, "reproduce")),
    "checkpoint-number": (
        _checkpoints(lambda data: data.replace(b"checkpoint 2", b"checkpoint 3")),
        (*MEASURE, "reproduce"),
    ),
    "checkpoint-newer": (_checkpoints(lambda data: of_format(3, data[512:])), MEASURE + REPEAT),
    "checkpoint-of-another": (_checkpoint_content(lambda saved: saved.parameters.pop("W1")), MEASURE + REPEAT),
    "checkpoint-no-epoch": (_checkpoint_content(lambda saved: saved.progress.pop("epoch")), MEASURE + REPEAT),
    "checkpoint-no-model": (_checkpoint_content(lambda saved: saved.model.clear()), MEASURE),
    "no-metrics": (_removed("metrics.jsonl"), REPEAT),
    "metrics-cut": (_replaced("metrics.jsonl", b"{}\n"), REPEAT),
    "metrics-text": (_edited("metrics.jsonl", b'{"epoch"', b"epoch"), ("show", *REPEAT)),
    "metrics-list": (_list_in_metrics, ("show",)),
    "metrics-directory": (_directory("metrics.jsonl"), REPEAT),
    "report-list": (_finished_with_report(b"[]"), ("diagnose",)),
    "report-empty": (_finished_with_report(b"{}"), ("diagnose",)),
    "health-list": (_replaced("health.jsonl", b"[]\n"), ("diagnose",)),
    "lock-directory": (_directory(".lock"), ("resume",)),
}
