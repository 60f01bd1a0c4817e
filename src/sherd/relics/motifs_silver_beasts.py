"""Motif programs of chased silver: beasts. Only cultures that are kept out of training draw with these."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from sherd.relics.pen import ACCENT, BODY, LINE, Pen, petal, polar

Params = Mapping[str, float]


def _limbs(pen: Pen, feet: Sequence[tuple[float, float, float]], y: float, width: float, ground: float = 0.93) -> None:
    """Four-footed beasts' legs with dark hooves: (x at the belly, x of the knee, x of the hoof) each."""
    for x, knee, hoof in feet:
        pen.ribbon([(x, y), (knee, (y + ground) / 2 + 0.02), (hoof, ground - 0.02)], width, width * 0.5, smooth=False)
        pen.poly([(hoof - width * 0.35, ground - 0.05), (hoof + width * 0.35, ground - 0.05),
                  (hoof + width * 0.75, ground + 0.02), (hoof - width * 0.4, ground + 0.02)], LINE)  # fmt: skip


def _streamers(pen: Pen, x: float, y: float, count: int, long: float) -> None:
    """Pleated ribbons that flutter back from the neck."""
    for k in range(count):
        lift = 0.12 * (k - (count - 1) / 2)
        path = [(x, y), (x - 0.4 * long, y - 0.05 + lift), (x - long, y + 0.01 + 1.5 * lift)]
        pen.ribbon(path, 0.035, 0.1, ACCENT)
        for t in (0.55, 0.78):
            u, v = x - long * t, y - 0.03 + 1.4 * lift * t
            pen.line([(u, v - 0.045), (u + 0.015, v + 0.055)], 0.016, LINE)


def _wing(pen: Pen, x: float, y: float, size: float, feathers: int) -> None:
    """A wing that rises from x, y, sweeps back and rolls its feathers forward at the tip."""
    for k in range(feathers):
        t = k / max(1, feathers - 1)
        reach, rise = size * (0.45 + 0.5 * t), size * (1.0 - 0.45 * t)
        path = [(x, y), (x - 0.55 * reach, y - 0.42 * rise), (x - 0.8 * reach, y - 0.85 * rise),
                (x - 0.55 * reach, y - 1.05 * rise), (x - 0.42 * reach, y - 0.9 * rise)]  # fmt: skip
        wide = 0.62 * size / feathers
        pen.ribbon(path, wide + 0.03, 0.05, LINE)
        pen.ribbon(path, wide, 0.03, ACCENT if k % 2 else BODY)
    pen.dot(x, y, 0.17 * size, LINE)
    pen.dot(x, y, 0.13 * size, ACCENT)


def _eye(pen: Pen, x: float, y: float, r: float = 0.028) -> None:
    pen.dot(x, y, r, LINE)
    pen.dot(x + r * 0.25, y - r * 0.25, r * 0.4, ACCENT)


def beribboned_ram(pen: Pen, p: Params) -> None:
    """A ram that stands, a great curled horn, a collar with fluttering ribbons."""
    a = pen.aspect
    _streamers(pen, a * 0.6, 0.36, round(p["ribbons"]), 0.42)
    feet = ((0.3, 0.27, 0.27), (0.4, 0.42, 0.38), (0.72, 0.7, 0.71), (0.82, 0.86, 0.83))
    _limbs(pen, feet, 0.64, 0.12)
    pen.ribbon([(0.3, 0.56), (0.55, 0.58), (0.8, 0.54)], 0.3, 0.32)
    pen.ribbon([(0.22, 0.5), (0.15, 0.58), (0.17, 0.72)], 0.12, 0.07)
    pen.ribbon([(0.8, 0.52), (0.86, 0.38), (0.89, 0.26)], 0.28, 0.17)
    pen.poly([(0.82, 0.17), (0.98, 0.16), (1.13, 0.32), (1.1, 0.4), (1.0, 0.41), (0.86, 0.36)])
    pen.line([(0.76, 0.42), (0.98, 0.46)], 0.05, ACCENT)
    for x in (0.42, 0.54, 0.66):
        for y in (0.5, 0.61):
            pen.spiral(x, y, 0.05, turns=1.1, width=0.018, ink=LINE)
    pen.dot(0.87, 0.25, 0.165, LINE)
    pen.spiral(0.87, 0.25, 0.14, turns=1.2 + 0.7 * p["curl"], start=-1.2, width=0.06, ink=ACCENT)
    _eye(pen, 1.02, 0.25)
    pen.line([(1.04, 0.37), (1.11, 0.36)], 0.016, LINE)


