"""What handles, legs and lids are made of: outlines in the object's own units, and what a part knows of the body.

Object units: y 0 at the top of the body and 1 at its foot, x 0 on the axis. Parts may reach beyond.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sherd.relics.pen import Point, curve

Points = NDArray[np.float64]
Params = Mapping[str, float]
Range = tuple[float, float]


@dataclass(frozen=True)
class Frame:
    """What a part needs to know of the body: half width by y, and how far the viewer looks from above (0..0.3)."""

    ys: Points
    half: Points
    tilt: float
    side: int
    flat: bool

    def r(self, y: float) -> float:
        """Half width at y."""
        return float(np.interp(y, self.ys, self.half))

    @property
    def widest(self) -> float:
        """The y of the greatest half width."""
        return float(self.ys[int(np.argmax(self.half))])


@dataclass
class Outline:
    """Polygons to fill, back to front; `behind` ones are hidden by the body."""

    front: list[Points] = field(default_factory=list)
    behind: list[Points] = field(default_factory=list)
    closes: bool = False
    """The part covers the mouth."""


def tube(points: list[Point], start: float, end: float | None = None) -> Points:
    """The outline of a bent tube that narrows from `start` to `end`."""
    path = curve(points, 6)
    step = np.gradient(path, axis=0)
    normal = np.stack([-step[:, 1], step[:, 0]], 1) / np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-9)[:, None]
    half = np.linspace(start, start if end is None else end, len(path))[:, None] / 2
    return np.concatenate([path + normal * half, (path - normal * half)[::-1]])


def sides(polygon: Points) -> list[Points]:
    """The polygon, and its mirror image across the axis."""
    return [polygon, polygon * np.array([-1.0, 1.0])]


def annulus(x: float, y: float, r: float, width: float) -> Points:
    """A ring of outer radius `r` about x, y, `width` thick."""
    t = np.linspace(0, 2 * math.pi, 25)
    circle = np.stack([np.cos(t), np.sin(t)], 1)
    outline: Points = np.concatenate([circle * r, circle[::-1] * (r - width)]) + np.array([x, y])
    return outline
