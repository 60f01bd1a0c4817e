"""A collection to measure vector indexes on, of any size: made chunk by chunk, the same every time.

Vectors are of unit length and as those of pictures are: clustered (20,000 clusters of very different size),
anisotropic, of low intrinsic dimension (64 of 256 hold nearly all), around a mean of their own. Questions come from
another modality: the same clusters less tightly, around another mean (the cosine of the two means is .52); none is in
the collection.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
CHUNK = 65_536
_MEAN = 1.1


class Collection:
    """Chunk n is the same whatever the size; `dim` at least 64."""

    def __init__(self, dim: int = 256, *, latent: int = 64, clusters: int = 20_000, seed: int = 7) -> None:
        rng = np.random.default_rng(seed)
        self.dim, self.latent, self._seed = dim, latent, seed
        spectrum = np.arange(1, latent + 1, dtype=np.float32) ** np.float32(-0.35)
        axes = np.linalg.qr(rng.standard_normal((dim, latent)))[0].T.astype(np.float32)
        self._map = axes * spectrum[:, None]
        groups = rng.standard_normal((300, latent))
        near = 0.6 * groups[rng.integers(300, size=clusters)] + 0.8 * rng.standard_normal((clusters, latent))
        self._centres = near.astype(np.float32)
        sizes = 1.0 / (np.arange(clusters) + 20.0) ** 0.5
        self._edges = np.cumsum(rng.permutation(sizes) / sizes.sum())
        own, other = rng.standard_normal((2, dim)) / np.sqrt(dim)
        self._mean = (_MEAN * own).astype(np.float32)
        self._mean_asked = (_MEAN * (0.52 * own + 0.854 * other)).astype(np.float32)

    def chunk(self, number: int) -> Rows:
        """(CHUNK, dim) vectors."""
        return self._made(np.random.default_rng([self._seed, 1, number]), CHUNK, self._mean, 0.5)

    def rows(self, count: int, start: int = 0) -> Rows:
        """(count, dim) vectors from `start` on."""
        first, last = start // CHUNK, -(-(start + count) // CHUNK)
        whole = np.concatenate([self.chunk(n) for n in range(first, last)])
        return whole[start - first * CHUNK :][:count]

    def queries(self, count: int, seed: int = 0) -> Rows:
        """(count, dim) questions; another seed gives others."""
        return self._made(np.random.default_rng([self._seed, 2, seed]), count, self._mean_asked, 0.55)

    def _made(self, rng: np.random.Generator, count: int, mean: Rows, spread: float) -> Rows:
        centres = self._centres[np.minimum(np.searchsorted(self._edges, rng.random(count)), len(self._centres) - 1)]
        latent = centres + np.float32(spread) * rng.standard_normal((count, self.latent), np.float32)
        rows = latent @ self._map + mean
        rows += np.float32(0.012) * rng.standard_normal((count, self.dim), np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows


class Truth:
    """The k best of some queries among all vectors that pass by."""

    def __init__(self, queries: Rows, k: int = 10) -> None:
        self.queries, self.k = queries, k
        self.scores = np.full((len(queries), k), -np.inf, np.float32)
        self.keys = np.full((len(queries), k), -1, np.int64)

    def see(self, keys: NDArray[np.int64], vectors: Rows) -> None:
        """Look at vectors (n, dim) under keys (n,)."""
        scores = self.queries @ vectors.T  # (q, n)
        for n in np.flatnonzero(scores.max(1) > self.scores[:, -1]):
            better = np.flatnonzero(scores[n] > self.scores[n, -1])
            together = np.concatenate([self.scores[n], scores[n, better]])
            first = np.argsort(-together, kind="stable")[: self.k]
            self.keys[n] = np.concatenate([self.keys[n], keys[better]])[first]
            self.scores[n] = together[first]

    def recall(self, found: NDArray[np.int64]) -> float:
        """Mean share of the k best that are among the found keys (q, any)."""
        return float(np.mean([np.isin(true, got).mean() for true, got in zip(self.keys, found, strict=True)]))
