"""`checkpoint`: how often the state of a run is written, and how much of it stays."""

from pydantic import Field

from dlspec.config.section import Section


class Checkpoint(Section):
    """When a run can go on from after a crash; an ordinary end or a signal always writes a checkpoint."""

    every_steps: int | None = Field(None, ge=1, description="steps between two checkpoints; unset: by the clock alone")
    every_seconds: float | None = Field(
        10.0, ge=0, description="seconds between two checkpoints; null: by steps alone, or only at the end"
    )
    keep: int = Field(2, ge=1, description="how many checkpoints by every_steps stay, the newest first")
