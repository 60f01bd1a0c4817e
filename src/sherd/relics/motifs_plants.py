"""Motif programs: flowers, leaves, clouds and water."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sherd.relics.pen import ACCENT, BODY, LINE, Pen, petal, polar

Params = Mapping[str, float]


def lotus_petals(pen: Pen, p: Params) -> None:
    """Upright petals, one before and two behind, repeating sideways."""
    c, wide = pen.aspect / 2, 0.62 + 0.2 * p["wide"]
    for x in (c - pen.aspect / 2, c + pen.aspect / 2):
        pen.poly(petal(x, 1.0, -math.pi / 2, 0.9, wide * 0.9, p["pointed"]), LINE)
        pen.poly(petal(x, 1.0, -math.pi / 2, 0.84, wide * 0.78, p["pointed"]), ACCENT)
    pen.poly(petal(c, 1.02, -math.pi / 2, 0.98, wide, p["pointed"]), LINE)
    pen.poly(petal(c, 1.02, -math.pi / 2, 0.92, wide * 0.86, p["pointed"]), BODY)
    pen.poly(petal(c, 0.98, -math.pi / 2, 0.66, wide * 0.5, p["pointed"]), LINE)
    pen.poly(petal(c, 0.98, -math.pi / 2, 0.58, wide * 0.36, p["pointed"]), ACCENT)


def lotus_flower(pen: Pen, p: Params) -> None:
    """A lotus in bloom seen from the side, with a seed pod."""
    c, n = pen.aspect / 2, round(p["petals"])
    for k in range(n):
        angle = math.radians(-165 + 150 * k / (n - 1))
        for grow, ink in ((1.0, LINE), (0.9, BODY)):
            pen.poly(petal(c, 0.84, angle, 0.68 * grow, 0.27 * grow, 0.8), ink)
    for degrees in (-120, -60, -90):
        for grow, ink in ((1.0, LINE), (0.88, ACCENT)):
            pen.poly(petal(c, 0.86, math.radians(degrees), 0.52 * grow, 0.26 * grow, 0.8), ink)
    pen.poly([(c - 0.16, 0.82), (c + 0.16, 0.82), (c + 0.09, 0.96), (c - 0.09, 0.96)], BODY)


def rosette(pen: Pen, p: Params) -> None:
    """A full round flower of two rings of petals about a beaded heart."""
    c, n = 0.5, round(p["petals"])
    for k in range(n):
        angle = 2 * math.pi * (k + 0.5) / n
        x, y = polar(c, c, 0.28, angle)
        r = min(0.19, 0.9 / n)
        pen.dot(x, y, r * 1.12, LINE)
        pen.dot(x, y, r, BODY)
        pen.dot(*polar(c, c, 0.3, angle), r * 0.5, ACCENT)
    for k in range(n):
        angle = 2 * math.pi * k / n
        for grow, ink in ((1.0, LINE), (0.84, ACCENT if p["inner"] > 0.5 else BODY)):
            pen.poly(petal(c, c, angle, 0.33 * grow, 1.2 / n * grow, 0.6), ink)
    pen.dot(c, c, 0.11, LINE)
    pen.dot(c, c, 0.085, ACCENT)
    pen.dot(c, c, 0.03, LINE)


def peony(pen: Pen, p: Params) -> None:
    """A many-petalled flower with ruffled edge between two leaves."""
    c, n = pen.aspect / 2, round(p["petals"])
    for side in (-1, 1):
        base = math.pi if side < 0 else 0.0
        for tilt in (-0.35, 0.35):
            pen.poly(petal(c + side * 0.2, 0.55, base + tilt * side, 0.5, 0.22), ACCENT)
            pen.line([(c + side * 0.2, 0.55), polar(c + side * 0.2, 0.55, 0.42, base + tilt * side)], 0.02, LINE)
    for ring, count in ((0.27, n + 2), (0.16, n)):
        for k in range(count):
            x, y = polar(c, 0.5, ring, 2 * math.pi * k / count + ring * 9)
            pen.dot(x, y, 0.15, LINE)
            pen.dot(x, y, 0.125, BODY)
    pen.dot(c, 0.5, 0.12, LINE)
    for k in range(5):
        pen.dot(*polar(c, 0.5, 0.055, 2 * math.pi * k / 5), 0.035, ACCENT)


def scroll_vine(pen: Pen, p: Params) -> None:
    """A running vine: a wave with rolled shoots and leaves, repeating sideways."""
    a, s = pen.aspect, p["stroke"]
    points = [(a * t / 8, 0.5 + 0.2 * math.sin(2 * math.pi * t / 8)) for t in range(-1, 10)]
    pen.ribbon(points, 0.065 * s, 0.065 * s)
    leaves = round(p["leaves"])
    for x, y, side in ((a * 0.25, 0.46, -1), (a * 0.75, 0.54, 1)):
        pen.spiral(x, y, 0.26, turns=1.35 * side, start=math.pi / 2 * side, width=0.055 * s)
        for k in range(leaves):
            angle = side * (math.pi * 0.15 + 2.1 * k / leaves) + (math.pi if side < 0 else 0)
            pen.poly(petal(*polar(x, y, 0.22, angle), angle + side * 0.4, 0.24, 0.13), ACCENT)
        pen.dot(x, y, 0.07, ACCENT)


def banana_leaf(pen: Pen, p: Params) -> None:
    """A hanging blade with midrib and rolled filling."""
    c, s = pen.aspect / 2, p["stroke"]
    pen.poly([(c - 0.24, 0.02), (c + 0.24, 0.02), (c + 0.16, 0.45), (c, 0.98), (c - 0.16, 0.45)])
    pen.line([(c - 0.17, 0.08), (c - 0.11, 0.44), (c, 0.82), (c + 0.11, 0.44), (c + 0.17, 0.08)], 0.03 * s, LINE)
    pen.poly([(c - 0.03, 0.1), (c + 0.03, 0.1), (c, 0.8)], ACCENT)
    for side in (-1, 1):
        pen.spiral(c + side * 0.09, 0.2, 0.055, turns=1.3 * side, start=0, width=0.024 * s, ink=LINE)
        if p["veins"] > 0.5:
            for y in (0.34, 0.46, 0.58):
                pen.line([(c, y + 0.07), (c + side * 0.09, y)], 0.02 * s, LINE)


def plum_blossom(pen: Pen, p: Params) -> None:
    """A bough with five-petalled blossoms and buds."""
    a, s = pen.aspect, p["stroke"]
    pen.ribbon([(0.02, 0.86), (a * 0.3, 0.7), (a * 0.5, 0.74), (a * 0.75, 0.4), (a - 0.06, 0.26)], 0.1 * s, 0.035, LINE)
    pen.ribbon([(a * 0.33, 0.7), (a * 0.4, 0.42), (a * 0.34, 0.16)], 0.06 * s, 0.025, LINE)
    spots = [(a * 0.24, 0.46), (a * 0.62, 0.6), (a * 0.8, 0.22), (a * 0.42, 0.16), (a * 0.86, 0.62)][
        : round(p["flowers"])
    ]
    for x, y in spots:
        for k in range(5):
            pen.dot(*polar(x, y, 0.105, -math.pi / 2 + 2 * math.pi * k / 5), 0.088, BODY)
        pen.dot(x, y, 0.07, ACCENT)
        pen.dot(x, y, 0.025, LINE)
    for x, y in ((a * 0.55, 0.82), (a * 0.95, 0.4), (a * 0.2, 0.22)):
        pen.dot(x, y, 0.05, BODY)


def cloud(pen: Pen, p: Params) -> None:
    """A scrolling cloud: three rolled heads over a drawn-out tail."""
    a, s = pen.aspect, p["stroke"]
    w = 0.085 * s
    tail = [(a * 0.5, 0.62), (a * 0.72, 0.78), (a * 0.9, 0.72), (a - 0.06, 0.84)]
    pen.ribbon(tail, 0.16, 0.03, BODY)
    for x, y, r, side in ((a * 0.5, 0.32, 0.27, 1), (a * 0.28, 0.58, 0.24, -1), (a * 0.68, 0.56, 0.2, 1)):
        pen.dot(x, y, r * 0.96, BODY)
        pen.spiral(x, y, r * 0.95, turns=(1.2 + 0.7 * p["turns"]) * side, start=math.pi / 2, width=w * 0.55, ink=LINE)
        pen.dot(x, y, r * 0.3, ACCENT)


def hooked_cloud(pen: Pen, p: Params) -> None:
    """A flat hooked scroll in the manner of lacquer and inlay, repeating sideways."""
    a, s = pen.aspect, p["stroke"]
    pen.ribbon([(-0.1, 0.78), (a * 0.3, 0.7), (a * 0.6, 0.32), (a + 0.1, 0.22)], 0.13 * s, 0.13 * s)
    pen.spiral(a * 0.3, 0.36, 0.22, turns=1.3, start=math.pi * 0.3, width=0.085 * s)
    pen.spiral(a * 0.72, 0.66, 0.22, turns=1.3, start=math.pi * 1.3, width=0.085 * s)
    pen.poly(petal(a * 0.48, 0.52, math.radians(-110), 0.42, 0.14 + 0.1 * p["leaf"]), ACCENT)
    pen.poly(petal(a * 0.52, 0.5, math.radians(70), 0.42, 0.14 + 0.1 * p["leaf"]), ACCENT)


def waves(pen: Pen, p: Params) -> None:
    """Breaking waves over ranks of arcs, repeating sideways."""
    a, n = pen.aspect, round(p["arcs"])
    for row, y in enumerate((0.62, 0.8, 0.98)):
        for k in range(-1, 4):
            x = (k + 0.5 * (row % 2)) * a / 2
            for j in range(n):
                r = a / 4 * (1 - j / n) * 1.12
                pen.dot(x, y + 0.06, r, LINE if j % 2 == 0 else BODY, r * 0.8)
    for x in (a * 0.25, a * 0.75):
        back = [(x - 0.36, 0.62), (x - 0.1, 0.56), (x + 0.06, 0.38), (x + 0.02, 0.2), (x - 0.14, 0.16)]
        pen.ribbon([*back, (x - 0.22, 0.27), (x - 0.15, 0.34)], 0.28, 0.07, BODY, groove=0.022)
        for dx, dy in ((-0.26, 0.38), (-0.06, 0.06), (0.16, 0.16), (0.2, 0.34)):
            pen.dot(x + dx, dy, 0.035, ACCENT)


def ruyi(pen: Pen, p: Params) -> None:
    """A ruyi head: a heart-shaped cloud collar."""
    c, s = pen.aspect / 2, p["stroke"]
    for grow, ink in ((1.0, LINE), (0.88, BODY)):
        pen.dot(c - 0.2, 0.34, 0.25 * grow, ink)
        pen.dot(c + 0.2, 0.34, 0.25 * grow, ink)
        pen.poly(
            [
                (c - 0.42 * grow, 0.42),
                (c + 0.42 * grow, 0.42),
                (c + 0.2, 0.72),
                (c, 0.5 + 0.46 * grow),
                (c - 0.2, 0.72),
            ],
            ink,
        )
    for side in (-1, 1):
        pen.spiral(c + side * 0.2, 0.34, 0.17, turns=-1.4 * side, start=math.pi / 2, width=0.05 * s, ink=LINE)
    pen.poly(petal(c, 0.86, -math.pi / 2, 0.34 + 0.1 * p["heart"], 0.2), ACCENT)


def tree(pen: Pen, p: Params) -> None:
    """A tree with a straight trunk and round fruits or leaves, symmetrical."""
    c, n = pen.aspect / 2, round(p["boughs"])
    pen.poly([(c - 0.05, 0.3), (c, 0.3), (c, 0.98), (c - 0.09, 0.98)], LINE)
    for k in range(n):
        y = 0.68 - 0.5 * k / n
        x = c - 0.34 + 0.2 * k / n
        pen.line([(c, y + 0.1), (x, y)], 0.035, LINE)
        pen.dot(x, y, 0.13, BODY)
        pen.dot(x, y, 0.055, ACCENT)
    pen.dot(c, 0.16, 0.15, BODY)
    pen.dot(c, 0.16, 0.065, ACCENT)
    pen.mirror()