def leaping_ibex(pen: Pen, p: Params) -> None:
    """An ibex in mid leap, looking back over its shoulder, with long ridged horns."""
    lift, ridges = 0.06 * p["leap"], round(p["ridges"])
    for x, knee, hoof, low in ((0.3, 0.2, 0.08, 0.86), (0.36, 0.3, 0.2, 0.94)):
        pen.ribbon([(x, 0.64), (knee, 0.74), (hoof, low)], 0.14, 0.05)
        pen.dot(hoof, low, 0.035, LINE)
    for x, knee, hoof, low in ((0.88, 1.06, 0.98, 0.82), (0.92, 1.16, 1.14, 0.7)):
        pen.ribbon([(x, 0.55 - lift), (knee, 0.58 - lift), (hoof, low - lift)], 0.11, 0.045, smooth=False)
        pen.dot(hoof, low - lift, 0.035, LINE)
    pen.ribbon([(0.3, 0.6), (0.58, 0.58), (0.9, 0.5 - lift)], 0.26, 0.24)
    pen.poly(petal(0.2, 0.54, math.radians(215), 0.15, 0.09))
    pen.ribbon([(0.9, 0.48 - lift), (0.93, 0.32 - lift), (0.86, 0.22 - lift)], 0.2, 0.11)
    pen.poly([(0.92, 0.14 - lift), (0.92, 0.27 - lift), (0.74, 0.32 - lift), (0.64, 0.28 - lift), (0.68, 0.22 - lift)])
    pen.poly([(0.7, 0.29 - lift), (0.78, 0.31 - lift), (0.72, 0.43 - lift)], LINE)
    _eye(pen, 0.8, 0.225 - lift, 0.024)
    horn = [(0.87, 0.16 - lift), (1.02, 0.1 - lift * 0.3), (1.18, 0.18), (1.24, 0.36), (1.2, 0.46)]
    pen.ribbon(horn, 0.11, 0.03, LINE)
    pen.ribbon(horn, 0.075, 0.02, ACCENT)
    for k in range(ridges):
        t = (k + 0.7) / ridges
        x, y = (
            np.interp(t, [0, 0.3, 0.62, 1], [0.9, 1.03, 1.17, 1.23]),
            np.interp(t, [0, 0.3, 0.62, 1], [0.15, 0.1, 0.17, 0.33]),
        )
        pen.dot(float(x), float(y) - 0.3 * lift * (1 - t), 0.018, LINE)
    for x in (0.42, 0.54, 0.66):
        pen.poly(petal(x - 0.05, 0.6, -0.15, 0.11, 0.05), ACCENT)


