"""Motif programs of Islamic tiles and glazed wares. Only cultures that are kept out of training draw with these."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from sherd.relics.pen import ACCENT, BLANK, BODY, LINE, Pen, Point, curve, petal, polar

Params = Mapping[str, float]


def _placed(x: float, y: float, angle: float, size: float) -> Callable[[Sequence[Point]], list[Point]]:
    """From units of a shape that begins at 0, 0 and grows along u to the tile: turned to `angle`, `size` long."""
    c, s = math.cos(angle) * size, math.sin(angle) * size
    return lambda points: [(x + u * c - v * s, y + u * s + v * c) for u, v in points]


def _star(x: float, y: float, r: float, points: int = 8, depth: float = 0.765, turn: float = 0.0) -> list[Point]:
    """A star's outline; `depth` is the inner radius over the outer, 0.765 for two squares laid over each other."""
    step = math.pi / points
    return [polar(x, y, r if k % 2 == 0 else r * depth, turn + k * step) for k in range(2 * points)]


def _outlined(pen: Pen, points: Sequence[Point], inside: Sequence[Point], ink: tuple[int, int, int] = BODY) -> None:
    pen.poly(points, LINE)
    pen.poly(inside, ink)


def _legs(pen: Pen, feet: Sequence[tuple[float, float]], y: float, width: float, stride: float) -> None:
    """Four-footed beasts' legs: (x at the belly, way that the foot goes) each."""
    for x, way in feet:
        knee = (x + 0.35 * stride * way, y + 0.17)
        pen.ribbon([(x, y), knee, (x + stride * way, 0.93)], width, width * 0.55, smooth=False)
        pen.ribbon([(x + stride * way, 0.94), (x + stride * way + 0.05, 0.945)], width * 0.6, width * 0.5, smooth=False)


def _split_leaf(pen: Pen, x: float, y: float, angle: float, size: float, side: int) -> None:
    """A half palmette: one lobe that runs out to a long tip, one that curls back."""
    at = _placed(x, y, angle, size)
    long = [(0.0, -0.06), (0.3, -0.24), (0.7, -0.2), (1.0, 0.12), (0.66, 0.02), (0.3, 0.1), (0.0, 0.08)]
    pen.poly(at([(u, v * side) for u, v in long]))
    pen.ribbon(at([(0.12, 0.04 * side), (0.3, 0.3 * side), (0.1, 0.44 * side)]), 0.2 * size, 0.1 * size)
    pen.line(at([(0.1, -0.04 * side), (0.5, -0.1 * side), (0.86, 0.04 * side)]), 0.04 * size, LINE)


def arabesque(pen: Pen, p: Params) -> None:
    """Crossing stems that leave almond fields, each with split leaves about a bud; repeating sideways."""
    a, w = pen.aspect, 0.05 * p["stroke"]
    for phase in (0.0, math.pi):
        points = [(a * t / 16, 0.5 + 0.42 * math.cos(2 * math.pi * t / 16 + phase)) for t in range(-1, 18)]
        pen.ribbon(points, w, w)
    for x in (0.0, a / 2, a):
        for side in (-1, 1):
            _split_leaf(pen, x, 0.74, -math.pi / 2 + 0.55 * side, 0.5, side)
        tip = 0.36 + 0.16 * p["bud"]
        pen.poly(petal(x, 0.74, -math.pi / 2, tip, 0.16, 0.9), ACCENT)
        pen.dot(x, 0.76, 0.055, LINE)
    for x in (a / 4, a * 3 / 4):
        pen.poly([(x - 0.09, 0.5), (x, 0.38), (x + 0.09, 0.5), (x, 0.62)], ACCENT)
        for y, way in ((0.06, 1), (0.94, -1)):
            pen.poly(petal(x, y, way * math.pi / 2, 0.26, 0.17, 0.8))


