"""`initializer`: how the weights W start; biases start at 0."""

from typing import Annotated, Any, Literal

from pydantic import Field

from dlspec.config.section import Named, Section


class Zeros(Section):
    """W = 0: right for logistic regression; in a deep network all units of a layer stay identical."""

    name: Literal["zeros"] = "zeros"


def _gain() -> Any:
    return Field(1.0, gt=0, description="multiplies the factor; greater than 0")


class Small(Section):
    """W ~ 0.01 · N(0, 1)."""

    name: Literal["small"] = "small"
    gain: float = _gain()


class Large(Section):
    """W ~ 10 · N(0, 1), to see signals explode."""

    name: Literal["large"] = "large"
    gain: float = _gain()


class He(Section):
    """W ~ √(2 / n_in) · N(0, 1), for relu."""

    name: Literal["he"] = "he"
    gain: float = _gain()


class Xavier(Section):
    """W ~ √(1 / n_in) · N(0, 1), for tanh."""

    name: Literal["xavier"] = "xavier"
    gain: float = _gain()


class Glorot(Section):
    """W ~ √(2 / (n_in + n_out)) · N(0, 1)."""

    name: Literal["glorot"] = "glorot"
    gain: float = _gain()


Initializer = Annotated[Zeros | Small | Large | He | Xavier | Glorot, Field(discriminator="name"), Named(default="he")]
