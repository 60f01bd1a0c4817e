"""The lists of an inverted file: centres in two levels, so that neither training nor filing looks at all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from sherd.types import FloatArray

_lib: Any = faiss
"""FAISS without its type stubs, where they tell the C++ signature and not the Python one."""
_ROUNDS = 10
_SAMPLE = 64
"""Vectors a centre to learn it from; more are not looked at."""
_LOOK = 3
"""Groups whose centres a vector is compared with when it is filed: the best centre is missed for 2 % of the vectors,
and the one taken instead is nearly as near."""


@cache
def looking_into(lists: int) -> Any:
    """FAISS's word for a search of so many lists without a selector; making one takes longer than using it."""
    return _lib.SearchParametersIVF(nprobe=lists)


@dataclass(frozen=True, slots=True)
class Coarse:
    """centres: (lists, r), by group. groups: (g, r) centres of centres. first: (g + 1,) where each group begins."""

    centres: FloatArray
    groups: FloatArray
    first: NDArray[np.int64]
    _finder: Any = field(init=False, repr=False)
    _top: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_finder", self._make_finder())

    @property
    def lists(self) -> int:
        """Number of lists."""
        return len(self.centres)

    def file(self, rows: FloatArray) -> NDArray[np.int32]:
        """(n,) the list of each of the rows (n, r)."""
        looks = min(_LOOK, len(self.groups))
        near = rows @ self.groups.T
        chosen = np.argpartition(near, -looks, axis=1)[:, -looks:].astype(np.int32)  # (n, looks)
        best = np.full(len(rows), -np.inf, np.float32)
        out = np.zeros(len(rows), np.int32)
        order = np.argsort(chosen.ravel(), kind="stable")
        edges = np.searchsorted(chosen.ravel()[order], np.arange(len(self.groups) + 1))
        for group in range(len(self.groups)):
            members = order[edges[group] : edges[group + 1]] // looks
            start, end = self.first[group], self.first[group + 1]
            if not members.size or start == end:
                continue
            scores = rows[members] @ self.centres[start:end].T
            place = scores.argmax(1)
            found = scores[np.arange(members.size), place]
            better = found > best[members]
            best[members[better]] = found[better]
            out[members[better]] = start + place[better]
        return out

    def probe(self, queries: FloatArray, probes: int) -> tuple[FloatArray, NDArray[np.int64]]:
        """Scores (q, p) and numbers (q, p) of the lists nearest to `queries` (q, r) in one piece, best first; -1 where
        there are no more."""
        probes = min(probes, self.lists)
        # a tenth of the groups, and more for many lists: the lists missed are the last ones
        looks = min(len(self.groups), int(np.ceil(len(self.groups) * (8 * probes / self.lists + 0.1))) + 1)
        scores = np.empty((len(queries), probes), np.float32)
        numbers = np.empty((len(queries), probes), np.int64)
        at = _lib.swig_ptr
        self._finder.search_c(len(queries), at(queries), probes, at(scores), at(numbers), looking_into(looks))
        return scores, numbers

    def _make_finder(self) -> Any:
        width = self.centres.shape[1]
        top = _lib.IndexFlatIP(width)
        top.add(self.groups)
        finder = _lib.IndexIVFFlat(top, width, len(self.groups), faiss.METRIC_INNER_PRODUCT)
        finder.is_trained = True
        for group in range(len(self.groups)):
            start, end = int(self.first[group]), int(self.first[group + 1])
            if start < end:
                ids, rows = np.arange(start, end), np.ascontiguousarray(self.centres[start:end])
                finder.invlists.add_entries(group, end - start, _lib.swig_ptr(ids), _codes(rows))
        finder.ntotal = self.lists
        object.__setattr__(self, "_top", top)  # FAISS keeps only a pointer to it
        return finder


def learn_coarse(sample: FloatArray, lists: int, *, seed: int = 0) -> Coarse:
    """Centres learnt from `sample` (n, r): groups first, then in each group as many centres as its share of the sample.

    Args:
        lists: how many centres are wanted; as many as `sample` has rows at most.
    """
    lists = max(1, min(lists, len(sample)))
    if lists < 64:
        centres = _means(sample, lists, seed)
        return Coarse(centres, _unit(centres.mean(0, keepdims=True)), np.array([0, lists]))
    groups = _means(sample, round(np.sqrt(lists)), seed)
    members = (sample @ groups.T).argmax(1)
    sizes = np.bincount(members, minlength=len(groups))
    shares = np.maximum(1, np.floor(sizes / len(sample) * lists)).astype(np.int64)
    shares = np.minimum(shares, np.maximum(sizes, 1))
    order = np.argsort(members, kind="stable")
    edges = np.concatenate([[0], np.cumsum(sizes)])
    found = [
        _means(sample[order[edges[n] : edges[n + 1]]], int(shares[n]), seed + n) if sizes[n] else groups[n : n + 1]
        for n in range(len(groups))
    ]
    first = np.concatenate([[0], np.cumsum([len(part) for part in found])])
    return Coarse(np.concatenate(found), groups, first)


def _means(rows: FloatArray, count: int, seed: int) -> FloatArray:
    """(count, r) centres of unit length."""
    if count >= len(rows):
        return _unit(rows)
    means = _lib.Kmeans(
        rows.shape[1],
        count,
        niter=_ROUNDS,
        seed=seed,
        spherical=True,
        min_points_per_centroid=1,
        max_points_per_centroid=_SAMPLE * 4,
    )
    means.train(np.ascontiguousarray(rows))
    return _unit(means.centroids)


def _unit(rows: FloatArray) -> FloatArray:
    return np.ascontiguousarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), np.float32)


def _codes(rows: FloatArray) -> Any:
    return _lib.swig_ptr(rows.view(np.uint8).reshape(-1))