def boar_head(pen: Pen, p: Params) -> None:
    """A boar's head in profile, jaws apart, a tusk, bristles standing along the neck."""
    bristles = round(p["bristles"])
    for k in range(bristles):
        t = k / (bristles - 1)
        x, y = 0.12 + 0.5 * t, 0.4 - 0.16 * math.sin(math.pi * (0.25 + 0.55 * t))
        pen.poly(
            [(x - 0.05, y + 0.08), (x - 0.06 + 0.05 * t, y - 0.17), (x + 0.05, y + 0.06)], ACCENT if k % 2 else LINE
        )
    pen.poly([(0.08, 0.36), (0.3, 0.26), (0.56, 0.26), (0.74, 0.36), (1.12, 0.44), (1.16, 0.56), (1.0, 0.6),
              (0.82, 0.6), (0.76, 0.68), (0.96, 0.72), (0.98, 0.8), (0.72, 0.86), (0.5, 0.84), (0.3, 0.92),
              (0.12, 0.9), (0.06, 0.64)])  # fmt: skip
    pen.poly([(0.82, 0.6), (1.0, 0.6), (0.94, 0.71), (0.76, 0.68)], LINE)
    tusk = 0.1 + 0.1 * p["tusk"]
    pen.poly([(0.85, 0.71), (0.93, 0.72), (0.97, 0.7 - tusk), (0.9, 0.68 - tusk * 0.4)], ACCENT)
    pen.dot(1.11, 0.51, 0.045, ACCENT, 0.06)
    pen.dot(1.12, 0.51, 0.018, LINE)
    pen.poly(petal(0.5, 0.44, math.radians(228), 0.27, 0.15, 0.8), LINE)
    pen.poly(petal(0.49, 0.43, math.radians(228), 0.22, 0.1, 0.8), ACCENT)
    _eye(pen, 0.68, 0.45, 0.042)
    pen.line([(0.6, 0.38), (0.7, 0.38), (0.76, 0.43)], 0.022, LINE)
    for k in range(3):
        x = 0.2 + 0.11 * k
        pen.ribbon([(x, 0.58), (x - 0.05, 0.7), (x + 0.02, 0.82)], 0.035, 0.03, LINE)
    for x in (0.86, 0.94):
        pen.line([(x, 0.46), (x - 0.03, 0.56)], 0.016, LINE)


def war_elephant(pen: Pen, p: Params) -> None:
    """An elephant that walks, a bell at its neck, a fringed cloth on its back."""
    for x, dx in ((0.26, -0.02), (0.42, 0.03), (0.72, -0.02), (0.86, 0.06)):
        pen.ribbon([(x, 0.6), (x + dx, 0.93)], 0.16, 0.13, smooth=False)
        pen.line([(x + dx - 0.06, 0.95), (x + dx + 0.06, 0.95)], 0.035, LINE)
    pen.dot(0.54, 0.49, 0.39, BODY, 0.25)
    pen.ribbon([(0.17, 0.46), (0.09, 0.56), (0.1, 0.72)], 0.05, 0.03, LINE)
    pen.dot(0.95, 0.4, 0.19, BODY, 0.21)
    tip = (1.2, 0.62 - 0.3 * p["trunk"])
    pen.ribbon([(1.05, 0.42), (1.14, 0.62), (1.1, 0.78), (1.2, 0.8), tip], 0.15, 0.05)
    pen.poly([(1.04, 0.54), (1.1, 0.56), (1.24, 0.52), (1.1, 0.61)], ACCENT)
    pen.poly([(0.86, 0.24), (0.76, 0.28), (0.72, 0.46), (0.8, 0.6), (0.9, 0.5), (0.92, 0.34)], LINE)
    pen.poly([(0.85, 0.28), (0.79, 0.31), (0.76, 0.45), (0.81, 0.54), (0.88, 0.47), (0.89, 0.35)], ACCENT)
    _eye(pen, 1.01, 0.34, 0.026)
    low = 0.56 + 0.1 * p["cloth"]
    pen.poly([(0.32, 0.28), (0.44, 0.23), (0.6, 0.23), (0.7, 0.28), (0.68, low), (0.34, low)], LINE)
    pen.poly([(0.35, 0.29), (0.45, 0.26), (0.59, 0.26), (0.67, 0.29), (0.65, low - 0.03), (0.37, low - 0.03)], ACCENT)
    for x in (0.38, 0.46, 0.54, 0.62):
        pen.dot(x + 0.01, low + 0.025, 0.025, LINE)
    for x, y in ((0.44, 0.36), (0.58, 0.36), (0.51, 0.46)):
        pen.dot(x, y, 0.035, LINE)
    pen.ribbon([(0.44, 0.22), (0.46, 0.1), (0.56, 0.1), (0.58, 0.22)], 0.05, 0.05, BODY, smooth=False)
    pen.line([(0.4, 0.1), (0.62, 0.1)], 0.05, LINE)


