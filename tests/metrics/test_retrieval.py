from __future__ import annotations

import ir_measures
import numpy as np
import pytest
from ir_measures import AP, RR, Success, nDCG

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


def test_ndcg_by_hand() -> None:
    gains = np.array([[3.0, 0.0, 1.0, 2.0]])
    # found: 1 / log2(2) + 3 / log2(3); best: 3 / log2(2) + 2 / log2(3)
    found, best = 1 + 3 / np.log2(3), 3 + 2 / np.log2(3)
    assert retrieval.ndcg_at_k(np.array([[2, 0, 1, 3]]), gains, 2) == pytest.approx(found / best)
    assert retrieval.ndcg_at_k(np.array([[2, 0, -1, -1]]), gains, 2) == pytest.approx(found / best)
    assert retrieval.ndcg_at_k(np.array([[0, 3, 2, 1]]), gains, 10) == 1.0
    assert retrieval.ndcg_at_k(np.array([[1, -1, -1, -1]]), gains, 10) == 0.0


@pytest.mark.parametrize("seed", range(5))
def test_figures_agree_with_ir_measures(seed: int) -> None:
    """Rankings of all lengths over 30 items, grades 0..3; every query has something relevant."""
    rng = np.random.default_rng(seed)
    queries, items = 25, 30
    grades = rng.integers(0, 4, (queries, items)) * (rng.random((queries, items)) < 0.2)
    grades[np.arange(queries), rng.integers(0, items, queries)] = 2
    ranking = np.argsort(rng.random((queries, items)), 1)
    lengths = rng.integers(1, items + 1, queries)
    ranking[np.arange(items)[None] >= lengths[:, None]] = -1
    qrels = {f"q{q}": {f"d{d}": int(grades[q, d]) for d in range(items)} for q in range(queries)}
    run = {f"q{q}": {f"d{d}": float(-n) for n, d in enumerate(ranking[q]) if d >= 0} for q in range(queries)}
    measures = [Success @ 1, Success @ 5, Success @ 10, AP, nDCG @ 5, nDCG @ 10, RR]
    theirs = ir_measures.calc_aggregate(measures, qrels, run)
    ranks = retrieval.first_ranks(ranking, grades > 0)
    for k in (1, 5, 10):
        assert retrieval.recall_at_k(ranks, k) == pytest.approx(theirs[Success @ k])
    assert np.mean(np.where(ranks > 0, 1 / np.maximum(ranks, 1), 0)) == pytest.approx(theirs[RR])
    assert retrieval.mean_average_precision(ranking, grades > 0) == pytest.approx(theirs[AP])
    for k in (5, 10):
        assert retrieval.ndcg_at_k(ranking, grades.astype(np.float64), k) == pytest.approx(theirs[nDCG @ k])


@pytest.mark.parametrize("relevant_items", [1, 3, 40])
def test_chance_matches_simulation(relevant_items: int) -> None:
    rng = np.random.default_rng(1)
    relevant = np.zeros((4000, 40), bool)
    relevant[:, :relevant_items] = True
    ranking = np.argsort(rng.random(relevant.shape), 1)
    ranks = retrieval.first_ranks(ranking, relevant)
    assert retrieval.chance_recall(relevant[:1], 5) == pytest.approx(retrieval.recall_at_k(ranks, 5), abs=0.03)
    expected = retrieval.mean_average_precision(ranking, relevant)
    assert retrieval.chance_map(relevant[:1]) == pytest.approx(expected, abs=0.01)


def test_bad_values_are_named() -> None:
    with pytest.raises(InvalidArgument, match="k=0"):
        retrieval.recall_at_k(np.array([1]), 0)
    with pytest.raises(InvalidArgument, match="query 1 has no relevant item"):
        retrieval.mean_average_precision(RANKING[:2], np.array([[1, 0, 0, 0], [0, 0, 0, 0]], bool))
    with pytest.raises(InvalidArgument, match="do not fit"):
        retrieval.first_ranks(RANKING, RELEVANT[:2])
    with pytest.raises(InvalidArgument, match="item 3 of 2"):
        retrieval.average_precisions(RANKING, RELEVANT[:, :2] | True)
    gains = RELEVANT.astype(np.float64)
    with pytest.raises(InvalidArgument, match="k >= 1, got 0"):
        retrieval.ndcg_at_k(RANKING, gains, 0)
    with pytest.raises(InvalidArgument, match="0 or more"):
        retrieval.ndcgs_at_k(RANKING, -gains, 5)
    with pytest.raises(InvalidArgument, match="query 0 has no relevant item"):
        retrieval.ndcgs_at_k(RANKING, gains * 0, 5)
    with pytest.raises(InvalidArgument, match="query 0 has no relevant item"):
        retrieval.chance_average_precisions(np.zeros((1, 3), bool))
