"""`architecture`: the layers of the network, their activations, and the loss at its end."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from dlspec.config.loss import Auto, Loss
from dlspec.config.section import Named, Section


class Linear(Section):
    """g(z) = z."""

    name: Literal["linear"] = "linear"


class Sigmoid(Section):
    """g(z) = 1 / (1 + e⁻ᶻ)."""

    name: Literal["sigmoid"] = "sigmoid"


class Tanh(Section):
    """g(z) = tanh z."""

    name: Literal["tanh"] = "tanh"


class Relu(Section):
    """g(z) = max(z, 0)."""

    name: Literal["relu"] = "relu"


class LeakyRelu(Section):
    """g(z) = z for z > 0, slope·z otherwise."""

    name: Literal["leaky_relu"] = "leaky_relu"
    slope: float = Field(0.01, ge=0, lt=1, description="slope for negative z; 0 ≤ slope < 1")


class HardTanh(Section):
    """g(z) = z cut to [−1, 1]."""

    name: Literal["hard_tanh"] = "hard_tanh"


class Elu(Section):
    """g(z) = z for z > 0, α(eᶻ − 1) otherwise."""

    name: Literal["elu"] = "elu"
    alpha: float = Field(1.0, gt=0, description="α, the limit for negative z is −α; greater than 0")


class Selu(Section):
    """g(z) = 1.0507·z for z > 0, 1.7581·(eᶻ − 1) otherwise: keeps mean 0 and variance 1 from lecun on."""

    name: Literal["selu"] = "selu"


class Softplus(Section):
    """g(z) = log(1 + eᶻ), a smooth relu."""

    name: Literal["softplus"] = "softplus"


class Silu(Section):
    """g(z) = z / (1 + e⁻ᶻ), also named swish."""

    name: Literal["silu"] = "silu"


class Gelu(Section):
    """g(z) = z Φ(z), with Φ of the normal distribution N(0, 1)."""

    name: Literal["gelu"] = "gelu"
    form: Literal["exact", "tanh"] = Field(
        "exact", description="tanh: Φ by an approximation with tanh, faster and within 5e-4"
    )


Activation = Annotated[
    Linear | Sigmoid | Tanh | Relu | LeakyRelu | HardTanh | Elu | Selu | Softplus | Silu | Gelu,
    Field(discriminator="name"),
    Named(default="relu"),
]

# Which loss may follow which output activation; the first is what `auto` picks.
OutputActivation = Literal["linear", "sigmoid", "softmax"]
LOSSES_AFTER: dict[OutputActivation, tuple[str, ...]] = {
    "sigmoid": ("binary_cross_entropy", "multi_task_cross_entropy"),
    "softmax": ("categorical_cross_entropy",),
    "linear": ("squared_error", "absolute_error", "huber"),
}


class BatchNorm(Section):
    """ẑ = (z − μ)/√(σ² + ε), z̃ = γ ẑ + β, per unit over the mini-batch (1502.03167)."""

    position: Literal["before", "after"] = Field(
        "before", description="before the activation, where it replaces b, or after it"
    )
    momentum: float = Field(
        0.9, ge=0, lt=1, description="decay of the running averages that evaluation uses; 0 ≤ momentum < 1"
    )
    epsilon: float = Field(1e-5, gt=0, description="keeps the division finite; greater than 0")


def _own_strength(name: str) -> float | None:
    strength: float | None = Field(
        None, ge=0, description=f"{name} of this layer's weights; unset means regularization.{name}"
    )
    return strength


class HiddenLayer(Section):
    """One fully connected layer: A = g(A_prev Wᵀ + b), then dropout."""

    units: int = Field(ge=1, le=1_000_000, description="number of units of the layer; 1 to 1,000,000")
    activation: Activation = Field(Relu(), description="activation function g of the layer")
    keep_prob: float | None = Field(
        None,
        gt=0,
        le=1,
        description="inverted dropout: probability to keep a unit, 0 < keep_prob ≤ 1; "
        "unset means regularization.keep_prob",
    )
    batch_norm: bool | BatchNorm = Field(False, description="batch normalization; true means its defaults")
    l2: float | None = _own_strength("l2")
    l1: float | None = _own_strength("l1")


class OutputLayer(Section):
    """The last layer. Everything left at `auto` follows from the task of the data."""

    units: Annotated[int, Field(gt=0)] | Literal["auto"] = Field(
        "auto",
        description="number of outputs; auto: 1 for two classes, C for C classes, else the target's columns",
    )
    activation: OutputActivation | Literal["auto"] = Field(
        "auto", description="auto: sigmoid for two classes and for labels, softmax for more, linear for regression"
    )
    loss: Loss = Field(Auto(), description="auto: the loss that belongs to the output activation")
    l2: float | None = _own_strength("l2")
    l1: float | None = _own_strength("l1")

    @model_validator(mode="after")
    def _loss_fits_activation(self) -> "OutputLayer":
        if self.activation != "auto" and self.loss.name not in ("auto", *LOSSES_AFTER[self.activation]):
            allowed = " or ".join(LOSSES_AFTER[self.activation])
            raise ValueError(
                f"loss {self.loss.name} does not fit the output activation {self.activation}; expected {allowed}, "
                "or leave loss at auto"
            )
        return self


class Architecture(Section):
    """Hidden layers from the input to the output; no hidden layer is logistic or linear regression."""

    layers: list[HiddenLayer] = Field(
        [], description="hidden layers in order; an empty list is logistic or linear regression"
    )
    output: OutputLayer = Field(OutputLayer(), description="the output layer")
