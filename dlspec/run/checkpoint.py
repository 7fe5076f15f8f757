"""Checkpoints: one file that holds everything that decides the future of a run.

A checkpoint is an HDF5 file (groups `parameters`, `optimizer`, `best`, `normalization`) behind a
user block of 512 bytes, which any HDF5 tool skips. The block says how long the HDF5 part is and
what its SHA-256 is; both are checked before HDF5 sees a byte, since HDF5 opens most damaged files
without a word: of 1,500 files with 1 to 4 flipped bits, 1,361 loaded with different numbers.

Weights are stored in the shape of the course, `W1 (n_out, n_in)`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from dlspec.core.arrays import Array
from dlspec.core.parameters import Parameters
from dlspec.data.table import damage_as_data_error
from dlspec.errors import DataError, RunError
from dlspec.run import storage
from dlspec.training.events import TrainingState
from dlspec.training.plateau import PlateauState
from dlspec.training.spikes import Spike, SpikeState
from dlspec.training.stopping import Best

FORMAT = 2
OLDEST_FORMAT = 1
HEADER_BYTES = 512  # the smallest user block that HDF5 allows
GROUPS = ("parameters", "optimizer", "best", "normalization")
ARRAYS = {"vector", "optimizer", "best_vector"}  # of a state, with groups of their own; the rest is its progress

Content = Literal["last", "best", "snapshot"]
NOWHERE: Mapping[str, int] = {"segment": 1, "metrics_bytes": 0}


class NewerFormatError(RunError):
    """A checkpoint that a newer dlspec wrote: not damaged, and no reason to fall back to an older one."""


class UnreadableError(RunError):
    """A checkpoint that this user may not read: perhaps whole, and no reason either."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint file holds.

    Attributes:
        parameters: θ and the statistics by name, `W1 (n_out, n_in)`, `b1 (n_out,)`, …
        optimizer: running averages by name, each (P,), laid out like θ in memory.
        best: the same of the best epoch by name; empty in a file that is itself the best.
        normalization: state of the data's normalisation, by name.
        progress: what else the state of the training has: epoch, seen, step, rng, best_epoch, …; and where the run
            stands: its segment, and the bytes of its metrics.
        model: what a reader must know to use the parameters: classes, feature names, …
    """

    parameters: Mapping[str, Array]
    optimizer: Mapping[str, Array]
    best: Mapping[str, Array]
    normalization: Mapping[str, Array]
    progress: Mapping[str, Any]
    model: Mapping[str, Any]


def of_state(
    state: TrainingState,
    parameters: Parameters,
    *,
    normalization: Mapping[str, Array],
    model: Mapping[str, Any],
    content: Content = "last",
    standing: Mapping[str, int] = NOWHERE,
) -> Checkpoint:
    """The checkpoint of a trainer's state.

    Args:
        state: copied out of the trainer.
        parameters: the layout of θ.
        normalization: state of the data's normalisation.
        model: description of the model.
        content: `last` is everything that continues the run; `best` and `snapshot` hold parameters alone, those
            of the best epoch and those of now.
        standing: for `last`, what a resumed run must know beside the state: `segment`, `metrics_bytes`.
    """
    if content == "best":
        progress = {"epoch": state.best_epoch, "best_epoch": state.best_epoch, "best_value": state.best_value}
    elif content == "snapshot":
        progress = {"epoch": state.epoch}
    else:
        progress = {
            field.name: _plain(getattr(state, field.name)) for field in fields(state) if field.name not in ARRAYS
        } | dict(standing)
    vector = state.best_vector if content == "best" else state.vector
    return Checkpoint(
        parameters=parameters.views_of(vector),
        optimizer=state.optimizer if content == "last" else {},
        best=parameters.views_of(state.best_vector) if content == "last" else {},
        normalization=normalization,
        progress=progress,
        model=model,
    )


def _plain(value: Any) -> Any:
    """A record as a mapping, for JSON."""
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def to_state(checkpoint: Checkpoint, parameters: Parameters, *, source: str) -> TrainingState:
    """The state of a `last` checkpoint: what `of_state` was given.

    Raises:
        RunError: it is of another architecture, or holds no whole state.
    """
    check_shapes(checkpoint.parameters, parameters, source=source)
    check_shapes(checkpoint.best, parameters, source=source)
    try:
        return _state(checkpoint, parameters)
    except (KeyError, TypeError) as error:
        raise RunError(f"{source}: lacks a part of the state of a run; restore it from a copy") from error


def _state(checkpoint: Checkpoint, parameters: Parameters) -> TrainingState:
    progress = checkpoint.progress
    spikes = progress["spikes"]
    return TrainingState(
        epoch=progress["epoch"],
        seen=progress["seen"],
        step=progress["step"],
        vector=_vector(checkpoint.parameters, parameters),
        optimizer=checkpoint.optimizer,
        rng=progress["rng"],
        best_vector=_vector(checkpoint.best, parameters),
        best_epoch=progress["best_epoch"],
        best_value=progress["best_value"],
        waited=progress["waited"],
        best_meets_limits=progress.get("best_meets_limits", True),  # runs before there were limits have none
        plateau=plateau_of(progress["plateau"], epoch=progress["epoch"]),
        spikes=SpikeState(**{**spikes, "found": tuple(Spike(**spike) for spike in spikes["found"])}),
    )


def plateau_of(saved: Mapping[str, Any], *, epoch: int) -> PlateauState:
    """The state of a plateau in a checkpoint after so many epochs."""
    best = Best(**saved["best"])
    # Runs before epochs could go unmeasured have the epochs waited, and those of the cooldown that are left.
    waits_from = epoch - best.waited + saved["cooldown"] if "cooldown" in saved else saved["waits_from"]
    return PlateauState(saved["factor"], best, waits_from)


def _vector(arrays: Mapping[str, Array], parameters: Parameters) -> Array:
    vector = np.empty_like(parameters.vector)
    for name, view in parameters.views_of(vector).items():
        np.copyto(view, arrays[name])
    return vector


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all.

    Raises:
        RunError: the system refused.
    """
    with storage.new_file(path) as file:
        for piece in encode(checkpoint):
            file.write(piece)


