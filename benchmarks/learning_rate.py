"""How good is what `dlspec lr-find` suggests? The bundled experiments, trained with a grid of learning rates.

    python -m benchmarks.learning_rate

The table of docs/guides/looking-closer.md; both rules for reading a range test are in it.
"""

import math
from pathlib import Path

import numpy as np

from dlspec import builder, lr_find, preparation
from dlspec.config import loader
from dlspec.preparation import Prepared
from dlspec.run.environment import numerics
from dlspec.session import build_trainer

CONFIGS = Path(__file__).parents[1] / "configs"
PLAIN = ("decay=constant", "training.early_stopping=null")
BATCH_NORM = "architecture.layers=[{units: 64, batch_norm: true}, {units: 64, batch_norm: true}]"
EXPERIMENTS = {
    "digits, adam": ("digits.yaml", "training.epochs=10"),
    "digits, sgd": ("digits.yaml", "training.epochs=10", "optimizer=sgd", "regularization={}"),
    "digits, batch norm": ("digits.yaml", "training.epochs=10", BATCH_NORM, "regularization={}"),
    "iris, adam": ("iris.yaml", "training.epochs=40"),
    "breast cancer": ("breast_cancer.yaml", "training.epochs=20"),
    "diabetes, adam": ("diabetes.yaml", "training.epochs=30"),
    "moons, momentum": ("moons.yaml", "training.epochs=40"),
}
GRID = [float(f"{factor}e{power}") for power in range(-4, 1) for factor in (1, 3)]


def main() -> None:
    """A row per experiment."""
    print("| experiment | suggested | dev loss | best of the grid | dev loss | steepest fall | dev loss |")
    print("|---|---|---|---|---|---|---|")
    for name, (config, *overrides) in EXPERIMENTS.items():
        prepared = preparation.prepare(loader.load(CONFIGS / config, [*overrides, *PLAIN]))
        test = lr_find.run(prepared)
        rate = test.suggestion.learning_rate
        assert rate is not None
        slope = np.gradient(test.smoothed, np.log(test.rates[: len(test.smoothed)]))
        steepest = test.rates[int(slope.argmin())]
        best = min(GRID, key=lambda each: dev_loss(prepared, each))
        cells = [f"{value:.2g} | {dev_loss(prepared, value):.3g}" for value in (rate, best, steepest)]
        print(f"| {name} | {' | '.join(cells)} |")


def dev_loss(prepared: Prepared, rate: float) -> float:
    """At the end of the training; infinite where it diverged."""
    experiment = prepared.experiment
    with numerics(1):
        cost = builder.build_cost(experiment, n_x=prepared.dataset.splits["train"].X.shape[1])
        evaluator = builder.build_evaluator(experiment, cost, prepared.dataset)
        trainer = build_trainer(prepared, cost, evaluator, interrupted=lambda: False)
        trainer.learning_rate = rate
        for _ in trainer.run():
            pass
        loss = evaluator.measure("dev")["loss"]
    return loss if math.isfinite(loss) else math.inf


if __name__ == "__main__":
    main()
