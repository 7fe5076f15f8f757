"""Learning rates to take in the place of one that is too small or too large.

How far is the default of the optimizer a yardstick: networks with normalised inputs learn within a factor of 10 of it.
"""

import math

from dlspec.config.experiment import Experiment

MOST = 10.0  # times the default
TRAVEL = 10.0
"""∑ ‖ΔW‖/‖W‖ to aim at. Of healthy runs it is 2.5 to 30, in benchmarks/diagnosis."""


def slower(experiment: Experiment, factor: float = 10.0) -> tuple[str, ...]:
    """Overrides that divide the learning rate, and bring it back to where networks learn."""
    return _take(experiment, min(experiment.optimizer.learning_rate / factor, MOST * default_of(experiment)))


def faster(experiment: Experiment, moved: float) -> tuple[str, ...]:
    """Overrides that raise the learning rate by a power of 10; none where it is as large as it should get.

    Args:
        experiment: of the run.
        moved: ∑ ‖ΔW‖/‖W‖ of all its steps.
    """
    rate, default = experiment.optimizer.learning_rate, default_of(experiment)
    factor = 10.0 ** min(4, max(1, math.ceil(math.log10(TRAVEL / max(moved, 1e-9)))))
    raised = max(default, min(rate * factor, MOST * default))
    return _take(experiment, raised) if raised > rate else ()


def default_of(experiment: Experiment) -> float:
    """The learning rate that its optimizer has where none is given."""
    return float(type(experiment.optimizer).model_fields["learning_rate"].default)


def _take(experiment: Experiment, rate: float) -> tuple[str, ...]:
    """Rates written by hand give way to a constant one."""
    change = f"optimizer.learning_rate={rate:.3g}"
    return (change, "decay=constant") if experiment.decay.name == "manual" else (change,)
