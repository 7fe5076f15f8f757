"""What a run shows beside its errors: each finding a number, the threshold it is beyond, and where."""

from dataclasses import dataclass
from typing import Literal

FindingName = Literal[
    "symmetric units",
    "vanishing signal",
    "exploding signal",
    "vanishing gradient",
    "exploding gradient",
    "dead units",
    "saturated units",
    "inputs off scale",
    "steps too small",
    "steps too large",
    "loss spikes",
    "rising cost",
    "oscillating cost",
    "cost still falling",
    "diverging curves",
]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be.

    Attributes:
        name: what it is.
        layer: where, from 1; None for the whole network.
        epoch: when, or from when on; None for the whole run.
        value: the number that tells it.
        threshold: of that number; beyond it is a finding.
        message: one sentence, with number and place.
    """

    name: FindingName
    layer: int | None
    epoch: int | None
    value: float
    threshold: float
    message: str
