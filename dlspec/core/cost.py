"""The cost J = mean loss + penalties, and its gradient dθ."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dlspec.core.arrays import Array
from dlspec.core.losses import Loss
from dlspec.core.network import Network
from dlspec.core.parameters import Parameters
from dlspec.core.regularizers import Regularizer

LossAndGradient = Callable[[Array, npt.NDArray[Any]], float]


class Cost:
    """J(θ) = (1/m) Σ_i loss_i + Σ penalties, over a network and its parameters.

    Args:
        network: gives the logits.
        loss: from logits and targets.
        regularizers: penalties on the weights.
        parameters: θ and dθ of the network.
    """

    def __init__(self, *, network: Network, loss: Loss, regularizers: Sequence[Regularizer], parameters: Parameters):
        self.network = network
        self.loss = loss
        self.regularizers = tuple(regularizers)
        self.parameters = parameters
        self._W = parameters.theta[parameters.decayed]
        self._dW = parameters.grad[parameters.decayed]
        self._scratch = np.empty_like(self._W) if self.regularizers else self._W[:0]

    def penalty(self, m: int) -> float:
        """Sum of the penalties for a cost over m examples."""
        return sum(regularizer.penalty(self._W, m) for regularizer in self.regularizers)

    def bind(self, batch: int, *, rng: np.random.Generator | None = None) -> LossAndGradient:
        """Training step up to the gradient, for one batch size.

        Returns:
            A function of X (batch, n_x) and the targets Y that writes dθ = ∂J/∂θ and returns the mean
            loss, without the penalty. It allocates nothing.
        """
        plan = self.network.bind(self.parameters, batch=batch, training=True, rng=rng)
        (units,) = self.network.out_shape
        value_and_gradient = self.loss.bind(batch, units, self.parameters.theta.dtype)
        forward, backward = plan.forward, plan.backward

        def loss_and_gradient(X: Array, Y: npt.NDArray[Any]) -> float:
            loss, dZ = value_and_gradient(forward(X), Y)
            backward(dZ)
            for regularizer in self.regularizers:
                regularizer.add_gradient(self._W, self._dW, batch, self._scratch)
            return loss

        return loss_and_gradient
