"""Motif programs of chased silver: people, signs, ornament. Only cultures kept out of training draw with these."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sherd.relics.pen import ACCENT, BLANK, BODY, LINE, Pen, petal, polar

Params = Mapping[str, float]


def scarf_dancer(pen: Pen, p: Params) -> None:
    """A dancing woman, ankles crossed, a long scarf in an arch over her head, a flower in her hand."""
    c, sway = pen.aspect / 2, 0.06 * p["sway"]
    high = 0.14 - 0.07 * p["scarf"]
    scarf = [
        (c - 0.33, 0.8),
        (c - 0.36, 0.5),
        (c - 0.3, 0.24),
        (c, high),
        (c + 0.3, 0.24),
        (c + 0.36, 0.5),
        (c + 0.32, 0.78),
    ]
    pen.ribbon(scarf, 0.05, 0.05, ACCENT, groove=0.014)
    for side in (-1, 1):
        pen.poly(
            [(c + side * 0.33, 0.76), (c + side * 0.26, 0.9), (c + side * 0.33, 0.88), (c + side * 0.39, 0.92)], ACCENT
        )
    hip = c - sway
    pen.ribbon([(hip + 0.04, 0.6), (c + 0.1, 0.76), (c - 0.06, 0.93)], 0.15, 0.05)
    pen.ribbon([(hip - 0.05, 0.6), (c - 0.08, 0.76), (c + 0.08, 0.93)], 0.15, 0.05)
    for x, way in ((c - 0.08, -1), (c + 0.09, 1)):
        pen.line([(x, 0.945), (x + 0.07 * way, 0.95)], 0.045, LINE)
    pen.poly(
        [
            (c - 0.09, 0.34),
            (c + 0.09, 0.34),
            (hip + 0.07, 0.48),
            (hip + 0.16, 0.68),
            (hip - 0.16, 0.68),
            (hip - 0.07, 0.48),
        ]
    )
    pen.line([(hip - 0.08, 0.5), (hip + 0.08, 0.5)], 0.04, ACCENT)
    for k in (-1, 0, 1):
        pen.ribbon([(hip + 0.02 * k, 0.54), (hip + 0.07 * k, 0.68)], 0.018, 0.018, LINE)
    pen.ribbon([(c + 0.08, 0.37), (c + 0.21, 0.42), (c + 0.22, 0.27)], 0.075, 0.045)
    pen.ribbon([(c - 0.08, 0.37), (c - 0.21, 0.44), (c - 0.14, 0.54)], 0.075, 0.045)
    for k in range(5):
        pen.dot(*polar(c + 0.23, 0.21, 0.04, k * 1.257), 0.03, ACCENT)
    pen.dot(c + 0.23, 0.21, 0.022, LINE)
    pen.ribbon([(c, 0.36), (c, 0.29)], 0.07, 0.06)
    pen.dot(c, 0.225, 0.115, LINE)
    pen.dot(c, 0.24, 0.082, BODY, 0.092)
    pen.dot(c, 0.125, 0.05, LINE)
    for side in (-1, 1):
        pen.dot(c + side * 0.03, 0.235, 0.014, LINE)
        pen.dot(c + side * 0.1, 0.3, 0.022, ACCENT)
    pen.line([(c - 0.07, 0.35), (c, 0.38), (c + 0.07, 0.35)], 0.022, ACCENT)


def fire_altar(pen: Pen, p: Params) -> None:
    """A stepped altar with a waisted shaft and a sash, flames on it."""
    c, tongues, steps = pen.aspect / 2, round(p["tongues"]), round(p["steps"])
    for k in range(tongues):
        x = c + 0.36 * ((k + 0.5) / tongues - 0.5)
        high = 0.4 - 0.9 * abs(x - c)
        flame = [(x, 0.42), (x + 0.045, 0.42 - high * 0.5), (x - 0.02, 0.43 - high)]
        pen.ribbon(flame, 0.4 / tongues + 0.03, 0.02, LINE)
        pen.ribbon(flame, 0.4 / tongues - 0.01, 0.012, ACCENT)
    for k in range(steps):
        w, h = 0.36 - 0.05 * k, 0.12 / steps
        for top in (0.41 + h * k, 0.95 - h * (k + 1)):
            pen.poly([(c - w, top), (c + w, top), (c + w, top + h), (c - w, top + h)])
            pen.line([(c - w, top + h * 0.95), (c + w, top + h * 0.95)], 0.016, LINE)
    pen.poly([(c - 0.18, 0.53), (c + 0.18, 0.53), (c + 0.1, 0.6), (c + 0.1, 0.77), (c + 0.18, 0.83), (c - 0.18, 0.83),
              (c - 0.1, 0.77), (c - 0.1, 0.6)])  # fmt: skip
    for side in (-1, 1):
        pen.ribbon([(c + side * 0.06, 0.66), (c + side * 0.22, 0.62), (c + side * 0.34, 0.72)], 0.035, 0.08, ACCENT)
    pen.dot(c, 0.66, 0.07, LINE)
    pen.dot(c, 0.66, 0.045, ACCENT)


def crescent_star(pen: Pen, p: Params) -> None:
    """A crescent that holds a star, small stars about it."""
    width, n = 0.3 + 0.05 * p["open"], round(p["points"])
    pen.dot(0.5, 0.52, 0.44, LINE)
    pen.dot(0.5, 0.52, 0.415)
    pen.dot(0.5, 0.4, width + 0.025, LINE)
    pen.dot(0.5, 0.4, width, BLANK)
    pen.poly(
        [(0.5 - width * 0.7, 0.0), (0.5 + width * 0.7, 0.0), (0.5 + width * 0.55, 0.3), (0.5 - width * 0.55, 0.3)],
        BLANK,
    )
    star = [polar(0.5, 0.37, 0.25 if k % 2 == 0 else 0.11, -math.pi / 2 + math.pi * k / n) for k in range(2 * n)]
    pen.poly(star, ACCENT)
    pen.line(star, 0.022, LINE, closed=True)
    pen.dot(0.5, 0.37, 0.05, LINE)
    for k in range(7):
        pen.dot(*polar(0.5, 0.5, 0.355, math.radians(15 + 25 * k)), 0.03, ACCENT)


def winged_crown(pen: Pen, p: Params) -> None:
    """A king's crown: stepped merlons, a pair of wings, a globe above, a diadem with pearls below."""
    c, merlons, feathers = pen.aspect / 2, round(p["merlons"]), round(p["feathers"])
    for side in (-1, 1):
        for k in range(feathers):
            t = k / (feathers - 1)
            end = (c + side * (0.52 - 0.14 * t), 0.5 - 0.36 * t)
            path = [(c + side * 0.16, 0.6), (c + side * (0.36 - 0.08 * t), 0.56 - 0.12 * t), end]
            pen.ribbon(path, 0.15, 0.08, LINE)
            pen.ribbon(path, 0.11, 0.05, ACCENT if k % 2 else BODY)
    pen.dot(c, 0.18, 0.145, LINE)
    pen.dot(c, 0.18, 0.12, ACCENT)
    for side in (-1, 0, 1):
        pen.ribbon([(c + side * 0.02, 0.28), (c + side * 0.09, 0.18), (c + side * 0.05, 0.08)], 0.018, 0.018, LINE)
    step = 0.5 / merlons
    for k in range(merlons):
        x = c - 0.25 + step * (k + 0.5)
        stair = [(0.48, 0.64), (0.48, 0.48), (0.28, 0.48), (0.28, 0.4), (0.12, 0.4), (0.12, 0.32)]
        pen.poly([(x - step * u, v) for u, v in stair] + [(x + step * u, v) for u, v in reversed(stair)])
        pen.dot(x, 0.52, 0.03, LINE)
    pen.poly([(c - 0.28, 0.62), (c + 0.28, 0.62), (c + 0.3, 0.78), (c - 0.3, 0.78)], LINE)
    for k in range(7):
        pen.dot(c - 0.25 + 0.5 * k / 6, 0.7, 0.036, ACCENT)
    for side in (-1, 1):
        pen.ribbon([(c + side * 0.27, 0.76), (c + side * 0.4, 0.82), (c + side * 0.44, 0.94)], 0.05, 0.1, BODY)
        for y in (0.84, 0.89):
            pen.line([(c + side * 0.36, y), (c + side * 0.47, y)], 0.016, LINE)
    pen.ribbon([(c - 0.24, 0.82), (c, 0.86), (c + 0.24, 0.82)], 0.05, 0.05)


