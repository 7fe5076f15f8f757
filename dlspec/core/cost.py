"""The cost J = mean loss + penalties, and its gradient dθ."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from dlspec.core.arrays import Array, blocks_of, scalar
from dlspec.core.losses import Loss
from dlspec.core.network import Network
from dlspec.core.parameters import Parameters
from dlspec.core.regularizers import Regularizer

Forward = Callable[[Array], Array]
LossAndGradient = Callable[[Array, npt.NDArray[Any], Array | None], float]


class Penalty(NamedTuple):
    """A regularizer and the part of θ it applies to: all weights, or those of some layers."""

    regularizer: Regularizer
    where: slice


class Cost:
    """J(θ) = (1/m) Σ_i w_i loss_i + Σ penalties, over a network and its parameters.

    Args:
        network: gives the logits.
        loss: from logits and targets.
        penalties: on the weights.
        parameters: θ and dθ of the network.
    """

    def __init__(self, *, network: Network, loss: Loss, penalties: Sequence[Penalty], parameters: Parameters):
        self.network = network
        self.loss = loss
        self.penalties = tuple(penalties)
        self.parameters = parameters
        (self.units,) = network.out_shape
        self.dtype = parameters.theta.dtype

    def penalty(self, m: int) -> float:
        """Sum of the penalties for a cost over m examples."""
        return sum(regularizer.penalty(self.parameters.theta[where], m) for regularizer, where in self.penalties)

    def forward(self, batch: int) -> Forward:
        """A function from X (batch, n_x) to the logits of evaluation Z (batch, units), valid until its next call."""
        return self.network.bind(self.parameters, batch=batch, training=False).forward

    def bind(self, batch: int, *, rng: np.random.Generator | None = None) -> LossAndGradient:
        """Training step up to the gradient, for one batch size.

        Returns:
            A function of X (batch, n_x), the targets Y and the weights w (batch,) of the examples, None for
            1, that writes dθ = ∂J/∂θ and returns the mean loss, without the penalty. It allocates nothing.
        """
        loss_and_gradient = self._bind_part(batch, of=batch, parameters=self.parameters, rng=rng)
        if not self.penalties:
            return loss_and_gradient
        add_penalties = self._bind_penalties(batch)

        def with_penalties(X: Array, Y: npt.NDArray[Any], w: Array | None = None) -> float:
            loss = loss_and_gradient(X, Y, w)
            add_penalties()
            return loss

        return with_penalties

    def _bind_part(
        self, batch: int, *, of: int, parameters: Parameters, rng: np.random.Generator | None = None
    ) -> LossAndGradient:
        """The share that `batch` examples have in the mean loss over `of`, and in its gradient; no penalties."""
        plan = self.network.bind(parameters, batch=batch, training=True, rng=rng)
        losses_and_gradient = self.loss.bind(batch, self.units, self.dtype)
        forward, backward = plan.forward, plan.backward
        mean, part = np.full(batch, 1.0 / of, self.dtype).dot, None if batch == of else scalar(batch / of, self.dtype)

        def loss_and_gradient(X: Array, Y: npt.NDArray[Any], w: Array | None = None) -> float:
            losses, dZ = losses_and_gradient(forward(X), Y)
            if part is not None:
                np.multiply(dZ, part, dZ)
            if w is not None:
                np.multiply(losses, w, out=losses)
                np.multiply(dZ, w[:, np.newaxis], out=dZ)
            backward(dZ)
            return float(mean(losses))

        return loss_and_gradient

    def _bind_penalties(self, m: int) -> Callable[[], None]:
        """Add the gradients of the penalties of a cost over m examples to dθ."""
        theta, grad = self.parameters.theta, self.parameters.grad
        blocks = [
            (regularizer, W, dW, scratch)
            for regularizer, where in self.penalties
            for W, dW, scratch in blocks_of(theta[where], grad[where])
        ]

        def add_penalties() -> None:
            for regularizer, W, dW, scratch in blocks:
                regularizer.add_gradient(W, dW, m, scratch)

        return add_penalties