def star_interlace(pen: Pen, p: Params) -> None:
    """Eight-pointed stars at the middle and the corners, bound by a net of straps; joins itself on all sides."""
    w = 0.045 * p["strap"]
    for k in range(8):
        turn = math.pi / 8 + k * math.pi / 4
        pen.poly([polar(0.5, 0.5, 0.3, turn), polar(0.5, 0.5, 0.42, turn - 0.17), polar(0.5, 0.5, 0.53, turn),
                  polar(0.5, 0.5, 0.42, turn + 0.17)])  # fmt: skip
    for x, y in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)):
        pen.poly(_star(x, y, 0.24), ACCENT)
        pen.poly(_star(x, y, 0.13, turn=math.pi / 8), LINE)
    pen.poly(_star(0.5, 0.5, 0.33))
    pen.line(_star(0.5, 0.5, 0.37), w, LINE, closed=True)
    pen.poly(_star(0.5, 0.5, 0.2, points=round(p["heart"]), depth=0.5), ACCENT)
    pen.dot(0.5, 0.5, 0.06, LINE)
    for x, y in ((0.5, 0.0), (1.0, 0.5), (0.5, 1.0), (0.0, 0.5)):
        pen.poly([(x - 0.12, y), (x, y - 0.12), (x + 0.12, y), (x, y + 0.12)], LINE)
        pen.poly([(x - 0.07, y), (x, y - 0.07), (x + 0.07, y), (x, y + 0.07)], ACCENT)


def kufic(pen: Pen, p: Params) -> None:
    """A line of angular script: a thick base line, tall shafts with slanted heads, square letters; joins itself."""
    a, w = pen.aspect, 0.052 * p["stroke"]
    pen.line([(0.0, 0.035), (a, 0.035)], 0.03, LINE)
    pen.line([(0.0, 0.965), (a, 0.965)], 0.03, LINE)
    pen.poly([(0.0, 0.72), (a, 0.72), (a, 0.84), (0.0, 0.84)])
    for x, top in ((0.14, 0.14), (0.36, 0.14), (0.62, 0.5), (0.8, 0.5), (1.2, 0.14), (1.86, 0.2), (2.06, 0.5)):
        pen.poly([(x - w, 0.8), (x - w, top + 0.1), (x - 1.7 * w, top), (x + w, top + 0.06), (x + w, 0.8)])
    # A square letter with an eye, and one that reaches back below the line.
    pen.poly([(1.4, 0.44), (1.7, 0.44), (1.7, 0.76), (1.4, 0.76)])
    pen.poly([(1.5, 0.54), (1.6, 0.54), (1.6, 0.66), (1.5, 0.66)], BLANK)
    pen.poly([(0.94, 0.8), (1.08, 0.8), (1.02, 0.93), (0.82, 0.93), (0.82, 0.88), (0.94, 0.88)])
    if p["plait"] > 0.5:
        for x in (0.14, 0.36):
            pen.ring(x, 0.4, 0.12, 0.045, ACCENT)
    # Foliage in the space above.
    for x, y, way in ((0.7, 0.26, 1), (1.52, 0.25, -1), (2.04, 0.28, 1)):
        pen.spiral(x, y, 0.13, turns=1.3 * way, start=math.pi * 0.4, width=0.035, ink=ACCENT)
        pen.poly(petal(x + 0.02 * way, y + 0.12, math.pi / 2 - way, 0.2, 0.1), ACCENT)


def tulip(pen: Pen, p: Params) -> None:
    """A tulip on its stem: three pointed petals, two long leaves."""
    c, s, spread = pen.aspect / 2, p["stroke"], 0.24 + 0.2 * p["open"]
    pen.line([(c, 0.5), (c + 0.015, 0.72), (c, 0.96)], 0.035 * s, LINE)
    for side in (-1, 1):
        leaf = [(c, 0.95), (c + side * 0.13, 0.82), (c + side * 0.17, 0.66), (c + side * 0.25, 0.52)]
        pen.ribbon(leaf, 0.11 * s, 0.025, ACCENT, groove=0.014)
    for side in (-1, 1):
        angle = -math.pi / 2 + side * spread
        _outlined(pen, petal(c, 0.55, angle, 0.53, 0.26, 0.95), petal(c, 0.53, angle, 0.47, 0.2, 0.95))
        pen.line([(c, 0.5), polar(c, 0.52, 0.38, angle)], 0.022, LINE)
    _outlined(
        pen, petal(c, 0.57, -math.pi / 2, 0.5, 0.24, 0.95), petal(c, 0.55, -math.pi / 2, 0.44, 0.18, 0.95), ACCENT
    )
    pen.line([(c, 0.5), (c, 0.2)], 0.018, LINE)