def load(path: Path) -> Checkpoint:
    """Read and verify a checkpoint.

    Raises:
        RunError: it is missing, unreadable, damaged, or of a newer format.
    """
    try:
        data = path.read_bytes()
    except PermissionError as error:
        raise UnreadableError(f"{path}: cannot be read: permission denied; check its permissions") from error
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from error
    return decode(data, source=str(path))


def restore(checkpoint: Checkpoint, parameters: Parameters, *, source: str) -> None:
    """Copy the parameters of a checkpoint into θ.

    Raises:
        RunError: they are those of another architecture.
    """
    check_shapes(checkpoint.parameters, parameters, source=source)
    for name, values in checkpoint.parameters.items():
        np.copyto(parameters.values[name], values)


def check_shapes(arrays: Mapping[str, Array], parameters: Parameters, *, source: str) -> None:
    """Refuse arrays that are not those of θ.

    Raises:
        RunError: names the first that differs.
    """
    expected = {spec.name: spec.shape for spec in parameters.specs}
    found = {name: array.shape for name, array in arrays.items()}
    if found != expected:
        name = next(name for name in (*expected, *found) if expected.get(name) != found.get(name))
        raise RunError(
            f"{source}: is of another architecture: {name} has shape {found.get(name)}; "
            f"the configuration of the run expects {expected.get(name)}"
        )


def encode(checkpoint: Checkpoint) -> tuple[bytes, bytes]:
    """The bytes of the file, header and HDF5; the same for the same content."""
    groups = {
        "parameters": checkpoint.parameters,
        "optimizer": checkpoint.optimizer,
        "best": checkpoint.best,
        "normalization": checkpoint.normalization,
    }
    import h5py  # loaded late: most commands read no checkpoint

    # Into BytesIO there is one copy less, but where memory runs out there h5py cannot even close the file.
    with h5py.File.in_memory() as file:
        for group, arrays in groups.items():
            for name, array in arrays.items():
                file[f"{group}/{name}"] = np.ascontiguousarray(array)
        file.attrs["progress"] = json.dumps(checkpoint.progress, allow_nan=False)
        file.attrs["model"] = json.dumps(checkpoint.model, allow_nan=False)
        file.flush()
        image: bytes = file.id.get_file_image()
    return _header(image, FORMAT), image


def decode(data: bytes, *, source: str) -> Checkpoint:
    """The content of a file, after its length and hash have been verified.

    Raises:
        RunError: damaged, no checkpoint, or of a newer format.
    """
    header, image = data[:HEADER_BYTES], data[HEADER_BYTES:]
    number = _format_of(header)
    if number is None:
        raise RunError(f"{source}: is no dlspec checkpoint (its first line is missing); it may be damaged")
    if header != _header(image, max(number, OLDEST_FORMAT)):
        raise RunError(f"{source}: damaged: its length or SHA-256 is not the recorded one; restore it from a copy")
    if number > FORMAT:
        raise NewerFormatError(
            f"{source}: has format {number}; this dlspec reads up to {FORMAT}; install a newer dlspec"
        )
    import h5py

    from dlspec.data import probe

    try:  # whoever writes a checkpoint can write its hash too
        probe.check_image(image, source=source)
        with damage_as_data_error(source, "HDF5"), h5py.File.in_memory(image) as file:
            groups = {
                group: {name: dataset[()] for name, dataset in file[group].items()} if group in file else {}
                for group in GROUPS
            }
            progress, model = json.loads(file.attrs["progress"]), json.loads(file.attrs["model"])
    except DataError as error:
        raise RunError(error.problems) from error
    return Checkpoint(**groups, progress=progress, model=model)


def _header(image: bytes, number: int) -> bytes:
    # The number is hashed too, so that no damage turns one format into another; format 1 did not yet do so. All formats
    # after it keep this header, so that a damaged file is told from one that only a newer dlspec can read.
    digest = hashlib.sha256(b"" if number == 1 else b"%d" % number)
    digest.update(image)
    lines = f"dlspec checkpoint {number}\nbytes {len(image)}\nsha256 {digest.hexdigest()}\n"
    return lines.encode().ljust(HEADER_BYTES, b"\0")


def _format_of(header: bytes) -> int | None:
    first = header.split(b"\n", 1)[0].split(b" ")
    if len(first) != 3 or first[:2] != [b"dlspec", b"checkpoint"] or not first[2].isdigit():
        return None
    return int(first[2])