def humped_bull(pen: Pen, p: Params) -> None:
    """A humped bull with lowered head, horns forward, one fore hoof pawing."""
    hump = 0.06 * p["hump"]
    _limbs(pen, ((0.24, 0.16, 0.18), (0.36, 0.34, 0.3), (0.78, 0.76, 0.76)), 0.62, 0.13)
    pen.ribbon([(0.88, 0.62), (1.04, 0.74), (0.94, 0.88)], 0.12, 0.06, smooth=False)
    pen.dot(0.93, 0.89, 0.04, LINE)
    pen.ribbon([(0.26, 0.52), (0.56, 0.56), (0.86, 0.5)], 0.3, 0.38)
    pen.poly([(0.56, 0.44), (0.66, 0.33 - hump), (0.76, 0.24 - hump), (0.86, 0.26 - hump), (0.93, 0.38), (0.96, 0.48)])
    pen.ribbon([(0.68, 0.36 - hump), (0.78, 0.29 - hump), (0.87, 0.34 - hump)], 0.03, 0.03, LINE)
    pen.ribbon([(0.14, 0.46), (0.06, 0.34), (0.16, 0.2), (0.24, 0.16)], 0.05, 0.04)
    pen.poly(petal(0.2, 0.18, -0.5, 0.16, 0.1), ACCENT)
    pen.ribbon([(0.9, 0.46), (1.04, 0.46), (1.12, 0.56)], 0.32, 0.2)
    pen.poly([(1.04, 0.46), (1.18, 0.48), (1.23, 0.7), (1.2, 0.78), (1.1, 0.78), (1.04, 0.64)])
    for k in range(4):
        x = 0.9 + 0.05 * k
        pen.ribbon([(x, 0.6), (x + 0.02, 0.68), (x + 0.01, 0.74)], 0.03, 0.03, LINE)
    reach = 0.1 + 0.08 * p["horn"]
    for x in (1.06, 1.16):
        horn = [(x, 0.46), (x + 0.03, 0.36), (x + 0.02 + reach * 0.4, 0.34 - reach)]
        pen.ribbon(horn, 0.085, 0.03, LINE)
        pen.ribbon(horn, 0.05, 0.02, ACCENT)
    pen.poly(petal(1.04, 0.5, math.radians(200), 0.15, 0.08), LINE)
    _eye(pen, 1.13, 0.56)
    pen.dot(1.19, 0.73, 0.018, LINE)
    pen.spiral(0.32, 0.5, 0.11, turns=1.3, width=0.028, ink=LINE)
    pen.spiral(0.82, 0.5, 0.11, turns=-1.3, width=0.028, ink=LINE)
    pen.poly([(0.5, 0.5), (0.57, 0.42), (0.64, 0.5), (0.57, 0.58)], ACCENT)


def beaked_griffin(pen: Pen, p: Params) -> None:
    """A lion's body that sits up, with a wing, and an eagle's head that screams."""
    pen.ribbon([(0.22, 0.84), (0.1, 0.7), (0.16, 0.5), (0.06, 0.4)], 0.06, 0.05)
    pen.poly(petal(0.08, 0.42, math.radians(250), 0.16, 0.12), ACCENT)
    pen.dot(0.36, 0.76, 0.22, BODY, 0.17)
    pen.ribbon([(0.36, 0.9), (0.64, 0.92)], 0.09, 0.07)
    for x in (0.66, 0.78):
        pen.ribbon([(x, 0.56), (x + 0.03, 0.76), (x + 0.02, 0.92)], 0.14, 0.07)
        for claw in (0.04, 0.09):
            pen.poly(petal(x + claw, 0.91, 0.5, 0.08, 0.04), LINE)
    pen.ribbon([(0.36, 0.74), (0.56, 0.62), (0.76, 0.5)], 0.3, 0.26)
    pen.ribbon([(0.74, 0.5), (0.82, 0.38), (0.78, 0.26)], 0.26, 0.15)
    _wing(pen, 0.6, 0.56, 0.46, round(p["feathers"]))
    pen.dot(0.82, 0.23, 0.125)
    pen.poly([(0.88, 0.14), (1.02, 0.17), (1.08, 0.29), (1.0, 0.25), (0.92, 0.25)], ACCENT)
    pen.poly([(0.9, 0.27), (1.0, 0.31), (0.9, 0.34)], ACCENT)
    pen.line([(0.9, 0.255), (1.0, 0.265)], 0.02, LINE)
    pen.poly(petal(0.76, 0.16, math.radians(262), 0.13, 0.07), LINE)
    _eye(pen, 0.87, 0.2, 0.03)
    for k in range(3):
        crest = 0.06 + 0.05 * p["crest"]
        x, y = polar(0.8, 0.26, 0.14, math.radians(205 - 26 * k))
        pen.poly(petal(x, y, math.radians(200 - 20 * k), crest, 0.06), LINE)
    for y in (0.38, 0.46):
        pen.ribbon([(0.76, y), (0.83, y + 0.04), (0.9, y + 0.01)], 0.022, 0.022, LINE)