def cypress(pen: Pen, p: Params) -> None:
    """A cypress like a standing flame, its boughs as chevrons, on a small mound."""
    c, rows = pen.aspect / 2, round(p["rows"])
    ys = np.linspace(0.03, 0.88, 22)
    half = (0.19 * np.sin(math.pi * np.linspace(0.03, 0.93, 22) ** 1.25)).tolist()
    for grow, ink in ((1.0, LINE), (0.84, BODY)):
        side = [(h * grow, 0.46 + (y - 0.46) * (0.97 if ink == BODY else 1.0)) for h, y in zip(half, ys, strict=True)]
        pen.poly([(c + h, y) for h, y in side] + [(c - h, y) for h, y in reversed(side)], ink)
    for k in range(rows):
        y = 0.24 + 0.56 * k / rows
        reach = 0.6 * float(np.interp(y, ys, half))
        pen.line([(c - reach, y - 0.05), (c, y + 0.03), (c + reach, y - 0.05)], 0.026, ACCENT)
    pen.poly([(c - 0.028, 0.84), (c + 0.028, 0.84), (c + 0.035, 0.95), (c - 0.035, 0.95)], LINE)
    for x, r in ((-0.1, 0.07), (0.1, 0.07), (0.0, 0.075)):
        pen.dot(c + x, 0.935, r, ACCENT, 0.035 + 0.01 * p["mound"])


def palmette_fan(pen: Pen, p: Params) -> None:
    """A fan of lobes over two volutes."""
    c, n = pen.aspect / 2, round(p["lobes"])
    for k in range(n):
        t = (k + 0.5) / n
        angle = -math.pi * (1 - t)
        long = 0.4 + 0.24 * math.sin(math.pi * t)
        wide = 1.5 / n
        _outlined(pen, petal(c, 0.68, angle, long, wide, 0.2), petal(c, 0.68, angle, long * 0.93, wide * 0.76, 0.2))
        pen.poly(petal(c, 0.68, angle, long * 0.72, wide * 0.3, 0.2), ACCENT)
    for side in (-1, 1):
        pen.spiral(c + side * 0.17, 0.8, 0.16, turns=-1.4 * side, start=math.pi / 2 - 1.2 * side,
                   width=0.045 * p["stroke"])  # fmt: skip
    pen.dot(c, 0.68, 0.09, LINE)
    pen.dot(c, 0.68, 0.065, ACCENT)
    pen.poly([(c - 0.09, 0.84), (c + 0.09, 0.84), (c, 0.98)], ACCENT)


def running_hare(pen: Pen, p: Params) -> None:
    """A hare at full stretch, ears laid back, over a leafy spray."""
    a, leap = pen.aspect, 0.08 * p["leap"]
    for x, y in ((0.42, 0.64), (0.5, 0.66)):
        pen.ribbon([(x, y), (x - 0.2, 0.8 - leap), (x - 0.38, 0.8 - leap)], 0.13, 0.05)
    for x, dy in ((a * 0.66, 0.0), (a * 0.7, -0.06)):
        pen.ribbon([(x, 0.6), (x + 0.17, 0.76 - leap + dy), (x + 0.36, 0.74 - leap + dy)], 0.11, 0.045)
    pen.ribbon([(0.36, 0.58), (0.66, 0.46), (a * 0.72, 0.5)], 0.3, 0.2)
    pen.dot(0.43, 0.58, 0.19)
    pen.poly(petal(a * 0.8, 0.38, math.radians(198), 0.5, 0.13, 0.4), ACCENT)
    pen.poly(petal(a * 0.8, 0.37, math.radians(214), 0.46, 0.13, 0.4))
    pen.line([(a * 0.78, 0.35), polar(a * 0.8, 0.37, 0.36, math.radians(214))], 0.024, LINE)
    pen.dot(a * 0.8, 0.43, 0.125)
    pen.poly([(a * 0.82, 0.33), (a * 0.95, 0.44), (a * 0.93, 0.52), (a * 0.8, 0.54)])
    pen.dot(a * 0.825, 0.4, 0.03, LINE)
    pen.line([(0.3, 0.6), (0.4, 0.72), (0.56, 0.66)], 0.028, LINE)
    pen.dot(0.22, 0.5, 0.08, ACCENT)
    pen.ribbon([(0.3, 0.94), (a * 0.5, 0.86), (a * 0.75, 0.92)], 0.03, 0.03, LINE)
    for x in np.linspace(0.4, a * 0.72, round(p["leaves"])).tolist():
        pen.poly(petal(x, 0.89, -0.7, 0.15, 0.08), ACCENT)


