"""How well a heat map or a box finds a region."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sherd.errors import InvalidArgument
from sherd.types import Box, FloatArray

POINTING_TOLERANCE = (8 / 320, 8 / 320)
"""How far beside a box the hottest spot may be, in fractions of each side: 8 pixels of the packs' 320."""
LARGEST_LABEL = 0.5
"""Labels whose boxes cover more of the picture are left out: pointing at what fills the picture shows nothing."""
SMALL_PART = 0.02
"""A label is small on a picture when none of its boxes there covers as much of it."""


def peak(heat: FloatArray) -> tuple[float, float]:
    """x, y in fractions of the middle of the hottest cell; of several, the first in reading order.

    >>> peak(np.array([[0, 0, 0], [0, 0, 9]], np.float32))
    (0.8333333333333334, 0.75)
    """
    row, column = divmod(int(heat.argmax()), heat.shape[1])
    return (column + 0.5) / heat.shape[1], (row + 0.5) / heat.shape[0]


def points_at(point: tuple[float, float], boxes: Sequence[Box], tolerance: tuple[float, float] = (0.0, 0.0)) -> bool:
    """Whether a point (x, y) is inside one of the boxes, each grown by the tolerance (x, y) in fractions.

    Source: the pointing game (Zhang et al. 2016), whose tolerance is 15 pixels; callers state theirs.
    """
    x, y = point
    dx, dy = tolerance
    return any(b.x - dx <= x <= b.x + b.w + dx and b.y - dy <= y <= b.y + b.h + dy for b in boxes)


def chance_of_pointing(boxes: Sequence[Box], tolerance: tuple[float, float] = (0.0, 0.0), cells: int = 64) -> float:
    """Share 0..1 of a fine grid of points that would count as hits: what blind chance reaches."""
    centres = (np.arange(cells) + 0.5) / cells
    hit = np.zeros((cells, cells), bool)
    for b in boxes:
        columns = (centres >= b.x - tolerance[0]) & (centres <= b.x + b.w + tolerance[0])
        rows = (centres >= b.y - tolerance[1]) & (centres <= b.y + b.h + tolerance[1])
        hit |= rows[:, None] & columns[None]
    return float(hit.mean())


def intersection_over_union(a: Box, b: Box) -> float:
    """Area of the overlap over area of the union, 0..1.

    >>> round(intersection_over_union(Box(0, 0, 0.5, 1), Box(0.25, 0, 0.5, 1)), 4)
    0.3333
    """
    wide = min(a.x + a.w, b.x + b.w) - max(a.x, b.x)
    high = min(a.y + a.h, b.y + b.h) - max(a.y, b.y)
    inside = max(wide, 0.0) * max(high, 0.0)
    return inside / (a.w * a.h + b.w * b.h - inside)


def covered_area(boxes: Sequence[Box]) -> float:
    """Share 0..1 of the picture under at least one of the boxes; 0 for none.

    >>> covered_area([Box(0, 0, 0.5, 1), Box(0.25, 0, 0.5, 1)])
    0.75
    """
    return energy_in_box(np.ones((1, 1), np.float32), boxes)


def energy_in_box(heat: FloatArray, boxes: Sequence[Box]) -> float:
    """Share 0..1 of a heat map's warmth that lies inside the boxes.

    Warmth is heat above the map's coldest cell, so a shift of all values changes nothing. A cell on a box's edge counts
    by the share of it that is inside; what lies in two boxes counts once.

    Args:
        heat: (h, w) any finite values, larger is hotter. A flat map is spread evenly: it gives the boxes' area.
        boxes: none gives 0.
    Raises:
        InvalidArgument: heat is empty, has another number of axes or is not finite.
    Source: energy-based pointing game (Wang et al. 2020, Score-CAM, section 4.3), maps scaled from 0 as there.

    >>> energy_in_box(np.array([[0.2, 0.2], [0.2, 0.6]], np.float32), [Box(0.5, 0.5, 0.25, 0.5)])
    0.5
    """
    _check_heat(heat)
    warmth = heat.astype(np.float64) - float(heat.min())
    if warmth.max() <= 0:
        warmth = np.ones_like(warmth)
    # Every edge of a cell or a box is a line of a finer grid, whose cells are inside a box or outside, nothing between.
    ys = np.unique(np.concatenate([np.arange(heat.shape[0] + 1) / heat.shape[0], *([b.y, b.y + b.h] for b in boxes)]))
    xs = np.unique(np.concatenate([np.arange(heat.shape[1] + 1) / heat.shape[1], *([b.x, b.x + b.w] for b in boxes)]))
    y, x = (ys[1:] + ys[:-1]) / 2, (xs[1:] + xs[:-1]) / 2
    inside = np.zeros((len(y), len(x)), bool)
    for b in boxes:
        inside |= ((y > b.y) & (y < b.y + b.h))[:, None] & ((x > b.x) & (x < b.x + b.w))[None]
    rows = np.minimum((y * heat.shape[0]).astype(np.int64), heat.shape[0] - 1)
    columns = np.minimum((x * heat.shape[1]).astype(np.int64), heat.shape[1] - 1)
    energy = warmth[np.ix_(rows, columns)] * np.outer(np.diff(ys), np.diff(xs))
    return float(energy[inside].sum() / energy.sum())


