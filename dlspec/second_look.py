"""A finished run, looked at once more: its report out of its files, without any training."""

from pathlib import Path

from dlspec import builder, measurement, pictures, run_page
from dlspec.errors import DlspecError
from dlspec.report import markdown
from dlspec.run import directory, storage
from dlspec.run.environment import numerics
from dlspec.run_page import Content


def rewrite(run: Path, content: Content) -> tuple[str, ...]:
    """Write `report.md` and `report.html` anew; gives what could not be done.

    A run of before there were pictures gets them now, if its data and its parameters can still be read.

    Raises:
        RunError: a file of the run is damaged, or the system refused.
        RunBusyError: another process writes to the run, or the place is not writable.
    """
    notes: tuple[str, ...] = ()
    with directory.locked(run):
        if content.pictures is None:
            notes = _draw(run)
            content = run_page.read(run)
        page = run_page.rendered(run, content)
        storage.write_file(run / "report.md", markdown.render(content.report).encode())
        storage.write_file(run / run_page.PAGE_FILE, page)
    return notes


def _draw(run: Path) -> tuple[str, ...]:
    """Compute the pictures out of data and parameters."""
    try:
        trained = measurement.open_run(run)
        with numerics(int(trained.experiment.threads)):
            evaluator = builder.build_evaluator(trained.experiment, trained.cost, trained.dataset)
            pictures.write(run, trained.dataset, evaluator)
    except DlspecError as error:
        return (f"without pictures of examples: {error}",)
    return trained.warnings
