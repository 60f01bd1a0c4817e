"""Motif programs: patterns of lines, beads and lattices."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sherd.relics.pen import ACCENT, BODY, LINE, Pen, petal, polar

Params = Mapping[str, float]


def thunder(pen: Pen, p: Params) -> None:
    """Square spirals, two by two, every other one reversed."""
    turns = round(p["turns"])
    w = 0.075 * p["stroke"] * 3 / (turns + 1)
    for k, (x, y) in enumerate(((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))):
        if p["round"] > 0.6:
            pen.spiral(x, y, 0.22, turns=(turns - 0.6) * (1 if k % 2 else -1), start=-math.pi / 2, width=w)
        else:
            pen.square_spiral(x, y, 0.205, turns=turns, width=w, flip=k % 2 == 1)


def bosses(pen: Pen, p: Params) -> None:
    """Round knobs in a net of lozenges, each with a ring."""
    r = 0.2 + 0.06 * p["size"]
    for x, y in ((0.5, 0.5), (0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)):
        pen.ring(x, y, r * 1.3, 0.035, BODY)
        pen.dot(x, y, r, BODY)
        pen.dot(x - 0.03, y - 0.03, r * 0.72, ACCENT)
    if p["net"] > 0.5:
        pen.line([(0.5, 0.0), (0.0, 0.5), (0.5, 1.0), (1.0, 0.5)], 0.03, LINE, closed=True)


def key_fret(pen: Pen, p: Params) -> None:
    """A meander: one line that turns in on itself and out again, repeating sideways."""
    w = 0.1 * p["stroke"]
    a = pen.aspect
    points = [
        (-0.1, 0.88),
        (0.12, 0.88),
        (0.12, 0.12),
        (a - 0.2, 0.12),
        (a - 0.2, 0.66),
        (0.42, 0.66),
        (0.42, 0.4),
        (a - 0.42, 0.4),
    ]
    if p["double"] > 0.6:
        pen.line([(0.0, 0.02), (a, 0.02)], 0.035, ACCENT)
        pen.line([(0.0, 0.98), (a, 0.98)], 0.035, ACCENT)
    pen.line(points, w, BODY)
    pen.line([(0.12, 0.88), (a + 0.1, 0.88)], w, BODY)


def pearl_roundel(pen: Pen, p: Params) -> None:
    """A ring of beads about a small star flower."""
    n = round(p["pearls"])
    pen.dot(0.5, 0.5, 0.48, LINE)
    for k in range(n):
        pen.dot(*polar(0.5, 0.5, 0.405, 2 * math.pi * k / n), min(0.075, 1.1 / n), ACCENT)
    pen.dot(0.5, 0.5, 0.32, BODY)
    points = round(p["points"])
    for k in range(points):
        pen.poly(petal(0.5, 0.5, 2 * math.pi * k / points, 0.28, 0.13), LINE)
    pen.dot(0.5, 0.5, 0.075, ACCENT)


def bead_band(pen: Pen, p: Params) -> None:
    """A row of beads between two lines."""
    n = round(p["beads"])
    pen.line([(0.0, 0.1), (pen.aspect, 0.1)], 0.07, BODY)
    pen.line([(0.0, 0.9), (pen.aspect, 0.9)], 0.07, BODY)
    for k in range(n):
        x = pen.aspect * (k + 0.5) / n
        r = min(0.3, pen.aspect / n * 0.42)
        pen.dot(x, 0.5, r, BODY)
        pen.dot(x, 0.5, r * 0.6, ACCENT)


def lattice(pen: Pen, p: Params) -> None:
    """Concentric lozenges, corner to corner."""
    n = round(p["rings"])
    c = pen.aspect / 2
    for k in range(n):
        f = 1 - k / n
        ink = (BODY, ACCENT, LINE)[k % 3] if k < n - 1 else ACCENT
        pen.poly([(c, 0.5 - 0.5 * f), (c + c * f, 0.5), (c, 0.5 + 0.5 * f), (c - c * f, 0.5)], ink)


def zigzag(pen: Pen, p: Params) -> None:
    """Chevrons, one under another, repeating sideways."""
    n, w = round(p["rows"]), 0.1 * p["stroke"]
    for k in range(-1, n + 1):
        y = (k + 0.5) / n
        points = [(0.0, y + 0.16), (pen.aspect / 2, y - 0.16), (pen.aspect, y + 0.16)]
        pen.line(points, w, ACCENT if k % 2 else BODY)


def interlace(pen: Pen, p: Params) -> None:
    """A plait of two bands with a bead in each eye, repeating sideways."""
    a, w = pen.aspect, 0.16 * p["stroke"]
    for phase, ink in ((0.0, BODY), (math.pi, ACCENT)):
        points = [(a * t / 12, 0.5 + 0.32 * math.sin(2 * math.pi * t / 12 + phase)) for t in range(-1, 14)]
        pen.ribbon(points, w, w, ink, groove=0.025)
    for x in (a * 0.25, a * 0.75):
        pen.dot(x, 0.5, 0.09, LINE)
        pen.dot(x, 0.5, 0.06, ACCENT)


def triangles(pen: Pen, p: Params) -> None:
    """A saw edge: triangles up, with smaller ones inside."""
    c = pen.aspect / 2
    pen.poly([(0.0, 1.0), (c, 0.04), (pen.aspect, 1.0)], BODY)
    if p["nested"] > 0.4:
        pen.poly([(c - 0.22, 0.92), (c, 0.4), (c + 0.22, 0.92)], LINE)
        pen.poly([(c - 0.12, 0.9), (c, 0.6), (c + 0.12, 0.9)], ACCENT)


def coins(pen: Pen, p: Params) -> None:
    """Rings that overlap like a net of coins."""
    w = 0.06 * p["stroke"]
    for x, y in ((0.5, 0.5), (0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)):
        pen.ring(x, y, 0.5, w, BODY)
        pen.poly([(x, y - 0.13), (x + 0.13, y), (x, y + 0.13), (x - 0.13, y)], ACCENT)
