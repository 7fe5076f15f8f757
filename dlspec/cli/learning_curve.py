"""`dlspec learning-curve CONFIG`."""

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from dlspec.cli import options


def learning_curve(
    config: options.Config,
    overrides: options.Set = None,
    sizes: Annotated[int, typer.Option(min=3, max=20, help="Sizes of the training set, up to the whole of it.")] = 5,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Trainings of each size.")] = 3,
    out: Annotated[
        Path | None, typer.Option(help="Write the JSON here, too, such as learning-curve.json.", metavar="FILE")
    ] = None,
    force: options.Force = False,
    as_json: options.Json = False,
) -> None:
    """Error against the number of training examples: what would twice the data give?"""
    from dlspec import learning_curve
    from dlspec.cli.console import console, text, write_json
    from dlspec.cli.progress import counting
    from dlspec.config import loader
    from dlspec.run import directory, storage
    from dlspec.text import finite

    if out is not None:
        options.check_new(out, force=force)
    loaded = loader.load(config, overrides or ())
    with counting("trainings") as progress:
        curve = learning_curve.run(loaded, sizes=sizes, seeds=seeds, progress=progress)
    content = {"config": str(config), "name": loaded.experiment.name, **learning_curve.content(curve)}
    if out is not None:
        storage.make_parents(out.parent)
        storage.write_file(out, directory.to_json(finite(content)))
    if as_json:
        write_json(content)
    else:
        _print(content)
        if out is not None:
            console().print(text(f"rank     dlspec diagnose RUN --learning-curve {shlex.quote(str(out))}"))


def _print(content: dict[str, Any]) -> None:
    from dlspec.cli.console import console, table, text
    from dlspec.report.chart import Series, chart
    from dlspec.report.numbers import percent, signed_percent

    out, points, fit, doubled = console(), content["points"], content["fit"], content["doubled"]
    rows = [[f"{p['examples']:,}", *(_spread(p[f"{split}_errors"]) for split in ("train", "dev"))] for p in points]
    out.print(table(["examples", "train error", "dev error"], rows))
    out.print()
    x = [p["examples"] for p in points]
    series = [Series(split, x, [p[f"{split}_error"] for p in points]) for split in ("train", "dev")]
    if fit is not None:
        dense = [x[0] * (2 * x[-1] / x[0]) ** (k / 71) for k in range(72)]
        series.insert(0, Series("fit of dev", dense, [fit["a"] * m ** -fit["b"] + fit["c"] for m in dense]))
    for line in chart(series, x_label="training examples", y_label="error", log_x=True):
        out.print(text(line))
    out.print()
    if fit is not None:
        out.print(text(f"fit      dev error = {fit['a']:.3g} m^-{fit['b']:.3g} + {fit['c']:.3g}, m training examples"))
        known = "" if doubled["low"] is None else _interval(doubled, len(content["seeds"]))
        change = signed_percent(-doubled["gain"])
        error = percent(doubled["dev_error"])
        out.print(text(f"doubled  {doubled['examples']:,} examples: dev error {error}, {change}{known}"))
    out.print(text("verdict  ", style="bold") + text(content["verdict"]))


def _interval(doubled: dict[str, Any], seeds: int) -> str:
    from dlspec.report.numbers import signed_percent

    return f" (95 % over {seeds} seeds: {signed_percent(-doubled['high'])} to {signed_percent(-doubled['low'])})"


def _spread(errors: list[float]) -> str:
    """Mean and standard deviation over seeds."""
    from statistics import fmean, stdev

    from dlspec.report.numbers import percent

    if not errors:
        return "diverged"
    return percent(fmean(errors)) + (f" ± {percent(stdev(errors))}" if len(errors) > 1 else "")
