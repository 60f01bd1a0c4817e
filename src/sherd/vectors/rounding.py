"""How a vector is kept in bytes: rotated, so that its first coordinates hold nearly all of it, then rounded twice.

The *near* bytes, one for each of the first r coordinates, are what a search re-ranks by; they stay in memory. The *far*
bytes hold what the near ones lack: the low byte of the same coordinates and one byte for each of the others, which are
small. Both together take 1 + r/D bytes a coordinate and are nearly as exact as float16: an inner product is off by some
3e-5 (float16: 1e-5; 8 bits with one scale for all: 2e-3, which at 100 million is more than the distance between the
tenth and the eleventh best).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sherd.types import FloatArray

_STEP = 8
"""Widths are multiples of this: what 4-bit codes of pairs of coordinates are packed by."""
_HIGH = 127
_WHOLE = 127 * 256
_FEW = 64
_AT_ONCE = 1_024
"""Rows rounded at a time: they stay in the cache of a core."""
Bytes = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Rounded:
    """n vectors in bytes. near: (n, r). far: (n, W). scales: (n, 2) float16, the largest of near and of other
    coordinates."""

    near: Bytes
    far: Bytes
    scales: NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Rotation:
    """matrix: (W, D) with orthonormal columns, W the next multiple of 8; near: r, how many coordinates come first."""

    matrix: FloatArray
    near: int

    @property
    def dim(self) -> int:
        """D."""
        return int(self.matrix.shape[1])

    @property
    def width(self) -> int:
        """W."""
        return int(self.matrix.shape[0])

    def apply(self, vectors: FloatArray) -> FloatArray:
        """(n, W) coordinates of vectors (n, D); inner products stay what they are."""
        if len(vectors) <= _FEW:
            # Without BLAS: that divides 8 rows among all cores and waits for the slowest, 50 ms where another program
            # has one, against 40 us. And what a query finds does not depend on which others it is asked with.
            return np.asarray(np.einsum("nd,wd->nw", vectors, self.matrix), np.float32)
        return np.ascontiguousarray(vectors @ self.matrix.T, np.float32)

    def back(self, coordinates: FloatArray) -> FloatArray:
        """(n, D) vectors of coordinates (n, W)."""
        return np.ascontiguousarray(coordinates @ self.matrix, np.float32)


def learn_rotation(sample: FloatArray, *, energy: float, seed: int = 0) -> Rotation:
    """The rotation whose first coordinates hold the share `energy` of the squared length of `sample` (n, D), at least.

    Not centred, so that inner products are kept. Within the first coordinates it is turned at random: all of them are
    then alike, and rounding hurts none more than another.
    """
    dim = sample.shape[1]
    width = -(-dim // _STEP) * _STEP
    wide = np.zeros((len(sample), width), np.float64)
    wide[:, :dim] = sample
    values, axes = np.linalg.eigh(wide.T @ wide)
    axes = axes[:, ::-1].T
    held = np.cumsum(values[::-1]) / max(float(values.sum()), 1e-30)
    near = min(width, -(-(int(np.searchsorted(held, energy)) + 1) // _STEP) * _STEP)
    turn, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((near, near)))
    matrix = np.concatenate([turn @ axes[:near], axes[near:]])
    return Rotation(np.ascontiguousarray(matrix[:, :dim], np.float32), near)


def round_off(coordinates: FloatArray, near: int) -> Rounded:
    """Coordinates (n, W) in bytes."""
    count, width = coordinates.shape
    out = Rounded(np.empty((count, near), np.int8), np.empty((count, width), np.int8), np.empty((count, 2), np.float16))
    for start in range(0, count, _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        _round_some(coordinates[rows], Rounded(out.near[rows], out.far[rows], out.scales[rows]))
    return out


def _round_some(coordinates: FloatArray, out: Rounded) -> None:
    near = out.near.shape[1]
    first, other = coordinates[:, :near], coordinates[:, near:]
    out.scales[:, 0], out.scales[:, 1] = _up(_largest(first)), _up(_largest(other))
    fine = first * _over(_WHOLE, out.scales[:, :1])
    whole = np.rint(fine, out=fine).astype(np.int16)  # 32,512 at most
    high = (whole + np.int16(128)) >> 8
    out.near[:] = high
    out.far[:, :near] = whole - (high << 8)
    rest = other * _over(_HIGH, out.scales[:, 1:])
    out.far[:, near:] = np.rint(rest, out=rest)


def _largest(rows: FloatArray) -> FloatArray:
    return np.asarray(np.maximum(rows.max(1, initial=0), -rows.min(1, initial=0)), np.float32)


def coordinates_of(rounded: Rounded) -> FloatArray:
    """(n, W) the coordinates again."""
    near = rounded.near.shape[1]
    scales = rounded.scales.astype(np.float32)
    out = np.empty(rounded.far.shape, np.float32)
    out[:, :near] = rounded.near * np.float32(256) + rounded.far[:, :near]
    out[:, :near] *= scales[:, :1] / np.float32(_WHOLE)
    out[:, near:] = rounded.far[:, near:] * (scales[:, 1:] / np.float32(_HIGH))
    return out


def near_scores(near: Bytes, scales: NDArray[np.float16], queries: FloatArray) -> FloatArray:
    """(q, m) inner products by the near bytes alone with the coordinates `queries` (q, W).

    Args:
        near, scales: (m, r) and (m, 2) of rows that are the same for all queries, or (q, m, r) and (q, m, 2).
    """
    # einsum and not @: BLAS would divide this little work among all cores
    sums = np.einsum("qmr,qr->qm" if near.ndim == 3 else "mr,qr->qm", near.astype(np.float32),
                     queries[:, : near.shape[-1]])  # fmt: skip
    sums *= scales[..., 0].astype(np.float32) / np.float32(_HIGH)
    return np.asarray(sums, np.float32)


def exact_scores(rounded: Rounded, queries: FloatArray) -> FloatArray:
    """(n,) inner products by all bytes of n rows, each with its own coordinates of `queries` (n, W)."""
    return np.asarray(np.einsum("nd,nd->n", coordinates_of(rounded), queries), np.float32)


def _up(values: FloatArray) -> NDArray[np.float16]:
    """The next float16 that is not smaller: nothing is ever cut off."""
    rounded = values.astype(np.float16)
    return np.where(rounded.astype(np.float32) < values, np.nextafter(rounded, np.float16(np.inf)), rounded)


def _over(top: int, scales: NDArray[np.float16]) -> FloatArray:
    wide = scales.astype(np.float32)
    return np.asarray(np.divide(top, wide, out=np.zeros_like(wide), where=wide > 0), np.float32)
