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
    nesterov: bool = Field(False, description="step along βv + (1 − β)g, a look ahead, instead of v")
    bias_correction: bool = Field(
        False, description="divide v by 1 − βᵗ (with nesterov by 1 − βᵗ⁺¹), so that the first steps are not small"
    )


class Adagrad(Section):
    """s ← s + g², θ ← θ − α g / (√s + ε)."""

    name: Literal["adagrad"] = "adagrad"
    learning_rate: float = Field(0.01, gt=0, description="α, greater than 0")
    epsilon: float = Field(1e-8, gt=0, description="keeps the division finite; greater than 0")


class RmsProp(Section):
    """s ← ρs + (1 − ρ)g², θ ← θ − α g / (√s + ε)."""

    name: Literal["rmsprop"] = "rmsprop"
    learning_rate: float = Field(1e-3, gt=0, description="α, greater than 0")
    rho: float = Field(0.9, ge=0, lt=1, description="decay of the average squared gradient; 0 ≤ rho < 1")
    epsilon: float = Field(1e-8, gt=0, description="keeps the division finite; greater than 0")


class Adadelta(Section):
    """s ← ρs + (1 − ρ)g², u = g √(d + ε) / √(s + ε), d ← ρd + (1 − ρ)u², θ ← θ − α u."""

    name: Literal["adadelta"] = "adadelta"
    learning_rate: float = Field(1.0, gt=0, description="α, greater than 0; the paper has none, which is 1")
    rho: float = Field(0.95, ge=0, lt=1, description="decay of the average squared gradient and step; 0 ≤ rho < 1")
    epsilon: float = Field(1e-6, gt=0, description="sets the size of the first steps; greater than 0")


class Adam(Section):
    """Momentum and RMSprop together, both bias-corrected."""

    name: Literal["adam"] = "adam"
    learning_rate: float = Field(1e-3, gt=0, description="α, greater than 0")
    beta1: float = Field(0.9, ge=0, lt=1, description="decay of the average gradient; 0 ≤ beta1 < 1")
    beta2: float = Field(0.999, ge=0, lt=1, description="decay of the average squared gradient; 0 ≤ beta2 < 1")
    epsilon: float = Field(1e-8, gt=0, description="keeps the division finite; greater than 0")
    amsgrad: bool = Field(False, description="divide by the root of the largest average squared gradient so far")


class AdamW(Section):
    """Adam, then θ_W ← θ_W − α · weight_decay · θ_W for the weights, not for biases."""

    name: Literal["adamw"] = "adamw"
    learning_rate: float = Field(1e-3, gt=0, description="α, greater than 0")
    beta1: float = Field(0.9, ge=0, lt=1, description="decay of the average gradient; 0 ≤ beta1 < 1")
    beta2: float = Field(0.999, ge=0, lt=1, description="decay of the average squared gradient; 0 ≤ beta2 < 1")
    epsilon: float = Field(1e-8, gt=0, description="keeps the division finite; greater than 0")
    weight_decay: float = Field(
        0.01, ge=0, description="each step takes α · weight_decay of itself from a weight; at least 0"
    )


class Nadam(Section):
    """Adam with Nesterov's look ahead, β1 the same at every step."""

    name: Literal["nadam"] = "nadam"
    learning_rate: float = Field(1e-3, gt=0, description="α, greater than 0")
    beta1: float = Field(0.9, ge=0, lt=1, description="decay of the average gradient; 0 ≤ beta1 < 1")
    beta2: float = Field(0.999, ge=0, lt=1, description="decay of the average squared gradient; 0 ≤ beta2 < 1")
    epsilon: float = Field(1e-8, gt=0, description="keeps the division finite; greater than 0")


Optimizer = Annotated[
    Sgd | Momentum | Adagrad | RmsProp | Adadelta | Adam | AdamW | Nadam,
    Field(discriminator="name"),
    Named(default="adam"),
]
