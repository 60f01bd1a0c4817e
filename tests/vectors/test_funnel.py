"""How many rows of a large index are scored exactly, and what the others' scores are worth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sherd.types import KeyArray
from sherd.vectors.depths import Depths
from sherd.vectors.exact import ExactIndex
from sherd.vectors.faiss_index import FaissIndex, IndexSettings
from sherd.vectors.segment import Layer
from tests.vectors.batches import clustered

DIM = 32
DEPTHS = Depths(64, 100, 20)
SETTINGS = IndexSettings(exact_limit=100, tail_limit=600, depths=DEPTHS, brute_limit=20)


def _index(kind: str, segments: int) -> FaissIndex:
    index = FaissIndex(DIM, settings=replace(SETTINGS, kind=kind, merge_ratio=9.0))  # type: ignore[arg-type]
    for n in range(segments):
        index.add(np.arange(n * 700, (n + 1) * 700), clustered(700, DIM, n, clusters=10))
    assert len(index.state.layers) == segments
    return index


def _read_exactly(index: FaissIndex) -> list[KeyArray]:
    """Which rows are read by all bytes from now on."""
    read: list[KeyArray] = []
    layers = tuple(
        Layer(replace(layer.segment, soon=lambda rows: read.append(np.array(rows)))) for layer in index.state.layers
    )
    index._state = replace(index.state, layers=layers)
    return read


@pytest.mark.parametrize("segments", [1, 3])
@pytest.mark.parametrize("kind", ["lists", "hnsw"])
def test_of_many_hits_the_first_are_in_exact_order_and_few_rows_are_read(kind: str, segments: int) -> None:
    index = _index(kind, segments)
    read = _read_exactly(index)
    queries = clustered(4, DIM, 9, clusters=10)
    scores, keys = index.search(queries, 150)
    assert sum(rows.size for rows in read) == DEPTHS.exact * len(queries)
    exact = ExactIndex(DIM)
    for n in range(segments):
        exact.add(np.arange(n * 700, (n + 1) * 700), clustered(700, DIM, n, clusters=10))
    true_scores, true_keys = exact.search(queries, 150)
    assert (np.diff(scores, axis=1) <= 0).all()
    for row in range(len(queries)):
        assert np.unique(keys[row]).size == 150
        assert keys[row, :10].tolist() == true_keys[row, :10].tolist()
        assert np.isin(keys[row], true_keys[row]).mean() > 0.95
    assert np.abs(scores - true_scores).max() < 0.03


@pytest.mark.parametrize("kind", ["lists", "hnsw"])
def test_of_few_hits_every_one_is_scored_exactly(kind: str) -> None:
    index = _index(kind, 1)
    queries = clustered(4, DIM, 9, clusters=10)
    scores, keys = index.search(queries, 20)
    exact = ExactIndex(DIM)
    exact.add(np.arange(700), clustered(700, DIM, 0, clusters=10))
    true_scores, true_keys = exact.search(queries, 20)
    assert keys.tolist() == true_keys.tolist()
    assert np.abs(scores - true_scores).max() < 1e-4
