"""Parts with a slip in their backward pass; the forward pass stays as it is, so the numeric gradient is right."""

# ruff: noqa: ARG002 - signatures of the families

import numpy as np

from dlspec.core.activations import Bound
from dlspec.core.cost import Cost


def _as(part, kind):
    """The same part, as an instance of a subclass."""
    copy = object.__new__(kind)
    copy.__dict__.update(part.__dict__)
    return copy


def layer(part, backward):
    """A layer whose backward is `backward(right, to, A_prev, out, d_out)`.

    `right` is the true one, `to` what the layer is bound to, `A_prev` and `out` are copies of what went in and out.
    """

    class Faulty(type(part)):
        def bind(self, to):
            right, seen = super().bind(to), []

            def forward(A):
                before = A.copy()
                out = right.forward(A)
                seen[:] = before, out.copy()
                return out

            return Bound(forward, lambda d_out: backward(right.backward, to, *seen, d_out))

    return _as(part, Faulty)


def activation(part, derivative):
    """An activation with another derivative, `derivative(Z, A, dA)`."""

    class Faulty(type(part)):
        def bind(self, shape, dtype):
            right, seen = super().bind(shape, dtype), []

            def forward(Z):
                before = Z.copy()
                A = right.forward(Z)
                seen[:] = before, A.copy()
                return A

            return Bound(forward, lambda dA: dA * derivative(*seen, dA))

    return _as(part, Faulty)


def loss(part, gradient):
    """A loss with another gradient, `gradient(Z, Y, dZ)` of the right one."""

    class Faulty(type(part)):
        def bind(self, batch, units, dtype):
            right = super().bind(batch, units, dtype)

            def losses_and_gradient(Z, Y):
                logits = Z.copy()
                losses, dZ = right(Z, Y)
                return losses, np.array(gradient(logits, Y, dZ), dtype)

            return losses_and_gradient

    return _as(part, Faulty)


def regularizer(part, gradient):
    """A penalty with another gradient, `gradient(W, m)`."""

    class Faulty(type(part)):
        def add_gradient(self, W, dW, m, scratch):
            dW += gradient(W, m)

    return _as(part, Faulty)


def cost(step):
    """A class of costs; after its true backward pass `step(cost, right, X, Y, w)` runs, which must call `right`."""

    class Faulty(Cost):
        def bind(self, batch, *, rng=None):
            right = super().bind(batch, rng=rng)
            return lambda X, Y, w=None: step(self, right, X, Y, w)

    return Faulty
