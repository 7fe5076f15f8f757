"""`initializer: from_file`: start values out of an NPZ file, a checkpoint or a run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dlspec.core.arrays import Array
from dlspec.core.parameters import Parameters, ParameterSpec
from dlspec.data import npz
from dlspec.errors import DataError
from dlspec.run import checkpoint, checkpoints


def read(path: Path) -> dict[str, Array]:
    """Arrays by name: `W1 (n_out, n_in)`, `b1 (n_out,)`, …; Python objects are never unpickled.

    A run gives the parameters it ended on.

    Raises:
        DataError: missing, damaged, or of another format.
        RunError: a damaged checkpoint, or a run without one.
    """
    if path.is_dir():
        _, path = checkpoints.of_run(path)
    if path.suffix == ".h5":
        return dict(checkpoint.load(path).parameters)
    with npz.opened(path) as archive:
        return {name: archive[name] for name in archive.files}


def write_into(parameters: Parameters, arrays: Mapping[str, Array], *, source: str) -> None:
    """Copy start values into θ; parameters other than weights may be missing and stay as they are.

    A column `b (n_out, 1)`, as the course keeps it, is taken for `b (n_out,)`.

    Raises:
        DataError: a weight matrix is missing, an array has another shape or is not finite, or a name is unknown.
    """
    specs = {spec.name: spec for spec in parameters.specs}
    unknown = [name for name in arrays if name not in specs]
    if unknown:
        raise DataError(f"{source}: {unknown[0]} is no parameter of this network; expected {', '.join(specs)}")
    for name, spec in specs.items():
        if name in arrays:
            parameters.values[name][...] = _checked(arrays[name], spec, parameters.vector.dtype, source)
        elif spec.kind == "weight":
            raise DataError(f"{source}: has no array {name}; expected one of shape {spec.shape}")


def _checked(array: Array, spec: ParameterSpec, dtype: np.dtype[Any], source: str) -> Array:
    if array.dtype.kind not in "fiu":
        raise DataError(f"{source}: {spec.name} holds {array.dtype}; expected numbers")
    if array.shape == (*spec.shape, 1):
        array = array[..., 0]
    if array.shape != spec.shape:
        hint = "; it looks transposed" if array.shape == spec.shape[::-1] else ""
        raise DataError(f"{source}: {spec.name} has shape {array.shape}; expected {spec.shape}{hint}")
    with np.errstate(over="ignore"):
        array = array.astype(dtype)
    if not np.isfinite(array).all():
        raise DataError(f"{source}: {spec.name} holds numbers that are not finite in {dtype}")
    return array
