"""Files that are wrong: experiments and data that no command can use.

Each table maps a name to what is wrong. Whoever finds another way adds one line.
"""

import os

import numpy as np

from .commands import write, write_table

MOONS = "data: {synthetic: moons, examples: 40}\nseed: 3\nbatch_size: 8\n"
TINY = MOONS + "architecture: {layers: [{units: 2}]}\ncheckpoint: {every_steps: 2}\ntraining: {epochs: 3}\n"
IMAGES = "data: {path: images.npz}\naugmentation: {shift: 1}\ntraining: {epochs: 1}\n"
TABLE = "data: {path: good.csv}\ntraining: {epochs: 1}\n"

# Content of an experiment file, and a word that the message must hold beside the name of the file.
CONTENTS = {
    "empty": (b"", "empty"),
    "blank": (b"\n \n# nothing\n", "empty"),
    "null": (b"null", "empty"),
    "binary": (bytes(range(256)), "UTF-8"),
    "nul": (b"seed: 1\0", "control character"),
    "escape": (b"name: \x1b]0;x\x07", "control character"),
    "quoted-escape": (b'name: "\\e[31m"', "control character"),
    "utf-16": ("seed: 1".encode("utf-16"), "UTF-8"),
    "latin-1": ("name: jalapeño".encode("latin-1"), "UTF-8"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(600), "UTF-8"),
    "png": (b"\x89PNG\r\n\x1a\n", "UTF-8"),
    "huge": (b"# " + b"x" * 300_000, "256 kB"),
    "list": (b"- seed: 1", "a list"),
    "scalar": (b"42", "42"),
    "prose": (b"this is no experiment", "found"),
    "json-list": (b"[]", "list"),
    "deep": (b"[" * 100, "nested"),
    "many": (b"data: [" + b"1," * 20_000 + b"]", "more than"),
    "open-quote": (b'name: "x', "never closed"),
    "open-bracket": (b"data: {synthetic: moons", "opened"),
    "tab": (b"data:\n\tsynthetic: moons", "tab"),
    "anchor": (b"seed: &a 1", "anchors"),
    "alias": (b"seed: *a", "aliases"),
    "tag": (b"seed: !!python/object:os.system 1", "tags"),
    "merge": (b"data:\n  <<: {seed: 1}", "merge"),
    "twice": (b"seed: 1\nseed: 2", "already given"),
    "documents": (b"seed: 1\n---\nseed: 2", "second document"),
    "number-key": (b"1: 2", "as a key"),
    "list-key": (b"[1]: 2", "as a key"),
    "long-number": (b"seed: " + b"9" * 5_000, "more than 40"),
    "overflow": (b"seed: 1e999", "too large"),
    "no-data": (b"seed: 1", "data"),
    "unknown-key": (MOONS.encode() + b"optimiser: adam", "optimizer"),
    "long-key": (MOONS.encode() + b"x" * 900 + b": 1", "unknown key"),
    "wrong-kinds": (MOONS.encode() + b"training: {epochs: many}\nthreads: [1]\noptimizer: 3", "epochs"),
    "not-finite": (MOONS.encode() + b"optimizer: {name: sgd, learning_rate: .nan}", "learning_rate"),
    "two-sources": (b"data: {synthetic: moons, path: x.csv}", "exclude each other"),
    "path-in-name": (MOONS.encode() + b"name: ../../x", "name"),
}

