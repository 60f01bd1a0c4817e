"""Adorning: motif tiles laid into the places of a body's atlas, and the labels that say which pixel is which."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from PIL import Image, ImageChops, ImageDraw

from sherd.relics.grammar import Plan, ZonePlan
from sherd.relics.motifs import PROGRAMS, motif_tile
from sherd.relics.pen import ACCENT, BODY, LINE
from sherd.relics.silhouettes import Body, Slot

_FIT = 0.94


@dataclass(frozen=True)
class Atlas:
    """The unrolled surface: `inks` (RGB: body, accent, line) and `labels` (0 none, else 1 + number of the zone)."""

    inks: Image.Image
    labels: Image.Image


def adorn(plan: Plan, body: Body, *, without: int | None = None) -> Atlas:
    """All zones of the plan laid out; `without` leaves that zone's motif undrawn but labelled, for tests of truth."""
    atlas = Atlas(Image.new("RGB", (body.columns, body.rows)), Image.new("L", (body.columns, body.rows)))
    if plan.edging:
        _lay_edging(atlas.inks, plan, body)
    for number, zone in enumerate(plan.zones):
        slot = body.slots[zone.place]
        inks, labels = Image.new("RGB", (slot.width, slot.height)), Image.new("L", (slot.width, slot.height))
        _lay_zone(inks, labels, slot, zone, number + 1)
        if zone.ground is not None:
            _lay_ground(inks, slot, zone)
        if without == number:
            inks = Image.new("RGB", inks.size)
        if plan.borders:
            _lay_border(inks, slot)
        if slot.radial:
            inks, labels = (
                inks.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
                labels.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
            )
        atlas.inks.paste(inks, (slot.left, slot.top))
        atlas.labels.paste(labels, (slot.left, slot.top))
    return atlas


def shown_count(zone: ZonePlan, slot: Slot) -> int:
    """How many of the motif the layout shows as single things: 1, 2, 3 or, for roundels, as many as there are."""
    if zone.layout == "roundels":
        return _roundel_count(zone, slot)
    return {"single": 1, "pair": 2, "trio": 3}.get(zone.layout, 0)


def _lay_zone(inks: Image.Image, labels: Image.Image, slot: Slot, zone: ZonePlan, label: int) -> None:
    program = PROGRAMS[zone.motif.program]
    tile = motif_tile(zone.motif.program, zone.values)
    if zone.flip:
        tile = tile.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    unit = program.aspect * slot.ratio
    width, height = slot.width, slot.height
    middle = width / 2
    if zone.layout == "band":
        _row(inks, labels, tile, unit, 0, height, zone, program.seamless, label, 0.0)
    elif zone.layout == "rows":
        rows = 2 if height < 60 or zone.dense < 0.6 else 3
        for k in range(rows):
            y0, y1 = round(k * height / rows), round((k + 1) * height / rows)
            _row(inks, labels, tile, unit, y0, y1, zone, program.seamless, label, 0.5 * (k % 2))
    elif zone.layout == "single":
        _stamp(inks, labels, tile, middle, min(height * _FIT, 0.9 * width / unit), unit, label)
    elif zone.layout == "pair":
        size = min(height * _FIT, 0.46 * width / unit)
        apart = size * unit * 0.53
        _stamp(inks, labels, tile, middle - apart, size, unit, label)
        _stamp(inks, labels, tile.transpose(Image.Transpose.FLIP_LEFT_RIGHT), middle + apart, size, unit, label)
    elif zone.layout == "trio":
        size = min(height * _FIT, 0.31 * width / unit)
        apart = width / 3 if slot.wrap else min(width / 3.1, max(size * unit * 1.2, width * 0.22))
        for k in (-1, 0, 1):
            _stamp(inks, labels, tile, middle + k * apart, size, unit, label)
    else:
        _roundels(inks, labels, tile, slot, zone, program.aspect, label)


def _row(
    inks: Image.Image, labels: Image.Image, tile: Image.Image, unit: float, y0: int, y1: int, zone: ZonePlan,
    seamless: bool, label: int, shift: float,
) -> None:  # fmt: skip
    """Repeats of the tile side by side between y0 and y1; at least two are in view."""
    width = inks.size[0]
    margin = 0 if seamless else max(1, round((y1 - y0) * 0.04))
    high = y1 - y0 - 2 * margin
    repeats = max(2, round(width / (high * unit) * (0.85 + 0.3 * zone.dense)))
    each = width / repeats
    size = high if seamless else min(high, round(each * 0.94 / unit))
    small = tile.resize(
        (max(1, round(each if seamless else size * unit)), max(1, size)), Image.Resampling.BILINEAR, reducing_gap=2
    )
    top = y0 + (y1 - y0 - size) // 2
    offset = (zone.phase * 0.2 + shift) * each if not seamless else shift * each
    for k in range(-1, repeats + 1):
        inks.paste(small, (round(k * each + offset + (each - small.width) / 2), top))
    labels.paste(label, (0, top, width, top + size))


