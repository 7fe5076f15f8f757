"""`data`: where the examples come from, how they are split and normalised."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from dlspec.config.section import Section

Task = Literal["auto", "classification", "regression", "multi_task"]


def parse_ratios(text: str) -> tuple[float, ...]:
    """`60/20/20` → (0.6, 0.2, 0.2): train, dev and test; `70/30` → (0.7, 0.3): train and dev, no test.

    Raises:
        ValueError: not two or three positive numbers that add up to 100.
    """
    try:
        parts = [float(part) for part in text.split("/")]
    except ValueError:
        parts = []
    if len(parts) not in (2, 3) or not all(0 < part < 100 for part in parts):
        raise ValueError("expected train/dev/test in percent such as 60/20/20, or train/dev such as 70/30")
    if abs(sum(parts) - 100) > 1e-9:
        raise ValueError(f"the ratios add up to {sum(parts):g}; expected 100")
    return tuple(part / 100 for part in parts)


def parse_percent(text: str) -> float:
    """`2%` → 0.02.

    Raises:
        ValueError: no percentage between 0 and 100.
    """
    try:
        share = float(text.removesuffix("%")) if text.endswith("%") else 0.0
    except ValueError:
        share = 0.0
    if not 0 < share < 100:
        raise ValueError("expected a percentage between 0 and 100 such as 2%")
    return share / 100


BYTES = {"kB": 10**3, "MB": 10**6, "GB": 10**9}


def parse_memory(text: str) -> int:
    """`512MB` → 512,000,000 bytes.

    Raises:
        ValueError: no size.
    """
    number, unit = text[:-2], text[-2:]
    try:
        size = int(float(number) * BYTES[unit])
    except (ValueError, KeyError):
        size = 0
    if size < 1:
        raise ValueError("expected a size such as 512MB or 2GB")
    return size


BY_COLUMN = ("group", "time", "hash")


class Split(Section):
    """How examples are divided into train, dev and test."""

    ratios: str = Field(
        "auto",
        pattern=r"^(auto|[0-9.]+/[0-9.]+(/[0-9.]+)?)$",
        description="percent for train/dev/test such as 60/20/20, or train/dev such as 70/30 (no test set); "
        "auto: 60/20/20 below 1,000,000 examples, 98/1/1 up to 10,000,000, 99.5/0.25/0.25 beyond",
    )
    strategy: Literal["auto", "random", "stratified", "group", "time", "hash"] = Field(
        "auto",
        description="stratified keeps the share of each class; group keeps all rows of a value of column in one "
        "split; time puts the oldest into train and the newest into test; hash goes by the value of column alone, so "
        "that rows stay where they are when others are added; auto: stratified for classes, else random",
    )
    column: str | None = Field(
        None,
        min_length=1,
        description="CSV, TSV column or HDF5, NPZ array that group, time and hash go by; a column that a split goes by "
        "is no feature",
    )
    column_is_feature: bool = Field(False, description="whether the column that the split goes by is a feature too")
    seed: int | None = Field(
        None, ge=0, lt=2**64, description="seed of the split alone; unset means the experiment's seed"
    )
    train_dev: str | None = Field(
        None,
        pattern=r"^[0-9.]+%$",
        description="percentage of the training examples that is set aside as train-dev, such as 2%; not trained on, "
        "it tells variance from data mismatch; unset means none",
    )
    file: str | None = Field(
        None,
        min_length=1,
        description="file written by dlspec split that says which row is in which split, relative to the experiment "
        "file; in place of ratios, strategy, column, seed and train_dev",
    )

    @field_validator("ratios")
    @classmethod
    def _ratios_add_up(cls, ratios: str) -> str:
        if ratios != "auto":
            parse_ratios(ratios)
        return ratios

    @field_validator("train_dev")
    @classmethod
    def _a_share(cls, train_dev: str | None) -> str | None:
        if train_dev is not None:
            parse_percent(train_dev)
        return train_dev

    @model_validator(mode="after")
    def _one_way_to_split(self) -> "Split":
        unset = {"ratios": "auto", "strategy": "auto", "column": None, "seed": None, "train_dev": None}
        if self.file is not None:
            for key, value in unset.items():
                if getattr(self, key) != value:
                    raise ValueError(f"file and {key} are given; leave out {key}, for the file says how it was split")
        elif self.strategy in BY_COLUMN and self.column is None:
            raise ValueError(f"strategy is {self.strategy}, which goes by a column; expected column")
        elif self.strategy not in BY_COLUMN and self.column is not None:
            raise ValueError(f"column is {self.column}, but strategy is {self.strategy}; expected group, time or hash")
        elif self.strategy == "hash" and self.ratios == "auto":
            raise ValueError(
                "strategy is hash, which needs fixed ratios to be stable; expected ratios such as 80/10/10"
            )
        if self.column_is_feature and self.column is None and self.file is None:
            raise ValueError("column_is_feature is given, but no column; expected column, or file")
        return self


def _check_cut(split: Split, *, given: set[str]) -> None:
    """What `split` may say beside sets that exist already: how to cut a missing dev or train-dev set from train."""
    if split.file is not None:
        raise ValueError(f"split.file is {split.file}, which divides one file; expected path in place of train")
    if split.train_dev is not None and "train_dev" in given:
        raise ValueError("both train_dev and split.train_dev are given; leave out one of them")
    if split.ratios == "auto" and split.train_dev is not None:
        return
    if "dev" in given:
        raise ValueError("both dev and split are given; leave out split, or dev to have it cut from train")
    if split.ratios.count("/") != 1:
        raise ValueError(f"split.ratios is {split.ratios}; expected train/dev such as 80/20, to cut dev from train")


class Image(Section):
    """What the images of a folder are brought to."""

    size: Annotated[list[Annotated[int, Field(ge=1, le=4096)]], Field(min_length=2, max_length=2)] | None = Field(
        None,
        description="[height, width] in pixels that images are resized to, without regard to their proportions; "
        "unset means that all have one size already",
    )
    mode: Literal["rgb", "grey"] = Field("rgb", description="rgb: (h, w, 3); grey: (h, w), brightness alone")


class Columns(Section):
    """How columns of a table that are not all numbers become features."""

    missing: Literal["error", "mean", "median"] | float = Field(
        "error",
        description="what a missing number, truth value or date becomes: mean or median of the training split, or a "
        "number (of a date, of days since the first in train); a missing category is no category; error: refused",
    )
    indicator: bool = Field(
        False, description="whether a column with missing training cells also becomes a feature that is 1 where missing"
    )
    types: dict[str, Literal["number", "category", "boolean", "date", "ignore"]] = Field(
        default_factory=dict,
        description="what columns hold, by name; ignore: no feature; unset means what the cells of a column look like",
    )
    date_parts: list[Literal["year", "month", "day", "weekday", "hour"]] = Field(
        default_factory=list, description="features of every date beside the days since the first in train"
    )


class _Prepared(Section):
    split: Split = Field(Split(), description="division into train, dev and test")
    normalize: Literal["standard", "scale", "none"] = Field(
        "standard",
        description="standard: (x − mean)/std of the training split; scale: x/255, for images; none: as it is",
    )


class _File(_Prepared):
    task: Task = Field(
        "auto",
        description="auto: classification for text labels or whole numbers with at most 100 different values, "
        "else regression; multi_task: several labels 0 or 1 per example, missing where empty, NaN or -1",
    )
    target: str | Annotated[list[str], Field(min_length=1)] | None = Field(
        None, description="CSV, TSV, Parquet: column to predict, or a list of columns; unset means the last one"
    )
    sample_weight: str | None = Field(
        None,
        description="CSV, TSV, Parquet column, HDF5, NPZ array or NPY file of how much each training example counts "
        "in the cost, greater than 0; unset means 1 for all; evaluation is never weighted",
    )
    x: str = Field("x", description="HDF5, NPZ: name of the array of inputs, examples first")
    y: str = Field(
        "y",
        description="HDF5, NPZ: name of the array of targets; NPY, IDX: name of their file, beside that of the inputs; "
        "unset there means y_train.npy for x_train.npy, train-labels-idx1-ubyte for train-images-idx3-ubyte",
    )
    image: Image | None = Field(None, description="folder of images: what they are brought to")
    memory: str | None = Field(
        None,
        pattern=r"^[0-9.]+(kB|MB|GB)$",
        description="HDF5, Parquet, NPY: the examples are read in parts while training, in at most so much memory, "
        "such as 512MB; unset means that all of them are in memory",
    )
    columns: Columns | None = Field(
        None,
        description="CSV, TSV, Parquet: how columns that are not all numbers become features; unset means that all are "
        "complete columns of numbers",
    )
    classes: list[str] | None = Field(
        None,
        min_length=2,
        description="class names in order; labels are these texts or positions in this list from 0; "
        "unset means what is found in the training file",
    )

    @field_validator("memory")
    @classmethod
    def _a_size(cls, memory: str | None) -> str | None:
        if memory is not None:
            parse_memory(memory)
        return memory

    @model_validator(mode="after")
    def _columns_have_one_meaning(self) -> "_File":
        targets = [self.target] if isinstance(self.target, str) else self.target or []
        for position, name in enumerate(targets):
            if name in targets[:position]:
                raise ValueError(f"target names {name} twice; expected different columns")
        if self.sample_weight in targets:
            raise ValueError(f"sample_weight is {self.sample_weight}, which is a target; expected another column")
        column = None if self.split is None else self.split.column
        if column is not None and column in (*targets, self.sample_weight):
            meaning = "a target" if column in targets else "sample_weight"
            raise ValueError(f"split.column is {column}, which is {meaning}; expected another column")
        return self

    @model_validator(mode="after")
    def _labels_of_a_multi_task(self) -> "_File":
        if self.task == "multi_task" and self.classes is not None:
            raise ValueError("classes are given, but a multi_task has none; leave out classes or task")
        if self.task == "multi_task" and self.split is not None and self.split.strategy == "stratified":
            raise ValueError("split.strategy is stratified, which needs classes; expected random for a multi_task")
        return self


class OneFile(_File):
    """All examples in one file; `split` divides it."""

    path: str = Field(
        min_length=1,
        description="CSV, TSV, Parquet, HDF5, NPZ, NPY, IDX or CIFAR-10 file, or folder of images, "
        "relative to the experiment file",
    )


class SplitFiles(_File):
    """Files that are already split. A missing dev set is cut from train only where `split` asks for it."""

    train: str = Field(min_length=1, description="training file, relative to the experiment file")
    train_dev: str | None = Field(
        None, min_length=1, description="train-dev file: of the distribution of train, but not trained on"
    )
    dev: str | None = Field(None, min_length=1, description="dev file")
    test: str | None = Field(None, min_length=1, description="test file")
    split: Split | None = Field(  # type: ignore[assignment] # None: nothing is cut from the files given
        None,
        description="what is cut from the training file: a missing dev set by ratios train/dev, a missing train-dev "
        "set by train_dev",
    )

    @model_validator(mode="after")
    def _split_cuts_dev(self) -> "SplitFiles":
        if self.split is not None:
            _check_cut(self.split, given={key for key in ("train_dev", "dev") if getattr(self, key) is not None})
        return self


class Drawn(Section):
    """A dev or test set of the same kind as the training set, from a seed of its own."""

    examples: int | None = Field(
        None, ge=2, le=100_000_000, description="number of examples; unset means as many as train"
    )
    noise: float | None = Field(None, ge=0, description="standard deviation of the noise; unset means that of train")
    seed: int = Field(ge=0, lt=2**32, description="seed of the set, another one than that of train")


class Synthetic(_Prepared):
    """A set made on the fly, two classes in the plane. With `dev` or `test` given, train is not split for them."""

    synthetic: Literal["flower", "circles", "moons", "blobs", "gaussian_quantiles", "spirals", "xor", "linear"] = Field(
        description="name of the set"
    )
    examples: int = Field(400, ge=2, le=100_000_000, description="number of examples")
    noise: float | None = Field(
        None, ge=0, description="standard deviation of the noise; unset means the set's own default"
    )
    seed: int | None = Field(None, ge=0, lt=2**32, description="seed of the set; unset means the experiment's seed")
    dev: Drawn | None = Field(None, description="a dev set made apart")
    test: Drawn | None = Field(None, description="a test set made apart")
    split: Split | None = Field(  # type: ignore[assignment] # None: nothing is cut from the sets given
        None,
        description="division into train, dev and test; with dev or test given only what is cut from train: a missing "
        "dev set by ratios train/dev, a train-dev set by train_dev",
    )

    @model_validator(mode="before")
    @classmethod
    def _one_set_is_split(cls, value: Any) -> Any:
        if isinstance(value, dict) and not any(value.get(key) for key in ("split", "dev", "test")):
            return {**value, "split": {}}
        return value

    @model_validator(mode="after")
    def _split_cuts_dev(self) -> "Synthetic":
        if self.split is not None and (self.split.file is not None or self.split.column is not None):
            key = "column" if self.split.file is None else "file"
            raise ValueError(f"split.{key} is given, but {self.synthetic} is made on the fly; leave it out")
        if self.split is not None and (self.dev or self.test):
            _check_cut(self.split, given={"dev"} if self.dev else set())
        return self


def _kind_of(value: Any) -> str:
    """Tell the three forms of `data` apart by the key that only one of them has."""
    for key in ("synthetic", "train"):
        if key in value if isinstance(value, dict) else hasattr(value, key):
            return key
    return "path"


Data = Annotated[
    Annotated[OneFile, Tag("path")] | Annotated[SplitFiles, Tag("train")] | Annotated[Synthetic, Tag("synthetic")],
    Discriminator(_kind_of),
]
