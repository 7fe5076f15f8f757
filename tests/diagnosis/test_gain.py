"""When a change of planted situations counts as help: beyond the noise of the seeds, and large enough to matter."""

import pytest

from benchmarks.diagnosis.running import gain


@pytest.mark.parametrize(
    ("before", "after", "mean", "low", "helps"),
    [
        # Of 0.1, 0.2, 0.3: mean 0.2, standard deviation 0.1, and 4.303·0.1/√3 = 0.2484.
        ((0.5, 0.5, 0.5), (0.4, 0.3, 0.2), 0.2, -0.0484, False),
        # Of 0.19, 0.2, 0.21: 4.303·0.01/√3 = 0.02484.
        ((0.5, 0.5, 0.5), (0.31, 0.3, 0.29), 0.2, 0.17516, True),
        ((0.02, 0.02, 0.02), (0.016, 0.016, 0.016), 0.004, 0.004, False),  # less than half a percent
        ((0.1, 0.1, 0.1), (0.2, 0.2, 0.2), -0.1, -0.1, False),
    ],
)
def test_the_differences_seed_by_seed_are_more_than_their_noise(before, after, mean, low, helps):
    found = gain(before, after)
    assert found.mean == pytest.approx(mean)
    assert found.low == pytest.approx(low, abs=1e-4)
    assert found.helps == helps