def hot_area(heat: FloatArray, size: tuple[int, int], *, level: float = 0.5) -> NDArray[np.bool_]:
    """(height, width) bool: what of the picture a heat map marks.

    Args:
        heat: (h, w) any finite values, larger is hotter; stretched to `size` between the middles of its cells.
        size: (height, width) of the result.
        level: marked is what is hotter than mean + level * (peak - mean), 0..1: the rule by which a match is shown,
            but for all hot spots and not for one. A flat map marks the whole picture.
    Raises:
        InvalidArgument: heat is empty, has another number of axes or is not finite, or level is outside 0..1.
    """
    _check_heat(heat)
    if not 0 <= level <= 1:
        raise InvalidArgument(f"level is {level}; give a fraction 0..1")
    if heat.min() == heat.max():
        return np.ones(size, bool)
    fine = _stretched(_stretched(heat.astype(np.float64), size[0]).T, size[1]).T
    peak, mean = float(fine.max()), float(fine.mean())
    if peak - mean <= 1e-9 * max(1.0, abs(peak)):
        return np.ones(size, bool)
    return np.asarray(fine >= mean + level * (peak - mean))


def mask_iou(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Area of the overlap of two masks of one shape over the area of their union, 0..1; two empty ones give 1.

    Raises:
        InvalidArgument: the shapes differ.

    >>> mask_iou(np.array([[True, True, False]]), np.array([[False, True, True]])).__round__(4)
    0.3333
    """
    if found.shape != truth.shape:
        raise InvalidArgument(f"masks of shapes {found.shape} and {truth.shape} cannot overlap")
    union = int((found | truth).sum())
    return int((found & truth).sum()) / union if union else 1.0


class LocationPrior:
    """Where a label's regions lie on other pictures: the guess of one who does not look.

    Fitted on regions (label, box); `point` gives the spot that falls into the most of them.
    """

    def __init__(self, regions: Sequence[tuple[str, Box]], cells: int = 32) -> None:
        if not regions:
            raise InvalidArgument("a location prior needs at least one region")
        self._centres = (np.arange(cells) + 0.5) / cells
        self._maps: dict[str, FloatArray] = {}
        self._whole = np.zeros((cells, cells), np.float32)
        for label, box in regions:
            covered = self._covered(box)
            self._maps[label] = self._maps.get(label, 0) + covered
            self._whole += covered

    def point(self, label: str, without: Sequence[tuple[str, Box]] = ()) -> tuple[float, float]:
        """x, y in fractions where `heat` is hottest; a flat top is met in its middle."""
        heat = self.heat(label, without)
        rows, columns = np.nonzero(heat >= heat.max())
        return float(self._centres[columns].mean()), float(self._centres[rows].mean())

    def heat(self, label: str, without: Sequence[tuple[str, Box]] = ()) -> FloatArray:
        """(cells, cells) how many regions of the label lie on each spot, those `without` not counted.

        Args:
            label: one seen nowhere else gets the counts of all labels together.
            without: regions (label, box) that were fitted, of the picture in question: the guess must not know them.
        """
        heat = self._maps.get(label, np.zeros_like(self._whole)).copy()
        whole = self._whole.copy()
        for other, box in without:
            covered = self._covered(box)
            whole -= covered
            if other == label:
                heat -= covered
        return heat if heat.max() > 0.5 else whole

    def _covered(self, box: Box) -> FloatArray:
        rows = (self._centres >= box.y) & (self._centres <= box.y + box.h)
        columns = (self._centres >= box.x) & (self._centres <= box.x + box.w)
        return np.outer(rows, columns).astype(np.float32)


def _check_heat(heat: FloatArray) -> None:
    if heat.ndim != 2 or not heat.size or not np.isfinite(heat).all():
        raise InvalidArgument(f"a heat map must be finite and of shape (h, w), got shape {heat.shape}")


def _stretched(rows: NDArray[np.float64], to: int) -> NDArray[np.float64]:
    """(to, w) of (h, w): linear between the middles of rows, flat beyond the outer ones.

    Not a product of matrices: threads of a BLAS cost ten times the arithmetic of such small ones on a busy machine.
    """
    at = np.clip((np.arange(to) + 0.5) / to * len(rows) - 0.5, 0, len(rows) - 1)
    low = at.astype(np.int64)
    share = (at - low)[:, None]
    return np.asarray(rows[low] * (1 - share) + rows[np.minimum(low + 1, len(rows) - 1)] * share)
