"""`optimizer`: the rule that turns a gradient into a step, and its learning rate α."""

from typing import Annotated, Literal

from pydantic import Field

from dlspec.config.section import Named, Section


class Sgd(Section):
    """θ ← θ − α g."""

    name: Literal["sgd"] = "sgd"
    learning_rate: float = Field(0.1, gt=0, description="α, greater than 0")


class Momentum(Section):
    """v ← βv + (1 − β)g, θ ← θ − α v. PyTorch and Keras leave (1 − β) out: their α is ours times (1 − β)."""

    name: Literal["momentum"] = "momentum"
    learning_rate: float = Field(0.1, gt=0, description="α, greater than 0")
    beta: float = Field(0.9, ge=0, lt=1, description="decay of the average gradient; 0 ≤ beta < 1")


class RmsProp(Section):
    """s ← ρs + (1 − ρ)g², θ ← θ − α g / (√s + ε)."""

    name: Literal["rmsprop"] = "rmsprop"
    learning_rate: float = Field(1e-3, gt=0, description="α, greater than 0")
    rho: float = Field(0.9, ge=0, lt=1, description="decay of the average squared gradient; 0 ≤ rho < 1")
    epsilon: float = Field(1e-8, gt=0, description="keeps the division finite; greater than 0")


class Adam(Section):
    """Momentum and RMSprop together, both bias-corrected."""

    name: Literal["adam"] = "adam"
    learning_rate: float = Field(1e-3, gt=0, description="α, greater than 0")
    beta1: float = Field(0.9, ge=0, lt=1, description="decay of the average gradient; 0 ≤ beta1 < 1")
    beta2: float = Field(0.999, ge=0, lt=1, description="decay of the average squared gradient; 0 ≤ beta2 < 1")
    epsilon: float = Field(1e-8, gt=0, description="keeps the division finite; greater than 0")


Optimizer = Annotated[Sgd | Momentum | RmsProp | Adam, Field(discriminator="name"), Named(default="adam")]
