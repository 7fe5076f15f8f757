"""`report.md`: the exact text of small reports, and that names out of data files stay text."""

import copy
import re

import pytest

from dlspec.report.markdown import MATRIX_UP_TO, render

CLASSIFICATION = {
    "format": 1,
    "name": "cats",
    "task": "classification",
    "message": "no improvement of dev_loss for 10 epochs (best 0.25 after epoch 12)",
    "parameters": "best",
    "epoch": 12,
    "human_level_error": 0.01,
    "diagnosis": {
        "verdict": "high variance",
        "gaps": [
            {"name": "bias", "value": -0.01, "low": -0.01, "high": 0.005, "threshold": 0.02, "judgement": "fine"},
            {"name": "variance", "value": 0.25, "low": 0.1, "high": 0.4, "threshold": 0.02, "judgement": "high"},
        ],
        "next_steps": ["get more training data", "regularize: L2 or dropout"],
        "notes": ["no test set: there is no unbiased estimate of the error"],
    },
    "splits": [
        {
            "split": "train",
            "examples": 1234,
            "cost": 0.5,
            "loss": 0.125,
            "accuracy": 1.0,
            "f1": 1.0,
            "error": 0.0,
            "error_std": 0.0,
            "classes": [
                {"class": "no", "examples": 1000, "precision": 1.0, "recall": 1.0, "f1": 1.0},
                {"class": "yes", "examples": 234, "precision": 1.0, "recall": 1.0, "f1": 1.0},
            ],
            "confusion_matrix": [[1000, 0], [0, 234]],
        },
        {
            "split": "dev",
            "examples": 4,
            "cost": 0.75,
            "loss": 0.333333333,
            "accuracy": 0.75,
            "f1": 0.7333333333,
            "error": 0.25,
            "error_std": 0.2165,
            "classes": [
                {"class": "no", "examples": 2, "precision": 1.0, "recall": 0.5, "f1": 2 / 3},
                {"class": "yes", "examples": 2, "precision": 2 / 3, "recall": 1.0, "f1": 0.8},
            ],
            "confusion_matrix": [[1, 1], [0, 2]],
        },
    ],
    "segments": [{"epoch": 0, "step": 0, "changes": []}],
    "warnings": ["features constant in training, so that they become 0: border"],
}

CLASSIFICATION_TEXT = """\
# cats

**Verdict: high variance.** No improvement of dev_loss for 10 epochs (best 0.25 after epoch 12); \
the numbers are of epoch 12 (best parameters).

## Results

| split | examples | accuracy |       f1 |    loss | cost |
|-------|---------:|---------:|---------:|--------:|-----:|
| train |    1,234 | 100.00 % | 100.00 % |   0.125 |  0.5 |
| dev   |        4 |  75.00 % |  73.33 % | 0.33333 | 0.75 |

## Bias and variance

Error is the share of wrong examples; human-level error is 1.00 %.

| error       |   value |     95 % interval |
|-------------|--------:|------------------:|
| human level |  1.00 % |                   |
| train       |  0.00 % |  0.00 % to 0.31 % |
| dev         | 25.00 % | 4.56 % to 69.94 % |

| gap      |    value |        95 % interval | high from | judgement |
|----------|---------:|---------------------:|----------:|----------:|
| bias     |  -1.00 % |   -1.00 % to +0.50 % |    2.00 % |      fine |
| variance | +25.00 % | +10.00 % to +40.00 % |    2.00 % |      high |

- no test set: there is no unbiased estimate of the error

## What to try next

1. get more training data
2. regularize: L2 or dropout

## Classes on dev

| class | examples | precision |   recall |      F1 |
|-------|---------:|----------:|---------:|--------:|
| no    |        2 |  100.00 % |  50.00 % | 66.67 % |
| yes   |        2 |   66.67 % | 100.00 % | 80.00 % |

Confusion matrix (rows: true class, columns: predicted class):

|     | no | yes |
|-----|---:|----:|
| no  |  1 |   1 |
| yes |  0 |   2 |

## Warnings

- features constant in training, so that they become 0: border
"""

REGRESSION = {
    "format": 1,
    "name": "houses",
    "task": "regression",
    "message": "200 epochs",
    "parameters": "last",
    "epoch": 200,
    "human_level_error": 0.0,
    "diagnosis": {
        "verdict": "low bias, low variance",
        "gaps": [
            {"name": "bias", "value": 0.015, "low": 0.01, "high": 0.02, "threshold": 0.02, "judgement": "fine"},
        ],
        "next_steps": [],
        "notes": [],
    },
    "splits": [
        {
            "split": "train",
            "examples": 442,
            "cost": 1466.123456,
            "loss": 1465.0,
            "rmse": 54.129474,
            "mae": 43.0,
            "r2": 0.985,
            "error": 0.015,
            "error_std": 0.0025,
        }
    ],
    "segments": [{"epoch": 0, "step": 0, "changes": []}],
    "warnings": [],
}