# `data:` of an experiment, and a word of the message beside the file.
DATA = {
    "missing": ("{path: nowhere.csv}", "nowhere.csv"),
    "all-missing": ("{train: no1.csv, dev: no2.csv, test: no3.csv}", "no3.csv"),
    "directory": ("{path: dir.csv}", "dir.csv"),
    "empty": ("{path: empty.csv}", "empty.csv"),
    "binary": ("{path: binary.csv}", "binary.csv"),
    "latin-1": ("{path: latin.csv}", "latin.csv:2"),
    "header-only": ("{path: header.csv}", "no examples"),
    "one-column": ("{path: column.csv}", "one column"),
    "no-header": ("{path: numbers.csv}", "header"),
    "ragged": ("{path: ragged.csv}", "ragged.csv:3"),
    "gap": ("{path: gap.csv}", "gap.csv:2"),
    "text": ("{path: text.csv}", "text.csv:2"),
    "infinite": ("{path: infinite.csv}", "infinite.csv:2"),
    "names-twice": ("{path: twice.csv}", "two columns"),
    "one-example": ("{path: one.csv}", "one.csv"),
    "one-class": ("{path: same.csv}", "same.csv"),
    "constant-target": ("{path: flat.csv, task: regression}", "flat.csv"),
    "suffix": ("{path: good.xlsx}", "suffix"),
    "loop": ("{path: loop.csv}", "loop.csv"),
    "dangling": ("{path: dangling.csv}", "dangling.csv"),
    "pipe": ("{path: pipe.csv}", "pipe.csv"),
    "device": ("{path: /dev/zero}", "/dev/zero"),
    "below-a-file": ("{path: good.csv/x.csv}", "good.csv/x.csv"),
    "long-name": (f"{{path: {'n' * 300}.csv}}", "nnn.csv"),
    "control-name": ('{path: "a b\\tc.csv"}', r"a b\tc.csv"),
    "no-such-target": ("{path: good.csv, target: lable}", "label"),
    "target-is-weight": ("{path: good.csv, target: label, sample_weight: label}", "sample_weight"),
    "every-column": ("{path: good.csv, target: [a, b, label]}", "every column"),
    "classes-that-differ": ("{path: good.csv, classes: [x, y]}", "good.csv"),
    "x-of-a-csv": ("{path: good.csv, x: a}", "x is given, which CSV does not have"),
    "image-of-a-csv": ("{path: good.csv, image: {mode: grey}}", "image is given"),
    "folder-without-classes": ("{path: dir}", "dir"),
    "no-such-labels": ("{path: x.npy}", "y.npy"),
    "not-hdf5": ("{path: not.h5}", "not.h5"),
    "empty-hdf5": ("{path: empty.h5}", "empty.h5"),
    "not-npz": ("{path: not.npz}", "not.npz"),
    "pickle": ("{path: pickle.npz}", "pickle.npz"),
    "no-array": ("{path: images.npz, x: pixels}", "pixels"),
    "lengths": ("{path: lengths.npz}", "lengths.npz"),
    "ratios": ("{path: good.csv, split: {ratios: 50/20/20}}", "90"),
    "other-columns": ("{train: good.csv, dev: text.csv}", "text.csv"),
    "dev-and-split": ("{train: good.csv, dev: good.csv, split: {ratios: 80/20}}", "dev"),
}

FILES = {
    "empty.csv": b"",
    "binary.csv": bytes(range(256)),
    "latin.csv": "a,b\n1,é\n".encode("latin-1"),
    "header.csv": b"a,b\n",
    "column.csv": b"a\n1\n2\n",
    "numbers.csv": b"1.5,2.5\n1.2,0\n",
    "ragged.csv": b"a,b\n1,0\n1\n2,1\n",
    "gap.csv": b"a,b\n,0\n2,1\n",
    "text.csv": b"a,b\nhello,0\n2,1\n",
    "infinite.csv": b"a,b\ninf,0\n2,1\n",
    "twice.csv": b"a,a\n1,0\n2,1\n",
    "one.csv": b"a,b\n1,0\n",
    "same.csv": b"a,b\n" + b"1,0\n" * 20,
    "flat.csv": b"a,b\n" + b"".join(b"%d,7\n" % x for x in range(20)),
    "good.xlsx": b"PK",
    "not.h5": b"no HDF5",
    "empty.h5": b"",
    "not.npz": b"no archive",
    "wrong.png": b"",
    "x.npy": b"no array",
}


def build(place):
    """All of them in a directory that is empty, and three experiments in which nothing is wrong."""
    for name, text in (("tiny", TINY), ("images", IMAGES), ("table", TABLE)):
        write(place / f"{name}.yaml", text)
    for name, (content, _) in CONTENTS.items():
        (place / f"content-{name}.yaml").write_bytes(content)
    for name, (data, _) in DATA.items():
        augmented = "augmentation: {shift: 1}\n" if name in ("no-array", "lengths") else ""
        write(place / f"data-{name}.yaml", f"data: {data}\n{augmented}")
    for name, content in FILES.items():
        (place / name).write_bytes(content)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 5, 5), np.uint8)
    np.savez(place / "images.npz", x=images, y=np.arange(40) % 2)
    np.savez(place / "lengths.npz", x=images, y=np.arange(7) % 2)
    np.savez(place / "pickle.npz", x=images, y=np.array([{}] * 40))
    np.savez(place / "start.npz", W1=np.zeros((9, 9)))
    for name in ("good.csv", "train.csv"):
        write_table(place / name, ["cat", "dog"])
    for suffix in ("yaml", "csv"):
        (place / f"dir.{suffix}").mkdir()
        (place / f"loop.{suffix}").symlink_to(f"loop.{suffix}")
        (place / f"dangling.{suffix}").symlink_to("nowhere")
        os.mkfifo(place / f"pipe.{suffix}")
    (place / "dir").mkdir()
    (place / "dir.png").mkdir()
    (place / "link.csv").symlink_to("good.csv")
    (place / "loop").symlink_to("loop")
    (place / "dangling").symlink_to("nowhere")
    os.mkfifo(place / "pipe")
