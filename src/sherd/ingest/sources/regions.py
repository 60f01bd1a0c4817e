"""Boxes in pixels, as packs and the imagefolder convention give them, to boxes in fractions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from sherd.errors import RejectedItem
from sherd.ingest.sources.texts import clean_text
from sherd.types import Box, Region

MAX_REGIONS = 5_000
OVERHANG_PX = 1.0
"""Boxes may stick out by this much, as rounding leaves them, and are clipped; more is an error in the data."""


def regions_of(
    found: dict[str, Any], size: Callable[[], tuple[int, int]]
) -> tuple[tuple[Region, ...], tuple[int | None, ...], tuple[str, ...]]:
    """Regions of a record.

    A bad box costs only itself: the record is kept without it, and a warning says so.

    Args:
        found: the record's JSON; `regions: [{label, bbox, mask, concept}]` or `objects: {bbox: [], categories: []}`,
            with bbox x, y, w, h in pixels of the upright picture.
        size: gives the picture's width and height; called only when there are regions.
    Returns:
        the regions; for each region of the source its place among them, or None; warnings "box_invalid: ...".
    Raises:
        RejectedItem: field_invalid where `regions` or `objects` has another shape; whatever `size` raises.
    """
    rows = _rows(found)
    if len(rows) > MAX_REGIONS:
        raise RejectedItem("field_invalid", f"{len(rows)} regions; the limit is {MAX_REGIONS}")
    if not rows:
        return (), (), ()
    width, height = size()
    regions: list[Region] = []
    places: list[int | None] = []
    warnings: list[str] = []
    for number, row in enumerate(rows):
        try:
            region = Region(
                _box(row.get("bbox"), width, height),
                _text(row, "label"),
                _text(row, "mask"),
                _text(row, "concept"),
            )
        except RejectedItem as refusal:
            warnings.append(f"{refusal.reason}: region {number}: {refusal.detail}")
            places.append(None)
        else:
            places.append(len(regions))
            regions.append(region)
    return tuple(regions), tuple(places), tuple(warnings)


def _rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    rows = found.get("regions")
    if rows is not None:
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise RejectedItem("field_invalid", "regions is not a list of objects")
        return rows
    objects = found.get("objects")
    if not isinstance(objects, dict):
        return []
    boxes = objects.get("bbox")
    labels = objects.get("categories", objects.get("category", objects.get("label")))
    if not isinstance(boxes, list) or not (labels is None or (isinstance(labels, list) and len(labels) == len(boxes))):
        raise RejectedItem("field_invalid", "objects has no list bbox, or categories of another length")
    return [
        {"bbox": box, "label": None if label is None else str(label)}
        for box, label in zip(boxes, labels or [None] * len(boxes), strict=True)
    ]


def _text(row: dict[str, Any], name: str) -> str | None:
    value = row.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise RejectedItem("field_invalid", f"{name} is not a text")
    return clean_text(value, name, 1_000) or None


def _box(value: Any, width: int, height: int) -> Box:
    numbers = value if isinstance(value, list) and len(value) == 4 else []
    if len(numbers) != 4 or not all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers):
        raise RejectedItem("box_invalid", "bbox is not four numbers x, y, w, h in pixels")
    try:
        x, y, w, h = (float(n) for n in numbers)
    except OverflowError as error:
        raise RejectedItem("box_invalid", "bbox has an absurd number") from error
    if not all(map(math.isfinite, (x, y, w, h))) or w <= 0 or h <= 0:
        raise RejectedItem("box_invalid", f"bbox {x:g}, {y:g}, {w:g}, {h:g} has no area")
    right, bottom = x + w, y + h
    if min(x, y) < -OVERHANG_PX or right > width + OVERHANG_PX or bottom > height + OVERHANG_PX:
        raise RejectedItem("box_invalid", f"bbox {x:g}, {y:g}, {w:g}, {h:g} leaves the picture of {width} x {height}")
    left, top = max(0.0, x) / width, max(0.0, y) / height
    right, bottom = min(right, width) / width, min(bottom, height) / height
    if right <= left or bottom <= top:
        raise RejectedItem("box_invalid", f"bbox {x:g}, {y:g}, {w:g}, {h:g} has no area inside the picture")
    return Box(left, top, right - left, bottom - top)
