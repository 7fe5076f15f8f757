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
    """Measure how many threads make the steps of an experiment fastest here; leaves no run and changes nothing."""
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
                "timings": [
                    {"threads": t.threads, "seconds": t.seconds, "low": t.low, "high": t.high} for t in tuning.timings
                ],
                "threads": tuning.best,
                "set": f"threads={tuning.best}",
            }
        )
        return
    out = console()
    rows = [
        [str(t.threads), f"{t.seconds * 1e6:,.1f}", f"{t.low * 1e6:,.1f} to {t.high * 1e6:,.1f}"]
        for t in tuning.timings
    ]
    out.print(table(["threads", "µs per step", "middle half"], rows))
    out.print()
    out.print(text("try      ", style="bold") + text(f"--set threads={tuning.best}"))
    out.print(text(f"now      {prepared.experiment.threads}"))
