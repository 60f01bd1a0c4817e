"""Handles, ears, legs, lids and the like: the programs by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from sherd.relics import parts_silver as silver
from sherd.relics import parts_tilework as tilework
from sherd.relics.outlines import Frame, Outline, Params, Range, annulus, sides, tube
from sherd.relics.pen import Point


@dataclass(frozen=True)
class PartProgram:
    """`params`: name -> (low, high)."""

    draw: Callable[[Frame, Params], Outline]
    params: Mapping[str, Range]


def upright_lugs(f: Frame, p: Params) -> Outline:
    """Two arched ears standing on the rim."""
    x, h, w = f.r(0.0) * 0.74, p["height"], p["width"]
    arch: list[Point] = [(x - w, 0.03), (x - w * 1.05, -h * 0.65), (x, -h), (x + w * 1.05, -h * 0.65), (x + w, 0.03)]
    return Outline(front=sides(tube(arch, w * 0.62)))


def loop_handles(f: Frame, p: Params) -> Outline:
    """Two loops at the sides, the lower end with a pendant."""
    y0, y1 = p["top"], p["top"] + p["length"]
    x0, x1 = f.r(y0), f.r(y1)
    out = max(x0, x1) + p["reach"]
    loop: list[Point] = [
        (x0 * 0.96, y0),
        (out * 0.97, y0 - 0.015),
        (out, (y0 + y1) / 2),
        (out * 0.96, y1),
        (x1 * 0.96, y1),
    ]
    shapes = sides(tube(loop, 0.055, 0.045))
    if p["pendant"] > 0.5:
        x = out * 0.95
        shapes += sides(np.array([(x - 0.03, y1), (x + 0.03, y1), (x + 0.022, y1 + 0.11), (x - 0.03, y1 + 0.08)]))
    return Outline(front=shapes)


def ring_handles(f: Frame, p: Params) -> Outline:
    """Two rings that hang from knobs on the body."""
    y = p["y"]
    x = f.r(y) * 0.8
    knob = annulus(x, y - 0.01, 0.032, 0.031)
    ring = annulus(x, y + p["size"] * 0.9, p["size"], p["size"] * 0.3)
    return Outline(front=[*sides(ring), *sides(knob)])


def tube_ears(f: Frame, p: Params) -> Outline:
    """Two vertical tubes beside the neck."""
    y0, y1 = p["top"], p["top"] + p["length"]
    x = max(f.r(y0), f.r(y1)) + 0.015
    return Outline(front=sides(np.array([(x - 0.02, y0), (x + 0.06, y0), (x + 0.055, y1), (x - 0.02, y1)])))


def legs(f: Frame, p: Params) -> Outline:
    """Three or four legs under the body."""
    count, length, w = round(p["count"]), p["length"], p["width"]
    y0 = 0.9
    span = f.r(y0) * 0.72
    splay, taper = p["splay"] * length, p["taper"]
    places = (
        [(-span, 1), (span, 1), (0.0, 1)]
        if count == 3
        else [(-span * 0.45, 0), (span * 0.72, 0), (-span, 1), (span * 0.32, 1)]
    )
    shapes = Outline()
    for x, front in places:
        dx = splay * (1 if x > 0 else -1 if x < 0 else 0)
        drop = length * (1.0 if front else 0.88) + (0.06 * f.tilt * 4 if x == 0 else 0)
        top, end = w, w * (1 - taper)
        foot = end * (1.25 if p["hoof"] > 0.5 else 1.0)
        polygon = np.array([
            (x - top, y0), (x + top, y0), (x + dx + end, 1 + drop * 0.8), (x + dx + foot, 1 + drop),
            (x + dx - foot, 1 + drop), (x + dx - end, 1 + drop * 0.8),
        ])  # fmt: skip
        (shapes.front if front else shapes.behind).append(polygon)
    return shapes


def lid(f: Frame, p: Params) -> Outline:
    """A domed lid with a knob."""
    r, h = f.r(0.0) * 1.03, p["height"]
    t = np.linspace(0, math.pi, 21)
    dome = np.stack([r * np.cos(t), -h * np.sin(t) ** 0.8 - 0.01], 1)
    lip = np.stack([-r * np.cos(t), 0.02 + r * f.tilt * np.sin(t)], 1)
    shapes = [np.concatenate([dome, lip])]
    knob = p["knob"]
    shapes.append(annulus(0, -h - knob * 0.8, knob, knob * (0.99 if p["ring"] < 0.5 else 0.45)))
    shapes.append(
        np.array(
            [
                (-knob * 0.5, -h - knob * 0.3),
                (knob * 0.5, -h - knob * 0.3),
                (knob * 0.7, -h + 0.03),
                (-knob * 0.7, -h + 0.03),
            ]
        )
    )
    return Outline(front=shapes, closes=True)


def flanges(f: Frame, p: Params) -> Outline:
    """Notched vertical ridges at both sides and down the middle."""
    y = np.linspace(p["top"], p["end"], round(p["teeth"]) * 4 + 1)
    notch = np.where((np.arange(len(y)) % 4) < 3, 1.0, 0.25) * p["reach"]
    r = np.interp(y, f.ys, f.half)
    outer = np.stack([r + notch, y], 1)
    inner = np.stack([r * 0.97, y], 1)[::-1]
    shapes = sides(np.concatenate([outer, inner]))
    half = 0.32 * notch + 0.006
    sag = f.tilt * r
    shapes.append(np.concatenate([np.stack([half, y + sag], 1), np.stack([-half, y + sag], 1)[::-1]]))
    return Outline(front=shapes)


def beak_spout(f: Frame, p: Params) -> Outline:
    """A long open spout at the rim, and a pointed tail opposite."""
    r, reach, rise = f.r(0.0), p["reach"], p["rise"]
    s = float(f.side)
    beak = np.array(
        [
            (s * r * 0.55, -0.02),
            (s * (r + reach * 0.5), -rise * 0.5),
            (s * (r + reach), -rise),
            (s * (r + reach * 0.98), -rise + 0.05),
            (s * (r + reach * 0.4), 0.08),
            (s * r * 0.9, 0.22),
        ]
    )
    tail = np.array(
        [
            (-s * r * 0.55, -0.02),
            (-s * (r + reach * 0.75), -rise * 0.9),
            (-s * (r + reach * 0.4), 0.05),
            (-s * r * 0.9, 0.18),
        ]
    )
    return Outline(front=[beak, tail])


def rim_posts(f: Frame, p: Params) -> Outline:
    """Two posts with caps, standing on the rim."""
    x, h = f.r(0.0) * 0.34, p["height"]
    post = np.array([(x - 0.018, 0.02), (x - 0.018, -h), (x + 0.018, -h), (x + 0.018, 0.02)])
    cap = np.array(
        [(x - 0.06, -h + 0.02), (x - 0.045, -h - 0.05), (x, -h - 0.09), (x + 0.045, -h - 0.05), (x + 0.06, -h + 0.02)]
    )
    return Outline(front=[*sides(post), *sides(cap)])


def side_handle(f: Frame, p: Params) -> Outline:
    """One handle at one side."""
    y0, y1, s = p["top"], p["top"] + p["length"], -float(f.side)
    out = max(f.r(y0), f.r(y1)) + p["reach"]
    loop: list[Point] = [
        (s * f.r(y0) * 0.95, y0),
        (s * out, y0 - 0.02),
        (s * (out + 0.02), (y0 + y1) / 2),
        (s * f.r(y1) * 0.95, y1),
    ]
    return Outline(front=[tube(loop, 0.06, 0.045)])


def curved_spout(f: Frame, p: Params) -> Outline:
    """A tapering spout that rises from the belly at one side."""
    s, y = float(f.side), p["y"]
    r = f.r(y)
    reach = p["reach"]
    spout: list[Point] = [(s * r * 0.9, y), (s * (r + reach * 0.55), y - 0.06), (s * (r + reach), y - p["rise"])]
    return Outline(front=[tube(spout, 0.13, 0.05)])


def stand(f: Frame, p: Params) -> Outline:
    """A low stand with cut feet under the body."""
    r, h = (0.3 if f.flat else f.r(1.0)) * 1.18 + 0.02, p["height"]
    top = np.array([(-r, 0.985), (r, 0.985), (r * 1.04, 1 + h * 0.5), (-r * 1.04, 1 + h * 0.5)])
    feet = [
        np.array([(x - 0.05, 1 + h * 0.4), (x + 0.05, 1 + h * 0.4), (x + 0.035, 1 + h), (x - 0.035, 1 + h)])
        for x in (-r * 0.82, 0.0, r * 0.82)
    ]
    return Outline(front=[*feet, top])


def fringe(f: Frame, p: Params) -> Outline:
    """A row of tassels along the lower edge."""
    r, count, h = f.r(0.98), round(p["count"]), p["length"]
    shapes = []
    for k in range(count):
        x = r * 2 * ((k + 0.5) / count - 0.5)
        w = r / count
        shapes.append(
            np.array([(x - w * 0.35, 0.985), (x + w * 0.35, 0.985), (x + w * 0.8, 1 + h), (x - w * 0.8, 1 + h)])
        )
    return Outline(front=shapes)


def rods(f: Frame, p: Params) -> Outline:
    """A rod along the top and one along the bottom, with knobs."""
    shapes = []
    for y in (-0.005, 1.005):
        r, w = f.r(min(max(y, 0.02), 0.98)) + p["overhang"], p["width"]
        shapes.append(np.array([(-r, y - w / 2), (r, y - w / 2), (r, y + w / 2), (-r, y + w / 2)]))
        shapes += [annulus(x, y, w * 0.85, w * 0.84) for x in (-r, r)]
    return Outline(front=shapes)


def hanging_loops(f: Frame, p: Params) -> Outline:
    """Loops along the upper edge."""
    r, count = f.r(0.02), round(p["count"])
    xs = [r * 1.7 * ((k + 0.5) / count - 0.5) for k in range(count)]
    return Outline(front=[annulus(x, -0.03, 0.045, 0.02) for x in xs])


def frame(f: Frame, p: Params) -> Outline:
    """A plain frame round a panel."""
    r, w = float(np.max(f.half)), p["width"]
    bars = [
        (-r - w, -w, r + w, 0.012),
        (-r - w, 0.988, r + w, 1 + w),
        (-r - w, -w, -r + 0.012, 1 + w),
        (r - 0.012, -w, r + w, 1 + w),
    ]
    return Outline(front=[np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]) for x0, y0, x1, y1 in bars])


def pedestal_block(f: Frame, p: Params) -> Outline:
    """A squared block that a slab stands on."""
    r, h, d = f.r(0.97) + p["overhang"], p["height"], 0.05
    block = np.array([(-r, 0.98), (r, 0.98), (r, 1 + h), (-r, 1 + h)])
    side = np.array([(r, 0.98), (r + d, 0.95), (r + d, 1 + h - 0.03), (r, 1 + h)])
    return Outline(front=[block], behind=[side])


def tenon_peg(f: Frame, p: Params) -> Outline:
    """A rough peg under a slab, by which it was set into the ground."""
    r, h = f.r(0.97) * p["width"], p["height"]
    return Outline(
        behind=[
            np.array([(-r, 0.95), (r * 0.95, 0.95), (r * 0.7, 1 + h * 0.8), (r * 0.1, 1 + h), (-r * 0.8, 1 + h * 0.85)])
        ]
    )


def horned_crest(f: Frame, p: Params) -> Outline:
    """Two stone horns on top of a slab."""
    r, h = f.r(0.04), p["height"]
    horn = np.array([(r * 0.35, 0.05), (r * 0.95, 0.05), (r * 1.1, -h), (r * 0.8, -h * 0.55)])
    return Outline(front=sides(horn))


PART_PROGRAMS: Mapping[str, PartProgram] = MappingProxyType(
    {
        "upright_lugs": PartProgram(upright_lugs, {"height": (0.14, 0.24), "width": (0.05, 0.09)}),
        "loop_handles": PartProgram(
            loop_handles, {"top": (0.12, 0.3), "length": (0.2, 0.34), "reach": (0.08, 0.15), "pendant": (0, 1)}
        ),
        "ring_handles": PartProgram(ring_handles, {"y": (0.26, 0.42), "size": (0.055, 0.09)}),
        "tube_ears": PartProgram(tube_ears, {"top": (0.05, 0.14), "length": (0.12, 0.22)}),
        "legs": PartProgram(
            legs,
            {
                "count": (3, 4),
                "length": (0.25, 0.6),
                "width": (0.05, 0.09),
                "splay": (-0.1, 0.3),
                "taper": (0, 0.7),
                "hoof": (0, 1),
            },
        ),
        "lid": PartProgram(lid, {"height": (0.08, 0.24), "knob": (0.03, 0.06), "ring": (0, 1)}),
        "flanges": PartProgram(
            flanges, {"top": (0.06, 0.2), "end": (0.75, 0.95), "teeth": (4, 8), "reach": (0.035, 0.07)}
        ),
        "beak_spout": PartProgram(beak_spout, {"reach": (0.2, 0.36), "rise": (0.08, 0.18)}),
        "rim_posts": PartProgram(rim_posts, {"height": (0.1, 0.24)}),
        "side_handle": PartProgram(side_handle, {"top": (0.15, 0.3), "length": (0.3, 0.45), "reach": (0.08, 0.18)}),
        "curved_spout": PartProgram(curved_spout, {"y": (0.45, 0.6), "reach": (0.14, 0.26), "rise": (0.2, 0.36)}),
        "stand": PartProgram(stand, {"height": (0.08, 0.15)}),
        "fringe": PartProgram(fringe, {"count": (10, 22), "length": (0.05, 0.1)}),
        "rods": PartProgram(rods, {"overhang": (0.02, 0.06), "width": (0.03, 0.05)}),
        "hanging_loops": PartProgram(hanging_loops, {"count": (4, 8)}),
        "frame": PartProgram(frame, {"width": (0.03, 0.07)}),
        "pedestal_block": PartProgram(pedestal_block, {"height": (0.1, 0.2), "overhang": (0.03, 0.1)}),
        "tenon_peg": PartProgram(tenon_peg, {"height": (0.12, 0.24), "width": (0.4, 0.7)}),
        "horned_crest": PartProgram(horned_crest, {"height": (0.08, 0.2)}),
        "suspension_lugs": PartProgram(tilework.suspension_lugs, {"y": (0.46, 0.56), "size": (0.035, 0.055)}),
        "hanging_chains": PartProgram(tilework.hanging_chains, {"y": (0.46, 0.54), "height": (0.3, 0.5)}),
        "swan_handle": PartProgram(
            tilework.swan_handle, {"top": (0.06, 0.14), "end": (0.56, 0.68), "reach": (0.06, 0.12)}
        ),
        "slender_spout": PartProgram(
            tilework.slender_spout, {"y": (0.66, 0.76), "reach": (0.12, 0.2), "tip": (0.02, 0.14)}
        ),
        "onion_cover": PartProgram(tilework.onion_cover, {"height": (0.12, 0.22), "swell": (0.3, 1)}),
        "mortar_bed": PartProgram(tilework.mortar_bed, {"margin": (0.04, 0.09), "rough": (0.2, 1)}),
        "beast_protome": PartProgram(silver.beast_protome, {"size": (0.11, 0.16), "horn": (0.4, 1)}),
        "thumb_ring": PartProgram(silver.thumb_ring, {"y": (0.24, 0.36), "size": (0.1, 0.15)}),
        "ball_handle": PartProgram(
            silver.ball_handle, {"top": (0.24, 0.34), "end": (0.6, 0.72), "reach": (0.08, 0.14)}
        ),
        "leaping_handles": PartProgram(
            silver.leaping_handles, {"top": (0.04, 0.1), "low": (0.36, 0.46), "reach": (0.08, 0.14)}
        ),
        "trumpet_foot": PartProgram(
            silver.trumpet_foot, {"height": (0.16, 0.34), "flare": (0.5, 1), "knop": (0.05, 0.08)}
        ),
        "stepped_cover": PartProgram(silver.stepped_cover, {"height": (0.1, 0.2), "cone": (0.1, 0.16)}),
        "ring_row": PartProgram(silver.ring_row, {"count": (2, 5), "size": (0.025, 0.045)}),
    }
)
