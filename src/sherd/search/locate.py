"""From a heat map to the box of what is hot."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sherd.errors import InvalidArgument
from sherd.types import Box, FloatArray


def box_from_heat(heat: FloatArray, *, level: float = 0.5) -> Box:
    """The box of the connected area around the hottest cell.

    Args:
        heat: (h, w) any finite values, larger is hotter.
        level: cells belong to the area when they are hotter than mean + level * (peak - mean), 0..1.
    Returns:
        A box of whole cells in fractions of the picture. A flat map gives the whole picture: nothing stands out.
    Raises:
        InvalidArgument: heat is empty, has another number of axes or is not finite, or level is outside 0..1.

    >>> box_from_heat(np.array([[0, 0, 0, 0], [0, 1, 0.9, 0], [0, 0, 0, 0.9]], np.float32))
    Box(x=0.25, y=0.3333333333333333, w=0.5, h=0.3333333333333333)
    """
    if heat.ndim != 2 or not heat.size or not np.isfinite(heat).all():
        raise InvalidArgument(f"a heat map must be finite and of shape (h, w), got shape {heat.shape}")
    if not 0 <= level <= 1:
        raise InvalidArgument(f"level is {level}; give a fraction 0..1")
    rows, columns = heat.shape
    values = heat.astype(np.float64)
    peak, mean = float(values.max()), float(values.mean())
    if peak - mean <= 1e-9 * max(1.0, abs(peak)):
        return Box(0, 0, 1, 1)
    area = connected(values >= mean + level * (peak - mean), divmod(int(values.argmax()), columns))
    ys, xs = np.nonzero(area)
    x, y = int(xs.min()), int(ys.min())
    return Box(x / columns, y / rows, (int(xs.max()) + 1 - x) / columns, (int(ys.max()) + 1 - y) / rows)


def connected(mask: NDArray[np.bool_], start: tuple[int, int]) -> NDArray[np.bool_]:
    """The cells of `mask` (h, w) that can be reached from `start` (row, column) over common edges."""
    area = np.zeros_like(mask)
    waiting = [start]
    while waiting:
        y, x = waiting.pop()
        if 0 <= y < mask.shape[0] and 0 <= x < mask.shape[1] and mask[y, x] and not area[y, x]:
            area[y, x] = True
            waiting += [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
    return area
