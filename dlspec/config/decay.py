"""`decay`: how the learning rate falls from α0 with the time t, which counts epochs or steps from 0."""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from dlspec.config.section import Named, Section
from dlspec.config.training import MONITOR_DESCRIPTION, MONITOR_PATTERN

# Every section has these two; core knows of neither: the trainer counts t, and a warm-up is a decay around another.
Per = Annotated[Literal["epoch", "step"], Field(description="unit of t: the rate changes with every epoch or step")]
Warmup = Annotated[
    int,
    Field(
        ge=0,
        description="epochs or steps (see per) on a straight line from 0 up to the first rate; t = 0 comes after them",
    ),
]


class Constant(Section):
    """α = α0."""

    name: Literal["constant"] = "constant"
    per: Per = "epoch"
    warmup: Warmup = 0


class InverseTime(Section):
    """α = α0 / (1 + rate · t)."""

    name: Literal["inverse_time"] = "inverse_time"
    rate: float = Field(0.1, ge=0, description="decay rate per epoch or step; at least 0")
    per: Per = "epoch"
    warmup: Warmup = 0


class Exponential(Section):
    """α = α0 · baseᵗ."""

    name: Literal["exponential"] = "exponential"
    base: float = Field(0.95, gt=0, le=1, description="factor per epoch or step; 0 < base ≤ 1")
    per: Per = "epoch"
    warmup: Warmup = 0


class Sqrt(Section):
    """α = α0 · k / √(t + 1)."""

    name: Literal["sqrt"] = "sqrt"
    k: float = Field(1.0, gt=0, description="factor; greater than 0")
    per: Per = "epoch"
    warmup: Warmup = 0


class Staircase(Section):
    """α = α0 · factor^⌊t / every⌋."""

    name: Literal["staircase"] = "staircase"
    factor: float = Field(0.5, gt=0, le=1, description="factor at each stair; 0 < factor ≤ 1")
    every: int = Field(10, ge=1, description="epochs or steps per stair; at least 1")
    per: Per = "epoch"
    warmup: Warmup = 0


class Point(Section):
    """From `epoch`, or with `per: step` from `step` on, the learning rate is `learning_rate`."""

    epoch: int | None = Field(None, ge=0, description="first epoch of the new rate, counted from 0")
    step: int | None = Field(None, ge=0, description="first step of the new rate, counted from 0")
    learning_rate: float = Field(gt=0, description="α from there on, greater than 0")


class Manual(Section):
    """α as written: α0 until the first point, then each point's rate from its epoch or step on."""

    name: Literal["manual"] = "manual"
    points: list[Point] = Field(min_length=1, description="rates by epoch or step, in rising order")
    per: Per = "epoch"
    warmup: Warmup = 0

    @model_validator(mode="after")
    def _points_rise(self) -> "Manual":
        for number, point in enumerate(self.points, start=1):
            given = [unit for unit in ("epoch", "step") if getattr(point, unit) is not None]
            if given != [self.per]:
                found = " and ".join(given) or "neither epoch nor step"
                raise ValueError(f"point {number} of points gives {found}; expected {self.per}, the unit of per")
        for before, after in pairwise(self.times):
            if after <= before:
                raise ValueError(
                    f"points are not in rising order: {self.per} {after} after {before}; sort them by {self.per}"
                )
        return self

    @property
    def times(self) -> list[int]:
        """Where each point begins, in the unit of `per`."""
        return [int(getattr(point, self.per)) for point in self.points]


class Cosine(Section):
    """α = min_rate + (α0 − min_rate)(1 + cos(π t/T))/2, T the length of the run or of one of its cycles."""

    name: Literal["cosine"] = "cosine"
    min_rate: float = Field(0.0, ge=0, description="the rate that the end of every cycle heads for; 0 to α0")
    cycles: int = Field(1, ge=1, description="times that the rate starts again at α0, the first included; at least 1")
    per: Per = "epoch"
    warmup: Warmup = 0


class OneCycle(Section):
    """Up to α0, which is the peak, and down again, once in the run; most often with `per: step`."""

    name: Literal["one_cycle"] = "one_cycle"
    rise: float = Field(0.3, gt=0, lt=1, description="part of the run that goes up; 0 < rise < 1")
    start_factor: float = Field(0.04, ge=0, le=1, description="first rate as a part of α0; 0 to 1")
    end_factor: float = Field(1e-4, ge=0, le=1, description="the rate that the end heads for as a part of α0; 0 to 1")
    shape: Literal["cosine", "linear"] = Field("cosine", description="form of both slopes")
    per: Per = "epoch"
    warmup: Warmup = 0


class Plateau(Section):
    """α0, multiplied by `factor` each time a recorded quantity has not improved for `patience` epochs."""

    name: Literal["plateau"] = "plateau"
    factor: float = Field(0.5, gt=0, lt=1, description="what the rate is multiplied by; 0 < factor < 1")
    patience: int = Field(5, ge=1, description="epochs without improvement before the rate is lowered")
    min_delta: float = Field(0.0, ge=0, description="an improvement counts only beyond this, in the monitor's unit")
    min_rate: float = Field(0.0, ge=0, description="the rate is not lowered below this; 0 to α0")
    cooldown: int = Field(0, ge=0, description="epochs after a lowering that do not count as waiting")
    monitor: str = Field("dev_loss", pattern=MONITOR_PATTERN, description=MONITOR_DESCRIPTION)
    per: Per = Field("epoch", description="unit of warmup; patience and cooldown are in epochs")
    warmup: Warmup = 0


Decay = Annotated[
    Constant | InverseTime | Exponential | Sqrt | Staircase | Manual | Cosine | OneCycle | Plateau,
    Field(discriminator="name"),
    Named(default="constant"),
]
