"""The learning rate of every step of a run: decay per epoch or per step, warm-up, plateau; and where they come from."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from core.builders import build_cost, build_network

from dlspec import builder, experiment_data, resolver
from dlspec.config.loader import parse
from dlspec.core.decay import DECAYS, Warmup
from dlspec.core.optimizers import BoundOptimizer
from dlspec.core.randomness import stream
from dlspec.data.batches import Batches
from dlspec.errors import ConfigError
from dlspec.run import checkpoint
from dlspec.training.events import EpochDone
from dlspec.training.plateau import Plateau, PlateauState
from dlspec.training.stopping import Best, Watch
from dlspec.training.trainer import Trainer


class Recorder:
    """An optimiser that stands still and writes down the rates it is given."""

    def __init__(self):
        self.rates, self.times = [], []

    def bind(self, theta, grad, *, decayed):  # noqa: ARG002 - the signature of the family
        def step(learning_rate, t):
            self.rates.append(learning_rate)
            self.times.append(t)

        return BoundOptimizer(step, {})


def run(decay, *, epochs=3, steps_per_epoch=4, learning_rate=0.8, values=None, **settings):
    """Rates of all steps, rates of the epochs' events, and the last event."""
    recorder, remaining = Recorder(), iter(values or [1.0] * epochs)
    X = np.zeros((steps_per_epoch, 2))
    trainer = Trainer(
        cost=build_cost(build_network((2, 1)), "squared_error"),
        optimizer=recorder,
        learning_rate=learning_rate,
        decay=decay,
        batches=Batches(X, X[:, :1], batch_size=1, seed=1),
        epochs=epochs,
        measure=lambda: {"dev_loss": next(remaining)},
        watch=Watch("dev_loss", rising=False),
        dropout_rng=stream(1, "dropout"),
        **settings,
    )
    *events, finished = trainer.run()
    assert recorder.times == list(range(1, len(recorder.rates) + 1))
    return recorder.rates, [event.learning_rate for event in events if isinstance(event, EpochDone)], finished


def test_per_epoch():
    rates, recorded, _ = run(DECAYS["exponential"](base=0.5))
    assert rates == [0.8] * 4 + [0.4] * 4 + [0.2] * 4
    assert recorded == [0.8, 0.4, 0.2]


def test_per_step_an_epoch_records_the_rate_of_its_last_step():
    rates, recorded, _ = run(DECAYS["exponential"](base=0.5), per="step")
    assert rates == [0.8 * 0.5**t for t in range(12)]
    assert recorded == rates[3::4]


@pytest.mark.parametrize(("per", "total"), [("epoch", 3), ("step", 12)])
@pytest.mark.parametrize("name", ["cosine", "one_cycle"])
def test_the_length_of_the_run_is_in_the_same_unit(name, per, total):
    decay = DECAYS[name]()
    rates, _, _ = run(decay, per=per)
    assert rates == [decay(0.8, t if per == "step" else t // 4, total) for t in range(12)]


def test_a_warm_up_in_steps_crosses_epochs():
    rates, recorded, _ = run(Warmup(DECAYS["constant"](), length=7), per="step")
    assert rates == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.8, 0.8, 0.8, 0.8])
    assert recorded == pytest.approx([0.4, 0.8, 0.8])


PLATEAU = Plateau(Watch("dev_loss", rising=False, patience=1))


def test_a_plateau_lowers_the_rate_from_the_next_epoch_on():
    _, recorded, finished = run(DECAYS["constant"](), epochs=5, values=[1, 0.5, 0.5, 0.25, 0.25], plateau=PLATEAU)
    assert recorded == [0.8, 0.8, 0.8, 0.4, 0.4]
    state = finished.state()
    assert (state.plateau.factor, state.plateau.best.epoch) == (0.25, 4)
    assert (state.best_epoch, state.waited) == (4, 1)  # early stopping waits on its own


@pytest.mark.parametrize("per", ["epoch", "step"])
def test_a_plateau_multiplies_what_the_decay_says(per):
    decay = DECAYS["exponential"](base=0.5)
    plain, _, _ = run(decay, per=per)
    rates, _, _ = run(decay, per=per, plateau=PLATEAU)
    assert rates == [rate * factor for rate, factor in zip(plain, [1] * 8 + [0.5] * 4, strict=True)]


def test_a_checkpoint_carries_what_the_plateau_remembers():
    _, _, finished = run(DECAYS["constant"](), epochs=4, values=[1, 1, 0.5, 0.5], plateau=PLATEAU)
    parameters = build_network((2, 1)).parameters(dtype=np.float64)
    saved = checkpoint.of_state(finished.state(), parameters, normalization={}, model={})
    progress = checkpoint.decode(b"".join(checkpoint.encode(saved)), source="last.h5").progress["plateau"]
    best = {"epoch": 3, "value": 0.5, "waited": 1, "meets_limits": True}
    assert progress == {"factor": 0.25, "best": best, "waits_from": 4}
    assert PlateauState(**progress | {"best": Best(**progress["best"])}) == finished.state().plateau


