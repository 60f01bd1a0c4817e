"""How well a heat map or a box finds a region."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sherd.errors import InvalidArgument
from sherd.types import Box, FloatArray


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
        """x, y in fractions, as if the regions `without` (of the picture in question) had not been fitted.

        A label seen nowhere else gets the spot of all labels together. A flat top is met in its middle.
        """
        heat = self._maps.get(label, np.zeros_like(self._whole)).copy()
        whole = self._whole.copy()
        for other, box in without:
            covered = self._covered(box)
            whole -= covered
            if other == label:
                heat -= covered
        heat = heat if heat.max() > 0.5 else whole
        rows, columns = np.nonzero(heat >= heat.max())
        return float(self._centres[columns].mean()), float(self._centres[rows].mean())

    def _covered(self, box: Box) -> FloatArray:
        rows = (self._centres >= box.y) & (self._centres <= box.y + box.h)
        columns = (self._centres >= box.x) & (self._centres <= box.x + box.w)
        return np.outer(rows, columns).astype(np.float32)
