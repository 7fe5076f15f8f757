"""`training`: how long."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from dlspec.config.section import Section

# What metrics.jsonl records of a split, and whether a larger value is better.
RISING = {
    "accuracy": True,
    "f1": True,
    "precision": True,
    "recall": True,
    "r2": True,
    "cost": False,
    "loss": False,
    "rmse": False,
    "mae": False,
}
MONITOR_PATTERN = f"^(train|dev)_({'|'.join(RISING)})$"
MONITOR_DESCRIPTION = (
    "quantity to watch: train or dev, _, then cost, loss, accuracy, f1, precision, recall, rmse, mae or r2"
)


def rising(monitor: str) -> bool:
    """Whether larger values of a recorded quantity, such as `dev_accuracy`, are better."""
    return RISING[monitor.split("_", 1)[1]]


class EarlyStopping(Section):
    """Stop when a recorded quantity no longer improves, and end on the best parameters."""

    patience: int = Field(10, ge=1, description="epochs without improvement before training stops")
    min_delta: float = Field(0.0, ge=0, description="an improvement counts only beyond this, in the monitor's unit")
    monitor: str = Field(
        "auto",
        pattern=f"^auto$|{MONITOR_PATTERN}",
        description=f"{MONITOR_DESCRIPTION}; auto: what evaluation.optimize names, or dev_loss",
    )
    mode: Literal["auto", "min", "max"] = Field(
        "auto", description="whether smaller or larger is better; auto: as the quantity says"
    )
    start_epoch: int = Field(
        1, ge=1, description="first epoch that counts, from 1; those before are neither the best nor waited for"
    )


class Training(Section):
    """The budget of the run."""

    epochs: int = Field(100, ge=1, le=10_000_000, description="passes over the training set")
    class_weight: Literal["balanced"] | dict[str, Annotated[float, Field(gt=0)]] | None = Field(
        None,
        description="how much the examples of a class count in the training cost: a number per class name (1 for "
        "those left out), or balanced, which lets every class count the same; evaluation is never weighted",
    )
    early_stopping: EarlyStopping | None = Field(None, description="unset: train for all epochs, keep the last")

    @model_validator(mode="after")
    def _some_epoch_counts(self) -> "Training":
        stopping = self.early_stopping
        if stopping is not None and stopping.start_epoch > self.epochs:
            raise ValueError(
                f"early_stopping.start_epoch is {stopping.start_epoch:,}, but epochs is {self.epochs:,}, so no epoch "
                f"could be the best; expected at most {self.epochs:,}"
            )
        return self
