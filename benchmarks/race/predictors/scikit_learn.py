"""scikit-learn's MLPClassifier: predict_proba."""

import warnings
from collections.abc import Callable

import numpy as np
from sklearn.neural_network import MLPClassifier

from benchmarks.race.predictors import examples_of, repeated
from benchmarks.race.workloads import Workload


def prepare(workload: Workload, *, threads: int) -> Callable[[int], list[float]]:  # noqa: ARG001 - by the environment
    """Fitted for one epoch on noise of every class."""
    warnings.simplefilter("ignore")
    X, classes = examples_of(workload), workload.widths[-1]
    noise = np.random.default_rng(1).standard_normal((20 * classes, workload.widths[0]), dtype=np.float32)
    model = MLPClassifier(workload.widths[1:-1], max_iter=1).fit(noise, np.arange(len(noise)) % classes)
    return repeated(lambda: model.predict_proba(X), workload)
