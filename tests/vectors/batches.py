"""Batches and vectors for the tests of this folder."""

from __future__ import annotations

import hashlib

import numpy as np

from sherd.types import Embeddings, FloatArray, KeyArray


def unit(rows: FloatArray) -> FloatArray:
    """`rows` scaled to length 1 along the last axis."""
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True), np.float32)


def random_unit(shape: tuple[int, ...], seed: int = 0) -> FloatArray:
    """Vectors of unit length in random directions."""
    return unit(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


def clustered(n: int, dim: int, seed: int, *, clusters: int = 200) -> FloatArray:
    """(n, dim) unit vectors around `clusters` centres, as embeddings of real pictures are."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((clusters, dim))
    rows = centres[rng.integers(clusters, size=n)] + 0.7 * rng.standard_normal((n, dim))
    return unit(rows.astype(np.float32))


def embeddings(n: int, *, dim: int = 8, parts: int = 3, seed: int = 0) -> Embeddings:
    """Random embeddings of n pictures, every part box a quarter of the picture."""
    boxes = np.tile(np.array([0.5, 0.5, 0.5, 0.5], np.float32), (n, parts, 1))
    return Embeddings(random_unit((n, dim), seed), random_unit((n, parts, dim), seed + 1), boxes)


def digests(keys: KeyArray) -> list[str]:
    """A sha256 for each key."""
    return [hashlib.sha256(str(key).encode()).hexdigest() for key in keys]
