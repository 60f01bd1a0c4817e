"""Setting the dial: how deep must a search look in this collection, to find what an exact search finds?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sherd.errors import InvalidArgument
from sherd.types import FloatArray, KeyArray
from sherd.vectors.cores import in_order
from sherd.vectors.depths import TARGETS, Depths, Dial, Setting
from sherd.vectors.faiss_index import FaissIndex
from sherd.vectors.protocol import NO_KEY, best, checked_queries
from sherd.vectors.segment import Layer
from sherd.vectors.state import State

K = 10
_QUERIES = 200
_BLEND = 0.5
_MARGIN = 20
"""So many times k rows by near bytes are scored exactly in an exact search: these are off by some thousandths, and the
k-th best and the 20 k-th best lie far more than that apart."""
_SAME = 2e-5
_BEYOND = 2
"""So many more steps are tried once a recall is reached: more lists and fewer rows to score may be cheaper."""
_BLOCK = 32_768
_RERANKS = (50, 70, 100, 140, 200, 280, 400, 560, 800, 1130, 1600, 2260, 3200)
_EXACTS = (15, 20, 30, 50, 100)
# Nanoseconds on one core, measured at 1 million: a byte of codes scanned, a row scored by near bytes, by all bytes,
# a list looked into, a candidate of a graph.
_SCAN, _NEAR, _EXACT, _LIST, _HOP = 0.12, 120.0, 1_500.0, 150.0, 1_500.0


def own_queries(index: FaissIndex, count: int = _QUERIES, *, seed: int = 0) -> FloatArray:
    """(q, D) queries made of the collection's own vectors: each of two of them, so that it lies beside all."""
    state, rng = index.state, np.random.default_rng(seed)
    weights = np.array([layer.alive for layer in state.layers], np.float64)
    picked = []
    for number in rng.choice(len(weights), 2 * count, p=weights / weights.sum()):
        segment = state.layers[number].segment
        row = rng.integers(len(segment), size=1)
        picked.append(segment.coder.rotation.back(segment.coordinates(row))[0])
    rows = np.stack(picked)
    mixed = rows[:count] + np.float32(_BLEND) * rows[count:]
    lengths = np.linalg.norm(mixed, axis=1, keepdims=True)
    return np.asarray(mixed / np.maximum(lengths, 1e-6), np.float32)


def tune(
    index: FaissIndex, queries: FloatArray, *, targets: Sequence[float] = TARGETS, asked_with: str = "texts", k: int = K
) -> Dial:
    """The cheapest depths for each target, tried out with `queries` (q, D) on the segments of `index`.

    Recall@k is measured against `exact_nearest`, and once more with the depths chosen. Cheapest is by a count of the
    work and not by the clock, so that the same collection gives the same dial on a busy machine.

    Raises:
        InvalidArgument: the index has no segments, or there are no queries.
    """
    queries = checked_queries(queries, k, index.dim)
    state = State(index.state.layers, index.state.tail.since(index.state.tail.count))
    if not state.layers or not len(queries):
        raise InvalidArgument("only an index with segments can be tuned, and only with queries")
    truth = exact_nearest(state, queries, k)
    tried = list(_tried(state, queries, truth, k, max(targets)))
    settings = []
    for target in sorted(targets):
        enough = [one for one in tried if one.recall >= target]
        chosen = (
            min(enough, key=lambda one: one.cost) if enough else max(tried, key=lambda one: (one.recall, -one.cost))
        )
        found = index.search_state(state, queries, k, None, chosen.depths)[1]
        settings.append(Setting(target, chosen.depths, round(recall(found, truth, k), 4), bool(enough)))
    return Dial(tuple(settings), len(queries), len(index), asked_with)


def exact_nearest(state: State, queries: FloatArray, k: int) -> KeyArray:
    """(q, m) keys of the k best rows of all segments, every row scored, and of those that are as good as the k-th.

    Several pictures may have the same vector, and which of them is found is then no matter. -1 fills up.
    """
    found: list[list[tuple[FloatArray, KeyArray]]] = [[] for _ in queries]
    for layer in state.layers:
        segment = layer.segment
        turned = segment.coder.rotation.apply(queries)
        for n, rows in enumerate(_best_by_near(layer, turned, _MARGIN * k)):
            scores, keys = segment.scored(rows[None], turned[n : n + 1])
            found[n].append((scores[0], keys[0]))
    out = np.full((len(queries), _MARGIN * k), NO_KEY, np.int64)
    for n, one in enumerate(found):
        scores, keys = best(np.concatenate([s for s, _ in one]), np.concatenate([ks for _, ks in one]), _MARGIN * k)
        good = keys[scores >= scores[k - 1] - _SAME]
        out[n, : good.size] = good
    return out


def recall(found: KeyArray, truth: KeyArray, k: int = K) -> float:
    """Mean share of the k best that are found.

    Args:
        found: (q, k) keys.
        truth: (q, m) keys that count as one of the k best; -1 where there are no more.

    >>> recall(np.array([[1, 2], [3, -1]]), np.array([[2, 1, 7], [3, 4, -1]]), k=2)
    0.75
    """
    right = [np.count_nonzero(np.isin(got[got != NO_KEY], true)) for got, true in zip(found, truth, strict=True)]
    return float(np.minimum(right, k).sum() / max(_wanted(truth, k), 1))


def _wanted(truth: KeyArray, k: int) -> int:
    """How many keys could be found in all."""
    return int(np.minimum(np.count_nonzero(truth != NO_KEY, axis=1), k).sum())


@dataclass(frozen=True, slots=True)
class _Try:
    depths: Depths
    recall: float
    cost: float


