"""`dlspec runs`."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.cli import options

if TYPE_CHECKING:
    from dlspec.run.listing import ListedRun

METRICS = ("dev_loss", "dev_accuracy", "dev_f1", "dev_rmse", "dev_mae", "dev_r2")


def runs(
    runs_dir: options.RunsDir = Path("runs"),
    sort: options.Sort = "started",
    where: options.Where = None,
    as_json: options.Json = False,
) -> None:
    """List the runs: how each stands, its result on dev, how long it took and how old it is."""
    from datetime import UTC

    from dlspec.cli.console import plain_table, write_json
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
    shown = {"run", "status", "epoch", "seconds", "started", *METRICS}
    metrics = [name for name in METRICS if any(name in run.facts for run in chosen)]
    columns = [*metrics, *(key for key in extra if key not in shown)]
    head = ["run", "status", "epoch", *columns, "time", "age"]
    plain_table(head, [_row(run, columns, now) for run in chosen])


def _row(run: "ListedRun", columns: Sequence[str], now: datetime) -> list[str]:
    from dlspec.report.spans import span
    from dlspec.run.listing import moment

    facts = run.facts
    started, seconds = moment(facts["started"]), facts.get("seconds")
    age = "" if started is None else span((now - started).total_seconds())
    time = "" if seconds is None else span(seconds)
    return [
        facts["run"],
        facts["status"],
        str(facts.get("epoch", "")),
        *(_cell(c, run.get(c)) for c in columns),
        time,
        age,
    ]


def _cell(key: str, value: Any) -> str:
    from dlspec.report import numbers

    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if key.endswith("_error"):
        return numbers.percent(value)
    return numbers.value(key.split("_", 1)[-1], value) if isinstance(value, float) else str(value)
