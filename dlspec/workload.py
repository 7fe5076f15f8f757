"""What follows from the size of an experiment alone, so that it is the same every time.

How the work of a step is divided, and how often train and dev are measured.
"""

import math
from itertools import pairwise

from dlspec.config.decay import Plateau
from dlspec.config.experiment import Experiment
from dlspec.config.loader import LoadedExperiment
from dlspec.data.dataset import Dataset

# Multiply-adds of one forward pass from which a second thread pays: measured over whole training
# steps on two cores, see docs/performance.md.
THREADS_PAY_FROM = 20_000_000

# Two streams beat two threads in each product where these are many and small, so that dividing each costs most: from so
# many multiply-adds of a forward pass, in products of at most so many in the mean; see docs/performance.md.
STREAMS_PAY_FROM, STREAMS_PAY_TO = 150_000_000, 8_000_000

# Measuring should take at most this share of the time of the steps; see "Beside the steps" in docs/performance.md.
MEASURING = 0.03
# What a step takes per layer beside its products, a measurement beside the forward pass, and how many multiply-adds
# take as long as a microsecond: of one core there. Only their ratio counts, and it is much the same elsewhere.
STEP_US, MEASUREMENT_US, PER_US = 8.0, 60.0, 50_000.0
# Fewer would make poor curves and find the best epoch poorly, and early stopping must not hang on one of them.
MEASUREMENTS, WITHIN_PATIENCE = 30, 5
# Of a larger training set a sample is measured: one in so many, within these numbers.
SAMPLED, SAMPLE_FROM, SAMPLE_TO = 20, 2_000, 10_000


def division_of_work(loaded: LoadedExperiment, dataset: Dataset, *, units: int, cores: int) -> dict[str, int]:
    """`threads` and `streams` of a step.

    Args:
        loaded: the experiment.
        dataset: its data.
        units: of the output layer.
        cores: of the machine.

    Raises:
        ConfigError: two streams that cannot be.
    """
    experiment = loaded.experiment
    threads, streams, batch = experiment.threads, experiment.streams, _batch(experiment, dataset)
    products = [batch * product for product in _products(experiment, dataset, units)]
    if threads == "auto":
        threads = 2 if streams == 2 else cores if sum(products) >= THREADS_PAY_FROM else 1
    obstacle = experiment.obstacle_to_two_streams(threads)
    if streams == "auto":
        many_and_small = STREAMS_PAY_FROM <= sum(products) <= STREAMS_PAY_TO * len(products)
        streams = 2 if obstacle is None and many_and_small else 1
    elif streams == 2 and obstacle is not None:
        raise loaded.problem(("streams",), f"2 streams do not go with {obstacle}; expected streams: 1, or auto")
    return {"threads": threads, "streams": streams}


def measuring(experiment: Experiment, dataset: Dataset, *, units: int) -> dict[str, int | str]:
    """`every` and `train_examples` of the evaluation: how often train and dev are measured, and how much of train.

    With f microseconds for the forward pass of an example, a step of b examples takes STEP_US per layer and 3 b f, as
    backward has twice the products of forward; a measurement takes MEASUREMENT_US and f for each of its examples.
    """
    every, sample = experiment.evaluation.every, experiment.evaluation.train_examples
    m = len(dataset.splits["train"])
    if sample == "auto":
        sample = min(max(m // SAMPLED, SAMPLE_FROM), SAMPLE_TO)
    of_train = m if sample == "all" or experiment.batch_size == "all" else min(int(sample), m)
    if every == "auto":
        products = _products(experiment, dataset, units)
        f = sum(products) / PER_US
        steps = -(-m // _batch(experiment, dataset))
        epoch = steps * STEP_US * len(products) + 3 * m * f
        of_dev = len(dataset.splits["dev"]) if "dev" in dataset.splits else 0
        needed = math.ceil((MEASUREMENT_US + (of_train + of_dev) * f) / (MEASURING * epoch))
        most = min(experiment.training.epochs // MEASUREMENTS, _patience(experiment) // WITHIN_PATIENCE)
        every = max(1, min(needed, most))
    return {"every": every, "train_examples": sample}


def _patience(experiment: Experiment) -> int:
    """The fewest epochs after which something is decided."""
    stopping, decay = experiment.training.early_stopping, experiment.decay
    waiting = [] if stopping is None else [stopping.patience]
    waiting += [decay.patience] if isinstance(decay, Plateau) else []
    return min(waiting, default=experiment.training.epochs)


def _batch(experiment: Experiment, dataset: Dataset) -> int:
    m = len(dataset.splits["train"])
    return m if experiment.batch_size == "all" else min(m, experiment.batch_size)


def _products(experiment: Experiment, dataset: Dataset, units: int) -> list[int]:
    """Multiply-adds of the forward pass of one example, by layer."""
    layers = experiment.architecture.layers
    widths = [dataset.splits["train"].n_x, *(layer.units for layer in layers), units]
    return [n_in * n_out for n_in, n_out in pairwise(widths)]
