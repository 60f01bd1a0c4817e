from __future__ import annotations

import numpy as np
import pytest

from sherd.errors import InvalidArgument
from sherd.metrics import retrieval

RELEVANT = np.array([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0]], bool)
RANKING = np.array([[1, 0, 3, 2], [1, 0, 2, 3], [0, 1, -1, -1]])


def test_first_ranks_by_hand() -> None:
    assert retrieval.first_ranks(RANKING, RELEVANT).tolist() == [2, 1, 0]


def test_mean_average_precision_by_hand() -> None:
    # (1/2 + 2/3) / 2, then 1, then 0 for what was not found
    assert retrieval.mean_average_precision(RANKING, RELEVANT) == pytest.approx(((0.5 + 2 / 3) / 2 + 1 + 0) / 3)


def test_map_agrees_with_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    relevant = rng.random((20, 30)) < 0.2
    relevant[:, 0] = True
    ranking = np.argsort(rng.random((20, 30)), 1)
    total = 0.0
    for q in range(20):
        found, precision = 0, 0.0
        for place, item in enumerate(ranking[q], 1):
            if relevant[q, item]:
                found += 1
                precision += found / place
        total += precision / relevant[q].sum()
    assert retrieval.mean_average_precision(ranking, relevant) == pytest.approx(total / 20)


def test_chance_matches_simulation() -> None:
    rng = np.random.default_rng(1)
    relevant = np.zeros((1, 40), bool)
    relevant[0, :3] = True
    draws = [retrieval.first_ranks(rng.permutation(40)[None], relevant)[0] <= 5 for _ in range(4000)]
    assert retrieval.chance_recall(relevant, 5) == pytest.approx(np.mean(draws), abs=0.03)
    assert 0.02 < retrieval.chance_map(relevant) < 0.25


def test_bad_values_are_named() -> None:
    with pytest.raises(InvalidArgument, match="k=0"):
        retrieval.recall_at_k(np.array([1]), 0)
    with pytest.raises(InvalidArgument, match="query 1 has no relevant item"):
        retrieval.mean_average_precision(RANKING[:2], np.array([[1, 0, 0, 0], [0, 0, 0, 0]], bool))
    with pytest.raises(InvalidArgument, match="do not fit"):
        retrieval.first_ranks(RANKING, RELEVANT[:2])
