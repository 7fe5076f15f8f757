"""`architecture.output.loss`: what a wrong output costs, per example."""

from typing import Annotated, Literal

from pydantic import Field

from dlspec.config.section import Named, Section


class Auto(Section):
    """The loss that belongs to the output activation, with its default settings."""

    name: Literal["auto"] = "auto"


class SquaredError(Section):
    """½ Σ (ŷ − y)², after a linear output."""

    name: Literal["squared_error"] = "squared_error"


class AbsoluteError(Section):
    """Σ |ŷ − y|, after a linear output; less moved by outliers."""

    name: Literal["absolute_error"] = "absolute_error"


class Huber(Section):
    """½ e² for errors up to δ, δ(|e| − ½δ) beyond, after a linear output."""

    name: Literal["huber"] = "huber"
    delta: float = Field(1.0, gt=0, description="δ, in the unit of the target; greater than 0")


def _smoothing() -> float:
    smoothing: float = Field(
        0.0, ge=0, lt=1, description="s: in training a label becomes (1 − s) of itself and s of all classes"
    )
    return smoothing


class BinaryCrossEntropy(Section):
    """−y log ŷ − (1 − y) log(1 − ŷ), after one sigmoid output."""

    name: Literal["binary_cross_entropy"] = "binary_cross_entropy"
    label_smoothing: float = _smoothing()


class CategoricalCrossEntropy(Section):
    """−log ŷ of the true class, after a softmax output."""

    name: Literal["categorical_cross_entropy"] = "categorical_cross_entropy"
    label_smoothing: float = _smoothing()


class MultiTaskCrossEntropy(Section):
    """Sum of the binary cross-entropies of several labels, missing ones left out, after sigmoid outputs."""

    name: Literal["multi_task_cross_entropy"] = "multi_task_cross_entropy"
    label_smoothing: float = _smoothing()


Loss = Annotated[
    Auto | SquaredError | AbsoluteError | Huber | BinaryCrossEntropy | CategoricalCrossEntropy | MultiTaskCrossEntropy,
    Field(discriminator="name"),
    Named(default="auto"),
]
