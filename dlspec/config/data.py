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


class Split(Section):
    """How examples are divided into train, dev and test."""

    ratios: str = Field(
        "auto",
        pattern=r"^(auto|[0-9.]+/[0-9.]+(/[0-9.]+)?)$",
        description="percent for train/dev/test such as 60/20/20, or train/dev such as 70/30 (no test set); "
        "auto: 60/20/20 below 1,000,000 examples, 98/1/1 up to 10,000,000, 99.5/0.25/0.25 beyond",
    )
    strategy: Literal["auto", "random", "stratified"] = Field(
        "auto",
        description="stratified keeps the share of each class; auto: stratified for classes, else random",
    )
    seed: int | None = Field(None, ge=0, description="seed of the split alone; unset means the experiment's seed")

    @field_validator("ratios")
    @classmethod
    def _ratios_add_up(cls, ratios: str) -> str:
        if ratios != "auto":
            parse_ratios(ratios)
        return ratios


def _check_cut(split: Split, *, dev_is_given: bool) -> None:
    """What `split` may say beside sets that exist already: how to cut a missing dev set from train."""
    if dev_is_given:
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
    classes: list[str] | None = Field(
        None,
        min_length=2,
        description="class names in order; labels are these texts or positions in this list from 0; "
        "unset means what is found in the training file",
    )

    @model_validator(mode="after")
    def _columns_have_one_meaning(self) -> "_File":
        targets = [self.target] if isinstance(self.target, str) else self.target or []
        for position, name in enumerate(targets):
            if name in targets[:position]:
                raise ValueError(f"target names {name} twice; expected different columns")
        if self.sample_weight in targets:
            raise ValueError(f"sample_weight is {self.sample_weight}, which is a target; expected another column")
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
    dev: str | None = Field(None, min_length=1, description="dev file")
    test: str | None = Field(None, min_length=1, description="test file")
    split: Split | None = Field(  # type: ignore[assignment] # None: nothing is cut from the files given
        None, description="ratios train/dev, to cut a dev set from the training file"
    )

    @model_validator(mode="after")
    def _split_cuts_dev(self) -> "SplitFiles":
        if self.split is not None:
            _check_cut(self.split, dev_is_given=self.dev is not None)
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
        description="division into train, dev and test; with dev or test given only ratios train/dev, "
        "to cut a missing dev set from train",
    )

    @model_validator(mode="before")
    @classmethod
    def _one_set_is_split(cls, value: Any) -> Any:
        if isinstance(value, dict) and not any(value.get(key) for key in ("split", "dev", "test")):
            return {**value, "split": {}}
        return value

    @model_validator(mode="after")
    def _split_cuts_dev(self) -> "Synthetic":
        if self.split is not None and (self.dev or self.test):
            _check_cut(self.split, dev_is_given=self.dev is not None)
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
