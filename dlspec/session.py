"""One process at work on a run directory: it trains the segments of the run and writes down everything on the way."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from dlspec import builder, changes
from dlspec.config.experiment import Experiment
from dlspec.core.cost import Cost
from dlspec.core.randomness import stream
from dlspec.data.batches import Batch, Batches
from dlspec.data.streamed import StreamedExamples
from dlspec.data.streamed_batches import StreamedBatches
from dlspec.diagnosis.divergence import actions_after
from dlspec.errors import DlspecError, RunError, TrainingError
from dlspec.preparation import Prepared
from dlspec.report import markdown
from dlspec.run import checkpoint, directory, storage, test_uses
from dlspec.run.environment import numerics
from dlspec.run.health import HealthRecorder, read_health
from dlspec.run.record import STATUS, Segment, ended, write_record
from dlspec.run.recorder import CheckpointWriter, Log, MetricsRecorder, read_metrics
from dlspec.run_report import bootstrap_means, build_report
from dlspec.training.evaluation import Evaluator, Measured, Sample
from dlspec.training.events import EpochDone, Event, RunFinished, RunStarted, StepsDone, TrainingState
from dlspec.training.health import EXAMPLES, sample_of
from dlspec.training.latency import predict_ms
from dlspec.training.trainer import Trainer


class Place(NamedTuple):
    """A moment of a run: completed epochs, examples of the next one that were seen, steps in all."""

    epoch: int
    seen: int
    step: int

    @classmethod
    def of(cls, moment: Segment | TrainingState) -> "Place":
        """Where a segment begins, or a state stands."""
        return cls(moment.epoch, moment.seen, moment.step)

    def is_reached_by(self, event: Event) -> bool:
        """Whether this is the moment of the event: the end of an epoch, or a step in its midst."""
        kind = StepsDone if self.seen else EpochDone
        return isinstance(event, kind) and event.step == self.step


class Reached(NamedTuple):
    """How far a run has come: its segment, the state of the training, the bytes of the metrics until then."""

    segment: int
    state: TrainingState
    metrics_bytes: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """A segment to be trained.

    Attributes:
        number: of the segment, from 1.
        experiment: resolved.
        prepare: reads its data.
        end: where the next segment begins; None for the last one, which ends by itself.
    """

    number: int
    experiment: Experiment
    prepare: Callable[[], Prepared]
    end: Place | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a session ended.

    Attributes:
        run: the run directory.
        finished: the trainer's last event.
        report: content of `report.json`; None where the run was interrupted or diverged.
        predict_ms: milliseconds to predict one example; None likewise.
        next_steps: what to try after a divergence, each with the flags that apply it.
    """

    run: Path
    finished: RunFinished
    report: dict[str, Any] | None
    predict_ms: float | None = None
    next_steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """A process that holds a run directory.

    Attributes:
        run: the run directory.
        segments: all segments of the run.
        watcher: called with every event of the trainer.
        interrupted: asked after every step; True checkpoints and ends the session.
        now: the time, for records.
        notes: lines for the log.
    """

    run: Path
    segments: Sequence[Segment]
    watcher: Callable[[Event], None]
    interrupted: Callable[[], bool]
    now: Callable[[], datetime]
    notes: Sequence[str] = ()

    def work(self, stretches: Sequence[Stretch], *, record: Mapping[str, Any], reached: Reached | None) -> Outcome:
        """Train the stretches one after the other; `run.json` says how it went, whatever happens.

        Args:
            stretches: from the segment of `reached` on, at least one.
            record: content of `run.json`.
            reached: where to go on; None at the beginning.

        Raises:
            RunError: the run directory cannot be written.
            TrainingError: out of memory.
        """
        write_record(self.run, record)
        try:
            outcome = self._train(stretches, reached)
        except BaseException as error:
            message = "out of memory; lower batch_size, or use dtype float32"
            if not isinstance(error, MemoryError):
                message = str(error) if isinstance(error, DlspecError) else type(error).__name__
            with suppress(DlspecError):  # the disk that failed the run may fail this too; the first error is told
                write_record(self.run, ended(record, now=self.now(), status="failed", message=message))
            if isinstance(error, MemoryError):
                raise TrainingError(f"{self.run}: {message}") from error
            if isinstance(error, RunError) and (self.run / directory.RUN_FILE).exists():
                raise type(error)(f"{error}; then go on with: dlspec resume {self.run}") from error
            raise
        end = outcome.finished
        status, progress = STATUS[end.reason], {"epoch": end.epoch, "step": end.step}
        if outcome.predict_ms is not None:  # it depends on the clock, so it is no part of the report
            record = {**record, "predict_ms": outcome.predict_ms}
        if status == "diverged":
            record = {**record, "advice": list(end.advice), "sizes": [list(pair) for pair in end.sizes]}
        write_record(self.run, ended(record, now=self.now(), status=status, message=end.message, **progress))
        if status != "finished":
            from dlspec import unfinished  # only here: most of what imports a session never draws a page

            unfinished.leave(self.run)
        return outcome

    def _train(self, stretches: Sequence[Stretch], reached: Reached | None) -> Outcome:
        outcome, before = None, None
        for stretch in stretches:
            if reached is not None and before is not None:
                state = changes.entered(reached.state, before.experiment, stretch.experiment)
                reached = Reached(stretch.number, state, reached.metrics_bytes)
            before = stretch
            if stretch.end == _place_of(reached) and stretch is not stretches[-1]:
                continue  # the next segment begins right where this one would
            outcome, reached = self._train_stretch(stretch, reached)
            if stretch.end != _place_of(reached):
                break
        if outcome is None:
            raise RunError(f"{self.run}: has nothing to train")
        return outcome

    def _train_stretch(self, stretch: Stretch, reached: Reached | None) -> tuple[Outcome, Reached]:
        """How it ended, with the report where the training is complete, and how far it came."""
        prepared = stretch.prepare()
        experiment, dataset = prepared.experiment, prepared.dataset
        # Threads are pinned before the start values are made: those of `orthogonal` come out of linear algebra.
        with ExitStack() as stack:
            stack.enter_context(numerics(experiment.threads_per_product))
            cost = builder.build_cost(experiment, n_x=dataset.splits["train"].n_x, start=prepared.start)
            evaluator = builder.build_evaluator(experiment, cost, dataset)
            trainer = build_trainer(
                prepared, cost, evaluator, interrupted=self.interrupted, say_next=_moments(experiment, stretch.end)
            )
            keep = 0
            if reached is not None:
                trainer.restore(reached.state)
                keep = reached.metrics_bytes
            some = _some(prepared)
            sampler = builder.build_health_sampler(
                experiment, cost, trainer.optimizer, some, steps_per_epoch=trainer.batches.steps_per_epoch
            )
            metrics = stack.enter_context(closing(MetricsRecorder(self.run, segment=stretch.number, keep=keep)))
            health = stack.enter_context(
                closing(HealthRecorder(self.run, sampler=sampler, step=_place_of(reached).step))
            )
            record = stack.enter_context(self._writers(prepared, cost, metrics, health, segment=stretch.number))
            finished = self._play(trainer, record, end=stretch.end)
            state = finished.state()
            here = Reached(stretch.number, state, metrics.sync())
            if STATUS[finished.reason] != "finished":
                actions = actions_after(finished.advice, experiment)
                return Outcome(self.run, finished, None, next_steps=tuple(action.line for action in actions)), here
            from dlspec import run_page  # only here: most of what imports a session never draws a page

            report, took = self._report(prepared, cost, evaluator, finished, state), round(predict_ms(cost, some[0]), 6)
            run_page.write(self.run, prepared.dataset, evaluator, predict_ms=took)
            return Outcome(self.run, finished, report, took), here

    def _play(self, trainer: Trainer, record: Callable[[Event], None], *, end: Place | None) -> RunFinished:
        """Train until the trainer ends, or to where the next segment begins."""
        with closing(trainer.run()) as events:  # so that a thread that reads ahead ends with it
            for event in events:
                record(event)
                self.watcher(event)
                if isinstance(event, RunFinished):
                    return event
                if end is not None and not isinstance(event, RunStarted) and end.is_reached_by(event):
                    message = f"stopped after step {event.step}"
                    stopped = RunFinished("interrupted", event.epoch, event.step, message, event.state)
                    record(stopped)
                    return stopped
        raise RunError(f"{self.run}: the training ended without saying why")

    def _report(
        self, prepared: Prepared, cost: Cost, evaluator: Evaluator, finished: RunFinished, state: TrainingState
    ) -> dict[str, Any]:
        """Measure every split with the parameters that are the result, and write the report."""
        result = result_of(prepared.experiment)
        if result == "best":
            np.copyto(cost.parameters.vector, state.best_vector)
        looked_at = [
            split for split in prepared.dataset.splits if split != "test" or prepared.experiment.evaluation.test
        ]
        if "test" in looked_at:
            test_uses.count(self.run, by="report", parameters=result, now=self.now())
        report = build_report(
            prepared.experiment,
            prepared.dataset,
            splits=[evaluator.evaluate(split) for split in looked_at],
            finished=finished,
            state=state,
            result=result,
            segments=self.segments,
            rows=read_metrics(self.run),
            samples=read_health(self.run),
            means=bootstrap_means(prepared.experiment, evaluator, looked_at),
        )
        storage.write_file(self.run / "report.json", directory.to_json(report))
        storage.write_file(self.run / "report.md", markdown.render(report).encode())
        return report

    @contextmanager
    def _writers(
        self, prepared: Prepared, cost: Cost, metrics: MetricsRecorder, health: HealthRecorder, *, segment: int
    ) -> Iterator[Callable[[Event], None]]:
        """The watchers that write to the run directory, as one."""
        experiment, dataset = prepared.experiment, prepared.dataset
        normalization, model = dataset.normalization.state(), builder.describe_model(dataset)

        def describe(state: TrainingState, content: checkpoint.Content, metrics_bytes: int) -> checkpoint.Checkpoint:
            return checkpoint.of_state(
                state,
                cost.parameters,
                normalization=normalization,
                model=model,
                content=content,
                standing={"segment": segment, "metrics_bytes": metrics_bytes},
            )

        settings = experiment.checkpoint
        with closing(Log(self.run, now=self.now)) as log:
            for line in (*self.notes, *(f"warning: {warning}" for warning in dataset.warnings)):
                log.say(line)

            def sync() -> int:
                log.write()
                health.sync()
                return metrics.sync()

            checkpoints = CheckpointWriter(
                self.run,
                describe=describe,
                sync=sync,
                every_steps=settings.every_steps,
                every_seconds=settings.every_seconds,
                keep=settings.keep,
                snapshots=builder.snapshot_epochs(experiment, steps_per_epoch=batches_of(prepared).steps_per_epoch),
            )

            def record(event: Event) -> None:
                for watcher in (metrics, health, checkpoints, log):
                    watcher(event)

            yield record


