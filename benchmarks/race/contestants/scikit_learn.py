"""scikit-learn's MLPClassifier; the time of more epochs minus that of fewer."""

import time
import warnings
from collections.abc import Callable

from sklearn.neural_network import MLPClassifier

from benchmarks.race.workloads import OutOfRaceError, Workload, data_of


def prepare(workload: Workload, *, threads: int) -> Callable[[int], list[float]]:  # noqa: ARG001 - by the environment
    """An estimator per call."""
    if workload.batch_norm:
        raise OutOfRaceError("scikit-learn has no dropout and no batch normalisation")
    X, Y = data_of(workload)
    warnings.simplefilter("ignore")

    def seconds(epochs: int) -> float:
        model = MLPClassifier(
            workload.widths[1:-1],
            solver="adam" if workload.optimizer == "adam" else "sgd",
            momentum=0.0,
            batch_size=workload.batch,
            max_iter=epochs,
            tol=0.0,
            n_iter_no_change=10**6,
            alpha=0.0,
            random_state=1,
        )
        begin = time.perf_counter()
        model.fit(X, Y)
        return time.perf_counter() - begin

    def run(steps: int) -> list[float]:
        epochs = max(3, round(steps / workload.steps_per_epoch))
        few, many = seconds(1), seconds(1 + epochs)
        return [(many - few) / (epochs * workload.steps_per_epoch)]

    return run
