"""Small networks, sets and trainers for the tests of the training loop."""

from itertools import count

import numpy as np
from core.builders import build_network

from dlspec.core.cost import Cost, Penalty
from dlspec.core.decay import DECAYS
from dlspec.core.losses import LOSSES
from dlspec.core.optimizers import OPTIMIZERS
from dlspec.core.randomness import stream
from dlspec.core.regularizers import REGULARIZERS
from dlspec.data.batches import Batches
from dlspec.data.dataset import Examples
from dlspec.training.evaluation import Evaluator
from dlspec.training.events import EpochDone
from dlspec.training.stopping import Watch
from dlspec.training.trainer import Trainer

LOSS_RATES = Watch("train_loss", rising=False)


def make_examples(m=30, n_x=3, *, seed=5, dtype=np.float64):
    """Two classes that a plane almost divides."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((m, n_x)).astype(dtype)
    Y = (X.sum(axis=1) + 0.5 * rng.standard_normal(m) > 0).astype(np.intp)
    return Examples(X=X, Y=Y, rows=np.arange(m))


def make_cost(sizes=(3, 5, 1), *, loss="binary_cross_entropy", keep_prob=None, penalties=(), seed=1, dtype=np.float64):
    """Cost over a fresh tanh network."""
    network = build_network(sizes, keep_prob=keep_prob)
    parameters = network.parameters(dtype=dtype)
    network.initialize(parameters, stream(seed, "init"))
    placed = [Penalty(REGULARIZERS[name](lambda_=strength), parameters.decayed) for name, strength in penalties]
    return Cost(network=network, loss=LOSSES[loss](), penalties=placed, parameters=parameters)


def make_trainer(
    cost,
    examples,
    *,
    batch_size=8,
    epochs=3,
    optimizer=("adam", {}),
    learning_rate=0.01,
    decay=("constant", {}),
    seed=1,
    watch=LOSS_RATES,
    measure=None,
    **settings,
):
    """A trainer that by default measures the set it trains on."""
    evaluator = Evaluator(
        model=cost,
        loss=cost.loss,
        splits={"train": examples},
        task="classification",
        classes=("no", "yes"),
        metric="accuracy",
    )
    return Trainer(
        cost=cost,
        optimizer=OPTIMIZERS[optimizer[0]](**optimizer[1]),
        learning_rate=learning_rate,
        decay=DECAYS[decay[0]](**decay[1]),
        batches=Batches(examples.X, examples.Y, batch_size=batch_size, seed=seed),
        epochs=epochs,
        measure=measure or (lambda: {f"train_{name}": value for name, value in evaluator.measure("train").items()}),
        watch=watch,
        dropout_rng=stream(seed, "dropout"),
        **settings,
    )


def scripted(values, *, name="dev_loss"):
    """A `measure` that says these values, one per epoch."""
    remaining = iter(values)
    return lambda: {name: next(remaining)}


def stop_after(steps):
    """An `interrupted` that becomes true after that many steps."""
    counter = count(1)
    return lambda: next(counter) >= steps


def epochs_of(events):
    """The events that end an epoch."""
    return [event for event in events if isinstance(event, EpochDone)]
