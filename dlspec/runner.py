"""Experiments from their file to their run directory, and on from there: the Python twin of the command line.

loaded = dlspec.config.loader.load(Path("experiment.yaml"))
outcome = dlspec.runner.train(dlspec.preparation.prepare(loaded), runs_dir=Path("runs"))
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import dlspec
from dlspec import builder
from dlspec.changes import Changes, changes, identity
from dlspec.config import loader, yaml_tree
from dlspec.config.experiment import Experiment
from dlspec.config.loader import LoadedExperiment
from dlspec.errors import RunError, UsageError
from dlspec.preparation import Prepared, prepare
from dlspec.run import checkpoints, directory, format1, storage
from dlspec.run.checkpoints import Newest
from dlspec.run.comparison import Difference, compare
from dlspec.run.environment import differences, environment, process
from dlspec.run.overview import first_row
from dlspec.run.record import Segment, begun, new_record, read_record, segments_of
from dlspec.run.recorder import METRICS_FILE
from dlspec.session import Outcome, Place, Reached, Session, Stretch, result_of
from dlspec.training.events import Event

FIRST_CONFIG = "config.resolved.yaml"


def _nobody(event: Event) -> None:
    """Watch nothing."""


def _never() -> bool:
    return False


def _utc_now() -> datetime:
    return datetime.now(UTC)


def train(
    prepared: Prepared,
    *,
    runs_dir: Path,
    watcher: Callable[[Event], None] = _nobody,
    interrupted: Callable[[], bool] = _never,
    now: Callable[[], datetime] = _utc_now,
) -> Outcome:
    """Train one experiment and leave a run directory.

    Args:
        prepared: from `prepare`.
        runs_dir: where run directories go; created when missing.
        watcher: called with every event of the trainer.
        interrupted: asked after every step; True checkpoints and ends the run.
        now: the time, for names and records; nothing else depends on it.

    Raises:
        RunError: the run directory cannot be written.
    """
    experiment, loaded = prepared.experiment, prepared.loaded
    run = directory.create(runs_dir, name=experiment.name, now=now())
    with directory.locked(run):
        segments = [Segment(FIRST_CONFIG, overrides=loaded.overrides, sha256=identity(experiment))]
        storage.write_file(run / "config.yaml", loaded.source)
        _write_config(run / FIRST_CONFIG, experiment, base=loaded.path.parent)
        record = new_record(
            run,
            name=experiment.name,
            result=result_of(experiment),
            data_sha256=prepared.dataset.fingerprint,
            segments=segments,
        )
        record = begun(
            record,
            now=now(),
            environment=environment(
                threads=int(experiment.threads), streams=int(experiment.streams), source=loaded.path
            ),
            process=process(),
            overrides=loaded.overrides,
        )
        session = Session(run, segments, watcher, interrupted, now)
        stretch = Stretch(1, experiment, lambda: prepared, end=None)
        return session.work([stretch], record=record, reached=None)


def _write_config(path: Path, experiment: Experiment, *, base: Path) -> None:
    """Write a resolved experiment, its relative paths as seen from the run."""
    resolved = builder.relocated(experiment, base=base, to=path.parent)
    storage.write_file(path, yaml_tree.dump(resolved.model_dump()).encode())


@dataclass(frozen=True, slots=True)
class AlreadyFinished:
    """There was nothing to resume.

    Attributes:
        run: the run directory.
        message: how it ended, and what would go on.
    """

    run: Path
    message: str


def resume(
    run: Path,
    *,
    overrides: Sequence[str] = (),
    allow_inexact: bool = False,
    strict: bool = False,
    introduce: Callable[[Prepared, Sequence[str]], None] = lambda prepared, notes: None,  # noqa: ARG005
    watcher: Callable[[Event], None] = _nobody,
    interrupted: Callable[[], bool] = _never,
    now: Callable[[], datetime] = _utc_now,
) -> Outcome | AlreadyFinished:
    """Go on with a run, in its directory, from its newest whole checkpoint: the bits of a run never interrupted.

    Args:
        run: a run directory.
        overrides: `a.b=value`; see `dlspec.changes` for what may change.
        allow_inexact: go on where the environment differs, and record what does.
        strict: refuse a run whose newest checkpoint is damaged, in place of going on from the one before.
        introduce: called before the training with what is trained, and notes such as a damaged checkpoint.
        watcher: called with every event of the trainer.
        interrupted: asked after every step; True checkpoints and ends the session.
        now: the time, for records.

    Raises:
        RunBusyError: another process writes to the run.
        RunError: a damaged run, or another environment.
        UsageError: a change that a run cannot take.
        DataError: the data can no longer be read.
    """
    with directory.locked(run):
        storage.sweep(run)
        storage.sweep(run / checkpoints.DIRECTORY)
        record = read_record(run)
        segments = segments_of(record)
        newest = checkpoints.newest_sound(run, strict=strict)
        current = _load_segment(run, segments[-1], record)
        changed = loader.load(current.path, overrides) if overrides else current
        metrics = first_row(run / METRICS_FILE) if newest.measured else ()
        change = _allowed(current, changed, metrics=metrics, allow_threads=allow_inexact)
        finished = record["status"] == "finished" and (run / "report.json").exists()
        left = _nothing_left(changed.experiment, newest) if finished else None
        if left is not None:
            if change.segment or change.threads:
                raise UsageError(f"{run}: would train nothing with these settings: {record['message']}; add {left}")
            return AlreadyFinished(run, f"{record['message']}; to train on: dlspec resume {run} {left}")
        prepared = prepare(changed)
        experiment = prepared.experiment
        reached = _reached(run, newest, prepared)
        begun_epochs = record["epoch"] if reached is None else reached.state.epoch + (reached.state.seen > 0)
        if experiment.training.epochs < begun_epochs:
            raise UsageError(
                f"{run}: has begun epoch {begun_epochs}; expected training.epochs of at least that, found "
                f"{experiment.training.epochs}"
            )
        facts = environment(threads=int(experiment.threads), streams=int(experiment.streams), source=current.path)
        inexact = _inexact(record, facts, prepared)
        if inexact and not allow_inexact:
            raise RunError(
                f"{run}: cannot go on exactly, because {'; '.join(inexact)}; restore it, or go on with --allow-inexact"
            )
        segments = _with_changes(run, segments, prepared, change, reached)
        record = record | {"segments": [asdict(segment) for segment in segments], "result": result_of(experiment)}
        record = begun(
            record,
            now=now(),
            environment=facts,
            process=process(),
            step=reached.state.step if reached else 0,
            overrides=overrides,
            inexact=inexact,
        )
        notes = [*(f"damaged, set aside: {wrong}" for _, wrong in newest.damaged), *(f"inexact: {x}" for x in inexact)]
        if newest.path is None:
            which = "whole checkpoint" if newest.damaged else "checkpoint yet"
            notes.append(f"there is no {which}: the run starts over")
        for path, _ in newest.damaged:
            checkpoints.set_aside(path)
        introduce(prepared, notes)
        session = Session(run, segments, watcher, interrupted, now, notes)
        stretches = _stretches(run, segments, record, first=reached.segment if reached else 1, last=prepared)
        return session.work(stretches, record=record, reached=reached)


def _nothing_left(experiment: Experiment, newest: Newest) -> str | None:
    """The flag that would let a finished run go on; None where there is something left to train."""
    if newest.checkpoint is None:
        return None
    stopping, progress = experiment.training.early_stopping, newest.checkpoint.progress
    if stopping is not None and progress.get("waited", 0) >= stopping.patience:
        return f"--set training.early_stopping.patience={2 * stopping.patience}"
    return "--epochs N" if progress.get("epoch") == experiment.training.epochs else None


def _load_segment(run: Path, segment: Segment, record: Mapping[str, Any]) -> LoadedExperiment:
    """The configuration of a segment, refused where someone has changed it since.

    Another version of dlspec has other settings, so that nothing can be told; it is another environment anyway.

    Raises:
        RunError: its hash is another.
    """
    loaded = loader.load(run / segment.config)
    same_version = record.get("environment", {}).get("dlspec") == dlspec.__version__
    if same_version and segment.sha256 not in (None, identity(loaded.experiment)):
        raise RunError(
            f"{loaded.path}: was changed since the run began; restore it, and change a running experiment with: "
            f"dlspec resume {run} --set KEY=VALUE"
        )
    return loaded


def _allowed(old: LoadedExperiment, new: LoadedExperiment, *, metrics: Collection[str], allow_threads: bool) -> Changes:
    """How the experiment changes, if it may.

    Raises:
        UsageError: names every key that cannot change, and why.
    """
    change = changes(old.experiment, new.experiment, recorded=metrics)
    fixed = list(change.fixed)
    if not allow_threads:
        why = "sums would come out in another order; --allow-inexact does it and records it"
        fixed += [((key,), why) for key in change.threads]
    if fixed:
        raise UsageError(
            [str(new.problem(path, f"cannot change in a run that has begun: {why}")) for path, why in fixed]
        )
    return change


def _inexact(record: Mapping[str, Any], facts: Mapping[str, Any], prepared: Prepared) -> list[str]:
    """What keeps a session from giving the bits of the sessions before."""
    found = differences(record.get("environment", {}), facts)
    if record["data"]["sha256"] != prepared.dataset.fingerprint:
        found.append("the data has changed")
    return found


def _reached(run: Path, newest: Newest, prepared: Prepared) -> Reached | None:
    """How far the run has come, by its newest whole checkpoint; None where it has none and starts over.

    Raises:
        RunError: a checkpoint of another architecture, or metrics that have lost rows.
    """
    if newest.checkpoint is None or newest.path is None:
        return None
    experiment, examples = prepared.experiment, len(prepared.dataset.splits["train"])
    path = run / METRICS_FILE
    metrics = path.read_bytes() if path.exists() else b""
    saved = format1.continued(
        newest.checkpoint,
        batch_size=examples if experiment.batch_size == "all" else experiment.batch_size,
        examples=examples,
        metrics=metrics,
    )
    state = builder.state_of(saved, experiment, source=str(newest.path))
    if len(metrics) < (needed := saved.progress["metrics_bytes"]):
        raise RunError(
            f"{path}: has {len(metrics)} bytes, expected at least {needed}; its end was lost or it is another file; "
            "restore it from a copy"
        )
    return Reached(saved.progress["segment"], state, needed)


def _with_changes(
    run: Path, segments: Sequence[Segment], prepared: Prepared, change: Changes, reached: Reached | None
) -> list[Segment]:
    """The segments of the run, now that its experiment changes; their configurations are written.

    A change of the budget is written into the newest segment, any other begins one. The record that names the
    segments is written later, in one step: until then nothing has changed.
    """
    experiment, loaded = prepared.experiment, prepared.loaded
    if change.segment or change.threads:
        epoch, seen, step = Place.of(reached.state) if reached else Place(0, 0, 0)
        name = f"config.segment-{len(segments) + 1}.yaml"
        new = Segment(name, epoch, seen, step, loaded.overrides, identity(experiment))
        segments = [*segments, new]
    if change.segment or change.threads or change.budget:
        _write_config(run / segments[-1].config, experiment, base=loaded.path.parent)
    return list(segments)


def _stretches(
    run: Path, segments: Sequence[Segment], record: Mapping[str, Any], *, first: int, last: Prepared | None
) -> list[Stretch]:
    """The segments from number `first` on, as stretches to train.

    Args:
        run: holds their configurations.
        segments: all of the run.
        record: content of `run.json`.
        first: from 1.
        last: the last one, where it is prepared already.
    """
    ends: Iterator[Place | None] = iter([*(Place.of(segment) for segment in segments[first:]), None])
    stretches = []
    for number, segment in enumerate(segments[first - 1 :], start=first):
        loaded = _load_segment(run, segment, record)
        stretches.append(Stretch(number, loaded.experiment, partial(prepare, loaded), next(ends)))
    if last is not None:
        stretches[-1] = replace(stretches[-1], prepare=lambda: last)
    return stretches


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A run trained once more from its beginning, and how it compares.

    Attributes:
        original: the run directory.
        outcome: of the new run.
        environment: what differs from the environment of the original.
        differences: what does not come out the same; empty where every bit does.
    """

    original: Path
    outcome: Outcome
    environment: tuple[str, ...]
    differences: tuple[Difference, ...]


