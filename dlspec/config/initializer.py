"""`initializer`: how the weights W start; biases start at 0."""

from typing import Annotated, Any, Literal

from pydantic import Field

from dlspec.config.section import Named, Section


class Zeros(Section):
    """W = 0: right for logistic regression; in a deep network all units of a layer stay identical."""

    name: Literal["zeros"] = "zeros"


class Constant(Section):
    """W = value: like zeros it keeps the units of a layer identical."""

    name: Literal["constant"] = "constant"
    value: float = Field(description="the value of every weight")


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


class Lecun(Section):
    """W ~ √(1 / n_in) · N(0, 1), the formula of xavier; for selu."""

    name: Literal["lecun"] = "lecun"
    gain: float = _gain()


class Glorot(Section):
    """W ~ √(2 / (n_in + n_out)) · N(0, 1)."""

    name: Literal["glorot"] = "glorot"
    gain: float = _gain()


class HeUniform(Section):
    """W ~ U(−b, b), b = √(6 / n_in): the variance of he."""

    name: Literal["he_uniform"] = "he_uniform"
    gain: float = _gain()


class XavierUniform(Section):
    """W ~ U(−b, b), b = √(3 / n_in): the variance of xavier."""

    name: Literal["xavier_uniform"] = "xavier_uniform"
    gain: float = _gain()


class LecunUniform(Section):
    """W ~ U(−b, b), b = √(3 / n_in): the variance of lecun."""

    name: Literal["lecun_uniform"] = "lecun_uniform"
    gain: float = _gain()


class GlorotUniform(Section):
    """W ~ U(−b, b), b = √(6 / (n_in + n_out)): the variance of glorot."""

    name: Literal["glorot_uniform"] = "glorot_uniform"
    gain: float = _gain()


class Orthogonal(Section):
    """W with orthonormal rows or columns, whichever are fewer."""

    name: Literal["orthogonal"] = "orthogonal"
    gain: float = _gain()


class FromFile(Section):
    """The start values of a file: any published starting point, or where an earlier run ended."""

    name: Literal["from_file"] = "from_file"
    path: str = Field(
        min_length=1,
        description="NPZ with the arrays W1 (n_out, n_in), b1 (n_out,), …, or a run directory or checkpoint, relative "
        "to the experiment file; biases, gamma and beta that it lacks start as usual",
    )


Initializer = Annotated[
    Zeros
    | Constant
    | Small
    | Large
    | He
    | Xavier
    | Lecun
    | Glorot
    | HeUniform
    | XavierUniform
    | LecunUniform
    | GlorotUniform
    | Orthogonal
    | FromFile,
    Field(discriminator="name"),
    Named(default="he"),
]
