"""Motif programs of carved glyph stelae. Only cultures that are kept out of training draw with these."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sherd.relics.pen import ACCENT, BODY, LINE, Pen, polar

Params = Mapping[str, float]


def _cartouche(pen: Pen, x: float, y: float, r: float) -> None:
    """A squarish block with round corners."""
    k = r * 0.42
    pen.poly(
        [
            (x - r + k, y - r),
            (x + r - k, y - r),
            (x + r, y - r + k),
            (x + r, y + r - k),
            (x + r - k, y + r),
            (x - r + k, y + r),
            (x - r, y + r - k),
            (x - r, y - r + k),
        ]
    )
    for sx in (-1, 1):
        for sy in (-1, 1):
            pen.dot(x + sx * (r - k), y + sy * (r - k), k)


def face_glyph(pen: Pen, p: Params) -> None:
    """A head in profile filling a block: big eye, hooked nose, ear disc."""
    _cartouche(pen, 0.5, 0.5, 0.45)
    pen.poly(
        [(0.18, 0.2), (0.68, 0.16), (0.72, 0.36), (0.9, 0.54), (0.72, 0.6), (0.74, 0.8), (0.3, 0.84), (0.2, 0.6)], LINE
    )
    pen.poly(
        [(0.24, 0.26), (0.62, 0.22), (0.66, 0.4), (0.8, 0.53), (0.66, 0.56), (0.67, 0.74), (0.35, 0.78), (0.26, 0.58)],
        ACCENT,
    )
    pen.dot(0.52, 0.38, 0.09 * p["eye"], LINE)
    pen.dot(0.54, 0.39, 0.045 * p["eye"], BODY)
    pen.line([(0.68, 0.66), (0.5, 0.66)], 0.035, LINE)
    pen.ring(0.32, 0.56, 0.09, 0.035, LINE)


def knot_glyph(pen: Pen, p: Params) -> None:
    """A block with a bound bundle: crossed cords and two loops."""
    _cartouche(pen, 0.5, 0.5, 0.45)
    w = 0.085 * p["stroke"]
    pen.line([(0.18, 0.2), (0.82, 0.8)], w, LINE)
    pen.line([(0.82, 0.2), (0.18, 0.8)], w, LINE)
    pen.ring(0.5, 0.24, 0.14, 0.05, LINE)
    pen.ring(0.5, 0.76, 0.14, 0.05, LINE)
    pen.poly([(0.36, 0.5), (0.5, 0.36), (0.64, 0.5), (0.5, 0.64)], ACCENT)


def bar_and_dot(pen: Pen, p: Params) -> None:
    """A numeral: bars for fives, dots for ones."""
    bars, dots = round(p["bars"]), round(p["dots"])
    total = 0.2 * bars + 0.23
    f = min(1.4, 0.86 / total, 1.0 / (0.24 * dots))
    y = 0.5 + total * f / 2
    for _ in range(bars):
        pen.poly([(0.06, y - 0.15 * f), (0.94, y - 0.15 * f), (0.94, y), (0.06, y)])
        pen.line([(0.12, y - 0.075 * f), (0.88, y - 0.075 * f)], 0.02 * f, LINE)
        y -= 0.2 * f
    for k in range(dots):
        x = 0.5 + 0.24 * f * (k - (dots - 1) / 2)
        pen.dot(x, y - 0.12 * f, 0.11 * f, ACCENT)
        pen.ring(x, y - 0.12 * f, 0.065 * f, 0.024 * f, LINE)


def feathered_serpent(pen: Pen, p: Params) -> None:
    """A serpent in undulation with plumes along the back and an open, fanged mouth."""
    a = pen.aspect
    mid = [(a * t / 10 * 0.8 + 0.08, 0.6 + 0.17 * math.sin(math.pi * t / 3.2)) for t in range(11)]
    for x, y in mid[1:-1]:
        for k in range(round(p["plumes"])):
            angle = -math.pi / 2 - 0.7 + 0.45 * k
            pen.line([(x, y), polar(x, y, 0.3, angle)], 0.045, ACCENT)
    pen.ribbon(mid, 0.1, 0.22, BODY)
    for x, y in mid[1:-1]:
        pen.line([(x - 0.03, y - 0.06), (x + 0.03, y), (x - 0.03, y + 0.06)], 0.024, LINE)
    pen.poly(
        [
            (a - 0.44, 0.4),
            (a - 0.06, 0.26),
            (a - 0.1, 0.44),
            (a - 0.3, 0.56),
            (a - 0.08, 0.64),
            (a - 0.1, 0.82),
            (a - 0.44, 0.74),
        ],
        BODY,
    )
    pen.dot(a - 0.32, 0.43, 0.055, LINE)
    pen.poly([(a - 0.16, 0.44), (a - 0.1, 0.44), (a - 0.12, 0.56)], ACCENT)
    pen.line([(a - 0.28, 0.58), (a - 0.02, 0.56)], 0.03, ACCENT)


def ruler(pen: Pen, p: Params) -> None:
    """A standing lord in profile: tall plumed headdress, sceptre, shield, tasselled kilt."""
    c, n = pen.aspect / 2, round(p["plumes"])
    for k in range(n):
        angle = math.radians(-150 + 110 * k / (n - 1))
        pen.line([(c - 0.02, 0.2), polar(c - 0.02, 0.2, 0.17, angle)], 0.05, ACCENT)
    pen.poly([(c - 0.11, 0.12), (c + 0.1, 0.12), (c + 0.13, 0.22), (c - 0.12, 0.22)], BODY)
    pen.poly([(c - 0.08, 0.22), (c + 0.07, 0.22), (c + 0.13, 0.29), (c + 0.06, 0.35), (c - 0.07, 0.35)], BODY)
    pen.dot(c + 0.03, 0.26, 0.018, LINE)
    pen.dot(c - 0.06, 0.29, 0.03, LINE)
    pen.poly([(c - 0.13, 0.36), (c + 0.13, 0.36), (c + 0.1, 0.6), (c - 0.1, 0.6)], BODY)
    pen.poly([(c - 0.15, 0.6), (c + 0.15, 0.6), (c + 0.18, 0.76), (c - 0.18, 0.76)], ACCENT)
    for x in (-0.12, -0.04, 0.04, 0.12):
        pen.line([(c + x, 0.62), (c + x * 1.2, 0.75)], 0.018, LINE)
    for x in (-0.07, 0.07):
        pen.poly(
            [
                (c + x - 0.045, 0.76),
                (c + x + 0.045, 0.76),
                (c + x + 0.04, 0.94),
                (c + x + 0.1, 0.98),
                (c + x - 0.05, 0.98),
            ],
            BODY,
        )
    pen.line([(c + 0.11, 0.4), (c + 0.22, 0.5)], 0.06, BODY)
    pen.line([(c + 0.24, 0.32), (c + 0.22, 0.72)], 0.035, ACCENT)
    pen.dot(c + 0.245, 0.3, 0.045, ACCENT)
    pen.dot(c - 0.16, 0.5, 0.09, BODY)
    pen.ring(c - 0.16, 0.5, 0.065, 0.024, LINE)
    pen.line([(c - 0.1, 0.44), (c + 0.1, 0.44)], 0.03, LINE)


def sky_band(pen: Pen, p: Params) -> None:
    """A strip of panels with crossed bands and star signs by turns, repeating sideways."""
    a = pen.aspect
    pen.poly([(0.0, 0.06), (a, 0.06), (a, 0.94), (0.0, 0.94)])
    pen.line([(0.0, 0.16), (a, 0.16)], 0.03, LINE)
    pen.line([(0.0, 0.84), (a, 0.84)], 0.03, LINE)
    pen.line([(a / 2, 0.16), (a / 2, 0.84)], 0.05, LINE)
    pen.line([(0.02, 0.16), (0.02, 0.84)], 0.05, LINE)
    x = a * 0.25
    w = 0.07 * p["stroke"]
    pen.line([(x - 0.2, 0.26), (x + 0.2, 0.74)], w, LINE)
    pen.line([(x + 0.2, 0.26), (x - 0.2, 0.74)], w, LINE)
    x = a * 0.75
    pen.dot(x, 0.5, 0.2, LINE)
    pen.dot(x, 0.5, 0.1, ACCENT)
    for k in range(4):
        pen.dot(*polar(x, 0.5, 0.28, math.pi / 4 + k * math.pi / 2), 0.05, LINE)


def sun_disc(pen: Pen, p: Params) -> None:
    """A sun of rays and rings about a face with tongue out."""
    n = round(p["rays"])
    for k in range(n):
        angle = 2 * math.pi * k / n
        pen.poly(
            [polar(0.5, 0.5, 0.34, angle - 0.16), polar(0.5, 0.5, 0.48, angle), polar(0.5, 0.5, 0.34, angle + 0.16)],
            ACCENT,
        )
    pen.dot(0.5, 0.5, 0.36)
    pen.ring(0.5, 0.5, 0.33, 0.03, LINE)
    pen.ring(0.5, 0.5, 0.25, 0.025, LINE)
    pen.dot(0.5, 0.5, 0.2, ACCENT)
    for side in (-1, 1):
        pen.dot(0.5 + side * 0.085, 0.46, 0.04, LINE)
    pen.poly([(0.46, 0.57), (0.54, 0.57), (0.53, 0.72), (0.47, 0.72)], LINE)


def stepped_mountain(pen: Pen, p: Params) -> None:
    """A stepped pyramid sign with a cleft, repeating sideways."""
    c, n = pen.aspect / 2, round(p["steps"])
    points = [(0.0, 1.0)]
    for k in range(n):
        x = (c - 0.1) * k / n
        points += [(x, 1 - 0.86 * k / n), (x, 1 - 0.86 * (k + 1) / n)]
    points += [(c - 0.1, 0.14), (c, 0.42)]
    pen.poly([*points, *[(2 * c - x, y) for x, y in reversed(points)]])
    pen.poly([(c - 0.12, 1.0), (c - 0.12, 0.72), (c + 0.12, 0.72), (c + 0.12, 1.0)], LINE)
    pen.dot(c, 0.58, 0.07, ACCENT)


def shell_water(pen: Pen, p: Params) -> None:
    """Water scrolls with a shell: parallel bands turned over at the end, repeating sideways."""
    a = pen.aspect
    for k in range(round(p["bands"])):
        y = 0.9 - 0.16 * k
        pen.line(
            [(-0.1, y), (a * 0.5, y), (a * 0.6, y - 0.05), (a * 0.7, y), (a + 0.1, y)],
            0.07,
            BODY if k % 2 == 0 else ACCENT,
        )
    pen.poly([(a * 0.3, 0.1), (a * 0.62, 0.22), (a * 0.56, 0.44), (a * 0.3, 0.5), (a * 0.18, 0.3)], BODY)
    for k in range(4):
        pen.line([(a * 0.2, 0.3), (a * 0.36 + 0.09 * k, 0.48 - 0.1 * k)], 0.026, LINE)