def vine_bunch(pen: Pen, p: Params) -> None:
    """A vine that winds on, a bunch of grapes in one bend, a lobed leaf in the next; repeating sideways."""
    a, n = pen.aspect, round(p["grapes"])
    stem = [(a * t / 16, 0.5 + 0.26 * math.sin(2 * math.pi * t / 16)) for t in range(-1, 18)]
    pen.ribbon(stem, 0.05 * p["stroke"], 0.05 * p["stroke"], LINE)
    x = a * 0.25
    pen.line([(x, 0.74), (x, 0.5)], 0.03, LINE)
    for row in range(n):
        for k in range(n - row):
            u, v = x + 0.11 * (k - (n - row - 1) / 2), 0.14 + 0.105 * row
            pen.dot(u, v, 0.064, LINE)
            pen.dot(u, v, 0.05, ACCENT if (row + k) % 2 else BODY)
    x = a * 0.75
    pen.line([(x, 0.26), (x, 0.6)], 0.03, LINE)
    for k in range(5):
        angle = math.pi / 2 + (k - 2) * 0.72
        pen.poly(petal(x, 0.6, angle, 0.35 - 0.03 * abs(k - 2), 0.2, 0.6))
    for k in range(5):
        pen.line([(x, 0.6), polar(x, 0.6, 0.24, math.pi / 2 + (k - 2) * 0.72)], 0.02, LINE)
    for x, y, way in ((a * 0.02, 0.3, 1), (a * 0.5, 0.78, -1), (a * 0.98, 0.3, 1)):
        pen.spiral(x, y, 0.08, turns=1.2 * way, start=1.5 * way, width=0.025, ink=ACCENT)


