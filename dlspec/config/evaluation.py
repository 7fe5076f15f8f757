"""`evaluation`: what counts as good."""

import re
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from dlspec.config.section import Section

METRICS = ("accuracy", "f1", "precision", "recall", "loss", "rmse", "mae", "r2")
MEASURED = ("predict_ms", "model_kb")  # once, since they are the same in every epoch
LIMIT_PATTERN = rf"^({'|'.join((*METRICS, *MEASURED))}) *(<=|>=) *([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$"


class Limit(NamedTuple):
    """A limit of `subject_to`."""

    name: str
    at_least: bool
    bound: float

    def is_met(self, value: float | None) -> bool | None:
        """Whether a value is within it; None where there is no value."""
        if value is None:
            return None
        return value >= self.bound if self.at_least else value <= self.bound


def parse_limit(text: str) -> Limit:
    """`recall >= 0.9` → (recall, at least, 0.9)."""
    name, bound = re.split("<=|>=", text)
    return Limit(name.strip(), ">=" in text, float(bound))


class Evaluation(Section):
    """The metric that is reported and the yardsticks of the diagnosis."""

    metric: Literal["auto", "accuracy", "f1", "rmse", "mae", "r2"] = Field(
        "auto",
        description="accuracy or f1 (macro) for classes and labels, rmse, mae or r2 for regression; "
        "auto: accuracy or rmse",
    )
    optimize: Literal["accuracy", "f1", "precision", "recall", "loss", "rmse", "mae", "r2"] | None = Field(
        None,
        description="the metric whose value on dev makes the best epoch; the parameters of that epoch are the result; "
        "early stopping waits for it; precision, recall and f1 are means over the classes; unset: dev_loss tells the "
        "best epoch",
    )
    subject_to: list[Annotated[str, Field(pattern=LIMIT_PATTERN)]] = Field(
        [],
        description="limits such as 'recall >= 0.9' or 'predict_ms <= 5': an epoch that meets them on dev is better "
        "than any that does not; a metric that optimize may name, predict_ms, milliseconds to predict one example, or "
        "model_kb, the size of the parameters in kB",
    )
    every: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        "auto",
        description="epochs from one measurement of train and dev to the next; the first epoch and the last one are "
        "measured too; auto: so many that measuring takes about a thirtieth of the time, with at least 30 measurements "
        "in a run and 5 within any patience",
    )
    train_examples: Annotated[int, Field(ge=1)] | Literal["auto", "all"] = Field(
        "auto",
        description="of a larger training set so many random examples are measured, always the same ones, which takes "
        "less time; all: all of them, as with batch_size all; auto: a twentieth, 2,000 at least and 10,000 at most; "
        "the report measures all in any case",
    )
    test: bool | Literal["auto"] = Field(
        "auto",
        description="whether the report looks at the test split, which is counted in test_uses.jsonl; auto: only where "
        "there is no dev set; dlspec evaluate --split test looks at it whenever you ask",
    )
    human_level_error: float = Field(
        0.0,
        ge=0,
        le=1,
        description="error of a good human or of the best known system, a proxy of Bayes error, as a fraction",
    )
    bias_threshold: float = Field(
        0.02, gt=0, le=1, description="avoidable bias from this on is high, as a fraction of examples"
    )
    variance_threshold: float = Field(
        0.02, gt=0, le=1, description="a gap between dev and train error from this on is high variance"
    )

    @model_validator(mode="after")
    def _limits_need_a_metric(self) -> "Evaluation":
        if self.subject_to and self.optimize is None:
            raise ValueError("subject_to is given, but no optimize; expected the metric to optimize under these limits")
        return self

    @property
    def limits(self) -> list[Limit]:
        """`subject_to`, taken apart."""
        return [parse_limit(text) for text in self.subject_to]


def recorded(evaluation: Evaluation) -> list[str]:
    """The metrics that the choice of the best epoch needs, beside cost and loss."""
    names = [evaluation.optimize, *(limit.name for limit in evaluation.limits)]
    return [name for name in dict.fromkeys(names) if name is not None and name not in ("loss", *MEASURED)]