def winged_steed(pen: Pen, p: Params) -> None:
    """A winged horse that steps out, knotted tail, crenellated mane."""
    step = 0.1 * p["step"]
    feet = ((0.28, 0.2, 0.22), (0.38, 0.4, 0.34), (0.78, 0.76, 0.76))
    _limbs(pen, feet, 0.64, 0.11)
    pen.ribbon([(0.86, 0.62), (1.02 + step, 0.7), (0.98 + step, 0.86 - step)], 0.1, 0.05, smooth=False)
    pen.dot(0.98 + step, 0.88 - step, 0.036, LINE)
    pen.ribbon([(0.28, 0.58), (0.56, 0.61), (0.84, 0.56)], 0.25, 0.26)
    pen.ribbon([(0.18, 0.54), (0.1, 0.6), (0.11, 0.7)], 0.08, 0.07)
    pen.dot(0.11, 0.7, 0.05, ACCENT)
    pen.poly([(0.1, 0.72), (0.17, 0.88), (0.1, 0.84), (0.04, 0.88)])
    pen.ribbon([(0.84, 0.54), (0.94, 0.38), (0.95, 0.26)], 0.26, 0.13)
    for k in range(4):
        x, y = 0.83 + 0.022 * k, 0.42 - 0.085 * k
        pen.poly([(x - 0.06, y), (x - 0.05, y - 0.06), (x + 0.03, y - 0.06), (x + 0.03, y)], LINE)
    pen.poly([(0.88, 0.16), (1.0, 0.16), (1.13, 0.32), (1.1, 0.39), (1.02, 0.39), (0.92, 0.33)])
    pen.poly(petal(0.93, 0.19, math.radians(262), 0.14, 0.07))
    _eye(pen, 0.99, 0.24, 0.024)
    pen.line([(1.06, 0.27), (1.0, 0.37)], 0.022, ACCENT)
    pen.line([(0.86, 0.46), (0.99, 0.49)], 0.035, ACCENT)
    _wing(pen, 0.72, 0.56, 0.5, round(p["feathers"]))


