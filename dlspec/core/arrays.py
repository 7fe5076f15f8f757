"""Names for the types of arrays."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]  # float32 or float64: the dtype of the run
Labels = npt.NDArray[np.intp]
Shape = tuple[int, ...]  # of one example; a batch has one axis more, in front
