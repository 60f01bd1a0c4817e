"""Searches through the segments: codes give many rows, near bytes a few dozen of them, all bytes their order.

All queries of one call go together, so that what the interpreter costs is shared out among them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import faiss
import numpy as np
from numpy.typing import NDArray

from sherd.types import FloatArray, KeyArray
from sherd.vectors.depths import Depths
from sherd.vectors.protocol import NO_KEY
from sherd.vectors.segment import Layer, Probed, Segment, bits_of

_lib: Any = faiss


class _Found(NamedTuple):
    """rows: (q, m) of a segment, -1 where there are no more. scores: (q, m) by near bytes, or None: in their order."""

    segment: Segment
    turned: FloatArray
    rows: NDArray[np.int64]
    scores: FloatArray | None


def funnel(
    layers: Sequence[Layer],
    queries: FloatArray,
    depths: Depths,
    k: int,
    brute_limit: int,
    allowed: KeyArray | None,
    group: int,
) -> tuple[FloatArray, KeyArray]:
    """Scores (q, m) and keys (q, m) of the best rows, in no order; -inf and -1 fill up. `depths.exact` of them are
    scored by all bytes; where these are fewer than `k`, the next ones up to k are, by their near bytes.

    Args:
        queries: (q, D) checked.
        brute_limit, group: see `IndexSettings` and `FaissIndex`.
        allowed: ascending picture keys, or None for all.
    """
    turned: dict[int, FloatArray] = {}
    probed: dict[tuple[int, int], Probed] = {}
    found = []
    total = sum(layer.alive for layer in layers)
    for layer in layers:
        coder = layer.segment.coder
        if id(coder) not in turned:
            turned[id(coder)] = coder.rotation.apply(queries)
        own = max(depths.rerank_in(layer.alive, total), min(depths.rerank, 2 * k))
        one = _candidates(layer, turned[id(coder)], depths.probes, own, brute_limit, allowed, group, probed)
        if one is not None:
            found.append(one)
    if not found:
        return np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
    return _scored(found, depths.exact, max(k, depths.exact))


def _candidates(
    layer: Layer,
    turned: FloatArray,
    probes: int,
    rerank: int,
    brute_limit: int,
    allowed: KeyArray | None,
    group: int,
    probed: dict[tuple[int, int], Probed],
) -> _Found | None:
    """What one segment has to offer; `probed` is shared by all segments of a coder."""
    segment, coder = layer.segment, layer.segment.coder
    count, selector, rows, keep = layer.alive, layer.selector, None, layer.bits
    if allowed is not None:
        rows = layer.allowed_rows(allowed, group)
        count = rows.size
    if not count:
        return None
    if count <= (rerank if rows is None else max(brute_limit, rerank)):
        rows = np.flatnonzero(layer.mask()) if rows is None else rows
        every = np.broadcast_to(rows, (len(turned), rows.size))
        return _Found(segment, turned, every, segment.near_scores(rows, turned))
    if rows is not None:
        keep = bits_of(rows, len(segment))
        selector = _lib.IDSelectorBitmap(keep)
    # Where a filter lets few rows through, each list holds few of them: look into more for the same recall.
    if count < len(segment):
        probes = math.ceil(probes * len(segment) / count)
    near = np.ascontiguousarray(turned[:, : coder.near])
    at = (id(coder), probes)
    if at not in probed:
        probed[at] = segment.probe(near, probes)
    some = segment.find(near, probed[at], rerank, selector)
    del keep
    # The graph's own scores are as good as those of near bytes.
    return _Found(segment, turned, some, None if segment.graph else segment.near_scores(some, turned))


def _scored(found: Sequence[_Found], exact: int, wanted: int) -> tuple[FloatArray, KeyArray]:
    """Of each query the `wanted` that are best by near bytes; the `exact` best of these by all bytes."""
    if len(found) == 1 and found[0].scores is None and wanted <= exact:
        return found[0].segment.scored(found[0].rows[:, :wanted], found[0].turned)
    each = [one.segment.near_scores(one.rows, one.turned) if one.scores is None else one.scores for one in found]
    near = each[0] if len(found) == 1 else np.concatenate(each, axis=1)
    others, places = _best_places(near, exact, wanted)
    if len(found) == 1:
        scores, keys = found[0].segment.scored(np.take_along_axis(found[0].rows, places, axis=1), found[0].turned)
    else:
        scores, keys = np.full(places.shape, -np.inf, np.float32), np.full(places.shape, NO_KEY, np.int64)
        for one, mine, query, rows in _by_segment(found, places):
            alone = one.segment.scored(rows[:, None], one.turned[query])
            scores[mine], keys[mine] = alone[0][:, 0], alone[1][:, 0]
    if not others.shape[1]:
        return scores, keys
    rough = np.full(others.shape, NO_KEY, np.int64)
    for one, mine, _, rows in _by_segment(found, others):
        rough[mine] = np.where(rows >= 0, one.segment.keys[rows], NO_KEY)
    near = np.take_along_axis(near, others, axis=1)
    return np.concatenate([scores, near], axis=1), np.concatenate([keys, rough], axis=1)


def _best_places(scores: FloatArray, exact: int, wanted: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Places of the `wanted` largest of each row, all where there are no more, in no order: those that are not among
    the `exact` largest, and those that are."""
    width = scores.shape[1]
    ends = [max(width - count, 0) for count in (wanted, exact)]
    places = np.argpartition(scores, ends, axis=1)
    return places[:, ends[0] : ends[1]], places[:, ends[1] :]


def _by_segment(
    found: Sequence[_Found], places: NDArray[np.intp]
) -> Iterator[tuple[_Found, NDArray[np.bool_], NDArray[np.intp], NDArray[np.int64]]]:
    """Of each segment which of `places` (q, m) in the rows of all, one after the other, are its own, and of these the
    queries and the rows."""
    first = 0
    for one in found:
        mine = (places >= first) & (places < first + one.rows.shape[1])
        query = np.nonzero(mine)[0]
        yield one, mine, query, one.rows[query, places[mine] - first]
        first += one.rows.shape[1]
