"""The root of an experiment file: what an experiment is."""

from typing import Annotated, Literal

from pydantic import Field

from dlspec.config.architecture import Architecture
from dlspec.config.augmentation import Augmentation
from dlspec.config.checkpoint import Checkpoint
from dlspec.config.data import Data
from dlspec.config.decay import Constant, Decay
from dlspec.config.evaluation import Evaluation
from dlspec.config.initializer import He, Initializer
from dlspec.config.optimizer import Adam, Optimizer
from dlspec.config.regularization import Regularization
from dlspec.config.section import Section
from dlspec.config.training import Training


class Experiment(Section):
    """One experiment. Only `data` must be given; everything else has a default."""

    name: str = Field(
        "experiment",
        pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$",
        description="name of the run directory: letters, digits, dot, _ and -, at most 100, not starting with a dot",
    )
    seed: int = Field(1, ge=0, lt=2**64, description="everything random follows from it")
    dtype: Literal["float32", "float64"] = Field("float32", description="number format of training")
    threads: Annotated[int, Field(ge=1, le=1024)] | Literal["auto"] = Field(
        "auto",
        description="threads of the linear algebra, 1 to 1024; auto: 1 for small networks, else the physical cores",
    )
    streams: Literal[1, 2, "auto"] = Field(
        "auto",
        description="2: halves of each mini-batch side by side, one thread each, in the place of two threads in each "
        "product; without dropout and batch_norm; auto: 2 for deep networks of small layers on 2 threads",
    )
    data: Data = Field(description="where the examples come from")
    augmentation: Augmentation | None = Field(None, description="changes of training images; unset means none")
    architecture: Architecture = Field(Architecture(), description="the layers of the network")
    initializer: Initializer = Field(He(), description="how the weights start")
    regularization: Regularization = Field(Regularization(), description="penalties and dropout")
    optimizer: Optimizer = Field(Adam(), description="rule of the update step and its learning rate")
    batch_size: Annotated[int, Field(ge=1)] | Literal["all"] = Field(
        64, description="examples per step, at least 1; all is batch gradient descent, 1 is stochastic"
    )
    decay: Decay = Field(Constant(), description="how the learning rate falls")
    training: Training = Field(Training(), description="epochs and early stopping")
    checkpoint: Checkpoint = Field(Checkpoint(), description="how often the state of the run is written")
    evaluation: Evaluation = Field(Evaluation(), description="metric and yardsticks")

    @property
    def threads_per_product(self) -> int:
        """Threads of the linear algebra; of a resolved experiment."""
        return 1 if self.streams == 2 else int(self.threads)

    def obstacle_to_two_streams(self, threads: int) -> str | None:
        """What keeps this experiment from two streams with so many threads, for people; None where nothing does."""
        layers, regularization = self.architecture.layers, self.regularization
        if threads != 2:
            return f"threads: {threads}, since each stream has one thread"
        if any(layer.batch_norm for layer in layers):
            return "batch_norm, whose mean is over the whole mini-batch"
        keep_probs = [regularization.input_keep_prob, regularization.keep_prob, *(layer.keep_prob for layer in layers)]
        if any(keep_prob is not None and keep_prob < 1 for keep_prob in keep_probs):
            return "dropout, whose masks are drawn for the whole mini-batch"
        return None
