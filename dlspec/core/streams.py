"""Two streams: half of every mini-batch, and half of every update, in a second thread.

NumPy lets go of the interpreter within its products and long passes, so the halves run side by side, each product in
one thread of the linear algebra. That beats two threads within each product where products are many and middle-sized:
each of these would have to be divided and joined, and nothing but them is divided. Source: data parallelism, the
gradients of the halves summed. What comes out is the cost of the whole mini-batch up to rounding, and the same bits
every time: nothing depends on which half is done first.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from dlspec.core.arrays import Array, zeros_like
from dlspec.core.cost import Cost, LossAndGradient, Penalty
from dlspec.core.losses import Loss
from dlspec.core.network import Network
from dlspec.core.optimizers import BoundOptimizer, Optimizer, Zeros
from dlspec.core.parameters import Parameters

_ALIGNED = 16  # the second half of θ begins at a multiple of 64 bytes from the first


class Second:
    """A second thread. It ends with the object."""

    def __init__(self) -> None:
        # NumPy's warnings are the caller's to silence, and the setting that silences them belongs to one thread.
        self._pool = ThreadPoolExecutor(
            1, thread_name_prefix="second-stream", initializer=np.seterr, initargs=("ignore",)
        )

    def beside(self, mine: Callable[[], Any], its: Callable[[], Any]) -> tuple[Any, Any]:
        """Call one function here and the other one there, at the same time; their results."""
        other = self._pool.submit(its)
        return mine(), other.result()


class TwoStreamCost(Cost):
    """A cost whose gradient over a mini-batch is computed in two streams.

    Args:
        network: gives the logits; without dropout, whose masks two threads would draw in any order, and without batch
            normalisation, whose mean is over the whole mini-batch.
        loss: from logits and targets.
        penalties: on the weights.
        parameters: θ and dθ of the network.

    Raises:
        ValueError: batch normalisation.
    """

    def __init__(self, *, network: Network, loss: Loss, penalties: Sequence[Penalty], parameters: Parameters):
        super().__init__(network=network, loss=loss, penalties=penalties, parameters=parameters)
        if any(spec.kind == "statistic" for spec in parameters.specs):
            raise ValueError("batch normalisation needs the whole mini-batch; use one stream")
        self._second, self._others = Second(), parameters.with_own_gradient()

    def bind(self, batch: int, *, rng: np.random.Generator | None = None) -> LossAndGradient:
        """As of one stream; a mini-batch of one example has only that."""
        if batch < 2:
            return super().bind(batch, rng=rng)
        half = batch - batch // 2
        of_first = self._bind_part(half, of=batch, parameters=self.parameters)
        of_second = self._bind_part(batch - half, of=batch, parameters=self._others)
        grad, others, beside = self.parameters.grad, self._others.grad, self._second.beside
        add_penalties = self._bind_penalties(batch)

        def loss_and_gradient(X: Array, Y: npt.NDArray[Any], w: Array | None = None) -> float:
            w_first, w_second = (None, None) if w is None else (w[:half], w[half:])
            first, second = beside(
                lambda: of_first(X[:half], Y[:half], w_first), lambda: of_second(X[half:], Y[half:], w_second)
            )
            np.add(grad, others, grad)
            add_penalties()
            return float(first + second)

        return loss_and_gradient


class InHalves:
    """An optimiser that steps on both halves of θ at the same time; the same bits as on all of it.

    Args:
        optimizer: its step on one parameter depends on no other, as of all in `OPTIMIZERS`.
    """

    def __init__(self, optimizer: Optimizer):
        self.optimizer = optimizer
        self._second = Second()

    def bind(self, theta: Array, grad: Array, *, decayed: slice, zeros: Zeros = zeros_like) -> BoundOptimizer:
        """Allocate the averages once, and bind to both halves."""
        middle = theta.size // 2 // _ALIGNED * _ALIGNED
        start, stop, _ = decayed.indices(theta.size)
        averages: list[Array] = []

        def of_first(_: Array) -> Array:
            averages.append(zeros(theta))
            return averages[-1][:middle]

        first = self.optimizer.bind(
            theta[:middle], grad[:middle], decayed=slice(min(start, middle), min(stop, middle)), zeros=of_first
        )
        rest: Iterator[Array] = iter(averages)
        second = self.optimizer.bind(
            theta[middle:],
            grad[middle:],
            decayed=slice(max(start - middle, 0), max(stop - middle, 0)),
            zeros=lambda _: next(rest)[middle:],
        )
        beside = self._second.beside

        def step(learning_rate: float, t: int) -> None:
            beside(lambda: first.step(learning_rate, t), lambda: second.step(learning_rate, t))

        return BoundOptimizer(step, dict(zip(first.state, averages, strict=True)))
