"""What `probe.check` refuses, by name, wherever it lies; and that it refuses nothing else."""

import os
import platform
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import h5py
import hostile
import numpy as np
import pytest

from dlspec.data import hdf5, limited, probe
from dlspec.errors import DataError

ELSEWHERE = "is stored in another file; expected an array in this one"
STORED_WHOLE = "; expected arrays that are stored whole, or packed less than 500 to 1"
REFUSALS = {
    "soft_link": "is a link; expected an array stored under that name",
    "external_link": "is a link to another file; expected an array in this one",
    "user_defined_link": "is a link; expected an array stored under that name",
    "external_storage": ELSEWHERE,
    "virtual": ELSEWHERE,
    "virtual_of_itself": ELSEWHERE,
    "unknown_filter": "is packed by filter 32001; expected gzip, lzf, shuffle or fletcher32",
    "scale_offset": "is packed by filter 6; expected gzip, lzf, shuffle or fletcher32",
    "name_with_a_slash": "is a name that HDF5 does not allow; the file is damaged or hostile",
    "chunked_4_tib": f"declares {2**42} bytes, in a file of SIZE{STORED_WHOLE}",
    "contiguous_4_tib": f"declares {2**42} bytes, in a file of SIZE{STORED_WHOLE}",
    "text_4_tib": f"declares {2**42} bytes, in a file of SIZE{STORED_WHOLE}",
    "chunk_of_2_gib": f"declares {2**31} bytes, in a file of SIZE{STORED_WHOLE}",
    "zeros_packed_1000_to_1": f"declares {2**27} bytes, in a file of SIZE{STORED_WHOLE}",
}


def refusal(path):
    with pytest.raises(DataError) as caught:
        probe.check(path)
    (line,) = caught.value.problems
    assert line.startswith(f"{path}: ")
    return line.removeprefix(f"{path}: ")


@pytest.fixture
def path(tmp_path):
    os.mkfifo(tmp_path / "other")  # where a link leads to: opening it would wait for ever
    return tmp_path / "a.h5"


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("kind", REFUSALS)
def test_hostile_things_are_refused_by_name(kind, depth, path):
    name = hostile.write(path, kind, depth=depth).replace("thing", "thi/g" if kind == "name_with_a_slash" else "thing")
    assert refusal(path) == f"{name} {REFUSALS[kind]}".replace("SIZE", str(path.stat().st_size))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("chunk_that_unpacks_to_1_gib", "cannot be read as HDF5: .*"),
        ("one_text_many_times", "NAME, with a text of 60000 bytes, declares 24000000000 bytes, .*"),
        ("one_long_text", "NAME, with a text of 60000 bytes, declares 12000000000 bytes, .*"),
        ("too_many_names", "holds more than 100 arrays, groups and attributes"),
        ("too_many_attributes", "holds more than 100 arrays, groups and attributes"),
        ("too_deep", "NAME(/a)+ lies within 32 groups; expected less than 32"),
    ],
)
def test_bombs_of_other_kinds_are_refused(kind, message, path, monkeypatch):
    monkeypatch.setattr(probe, "MAX_NAMES", 100)
    name = hostile.write(path, kind, depth=2)
    assert re.fullmatch(message.replace("NAME", name), refusal(path))


def test_the_reader_probes_first(path):
    hostile.write(path, "external_link")
    with pytest.raises(DataError, match="thing is a link to another file"):
        hdf5.read(path)  # although x and y are sound


def test_an_image_in_memory_is_probed_too(path):
    hostile.write(path, "external_link", depth=2)
    with pytest.raises(DataError) as caught:
        probe.check_image(path.read_bytes(), source="last.h5")
    assert str(caught.value) == "last.h5: g1/thing is a link to another file; expected an array in this one"
    with h5py.File.in_memory() as file:
        file["parameters/W1"], file.attrs["progress"] = hostile.X, "{}"
        file.flush()
        image = file.id.get_file_image()
    probe.check_image(image, source="last.h5")


def test_an_image_may_be_larger_than_the_memory_of_the_child(monkeypatch):
    with h5py.File.in_memory() as file:
        file["parameters/W1"] = np.ones((64, 2**18), np.float32)
        file.flush()
        image = file.id.get_file_image()
    monkeypatch.setattr(limited, "EXTRA_BYTES", 32 * 2**20)
    assert len(image) > limited.EXTRA_BYTES
    probe.check_image(image, source="last.h5")


@pytest.mark.parametrize("name", ["\x1b]0;title\x07", "r\u202etl", "a\nb", "</script>", "x" * 10_000])
def test_hostile_names_are_shown_on_one_line(name, path):
    with h5py.File(path, "w") as file:
        file[name] = h5py.SoftLink("/x")
    message = refusal(path)
    assert message.isprintable()
    assert len(message) < 300


