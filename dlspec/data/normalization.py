"""Normalisation of the inputs: fitted on the training split, the same numbers applied everywhere else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dlspec.data.blocks import BLOCK_VALUES, blocks
from dlspec.errors import DataError

Kind = Literal["standard", "scale", "none"]

_AT_ONCE = 2 * BLOCK_VALUES  # half as many take NumPy a fifth longer each


@dataclass(frozen=True, eq=False)
class Normalization:
    """x' = (x − μ)/σ per feature, and 0 where σ = 0.

    | kind     | μ             | σ                                        |
    |----------|---------------|------------------------------------------|
    | standard | mean of x     | √mean((x − μ)²), over m and not m − 1     |
    | scale    | 0             | 255, the largest value of a byte image   |
    | none     | 0             | 1                                        |

    Attributes:
        kind: row of the table.
        mean: μ `(n_x,)`, float64.
        std: σ `(n_x,)`, float64, at least 0.
    """

    kind: Kind
    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    @property
    def constant(self) -> NDArray[np.intp]:
        """Features with σ = 0: they told the model nothing in training and become 0 everywhere."""
        return np.flatnonzero(self.std == 0)

    def apply(self, x: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
        """Normalise `x (m, n_x)` of any numeric dtype, in float64 a block of rows at a time.

        Returns:
            A new C-contiguous `(m, n_x)` array of `dtype`; not finite where a result exceeds its range.
        """
        normalized = np.empty(x.shape, dtype=dtype)
        self.bind()(normalized, x)
        return normalized

    def bind(self) -> Callable[[NDArray[Any], NDArray[Any]], None]:
        """A function of `out` and `x`, both `(m, n_x)` and not the same, that writes the same into `out`.

        It keeps the memory that it computes in from one call to the next, so it is for one thread.
        """
        divisor, centres = np.where(self.std == 0, np.inf, self.std), bool(self.mean.any())
        room = np.empty((0, len(self.mean)))

        def apply_into(out: NDArray[Any], x: NDArray[Any]) -> None:
            nonlocal room
            with np.errstate(over="ignore", invalid="ignore"):
                for rows in blocks(*x.shape, values=_AT_ONCE):
                    size, to = rows.stop - rows.start, out[rows]
                    if len(room) < size and out.dtype != np.float64:
                        room = np.empty((size, len(self.mean)))
                    # Copied there and back, because it takes NumPy longer to convert in the midst of an operation.
                    values = to if out.dtype == np.float64 else room[:size]
                    np.copyto(values, x[rows])
                    if centres:
                        np.subtract(values, self.mean, out=values)
                    np.divide(values, divisor, out=values)
                    if values is not to:
                        np.copyto(to, values, casting="same_kind")

        return apply_into

    def state(self) -> dict[str, NDArray[np.float64]]:
        """μ and σ, for a checkpoint; `from_state` takes them back."""
        return {"mean": self.mean, "std": self.std}

    @classmethod
    def from_state(cls, kind: Kind, state: Mapping[str, NDArray[Any]]) -> "Normalization":
        """The normalisation of that kind whose `state` this is.

        Raises:
            DataError: arrays that no `state` can be.
        """
        mean, std = (np.asarray(state[key], dtype=np.float64) for key in ("mean", "std"))
        sound = mean.ndim == 1 and mean.shape == std.shape and bool((std >= 0).all())
        if not sound or not (np.isfinite(mean) & np.isfinite(std)).all():
            raise DataError("the saved normalisation is damaged; expected a finite mean and std per feature")
        return cls(kind=kind, mean=mean, std=std)


def fit(x: NDArray[Any], kind: Kind) -> Normalization:
    """μ and σ of the training inputs `x (m, n_x)`, in float64 and two passes, a block of rows at a time.

    Values beyond about 1e154 give an infinite σ.
    """
    m, n_x = x.shape
    if kind != "standard":
        return Normalization(kind=kind, mean=np.zeros(n_x), std=np.full(n_x, 255.0 if kind == "scale" else 1.0))
    mean, squares = np.zeros(n_x), np.zeros(n_x)
    constant = np.ones(n_x, dtype=bool)
    with np.errstate(over="ignore", invalid="ignore"):
        for rows in blocks(m, n_x):
            mean += x[rows].sum(axis=0, dtype=np.float64)
            constant &= (x[rows] == x[0]).all(axis=0)
        mean /= m
        # Rounding can leave the mean of equal values beside them, and a tiny σ that would blow up the feature.
        mean[constant] = x[0, constant]
        for rows in blocks(m, n_x):
            squares += np.square(x[rows] - mean).sum(axis=0)
    return Normalization(kind=kind, mean=mean, std=np.sqrt(squares / m))
