"""`dlspec data describe`: what is in a file of any format, and what would hurt a training."""

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from .commands import write

M = 400
RNG = np.random.default_rng(0)
A, B = RNG.normal(size=M), RNG.normal(size=M)


def csv_of(columns):
    return "\n".join([",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))])


@pytest.fixture
def table(tmp_path):
    """A table with one of every fault."""
    outlying = B.copy()
    outlying[:3] = 1e6
    columns = {
        "id": [f"u{row}" for row in range(M)],
        "a": A,
        "b": outlying,
        "twin": A * 2 + 1e-4 * B,
        "same": [7] * M,
        "city": ["" if row % 10 == 0 else "Rome" if row % 3 else "Oslo" for row in range(M)],
        "since": ["2024-02-29"] * (M - 1) + ["2023-12-31T12:00"],
        "member": ["yes", "no"] * (M // 2),
        "leak": [row % 50 == 0 for row in range(M)],
        "y": [int(row % 50 == 0) for row in range(M)],
    }
    return write(tmp_path / "a.csv", csv_of(columns))


def test_a_table_with_every_fault(table, dlspec):
    result = dlspec("data", "describe", table, "--json")
    assert result.code == 0, result.err
    found = result.json
    assert (found["format"], found["examples"], found["classes"]) == ("CSV", M, {"0": 392, "1": 8})
    facts = {fact["name"]: fact for fact in found["features"]}
    assert {name: fact["kind"] for name, fact in facts.items()} == {
        **dict.fromkeys(["a", "b", "twin", "same"], "number"),
        **dict.fromkeys(["id", "city"], "category"),
        **dict.fromkeys(["member", "leak"], "boolean"),
        "since": "date",
    }
    assert facts["a"]["mean"] == pytest.approx(A.mean())
    assert facts["a"]["std"] == pytest.approx(A.std())
    assert facts["a"]["median"] == pytest.approx(np.median(A))
    assert (facts["a"]["minimum"], facts["a"]["maximum"]) == (A.min(), A.max())
    assert (facts["city"]["missing"], facts["city"]["categories"]) == (40, [["Rome", 240], ["Oslo", 120]])
    assert (facts["since"]["minimum"], facts["since"]["distinct"]) == (19722.5, 2)
    assert [fact["name"] for fact in found["targets"]] == ["y"]
    assert found["first"][0][1:] == [
        *(f"{A[0]:g}", "1e+06", f"{A[0] * 2 + 1e-4 * B[0]:g}", "7", "", "2024-02-29", "1", "1", "1")
    ]
    assert [(a, b) for a, b, _ in found["duplicates"]] == [("a", "twin"), ("leak", "y")]
    assert found["warnings"] == [
        "leak tells the target y (r = 1.0000): is it known when a prediction is made?",
        "classes with fewer than 10 examples: 1 (8)",
        "classes with less than a tenth of the most frequent: 1 (8); accuracy will flatter, so try "
        "evaluation.metric: f1 and training.class_weight: balanced",
        "missing cells, for data.columns.missing to fill: city (40)",
        "columns that are no numbers, for data.columns: id, city, since, member, leak",
        "nearly a category for every row, for data.columns.types to ignore: id (400)",
        "constant, and so useless: same",
        "nearly the same (|r| > 0.999): a and twin",
        "far outliers (robust z above 10; of 400 rows): b (3); are they mistakes?",
    ]


def test_it_is_shown(table, dlspec):
    result = dlspec("data", "describe", table, "--target", "city")
    assert result.code == 0
    lines = [line.split() for line in result.out.splitlines()]
    assert result.out.startswith(f"{table}: CSV, 400 examples, 9 features\nin memory: ")
    assert ["Rome", "240", "60.0", "%"] in lines
    assert ["since", "date", "0", "2", "2023-12-31", "2024-02-29", "2024-02-28", "2.971", "days", "2024-02-29"] in lines
    assert "warning: missing targets: city (40)" in result.out


def test_a_target_of_text_is_told_as_it_is_learnt(tmp_path, dlspec):
    labels = ["yes", "no", "no", "no"] * (M // 4)
    found = dlspec("data", "describe", write(tmp_path / "a.csv", csv_of({"a": A, "bought": labels})), "--json").json
    assert found["classes"] == {"no": 300, "yes": 100}
    assert found["targets"][0]["kind"] == "category"


def test_without_a_command_there_is_help(dlspec):
    result = dlspec("data")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("Usage: ")
    assert "\n  describe  Tell what is in a file" in result.err


def same_numbers(found):
    return [{key: fact[key] for key in fact if key != "name"} for fact in (*found["features"], *found["targets"])]


def test_every_format_tells_the_same(tmp_path, dlspec):
    x, y = np.column_stack([A, B]), np.array(["cat", "dog", "cat", "owl"] * (M // 4))
    write(tmp_path / "a.csv", csv_of({"x1": A, "x2": B, "y": y}))
    pq.write_table(pa.table({"x1": A, "x2": B, "y": y}), tmp_path / "a.parquet")
    np.savez(tmp_path / "a.npz", x=x, y=y)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"], file["y"] = x, y.astype(object)
    names = ["a.csv", "a.parquet", "a.npz", "x.npy", "a.h5"]
    found = [dlspec("data", "describe", tmp_path / name, "--json").json for name in names]
    for other in found:
        assert other["classes"] == {"cat": 200, "dog": 100, "owl": 100}
        assert same_numbers(other) == same_numbers(found[0])
        assert other["first"] == found[0]["first"]
        assert other["warnings"] == []


def test_numbers_for_classes_have_the_names_of_the_file(tmp_path, dlspec):
    np.savez(tmp_path / "a.npz", x=np.column_stack([A, B]), y=np.arange(M) % 2, classes=["cat", "dog"])
    assert dlspec("data", "describe", tmp_path / "a.npz", "--json").json["classes"] == {"cat": 200, "dog": 200}


def test_a_regression_and_a_file_without_targets(tmp_path, dlspec):
    np.savez(tmp_path / "a.npz", x=np.column_stack([A, B, A]), y=np.column_stack([A, -B]))
    found = dlspec("data", "describe", tmp_path / "a.npz", "--json").json
    assert (found["classes"], [fact["name"] for fact in found["targets"]]) == (None, ["y1", "y2"])
    assert "x2 tells the target y2 (r = -1.0000)" in found["warnings"][1]
    np.savez(tmp_path / "b.npz", x=np.column_stack([A, np.where(A > 2, np.nan, A)]))
    found = dlspec("data", "describe", tmp_path / "b.npz", "--json").json
    assert (found["targets"], found["features"][1]["missing"]) == ([], int((A > 2).sum()))


def test_images_and_their_sheet(tmp_path, dlspec):
    images = RNG.integers(0, 256, (5, 4, 6, 3), dtype=np.uint8)
    for row, image in enumerate(images):
        folder = tmp_path / "pets" / ("cat" if row < 3 else "dog")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{row}.png")
    out = tmp_path / "new" / "sheet.png"
    result = dlspec("data", "describe", tmp_path / "pets", "--out", out)
    assert result.code == 0, result.err
    assert f"{tmp_path / 'pets'}: a folder of images, 5 examples, images 4 x 6 x 3 of uint8" in result.out
    assert "all features: " in result.out
    assert result.out.endswith(f"wrote  {out}\n")
    assert "images 2 x 3 x 3 of uint8" in dlspec("data", "describe", tmp_path / "pets", "--size", "2x3").out
    sheet = np.asarray(Image.open(out)).astype(int)
    factor, gap = 64 // 6, 2
    assert sheet.shape == (2 * (4 * factor + gap) - gap, 10 * (6 * factor + gap) - gap, 3)
    low, high = images.min(), images.max()
    shades = np.rint((images - low.astype(float)) * 255 / (high - low))
    assert np.array_equal(sheet[: 4 * factor : factor, : 6 * factor : factor], shades[0])
    second = 4 * factor + gap
    assert np.array_equal(sheet[second : second + 4 * factor : factor, : 6 * factor : factor], shades[3])
    assert (sheet[second:, 3 * (6 * factor + gap) :] == 255).all()
    again = dlspec("data", "describe", tmp_path / "pets", "--out", out)
    assert (again.code, "already there" in again.err) == (2, True)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--target", "z"), "no column 'z'"),
        (("--out", "sheet.jpg"), "expected a name that ends in .png"),
        (("--out", "sheet.png"), "the inputs are no images, of which a sheet could be drawn"),
    ],
)
def test_errors(flags, message, table, dlspec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = dlspec("data", "describe", table, *flags)
    assert (result.code, result.out) == (2, "")
    assert message in result.err


def test_names_cannot_steer_a_terminal(tmp_path, dlspec):
    write(tmp_path / "a.csv", "a\x1b[2J,y\nx\x1b,q\x07\nz,r\n")
    result = dlspec("data", "describe", tmp_path / "a.csv")
    assert result.code == 0
    assert result.out.replace("\n", "").isprintable()