def sacred_tree(pen: Pen, p: Params) -> None:
    """A stiff tree with paired volute boughs, each with a bud, a fan at the top, on a stepped foot."""
    c, n, w = pen.aspect / 2, round(p["boughs"]), 0.055 * p["stroke"]
    pen.ribbon([(c, 0.9), (c, 0.24)], 0.09, 0.06)
    for k in range(n):
        y = 0.84 - 0.52 * k / n
        reach = 0.3 - 0.05 * k
        for side in (-1, 1):
            tip = (c + side * reach, y - 0.16)
            pen.ribbon([(c, y), (c + side * reach * 0.7, y), tip, (c + side * reach * 0.72, y - 0.2)], w, w * 0.6)
            pen.dot(*tip, 0.045, LINE)
            pen.dot(*tip, 0.03, ACCENT)
        pen.line([(c - 0.07, y), (c + 0.07, y)], 0.03, LINE)
    for k in range(7):
        angle = -math.pi / 2 + (k - 3) * 0.46
        pen.poly(petal(c, 0.28, angle, 0.25, 0.1, 0.2), LINE)
        pen.poly(petal(c, 0.28, angle, 0.22, 0.065, 0.2), ACCENT)
    pen.dot(c, 0.28, 0.06, LINE)
    for k in range(3):
        half = 0.12 + 0.08 * k
        pen.poly([(c - half, 0.87 + 0.035 * k), (c + half, 0.87 + 0.035 * k), (c + half, 0.9 + 0.035 * k),
                  (c - half, 0.9 + 0.035 * k)], LINE if k % 2 else BODY)  # fmt: skip


