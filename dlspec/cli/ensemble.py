"""`dlspec ensemble RUN…`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlspec.cli import options
from dlspec.cli.evaluate import Split

if TYPE_CHECKING:
    from dlspec.measurement import TrainedRun


def ensemble(
    members: Annotated[
        list[str],
        typer.Argument(help="Runs, or one experiment file together with --seeds.", metavar="RUN..."),
    ],
    split: Annotated[Split, typer.Option(help="Split to measure on.")] = Split.DEV,
    seeds: Annotated[
        int | None, typer.Option(min=2, help="Train this many seeds of the experiment file first.", show_default=False)
    ] = None,
    snapshots: Annotated[
        bool, typer.Option("--snapshots", help="Average the snapshots of one run instead (cosine decay with cycles).")
    ] = False,
    overrides: options.Set = None,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Average the outputs of several runs and measure them."""
    from dlspec import measurement
    from dlspec.cli.console import console, results, text, write_json
    from dlspec.errors import UsageError

    if (seeds or snapshots) and len(members) != 1:
        raise UsageError(f"found {len(members)} names; --seeds takes one experiment file and --snapshots one run")
    if seeds and snapshots:
        raise UsageError("found both --seeds and --snapshots; keep one of the two")
    if overrides and not seeds:
        raise UsageError("--set changes an experiment that is trained; it needs --seeds")
    if len(members) == 1 and not (seeds or snapshots):
        raise UsageError(_one_member(members[0]))
    if seeds:
        runs = [
            measurement.open_run(run) for run in _trained(Path(members[0]), seeds, overrides or [], runs_dir, split)
        ]
    elif snapshots:
        runs = _snapshots(members[0], runs_dir)
    else:
        runs = [measurement.open_run(run) for run in _found(members, runs_dir)]
    measured = measurement.evaluate_ensemble(runs, split=split.value)
    alone = [(trained, measurement.evaluate(trained, split=split.value).splits) for trained in runs]
    if as_json:
        each = [{"run": str(t.run), "parameters": t.parameters, "epoch": t.epoch, "splits": s} for t, s in alone]
        write_json({"ensemble": measured, "members": each})
        return
    out = console()
    for number, row in enumerate(measured):
        if number:
            out.print()
        rows = [(f"{t.run.name} {t.parameters}", splits[number]) for t, splits in alone]
        out.print(text(row["split"], style="bold"))
        out.print(results([*(row for _, row in rows), row], names=[*(name for name, _ in rows), "ensemble"]))


def _one_member(member: str) -> str:
    """What to add to the only name that was given."""
    if Path(member).suffix.lower() in (".yaml", ".yml"):
        return f"{member}: an experiment file needs --seeds N, which trains it with N seeds first"
    return f"{member}: an ensemble needs at least two members; name more runs, or add --snapshots"


def _trained(config: Path, seeds: int, overrides: list[str], runs_dir: Path, split: Split) -> list[Path]:
    """Train one run per seed, from the experiment's own upwards, on the same data and split."""
    from dlspec.cli import signals

    with signals.flagged() as interruption:
        from dlspec import preparation, runner
        from dlspec.cli import errors
        from dlspec.cli.console import console, text
        from dlspec.cli.progress import display
        from dlspec.config import loader
        from dlspec.errors import UsageError
        from dlspec.run import storage

        storage.check_writable(runs_dir)
        loaded, notes, runs = loader.load(config, overrides), console(stderr=True), []
        for seed in range(loaded.experiment.seed, loaded.experiment.seed + seeds):
            prepared = preparation.prepare(preparation.reseeded(loaded, seed))
            if split.value not in ("all", *prepared.dataset.splits):
                raise UsageError(f"{config}: has no {split.value} split to measure on")
            notes.print(text(f"seed {seed}"))
            with display(notes, quiet=False) as watcher:
                outcome = runner.train(prepared, runs_dir=runs_dir, watcher=watcher, interrupted=interruption)
            if interruption.number is not None:
                raise typer.Exit(128 + interruption.number)
            if outcome.report is None:
                notes.print(text(f"{outcome.run}: {outcome.finished.message}"))
                raise typer.Exit(errors.DIVERGED)
            runs.append(outcome.run)
        return runs


def _found(members: list[str], runs_dir: Path) -> list[Path]:
    """The runs of these names, each of them once: a member that counts twice is no longer an average."""
    from dlspec.errors import UsageError
    from dlspec.run import directory

    runs = [directory.find(member, runs_dir=runs_dir) for member in members]
    for position, run in enumerate(runs):
        first = next(index for index, other in enumerate(runs) if other.samefile(run))
        if first < position:
            raise UsageError(f"{members[position]}: is the same run as {members[first]}; name each run once")
    return runs


def _snapshots(member: str, runs_dir: Path) -> "list[TrainedRun]":
    from dlspec import measurement
    from dlspec.run import directory

    run = directory.find(member, runs_dir=runs_dir)
    return [measurement.open_run(run, parameters=name) for name in measurement.snapshots(run)]
