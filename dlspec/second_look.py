"""A finished run, looked at once more: its report out of its files, without any training."""

from dataclasses import replace
from pathlib import Path

from dlspec import builder, measurement, pictures, run_page
from dlspec.errors import DlspecError, RunError, UsageError
from dlspec.report import curve_of_data, markdown
from dlspec.run import directory, storage
from dlspec.run.environment import numerics
from dlspec.run.record import read_record
from dlspec.run_page import Content


def with_learning_curve(content: Content, path: Path) -> Content:
    """The run beside a learning curve of its experiment.

    Args:
        content: of the run.
        path: written by `dlspec learning-curve --out`.

    Raises:
        UsageError: the file cannot be read, is no learning curve, or one of another experiment.
    """
    try:
        curve = directory.read_json(path)
        examples = int(curve["points"][-1]["examples"])
        _ = replace(content, learning_curve=curve).ranked, curve_of_data.figure(curve)
    except RunError as error:
        raise UsageError(str(error)) from error
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise UsageError(f"{path}: is no learning curve; write one with: dlspec learning-curve CONFIG --out") from error
    trained = next(split["examples"] for split in content.report["splits"] if split["split"] == "train")
    if (examples, curve.get("name")) != (trained, content.report["name"]):
        raise UsageError(
            f"{path}: is of {curve.get('name')!r} with {examples:,} training examples; the run is of "
            f"{content.report['name']!r} with {trained:,}; expected a learning curve of the same experiment"
        )
    return replace(content, learning_curve=curve)


def rewrite(run: Path, content: Content) -> tuple[str, ...]:
    """Write `report.md` and `report.html` anew, and keep the learning curve; gives what could not be done.

    The page of a run that was resumed and has not come to its end since tells of that, and stays.

    A run of before there were pictures gets them now, if its data and its parameters can still be read.

    Raises:
        RunError: a file of the run is damaged, or the system refused.
        RunBusyError: another process writes to the run, or the place is not writable.
    """
    notes: tuple[str, ...] = ()
    with directory.locked(run):
        if content.learning_curve is not None:
            storage.write_file(run / run_page.CURVE_FILE, directory.to_json(content.learning_curve))
        if content.pictures is None:
            notes = _draw(run)
            content = run_page.read(run)
        page = run_page.rendered(run, content)
        storage.write_file(run / "report.md", markdown.render(content.report).encode())
        if read_record(run)["status"] == "finished":
            storage.write_file(run / run_page.PAGE_FILE, page)
    return notes


def _draw(run: Path) -> tuple[str, ...]:
    """Compute the pictures out of data and parameters."""
    try:
        trained = measurement.open_run(run)
        with numerics(trained.experiment.threads_per_product):
            evaluator = builder.build_evaluator(trained.experiment, trained.cost, trained.dataset)
            pictures.write(run, trained.dataset, evaluator)
    except DlspecError as error:
        return (f"without pictures of examples: {error}",)
    return trained.warnings
