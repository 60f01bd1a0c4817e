"""Bodies of relics: from an outline to a map that says, for each pixel, where on the adorned surface it lies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from sherd.relics.grammar import Plan
from sherd.relics.outlines import Frame, Points

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

ATLAS_ROWS = 256
_STEPS = 512
_EDGE = 0.05


@dataclass(frozen=True)
class Slot:
    """An adorned place in the atlas. `ratio`: atlas columns per row for a square to look square on the object."""

    top: int
    left: int
    height: int
    width: int
    ratio: float
    radial: bool = False
    wrap: bool = False


@dataclass(frozen=True)
class Body:
    """The body in the object's units, before it is set into a picture."""

    kind: str
    frame: Frame
    polygon: Points
    """(n, 2) outline in object units, for fitting and for flat bodies."""
    slots: Mapping[str, Slot]
    columns: int
    rows: int
    slope: Floats
    """(_STEPS,) change of half width with y, or of height with radius."""
    half: Floats
    """(_STEPS,) half width by y."""
    tilt: float
    side: int
    open: bool


@dataclass(frozen=True)
class Lay:
    """The body in the picture: (h, w) arrays over the crop."""

    mask: Mask
    row: NDArray[np.int32]
    col: NDArray[np.int32]
    normal_x: Floats
    normal_y: Floats
    inside: Mask
    """The open mouth, or the side of a slab: body without adornment."""


def build_body(plan: Plan) -> Body:
    """The body of the plan's object type, stretched and swollen as the plan says."""
    kind = plan.object.body
    if kind in ("revolved", "box"):
        return _upright(plan)
    return _disc(plan) if kind == "disc" else _flat(plan)


def _upright(plan: Plan) -> Body:
    view = plan.view
    points = np.asarray(plan.object.outline)
    half = np.interp(np.linspace(0, 1, _STEPS), points[:, 1], points[:, 0] * (1 + np.asarray(view.swell)))
    half = half * view.stretch
    # Smoothed, so that a profile of few points turns like thrown clay; ends kept.
    kernel = np.hanning(2 * (_STEPS // 40) + 3)
    pad = len(kernel) // 2
    padded = np.concatenate([np.full(pad, half[0]), half, np.full(pad, half[-1])])
    half = np.convolve(padded, kernel / kernel.sum(), "valid").astype(np.float32)
    ys = np.linspace(0, 1, _STEPS)
    frame = Frame(ys, half.astype(float), view.tilt, view.side, flat=False)
    outline = np.concatenate([np.stack([half, ys], 1), np.stack([-half, ys], 1)[::-1]])
    sag = np.array([[0.0, -view.tilt * half[0]], [0.0, 1 + view.tilt * half[-1]]])
    columns = 384
    slots = {}
    for place, (low, high) in plan.object.zones.items():
        mean = float(half[int(low * (_STEPS - 1)) : int(high * (_STEPS - 1)) + 1].mean())
        breadth = math.pi * mean if plan.object.body == "revolved" else 1.45 * mean
        top = round(low * ATLAS_ROWS)
        slots[place] = Slot(top, 0, round(high * ATLAS_ROWS) - top, columns, columns / breadth / ATLAS_ROWS)
    slope = np.gradient(half, 1 / (_STEPS - 1)).astype(np.float32)
    closed = any(part.part.program == "lid" for part in plan.parts) or half[0] < 0.06
    return Body(
        plan.object.body, frame, np.concatenate([outline, sag]), slots, columns, ATLAS_ROWS, slope, half,
        view.tilt, view.side, not closed,
    )  # fmt: skip


def _disc(plan: Plan) -> Body:
    view = plan.view
    squash = 1 - 1.1 * view.tilt
    t = np.linspace(0, 2 * math.pi, 73)
    polygon = np.stack([0.5 * np.cos(t), 0.5 + 0.5 * squash * np.sin(t)], 1)
    ys = np.linspace(0, 1, 101)
    half = 0.5 * np.sqrt(np.clip(1 - ((ys - 0.5) * 2 / squash) ** 2, 0, 1))
    frame = Frame(ys, half, view.tilt, view.side, flat=True)
    steps = np.asarray(plan.object.outline)
    height = np.interp(np.linspace(0, 1, _STEPS), steps[:, 0], steps[:, 1])
    slope = np.gradient(np.convolve(np.pad(height, 8, "edge"), np.ones(17) / 17, "valid"), 1 / (_STEPS - 1))
    columns = 768
    slots = {}
    for place, (low, high) in plan.object.zones.items():
        top, rows = round(low * ATLAS_ROWS), round((high - low) * ATLAS_ROWS)
        if low < 0.02:
            # The middle is upright, not bent round the centre: it has a square of its own below the rings.
            slots[place] = Slot(ATLAS_ROWS, 0, 2 * rows, 2 * rows, 1.0)
        else:
            around = 2 * math.pi * (low + high) / 2
            slots[place] = Slot(top, 0, rows, columns, columns / around / ATLAS_ROWS, radial=True, wrap=True)
    rows = ATLAS_ROWS + max((slot.height for slot in slots.values() if not slot.radial), default=0)
    return Body(
        "disc", frame, polygon, slots, columns, rows, slope.astype(np.float32), np.zeros(1, np.float32),
        squash, view.side, False,
    )  # fmt: skip


def _flat(plan: Plan) -> Body:
    view = plan.view
    points = np.asarray(plan.object.outline)
    wide = view.stretch
    polygon = np.stack([(points[:, 0] - 0.5) * wide, points[:, 1]], 1)
    ys = np.linspace(0, 1, 101)
    frame = Frame(ys, _half_widths(polygon, ys), 0.0, view.side, flat=True)
    columns = max(64, round(wide * ATLAS_ROWS))
    slots = {
        place: Slot(
            round(y0 * ATLAS_ROWS), round(x0 * columns), round((y1 - y0) * ATLAS_ROWS), round((x1 - x0) * columns), 1.0
        )
        for place, (x0, y0, x1, y1) in plan.object.zones.items()
    }
    empty = np.zeros(1, np.float32)
    return Body(plan.object.body, frame, polygon, slots, columns, ATLAS_ROWS, empty, empty, 0.0, view.side, False)


def _half_widths(polygon: Points, ys: Points) -> Points:
    """The greatest x of the polygon at each y."""
    out = np.zeros(len(ys))
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, 0), strict=True):
        low, high = min(y0, y1), max(y0, y1)
        at = (ys >= low - 0.012) & (ys <= high + 0.012)
        t = np.clip((ys[at] - y0) / (y1 - y0), 0, 1) if abs(y1 - y0) > 1e-9 else np.ones(int(at.sum()))
        out[at] = np.maximum(out[at], np.maximum(x0 + (x1 - x0) * t, 0))
    return out


