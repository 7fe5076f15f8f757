"""`training`: how long."""

from pydantic import Field

from dlspec.config.section import Section

# What metrics.jsonl records of a split, and whether a larger value is better.
RISING = {"accuracy": True, "f1": True, "r2": True, "cost": False, "loss": False, "rmse": False, "mae": False}
MONITOR_PATTERN = f"^(train|dev)_({'|'.join(RISING)})$"


class EarlyStopping(Section):
    """Stop when a recorded quantity no longer improves, and end on the best parameters."""

    patience: int = Field(10, ge=1, description="epochs without improvement before training stops")
    min_delta: float = Field(0.0, ge=0, description="an improvement counts only beyond this, in the monitor's unit")
    monitor: str = Field(
        "dev_loss",
        pattern=MONITOR_PATTERN,
        description="quantity to watch: train or dev, _, then cost, loss, accuracy, f1, rmse, mae or r2",
    )


class Training(Section):
    """The budget of the run."""

    epochs: int = Field(100, ge=1, le=10_000_000, description="passes over the training set")
    early_stopping: EarlyStopping | None = Field(None, description="unset: train for all epochs, keep the last")
