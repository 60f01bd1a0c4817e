"""From a grid of patch vectors to a few part vectors with boxes, and to the vector of a box."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sherd.types import Box, FloatArray, Picture

_ROUNDS = 6
_PLACE_WEIGHT = 0.35
"""Weight of position against appearance, so that a part is one region rather than all that looks alike."""


class PatchEncoder:
    """What an `Encoder` answers from the patch vectors of a picture alone."""

    dim: int

    def patches(self, picture: Picture) -> FloatArray:
        """(h, w, D) unit patch vectors of one picture."""
        raise NotImplementedError

    def encode_boxes(self, picture: Picture, boxes: Sequence[Box]) -> FloatArray:
        """See `Encoder`: the mean patch vector of each box."""
        if not boxes:
            return np.zeros((0, self.dim), np.float32)
        patches = self.patches(picture)
        return np.stack([pool_box(patches, box) for box in boxes])

    def heat(self, picture: Picture, vector: FloatArray) -> FloatArray:
        """See `Encoder`: the cosine of each patch vector."""
        return np.asarray(self.patches(picture) @ vector, np.float32)


def cluster_parts(patches: FloatArray, k: int, *, aspect: float = 1.0) -> tuple[FloatArray, FloatArray]:
    """K parts a picture by k-means over appearance and place.

    Args:
        patches: (n, h, w, D) unit patch vectors.
        k: parts a picture, at most h * w.
        aspect: width of the grid over its height, in pixels of the picture.
    Returns:
        parts (n, K, D) of unit length, and boxes (n, K, 4) x, y, w, h in fractions of the grid.
        A part's box spans sqrt(3) standard deviations around its centre: exact for an evenly filled rectangle.
        Starts are spread by farthest-first choice, so the result has no chance in it.
    Source: k-means (Lloyd, 1982) with the starts of Gonzalez (1985); position as in SLIC (Achanta et al., 2012).
    """
    n, h, w, dim = patches.shape
    flat = patches.reshape(n, h * w, dim)
    ys, xs = np.mgrid[0:h, 0:w]
    place = np.stack([(xs + 0.5) / w, (ys + 0.5) / h], -1).reshape(-1, 2).astype(np.float32)  # (N, 2)
    scaled = np.broadcast_to(place * np.float32(2 * _PLACE_WEIGHT) * np.array([aspect**0.5, aspect**-0.5], np.float32),
                             (n, h * w, 2))  # fmt: skip
    points = np.concatenate([flat, scaled], 2)  # (n, N, D + 2)
    norms = (points**2).sum(2)
    first = ((points - points.mean(1, keepdims=True)) ** 2).sum(2).argmax(1)
    rows = np.arange(n)
    centres = np.empty((n, k, dim + 2), np.float32)
    nearest = np.full((n, h * w), np.inf, np.float32)
    chosen = first
    for j in range(k):
        centres[:, j] = points[rows, chosen]
        distance = norms - 2 * np.einsum("nd,nsd->ns", centres[:, j], points) + norms[rows, chosen][:, None]
        nearest = np.minimum(nearest, distance)
        chosen = nearest.argmax(1)
    for _ in range(_ROUNDS):
        member = _assign(points, centres)
        counts = member.sum(1)  # (n, K)
        centres = np.where(
            counts[..., None] > 0, member.transpose(0, 2, 1) @ points / np.maximum(counts[..., None], 1), centres
        )
    member = _assign(points, centres)
    counts = np.maximum(member.sum(1), 1)[..., None]  # (n, K, 1)
    mean = member.transpose(0, 2, 1) @ place / counts  # (n, K, 2)
    variance = np.maximum(member.transpose(0, 2, 1) @ place**2 / counts - mean**2, 0)
    cell = np.array([w, h], np.float32) ** -2 / 12  # a cell is an area, not a point
    half = np.sqrt(3 * (variance + cell))
    low, high = np.clip(mean - half, 0, 1), np.clip(mean + half, 0, 1)
    boxes = np.concatenate([low, high - low], 2).astype(np.float32)
    return unit(centres[..., :dim]), boxes


def boxes_from_masks(masks: FloatArray, *, level: float = 0.5) -> FloatArray:
    """(n, K, 4) x, y, w, h in fractions of the grid: the area that each slot holds most.

    Args:
        masks: (n, K, h, w) shares 0..1. level: cells count by their share where it is so much of the slot's highest.
    Returns:
        Boxes that span sqrt(3) standard deviations around the centre: exact for an evenly filled rectangle.
    """
    _, _, h, w = masks.shape
    weights = masks * (masks >= level * masks.max((2, 3), keepdims=True)) + 1e-9
    weights = weights / weights.sum((2, 3), keepdims=True)
    xs, ys = (np.arange(w) + 0.5) / w, (np.arange(h) + 0.5) / h
    across, down = weights.sum(2), weights.sum(3)  # (n, K, w), (n, K, h)
    mean = np.stack([across @ xs, down @ ys], -1)  # (n, K, 2)
    variance = np.maximum(np.stack([across @ xs**2, down @ ys**2], -1) - mean**2, 0)
    half = np.sqrt(3 * (variance + np.array([w, h], np.float64) ** -2 / 12))
    low, high = np.clip(mean - half, 0, 1), np.clip(mean + half, 0, 1)
    return np.concatenate([low, high - low], 2).astype(np.float32)


def pool_box(patches: FloatArray, box: Box) -> FloatArray:
    """(D,) unit mean of the patch vectors (h, w, D) under `box`, each weighted by the share of its cell inside."""
    h, w, _ = patches.shape
    weights = np.outer(_overlap(box.y, box.y + box.h, h), _overlap(box.x, box.x + box.w, w))  # (h, w)
    pooled: FloatArray = unit(np.einsum("hw,hwd->d", weights.astype(np.float32), patches)[None])[0]
    return pooled


def unit(rows: FloatArray) -> FloatArray:
    """Rows scaled to unit length; a zero row becomes the first axis rather than NaN."""
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    safe = rows / np.maximum(norms, 1e-12)
    safe[..., 0] = np.where(norms[..., 0] < 1e-12, 1.0, safe[..., 0])
    return np.asarray(safe, np.float32)


def _assign(points: FloatArray, centres: FloatArray) -> FloatArray:
    """(n, N, K) one-hot membership in the nearest centre."""
    distance = (centres**2).sum(2)[:, None] - 2 * points @ centres.transpose(0, 2, 1)
    return np.asarray(np.eye(centres.shape[1], dtype=np.float32)[distance.argmin(2)])


def _overlap(low: float, high: float, cells: int) -> NDArray[np.float64]:
    edges = np.arange(cells + 1) / cells
    shares = np.maximum(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0) * cells
    return np.asarray(shares, np.float64)
