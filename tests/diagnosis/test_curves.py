"""What curves say, at both sides of every threshold."""

import math

import pytest

from dlspec.diagnosis.curves import curve_findings, trend_of


def rows_of(train, dev=None, *, cost=None, spikes=()):
    rows = [
        {
            "epoch": epoch,
            "step": 10 * epoch,
            "train_loss": loss,
            "train_cost": loss if cost is None else cost[epoch - 1],
        }
        for epoch, loss in enumerate(train, start=1)
    ]
    for row, loss in zip(rows, dev or (), strict=False):
        row["dev_loss"] = loss
    for epoch, spike in spikes:
        rows[epoch - 1]["spikes"] = [spike]
    return rows


def samples_of(ratios, *, every=100):
    return [
        {"epoch": number, "step": number * every, "layers": [{"update_ratio": ratio}]}
        for number, ratio in enumerate(ratios)
    ]


def found(rows, samples=(), *, underfits=True, overfits=True, descent=False, ends=True):
    findings = curve_findings(
        rows, trend_of(rows, samples), underfits=underfits, overfits=overfits, descent=descent, ends=ends
    )
    return {finding.name: finding for finding in findings}


def falling(share, n=30):
    """Falls on a line by this share of its mean over the last third."""
    slope = share / (n / 3 - 1)
    return [1 + slope * ((n - n / 3 / 2 - 0.5) - epoch) for epoch in range(n)]


@pytest.mark.parametrize("share", [0.0, 0.04, 0.06, 0.3])
def test_the_fall_is_that_of_the_last_third(share):
    rows = rows_of(falling(share))
    assert trend_of(rows, []).fall == pytest.approx(share, abs=1e-9)
    assert ("cost still falling" in found(rows)) == (share > 0.05)
    assert found(rows, underfits=False) == {}


@pytest.mark.parametrize(("swing", "there"), [(0.01, False), (0.02, False), (0.04, True), (0.5, True)])
def test_a_loss_that_jumps_up_and_down_oscillates(swing, there):
    rows = rows_of([1 + swing * (-1) ** epoch for epoch in range(30)])
    assert ("oscillating cost" in found(rows)) == there


def test_a_steep_fall_is_no_oscillation():
    assert "oscillating cost" not in found(rows_of([0.8**epoch for epoch in range(30)]))


@pytest.mark.parametrize(
    ("ratios", "moved"),
    [
        ([1e-3, 1e-3], 0.1),
        ([1e-2, 1e-2, 1e-2], 2.0),
        ([1e-2, 0.0], 0.5),
        ([1e-2], math.inf),
        ([], math.inf),
        ([None, 1e-2], 0.5),
    ],
)
def test_the_way_that_the_weights_have_moved(ratios, moved):
    rows, samples = rows_of([1.0] * 10), samples_of(ratios)
    assert trend_of(rows, samples).moved == pytest.approx(moved)
    assert ("steps too small" in found(rows, samples)) == (moved < 1)


def test_the_way_is_that_of_the_median_layer():
    layers = [{"update_ratio": ratio} for ratio in (1e-9, 1e-2, 5.0)]
    samples = [{"epoch": epoch, "step": 100 * epoch, "layers": layers} for epoch in (0, 1)]
    assert trend_of(rows_of([1.0]), samples).moved == pytest.approx(1.0)


@pytest.mark.parametrize(("ups", "there"), [(0, False), (1, False), (3, True)])
def test_the_cost_may_not_rise_under_descent_descent(ups, there):
    cost = [1 / epoch for epoch in range(1, 42)]
    for up in range(ups):
        cost[5 + 5 * up] = cost[4 + 5 * up] * 1.01
    rows = rows_of([1.0] * 41, cost=cost)
    findings = found(rows, descent=True)
    assert ("rising cost" in findings) == there
    assert "rising cost" not in found(rows, descent=False)
    if there:
        assert (findings["rising cost"].epoch, findings["rising cost"].value) == (6, 3 / 40)


def test_rounding_is_no_rise():
    assert found(rows_of([1 + 1e-6 * epoch for epoch in range(30)]), descent=True) == {}


@pytest.mark.parametrize(("end", "there"), [(0.54, False), (0.56, True)])
def test_curves_that_part_are_told_with_their_epoch(end, there):
    train = [1 / epoch for epoch in range(1, 21)]
    dev = [1.0, 0.8, 0.6, 0.5, *(0.5 + (end - 0.5) * epoch / 16 for epoch in range(1, 17))]
    findings = found(rows_of(train, dev), underfits=False)
    assert ("diverging curves" in findings) == there
    if there:
        assert findings["diverging curves"].epoch == 4
        assert findings["diverging curves"].value == pytest.approx(end / 0.5 - 1)
    assert found(rows_of(train, dev), underfits=False, ends=False) == {}  # the best epoch is the result
    assert found(rows_of(train, dev), underfits=False, overfits=False) == {}  # no example is lost by it


def test_where_both_rise_nothing_parts():
    assert "diverging curves" not in found(rows_of([0.5, 1.0, 2.0], [0.5, 1.0, 2.0]))


def test_spikes_count_where_the_network_underfits():
    rows = rows_of(
        [1.0] * 5, spikes=[(2, {"step": 12, "loss": 6.0, "usual": 2.0}), (4, {"step": 40, "loss": 8.0, "usual": 1.0})]
    )
    finding = found(rows)["loss spikes"]
    assert (finding.epoch, finding.value) == (4, 8.0)
    assert finding.message == "2 loss spikes; the highest is 8 times the usual loss, at step 40"
    assert found(rows, underfits=False) == {}


@pytest.mark.parametrize("losses", [[1.0], [1.0, 0.5], [0.0, 0.0, 0.0]])
def test_short_runs_say_nothing(losses):
    assert found(rows_of(losses)) == {}
