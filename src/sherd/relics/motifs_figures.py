"""Motif programs: figures of walls and hangings."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sherd.relics.pen import ACCENT, BLANK, BODY, LINE, Pen, petal, polar

Params = Mapping[str, float]


def apsara(pen: Pen, p: Params) -> None:
    """A heavenly being in flight: haloed head, one arm raised, skirt and scarves streaming behind."""
    a = pen.aspect
    lift = 0.14 * p["lift"]
    # Scarves, behind everything: one over the head, one under the body.
    over = [(a - 0.1, 0.42), (a - 0.17, 0.09), (a - 0.5, 0.04), (a - 0.8, 0.2), (0.6, 0.22 - lift), (0.34, 0.08)]
    pen.ribbon([*over, (0.05, 0.14 + lift)], 0.05, 0.035, ACCENT, groove=0.012)
    under = [(a - 0.12, 0.5), (a - 0.26, 0.78), (a - 0.6, 0.93), (0.66, 0.9), (0.4, 0.8 - lift), (0.06, 0.92)]
    pen.ribbon(under, 0.05, 0.03, LINE)
    # The skirt, to the left and upwards, with a fluttering hem and the feet.
    skirt = [(a - 0.55, 0.6), (a - 0.68, 0.76), (a - 0.95, 0.76 - lift / 2), (0.5, 0.54 - lift), (0.24, 0.42 - lift)]
    pen.dot(0.14, 0.38 - lift, 0.06, BODY, 0.035)
    for angle in (178, 214):
        pen.poly(petal(0.36, 0.47 - lift, math.radians(angle), 0.34, 0.09, 0.4), ACCENT)
    pen.ribbon(skirt, 0.2, 0.13, LINE)
    pen.ribbon(skirt, 0.17, 0.1, ACCENT)
    folds = round(p["folds"])
    for k in range(folds):
        shift = 0.13 * ((k + 0.5) / folds - 0.5)
        pen.ribbon([(x, y + shift) for x, y in skirt], 0.012, 0.012, LINE)
    # Torso, arms, a flower in the hand.
    pen.ribbon([(a - 0.43, 0.42), (a - 0.47, 0.52), (a - 0.56, 0.66)], 0.17, 0.12, BODY)
    pen.ribbon([(a - 0.4, 0.44), (a - 0.24, 0.54), (a - 0.1, 0.42)], 0.07, 0.045, BODY)
    pen.ribbon([(a - 0.5, 0.44), (a - 0.68, 0.47), (a - 0.72, 0.26)], 0.065, 0.045, BODY)
    pen.line([(a - 0.5, 0.6), (a - 0.4, 0.52)], 0.02, LINE)
    pen.dot(a - 0.07, 0.37, 0.05, ACCENT)
    pen.dot(a - 0.07, 0.37, 0.02, LINE)
    # Halo and head with a high bun.
    pen.dot(a - 0.4, 0.25, 0.175, LINE)
    pen.dot(a - 0.4, 0.25, 0.15, ACCENT)
    pen.dot(a - 0.4, 0.27, 0.095, BODY, 0.11)
    pen.dot(a - 0.41, 0.18, 0.09, LINE, 0.05)
    pen.dot(a - 0.41, 0.11, 0.042, LINE)
    for x in (a - 0.42, a - 0.36):
        pen.dot(x, 0.27, 0.012, LINE)


def seated_buddha(pen: Pen, p: Params) -> None:
    """A figure cross-legged on a lotus, with halo and body halo."""
    c = pen.aspect / 2
    pen.dot(c, 0.5, 0.37, ACCENT, 0.45)
    pen.dot(c, 0.5, 0.325, LINE, 0.405)
    pen.dot(c, 0.5, 0.3, ACCENT, 0.375)
    pen.dot(c, 0.22, 0.2, LINE)
    pen.dot(c, 0.22, 0.175, BODY)
    pen.dot(c, 0.22, 0.15, ACCENT)
    # Robe: shoulders to lap, then the knees.
    pen.poly(
        [(c - 0.1, 0.34), (c + 0.1, 0.34), (c + 0.24, 0.44), (c + 0.25, 0.7), (c - 0.25, 0.7), (c - 0.24, 0.44)], BODY
    )
    pen.dot(c, 0.74, 0.37, BODY, 0.1)
    pen.line([(c - 0.3, 0.74), (c, 0.79), (c + 0.3, 0.74)], 0.025, LINE)
    pen.line([(c - 0.12, 0.38), (c + 0.1, 0.6), (c + 0.2, 0.66)], 0.028, LINE)
    if p["hands"] > 0.5:
        pen.ribbon([(c + 0.2, 0.48), (c + 0.27, 0.6), (c + 0.14, 0.5)], 0.08, 0.05, BODY)
        pen.dot(c + 0.13, 0.48, 0.045, ACCENT)
    pen.dot(c, 0.655, 0.1, ACCENT, 0.04)
    # Head.
    pen.dot(c, 0.245, 0.105, BODY, 0.12)
    pen.dot(c, 0.15, 0.1, LINE, 0.06)
    pen.dot(c, 0.1, 0.045, LINE)
    for side in (-1, 1):
        pen.line([(c + side * 0.025, 0.24), (c + side * 0.065, 0.235)], 0.016, LINE)
    # Lotus seat.
    n = round(p["petals"])
    for k in range(n):
        x = c + 0.66 * ((k + 0.5) / n - 0.5)
        for grow, ink in ((1.0, LINE), (0.8, ACCENT if k % 2 else BODY)):
            pen.poly(petal(x, 0.82, math.pi / 2, 0.17 * grow, 0.86 / n * grow, 0.6), ink)


def bodhisattva(pen: Pen, p: Params) -> None:
    """A standing figure with halo, tall crown, scarves and a lotus in the hand."""
    c, s = pen.aspect / 2, 0.03 * (p["sway"] - 0.5)
    pen.dot(c + s, 0.17, 0.155, ACCENT)
    pen.ring(c + s, 0.17, 0.155, 0.02, LINE)
    for side in (-1, 1):
        scarf = [(c + side * 0.1, 0.3), (c + side * 0.22, 0.5), (c + side * 0.14, 0.7), (c + side * 0.25, 0.93)]
        pen.ribbon(scarf, 0.045, 0.03, LINE)
    pen.poly([(c - 0.1, 0.5), (c + 0.1, 0.5), (c + 0.16, 0.92), (c - 0.16, 0.92)], ACCENT)
    for x in (-0.07, 0.0, 0.07):
        pen.line([(c + x * 0.7, 0.54), (c + x * 1.3, 0.9)], 0.018, LINE)
    pen.poly([(c - 0.13 + s, 0.29), (c + 0.13 + s, 0.29), (c + 0.1, 0.54), (c - 0.1, 0.54)], BODY)
    pen.ribbon([(c + 0.12 + s, 0.31), (c + 0.2, 0.44), (c + 0.1, 0.4)], 0.06, 0.045, BODY)
    pen.ribbon([(c - 0.12 + s, 0.31), (c - 0.19, 0.46), (c - 0.17, 0.6)], 0.06, 0.045, BODY)
    pen.dot(c + 0.13, 0.3, 0.05, LINE)
    pen.dot(c + 0.13, 0.3, 0.034, ACCENT)
    pen.dot(c + s, 0.19, 0.075, BODY, 0.09)
    pen.poly(
        [(c - 0.07 + s, 0.13), (c - 0.06 + s, 0.03), (c + s, 0.06), (c + 0.06 + s, 0.03), (c + 0.07 + s, 0.13)], LINE
    )
    n = round(p["petals"])
    for k in range(n):
        pen.poly(
            petal(c + 0.36 * ((k + 0.5) / n - 0.5), 0.99, -math.pi / 2, 0.1, 0.4 / n, 0.6), BODY if k % 2 else LINE
        )


def horse_rider(pen: Pen, p: Params) -> None:
    """A rider on a galloping horse."""
    a = pen.aspect
    pen.dot(a * 0.47, 0.56, 0.33, BODY, 0.14)
    reach = 0.06 + 0.1 * p["gallop"]
    for x, k in ((a * 0.24, -1), (a * 0.32, -0.5), (a * 0.64, 0.6), (a * 0.7, 1.1)):
        pen.ribbon([(x, 0.6), (x + reach * k, 0.78), (x + reach * k * 2.1, 0.92)], 0.1, 0.04, BODY, smooth=False)
    pen.ribbon([(a * 0.66, 0.54), (a * 0.76, 0.36), (a * 0.82, 0.24)], 0.22, 0.12, BODY)
    pen.poly([(a * 0.77, 0.17), (a * 0.86, 0.17), (a * 0.97, 0.34), (a * 0.92, 0.38), (a * 0.8, 0.32)], BODY)
    pen.ribbon([(a * 0.68, 0.4), (a * 0.76, 0.2), (a * 0.8, 0.13)], 0.08, 0.04, LINE)
    pen.ribbon([(a * 0.22, 0.5), (a * 0.1, 0.52), (a * 0.04, 0.72)], 0.09, 0.03, LINE)
    pen.poly([(a * 0.36, 0.46), (a * 0.57, 0.46), (a * 0.56, 0.6), (a * 0.38, 0.6)], ACCENT)
    pen.poly([(a * 0.41, 0.2), (a * 0.52, 0.2), (a * 0.55, 0.5), (a * 0.4, 0.5)], ACCENT)
    pen.ribbon([(a * 0.5, 0.26), (a * 0.58, 0.34), (a * 0.68, 0.3)], 0.07, 0.04, ACCENT)
    pen.ribbon([(a * 0.46, 0.5), (a * 0.52, 0.64), (a * 0.48, 0.76)], 0.08, 0.05, LINE)
    pen.dot(a * 0.47, 0.12, 0.085, BODY)
    pen.dot(a * 0.46, 0.07, 0.085, LINE, 0.05)
    pen.dot(a * 0.86, 0.22, 0.02, LINE)


def canopy(pen: Pen, p: Params) -> None:
    """A hanging canopy with finial, scalloped valance and tassels."""
    c, n = pen.aspect / 2, round(p["tassels"])
    pen.poly([(c - 0.5, 0.5), (c - 0.3, 0.26), (c, 0.18), (c + 0.3, 0.26), (c + 0.5, 0.5)], BODY)
    pen.dot(c, 0.11, 0.08, ACCENT)
    pen.poly([(c - 0.56, 0.46), (c + 0.56, 0.46), (c + 0.56, 0.58), (c - 0.56, 0.58)], ACCENT)
    pen.line([(c - 0.56, 0.52), (c + 0.56, 0.52)], 0.03, LINE)
    for k in range(n):
        x = c + 1.12 * ((k + 0.5) / n - 0.5)
        pen.dot(x, 0.58, 0.5 / n, LINE if k % 2 else BODY, 0.16)
        pen.line([(x, 0.7), (x, 0.86)], 0.024, LINE)
        pen.dot(x, 0.89, 0.034, ACCENT)


def flame_jewel(pen: Pen, p: Params) -> None:
    """A jewel wrapped in flames, on a small lotus."""
    c, n = pen.aspect / 2, round(p["tongues"])
    for k in range(n):
        angle = math.radians(-170 + 160 * k / (n - 1))
        pen.poly(petal(c, 0.6, angle, 0.36 + 0.2 * math.sin(math.pi * k / (n - 1)), 0.2, 0.9), ACCENT)
    for k in range(n):
        angle = math.radians(-170 + 160 * k / (n - 1))
        pen.line([polar(c, 0.6, 0.22, angle), polar(c, 0.6, 0.36, angle + 0.15)], 0.02, LINE)
    pen.dot(c, 0.58, 0.21, LINE)
    pen.dot(c, 0.58, 0.18, BODY)
    pen.dot(c - 0.05, 0.53, 0.05, BLANK)
    for k in range(5):
        pen.poly(petal(c + 0.12 * (k - 2), 0.8, math.pi / 2 + 0.2 * (2 - k), 0.18, 0.15, 0.6), BODY if k % 2 else LINE)


def musician(pen: Pen, p: Params) -> None:
    """A kneeling musician with a lute across the chest."""
    c = pen.aspect / 2
    pen.poly(
        [
            (c - 0.14, 0.36),
            (c + 0.12, 0.36),
            (c + 0.2, 0.68),
            (c + 0.36, 0.86),
            (c + 0.34, 0.97),
            (c - 0.34, 0.97),
            (c - 0.2, 0.68),
        ],
        BODY,
    )
    for x in (-0.14, 0.02, 0.18):
        pen.line([(c + x * 0.6, 0.7), (c + x * 1.3, 0.94)], 0.024, LINE)
    pen.dot(c, 0.21, 0.105, BODY, 0.125)
    pen.dot(c, 0.11, 0.12, LINE, 0.06)
    pen.dot(c - 0.08, 0.06, 0.05, LINE)
    pen.dot(c + 0.08, 0.06, 0.05, LINE)
    tilt = 0.12 * (p["tilt"] - 0.5)
    pen.ribbon([(c - 0.06, 0.6), (c + 0.2, 0.46 - tilt), (c + 0.42, 0.32 - 2 * tilt)], 0.09, 0.045, ACCENT)
    pen.dot(c - 0.1, 0.62, 0.16, LINE)
    pen.dot(c - 0.1, 0.62, 0.138, ACCENT)
    pen.line([(c - 0.14, 0.64), (c + 0.4, 0.33 - 2 * tilt)], 0.016, LINE)
    pen.ribbon([(c + 0.12, 0.4), (c + 0.25, 0.54), (c + 0.22, 0.46)], 0.06, 0.05, BODY)
    pen.ribbon([(c - 0.14, 0.4), (c - 0.27, 0.54), (c - 0.1, 0.64)], 0.06, 0.05, BODY)
