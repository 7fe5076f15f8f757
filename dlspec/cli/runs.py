"""`dlspec runs`."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dlspec.cli import options

if TYPE_CHECKING:
    from dlspec.run.listing import ListedRun

METRICS = ("dev_accuracy", "dev_rmse", "dev_f1", "dev_loss", "dev_mae", "dev_r2")
SHOWN_AS = {"started": "age", "seconds": "time"}


def runs(
    runs_dir: options.RunsDir = Path("runs"),
    sort: options.Sort = "started",
    where: options.Where = None,
    as_json: options.Json = False,
) -> None:
    """List the runs: how each stands, its result on dev, how long it took and how old it is."""
    from datetime import UTC

    from dlspec.cli.console import fitted_table, write_json
    from dlspec.errors import UsageError
    from dlspec.run import conditions, directory, listing

    now, wanted = datetime.now(UTC), conditions.parse(where) if where is not None else []
    if not runs_dir.is_dir():
        raise UsageError(f"{runs_dir}: there is no such directory; runs are where dlspec train left them (--runs-dir)")
    everything = listing.listed(directory.all_runs(runs_dir), now=now)
    chosen = listing.ordered(conditions.select(everything, wanted), sort)
    extra = list(dict.fromkeys([sort.removeprefix("-"), *(condition.key for condition in wanted)]))
    if as_json:
        write_json([{**run.facts, **{key: run.get(key) for key in extra}} for run in chosen])
        return
    columns = _columns(chosen, extra)
    fitted_table(["run", *columns], [[run.facts["run"], *(_cell(c, run, now) for c in columns)] for run in chosen])


def _columns(runs: "Sequence[ListedRun]", asked: Sequence[str]) -> list[str]:
    """What was asked for, then the most useful: a narrow terminal shows those on the left."""
    metrics = [name for name in METRICS if any(name in run.facts for run in runs)]
    wanted = [SHOWN_AS.get(key, key) for key in asked if key not in ("run", "started")]
    return list(dict.fromkeys(["status", *wanted, *metrics[:1], "age", "epoch", "time", *metrics[1:]]))


def _cell(key: str, run: "ListedRun", now: datetime) -> str:
    from dlspec.report import numbers
    from dlspec.report.spans import about, span
    from dlspec.run.listing import moment

    if key == "age":
        started = moment(run.facts["started"])
        return "" if started is None else about((now - started).total_seconds())
    value = run.get("seconds" if key == "time" else key)
    if key == "time":
        return "" if value is None else span(value)
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if key.endswith("_error"):
        return numbers.percent(value)
    return numbers.value(key.split("_", 1)[-1], value) if isinstance(value, float) else str(value)