def royal_archer(pen: Pen, p: Params) -> None:
    """A crowned rider at a flying gallop who turns in the saddle and draws his bow behind him."""
    stretch, bow = 0.08 * p["gallop"], 0.22 + 0.06 * p["bow"]
    for x, foot, y in ((0.5, 0.3 - stretch, 0.9), (0.56, 0.42 - stretch, 0.94)):
        pen.ribbon([(x, 0.7), (x - 0.12, 0.8), (foot, y)], 0.12, 0.05)
    for x, foot, y in ((1.04, 1.34, 0.86), (1.0, 1.26, 0.94)):
        pen.ribbon([(x, 0.7), (x + 0.14, 0.74), (foot + stretch * 0.6, y)], 0.11, 0.045)
    pen.ribbon([(0.5, 0.66), (0.76, 0.7), (1.06, 0.64)], 0.21, 0.22)
    pen.ribbon([(0.42, 0.62), (0.26, 0.6), (0.16, 0.7)], 0.07, 0.09, LINE)
    pen.ribbon([(1.06, 0.62), (1.18, 0.52), (1.22, 0.44)], 0.2, 0.12)
    pen.poly([(1.18, 0.36), (1.26, 0.34), (1.4, 0.5), (1.37, 0.57), (1.27, 0.54), (1.19, 0.48)])
    pen.ribbon([(1.06, 0.52), (1.14, 0.44), (1.18, 0.37)], 0.05, 0.04, LINE)
    pen.dot(1.27, 0.42, 0.02, LINE)
    for x, y in ((0.44, 0.62), (0.98, 0.62), (1.1, 0.62)):
        pen.dot(x, y + 0.03, 0.035, ACCENT)
    # Quiver, leg, coat; the body is turned back, to the left.
    pen.ribbon([(0.92, 0.58), (1.02, 0.78)], 0.1, 0.07, LINE)
    pen.ribbon([(0.8, 0.56), (0.88, 0.7), (0.84, 0.86), (0.92, 0.88)], 0.13, 0.05, ACCENT)
    pen.poly([(0.68, 0.3), (0.84, 0.3), (0.92, 0.6), (0.66, 0.6)], LINE)
    pen.poly([(0.7, 0.31), (0.82, 0.31), (0.88, 0.58), (0.69, 0.58)], ACCENT)
    pen.line([(0.69, 0.5), (0.86, 0.5)], 0.03, LINE)
    pen.line([(0.7, 0.34), (0.84, 0.46)], 0.022, LINE)
    pen.ribbon([(0.72, 0.34), (0.56, 0.32), (0.36, 0.33)], 0.08, 0.05)
    pen.ribbon([(0.82, 0.34), (0.94, 0.38), (0.76, 0.35)], 0.08, 0.05)
    back = [(0.44, -1.0), (0.36, -0.7), (0.34, 0.0), (0.36, 0.7), (0.44, 1.0)]
    pen.ribbon([(x, 0.33 + bow * y) for x, y in back], 0.035, 0.035, LINE)
    pen.line([(0.44, 0.33 - bow), (0.74, 0.34), (0.44, 0.33 + bow)], 0.014, ACCENT)
    pen.line([(0.14, 0.32), (0.74, 0.34)], 0.02, LINE)
    pen.poly([(0.08, 0.32), (0.17, 0.28), (0.17, 0.36)], ACCENT)
    pen.dot(0.75, 0.2, 0.085, BODY, 0.095)
    pen.ribbon([(0.8, 0.18), (0.85, 0.25), (0.83, 0.31)], 0.06, 0.05, LINE)
    pen.ribbon([(0.84, 0.2), (0.96, 0.16), (1.06, 0.22)], 0.025, 0.07, ACCENT)
    pen.poly([(0.66, 0.15), (0.66, 0.07), (0.71, 0.1), (0.75, 0.04), (0.79, 0.1), (0.84, 0.07), (0.84, 0.15)], LINE)
    pen.dot(0.75, 0.045, 0.035, ACCENT)
    pen.dot(0.71, 0.19, 0.013, LINE)
    pen.poly([(0.69, 0.24), (0.79, 0.24), (0.72, 0.32)], LINE)


def twisted_cable(pen: Pen, p: Params) -> None:
    """A cable of slanting strands between two rows of beads; repeating sideways."""
    a, strands, beads = pen.aspect, 2 * round(p["pairs"]), round(p["beads"])
    for k in range(-1, strands + 1):
        x = a * k / strands
        long = a / strands
        path = [(x - 0.1 * long, 0.74), (x + 0.3 * long, 0.62), (x + 0.7 * long, 0.38), (x + 1.1 * long, 0.26)]
        pen.ribbon(path, 0.75 * long, 0.75 * long, LINE)
        pen.ribbon(path, 0.58 * long, 0.58 * long, BODY if k % 2 else ACCENT)
    for y in (0.0, 0.8):
        pen.poly([(0, y), (a, y), (a, y + 0.2), (0, y + 0.2)], BLANK)
    for y in (0.215, 0.785):
        pen.line([(0, y), (a, y)], 0.025, LINE)
    for k in range(beads):
        x = a * (k + 0.5) / beads
        for y in (0.11, 0.89):
            pen.dot(x, y, 0.075, ACCENT)
            pen.dot(x, y, 0.03, LINE)


def heart_net(pen: Pen, p: Params) -> None:
    """A net of lozenges, a flower of four hearts in each; joins itself on all sides."""
    w, r = 0.035 * p["stroke"], 0.09 + 0.03 * p["full"]
    for x, y in ((0.5, 0.5), (0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)):
        for k in range(4):
            u, v = polar(x, y, 0.15, math.pi / 4 + k * math.pi / 2)
            for turn in (-0.6, 0.6):
                pen.dot(*polar(u, v, 0.06, math.pi / 4 + k * math.pi / 2 + turn * 1.6), r * 0.75, BODY)
            pen.poly(petal(x, y, math.pi / 4 + k * math.pi / 2, 0.2, 0.14, 0.4))
            pen.dot(u, v, 0.028, LINE)
        pen.dot(x, y, 0.05, ACCENT)
    for shift in (-1.0, 0.0, 1.0):
        pen.line([(-0.5 + shift, 0.0), (0.5 + shift, 1.0)], w, LINE)
        pen.line([(0.5 + shift, 0.0), (-0.5 + shift, 1.0)], w, LINE)
        pen.line([(0.5 + shift, 0.0), (1.5 + shift, 1.0)], w, LINE)
    for x, y in ((0.5, 0.0), (0.0, 0.5), (1.0, 0.5), (0.5, 1.0)):
        pen.dot(x, y, 0.07, ACCENT)
