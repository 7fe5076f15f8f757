"""`dlspec tune CONFIG`."""

from typing import Annotated

import typer

from dlspec.cli import options


def tune(
    config: options.Config,
    overrides: options.Set = None,
    threads: Annotated[
        int | None,
        typer.Option(min=1, max=1024, help="Most threads to try; the physical cores where it is left out."),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Measure how many threads and streams make the steps of an experiment fastest here; leaves no run."""
    from dataclasses import asdict

    from dlspec import tune
    from dlspec.cli.console import console, table, text, write_json
    from dlspec.cli.progress import counting
    from dlspec.config import loader
    from dlspec.preparation import prepare
    from dlspec.run.environment import physical_cores

    prepared = prepare(loader.load(config, overrides or ()))
    most = threads or physical_cores()
    numbers = [*(2**power for power in range(most.bit_length()) if 2**power < most), most]
    with counting("measurement") as progress:
        tuning = tune.run(prepared, threads=numbers, progress=progress)
    if as_json:
        write_json(
            {
                "config": str(config),
                "timings": [asdict(timing) for timing in tuning.timings],
                "threads": tuning.best.threads,
                "streams": tuning.best.streams,
                "set": [f"threads={tuning.best.threads}", f"streams={tuning.best.streams}"],
            }
        )
        return
    out = console()
    rows = [
        [str(t.threads), str(t.streams), f"{t.seconds * 1e6:,.1f}", f"{t.low * 1e6:,.1f} to {t.high * 1e6:,.1f}"]
        for t in tuning.timings
    ]
    out.print(table(["threads", "streams", "µs per step", "middle half"], rows))
    out.print()
    out.print(text("try      ", style="bold") + text(tuning.best.flags))
    experiment = prepared.experiment
    out.print(text(f"now      --set threads={experiment.threads} --set streams={experiment.streams}"))
