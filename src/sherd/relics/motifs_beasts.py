"""Motif programs: beasts of bronze and their kin."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sherd.relics.pen import ACCENT, BODY, LINE, Pen, petal, polar

Params = Mapping[str, float]


def taotie(pen: Pen, p: Params) -> None:
    """A frontal mask: nose ridge, round eyes, horns, jaws and bodies that spread to the sides."""
    c, stroke, horn = pen.aspect / 2, p["stroke"], p["horn"]
    g = 0.022 * stroke
    # Bodies rising at the far sides, with claws below.
    pen.ribbon([(c - 0.45, 0.62), (c - 0.62, 0.56), (c - 0.7, 0.36), (c - 0.6, 0.2)], 0.13, 0.07, groove=g)
    pen.ribbon([(c - 0.5, 0.8), (c - 0.64, 0.78), (c - 0.72, 0.9)], 0.1, 0.04, groove=g)
    # Horns: C-shaped, ram's spiral, or leaf.
    if horn < 0.34:
        points = [
            (c - 0.14, 0.3),
            (c - 0.2, 0.1),
            (c - 0.4, 0.07),
            (c - 0.52, 0.18),
            (c - 0.44, 0.29),
            (c - 0.34, 0.24),
        ]
        pen.ribbon(points, 0.13 * stroke, 0.08, ACCENT, groove=g)
    elif horn < 0.67:
        pen.spiral(c - 0.33, 0.2, 0.19, turns=1.6, start=0.9, width=0.085 * stroke, ink=ACCENT)
    else:
        pen.poly(petal(c - 0.12, 0.32, math.radians(208), 0.48, 0.26), ACCENT)
        pen.poly(petal(c - 0.18, 0.28, math.radians(208), 0.32, 0.1), LINE)
    # Brow and eye.
    pen.ribbon([(c - 0.1, 0.42), (c - 0.26, 0.33), (c - 0.46, 0.42)], 0.09 * stroke, 0.05)
    eye = 0.095 * p["eye"]
    pen.poly([(c - 0.07, 0.56), (c - 0.24, 0.4), (c - 0.46, 0.5), (c - 0.3, 0.64)], LINE)
    pen.dot(c - 0.27, 0.52, eye * 1.1, BODY)
    pen.dot(c - 0.27, 0.52, eye * 0.92, ACCENT)
    pen.dot(c - 0.27, 0.52, eye * 0.34, LINE)
    # Ear, cheek and jaw with fangs.
    pen.poly(petal(c - 0.5, 0.47, math.radians(250), 0.2, 0.12))
    jaw = [(c - 0.1, 0.72), (c - 0.22, 0.7), (c - 0.4, 0.78), (c - 0.47, 0.9), (c - 0.36, 0.95), (c - 0.3, 0.87)]
    pen.ribbon(jaw, 0.1 * stroke, 0.07, groove=g)
    if p["fangs"] > 0.5:
        pen.poly([(c - 0.22, 0.76), (c - 0.13, 0.76), (c - 0.17, 0.92)], ACCENT)
    # Nose ridge with curled nostrils.
    pen.poly([(c - 0.045, 0.06), (c, 0.02), (c, 0.86), (c - 0.09, 0.86), (c - 0.05, 0.6)], BODY)
    pen.dot(c - 0.085, 0.83, 0.075, BODY)
    pen.dot(c - 0.085, 0.83, 0.03, LINE)
    pen.poly([(c - 0.018, 0.08), (c, 0.06), (c, 0.8), (c - 0.018, 0.8)], ACCENT)
    pen.mirror()


def kui_dragon(pen: Pen, p: Params) -> None:
    """A one-legged dragon in profile: open jaws, round eye, crest, rolled tail."""
    a, s = pen.aspect, p["stroke"]
    g = 0.025 * s
    tail = 0.12 + 0.1 * p["tail"]
    body = [(a - 0.42, 0.4), (a - 0.62, 0.32), (a - 0.85, 0.5), (0.5, 0.66), (0.26, 0.6), (0.14, 0.4), (0.2, tail)]
    pen.ribbon([*body, (0.34, tail - 0.02), (0.4, tail + 0.12), (0.32, tail + 0.18)], 0.2 * s, 0.08, groove=g)
    # The leg, with a claw.
    pen.ribbon([(a - 0.78, 0.52), (a - 0.72, 0.72), (a - 0.86, 0.84), (a - 0.7, 0.9)], 0.12, 0.06, groove=g)
    pen.poly([(a - 0.76, 0.84), (a - 0.58, 0.86), (a - 0.6, 0.94), (a - 0.8, 0.95)])
    # The head: upper and lower jaw, rolled lips.
    pen.ribbon([(a - 0.5, 0.4), (a - 0.3, 0.32), (a - 0.14, 0.36), (a - 0.08, 0.48), (a - 0.15, 0.52)], 0.24, 0.07)
    pen.ribbon([(a - 0.44, 0.46), (a - 0.34, 0.64), (a - 0.2, 0.7), (a - 0.13, 0.62)], 0.16, 0.06)
    pen.dot(a - 0.34, 0.36, 0.085, LINE)
    pen.dot(a - 0.34, 0.36, 0.065, ACCENT)
    pen.dot(a - 0.34, 0.36, 0.025, LINE)
    # The crest or horn.
    crest = 0.08 + 0.08 * p["crest"]
    pen.ribbon([(a - 0.44, 0.27), (a - 0.5, crest), (a - 0.7, crest - 0.02), (a - 0.74, 0.2)], 0.1, 0.06, ACCENT)


def cicada(pen: Pen, p: Params) -> None:
    """An insect seen from above, wings folded to a point: bulging eyes, ringed abdomen."""
    c, s = pen.aspect / 2, p["stroke"]
    pen.poly(
        [
            (c - 0.2, 0.14),
            (c + 0.2, 0.14),
            (c + 0.23, 0.45),
            (c + 0.13, 0.76),
            (c, 0.97),
            (c - 0.13, 0.76),
            (c - 0.23, 0.45),
        ]
    )
    pen.poly([(c - 0.1, 0.36), (c + 0.1, 0.36), (c + 0.1, 0.6), (c, 0.88), (c - 0.1, 0.6)], ACCENT)
    rings = round(p["rings"])
    for k in range(rings):
        y = 0.44 + 0.36 * k / rings
        w = 0.1 if y < 0.6 else 0.1 * (0.88 - y) / 0.28
        pen.line([(c - w, y), (c, y + 0.04), (c + w, y)], 0.026 * s, LINE)
    for side in (-1, 1):
        pen.line([(c + side * 0.02, 0.33), (c + side * 0.15, 0.42), (c + side * 0.13, 0.64), (c, 0.9)], 0.024 * s, LINE)
        pen.spiral(c + side * 0.115, 0.26, 0.07, turns=side * 1.4, start=math.pi / 2, width=0.026 * s, ink=LINE)
        pen.dot(c + side * 0.155, 0.11, 0.085, BODY)
        pen.dot(c + side * 0.155, 0.11, 0.06, ACCENT)
    pen.poly([(c - 0.08, 0.03), (c + 0.08, 0.03), (c + 0.05, 0.16), (c - 0.05, 0.16)])


def phoenix(pen: Pen, p: Params) -> None:
    """A long-tailed bird in profile, crest curled, wing rolled up."""
    a, s = pen.aspect, p["stroke"]
    g = 0.022 * s
    plumes = round(p["plumes"])
    for k in range(plumes):
        lift = 0.2 + 0.56 * k / max(1, plumes - 1)
        pen.ribbon(
            [(a - 0.7, 0.6), (a - 0.95, 0.42 + 0.3 * lift), (0.28, lift), (0.1, lift + 0.06), (0.16, lift + 0.16)],
            0.13, 0.05, ACCENT if k % 2 else BODY, groove=g,
        )  # fmt: skip
    pen.poly(petal(a - 0.22, 0.46, math.radians(160), 0.64, 0.36))
    # The wing.
    pen.ribbon(
        [(a - 0.4, 0.5), (a - 0.62, 0.46), (a - 0.8, 0.26), (a - 0.68, 0.12), (a - 0.58, 0.22)],
        0.17 * s,
        0.06,
        ACCENT,
        groove=g,
    )
    # Neck, head, hooked beak, crest.
    pen.ribbon([(a - 0.34, 0.5), (a - 0.24, 0.4), (a - 0.27, 0.22)], 0.18, 0.13)
    pen.dot(a - 0.26, 0.2, 0.105)
    pen.poly([(a - 0.2, 0.13), (a - 0.03, 0.2), (a - 0.07, 0.3), (a - 0.18, 0.26)], ACCENT)
    pen.dot(a - 0.26, 0.19, 0.038, LINE)
    pen.ribbon([(a - 0.3, 0.13), (a - 0.36, 0.04), (a - 0.48, 0.05), (a - 0.47, 0.13)], 0.06, 0.04, ACCENT)
    for x in (a - 0.42, a - 0.56):
        pen.line([(x, 0.64), (x + 0.02, 0.9), (x + 0.12, 0.93)], 0.05 * s, BODY)


def coiled_serpents(pen: Pen, p: Params) -> None:
    """Small serpents plaited into a net: S-curves with heads, repeating sideways."""
    s = p["stroke"]
    for k in (-1, 0, 1):
        x = pen.aspect * k
        w = pen.aspect
        pen.ribbon(
            [(x + 0.1 * w, 0.1), (x + 0.5 * w, 0.2), (x + 0.65 * w, 0.5), (x + w, 0.62), (x + 1.25 * w, 0.86)],
            0.16 * s,
            0.1,
            groove=0.025,
        )
        pen.ribbon(
            [(x + 0.1 * w, 0.9), (x + 0.45 * w, 0.78), (x + 0.6 * w, 0.46), (x + w, 0.36), (x + 1.25 * w, 0.12)],
            0.16 * s,
            0.1,
            ACCENT,
            groove=0.025,
        )
        for y in (0.12, 0.88):
            pen.dot(x + 0.14 * w, y, 0.1, BODY)
            pen.dot(x + 0.14 * w, y, 0.035, LINE)


def whorl(pen: Pen, p: Params) -> None:
    """A turning disc: curved hooks about a ring."""
    c, n = 0.5, round(p["hooks"])
    pen.dot(c, c, 0.45, BODY)
    pen.ring(c, c, 0.45, 0.035, LINE)
    for k in range(n):
        angle = 2 * math.pi * k / n
        hook = [polar(c, c, r, angle + t) for r, t in ((0.15, 0), (0.28, 0.25), (0.37, 0.75), (0.33, 1.15))]
        pen.ribbon(hook, 0.1 * p["stroke"], 0.045, LINE)
    pen.dot(c, c, 0.15, ACCENT)
    pen.ring(c, c, 0.15, 0.03, LINE)


def scales(pen: Pen, p: Params) -> None:
    """Hanging scales in overlapping rows."""
    rows = round(p["rows"])
    h = 1 / rows
    for row in range(rows - 1, -1, -1):
        for k in (-1, 0, 1, 2, 3):
            x = (k + 0.5 * (row % 2)) * pen.aspect / 2
            y = row * h
            pen.dot(x, y + 0.1 * h, 0.26, LINE, 1.02 * h)
            pen.dot(x, y + 0.1 * h, 0.235, BODY, 0.92 * h)
            pen.dot(x, y + 0.1 * h, 0.12 * p["stroke"], ACCENT, 0.55 * h)


def fish(pen: Pen, p: Params) -> None:
    """A carp in profile: scales, gill, forked tail."""
    a = pen.aspect
    y = 0.5
    pen.poly([(0.34, y), (0.05, 0.2), (0.14, y), (0.05, 0.82)], ACCENT)
    pen.ribbon([(0.25, y), (0.6, y - 0.04), (a - 0.3, y), (a - 0.1, y + 0.02)], 0.1, 0.1)
    pen.dot((a + 0.1) / 2 + 0.05, y, (a - 0.45) / 2, BODY, 0.26)
    pen.poly([(0.55, 0.3), (0.8, 0.06), (a - 0.55, 0.28)], ACCENT)
    pen.poly([(0.7, 0.72), (0.74, 0.92), (0.95, 0.72)], ACCENT)
    for k in range(round(p["scales"])):
        x = 0.45 + 0.11 * k
        for dy in (-0.12, 0.0, 0.12):
            if x < a - 0.62:
                pen.ring(x + 0.04 * (dy == 0), y + dy, 0.06, 0.016, LINE)
    pen.line([(a - 0.5, 0.28), (a - 0.43, y), (a - 0.5, 0.72)], 0.03, LINE)
    pen.dot(a - 0.3, 0.44, 0.055, ACCENT)
    pen.dot(a - 0.3, 0.44, 0.028, LINE)


def deer(pen: Pen, p: Params) -> None:
    """A deer walking, antlers branched, coat spotted."""
    a, s = pen.aspect, p["stroke"]
    pen.dot(a * 0.46, 0.55, 0.34, BODY, 0.15)
    for x, k in ((a * 0.24, -0.04), (a * 0.33, 0.03), (a * 0.6, -0.03), (a * 0.68, 0.05)):
        pen.ribbon([(x, 0.6), (x + k, 0.78), (x + k * 0.4, 0.96)], 0.09 * s, 0.045, smooth=False)
    pen.ribbon([(a * 0.64, 0.52), (a * 0.74, 0.4), (a * 0.76, 0.3)], 0.18, 0.11)
    pen.poly([(a * 0.7, 0.24), (a * 0.8, 0.22), (a * 0.94, 0.36), (a * 0.9, 0.41), (a * 0.74, 0.38)])
    pen.poly(petal(a * 0.72, 0.28, math.radians(215), 0.15, 0.08))
    for side in (-0.05, 0.05):
        x = a * 0.76 + side
        pen.line([(x, 0.25), (x - 0.04, 0.12), (x + side * 2.4, 0.02)], 0.035 * s, ACCENT)
        pen.line([(x - 0.03, 0.14), (x + 0.1 + side, 0.07)], 0.03 * s, ACCENT)
    pen.poly(petal(a * 0.21, 0.48, math.radians(220), 0.16, 0.08))
    for k in range(round(p["spots"])):
        pen.dot(a * (0.27 + 0.09 * (k % 5)), 0.5 + 0.1 * (k // 5 % 2), 0.028, ACCENT)
    pen.dot(a * 0.79, 0.29, 0.022, LINE)