def lion_and_sun(pen: Pen, p: Params) -> None:
    """A lion walking before a sun with a face."""
    a, rays = pen.aspect, round(p["rays"])
    x, y = a * 0.42, 0.34
    for k in range(rays):
        turn = 2 * math.pi * k / rays
        pen.poly([polar(x, y, 0.2, turn - 0.2), polar(x, y, 0.32, turn), polar(x, y, 0.2, turn + 0.2)], ACCENT)
    pen.dot(x, y, 0.225, LINE)
    pen.dot(x, y, 0.2, ACCENT)
    for side in (-1, 1):
        pen.line([(x + side * 0.03, 0.27), (x + side * 0.12, 0.26)], 0.024, LINE)
        pen.dot(x + side * 0.075, 0.31, 0.028, LINE)
    pen.line([(x, 0.3), (x, 0.39)], 0.022, LINE)
    _legs(pen, ((a * 0.2, -0.5), (a * 0.3, 0.4), (a * 0.64, -0.4), (a * 0.72, 0.7)), 0.66, 0.11, 0.12)
    pen.ribbon([(a * 0.22, 0.62), (a * 0.46, 0.65), (a * 0.72, 0.6)], 0.22, 0.28)
    pen.ribbon([(a * 0.19, 0.58), (a * 0.07, 0.48), (a * 0.1, 0.28), (a * 0.05, 0.18)], 0.065, 0.05)
    pen.dot(a * 0.055, 0.17, 0.06, ACCENT)
    mane = 0.165 + 0.03 * p["mane"]
    pen.poly(_star(a * 0.79, 0.47, mane * 1.18, 11, 0.84), LINE)
    pen.dot(a * 0.8, 0.47, mane * 0.7)
    pen.poly([(a * 0.8, 0.43), (a * 0.94, 0.47), (a * 0.93, 0.58), (a * 0.8, 0.58)])
    pen.dot(a * 0.83, 0.44, 0.026, LINE)
    pen.line([(a * 0.93, 0.52), (a * 0.85, 0.54)], 0.022, LINE)


def peacock_fan(pen: Pen, p: Params) -> None:
    """A peacock, tail spread with eyes, in profile."""
    a, n = pen.aspect, round(p["eyes"])
    x, y = a * 0.52, 0.66
    for k in range(n):
        angle = math.radians(-196 + 134 * k / (n - 1))
        _outlined(pen, petal(x, y, angle, 0.62, 0.24, 0.0), petal(x, y, angle, 0.59, 0.19, 0.0))
        tip = polar(x, y, 0.48, angle)
        pen.dot(*tip, 0.062, LINE)
        pen.dot(*tip, 0.044, ACCENT)
        pen.line([(x, y), polar(x, y, 0.4, angle)], 0.018, LINE)
    for foot in (-0.04, 0.08):
        pen.line([(x + foot, 0.74), (x + foot, 0.93), (x + foot + 0.09, 0.95)], 0.032, LINE)
    for grow, ink in ((0.035, LINE), (0.0, ACCENT)):
        pen.ribbon([(x + 0.12, 0.66), (x + 0.28, 0.56), (x + 0.26, 0.38)], 0.17 + grow, 0.09 + grow, ink)
        pen.dot(x + 0.03, 0.68, 0.2 + grow / 2, ink, 0.12 + grow / 2)
        pen.dot(x + 0.28, 0.32, 0.075 + grow / 2, ink)
    pen.poly([(x + 0.33, 0.28), (x + 0.44, 0.34), (x + 0.33, 0.37)], LINE)
    pen.dot(x + 0.3, 0.31, 0.022, LINE)
    wing = [(x + 0.14, 0.64), (x - 0.02, 0.7), (x - 0.16, 0.66)]
    pen.ribbon(wing, 0.13 * p["stroke"], 0.03, BODY, groove=0.02)
    for dx in (-0.06, 0.0, 0.06):
        pen.line([(x + 0.28, 0.26), (x + 0.28 + dx, 0.15)], 0.016, LINE)
        pen.dot(x + 0.28 + dx, 0.14, 0.024, ACCENT)