def sound(file):
    """Everything that is allowed."""
    text = h5py.string_dtype()
    file["x"], file["y"] = hostile.X, [0, 1, 1]
    for name, options in {
        "gzip": {"compression": "gzip", "shuffle": True, "fletcher32": True},
        "lzf": {"compression": "lzf"},
        "chunked": {"chunks": (1, 2), "maxshape": (None, 2)},
    }.items():
        file.create_dataset(f"packed/{name}", data=hostile.X, **options)
    file["texts/fixed"], file["texts/free"] = np.array([b"a", b"bcd"]), ["größe", ""]
    file["texts/one"], file["texts/none"] = "alone", np.array([], dtype=text)
    file.create_dataset("texts/table", (2, 3), text)
    file.create_dataset("texts/no columns", (2, 0), text)
    file["odd/empty"], file["odd/no rows"] = h5py.Empty("f8"), hostile.X[:0]
    file["odd/type"], file["odd/complex"] = np.dtype("f4"), hostile.X * 1j
    file["odd/ragged"] = np.array([np.arange(2), np.arange(3)], dtype=h5py.vlen_dtype(int))
    file["odd/reference"] = np.array([file["x"].ref], dtype=h5py.ref_dtype)
    file["odd/records"] = np.zeros(3, dtype=[("a", "f8"), ("b", "i4")])
    file["again"], file["packed/circle"] = file["x"], file["/"]
    file["x"].attrs["feature_names"] = ["height", "weight"]
    file["packed"].attrs.update({"n": 3, "empty": h5py.Empty("f4"), "b": b"bytes", "at": file["x"].ref})


@pytest.mark.parametrize("options", [{}, {"libver": "latest"}, {"userblock_size": 512}, {"track_order": True}], ids=str)
def test_sound_files_pass(options, path):
    with h5py.File(path, "w", **options) as file:
        sound(file)
    probe.check(path)
    assert hdf5.read(path).feature_names == ("height", "weight")


def test_a_large_chunk_within_the_limits_can_be_probed(path):
    numbers = np.random.default_rng(0).integers(0, 256, probe.READ_BYTES, dtype=np.uint8)
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=numbers, chunks=numbers.shape, compression=0, shuffle=True, fletcher32=True)
    probe.check(path)
    with h5py.File(path, "r") as file:
        assert np.array_equal(file["x"][...], numbers)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hang_text.h5", "checking it takes more than 1 s; the file is damaged or hostile"),
        ("memory_text.h5", "cannot be read as HDF5: "),
        pytest.param("hang_latest.h5", "checking it takes more than 1 s", marks=pytest.mark.long),
    ],
)
def test_damaged_files_that_once_hung_the_reader(name, words, monkeypatch):
    monkeypatch.setattr(limited, "CPU_SECONDS", 1)
    assert refusal(Path(__file__).parent / "corpus" / name).startswith(words)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's loader says what it loads")
def test_a_planted_plugin_is_never_loaded(tmp_path):
    path, plugins = tmp_path / "a.h5", tmp_path / "plugins"
    hostile.write(path, "unknown_filter")
    plugins.mkdir()
    shutil.copy(h5py.h5z.__file__, plugins / "libplanted.so")

    def loads_it(program):
        log = tmp_path / "log"
        environment = {**os.environ, "HDF5_PLUGIN_PATH": str(plugins), "LD_DEBUG": "files", "LD_DEBUG_OUTPUT": str(log)}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        command = [sys.executable, "-c", program, str(path)]
        assert b"refused" in subprocess.run(command, env=environment, capture_output=True, check=True).stdout
        return any(b"libplanted" in part.read_bytes() for part in tmp_path.glob("log.*"))

    head = "import sys, pathlib; path = pathlib.Path(sys.argv[1])\n"
    ours = "from dlspec.data import hdf5\ntry: hdf5.read(path)\nexcept Exception: print('refused')"
    bare = "import h5py\ntry: h5py.File(path)['thing'][...]\nexcept Exception: print('refused')"
    assert not loads_it(head + ours)
    assert loads_it(head + bare)  # so the test can tell


def test_other_threads_do_no_harm(path):
    """A thread that reads HDF5 all the time holds h5py's lock most of the time."""
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros((300, 100))
    stop = threading.Event()

    def read():
        with h5py.File(path, "r") as file:
            while not stop.is_set():
                file["x"][...]

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            probe.check(path)
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)
    assert not any(thread.is_alive() for thread in threads)