def lay_out(body: Body, ox: Floats, oy: Floats, to_pixels: ToPixels) -> Lay:
    """The body over a crop whose pixels have object coordinates `ox`, `oy`, each (h, w)."""
    if body.kind == "revolved":
        return _lay_revolved(body, ox, oy)
    if body.kind == "box":
        return _lay_box(body, ox, oy)
    return _lay_disc(body, ox, oy) if body.kind == "disc" else _lay_flat(body, ox, oy, to_pixels)


def _lay_revolved(body: Body, ox: Floats, oy: Floats) -> Lay:
    tilt = body.tilt
    last = _STEPS - 1
    y = oy
    for _ in range(3):
        # The front of the circle at height y hangs down by tilt * r * cos(theta): solve for y by repetition.
        r = body.half[np.clip(y * last, 0, last).astype(np.int32)]
        u = ox / r
        cos = np.sqrt(np.maximum(1 - u * u, 0))
        y = oy - tilt * r * cos
    r = body.half[np.clip(y * last, 0, last).astype(np.int32)]
    u = np.clip(ox / r, -1, 1)
    mask = (np.abs(ox) <= r) & (y >= 0) & (y <= 1)
    r0 = float(body.half[0])
    mouth = (ox / r0) ** 2 + (oy / (tilt * r0)) ** 2
    inside = (mouth <= 0.8) if body.open else np.zeros_like(mask)
    mask |= mouth <= 1
    slope = body.slope[np.clip(y * last, 0, last).astype(np.int32)]
    norm = 1 / np.sqrt(1 + slope * slope)
    theta = np.arcsin(u)
    row = np.clip(y * ATLAS_ROWS, 0, ATLAS_ROWS - 1).astype(np.int32)
    col = ((theta / math.pi + 0.5) * (body.columns - 1)).astype(np.int32)
    return Lay(mask, row, col, u * norm, -slope * np.sqrt(1 - u * u) * norm, inside)