def falconer(pen: Pen, p: Params) -> None:
    """A turbaned rider on a standing horse, a falcon on his raised hand."""
    a = pen.aspect
    _legs(pen, ((a * 0.24, -0.4), (a * 0.34, 0.3), (a * 0.62, -0.3), (a * 0.7, 0.5 + 0.9 * p["step"])), 0.68, 0.1, 0.1)
    pen.ribbon([(a * 0.24, 0.6), (a * 0.12, 0.64), (a * 0.09, 0.86)], 0.09, 0.03, LINE)
    pen.ribbon([(a * 0.24, 0.63), (a * 0.48, 0.66), (a * 0.68, 0.62)], 0.23, 0.24)
    pen.ribbon([(a * 0.68, 0.62), (a * 0.8, 0.5), (a * 0.82, 0.4)], 0.24, 0.12)
    pen.poly([(a * 0.78, 0.32), (a * 0.88, 0.34), (a * 0.97, 0.5), (a * 0.92, 0.56), (a * 0.8, 0.47)])
    pen.ribbon([(a * 0.66, 0.52), (a * 0.75, 0.42), (a * 0.79, 0.31)], 0.07, 0.03, LINE)
    pen.dot(a * 0.865, 0.41, 0.022, LINE)
    pen.line([(a * 0.95, 0.52), (a * 0.72, 0.5), (a * 0.52, 0.44)], 0.018, LINE)
    # Coat with bands at the arms, the leg before the horse.
    pen.poly([(a * 0.39, 0.29), (a * 0.53, 0.29), (a * 0.6, 0.64), (a * 0.32, 0.64)], LINE)
    pen.poly([(a * 0.4, 0.3), (a * 0.52, 0.3), (a * 0.58, 0.62), (a * 0.34, 0.62)], ACCENT)
    pen.ribbon([(a * 0.47, 0.62), (a * 0.52, 0.74), (a * 0.5, 0.83), (a * 0.57, 0.84)], 0.1, 0.05, LINE)
    pen.ribbon([(a * 0.51, 0.34), (a * 0.58, 0.42), (a * 0.54, 0.46)], 0.08, 0.06, ACCENT)
    pen.line([(a * 0.37, 0.5), (a * 0.56, 0.5)], 0.03, LINE)
    pen.ribbon([(a * 0.41, 0.34), (a * 0.29, 0.42), (a * 0.2, 0.34)], 0.085, 0.06, ACCENT)
    pen.line([(a * 0.33, 0.36), (a * 0.3, 0.46)], 0.024, LINE)
    # The bird.
    pen.poly(petal(a * 0.17, 0.36, math.radians(-82), 0.26, 0.13, 0.3))
    pen.dot(a * 0.2, 0.12, 0.05)
    pen.poly([(a * 0.23, 0.09), (a * 0.28, 0.13), (a * 0.22, 0.15)], LINE)
    pen.poly(petal(a * 0.175, 0.2, math.radians(105), 0.22, 0.09), LINE)
    # Halo, face, turban.
    pen.dot(a * 0.46, 0.18, 0.155, LINE)
    pen.dot(a * 0.46, 0.18, 0.135, ACCENT)
    pen.dot(a * 0.46, 0.2, 0.09, BODY)
    fold = 0.045 + 0.02 * p["turban"]
    pen.dot(a * 0.46, 0.115, 0.105, LINE, fold)
    pen.dot(a * 0.46, 0.08, 0.06, LINE, fold)
    for side in (-1, 1):
        pen.dot(a * 0.46 + side * 0.035, 0.2, 0.014, LINE)


