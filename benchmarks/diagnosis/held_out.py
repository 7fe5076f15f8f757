"""Situations that the rules of the diagnosis were not settled with: other data, other strengths, other networks.

What they show is measured and published; a rule that is changed for one of them makes it one of `situations.py`, and
wants a new one here.
"""

from functools import partial

from benchmarks.diagnosis.situation import BIAS, BOTH, HEALTHY, MISMATCH, TOO_FEW, VARIANCE, Situation, planted

# Bayes error of flower, blobs and linear: that of a network of 64-64 units trained on 12,000 examples, on 4,000 others.
BASES = {
    "flower": """\
data: {synthetic: flower, examples: 3000, noise: 0.1}
evaluation: {human_level_error: 0.04}
architecture: {layers: [{units: 32}, {units: 16}]}
optimizer: {name: adam, learning_rate: 0.01}
training: {epochs: 60}
""",
    "blobs": """\
data: {synthetic: blobs, examples: 2000, noise: 0.5}
evaluation: {human_level_error: 0.08}
architecture: {layers: [{units: 24, activation: tanh}]}
optimizer: {name: adam, learning_rate: 0.02}
training: {epochs: 60}
""",
    "quantiles": """\
data: {synthetic: gaussian_quantiles, examples: 2000}
architecture: {layers: [{units: 24}]}
optimizer: {name: momentum, learning_rate: 0.5}
training: {epochs: 60}
""",
    "linear": """\
data: {synthetic: linear, examples: 2000}
evaluation: {human_level_error: 0.055}
architecture: {layers: []}
optimizer: {name: adam, learning_rate: 0.03}
training: {epochs: 30}
""",
    "digits": """\
data: {path: DATASETS/digits.h5, split: {ratios: 60/20/20, seed: 5}}
evaluation: {variance_threshold: 0.05}
architecture: {layers: [{units: 64}]}
regularization: {l2: 2}
optimizer: {name: adam, learning_rate: 0.002}
training: {epochs: 30}
""",
    "cancer": """\
data: {path: DATASETS/breast_cancer.csv, target: diagnosis, split: {ratios: 60/20/20, seed: 5}}
evaluation: {variance_threshold: 0.05}
architecture: {layers: [{units: 8, activation: tanh}]}
regularization: {l2: 0.3}
optimizer: {name: adam, learning_rate: 0.01}
training: {epochs: 40}
""",
    "flipped labels": """\
data: {train: flipped20_train.csv, dev: flipped20_dev.csv}
evaluation: {human_level_error: 0.2}
architecture: {layers: [{units: 12}]}
optimizer: {name: adam, learning_rate: 0.01}
training: {epochs: 40}
""",
    "few digits": """\
data: {train: digits_250.csv, dev: digits_dev.csv}
architecture: {layers: [{units: 200}]}
optimizer: {name: adam, learning_rate: 0.003}
training: {epochs: 60}
""",
    "diabetes": """\
data: {path: DATASETS/diabetes.csv, target: progression, split: {ratios: 50/50, seed: 3}}
evaluation: {human_level_error: 0.45, bias_threshold: 0.1, variance_threshold: 0.25}
architecture: {layers: [{units: 100}]}
optimizer: {name: adam, learning_rate: 0.02}
training: {epochs: 250}
""",
    "noisy moons": """\
data: {synthetic: moons, examples: 4000, noise: 0.2}
evaluation: {human_level_error: 0.029}
architecture: {layers: [{units: 20, batch_norm: true}]}
optimizer: {name: momentum, learning_rate: 0.3}
training: {epochs: 30}
""",
    "circles, deep": """\
data: {synthetic: circles, examples: 4000, noise: 0.05}
evaluation: {human_level_error: 0.024}
architecture: {layers: [{units: 16}, {units: 16}, {units: 16}]}
optimizer: {name: rmsprop, learning_rate: 0.002}
decay: cosine
training: {epochs: 60}
""",
    "moons": """\
data: {synthetic: moons, examples: 50, noise: 0.35, dev: {seed: 9, examples: 2000}}
architecture: {layers: [{units: 100}, {units: 100}]}
optimizer: {name: adam, learning_rate: 0.01}
training: {epochs: 300}
""",
    "another dev": """\
data: {train: moons_train.csv, train_dev: moons_train_dev.csv, dev: moved_dev.csv}
architecture: {layers: [{units: 16}]}
optimizer: {name: adam, learning_rate: 0.01}
training: {epochs: 40}
""",
    "other units": """\
data: {train: grown_train.csv, dev: grown_dev.csv}
architecture: {layers: [{units: 16}]}
optimizer: {name: sgd, learning_rate: 0.3}
training: {epochs: 40}
""",
}

TANHS = "[" + ", ".join(["{units: 12, activation: tanh}"] * 8) + "]"
SIGMOIDS = "[" + ", ".join(["{units: 24, activation: sigmoid}"] * 5) + "]"

_at = partial(planted, BASES)