def reproduce(
    original: Path,
    *,
    runs_dir: Path,
    introduce: Callable[[Prepared, Sequence[str]], None] = lambda prepared, notes: None,  # noqa: ARG005
    watcher: Callable[[Event], None] = _nobody,
    interrupted: Callable[[], bool] = _never,
    now: Callable[[], datetime] = _utc_now,
) -> Reproduction:
    """Train a run once more from its beginning, all of its segments, in a new directory, and compare.

    A run that has not finished is repeated up to its newest checkpoint.

    Args:
        original: a run directory; it is only read.
        runs_dir: where the new run goes.
        introduce: called before the training, as for `resume`.
        watcher: called with every event of the trainer.
        interrupted: asked after every step.
        now: the time, for names and records.

    Raises:
        RunError: the original is damaged, has no checkpoint, or its data has changed.
    """
    record = read_record(original)
    segments = segments_of(record)
    loaded = _load_segment(original, segments[-1], record)
    prepared = prepare(loaded)
    end = _end_of(original, record, prepared)
    if record["data"]["sha256"] != prepared.dataset.fingerprint:
        raise RunError(f"{original}: the data has changed since this run was trained; restore it to reproduce the run")
    facts = environment(
        threads=int(prepared.experiment.threads), streams=int(prepared.experiment.streams), source=loaded.path
    )
    other = differences(record.get("environment", {}), facts)
    introduce(prepared, [f"another environment: {what}" for what in other])
    run = directory.create(runs_dir, name=prepared.experiment.name, now=now())
    with directory.locked(run):
        storage.write_file(run / "config.yaml", (original / "config.yaml").read_bytes())
        for segment in segments:
            _write_config(run / segment.config, _load_segment(original, segment, record).experiment, base=original)
        segments = [replace(s, sha256=identity(loader.load(run / s.config).experiment)) for s in segments]
        new = new_record(
            run,
            name=record["name"],
            result=record["result"],
            data_sha256=record["data"]["sha256"],
            segments=segments,
            reproduces=record["run"],
        )
        stretches = _stretches(run, segments, new, first=1, last=prepared)
        stretches[-1] = replace(stretches[-1], end=end)
        session = Session(run, segments, watcher, interrupted, now)
        outcome = session.work(
            stretches, record=begun(new, now=now(), environment=facts, process=process()), reached=None
        )
    return Reproduction(original, outcome, tuple(other), tuple(compare(original, run)))


def _end_of(run: Path, record: Mapping[str, Any], prepared: Prepared) -> Place | None:
    """Where to stop repeating a run: None, for by itself, where it has finished."""
    if record["status"] == "finished":
        return None
    reached = _reached(run, checkpoints.newest_sound(run), prepared)
    if reached is None:
        fix = f"start it anew with: dlspec train {run / FIRST_CONFIG}"
        raise RunError(f"{run}: has no checkpoint to compare with; {fix}")
    return Place.of(reached.state)
