"""Whole numbers read by the million, block by block."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, select

from sherd.catalogue.numbers import numbers_of

pairs = Table("pairs", MetaData(), Column("key", Integer), Column("row", Integer))


@pytest.mark.parametrize("at_once", [1, 3, 10, 11, 100])
def test_blocks_are_ascending_and_hold_each_row_once(at_once: int) -> None:
    rng = np.random.default_rng(at_once)
    keys, rows = rng.permutation(40)[:10], rng.integers(0, 1 << 40, 10)
    engine = create_engine("sqlite://")
    sizes = []

    def taken(block: NDArray[np.int64]) -> NDArray[np.int64]:
        sizes.append(len(block))
        return block

    with engine.begin() as connection:
        pairs.create(connection)
        connection.execute(pairs.insert(), [{"key": int(k), "row": int(r)} for k, r in zip(keys, rows, strict=True)])
        blocks = list(numbers_of(connection, select(pairs.c.key, pairs.c.row), taken, at_once=at_once))
        none = list(numbers_of(connection, select(pairs.c.key).where(pairs.c.key > 99), taken, at_once=at_once))
    engine.dispose()
    order = np.argsort(keys)
    assert np.array_equal(np.concatenate(blocks), np.stack([keys[order], rows[order]], axis=1))
    assert max(sizes) <= at_once
    assert none == []