def enthroned_prince(pen: Pen, p: Params) -> None:
    """A prince cross-legged on a throne, cup before the breast, a halo and a three-pointed crown."""
    c, folds = pen.aspect / 2, round(p["folds"])
    for side in (-1, 1):
        pen.line([(c + side * 0.36, 0.28), (c + side * 0.36, 0.93)], 0.05, LINE)
        pen.poly(petal(c + side * 0.36, 0.3, -math.pi / 2, 0.17, 0.12, 0.9), ACCENT)
    pen.line([(c - 0.36, 0.46), (c + 0.36, 0.46)], 0.035, LINE)
    pen.poly([(c - 0.4, 0.88), (c + 0.4, 0.88), (c + 0.4, 0.98), (c - 0.4, 0.98)], ACCENT)
    for x in np.linspace(-0.3, 0.3, 5).tolist():
        pen.dot(c + x, 0.93, 0.024, LINE)
    pen.poly(
        [(c - 0.12, 0.38), (c + 0.12, 0.38), (c + 0.22, 0.46), (c + 0.22, 0.78), (c - 0.22, 0.78), (c - 0.22, 0.46)]
    )
    pen.dot(c, 0.8, 0.34, LINE, 0.1)
    pen.dot(c, 0.79, 0.325, BODY, 0.085)
    pen.line([(c - 0.26, 0.76), (c + 0.06, 0.86)], 0.026, LINE)
    pen.line([(c + 0.26, 0.76), (c - 0.06, 0.86)], 0.026, LINE)
    for k in range(folds):
        x = 0.2 * ((k + 0.5) / folds - 0.5) * 1.6
        pen.line([(c + x * 0.8, 0.44), (c + x, 0.7)], 0.016, LINE)
    for side in (-1, 1):
        arm = [(c + side * 0.2, 0.44), (c + side * 0.27, 0.58), (c + side * 0.07, 0.6)]
        pen.ribbon(arm, 0.1, 0.06, LINE)
        pen.ribbon(arm, 0.07, 0.04, BODY)
        pen.line([(c + side * 0.17, 0.47), (c + side * 0.27, 0.49)], 0.035, ACCENT)
    cup = 0.045 + 0.03 * p["cup"]
    pen.poly(
        [(c - cup, 0.5), (c + cup, 0.5), (c + 0.02, 0.58), (c + 0.045, 0.64), (c - 0.045, 0.64), (c - 0.02, 0.58)],
        ACCENT,
    )
    pen.dot(c, 0.25, 0.19, LINE)
    pen.dot(c, 0.25, 0.165, ACCENT)
    for side in (-1, 1):
        pen.ribbon([(c + side * 0.09, 0.24), (c + side * 0.13, 0.34), (c + side * 0.11, 0.44)], 0.045, 0.02, LINE)
    pen.dot(c, 0.27, 0.1, BODY, 0.105)
    pen.poly([(c - 0.11, 0.2), (c - 0.12, 0.07), (c - 0.05, 0.14), (c, 0.04), (c + 0.05, 0.14), (c + 0.12, 0.07),
              (c + 0.11, 0.2)], LINE)  # fmt: skip
    for side in (-1, 1):
        pen.dot(c + side * 0.04, 0.27, 0.014, LINE)


def winged_sphinx(pen: Pen, p: Params) -> None:
    """A lion's body walking, with a crowned woman's head, and a wing whose tip rolls up."""
    a = pen.aspect
    _legs(pen, ((a * 0.19, -0.5), (a * 0.29, 0.4), (a * 0.6, -0.4), (a * 0.68, 0.8)), 0.7, 0.1, 0.12)
    pen.ribbon([(a * 0.22, 0.66), (a * 0.44, 0.68), (a * 0.68, 0.63)], 0.22, 0.26)
    pen.ribbon([(a * 0.18, 0.62), (a * 0.06, 0.52), (a * 0.1, 0.34), (a * 0.18, 0.4)], 0.06, 0.04)
    curl = 0.1 * p["curl"]
    for shift, ink in ((0.0, ACCENT), (0.1, BODY), (0.19, ACCENT)):
        wing = [(a * 0.64, 0.58 + shift * 0.5), (a * 0.46, 0.42 + shift), (a * 0.34, 0.24 + shift),
                (a * (0.36 + curl), 0.1 + shift), (a * (0.44 + curl), 0.17 + shift)]  # fmt: skip
        pen.ribbon(wing, 0.13, 0.05, LINE)
        pen.ribbon(wing, 0.1, 0.03, ink)
    pen.ribbon([(a * 0.68, 0.6), (a * 0.78, 0.5), (a * 0.78, 0.4)], 0.24, 0.11)
    pen.dot(a * 0.76, 0.32, 0.13, LINE)
    pen.ribbon([(a * 0.7, 0.32), (a * 0.67, 0.44), (a * 0.7, 0.52)], 0.08, 0.04, LINE)
    pen.dot(a * 0.79, 0.33, 0.1, BODY, 0.11)
    points = round(p["points"])
    for k in range(points):
        x = a * 0.76 + 0.2 * ((k + 0.5) / points - 0.5)
        pen.poly([(x - 0.1 / points, 0.22), (x, 0.06), (x + 0.1 / points, 0.22)], ACCENT)
    pen.line([(a * 0.67, 0.22), (a * 0.86, 0.22)], 0.035, LINE)
    pen.dot(a * 0.82, 0.31, 0.017, LINE)
    pen.line([(a * 0.82, 0.385), (a * 0.87, 0.38)], 0.016, LINE)


