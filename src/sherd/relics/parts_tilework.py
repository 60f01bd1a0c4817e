"""Parts of Islamic tiles and glazed wares. Only cultures that are kept out of training draw with these."""

from __future__ import annotations

import math

import numpy as np

from sherd.relics.outlines import Frame, Outline, Params, annulus, sides, tube
from sherd.relics.pen import Point


def suspension_lugs(f: Frame, p: Params) -> Outline:
    """Small loops on the body, by which a lamp hangs: one at each side, two in front."""
    y, size = p["y"], p["size"]
    r = f.r(y)
    sag = f.tilt * r
    lugs = sides(annulus(r + size * 0.5, y, size, size * 0.5))
    return Outline(front=lugs + sides(annulus(r * 0.42, y + sag * 0.9, size * 0.9, size * 0.45)))


def hanging_chains(f: Frame, p: Params) -> Outline:
    """Three chains from the shoulder of the body to a ball and a ring above it."""
    y, h = p["y"], p["height"]
    top: Point = (0.0, -h)
    chains = sides(tube([(f.r(y) * 0.98, y), (f.r(0.0) * 1.04, -0.02), (0.018, -h)], 0.022))
    ball = annulus(0.0, -h, 0.055, 0.0545)
    loop = annulus(0.0, -h - 0.1, 0.05, 0.018)
    return Outline(front=[*chains, ball, loop], behind=[tube([(0.0, -0.02), (0.0, -h / 2), top], 0.022)])


def swan_handle(f: Frame, p: Params) -> Outline:
    """A handle that rises from the neck, bends over and comes down to the belly, with a knob for the thumb."""
    y0, y1, s = p["top"], p["end"], -float(f.side)
    out = f.r(y1) + p["reach"]
    bow: list[Point] = [
        (s * f.r(y0) * 0.9, y0 + 0.03),
        (s * (f.r(y0) + p["reach"] * 0.7), y0 - 0.035),
        (s * out, y0 + 0.12),
        (s * (out + 0.01), (y0 + y1) / 2 + 0.04),
        (s * f.r(y1) * 0.93, y1),
    ]
    knob = annulus(s * (f.r(y0) + p["reach"] * 0.75), y0 - 0.065, 0.028, 0.0275)
    return Outline(front=[knob, tube(bow, 0.04, 0.055)])


def slender_spout(f: Frame, p: Params) -> Outline:
    """A long thin spout that leaves the belly low, swings out and stands up beside the neck, with a lip."""
    s, y, x = float(f.side), p["y"], f.r(p["y"]) + p["reach"]
    path: list[Point] = [
        (s * f.r(y) * 0.85, y + 0.02),
        (s * (f.r(y) + p["reach"] * 0.72), y - 0.05),
        (s * (x - 0.012), y - 0.26),
        (s * (x + 0.02), p["tip"]),
    ]
    lip = np.array(
        [(s * (x - 0.03), p["tip"] + 0.03), (s * (x + 0.085), p["tip"] - 0.03), (s * (x + 0.04), p["tip"] + 0.05)]
    )
    return Outline(front=[tube(path, 0.12, 0.04), lip])


def onion_cover(f: Frame, p: Params) -> Outline:
    """A cover like an onion dome: it swells over the rim, then draws in to a point with a bead on it."""
    r, h = f.r(0.0) * 1.04, p["height"]
    t = np.linspace(0, 1, 15)
    # Swollen below, drawn in to a point above.
    half = r * (1 + 0.5 * p["swell"] * np.sin(math.pi * t) * (1 - t)) * (1 - t**1.6)
    right = np.stack([half, -h * t - 0.01], 1)
    lip = np.stack(
        [-r * np.cos(np.linspace(0, math.pi, 15)), 0.02 + r * f.tilt * np.sin(np.linspace(0, math.pi, 15))], 1
    )
    dome = np.concatenate([right[::-1], lip[::-1], right * (-1.0, 1.0)])
    bead = annulus(0.0, -h - 0.03, 0.03, 0.0295)
    return Outline(front=[dome, bead], closes=True)


def mortar_bed(f: Frame, p: Params) -> Outline:
    """What is left of the wall that a tile was set in: a rough-edged bed of mortar behind it."""
    margin, w = p["margin"], float(np.max(f.half))
    x0, x1, y0, y1 = -w - margin, w + margin, -margin, 1 + margin
    t = np.linspace(0, 1, 10)[:-1]
    edges = [(x0 + (x1 - x0) * t, 0 * t + y0), (0 * t + x1, y0 + (y1 - y0) * t), (x1 - (x1 - x0) * t, 0 * t + y1),
             (0 * t + x0, y1 - (y1 - y0) * t)]  # fmt: skip
    bed = np.concatenate([np.stack(edge, 1) for edge in edges])
    k = np.arange(len(bed))
    bite = p["rough"] * margin * 0.6 * np.stack([np.sin(k * 2.1 + margin * 90), np.cos(k * 2.9 + margin * 70)], 1)
    return Outline(behind=[bed + bite])
