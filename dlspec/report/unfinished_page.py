"""`report.html` of a run that has not come to its end: how it ended instead, what to try, and how far it came.

The same content gives the same bytes, and the same sections stand where those of a finished run do.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dlspec.config.differences import Setting
from dlspec.report import figures, sections, summary
from dlspec.report.document import body, document
from dlspec.report.markup import Markup, element, joined
from dlspec.report.numbers import value as shown

Row = Mapping[str, Any]

ANEW = "The flags are for dlspec train, which starts anew, "
LEFT_OUT = (
    "Bias and variance, the confusion matrix, the decision boundary and the examples that cost the most are left out, "
    "because they need an evaluation of the final model, and this run has none."
)


def render(run: Row, *, metrics: Sequence[Row], health: Sequence[Row] = (), settings: Sequence[Setting] = ()) -> str:
    """The page.

    Args:
        run: `name`, `status`, `message`, `parameters` and `segments` as in a report; `actions`; `findings`; `sizes`,
            the largest value of each block up to the one that broke; `resumable`, whether flags can be applied to it.
        metrics: rows of `metrics.jsonl`.
        health: rows of `health.jsonl`; none where the run was not sampled.
        settings: of the experiment.
    """
    last = health[-1]["layers"] if len(health) > 1 else ()
    known = {"findings": run["findings"], "initial": _initial(health), "last": last}
    fine = "Nothing else stands out." if run["status"] == "diverged" else "Nothing stands out so far."
    parts = [
        ("next", "What to try next", _next(run)),
        ("broke", "Where it broke", _broke(run["sizes"])),
        ("curves", "Curves", sections.curves(figures.curves(run, metrics)) or _no_epoch()),
        ("health", "Health of the training", sections.health(known, health, end="when last looked at", fine=fine)),
        ("missing", "What is not here", element("p", None, LEFT_OUT)),
        ("config", "Configuration", sections.configuration(run, settings)),
    ]
    return document(f"{run['name']}: {run['status']}", *body(_head(run, metrics), parts))


def _head(run: Row, metrics: Sequence[Row]) -> Markup:
    mood = "unsure" if run["status"] == "interrupted" else "high"
    message = run["message"] or "nothing says why it ended"
    first = message.partition(" ")[0]
    words = f"{message[:1].upper() if first.isalpha() else message[:1]}{message[1:]}."  # `train_cost` is a name
    return sections.heading(run["name"], run["status"], words, mood=mood, tiles=list(_tiles(metrics)))


def _tiles(metrics: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """What the last measured epoch says."""
    if not metrics:
        return
    last = metrics[-1]
    yield "epochs measured", f"{len(metrics):,}"
    for key, number in last.items():
        split, _, name = key.partition("_")
        if split in ("train", "dev") and name and name != "cost":
            yield f"{split} {figures.TITLES.get(name, name)}", shown(name, number)
    yield "learning rate", shown("", last.get("learning_rate"))


def _next(run: Row) -> Markup:
    """The actions, and how to go on."""
    parts = [sections.numbered(run["actions"])] if run["actions"] else []
    if run["status"] == "diverged":
        how = "or for dlspec resume RUN, which goes on from the last finite checkpoint as far as a run can change."
        parts.append(element("p", {"class": "note"}, ANEW, how))
    else:
        how = "dlspec resume RUN"
        copy = element("button", {"type": "button", "class": "copy", "hidden": True}, "copy")
        parts.append(element("p", None, "It goes on from its newest checkpoint, as if it had never stopped:"))
        parts.append(element("div", {"class": "set"}, element("code", None, how), copy))
    return joined(parts)


def _broke(sizes: Sequence[Sequence[Any]]) -> Markup:
    """The blocks of numbers up to the first that is not finite."""
    if not sizes:
        return Markup()
    left_out = len(sizes) - summary.BLOCKS_UP_TO
    note = "The largest absolute value of each block of numbers when it broke, up to the first that is not finite"
    note += f"; the first {left_out} are left out." if left_out > 0 else "."
    return joined(
        [element("p", {"class": "note"}, note), sections.table(*summary.sizes(sizes), label="Largest values")]
    )


def _initial(health: Sequence[Row]) -> Sequence[Row]:
    return health[0]["layers"] if health and health[0]["epoch"] == 0 else ()


def _no_epoch() -> Markup:
    return element("p", {"class": "note"}, "No epoch was measured: the run ended within its first one.")
