"""`evaluation`: what counts as good."""

from typing import Literal

from pydantic import Field

from dlspec.config.section import Section


class Evaluation(Section):
    """The metric that is reported and the yardsticks of the diagnosis."""

    metric: Literal["auto", "accuracy", "f1", "rmse", "mae", "r2"] = Field(
        "auto",
        description="accuracy or f1 (macro) for classes and labels, rmse, mae or r2 for regression; "
        "auto: accuracy or rmse",
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