REGRESSION_TEXT = """\
# houses

**Verdict: low bias, low variance.** 200 epochs; the numbers are of epoch 200 (last parameters).

## Results

| split | examples |   rmse | mae |    r2 | loss |   cost |
|-------|---------:|-------:|----:|------:|-----:|-------:|
| train |      442 | 54.129 |  43 | 0.985 | 1465 | 1466.1 |

## Bias and variance

Error is the mean squared error in units of the variance of the training targets; human-level error is 0.00 %.

| error       |  value |    95 % interval |
|-------------|-------:|-----------------:|
| human level | 0.00 % |                  |
| train       | 1.50 % | 1.01 % to 1.99 % |

| gap  |   value |      95 % interval | high from | judgement |
|------|--------:|-------------------:|----------:|----------:|
| bias | +1.50 % | +1.00 % to +2.00 % |    2.00 % |      fine |
"""

HOSTILE = [
    "</script>",
    "<b>bold</b>",
    "a|b",
    "a\nb",
    "a\r\n\n# heading",
    "\x1b[31mred\x1b[0m",
    "\x9b31m",
    "\u202egnp.exe",
    "[x](y)",
    "![x](y)",
    "**bold** _it_ ~~gone~~",
    "`code`",
    "&lt;",
    "\\|",
    "\\",
    "\u2028line",
    "\x00",
    "",
    "x" * 10_000,
]


def test_a_classification():
    assert render(CLASSIFICATION) == CLASSIFICATION_TEXT


def test_a_regression():
    assert render(REGRESSION) == REGRESSION_TEXT


def test_what_was_asked_for_and_the_layers():
    layer = {"layer": 1, "activation": "a|b", "mean": 0.5, "std": 1.25, "dead": 0.03, "saturated": None}
    finding = {"name": "dead", "layer": 1, "epoch": 2, "value": 0.93, "threshold": 0.5, "message": "dead_units"}
    report = CLASSIFICATION | {
        "selection": {
            "optimize": "f1", "value": 0.75, "model_kb": 2500.0,
            "limits": [
                {"limit": "recall >= 0.5", "value": 0.75, "met": True},
                {"limit": "predict_ms <= 5", "value": None, "met": None},
            ],
        },
        "health": {"findings": [finding], "initial": [], "last": [layer]},
    }  # fmt: skip
    text = render(report)
    for lines in (
        "| asked for         | limit |              on dev |\n",
        "| best f1           |       |                0.75 |\n",
        "| recall \\>= 0.5    |   met |                0.75 |\n",
        "| predict\\_ms \\<= 5 |       | see dlspec diagnose |\n",
        "The parameters take 2.5 MB.\n",
        "- dead\\_units (layer 1, epoch 2: 0.93, threshold 0.5)\n",
        "At the end:\n\n| layer | activation | mean | spread | dead |\n",
        "| 1     |       a\\|b |  0.5 |   1.25 |  3 % |\n",
    ):
        assert lines in text, lines
    assert "Nothing stands out.\n" in render(report | {"health": {"findings": [], "initial": [], "last": [layer]}})


def test_without_dev_the_classes_are_those_of_the_last_split():
    report = copy.deepcopy(CLASSIFICATION)
    report["splits"] = [report["splits"][1] | {"split": name} for name in ("train", "test")]
    assert re.findall("^## Classes on .*$", render(report), flags=re.MULTILINE) == ["## Classes on test"]


@pytest.mark.parametrize(("classes", "shown"), [(MATRIX_UP_TO, True), (MATRIX_UP_TO + 1, False)])
def test_a_matrix_too_wide_to_read_is_left_out(classes, shown):
    report = copy.deepcopy(CLASSIFICATION)
    row = report["splits"][1]["classes"][0]
    for split in report["splits"]:
        split["classes"] = [row | {"class": f"c{number}"} for number in range(classes)]
        split["confusion_matrix"] = [[1] * classes for _ in range(classes)]
    assert ("Confusion matrix" in render(report)) == shown
    assert f"| c{classes - 1} " in render(report)


def with_name(name):
    report = copy.deepcopy(CLASSIFICATION)
    for split in report["splits"]:
        split["classes"][1]["class"] = name
    report["warnings"] = [f"classes without a training example: {name}"]
    return report


def unescaped(line):
    """The line without its backslash escapes: what is left may be markup."""
    return re.sub(r"\\[!-/:-@\[-`{-~]", "", line)


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_hostile_names_stay_text(name):
    lines, plain = render(with_name(name)).split("\n"), render(with_name("yes")).split("\n")
    assert len(lines) == len(plain)
    for line, plain_line in zip(lines, plain, strict=True):
        assert line.isprintable()
        left, plain_left = unescaped(line), unescaped(plain_line)
        assert left.count("|") == plain_left.count("|")  # as many cells
        assert left.count("\\") == 0
        for markup in "<>`[]&*":
            assert left.count(markup) == plain_left.count(markup)


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("</script>", r"\</script\>"),
        ("a|b", r"a\|b"),
        ("a\nb", "a·b"),
        ("\x1b[31m", r"·\[31m"),
        ("\u202egnp", "·gnp"),
        ("[x](y)", r"\[x\]\(y\)"),
        ("größe 1", "größe 1"),
    ],
)
def test_how_a_hostile_name_is_written(name, cell):
    text = render(with_name(name))
    assert re.search(rf"^\| {re.escape(cell)} +\| +2 \|", text, flags=re.MULTILINE)
    assert f"- classes without a training example: {cell}\n" in text
