"""`dlspec show CONFIG` and `dlspec show RUN`."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from dlspec.cli import options


def show(
    target: Annotated[
        str,
        typer.Argument(help="Experiment file, or a run (as for evaluate).", metavar="CONFIG|RUN", show_default=False),
    ],
    overrides: options.Set = None,
    runs_dir: options.RunsDir = Path("runs"),
    as_json: options.Json = False,
) -> None:
    """Print an experiment with every default written out, or how a run stands."""
    from dlspec.errors import UsageError

    if Path(target).suffix.lower() in (".yaml", ".yml"):
        from dlspec.config import loader, yaml_tree

        experiment = loader.load(Path(target), overrides or ()).experiment.model_dump()
        if as_json:
            from dlspec.cli.console import write_json

            write_json(experiment)
        else:
            sys.stdout.write(yaml_tree.dump(experiment))
        return
    from dlspec.cli.console import write_json
    from dlspec.run import directory
    from dlspec.run.overview import overview

    if overrides:
        raise UsageError("--set changes an experiment file; a run is changed with: dlspec resume RUN --set KEY=VALUE")
    found = overview(directory.find(target, runs_dir=runs_dir))
    if as_json:
        write_json(found)
    else:
        _print(found)


def _print(run: dict[str, Any]) -> None:
    from dlspec.cli.console import console, text
    from dlspec.report.numbers import value

    lines = [
        ("run", run["run"]),
        ("status", run["status"] + (f": {run['message']}" if run["message"] else "")),
        ("started", run["started"]),
        ("trained", f"{run['epoch']:,} epochs, {run['step']:,} steps, {_plural(run['sessions'], 'session')}"),
    ]
    metrics = (f"{name} {value(name.split('_', 1)[1], number)}" for name, number in run["metrics"].items())
    lines += [("metrics", ", ".join(metrics) or "none yet"), ("saved", ", ".join(run["checkpoints"]) or "nothing yet")]
    for number, segment in enumerate(run["segments"], start=1):
        changes = ", ".join(segment["changes"])
        if number > 1:
            lines.append(("changed", f"after epoch {segment['epoch']}, step {segment['step']}: {changes}"))
    if run["status"] in ("interrupted", "killed", "failed", "diverged"):
        lines.append(("go on", f"dlspec resume {run['run']}"))
    out = console()
    for name, content in lines:
        out.print(text(f"{name:<9}", style="bold") + text(str(content)))


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
