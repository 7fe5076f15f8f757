"""`dlspec lr-find CONFIG`."""

from typing import TYPE_CHECKING, Annotated

import typer

from dlspec.cli import options

if TYPE_CHECKING:
    from dlspec.lr_find import RangeTest


def lr_find(
    config: options.Config,
    overrides: options.Set = None,
    low: Annotated[float, typer.Option(min=1e-30, max=1e6, help="Learning rate of the first step.")] = 1e-6,
    high: Annotated[float, typer.Option(min=1e-30, max=1e6, help="Learning rate of the last step.")] = 10.0,
    steps: Annotated[int, typer.Option(min=10, max=10_000, help="Steps of the test, at most.")] = 200,
    as_json: options.Json = False,
) -> None:
    """Suggest a learning rate by a range test; leaves no run and changes nothing."""
    from dlspec import lr_find
    from dlspec.cli.console import write_json
    from dlspec.cli.progress import counting
    from dlspec.config import loader
    from dlspec.errors import UsageError
    from dlspec.preparation import prepare

    if low >= high:
        raise UsageError(f"--low is {low:g} and --high is {high:g}; expected a lower and a higher learning rate")
    prepared = prepare(loader.load(config, overrides or ()))
    with counting("steps") as progress:
        test = lr_find.run(prepared, low=low, high=high, steps=steps, progress=progress)
    rate = test.suggestion.learning_rate
    if as_json:
        write_json(
            {
                "config": str(config),
                "learning_rate": rate,
                "message": test.suggestion.message,
                "set": None if rate is None else f"optimizer.learning_rate={rate:g}",
                "examples": test.examples,
                "rates": test.rates,
                "losses": test.losses,
                "smoothed": test.smoothed,
            }
        )
        return
    _print(test, now=prepared.experiment.optimizer.learning_rate)


def _print(test: "RangeTest", *, now: float) -> None:
    from dlspec.cli.console import console, text
    from dlspec.report.chart import Series, chart

    out = console()
    curve = Series("loss", test.rates[: len(test.smoothed)], test.smoothed)
    for line in chart([curve], x_label="learning rate", y_label="loss", log_x=True, log_y=True):
        out.print(text(line))
    out.print()
    out.print(text(test.suggestion.message))
    rate = test.suggestion.learning_rate
    if rate is not None:
        out.print(text("try      ", style="bold") + text(f"--set optimizer.learning_rate={rate:g}"))
        out.print(text(f"now      {now:g}"))
