"""`architecture`: the layers of the network, their activations, and the loss at its end."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

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


Activation = Annotated[Linear | Sigmoid | Tanh | Relu | LeakyRelu, Field(discriminator="name"), Named(default="relu")]

# Which loss may follow which output activation; the first is what `auto` picks.
OutputActivation = Literal["linear", "sigmoid", "softmax"]
LOSSES_AFTER: dict[OutputActivation, tuple[str, ...]] = {
    "sigmoid": ("binary_cross_entropy",),
    "softmax": ("categorical_cross_entropy",),
    "linear": ("squared_error",),
}


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


class OutputLayer(Section):
    """The last layer. Everything left at `auto` follows from the task of the data."""

    units: Annotated[int, Field(gt=0)] | Literal["auto"] = Field(
        "auto",
        description="number of outputs; auto: 1 for two classes, C for C classes, the target's columns",
    )
    activation: OutputActivation | Literal["auto"] = Field(
        "auto", description="auto: sigmoid for two classes, softmax for more, linear for regression"
    )
    loss: Literal["auto", "binary_cross_entropy", "categorical_cross_entropy", "squared_error"] = Field(
        "auto", description="auto: the loss that belongs to the output activation"
    )

    @model_validator(mode="after")
    def _loss_fits_activation(self) -> "OutputLayer":
        if self.activation != "auto" and self.loss not in ("auto", *LOSSES_AFTER[self.activation]):
            allowed = " or ".join(LOSSES_AFTER[self.activation])
            raise ValueError(
                f"loss {self.loss} does not fit the output activation {self.activation}; expected {allowed}, "
                "or leave loss at auto"
            )
        return self


class Architecture(Section):
    """Hidden layers from the input to the output; no hidden layer is logistic or linear regression."""

    layers: list[HiddenLayer] = Field(
        [], description="hidden layers in order; an empty list is logistic or linear regression"
    )
    output: OutputLayer = Field(OutputLayer(), description="the output layer")
