"""What a planted situation is, and the verdicts there are."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.diagnosis import files

HEALTHY = "low bias, low variance"
BIAS = "high bias"
VARIANCE = "high variance"
BOTH = "high bias, high variance"
MISMATCH = "data mismatch"
TOO_FEW = "too few examples to tell"


@dataclass(frozen=True, slots=True)
class Situation:
    """One planted situation.

    Attributes:
        name: the data, and what is planted.
        base: text of the experiment that it is planted in.
        overrides: that plant it.
        verdicts: those that are right; several where the planted fault allows them.
    """

    name: str
    base: str
    overrides: tuple[str, ...]
    verdicts: tuple[str, ...]

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is wrong, so that any finding is a false alarm."""
        return HEALTHY in self.verdicts

    @property
    def is_faulty(self) -> bool:
        """Whether there is something that an action can make better."""
        return not {HEALTHY, TOO_FEW} & set(self.verdicts)

    def write(self, place: Path) -> Path:
        """Its experiment file, and the data it needs, in a directory."""
        config = place / "experiment.yaml"
        config.write_text(self.base.replace("DATASETS", str(files.DATASETS)))
        files.write(self.base, place)
        return config


def planted(
    bases: dict[str, str], base: str, verdicts: tuple[str, ...], faults: dict[str, tuple[str, ...]]
) -> list[Situation]:
    """Several faults of one kind in one base, by what is planted."""
    return [Situation(f"{base}: {name}", bases[base], overrides, verdicts) for name, overrides in faults.items()]