def _lay_box(body: Body, ox: Floats, oy: Floats) -> Lay:
    last = _STEPS - 1
    split, depth, s = 0.45, body.tilt * 0.5, float(body.side)
    y = oy
    for _ in range(2):
        r = body.half[np.clip(y * last, 0, last).astype(np.int32)]
        u = s * ox / r
        far = np.clip((u - split) / (1 - split), 0, 1)
        y = oy + depth * far
    front = u < split
    across = np.where(front, (u + 1) / (split + 1), far)
    across = across if s > 0 else 1 - across
    mask = (np.abs(u) <= 1) & (y >= 0) & (y <= 1)
    slope = body.slope[np.clip(y * last, 0, last).astype(np.int32)]
    normal_x = np.where(front, -0.22 * s, 0.78 * s).astype(np.float32)
    r0 = float(body.half[0])
    lift = oy / -max(depth, 1e-6)
    back = s * ox / r0 - lift * (1 - split)
    mouth = (oy <= 0) & (lift <= 1) & (back >= -1) & (back <= split)
    inside = mouth & (lift > 0.12) & (lift < 0.9) & (back > -0.93) & (back < split - 0.07)
    row = np.clip(y * ATLAS_ROWS, 0, ATLAS_ROWS - 1).astype(np.int32)
    col = np.clip(across * (body.columns - 1), 0, body.columns - 1).astype(np.int32)
    return Lay(mask | mouth, row, col, normal_x, -0.8 * slope.astype(np.float32), inside & body.open)


def _lay_disc(body: Body, ox: Floats, oy: Floats) -> Lay:
    x, y = ox / 0.5, (oy - 0.5) / (0.5 * body.tilt)
    radius = np.sqrt(x * x + y * y)
    mask = radius <= 1
    safe = np.maximum(radius, 1e-4)
    slope = body.slope[np.clip(radius * (_STEPS - 1), 0, _STEPS - 1).astype(np.int32)] * 0.5
    norm = 1 / (safe * np.sqrt(1 + slope * slope))
    row = np.clip(radius * ATLAS_ROWS, 0, ATLAS_ROWS - 1).astype(np.int32)
    turn = np.arctan2(x, -y) / (2 * math.pi) + 0.5
    col = np.clip(turn * body.columns, 0, body.columns - 1).astype(np.int32)
    for slot in body.slots.values():
        if not slot.radial:
            size = slot.height
            centre = (radius < size / 2 / ATLAS_ROWS) & mask
            row[centre] = np.clip(slot.top + size / 2 + y[centre] * ATLAS_ROWS, slot.top, slot.top + size - 1)
            col[centre] = np.clip(size / 2 + x[centre] * ATLAS_ROWS, 0, size - 1)
    return Lay(mask, row, col, -slope * x * norm, -slope * y * norm, np.zeros_like(mask))


def _lay_flat(body: Body, ox: Floats, oy: Floats, to_pixels: ToPixels) -> Lay:
    image = Image.new("L", (ox.shape[1], ox.shape[0]))
    draw = ImageDraw.Draw(image)
    if body.kind == "slab":
        back = body.polygon + np.array([_EDGE * body.side, -_EDGE * 0.5])
        for k in range(len(body.polygon)):
            quad = np.concatenate([body.polygon[[k - 1, k]], back[[k, k - 1]]])
            draw.polygon(to_pixels(quad), fill=1)
    draw.polygon(to_pixels(body.polygon), fill=2)
    drawn = np.asarray(image)
    wide = body.columns / ATLAS_ROWS
    row = np.clip(oy * ATLAS_ROWS, 0, ATLAS_ROWS - 1).astype(np.int32)
    col = np.clip((ox / wide + 0.5) * body.columns, 0, body.columns - 1).astype(np.int32)
    zero = np.zeros(ox.shape, np.float32)
    return Lay(drawn > 0, row, col, zero, zero.copy(), drawn == 1)


class ToPixels:
    """From object units to pixels of the crop: scale, turn and move."""

    def __init__(self, scale: float, turn: float, origin: tuple[float, float]) -> None:
        c, s = math.cos(turn) * scale, math.sin(turn) * scale
        self.matrix = np.array([[c, -s], [s, c]])
        self.origin = np.asarray(origin)

    def __call__(self, points: Points) -> list[tuple[float, float]]:
        moved = (points - (0.0, 0.5)) @ self.matrix.T + self.origin
        return [(x, y) for x, y in moved.tolist()]

    def shifted(self, dx: float, dy: float) -> ToPixels:
        """The same map into a crop that begins at dx, dy."""
        other = ToPixels.__new__(ToPixels)
        other.matrix, other.origin = self.matrix, self.origin - (dx, dy)
        return other

    def grid(self, height: int, width: int) -> tuple[Floats, Floats]:
        """Object coordinates of the centres of the crop's pixels, each (height, width)."""
        inverse = np.linalg.inv(self.matrix).astype(np.float32)
        x = np.arange(width, dtype=np.float32) + np.float32(0.5 - self.origin[0])
        y = np.arange(height, dtype=np.float32) + np.float32(0.5 - self.origin[1])
        ox = inverse[0, 0] * x[None, :] + inverse[0, 1] * y[:, None]
        oy = inverse[1, 0] * x[None, :] + inverse[1, 1] * y[:, None] + np.float32(0.5)
        return ox, oy
