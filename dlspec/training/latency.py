"""How long a prediction takes."""

import statistics
import time
from collections.abc import Callable

from dlspec.core.arrays import Array
from dlspec.training.evaluation import Model

PREDICTIONS = 50


def predict_ms(model: Model, X: Array, *, clock: Callable[[], float] = time.perf_counter) -> float:
    """Milliseconds from one example to its logits: the median of 50 predictions after the first, which is not counted.

    Args:
        model: a network, or an ensemble.
        X: inputs `(m, n_x)`, already normalised; they take turns.
        clock: seconds.
    """
    forward = model.forward(1)
    forward(X[:1])
    seconds = []
    for number in range(PREDICTIONS):
        row = number % len(X)
        start = clock()
        forward(X[row : row + 1])
        seconds.append(clock() - start)
    return 1000 * statistics.median(seconds)
