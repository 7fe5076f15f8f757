"""`dlspec overfit`: a sound network memorises a batch; of one that does not, what is wrong is named."""

import numpy as np
import pytest

from dlspec.core.losses import BinaryCrossEntropy

from .commands import files_in, write

GOOD = """\
name: good
seed: 3
data: {synthetic: moons, examples: 200, noise: 0.1}
architecture: {layers: [{units: 32}, {units: 16}]}
optimizer: {name: adam, learning_rate: 0.01}
"""


@pytest.fixture
def run(tmp_path, dlspec):
    """Run it on an experiment: (exit code, what it says)."""

    def run(text, *flags):
        result = dlspec("overfit", write(tmp_path / "a.yaml", text), "--json", *flags)
        return result.code, result.json

    return run


def test_a_sound_network_memorises(run):
    code, found = run(GOOD)
    assert (code, found["memorised"], found["examples"]) == (0, True, 32)
    assert found["parameters"] == 2 * 32 + 32 + 32 * 16 + 16 + 16 + 1
    (attempt,) = found["attempts"]
    assert attempt["loss"] <= found["target"] == pytest.approx(0.01 * np.log(2), rel=1e-3)
    assert 0 < attempt["steps"] < 2000


def test_what_keeps_a_network_from_memorising_is_turned_off(run):
    text = GOOD.replace("{units: 16}", "{units: 16, keep_prob: 0.5, l2: 3.0}") + (
        "regularization: {l2: 100.0, l1: 1.0, keep_prob: 0.3, input_keep_prob: 0.5, max_norm: 0.1}\n"
        "decay: {name: staircase, every: 1, factor: 0.1}\n"
        "training: {class_weight: balanced, early_stopping: {patience: 1}}\n"
    )
    code, found = run(text)
    assert code == 0
    assert found["changes"] == ["regularization and dropout", "class weights", "decay of the learning rate"]
    assert found["attempts"] == run(GOOD)[1]["attempts"]  # the same network, batch and steps


@pytest.mark.parametrize(
    ("fault", "verdict", "sign"),
    [
        ("initializer: zeros\n", "the initializer: ", "all 32 units of layer 1 have the same weights"),
        ("initializer: {name: constant, value: 0.1}\n", "the initializer: ", "all 16 units of layer 2"),
        ("optimizer: {name: sgd, learning_rate: 1e-6}\n", "the optimizer or its learning rate: ", None),
        ("optimizer: {name: sgd, learning_rate: 1e6}\n", "the optimizer or its learning rate: ", None),
        ("architecture: {layers: [{units: 1}]}\n", "the network is far too small: ", None),
        ("architecture: {layers: []}\n", "the network is no match for its data: it has no hidden layer", None),
        (
            f"architecture: {{layers: [{', '.join(['{units: 8, activation: sigmoid}'] * 10)}]}}\n",
            "the network is no match for its data: its depth or its activations",
            None,
        ),
    ],
)
def test_a_planted_fault_is_named(run, fault, verdict, sign):
    key = fault.split(":")[0]
    text = "".join(line for line in GOOD.splitlines(keepends=True) if not line.startswith(key)) + fault
    code, found = run(text, "--steps", "600" if "sigmoid" in fault else "2000")
    assert (code, found["memorised"]) == (1, False)
    assert found["verdict"].startswith(verdict)
    assert found["attempts"][-1]["memorised"]
    if sign:
        assert any(line.startswith(sign) for line in found["attempts"][0]["signs"])


def test_shuffled_labels_are_too_much_for_a_small_network(run, tmp_path, rng):
    rows = [f"{a:.5f},{b:.5f},{c}" for (a, b), c in zip(rng.random((60, 2)), rng.integers(0, 2, 60), strict=True)]
    write(tmp_path / "random.csv", "\n".join(["a,b,label", *rows]) + "\n")
    data = "data: {path: random.csv, normalize: standard}\n"
    small = "architecture: {layers: [{units: 2}]}\noptimizer: {name: adam, learning_rate: 0.03}\n"
    code, found = run(data + small, "--steps", "1500")
    assert code == 1
    assert found["attempts"][0]["loss"] > 20 * found["target"]


