"""`dlspec gradcheck [CONFIG]`."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlspec.cli import options

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from dlspec.battery import Checked
    from dlspec.core.gradcheck import Block, Measure
    from dlspec.core.slips import Finding
    from dlspec.gradcheck import Stage, Subject

STYLES = {"ok": "green", "suspicious": "yellow", "wrong": "bold red", "unchecked": "dim"}
WIDE = 125  # columns of a terminal from which on the entry that differs most has room in the table
WORST = 5  # entries shown of a block that is not right, and in JSON of every block


def gradcheck(
    config: Annotated[
        Path | None,
        typer.Argument(
            help="Experiment file (YAML); without one, everything dlspec has is checked.",
            metavar="CONFIG",
            show_default=False,
        ),
    ] = None,
    overrides: options.Set = None,
    steps: Annotated[
        int | None, typer.Option(min=0, help="Training steps before the second check; 0: only one.  [default: 50]")
    ] = None,
    examples: Annotated[
        int | None, typer.Option(min=2, help="Examples of the training set to check on, at most.  [default: 64]")
    ] = None,
    coordinates: Annotated[
        int | None, typer.Option(min=1, help="Entries to check per parameter block.  [default: 50]")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Check every entry.")] = False,
    directions: Annotated[
        int | None, typer.Option(min=0, help="Random directions per block that is not checked in full.  [default: 10]")
    ] = None,
    epsilon: Annotated[
        float, typer.Option(min=1e-12, max=0.1, help="Step of the central differences; the course uses 1e-7.")
    ] = 3e-6,
    as_json: options.Json = False,
) -> None:
    """Check gradients against the cost itself; exit 1 if one is not right."""
    from dlspec.errors import UsageError

    if config is None:
        given = {"--set": overrides, "--steps": steps, "--examples": examples, "--coordinates": coordinates}
        given |= {"--full": full or None, "--directions": directions}
        for name, value in given.items():
            if value is not None:
                raise UsageError(f"{name} is about one experiment; name its file: dlspec gradcheck CONFIG {name} …")
        right = _everything(epsilon=epsilon, as_json=as_json)
    elif full and (coordinates is not None or directions is not None):
        other = "--coordinates" if coordinates is not None else "--directions"
        raise UsageError(f"found both --full, which checks every entry, and {other}; keep one of the two")
    else:
        from dlspec import gradcheck
        from dlspec.config import loader

        subject = gradcheck.prepare(loader.load(config, overrides or ()))
        stages = gradcheck.run(
            subject,
            steps=gradcheck.STEPS if steps is None else steps,
            examples=examples or gradcheck.EXAMPLES,
            epsilon=epsilon,
            coordinates=None if full else coordinates or gradcheck.COORDINATES,
            directions=gradcheck.DIRECTIONS if directions is None else directions,
        )
        right = _one(subject, stages, epsilon=epsilon, as_json=as_json)
    if not right:
        raise typer.Exit(1)


# --- without a config ------------------------------------------------------------------------------------


def _everything(*, epsilon: float, as_json: bool) -> bool:
    """A line per case as soon as it is done, then what is wrong, then the sum."""
    from dlspec import battery
    from dlspec.cli.console import console, text, write_json

    out, started = console(), time.perf_counter()
    if as_json:
        cases = [_case_json(checked) for checked in battery.run(epsilon=epsilon)]
        verdict = _verdict(case["verdict"] for case in cases)
        write_json({"epsilon": epsilon, "verdict": verdict, "seconds": time.perf_counter() - started, "cases": cases})
        return verdict == "ok"
    done = []
    head = _columns("group", "case", "entries", "left out", "differences", "complex step")
    out.print(text(f"{head}  verdict", style="bold"))
    with _progress(out, total=len(battery.cases())) as advance:
        for checked in battery.run(epsilon=epsilon):
            done.append(checked)
            out.print(_case_line(checked))
            advance()
    wrong = [checked for checked in done if _verdict(b.verdict for b in checked.blocks) != "ok"]
    for checked in wrong:
        out.print()
        out.print(text(f"{checked.case.group}: {checked.case.name}", style="bold"))
        _explain(out, checked.blocks, checked.finding)
    entries = sum(block.size for checked in done for block in checked.blocks)
    left_out = sum(block.differences.left_out for checked in done for block in checked.blocks)
    seconds = time.perf_counter() - started
    out.print()
    out.print(
        text(f"{len(done)} cases, {entries:,} entries, {left_out} of them left out at kinks, {seconds:.1f} s: ")
        + (text(f"{len(wrong)} not right", style=STYLES["wrong"]) if wrong else text("all right", style=STYLES["ok"]))
    )
    return not wrong


def _columns(group: str, case: str, entries: str, left_out: str, differences: str, complex_step: str) -> str:
    return f"{group:<14}{case:<50}{entries:>7}{left_out:>10}{differences:>13}{complex_step:>14}"


def _case_line(checked: "Checked") -> "Text":
    from dlspec.cli.console import text

    blocks = checked.blocks
    line = _columns(
        checked.case.group,
        checked.case.name,
        f"{sum(block.size for block in blocks)}",
        f"{sum(block.differences.left_out for block in blocks) or ''}",
        _error(_largest([block.differences for block in blocks])),
        _error(_largest([block.complex_step for block in blocks])),
    )
    verdict = _verdict(block.verdict for block in blocks)
    return text(f"{line}  ") + text(verdict, style=STYLES[verdict])


def _largest(measures: Sequence["Measure | None"]) -> float | None:
    """The largest relative error among those that compare more than rounding errors, or are wrong."""
    told = [m.relative_error for m in measures if m is not None and (not m.vanishes or m.verdict != "ok")]
    return max(told, default=None)


@contextmanager
def _progress(out: "Console", *, total: int) -> Iterator[Callable[[], None]]:
    """A bar below the lines on a terminal; nothing elsewhere."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress

    if not out.is_terminal:
        yield lambda: None
        return
    with Progress(BarColumn(bar_width=40), MofNCompleteColumn(), console=out, transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda: progress.advance(task)


# --- with a config ---------------------------------------------------------------------------------------


def _one(subject: "Subject", stages: Iterator["Stage"], *, epsilon: float, as_json: bool) -> bool:
    """What is checked, then a table per stage."""
    from dlspec.cli.console import console, text, write_json

    experiment, path = subject.prepared.experiment, subject.prepared.loaded.path
    if as_json:
        checked = [_stage_json(stage) for stage in stages]
        verdict = _verdict(stage["verdict"] for stage in checked)
        head = {"config": str(path), "changes": list(subject.changes), "epsilon": epsilon}
        write_json({**head, "verdict": verdict, "stages": checked})
        return verdict == "ok"
    out, verdicts = console(), []
    out.print(text(f"{experiment.name}: gradients of J on its own data, penalties included, ε = {epsilon:g}"))
    for change in subject.changes:
        out.print(text(f"note     {change}"))
    for stage in stages:
        title = f"after {stage.step} steps of training" if stage.step else "at random initialisation"
        out.print()
        out.print(text(f"{title}, {stage.examples} examples, J = {stage.cost:.6g}", style="bold"))
        _print_blocks(out, stage.blocks)
        verdicts.append(_verdict(block.verdict for block in stage.blocks))
        if verdicts[-1] != "ok":
            _explain(out, stage.blocks, stage.finding)
    verdict = _verdict(verdicts)
    out.print()
    out.print(text("verdict  ", style="bold") + text(verdict, style=STYLES[verdict]))
    return verdict == "ok"


def _print_blocks(out: "Console", blocks: Sequence["Block"]) -> None:
    """A row per block: entries, relative errors, the entry that differs most (where there is room), the verdict."""
    from rich.table import Table

    from dlspec.cli.console import text
    from dlspec.core.slips import label

    names = [
        "block",
        "entries",
        "left out",
        "differences",
        "complex step",
        "directions",
        "worst",
        "backward",
        "numeric",
    ]
    if out.width < WIDE:
        names = names[:-3]
    result = Table(box=None, pad_edge=False, header_style="bold")
    for name in (*names, "verdict"):
        left = name in ("block", "worst", "verdict")
        result.add_column(text(name), justify="left" if left else "right", no_wrap=True)
    for block in blocks:
        entries = f"{block.differences.count + block.differences.left_out:,} of {block.size:,}"
        left_out = sum(measure.left_out for measure in block.measures)
        errors = [_measured(m) for m in (block.differences, block.complex_step, block.directions)]
        worst = [_entry(*each) for each in block.worst(1)] or [("", "", "")]
        cells = [label(block.name), entries, str(left_out or ""), *errors, *worst[0]]
        result.add_row(*map(text, cells[: len(names)]), text(block.verdict, style=STYLES[block.verdict]))
    out.print(result)
    if any(measure.vanishes for block in blocks for measure in block.measures):
        out.print(text("* what differs is no more than rounding explains at this ε", style="dim"))


def _entry(index: tuple[int, ...], analytic: float, numeric: float) -> tuple[str, str, str]:
    return f"[{','.join(map(str, index))}]", f"{analytic:.10g}", f"{numeric:.10g}"


def _measured(measure: "Measure | None") -> str:
    if measure is None or measure.count == 0:
        return "-"
    return _error(measure.relative_error) + "*" * (measure.vanishes and measure.verdict == "ok")


# --- both ------------------------------------------------------------------------------------------------


def _verdict(verdicts: Any) -> str:
    from dlspec.core.gradcheck import most_severe

    return most_severe(verdicts)


def _error(relative_error: float | None) -> str:
    return "-" if relative_error is None else f"{relative_error:.1e}"


def _explain(out: "Console", blocks: Sequence["Block"], finding: "Finding | None") -> None:
    """Where it breaks and how, and the entries that differ most."""
    from dlspec.cli.console import table, text
    from dlspec.core.slips import label

    if finding is not None:
        out.print(text(f"breaks at  {' and '.join(map(label, finding.blocks))}"))
        out.print(text(f"place      {finding.place}"))
        out.print(text(f"pattern    {finding.pattern or 'none that is known'}"))
    rows = []
    for block in blocks:
        if block.verdict not in ("ok", "unchecked"):
            rows += [(label(block.name) if k == 0 else "", *_entry(*each)) for k, each in enumerate(block.worst(WORST))]
    out.print(table(["worst entries", "", "backward", "numeric"], rows))


def _finite(number: float | None) -> float | None:
    """JSON has no NaN."""
    return number if number is not None and math.isfinite(number) else None


def _finding_json(finding: "Finding | None") -> dict[str, Any] | None:
    if finding is None:
        return None
    return {"blocks": list(finding.blocks), "place": finding.place, "pattern": finding.pattern}


def _case_json(checked: "Checked") -> dict[str, Any]:
    blocks = checked.blocks
    return {
        "group": checked.case.group,
        "case": checked.case.name,
        "entries": sum(block.size for block in blocks),
        "left_out": sum(block.differences.left_out for block in blocks),
        "differences": _finite(_largest([block.differences for block in blocks])),
        "complex_step": _finite(_largest([block.complex_step for block in blocks])),
        "verdict": _verdict(block.verdict for block in blocks),
        "finding": _finding_json(checked.finding),
    }


def _stage_json(stage: "Stage") -> dict[str, Any]:
    return {
        "step": stage.step,
        "examples": stage.examples,
        "cost": stage.cost,
        "verdict": _verdict(block.verdict for block in stage.blocks),
        "finding": _finding_json(stage.finding),
        "blocks": [_block_json(block) for block in stage.blocks],
    }


def _block_json(block: "Block") -> dict[str, Any]:
    measures = {
        "differences": block.differences,
        "complex_step": block.complex_step,
        "directions": block.directions,
    }
    return {
        "block": block.name,
        "shape": list(block.shape),
        "verdict": block.verdict,
        **{name: None if measure is None else _measure_json(measure) for name, measure in measures.items()},
        "worst": [
            {"index": list(index), "backward": _finite(analytic), "numeric": _finite(numeric)}
            for index, analytic, numeric in block.worst(WORST)
        ],
    }


def _measure_json(measure: "Measure") -> dict[str, Any]:
    return {
        "relative_error": _finite(measure.relative_error),
        "rounding": _finite(measure.rounding),
        "count": measure.count,
        "left_out": measure.left_out,
        "verdict": measure.verdict,
    }