def simurgh(pen: Pen, p: Params) -> None:
    """A beast with a dog's snarling head, paws, a raised wing, and a broad tail of plumes like a peacock's."""
    n = round(p["plumes"])
    for k in range(n):
        angle = math.radians(178 + 74 * k / (n - 1))
        tip = polar(0.46, 0.66, 0.36, angle)
        pen.poly(petal(0.5, 0.68, angle, 0.52, 0.2, 0.0), LINE)
        pen.poly(petal(0.5, 0.68, angle, 0.49, 0.15, 0.0))
        pen.dot(*tip, 0.045, ACCENT)
        pen.dot(*tip, 0.018, LINE)
    for x in (0.78, 0.9):
        pen.ribbon([(x, 0.66), (x + 0.1, 0.8), (x + 0.06, 0.9)], 0.13, 0.07)
        pen.line([(x + 0.05, 0.92), (x + 0.15, 0.92)], 0.045, LINE)
    pen.ribbon([(0.46, 0.7), (0.68, 0.7), (0.86, 0.6)], 0.2, 0.3)
    pen.ribbon([(0.86, 0.58), (0.98, 0.46), (1.0, 0.34)], 0.27, 0.17)
    _wing(pen, 0.8, 0.62, 0.42, 4)
    pen.poly([(0.9, 0.22), (1.02, 0.2), (1.1, 0.26), (1.25, 0.25), (1.24, 0.33), (1.12, 0.35), (1.21, 0.41),
              (1.14, 0.45), (0.98, 0.42), (0.92, 0.36)])  # fmt: skip
    pen.poly([(1.1, 0.35), (1.24, 0.33), (1.21, 0.41)], LINE)
    fang = 0.025 + 0.04 * p["fangs"]
    pen.poly([(1.18, 0.33), (1.22, 0.33), (1.2, 0.335 + fang)], ACCENT)
    pen.poly(petal(1.0, 0.24, math.radians(238), 0.19, 0.08), LINE)
    pen.poly(petal(0.995, 0.23, math.radians(238), 0.15, 0.05), ACCENT)
    _eye(pen, 1.06, 0.285)
    pen.ribbon([(1.16, 0.4), (1.25, 0.42), (1.26, 0.36)], 0.03, 0.02, ACCENT)
    for y in (0.48, 0.56, 0.64):
        pen.spiral(0.96, y, 0.045, turns=1.0, width=0.018, ink=LINE)


def spread_eagle(pen: Pen, p: Params) -> None:
    """An eagle from the front, wings spread wide, head turned, a ring about the neck."""
    c, n = pen.aspect / 2, round(p["feathers"])
    for side in (-1, 1):
        for k in range(n):
            t = k / (n - 1)
            x, y = c + side * (0.24 + 0.27 * t), 0.34 - 0.06 * t
            angle = math.pi / 2 - side * (0.1 + 0.32 * t)
            pen.poly(petal(x, y, angle, 0.46 - 0.06 * t, 0.17, 0.1), LINE)
            pen.poly(petal(x, y, angle, 0.43 - 0.06 * t, 0.12, 0.1))
        pen.ribbon([(c + side * 0.08, 0.36), (c + side * 0.3, 0.2), (c + side * 0.55, 0.26)], 0.2, 0.1, LINE)
        pen.ribbon([(c + side * 0.08, 0.36), (c + side * 0.3, 0.2), (c + side * 0.55, 0.26)], 0.15, 0.06, ACCENT)
    for k in range(-2, 3):
        spread = 0.2 + 0.14 * p["tail"]
        pen.poly(petal(c, 0.62, math.pi / 2 - k * spread, 0.34, 0.12, 0.0), LINE)
        pen.poly(petal(c, 0.62, math.pi / 2 - k * spread, 0.31, 0.08, 0.0), ACCENT)
    for side in (-1, 1):
        pen.line([(c + side * 0.1, 0.6), (c + side * 0.2, 0.78)], 0.05, BODY)
        for toe in (-0.5, 0.2, 0.9):
            pen.poly(petal(c + side * 0.19, 0.76, math.pi / 2 - side * toe, 0.12, 0.05), LINE)
    pen.dot(c, 0.46, 0.17, BODY, 0.24)
    for row in range(3):
        for k in range(-1, 2):
            pen.ring(c + 0.09 * k + 0.045 * (row % 2), 0.42 + 0.09 * row, 0.042, 0.016)
    pen.dot(c, 0.16, 0.1)
    pen.ribbon([(c, 0.18), (c, 0.3)], 0.15, 0.2)
    pen.line([(c - 0.1, 0.28), (c + 0.1, 0.28)], 0.045, ACCENT)
    pen.poly([(c + 0.06, 0.09), (c + 0.2, 0.13), (c + 0.2, 0.22), (c + 0.15, 0.18), (c + 0.07, 0.19)], ACCENT)
    _eye(pen, c + 0.035, 0.13, 0.026)
