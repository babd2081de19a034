"""Array modules and blocks of a grid."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from megacurie.foundation.arrays import blocks, namespace


def test_numpy_unless_another_module_is_there() -> None:
    assert namespace() is np
    assert namespace(1.0, 2, np.float64(3), np.ones(2)) is np
    assert namespace(jnp.ones(2)) is jnp
    assert namespace(1.0, np.ones(2), np.float64(1), jnp.float32(1)) is jnp
    assert namespace("text", None) is np


@given(size=st.integers(0, 1000), row=st.integers(0, 300), budget=st.integers(1, 1000))
def test_blocks_cover_the_range_within_the_budget(size: int, row: int, budget: int) -> None:
    parts = list(blocks(size, row, budget))
    assert [i for part in parts for i in range(size)[part]] == list(range(size))
    for part in parts:
        n = part.stop - part.start
        assert n == 1 or n * row <= budget  # at least one row, however long


@pytest.mark.parametrize("row", [1, 1000, 10**9])
def test_default_budget_is_a_megabyte(row: int) -> None:
    first = next(iter(blocks(10**6, row)))
    assert (first.stop - first.start) * row * 8 <= 2**20 or first.stop == 1
