"""The course's guidelines, as advice on an experiment that is valid as it is.

Advice is never an error: each line names the key, what it is, and what the course would try.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from dlspec.config.experiment import Experiment

# Each keeps about half of the mean square of N(0, 1). Not elu: 20 layers of it take the mean square of the signal to
# 0.02 from xavier and to 7 from he, so neither is to be preferred.
RELU_LIKE = {"relu", "leaky_relu", "silu", "gelu"}


@dataclass(frozen=True, slots=True)
class Advice:
    """One line of advice.

    Attributes:
        path: the key it is about, from the root.
        text: what is found and what the course would try.
    """

    path: tuple[str | int, ...]
    text: str


def advise(experiment: Experiment, *, examples: dict[str, int]) -> list[Advice]:
    """The guidelines that the experiment does not follow, in the order of its sections.

    Args:
        experiment: a valid experiment.
        examples: number of examples of each split that exists.
    """
    return [
        *_on_splits(examples),
        *_on_inputs(experiment),
        *_on_layers(experiment),
        *_on_initializer(experiment),
        *_on_regularization(experiment),
        *_on_batch_size(experiment, examples["train"]),
        *_on_training(experiment),
    ]


def _on_splits(examples: dict[str, int]) -> Iterator[Advice]:
    m = sum(examples.values())
    where: tuple[str | int, ...] = ("data", "split")
    if "test" not in examples:
        yield Advice(where, "no test set, so there will be no unbiased estimate of the error")
    if "dev" not in examples:
        yield Advice(where, "no dev set, so variance cannot be measured and nothing can be tuned without touching test")
        return
    share = examples["train"] / m
    if m >= 1_000_000 and share < 0.9:
        yield Advice(
            where, f"{share:.0%} of {m:,} examples for training; with that many 98/1/1 leaves dev large enough"
        )
    if m < 10_000 and examples["dev"] < 100 and share > 0.75:
        yield Advice(where, f"dev has only {examples['dev']} of {m:,} examples; with that few 60/20/20 is usual")


def _on_inputs(experiment: Experiment) -> Iterator[Advice]:
    if experiment.data.normalize == "none":
        yield Advice(
            ("data", "normalize"), "inputs are not normalised; standard makes the cost rounder and training faster"
        )


def _on_layers(experiment: Experiment) -> Iterator[Advice]:
    for index, layer in enumerate(experiment.architecture.layers):
        where = ("architecture", "layers", index, "activation")
        if layer.activation.name == "sigmoid":
            yield Advice(
                where, "sigmoid in a hidden layer learns slowly; tanh is almost always better, relu the default"
            )
        if layer.activation.name == "linear":
            yield Advice(where, "a linear hidden layer adds nothing: the network stays as linear as without it")


def _on_initializer(experiment: Experiment) -> Iterator[Advice]:
    names = {layer.activation.name for layer in experiment.architecture.layers}
    if not names:
        return
    name = experiment.initializer.name
    variance = name.removesuffix("_uniform")  # twins have the same
    where = ("initializer",)
    if name == "zeros":
        yield Advice(where, "zeros keep all units of a layer identical for ever; try he for relu, xavier for tanh")
    elif name == "constant":
        yield Advice(where, "constant keeps all units of a layer identical for ever; try he for relu, xavier for tanh")
    elif name == "large":
        yield Advice(where, "large weights saturate or explode; try he for relu, xavier for tanh")
    elif name == "small" and len(experiment.architecture.layers) > 1:
        yield Advice(where, "small weights let the signal vanish in a deep network; try he for relu, xavier for tanh")
    elif variance in ("xavier", "glorot", "lecun") and names <= RELU_LIKE:
        kind = " or ".join(sorted(names))
        yield Advice(where, f"{name} loses about half the signal in each {kind} layer; he keeps most of it")
    elif variance in ("he", "glorot") and "selu" in names:
        yield Advice(where, f"selu keeps mean 0 and variance 1 from lecun, whose variance is 1/n_in, not from {name}")
    elif variance == "he" and names == {"tanh"}:
        yield Advice(where, f"{name} is made for relu; xavier keeps the variance of tanh units")


def _on_regularization(experiment: Experiment) -> Iterator[Advice]:
    layers = experiment.architecture.layers
    fallback = experiment.regularization.keep_prob
    for index, layer in enumerate(layers):
        keep_prob = fallback if layer.keep_prob is None else layer.keep_prob
        if keep_prob < 0.5:
            keys = ("architecture", "layers", index, "keep_prob")
            yield Advice(keys, f"keep_prob {keep_prob:g} drops more units than it keeps; 0.5 to 0.9 is usual")
    if not layers and fallback < 1:
        yield Advice(
            ("regularization", "keep_prob"), "there is no hidden layer to drop; dropout is never on the output"
        )
    if experiment.regularization.input_keep_prob < 0.8:
        yield Advice(
            ("regularization", "input_keep_prob"),
            "dropout on the input loses features for good; keep it at 1 or close to it",
        )


def _on_batch_size(experiment: Experiment, m: int) -> Iterator[Advice]:
    size, where = experiment.batch_size, ("batch_size",)
    if size == "all":
        if m > 2_000:
            yield Advice(where, f"all takes one step per pass over {m:,} examples; try a power of two from 64 to 1024")
    elif m <= 2_000:
        if size < m:
            yield Advice(where, f"with {m:,} training examples (up to 2,000) the whole batch is fine: batch_size: all")
    elif size & (size - 1) or not 64 <= size <= 1024:
        yield Advice(where, f"{size:,} is not a power of two from 64 to 1024, which is what suits the memory")


def _on_training(experiment: Experiment) -> Iterator[Advice]:
    stopping, epochs = experiment.training.early_stopping, experiment.training.epochs
    if stopping is None:
        return
    where = ("training", "early_stopping")
    yield Advice(
        where,
        "early stopping turns two knobs at once: it fights variance and raises the training error; "
        "L2 or dropout turn one",
    )
    if stopping.start_epoch + stopping.patience >= epochs:
        never = f"patience {stopping.patience:,} never stops a run of {epochs:,} epochs early"
        yield Advice((*where, "patience"), f"{never}; try {max(1, epochs // 10):,}")
