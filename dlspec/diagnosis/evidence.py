"""What the next step is chosen by, and what it is."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from dlspec.config.experiment import Experiment
from dlspec.diagnosis.bias_variance import Diagnosis, Gap
from dlspec.diagnosis.findings import Finding

Knob = Literal["train", "dev", "test", "real world"]


@dataclass(frozen=True, slots=True)
class Action:
    """Something to try.

    Attributes:
        action: what, in the imperative.
        gap: which gap it closes: `bias`, `variance`, `data mismatch`, `overfitting to dev`; `optimization` where a
            fault of the training stands before all of them.
        knob: the set that it makes better.
        reason: the evidence, with its numbers.
        effect: what to expect.
        set: overrides that apply it, for `--set`; none where a person has to do it.
    """

    action: str
    gap: str
    knob: Knob
    reason: str
    effect: str
    set: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The action with the flags that apply it."""
        flags = " ".join(f"--set {shlex.quote(change)}" for change in self.set)
        return f"{self.action}: {flags}" if flags else self.action


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the actions are chosen by.

    Attributes:
        experiment: resolved.
        diagnosis: verdict and gaps.
        findings: of layers and curves.
        examples: of the training split.
        task: `classification`, `regression` or `multi_task`.
        classes: how many there are; 0 for the other tasks.
        images: whether the inputs are images.
        stopped_early: whether early stopping ended the run.
        penalty: what the cost has beyond the loss, by the loss, on train.
        final_rate: the last learning rate by the largest one.
        epochs: completed.
    """

    experiment: Experiment
    diagnosis: Diagnosis
    findings: Sequence[Finding]
    examples: int
    task: str
    classes: int
    images: bool
    stopped_early: bool
    penalty: float
    final_rate: float
    epochs: int

    def gap(self, name: str) -> Gap | None:
        """The gap of that name, if it could be measured."""
        return next((gap for gap in self.diagnosis.gaps if gap.name == name), None)

    def finding(self, *names: str) -> Finding | None:
        """The first finding of one of these names."""
        return next((finding for finding in self.findings if finding.name in names), None)


Rule = Callable[[Evidence], Iterator[Action]]
"""Gives the actions that the evidence speaks for; most rules give none or one."""
