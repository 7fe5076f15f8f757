"""Several trained networks as one: their outputs are averaged."""

from collections.abc import Sequence

import numpy as np

from dlspec.core.arrays import Array
from dlspec.core.cost import Cost, Forward


class Ensemble:
    """Ŷ = (1/K) Σ_k Ŷ_k over K networks, measured like one network.

    The mean is turned back into logits, so that loss and metrics are computed by the same code as for a single
    network. An ensemble has no penalty: its cost is its loss.

    Args:
        members: at least one; all with the same outputs.
    """

    def __init__(self, members: Sequence[Cost]):
        self.members = tuple(members)
        self.units = members[0].units
        self.dtype = members[0].dtype

    def forward(self, batch: int) -> Forward:
        """A function from X (batch, n_x) to the logits of the averaged outputs Z (batch, units)."""
        loss = self.members[0].loss
        forwards = [member.forward(batch) for member in self.members]

        def forward(X: Array) -> Array:
            mean: Array = np.mean([loss.predict(member(X)) for member in forwards], axis=0)
            return loss.logits(mean)

        return forward

    def penalty(self, m: int) -> float:  # noqa: ARG002 - the signature of a model
        """0."""
        return 0.0
