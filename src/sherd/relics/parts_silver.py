"""Parts of chased silver. Only cultures that are kept out of training draw with these."""

from __future__ import annotations

import math

import numpy as np

from sherd.relics.outlines import Frame, Outline, Params, annulus, sides, tube
from sherd.relics.pen import Point, petal


def beast_protome(f: Frame, p: Params) -> Outline:
    """The forepart of a horned beast at the foot of a drinking horn: breast, head and one folded leg."""
    s, size = float(f.side), p["size"]

    def at(points: list[Point]) -> list[Point]:
        return [(s * x * size, 0.97 + y * size) for x, y in points]

    breast = tube(at([(0.0, -0.2), (0.25, 0.35), (0.9, 0.15), (1.15, -0.5)]), size * 0.8, size * 0.5)
    head = np.array(at([(0.95, -0.85), (1.3, -0.98), (1.95, -0.6), (2.0, -0.42), (1.8, -0.32), (1.2, -0.4)]))
    ear = np.array(at([(0.98, -0.75), (0.55, -0.82), (0.9, -0.55)]))
    leg = tube(at([(0.75, 0.25), (1.35, 0.32), (1.1, 0.62)]), size * 0.24, size * 0.16)
    tip = 0.5 + 0.7 * p["horn"]
    horn = tube(at([(1.1, -0.85), (0.98, -0.9 - 0.6 * tip), (1.5, -0.9 - tip)]), size * 0.2, size * 0.06)
    return Outline(front=[leg, breast, ear, head, horn])


def thumb_ring(f: Frame, p: Params) -> Outline:
    """A ring handle at the side, a flat plate for the thumb on it and a spur below."""
    s, y, size = -float(f.side), p["y"], p["size"]
    x = s * (f.r(y) + size * 0.78)
    plate = np.array([(s * f.r(y) * 0.94, y - size * 0.85), (x + s * size * 0.75, y - size * 1.15),
                      (x + s * size * 0.9, y - size * 0.95), (s * f.r(y) * 0.94, y - size * 0.6)])  # fmt: skip
    spur = np.array(
        [(x - size * 0.1, y + size * 0.9), (x + size * 0.2, y + size * 0.9), (x + s * size * 0.3, y + size * 1.5)]
    )
    return Outline(front=[annulus(x, y, size, size * 0.36), plate, spur])


def ball_handle(f: Frame, p: Params) -> Outline:
    """A handle like a hook from the belly to the shoulder, a ball where the thumb rests."""
    y0, y1, s = p["top"], p["end"], -float(f.side)
    out = f.r(y1) + p["reach"]
    hook: list[Point] = [(s * f.r(y1) * 0.94, y1), (s * out, y1 - 0.06), (s * out * 0.98, y0 + 0.08),
                         (s * out * 0.8, y0 - 0.05), (s * f.r(y0) * 0.9, y0 + 0.05)]  # fmt: skip
    return Outline(front=[tube(hook, 0.05, 0.034), annulus(s * out * 0.84, y0 - 0.085, 0.04, 0.0395)])


def leaping_handles(f: Frame, p: Params) -> Outline:
    """Two handles in the shape of beasts that leap up at the rim and look over it."""
    top, low, reach = p["top"], p["low"], p["reach"]
    x0, x1 = f.r(top), f.r(low)
    out = max(x0, f.r((top + low) / 2)) + reach
    mid = (top + low) / 2
    body: list[Point] = [(x1 * 0.95, low), (x1 + reach * 0.5, low - 0.03), (out, mid), (out - reach * 0.25, top),
                         (x0 + reach * 0.55, top - 0.09)]  # fmt: skip
    head = np.array([(x0 + reach * 0.75, top - 0.13), (x0 + reach * 0.6, top - 0.055), (x0 - 0.03, top - 0.06),
                     (x0 - 0.03, top - 0.09)])  # fmt: skip
    horn: list[Point] = [(x0 + reach * 0.6, top - 0.12), (x0 + reach * 1.2, top - 0.17), (x0 + reach * 1.7, top - 0.09)]
    leg: list[Point] = [(out - reach * 0.1, top + 0.05), (x0 + reach * 0.5, top + 0.09), (x0 * 0.95, top + 0.05)]
    shapes = sides(tube(body, 0.075, 0.05)) + sides(head)
    return Outline(front=shapes + sides(tube(horn, 0.026, 0.012)) + sides(tube(leg, 0.034, 0.026)))


def trumpet_foot(f: Frame, p: Params) -> Outline:
    """A flaring foot under the body, with a round knop between."""
    h, wide, knop = p["height"], f.r(f.widest) * p["flare"] * 0.7, p["knop"]
    t = np.linspace(0, 1, 12)
    half = 0.045 + (wide - 0.045) * t**2.2
    right = np.stack([half, 0.99 + h * t], 1)
    bow = np.linspace(0, math.pi, 15)
    sole = np.stack([wide * np.cos(bow), 0.99 + h + wide * f.tilt * np.sin(bow)], 1)
    flare = np.concatenate([right[:-1], sole, (right * (-1.0, 1.0))[::-1][1:]])
    return Outline(behind=[flare], front=[annulus(0.0, 1.01 + h * 0.16, knop, knop * 0.99)])


def stepped_cover(f: Frame, p: Params) -> Outline:
    """A lid of two tiers with a pine cone on top."""
    r, h = f.r(0.0) * 1.05, p["height"]
    bow = np.linspace(0, math.pi, 15)
    low = np.stack([-r * np.cos(bow), 0.02 + r * f.tilt * np.sin(bow)], 1)
    steps = [(r, 0.4), (r * 0.62, 0.55), (r * 0.56, 1.0), (-r * 0.56, 1.0), (-r * 0.62, 0.55), (-r, 0.4)]
    tier = np.concatenate([np.array(steps) * (1.0, -h), low])
    cone = np.array(petal(0.0, -h + 0.01, -math.pi / 2, p["cone"], p["cone"] * 0.62, 0.7))
    return Outline(front=[tier, cone], closes=True)


def ring_row(f: Frame, p: Params) -> Outline:
    """Rings along the upper edge of a plate, and the chains that ran through them."""
    count, size = round(p["count"]), p["size"]
    xs = np.linspace(-0.7, 0.7, count) * f.r(0.3)
    rings = [annulus(float(x), -size * 0.55, size, size * 0.34) for x in xs]
    ends = [float(xs[0]), float(xs[-1])]
    chains = [tube([(x, -size * 0.9), (x * 0.7, -0.12), (0.0, -0.12 - size * 2)], 0.018) for x in ends]
    return Outline(front=[annulus(0.0, -0.13 - size * 2.4, size, size * 0.34)], behind=rings + chains)