def test_without_a_plateau_its_state_stays_what_it_was():
    _, _, finished = run(DECAYS["constant"]())
    assert finished.state().plateau.factor == 1.0


# --- from the experiment file -------------------------------------------------------------------------

DATA = "data: {synthetic: moons, examples: 50, split: {ratios: 60/40}}\n"


def loaded_from(text):
    return parse(text.encode(), path=Path("exp.yaml"))


def resolved_from(text):
    loaded = loaded_from(text)
    return resolver.resolve(loaded, experiment_data.load_data(loaded), cores=1)


@pytest.mark.parametrize(
    ("text", "rates"),
    [
        ("", [0.8, 0.8, 0.8]),
        ("decay: sqrt", [0.8, 0.8 / 2**0.5, 0.8 / 3**0.5]),
        ("decay: {warmup: 3}", [0.2, 0.4, 0.6]),
        ("decay: {name: exponential, base: 0.5, warmup: 1}", [0.4, 0.8, 0.4]),
        ("decay: {name: manual, points: [{epoch: 1, learning_rate: 5.0}]}", [0.8, 5.0, 5.0]),
        ("decay: {name: manual, per: step, points: [{step: 2, learning_rate: 5.0}]}", [0.8, 0.8, 5.0]),
        ("decay: {name: cosine, min_rate: 0.4, cycles: 3}", [0.8, 0.8, 0.8]),
        ("decay: {name: plateau, warmup: 1}", [0.4, 0.8, 0.8]),
    ],
)
def test_the_decay_of_an_experiment(text, rates):
    experiment = loaded_from(f"{DATA}optimizer: {{learning_rate: 0.8}}\n{text}").experiment
    decay = builder.build_decay(experiment)
    assert [decay(0.8, t, 3) for t in range(3)] == pytest.approx(rates)


def test_the_plateau_of_an_experiment():
    text = "decay: {name: plateau, monitor: dev_accuracy, patience: 3, min_delta: 0.1, factor: 0.2, cooldown: 4}"
    watch = Watch("dev_accuracy", rising=True, min_delta=0.1, patience=3)
    assert builder.build_plateau(resolved_from(DATA + text)) == Plateau(watch, factor=0.2, cooldown=4)
    assert builder.build_plateau(resolved_from(DATA)) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            DATA + "decay: {name: plateau, monitor: dev_f1}",
            "2:33: decay.monitor: watches dev_f1, which is not recorded; expected dev_loss, dev_cost or dev_accuracy, "
            "or set evaluation.metric to f1",
        ),
        (
            DATA + "training: {early_stopping: {monitor: dev_f1}}",
            "2:38: training.early_stopping.monitor: watches dev_f1, which is not recorded; expected dev_loss, dev_cost "
            "or dev_accuracy, or set evaluation.metric to f1",
        ),
        (
            DATA + "decay: {name: cosine, min_rate: 0.01}",
            "2:33: decay.min_rate: found 0.01, but the rate starts at optimizer.learning_rate, 0.001; "
            "expected at most that",
        ),
    ],
)
def test_a_decay_that_does_not_fit_the_experiment(text, problem):
    with pytest.raises(ConfigError) as caught:
        resolved_from(text)
    assert caught.value.problems == (f"exp.yaml:{problem}",)


@pytest.mark.parametrize(
    ("text", "key"),
    [("decay: plateau", "8: decay"), ("training: {early_stopping: {}}", "12: training.early_stopping")],
)
def test_without_a_dev_set_its_loss_cannot_be_watched(text, key):
    loaded = loaded_from(DATA + text)
    dataset = experiment_data.load_data(loaded)
    dataset = replace(dataset, splits={"train": dataset.splits["train"]})
    with pytest.raises(ConfigError) as caught:
        resolver.resolve(loaded, dataset, cores=1)
    (problem,) = caught.value.problems
    assert problem.startswith(f"exp.yaml:2:{key}")
    assert problem.endswith(".monitor: watches dev_loss, but there is no dev set; set data.split or data.dev")


@pytest.mark.parametrize(
    ("monitor", "mode", "resolved", "rising"),
    [
        ("dev_loss", "auto", "min", False),
        ("dev_accuracy", "auto", "max", True),
        ("dev_loss", "max", "max", True),
        ("dev_accuracy", "min", "min", False),
    ],
)
def test_the_direction_of_early_stopping_follows_from_the_quantity_or_the_mode(monitor, mode, resolved, rising):
    text = f"{DATA}training: {{early_stopping: {{monitor: {monitor}, mode: {mode}, start_epoch: 4}}}}"
    loaded = loaded_from(text)
    dataset = experiment_data.load_data(loaded)
    experiment = resolver.resolve(loaded, dataset, cores=1)
    assert experiment.training.early_stopping.mode == resolved
    for either in (loaded.experiment, experiment):
        watch = builder.watch_of(either, dataset)
        assert watch == Watch(monitor, rising=rising, patience=10, start_epoch=4)