def _place_of(reached: Reached | None) -> Place:
    return Place(0, 0, 0) if reached is None else Place.of(reached.state)


def _moments(experiment: Experiment, end: Place | None) -> Callable[[int], float]:
    """The next step at which the trainer must say how it stands: for a checkpoint, or because a segment ends."""
    every = experiment.checkpoint.every_steps

    def following(step: int) -> float:
        for_checkpoint = math.inf if every is None else (step // every + 1) * every
        return min(for_checkpoint, end.step if end is not None and end.step > step else math.inf)

    return following


def result_of(experiment: Experiment) -> Literal["best", "last"]:
    """Which parameters are the result: the best where the experiment says what is best, else the last."""
    chosen = experiment.training.early_stopping is not None or experiment.evaluation.optimize is not None
    return "best" if chosen else "last"


def build_trainer(
    prepared: Prepared,
    cost: Cost,
    evaluator: Evaluator,
    *,
    interrupted: Callable[[], bool],
    say_next: Callable[[int], float] = lambda step: math.inf,  # noqa: ARG005 - the signature
) -> Trainer:
    """The training loop of an experiment over a network.

    Args:
        prepared: from `prepare`.
        cost: from `builder.build_cost`.
        evaluator: measures train and dev.
        interrupted: asked after every step; True ends the run.
        say_next: the next step after a step at which `StepsDone` is said.
    """
    experiment, dataset = prepared.experiment, prepared.dataset
    optimizer, learning_rate = builder.build_optimizer(experiment)
    before_step, after_step = builder.build_constraints(experiment)
    watched, batches = _watched(prepared), batches_of(prepared)

    def measure() -> dict[str, float]:
        return {
            f"{split}_{name}": value
            for split, examples in watched.items()
            for name, value in evaluator.measure(split, examples).items()
        }

    return Trainer(
        cost=cost,
        optimizer=optimizer,
        learning_rate=learning_rate,
        decay=builder.build_decay(experiment),
        per=experiment.decay.per,
        plateau=builder.build_plateau(experiment),
        batches=batches,
        epochs=experiment.training.epochs,
        measure=measure,
        is_measured=builder.build_is_measured(experiment, steps_per_epoch=batches.steps_per_epoch),
        watch=builder.watch_of(experiment, dataset),
        dropout_rng=stream(experiment.seed, "dropout"),
        before_step=before_step,
        after_step=after_step,
        say_next=say_next,
        interrupted=interrupted,
    )


def _watched(prepared: Prepared) -> dict[str, Measured]:
    """What is measured in the midst of the training: train, or a sample of a large one, and dev."""
    experiment, splits = prepared.experiment, prepared.dataset.splits
    watched: dict[str, Measured] = {name: splits[name] for name in ("train", "dev") if name in splits}
    most, train = experiment.evaluation.train_examples, splits["train"]
    if most != "all" and int(most) < len(train) and experiment.batch_size != "all":
        watched["train"] = Sample(*train.sample(int(most), experiment.seed))
    return watched


def _some(prepared: Prepared) -> Batch:
    """A few training examples from all over the set, with their weights."""
    train, by_class = prepared.dataset.splits["train"], prepared.class_weights
    if not isinstance(train, StreamedExamples):
        return sample_of(train.X, train.Y, prepared.weights)
    X, Y = train.some(EXAMPLES)
    return X, Y, None if by_class is None else by_class[Y]


def batches_of(prepared: Prepared) -> Batches | StreamedBatches:
    """The mini-batches of an experiment."""
    examples, experiment = prepared.dataset.splits["train"], prepared.experiment
    size = len(examples) if experiment.batch_size == "all" else experiment.batch_size
    if isinstance(examples, StreamedExamples):
        weights = prepared.class_weights
        return StreamedBatches(examples, class_weights=weights, batch_size=size, seed=experiment.seed)
    return Batches(
        examples.X,
        examples.Y,
        prepared.weights,
        batch_size=size,
        seed=experiment.seed,
        fill=None if prepared.augmented is None else prepared.augmented.fill,
    )
