"""What a trained run says of each example of a split, where `measurement` says how good it is on all of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec import builder
from dlspec.core.arrays import Array
from dlspec.data.dataset import Examples
from dlspec.data.labels import Task
from dlspec.errors import UsageError
from dlspec.measurement import TrainedRun
from dlspec.run.environment import numerics
from dlspec.training.evaluation import BATCH


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Outputs of a model, example by example.

    Attributes:
        task: what was learnt.
        examples: of the split.
        logits: Z `(m, units)`, which decide.
        outputs: Ŷ `(m, units)` float64: the probability of the second class, of each class, or of each label; or the
            predicted numbers.
        losses: `(m,)` float64, of each example, without label smoothing.
        variance: of the training targets of a regression, the unit of its error; 1 for the other tasks.
    """

    task: Task
    examples: Examples
    logits: Array
    outputs: Array
    losses: Array
    variance: float

    @property
    def predicted(self) -> NDArray[Any]:
        """Classes `(m,)`, labels 0 or 1 `(m, k)`, or numbers `(m, k)`."""
        if self.task == "regression":
            return self.outputs
        if self.task == "multi_task":
            return (self.logits > 0).astype(np.int64)  # σ(z) > ½
        Z = self.logits
        return (Z[:, 0] > 0).astype(np.intp) if Z.shape[1] == 1 else Z.argmax(axis=1)

    @property
    def mistakes(self) -> NDArray[np.float64]:
        """What each decision adds to the error: 1 where it is wrong, of a regression the squared error in its unit.

        `(m, 1)` for classes; `(m, k)` with NaN for a missing label, and `(m, k)` for a regression.
        """
        Y = self.examples.Y
        if self.task == "regression":
            squared: NDArray[np.float64] = (self.outputs - Y) ** 2 / self.variance
            return squared
        if self.task == "multi_task":
            return np.where(np.isnan(Y), np.nan, self.predicted != Y)
        wrong: NDArray[np.float64] = (self.predicted != Y).astype(np.float64)
        return wrong[:, np.newaxis]


def predict(trained: TrainedRun, *, split: str) -> Predictions:
    """Run the model over a split.

    Raises:
        UsageError: no such split.
    """
    dataset, experiment = trained.dataset, trained.experiment
    if split not in dataset.splits:
        raise UsageError(f"{trained.run}: has no {split} split; expected one of: {', '.join(dataset.splits)}")
    examples, cost = dataset.in_memory(split), trained.cost
    loss = builder.build_evaluator(experiment, cost, dataset).loss  # without label smoothing
    m = len(examples.X)
    logits, outputs, losses = np.empty((m, cost.units), cost.dtype), np.empty((m, cost.units)), np.empty(m)
    with numerics(experiment.threads_per_product):
        for start in range(0, m, BATCH):
            rows = slice(start, min(start + BATCH, m))
            size = rows.stop - start
            Z = cost.forward(size)(examples.X[rows])
            logits[rows] = Z
            outputs[rows] = loss.predict(Z)
            losses[rows] = loss.bind(size, cost.units, cost.dtype)(Z, examples.Y[rows])[0]
    targets = dataset.in_memory("train").Y
    regression = dataset.task == "regression"
    variance = float(targets.var(axis=0, dtype=np.float64).mean()) or 1.0 if regression else 1.0
    return Predictions(dataset.task, examples, logits, outputs, losses, variance)
