"""`augmentation`: how training images are changed anew in every epoch."""

from typing import Annotated

from pydantic import Field

from dlspec.config.section import Section


class Crop(Section):
    """Zeros around the image, then a part of the old size from a random place: a shift in whole pixels."""

    padding: int = Field(ge=1, description="zeros on each side, in pixels; less than the image is high and wide")


class Elastic(Section):
    """Random displacements, uniform in ±1, smoothed by a Gaussian and scaled (Simard, Steinkraus, Platt, 2003)."""

    alpha: float = Field(gt=0, description="scale of the displacements in pixels; 34 for 28 x 28 digits in the paper")
    sigma: float = Field(gt=0, description="standard deviation of the Gaussian in pixels; 4 in the paper")


class Augmentation(Section):
    """Changes of training images that keep the label. All are off by default; dev and test are never changed."""

    horizontal_flip: float = Field(0.0, ge=0, le=1, description="probability to mirror left and right; 0 to 1")
    crop: Crop | None = Field(None, description="random crop of the padded image")
    rotation: float = Field(
        0.0, ge=0, le=180, description="turned about the centre by up to so many degrees to either side; 0 to 180"
    )
    shift: Annotated[int, Field(ge=0)] | Annotated[float, Field(ge=0, lt=1)] = Field(
        0, description="moved by up to so much in each direction: pixels, or below 1 a fraction of the image's side"
    )
    elastic: Elastic | None = Field(None, description="elastic distortion")
    noise: float = Field(
        0.0, ge=0, description="standard deviation of Gaussian noise, in the unit of the file (0 to 255 for bytes)"
    )