def _tried(state: State, queries: FloatArray, truth: KeyArray, k: int, enough: float) -> Iterator[_Try]:
    """Recall and cost of many depths. With the same lists all numbers of rows to score are tried at once: a true key is
    found when its row is among the first by codes and then among the first by near bytes."""
    lists = max(layer.segment.coder.coarse.lists for layer in state.layers)
    graph = any(layer.segment.graph for layer in state.layers)
    rows = max(len(layer.segment) for layer in state.layers)
    # a small collection needs no more; what a graph gives is in the right order but for its last places
    reranks = (15, 30, 100, 200) if graph else tuple(n for n in _RERANKS if n <= max(400.0, rows**0.5))
    beyond = 0
    for probes in _steps(16, 1_024) if graph else _steps(max(4, lists // 1_024), lists):
        candidates = [_candidates(layer, queries, truth, probes, max(reranks)) for layer in state.layers]
        top = 0.0
        for rerank in reranks:
            shares = [Depths(probes, rerank, 1).rerank_in(layer.alive, len(state)) for layer in state.layers]
            taken = list(zip(candidates, shares, strict=True))
            scores = np.concatenate([one.scores[:, :share] for one, share in taken], axis=1)
            true = np.concatenate([one.true[:, :share] for one, share in taken], axis=1)
            places = _first(scores, max(_EXACTS))
            found = np.cumsum(np.take_along_axis(true, places, axis=1), axis=1)  # (q, exact)
            for exact in _EXACTS:
                share = np.minimum(found[:, min(exact, found.shape[1]) - 1], k).sum() / max(_wanted(truth, k), 1)
                depths = Depths(probes, rerank, exact)
                yield _Try(depths, float(share), _cost(state, depths))
                top = max(top, float(share))
        beyond += top >= enough
        if top > 0.998 or beyond > _BEYOND:
            return


def _first(scores: FloatArray, count: int) -> NDArray[np.int64]:
    """(q, count) places of the largest of each row, largest first."""
    if scores.shape[1] <= count:
        return np.argsort(-scores, axis=1, kind="stable")
    places = np.argpartition(-scores, count, axis=1)[:, :count]
    order = np.argsort(-np.take_along_axis(scores, places, axis=1), axis=1, kind="stable")
    return np.take_along_axis(places, order, axis=1)


def _steps(first: int, last: int) -> list[int]:
    """Whole numbers from `first` to `last`, each about a quarter more than the one before.

    >>> _steps(4, 20)
    [4, 5, 6, 8, 10, 12, 15, 19, 20]
    """
    steps = [min(first, last)]
    while steps[-1] < last:
        steps.append(min(last, max(steps[-1] + 1, round(steps[-1] * 1.25))))
    return steps


@dataclass(frozen=True, slots=True)
class _Candidates:
    """The first rows by codes of one layer: near scores (q, depth), and whether each is among the true (q, depth)."""

    scores: FloatArray
    true: NDArray[np.bool_]


def _candidates(layer: Layer, queries: FloatArray, truth: KeyArray, probes: int, depth: int) -> _Candidates:
    segment, coder = layer.segment, layer.segment.coder
    turned = coder.rotation.apply(queries)
    near = np.ascontiguousarray(turned[:, : coder.near])
    probed = segment.probe(near, probes)
    rows = segment.find(near, probed, depth, layer.selector)
    scores = np.concatenate([segment.near_scores(rows[n : n + 1], turned[n : n + 1]) for n in range(len(rows))])
    true = np.stack([np.isin(segment.keys[row], truth[n]) for n, row in enumerate(rows)]) & (rows >= 0)
    return _Candidates(scores, true)


def _cost(state: State, depths: Depths) -> float:
    """Nanoseconds of work of one search."""
    total = _EXACT * depths.exact
    for layer in state.layers:
        coder, rows = layer.segment.coder, len(layer.segment)
        total += _NEAR * min(depths.rerank_in(layer.alive, len(state)), rows)
        if layer.segment.graph:
            total += _HOP * max(depths.probes, depths.rerank)
        else:
            total += depths.probes * (_LIST + _SCAN * coder.code_bytes * rows / coder.coarse.lists)
    return total


def _best_by_near(layer: Layer, queries: FloatArray, count: int) -> list[NDArray[np.int64]]:
    """For each query (coordinates) the rows that are best by their near bytes, `count` of them at most."""
    segment = layer.segment
    near = segment.coder.near
    weights = np.ascontiguousarray(queries[:, :near].T)
    least = np.full(len(queries), -np.inf, np.float32)
    rows: list[NDArray[np.int64]] = [np.empty(0, np.int64) for _ in queries]
    scores: list[FloatArray] = [np.empty(0, np.float32) for _ in queries]
    mask = None if layer.bits is None else layer.mask()

    def scored(start: int) -> tuple[int, FloatArray]:
        some = slice(start, start + _BLOCK)
        found = segment.near[some].astype(np.float32) @ weights
        found *= segment.scales[some, :1].astype(np.float32) / np.float32(127)
        if mask is not None:
            found[~mask[some]] = -np.inf
        return start, found

    for start, block in in_order(scored, range(0, len(segment), _BLOCK)):
        for n in np.flatnonzero(block.max(0) > least):
            fresh = np.flatnonzero(block[:, n] > least[n])
            rows[n] = np.concatenate([rows[n], start + fresh])
            scores[n] = np.concatenate([scores[n], block[fresh, n]])
            if rows[n].size > count:
                first = np.argpartition(scores[n], rows[n].size - count)[rows[n].size - count :]
                rows[n], scores[n] = rows[n][first], scores[n][first]
                least[n] = scores[n].min()
    return rows
