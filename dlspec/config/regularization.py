"""`regularization`: what keeps the network from fitting the noise of the training set."""

from pydantic import Field

from dlspec.config.section import Section


class Regularization(Section):
    """Penalties on the weights (never on biases), inverted dropout, and limits of weights and gradients."""

    l2: float = Field(0.0, ge=0, description="λ2 of the penalty (λ2/2m) Σ‖W‖²; 0 is none")
    l1: float = Field(0.0, ge=0, description="λ1 of the penalty (λ1/m) Σ|W|; 0 is none")
    keep_prob: float = Field(
        1.0,
        gt=0,
        le=1,
        description="probability to keep a hidden unit, for every layer that sets none of its own",
    )
    input_keep_prob: float = Field(1.0, gt=0, le=1, description="probability to keep an input feature")
    max_norm: float | None = Field(
        None, gt=0, description="limit of the norm of each unit's weights, applied after each step; unset is none"
    )
    clip_norm: float | None = Field(
        None, gt=0, description="limit of the norm of the whole gradient, applied before each step; unset is none"
    )
    clip_value: float | None = Field(
        None, gt=0, description="limit of each entry of the gradient, applied before clip_norm; unset is none"
    )
