"""The oracle itself, against a naive loop."""

from __future__ import annotations

import numpy as np
import pytest

from sherd.vectors.exact import ExactIndex
from tests.vectors.batches import random_unit


@pytest.mark.parametrize("k", [1, 7, 60, 200])
def test_agrees_with_a_naive_loop(k: int) -> None:
    vectors, queries = random_unit((100, 6), 1), random_unit((4, 6), 2)
    index = ExactIndex(6)
    index.add(np.arange(100) * 3, vectors)
    scores, keys = index.search(queries, k)
    for n, query in enumerate(queries):
        truth = sorted(((float(np.dot(row, query)), -3 * i) for i, row in enumerate(vectors)), reverse=True)[:k]
        assert keys[n, : len(truth)].tolist() == [-key for _, key in truth]
        assert np.allclose(scores[n, : len(truth)], [score for score, _ in truth], atol=1e-6)
        assert (keys[n, len(truth) :] == -1).all()
        assert np.isneginf(scores[n, len(truth) :]).all()


def test_vectors_of_keys_come_back() -> None:
    vectors = random_unit((5, 4))
    index = ExactIndex(4)
    index.add(np.array([9, 1, 4, 2, 7]), vectors)
    index.remove(np.array([1]))
    assert np.array_equal(index.vectors(np.array([7, 9])), vectors[[4, 0]])
    assert 7 in index
    assert 1 not in index
    with pytest.raises(KeyError):
        index.vectors(np.array([1]))