HELD_OUT: list[Situation] = [
    *_at("flower", (HEALTHY,), {"healthy": ("data.examples=12000", "training.epochs=30")}),
    *_at("blobs", (HEALTHY,), {"healthy": ("data.examples=8000",)}),
    *_at("quantiles", (HEALTHY,), {"healthy": ()}),
    *_at("linear", (HEALTHY,), {"healthy": ()}),
    *_at("noisy moons", (HEALTHY,), {"healthy": ()}),
    *_at("circles, deep", (HEALTHY,), {"healthy": ()}),
    *_at("digits", (HEALTHY, TOO_FEW), {"healthy": ()}),
    *_at("cancer", (HEALTHY, TOO_FEW), {"healthy": ()}),
    *_at("flipped labels", (HEALTHY,), {"healthy": ()}),
    *_at("other units", (HEALTHY,), {"healthy": ()}),
    *_at(
        "flower",
        (BIAS,),
        {
            "2 units": ("architecture.layers=[{units: 2}]",),
            "2 epochs": ("training.epochs=2",),
            "alpha 3e-5": ("optimizer.learning_rate=3e-5",),
            "alpha 0.5": ("optimizer.learning_rate=0.5",),
            "deep tanh, small": (f"architecture.layers={TANHS}", "initializer=small"),
            "keep_prob 0.3": ("regularization.keep_prob=0.3",),
            "decay too fast": ("decay={name: staircase, factor: 0.1, every: 2}", "optimizer.learning_rate=0.003"),
        },
    ),
    *_at(
        "blobs",
        (BIAS,),
        {
            "no hidden layer": ("architecture.layers=[]",),
            "zeros": ("initializer=zeros",),
            "sgd, alpha 1e-3": ("optimizer={name: sgd, learning_rate: 1e-3}", "training.epochs=30"),
            "L1 of 100": ("regularization.l1=100",),
        },
    ),
    *_at(
        "quantiles",
        (BIAS,),
        {
            "one unit": ("architecture.layers.0.units=1",),
            "L2 of 200": ("regularization.l2=200",),
            "full batch, 30 epochs": ("batch_size=all", "training.epochs=30", "optimizer.learning_rate=0.1"),
            "deep sigmoids": (f"architecture.layers={SIGMOIDS}", "optimizer={name: sgd, learning_rate: 0.3}"),
        },
    ),
    *_at("linear", (BIAS,), {"alpha 1e-5": ("optimizer.learning_rate=1e-5",)}),
    *_at(
        "digits",
        (BIAS, BOTH),
        {
            "3 units": ("architecture.layers.0.units=3",),
            "alpha 3e-6": ("optimizer.learning_rate=3e-6",),
            "max_norm": ("regularization.max_norm=0.05",),
            "huge": ("initializer={name: xavier, gain: 60}",),
            "stopped too early": ("training.early_stopping={patience: 1, min_delta: 0.2}",),
        },
    ),
    *_at("flipped labels", (BIAS,), {"sgd, alpha 1e-3": ("optimizer={name: sgd, learning_rate: 1e-3}",)}),
    *_at(
        "other units",
        (BIAS, BOTH),
        {"unnormalised": ("data.normalize=none", "optimizer={name: sgd, learning_rate: 1e-7}")},
    ),
    *_at(
        "flower",
        (VARIANCE, BOTH),
        {
            "100 examples": (
                "data={synthetic: flower, examples: 100, noise: 0.1, dev: {seed: 9, examples: 2000}}",
                "architecture.layers=[{units: 64}, {units: 64}]",
                "training.epochs=300",
            )
        },
    ),
    *_at("moons", (VARIANCE,), {"50, noise": ()}),
    *_at("few digits", (VARIANCE,), {"250": ()}),
    *_at("diabetes", (VARIANCE,), {"memorized": ()}),
    *_at(
        "digits",
        (VARIANCE,),
        {
            "70 examples": ("data.split.ratios=4/80/16", "regularization.l2=0", "training.epochs=150"),
            "140 examples, deep": (
                "data.split.ratios=8/80/12",
                "regularization.l2=0",
                "architecture.layers=[{units: 128}, {units: 128}]",
                "training.epochs=80",
            ),
        },
    ),
    *_at("another dev", (MISMATCH,), {"moved": ()}),
    *_at(
        "quantiles",
        (TOO_FEW,),
        {"dev of 50": ("data={synthetic: gaussian_quantiles, examples: 1250, split: {ratios: 96/4}}",)},
    ),
    # --- mild faults
    *_at(
        "flower",
        (BIAS,),
        {
            "6 units": ("architecture.layers=[{units: 6}]",),
            "alpha 3e-4": ("optimizer.learning_rate=3e-4", "training.epochs=20"),
            "12 epochs of large batches": ("batch_size=256", "training.epochs=12", "optimizer.learning_rate=0.003"),
        },
    ),
    *_at(
        "quantiles",
        (BIAS,),
        {
            "L2 of 20": ("regularization.l2=20",),
            "sgd, alpha 0.01": ("optimizer={name: sgd, learning_rate: 0.01}", "training.epochs=20"),
            "2 units": ("architecture.layers.0.units=2",),
        },
    ),
    *_at("blobs", (BIAS,), {"3 units": ("architecture.layers.0.units=3",)}),
    *_at(
        "digits",
        (BIAS, BOTH),
        {
            "6 units": ("architecture.layers.0.units=6",),
            "sgd, alpha 0.01": ("optimizer={name: sgd, learning_rate: 0.01}", "training.epochs=15"),
            "keep_prob 0.1": ("regularization.keep_prob=0.1",),
        },
    ),
    # --- two faults at once
    *_at("flower", (BIAS,), {"zeros, alpha 1e-4": ("initializer=zeros", "optimizer.learning_rate=1e-4")}),
    *_at("quantiles", (BIAS,), {"one unit, L2 of 100": ("architecture.layers.0.units=1", "regularization.l2=100")}),
    *_at(
        "digits",
        (BIAS, BOTH),
        {"huge, keep_prob 0.2": ("initializer={name: he, gain: 50}", "regularization.keep_prob=0.2")},
    ),
    *_at(
        "other units",
        (BIAS, BOTH),
        {"unnormalised, 2 units": ("data.normalize=none", "architecture.layers.0.units=2", "optimizer=adam")},
    ),
]
