"""`decay`: how the learning rate falls from α0 with the epoch (the first epoch is 0)."""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from dlspec.config.section import Named, Section


class Constant(Section):
    """α = α0."""

    name: Literal["constant"] = "constant"


class InverseTime(Section):
    """α = α0 / (1 + rate · epoch)."""

    name: Literal["inverse_time"] = "inverse_time"
    rate: float = Field(0.1, ge=0, description="decay rate per epoch; at least 0")


class Exponential(Section):
    """α = α0 · base^epoch."""

    name: Literal["exponential"] = "exponential"
    base: float = Field(0.95, gt=0, le=1, description="factor per epoch; 0 < base ≤ 1")


class Sqrt(Section):
    """α = α0 · k / √(epoch + 1)."""

    name: Literal["sqrt"] = "sqrt"
    k: float = Field(1.0, gt=0, description="factor; greater than 0")


class Staircase(Section):
    """α = α0 · factor^⌊epoch / every⌋."""

    name: Literal["staircase"] = "staircase"
    factor: float = Field(0.5, gt=0, le=1, description="factor at each stair; 0 < factor ≤ 1")
    every: int = Field(10, ge=1, description="epochs per stair; at least 1")


class Point(Section):
    """From `epoch` on, the learning rate is `learning_rate`."""

    epoch: int = Field(ge=0, description="first epoch of the new rate, counted from 0")
    learning_rate: float = Field(gt=0, description="α from that epoch on, greater than 0")


class Manual(Section):
    """α as written: α0 until the first point, then each point's rate from its epoch on."""

    name: Literal["manual"] = "manual"
    points: list[Point] = Field(min_length=1, description="rates by epoch, in rising order of epoch")

    @model_validator(mode="after")
    def _points_rise(self) -> "Manual":
        for before, after in pairwise(self.points):
            if after.epoch <= before.epoch:
                raise ValueError(
                    f"points are not in rising order: epoch {after.epoch} after {before.epoch}; sort them by epoch"
                )
        return self


Decay = Annotated[
    Constant | InverseTime | Exponential | Sqrt | Staircase | Manual,
    Field(discriminator="name"),
    Named(default="constant"),
]
