"""One search through the segments: codes give many rows, near bytes a few dozen of them, all bytes their order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from sherd.types import FloatArray, KeyArray
from sherd.vectors.depths import Depths
from sherd.vectors.segment import Layer, Probed, Segment, bits_of

_lib: Any = faiss


class Funnel:
    """The best of the segments for some queries. The lists to look into are found once for all segments of a coder."""

    def __init__(
        self,
        layers: Sequence[Layer],
        queries: FloatArray,
        depths: Depths,
        brute_limit: int,
        allowed: KeyArray | None,
        group: int,
    ) -> None:
        self._depths = depths
        coders = {id(layer.segment.coder): layer.segment.coder for layer in layers}
        self._turned = {number: coder.rotation.apply(queries) for number, coder in coders.items()}
        self._candidates: list[tuple[Segment, list[NDArray[np.int64]]]] = []
        self._ordered = True
        probed: dict[tuple[int, int], Probed] = {}
        for layer in layers:
            segment, coder = layer.segment, layer.segment.coder
            count, selector, rows, keep = layer.alive, layer.selector, None, layer.bits
            if allowed is not None:
                rows = layer.allowed_rows(allowed, group)
                count = rows.size
            if not count:
                continue
            if count <= (depths.rerank if rows is None else max(brute_limit, depths.rerank)):
                rows = np.flatnonzero(layer.mask()) if rows is None else rows
                self._ordered = False
                self._candidates.append((segment, [rows] * len(queries)))
                continue
            if rows is not None:
                keep = bits_of(rows, len(segment))
                selector = _lib.IDSelectorBitmap(keep)
            # Where a filter lets few rows through, each list holds few of them: look into more for the same recall.
            probes = math.ceil(depths.probes * len(segment) / count)
            turned = self._turned[id(coder)]
            near = np.ascontiguousarray(turned[:, : coder.near])
            at = (id(coder), probes)
            where = probed[at] = probed[at] if at in probed else segment.probe(near, probes)
            found = segment.find(near, where, depths.rerank, selector)
            self._candidates.append((segment, [row[row >= 0] for row in found]))
            del keep

    def best(self, n: int) -> tuple[FloatArray, KeyArray]:
        """Scores and keys of the rows that are scored exactly for query n, in no order."""
        wanted = self._depths.exact
        if len(self._candidates) == 1 and self._candidates[0][0].graph and self._ordered:
            # The graph's own scores are as good as those of near bytes.
            segment, rows_by_query = self._candidates[0]
            rows = rows_by_query[n][:wanted]
            return segment.exact_scores(rows, self._turned[id(segment.coder)][n]), segment.keys[rows]
        hopeful = []
        for segment, rows_by_query in self._candidates:
            rows, query = rows_by_query[n], self._turned[id(segment.coder)][n]
            scores = segment.near_scores(rows, query)
            if rows.size > wanted:
                first = np.argpartition(scores, rows.size - wanted)[rows.size - wanted :]
                rows, scores = rows[first], scores[first]
            hopeful.append((segment, rows, scores))
        if len(hopeful) > 1:
            together = np.concatenate([scores for _, _, scores in hopeful])
            if together.size > wanted:
                least = np.partition(together, together.size - wanted)[together.size - wanted]
                hopeful = [(segment, rows[scores >= least], scores) for segment, rows, scores in hopeful]
        if not hopeful:
            return np.empty(0, np.float32), np.empty(0, np.int64)
        exact = [segment.exact_scores(rows, self._turned[id(segment.coder)][n]) for segment, rows, _ in hopeful]
        return np.concatenate(exact), np.concatenate([segment.keys[rows] for segment, rows, _ in hopeful])
