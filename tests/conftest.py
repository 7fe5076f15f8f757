"""Fixtures shared by all tests. Warnings are errors: see pyproject.toml."""

import numpy as np
import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits

# The same examples in every run, and no limit of time per example: a busy machine is no failure.
settings.register_profile("dlspec", deadline=None, derandomize=True)
settings.load_profile("dlspec")


@pytest.fixture(scope="session", autouse=True)
def _one_blas_thread():
    """The order of BLAS's sums depends on the number of threads."""
    with threadpool_limits(limits=1, user_api="blas"):
        yield


@pytest.fixture
def rng():
    return np.random.default_rng(20240229)