def pomegranate_spray(pen: Pen, p: Params) -> None:
    """A pomegranate burst open over its seeds, between leaves."""
    c, seeds = pen.aspect / 2, round(p["seeds"])
    for side in (-1, 1):
        for tilt, long in ((0.95, 0.44), (1.4, 0.38)):
            angle = -math.pi / 2 + side * tilt
            _outlined(pen, petal(c, 0.9, angle, long, 0.17), petal(c, 0.9, angle, long * 0.9, 0.11), ACCENT)
    pen.line([(c, 0.78), (c, 0.97)], 0.04, LINE)
    pen.poly([(c - 0.1, 0.3), (c - 0.15, 0.06), (c - 0.05, 0.17), (c, 0.04), (c + 0.05, 0.17), (c + 0.15, 0.06),
              (c + 0.1, 0.3)], LINE)  # fmt: skip
    pen.dot(c, 0.52, 0.31, LINE)
    pen.dot(c, 0.52, 0.28)
    pen.poly(petal(c, 0.76, -math.pi / 2, 0.46, 0.24 + 0.08 * p["open"], 0.3), LINE)
    for k in range(seeds):
        y = 0.39 + 0.27 * (k // 2) / max(1, (seeds - 1) // 2)
        pen.dot(c + (0.045 if k % 2 else -0.045), y, 0.042, ACCENT)


def saz_leaf(pen: Pen, p: Params) -> None:
    """A long bent leaf with saw-toothed edges and a pale midrib, small blossoms along its back."""
    a, teeth = pen.aspect, round(p["teeth"])
    bend = 0.12 * p["bend"]
    path = curve([(0.1, 0.84), (a * 0.3, 0.66 + bend), (a * 0.62, 0.52 + bend), (a - 0.09, 0.13)], 16)
    step = np.gradient(path, axis=0)
    normal = np.stack([-step[:, 1], step[:, 0]], 1) / np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-9)[:, None]
    t = np.linspace(0, 1, len(path))
    saw = 0.7 + 0.3 * (1 - (t * teeth) % 1)
    half = (0.2 * np.sin(math.pi * t**0.8) ** 0.8 * saw)[:, None]
    for grow, ink in ((1.12, LINE), (0.94, BODY)):
        edge = np.concatenate([path + normal * half * grow, (path - normal * half * grow)[::-1]])
        pen.poly([(x, y) for x, y in edge.tolist()], ink)
    spine = [(x, y) for x, y in path.tolist()]
    pen.ribbon(spine[2:-4], 0.07, 0.02, ACCENT, smooth=False)
    for k in range(6, len(spine) - 8, 6):
        for side in (-1, 1):
            x, y = (path[k] + step[k] * 3 + side * normal[k] * half[k] * 0.66).tolist()
            pen.line([spine[k], (x, y)], 0.018, LINE)
    for x, y in ((a * 0.2, 0.3), (a * 0.46, 0.16), (a * 0.86, 0.66), (a * 0.62, 0.9)):
        for k in range(5):
            pen.dot(*polar(x, y, 0.075, 2 * math.pi * k / 5), 0.058, ACCENT)
        pen.dot(x, y, 0.045, LINE)