@pytest.mark.parametrize(("twice", "memorised"), [(8, True), (40, False)])
def test_contradictory_examples(run, tmp_path, twice, memorised):
    """Some inputs stand there twice, with either label: no network has a loss below log 2 on them."""
    rows = [f"{n / 10},{int(n > 19)}" for n in range(40)]
    rows += [f"{n / 10},{int(n <= 19)}" for n in range(20 - twice // 2, 20 + twice // 2)]
    write(tmp_path / "twice.csv", "\n".join(["a,label", *rows]) + "\n")
    text = "data: {train: twice.csv}\narchitecture: {layers: [{units: 32}]}\noptimizer: {learning_rate: 0.05}\n"
    code, found = run(text, "--examples", "80")
    assert found["constant"] == pytest.approx(np.log(2), rel=1e-6)
    assert found["unavoidable"] == pytest.approx(2 * twice / (40 + twice) * np.log(2), rel=1e-6)
    assert (code, found["memorised"]) == (1 - memorised, memorised)
    assert found["verdict"].startswith("the network memorises" if memorised else "the data contradict themselves")


def test_nothing_to_memorise(tmp_path, dlspec):
    rows = [f"{n},{2.5 if n < 99 else 3.5}" for n in range(100)]
    write(tmp_path / "t.csv", "\n".join(["a,y", *rows]) + "\n")
    config = write(tmp_path / "a.yaml", "data: {train: t.csv, task: regression}\nbatch_size: all\nseed: 2\n")
    result = dlspec("overfit", config, "--examples", "2")
    assert (result.code, result.err.strip().endswith("these 2 examples have the same target; take more")) == (2, True)


def test_a_wrong_gradient_is_called_a_bug(run, monkeypatch):
    right = BinaryCrossEntropy.bind

    def wrong(self, *arguments):
        losses_and_gradient = right(self, *arguments)

        def planted(Z, Y):
            losses, dZ = losses_and_gradient(Z, Y)
            np.negative(dZ, out=dZ)
            return losses, dZ

        return planted

    monkeypatch.setattr(BinaryCrossEntropy, "bind", wrong)
    code, found = run(GOOD, "--steps", "50")
    assert code == 1
    assert found["verdict"].startswith("a bug: a gradient is wrong; dlspec gradcheck ")


def test_it_writes_nothing_and_says_the_same_twice(run, tmp_path):
    write(tmp_path / "a.yaml", GOOD)
    before = files_in(tmp_path)
    assert run(GOOD) == run(GOOD)
    assert files_in(tmp_path) == before


@pytest.mark.parametrize("task", ["regression", "labels", "classes"])
def test_every_task(run, tmp_path, rng, task):
    x = rng.standard_normal((50, 4))
    targets = {
        "regression": ("y,z", [f"{100 * a:.3f},{b:.3f}" for a, b in rng.standard_normal((50, 2))]),
        "labels": ("y,z", [f"{a},{'' if a and b else b}" for a, b in rng.integers(0, 2, (50, 2))]),
        "classes": ("y", ["abc"[c] for c in rng.integers(0, 3, 50)]),
    }
    head, cells = targets[task]
    rows = [f"{','.join(f'{v:.4f}' for v in row)},{cell}" for row, cell in zip(x, cells, strict=True)]
    write(tmp_path / "t.csv", "\n".join([f"a,b,c,d,{head}", *rows]) + "\n")
    kind = {"regression": "regression", "labels": "multi_task", "classes": "classification"}[task]
    target = f"[{head.replace(',', ', ')}]" if "," in head else head
    text = f"data: {{path: t.csv, task: {kind}, target: {target}}}\narchitecture: {{layers: [{{units: 64}}]}}\n"
    code, found = run(text + "optimizer: {name: adam, learning_rate: 0.05}\n", "--examples", "16")
    assert (code, found["memorised"], found["examples"]) == (0, True, 16)


def test_the_text(tmp_path, dlspec):
    result = dlspec("overfit", write(tmp_path / "a.yaml", GOOD + "initializer: zeros\n"))
    assert result.code == 1
    lines = result.out.splitlines()
    assert lines[0].startswith("32 examples, 641 parameters; memorised at a loss of 0.00693")
    assert any(line.startswith("verdict  the initializer: ") for line in lines)
    assert lines[-1].endswith("--set 'initializer=he'")
