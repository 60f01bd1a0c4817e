"""The pen that motif programs draw with: three inks on a tile, in units of the tile's height."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Point: TypeAlias = tuple[float, float]
Ink: TypeAlias = tuple[int, int, int]

BODY: Ink = (255, 0, 0)
ACCENT: Ink = (0, 255, 0)
LINE: Ink = (0, 0, 255)
BLANK: Ink = (0, 0, 0)

TILE_PX = 96
_SUPERSAMPLE = 3


class Pen:
    """Draws on one tile; x runs 0..aspect, y runs 0..1 downwards.

    The inks are the channels of an RGB picture: BODY is the motif's mass, ACCENT its second colour and highest relief,
    LINE its grooves and outlines. What the inks look like (bronze relief, cobalt, dyed thread) is the surface's matter.
    """

    def __init__(self, aspect: float) -> None:
        self.aspect = aspect
        self._scale = TILE_PX * _SUPERSAMPLE
        self._image = Image.new("RGB", (max(1, round(aspect * self._scale)), self._scale))
        self._draw = ImageDraw.Draw(self._image)

    def tile(self) -> Image.Image:
        """The finished tile, TILE_PX high."""
        return self._image.resize((max(1, round(self.aspect * TILE_PX)), TILE_PX), Image.Resampling.BOX)

    def poly(self, points: Iterable[Point], ink: Ink = BODY) -> None:
        """A filled polygon."""
        self._draw.polygon([(x * self._scale, y * self._scale) for x, y in points], fill=ink)

    def line(self, points: Iterable[Point], width: float = 0.03, ink: Ink = LINE, *, closed: bool = False) -> None:
        """A polyline with round joints."""
        px = [(x * self._scale, y * self._scale) for x, y in points]
        if closed:
            px += px[:2]
        self._draw.line(px, fill=ink, width=max(1, round(width * self._scale)), joint="curve")

    def dot(self, x: float, y: float, r: float, ink: Ink = BODY, ry: float | None = None) -> None:
        """A filled circle, or ellipse where `ry` is given."""
        ry = r if ry is None else ry
        s = self._scale
        self._draw.ellipse(((x - r) * s, (y - ry) * s, (x + r) * s, (y + ry) * s), fill=ink)

    def ring(self, x: float, y: float, r: float, width: float = 0.03, ink: Ink = LINE) -> None:
        """A circle drawn with a line of `width`, inside radius r."""
        s = self._scale
        box = ((x - r) * s, (y - r) * s, (x + r) * s, (y + r) * s)
        self._draw.ellipse(box, outline=ink, width=max(1, round(width * s)))

    def ribbon(
        self,
        points: Sequence[Point],
        start: float,
        end: float,
        ink: Ink = BODY,
        *,
        groove: float = 0.0,
        smooth: bool = True,
    ) -> None:
        """A band along `points` whose width goes from `start` to `end`; `groove` is the width of a line along it."""
        path = curve(points) if smooth else np.asarray(points, float)
        step = np.gradient(path, axis=0)
        normal = np.stack([-step[:, 1], step[:, 0]], 1) / np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-9)[:, None]
        half = np.linspace(start, end, len(path))[:, None] / 2
        outline = np.concatenate([path + normal * half, (path - normal * half)[::-1]])
        self._draw.polygon([(x, y) for x, y in (outline * self._scale).tolist()], fill=ink)
        for (x, y), width in ((path[0], start), (path[-1], end)):
            self.dot(float(x), float(y), width / 2, ink)
        if groove > 0:
            self.line([(float(x), float(y)) for x, y in path[2:-2]], groove, LINE)

    def spiral(
        self,
        x: float,
        y: float,
        r: float,
        *,
        turns: float = 2.0,
        start: float = 0.0,
        width: float = 0.05,
        ink: Ink = BODY,
    ) -> None:
        """A round spiral from radius r inwards; negative turns run the other way. `start` in radians."""
        t = np.linspace(0, 1, max(12, int(abs(turns) * 22)))
        radius = r * (1 - 0.9 * t)
        angle = start + turns * 2 * math.pi * t
        self.line([(x + a * math.cos(b), y + a * math.sin(b)) for a, b in zip(radius, angle, strict=True)], width, ink)

    def square_spiral(
        self, x: float, y: float, r: float, *, turns: int = 3, width: float = 0.05, ink: Ink = BODY, flip: bool = False
    ) -> None:
        """A thunder-pattern spiral of straight lines in the square of half side r."""
        points: list[Point] = [(x - r, y - r)]
        pitch = r / (turns + 0.35)
        for k in range(turns):
            inner = r - k * pitch
            nxt = r - (k + 1) * pitch
            points += [(x + inner, y - inner), (x + inner, y + inner), (x - inner, y + inner), (x - inner, y - nxt)]
        points.append((x, y - (r - turns * pitch)))
        if flip:
            points = [(2 * x - a, b) for a, b in points]
        self.line(points, width, ink)

    def mirror(self) -> None:
        """Copy the left half, reversed, onto the right half."""
        width, height = self._image.size
        half = self._image.crop((0, 0, width // 2, height))
        self._image.paste(half.transpose(Image.Transpose.FLIP_LEFT_RIGHT), (width - width // 2, 0))


def curve(points: Sequence[Point], per_segment: int = 10) -> NDArray[np.float64]:
    """(n, 2) points of the Catmull-Rom curve through `points`."""
    p = np.asarray(points, float)
    if len(p) < 3:
        t = np.linspace(0, 1, per_segment)[:, None]
        return np.asarray(p[0] * (1 - t) + p[-1] * t)
    p = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    t = np.linspace(0, 1, per_segment, endpoint=False)[:, None]
    a, b, c, d = (p[i : len(p) - 3 + i, None, :] for i in range(4))
    out = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.concatenate([out.reshape(-1, 2), p[-2:-1]])


def petal(x: float, y: float, angle: float, length: float, width: float, pointed: float = 0.5) -> list[Point]:
    """The outline of a petal that starts at x, y and points to `angle` (radians, clockwise from the right)."""
    t = np.linspace(0, 1, 14)
    w = width / 2 * np.sin(np.pi * t**0.8) ** (1 - 0.5 * (1 - pointed))
    c, s = math.cos(angle), math.sin(angle)
    xs = np.concatenate([t, t[::-1]]) * length
    ys = np.concatenate([w, -w[::-1]])
    return [(x + a * c - b * s, y + a * s + b * c) for a, b in zip(xs.tolist(), ys.tolist(), strict=True)]


def polar(x: float, y: float, r: float, angle: float) -> Point:
    """The point at `r` and `angle` (radians) from x, y."""
    return x + r * math.cos(angle), y + r * math.sin(angle)