def _stamp(
    inks: Image.Image, labels: Image.Image, tile: Image.Image, x: float, size: float, unit: float, label: int
) -> None:
    """One tile, `size` high, in the middle of the strip's height at column x."""
    w, h = max(1, round(size * unit)), max(1, round(size))
    left, top = round(x - w / 2), (inks.size[1] - h) // 2
    inks.paste(tile.resize((w, h), Image.Resampling.BILINEAR, reducing_gap=2), (left, top))
    labels.paste(label, (max(left, 0), top, min(left + w, inks.size[0]), top + h))


def _roundel_count(zone: ZonePlan, slot: Slot) -> int:
    across = slot.width / (slot.height * _FIT * slot.ratio)
    most = max(1, min(8 if slot.wrap else 5, math.floor(across / 1.12)))
    least = 1 if not slot.wrap else min(4, most)
    return least + int(zone.dense * (most - least + 0.999)) if most > least else most


def _roundels(
    inks: Image.Image, labels: Image.Image, tile: Image.Image, slot: Slot, zone: ZonePlan, aspect: float, label: int
) -> None:
    count = _roundel_count(zone, slot)
    size = min(slot.height * _FIT, slot.width * 0.95 / slot.ratio)
    radius_y, radius_x = size / 2, size / 2 * slot.ratio
    draw, mark = ImageDraw.Draw(inks), ImageDraw.Draw(labels)
    inner = size * 0.76 / math.sqrt(1 + aspect * aspect) * 1.12
    each = (
        slot.width / count
        if slot.wrap or count * 2.3 * radius_x > slot.width
        else min(slot.width / count, 2.7 * radius_x)
    )
    y = slot.height / 2
    for k in range(count):
        x = slot.width / 2 + (k - (count - 1) / 2) * each
        line = max(1, round(size * 0.055))
        draw.ellipse((x - radius_x, y - radius_y, x + radius_x, y + radius_y), fill=BODY)
        draw.ellipse((x - radius_x + line, y - radius_y + line, x + radius_x - line, y + radius_y - line), fill=LINE)
        line *= 2
        draw.ellipse(
            (x - radius_x + line, y - radius_y + line, x + radius_x - line, y + radius_y - line), fill=(0, 0, 0)
        )
        mark.ellipse((x - radius_x, y - radius_y, x + radius_x, y + radius_y), fill=label)
        w, h = max(1, round(inner * aspect * slot.ratio)), max(1, round(inner))
        small = tile.resize((w, h), Image.Resampling.BILINEAR, reducing_gap=2)
        inks.paste(small, (round(x - w / 2), round(y - h / 2)), _solid(small))


def _lay_ground(inks: Image.Image, slot: Slot, zone: ZonePlan) -> None:
    """A small pattern under everything that the motif leaves blank."""
    assert zone.ground is not None
    tile = motif_tile(zone.ground.program, zone.ground_values)
    high = max(10, round(slot.height / max(2, round(slot.height / 20))))
    wide = max(4, round(high * PROGRAMS[zone.ground.program].aspect * slot.ratio))
    small = tile.resize((wide, high), Image.Resampling.BILINEAR, reducing_gap=2).point(_FAINT)
    ground = Image.new("RGB", inks.size)
    for y in range(0, slot.height, high):
        for x in range(0, slot.width, wide):
            ground.paste(small, (x, y))
    ground.paste(inks, (0, 0), _solid(inks))
    inks.paste(ground, (0, 0))


_FAINT = [round(v * 0.5) for v in range(256)] * 3


def _lay_border(inks: Image.Image, slot: Slot) -> None:
    """A line along the upper and the lower edge."""
    line = max(1, round(slot.height * 0.03))
    inks.paste(BODY, (0, 0, slot.width, line))
    inks.paste(BODY, (0, slot.height - line, slot.width, slot.height))


def _lay_edging(inks: Image.Image, plan: Plan, body: Body) -> None:
    """Stripes or blocks along the outline of a flat body. Lines are centred on it: their outer half is never seen."""
    draw = ImageDraw.Draw(inks)
    wide = body.columns / body.rows
    points = [((x / wide + 0.5) * body.columns, y * body.rows) for x, y in body.polygon.tolist()]
    width = 2 * plan.edging * body.rows
    first = plan.zones[0]
    ring = [*points, points[0]]
    draw.line(ring, fill=LINE, width=round(width * 1.35), joint="curve")
    draw.line(ring, fill=BODY, width=round(width), joint="curve")
    if first.dense < 0.4:
        draw.line(ring, fill=ACCENT, width=max(1, round(width * 0.5)), joint="curve")
    elif first.dense < 0.75:
        step = max(6.0, width * (0.6 + first.phase))
        for (x0, y0), (x1, y1) in pairwise(ring):
            long = math.hypot(x1 - x0, y1 - y0)
            blocks = max(1, round(long / step / 2))
            for k in range(blocks):
                a, b = (k + 0.25) / blocks, (k + 0.75) / blocks
                ends = (x0 + (x1 - x0) * a, y0 + (y1 - y0) * a, x0 + (x1 - x0) * b, y0 + (y1 - y0) * b)
                draw.line(ends, fill=ACCENT, width=round(width))


def _solid(image: Image.Image) -> Image.Image:
    """Where anything is drawn, as a mask."""
    red, green, blue = image.split()
    return ImageChops.lighter(ImageChops.lighter(red, green), blue).point(_HARD)


_HARD = [min(255, v * 3) for v in range(256)]
