"""How well a ranking finds what is relevant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sherd.errors import InvalidArgument

FloatRows = NDArray[np.float64]


def first_ranks(ranking: NDArray[np.int64], relevant: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(queries,) rank of the first relevant item, 1 is best, 0 where none is in the ranking.

    Args:
        ranking: (queries, k) item numbers, best first; -1 pads a short ranking.
        relevant: (queries, items) bool.
    Raises:
        InvalidArgument: the shapes do not fit.
    """
    hits = _hits(ranking, relevant)
    return np.where(hits.any(1), hits.argmax(1) + 1, 0).astype(np.int64)


def recall_at_k(ranks: NDArray[np.int64], k: int) -> float:
    """Share of queries whose first relevant item is among the top k.

    Args:
        ranks: (queries,) rank of the first relevant item, 1 is best, 0 when nothing relevant was found.
        k: cut-off, 1 or more.
    Returns:
        0..1. A query with nothing found counts as a miss, so an empty result cannot raise the score.
    Raises:
        InvalidArgument: k is below 1, or there are no queries.
    Source: first-relevant reading of Recall@K, as in image-text retrieval; not recall over all relevant items.

    >>> recall_at_k(np.array([1, 3, 0, 12]), k=5)
    0.5
    """
    if k < 1 or ranks.size == 0:
        raise InvalidArgument(f"recall_at_k needs k >= 1 and at least one query, got k={k}, queries={ranks.size}")
    return float(np.mean((ranks >= 1) & (ranks <= k)))


