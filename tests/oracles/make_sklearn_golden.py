"""Write tests/golden/sklearn_mlp.json: scikit-learn's MLP on the very splits of the bundled experiments.

Run it from the top of a clone with scikit-learn installed: `python tests/oracles/make_sklearn_golden.py`. Two
networks each: scikit-learn's defaults, and the widths, learning rate and epochs of our experiment.
"""

import json
import warnings
from pathlib import Path

import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from dlspec import preparation
from dlspec.config import loader

ROOT = Path(__file__).parents[2]


def scores(name: str) -> dict[str, dict[str, float]]:
    prepared = preparation.prepare(loader.load(ROOT / "configs" / f"{name}.yaml"))
    splits, experiment = prepared.dataset.splits, prepared.experiment
    model = MLPRegressor if prepared.dataset.task == "regression" else MLPClassifier
    same_network = {
        "hidden_layer_sizes": tuple(layer.units for layer in experiment.architecture.layers),
        "learning_rate_init": experiment.optimizer.learning_rate,
        "max_iter": experiment.training.epochs,
    }
    result = {}
    for title, settings in (("defaults", {}), ("same_network", same_network)):
        fitted = model(random_state=1, **settings).fit(splits["train"].X, splits["train"].Y.ravel())
        result[title] = {
            split: float(fitted.score(splits[split].X, splits[split].Y.ravel())) for split in ("dev", "test")
        }
    return result


def main() -> None:
    warnings.simplefilter("ignore", ConvergenceWarning)
    golden = {"scikit-learn": sklearn.__version__, "scores": {name: scores(name) for name in ("iris", "diabetes")}}
    (ROOT / "tests" / "golden" / "sklearn_mlp.json").write_text(json.dumps(golden, indent=2) + "\n")


if __name__ == "__main__":
    main()
