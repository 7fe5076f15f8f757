"""Fixtures of the tests of the mathematics."""

import numpy as np
import pytest


@pytest.fixture(scope="module", autouse=True)
def _floating_point_faults_raise():
    """Division by zero, overflow and NaN are errors; underflow is not: e^−200 is rightly 0."""
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        yield