def average_precisions(ranking: NDArray[np.int64], relevant: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(queries,) average precision of each query, 0..1; what the ranking does not reach counts as not found.

    Args:
        ranking: (queries, k) item numbers, best first; -1 pads.
        relevant: (queries, items) bool; every query needs one relevant item at least.
    Raises:
        InvalidArgument: the shapes do not fit, or a query has nothing relevant.
    Source: Manning, Raghavan, Schuetze 2008, equation 8.8, before its mean over queries.

    >>> average_precisions(np.array([[2, 1, 0]]), np.array([[True, False, True]])).round(4).tolist()
    [0.8333]
    """
    totals = _totals(relevant)
    hits = _hits(ranking, relevant)
    precision = np.cumsum(hits, 1) / np.arange(1, hits.shape[1] + 1)
    # Divided before summing over queries; a query's own order of summing is fixed, so results are reproducible.
    return np.asarray((precision * hits).sum(1) / totals)


def mean_average_precision(ranking: NDArray[np.int64], relevant: NDArray[np.bool_]) -> float:
    """Mean over queries of `average_precisions`, 0..1.

    Raises:
        InvalidArgument: the shapes do not fit, or a query has nothing relevant.
    Source: Manning, Raghavan, Schuetze 2008, equation 8.8.

    >>> mean_average_precision(np.array([[2, 1, 0]]), np.array([[True, False, True]]))
    0.8333333333333333
    """
    return float(average_precisions(ranking, relevant).mean())


def ndcgs_at_k(ranking: NDArray[np.int64], gains: FloatRows, k: int) -> NDArray[np.float64]:
    """(queries,) discounted gain of the first k items of each ranking, as a share 0..1 of the best that k could have.

    Args:
        ranking: (queries, n) item numbers, best first; -1 pads and gains nothing.
        gains: (queries, items) how much each item is worth, 0 or more, for example 1 - tree distance.
        k: cut-off, 1 or more.
    Raises:
        InvalidArgument: k is below 1, the shapes do not fit, a gain is negative or not finite, or a query has no gain.
    Source: Jaervelin and Kekaelaeinen 2002 with the discount log2(rank + 1) of Burges et al. 2005; the gain itself is
        summed, not 2^gain - 1.

    >>> ndcgs_at_k(np.array([[1, 0]]), np.array([[1.0, 0.0]]), k=2).round(4).tolist()
    [0.6309]
    """
    if k < 1:
        raise InvalidArgument(f"ndcg_at_k needs k >= 1, got {k}")
    _check_shapes(ranking, gains)
    if not np.isfinite(gains).all() or (gains < 0).any():
        raise InvalidArgument("gains must be finite and 0 or more")
    _totals(gains > 0)
    discounts = 1 / np.log2(np.arange(2, k + 2))
    best = -np.sort(-gains, axis=1)[:, :k]
    cut = ranking[:, :k]
    found = np.where(cut >= 0, np.take_along_axis(gains, np.maximum(cut, 0), 1), 0.0)
    return np.asarray((found @ discounts[: found.shape[1]]) / (best @ discounts[: best.shape[1]]))


def ndcg_at_k(ranking: NDArray[np.int64], gains: FloatRows, k: int) -> float:
    """Mean over queries of `ndcgs_at_k`, 0..1.

    Raises:
        InvalidArgument: as `ndcgs_at_k`.
    Source: see `ndcgs_at_k`.
    """
    return float(ndcgs_at_k(ranking, gains, k).mean())


def chance_recalls(relevant: NDArray[np.bool_], k: int) -> NDArray[np.float64]:
    """(queries,) chance 0..1 that a random order has something relevant among its first k.

    Args:
        relevant: (queries, items) bool.
        k: cut-off; one beyond the number of items reaches them all.
    Source: one minus the hypergeometric chance of drawing nothing relevant in k draws.

    >>> chance_recalls(np.array([[True, False, False, True]]), k=1).tolist()
    [0.5]
    """
    items = relevant.shape[1]
    misses = np.ones(relevant.shape[0])
    bad = items - relevant.sum(1)
    for draw in range(min(k, items)):
        misses *= np.maximum(bad - draw, 0) / (items - draw)
    return 1 - misses


def chance_recall(relevant: NDArray[np.bool_], k: int) -> float:
    """Mean over queries of `chance_recalls`: Recall@K of a random order, 0..1."""
    return float(chance_recalls(relevant, k).mean())


def chance_average_precisions(relevant: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(queries,) expected average precision 0..1 of a random order, exactly.

    Args:
        relevant: (queries, items) bool; every query needs one relevant item at least.
    Raises:
        InvalidArgument: a query has nothing relevant.
    Source: of N items R are relevant. Each place holds a relevant one with chance R / N, and then has (R - 1) / (N - 1)
        of the places before it relevant, so that the sum over places gives (H + (R - 1) / (N - 1) (N - H)) / N with the
        harmonic number H of N.

    >>> chance_average_precisions(np.array([[True, False]])).tolist()
    [0.75]
    """
    totals = _totals(relevant)
    items = relevant.shape[1]
    harmonic = float((1 / np.arange(1, items + 1)).sum())
    return np.asarray((harmonic + (totals - 1) / max(items - 1, 1) * (items - harmonic)) / items)


def chance_map(relevant: NDArray[np.bool_]) -> float:
    """Mean over queries of `chance_average_precisions`, 0..1.

    Raises:
        InvalidArgument: a query has nothing relevant.
    """
    return float(chance_average_precisions(relevant).mean())


def _totals(relevant: NDArray[np.bool_]) -> NDArray[np.int64]:
    totals = relevant.sum(1)
    if not totals.all():
        raise InvalidArgument(f"query {int(np.argmin(totals))} has no relevant item; leave it out")
    return np.asarray(totals)


def _hits(ranking: NDArray[np.int64], relevant: NDArray[np.bool_]) -> NDArray[np.bool_]:
    _check_shapes(ranking, relevant)
    return np.asarray(np.take_along_axis(relevant, np.maximum(ranking, 0), 1) & (ranking >= 0))


def _check_shapes(ranking: NDArray[np.int64], items: NDArray[np.generic]) -> None:
    if ranking.ndim != 2 or items.ndim != 2 or len(ranking) != len(items) or ranking.size == 0:
        raise InvalidArgument(f"ranking {ranking.shape} and relevant {items.shape} do not fit")
    if int(ranking.max()) >= items.shape[1]:
        raise InvalidArgument(f"the ranking names item {int(ranking.max())} of {items.shape[1]}")
