"""Places on pictures as annotations write them (media fragments, SVG, IIIF image requests) to boxes, and back."""

from __future__ import annotations

import math
import re
from typing import Any
from urllib.parse import unquote

from sherd.errors import RejectedItem
from sherd.ingest.files import shown
from sherd.ingest.sources.json_documents import kinds, listed, text_at
from sherd.ingest.sources.svg_shapes import svg_bounds
from sherd.types import Box

MEDIA_FRAGMENTS = "http://www.w3.org/TR/media-frags/"
_N = r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*"
_XYWH = re.compile(rf"(?:(pixel|percent):)?{_N},{_N},{_N},{_N}")
_REGION = re.compile(rf"(pct:)?{_N},{_N},{_N},{_N}")
_LEAST_INSIDE = 0.5
"""Boxes drawn by hand stick out and are cut at the edge; one that is mostly outside was meant for another picture."""


def pixels(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """x, y, w, h of a box in whole pixels of a picture of this size: inside it, w and h at least 1.

    >>> pixels(Box(0.1, 0.2, 0.3, 0.4), 320, 240), pixels(Box(0.999, 0.999, 0.001, 0.001), 10, 10)
    ((32, 48, 96, 96), (9, 9, 1, 1))
    """
    x, w = _span(box.x, box.w, width)
    y, h = _span(box.y, box.h, height)
    return x, y, w, h


def xywh(box: Box, width: int, height: int) -> str:
    """The media fragment of a box, in whole pixels.

    >>> xywh(Box(0, 0, 0.5, 0.5), 320, 240)
    'xywh=0,0,160,120'
    """
    return f"xywh={','.join(map(str, pixels(box, width, height)))}"


def box_of(selector: Any, width: int, height: int) -> Box | None:
    """The box that a selector means on a picture of this size; None where it means all of it.

    Args:
        selector: an object, or several that mean the same (a rectangle is taken before a shape).
    Raises:
        RejectedItem: box_invalid, svg_invalid or svg_unsupported; selector_unsupported for points, addresses and the
            like.
    """
    found = list(_alternatives(selector))
    if not found:
        return None
    for kind in ("FragmentSelector", "SvgSelector", "ImageApiSelector"):
        for one in found:
            if kind in kinds(one):
                return _box(kind, one, width, height)
    names = ", ".join(sorted({name for one in found for name in kinds(one)})) or "one without a type"
    raise RejectedItem("selector_unsupported", f"the selector is {shown(names)}; a place on a picture is needed")


def fragment_box(fragment: str, width: int, height: int) -> Box | None:
    """The box of a media fragment such as "xywh=10,10,50,50", "xywh=percent:0,0,50,50" or "t=3&xywh=1,1,2,2"; None
    where it has no xywh.

    Raises:
        RejectedItem: box_invalid.
    """
    for part in unquote(fragment).lstrip("#").split("&"):
        name, _, value = part.partition("=")
        if name.strip() == "xywh":
            match = _XYWH.fullmatch(value)
            if match is None:
                raise RejectedItem("box_invalid", f"{shown(part)} is not xywh= with four numbers")
            return _scaled(match, width, height, percent=match[1] == "percent")
    return None


def _alternatives(selector: Any) -> list[Any]:
    """Selectors of which one suffices; a Choice (of IIIF 2) is unpacked."""
    found = []
    for one in listed(selector):
        if isinstance(one, dict) and "Choice" in kinds(one):
            found += [*listed(one.get("default")), *listed(one.get("item")), *listed(one.get("items"))]
        else:
            found.append(one)
    return found


def _box(kind: str, selector: Any, width: int, height: int) -> Box | None:
    if kind == "ImageApiSelector":
        region = text_at(selector, "region") or "full"
        if region == "full":
            return None
        match = _REGION.fullmatch(region)
        if match is None:
            raise RejectedItem("box_invalid", f"the region {shown(region)} is not x,y,w,h")
        return _scaled(match, width, height, percent=bool(match[1]))
    value = text_at(selector, "value", "chars")
    if kind == "SvgSelector":
        left, top, right, bottom = svg_bounds(value, width, height)
        return _inside(left, top, right, bottom, width, height)
    box = fragment_box(value, width, height)
    if box is None:
        raise RejectedItem("selector_unsupported", f"the fragment {shown(value)} has no xywh")
    return box


def _scaled(match: re.Match[str], width: int, height: int, *, percent: bool) -> Box:
    x, y, w, h = (float(match[group]) for group in range(2, 6))
    if percent:
        x, y, w, h = x * width / 100, y * height / 100, w * width / 100, h * height / 100
    return _inside(min(x, x + w), min(y, y + h), max(x, x + w), max(y, y + h), width, height)


def _inside(left: float, top: float, right: float, bottom: float, width: int, height: int) -> Box:
    said = f"{left:g}, {top:g} to {right:g}, {bottom:g}"
    if not all(map(math.isfinite, (left, top, right, bottom))) or right <= left or bottom <= top:
        raise RejectedItem("box_invalid", f"the box from {said} has no area")
    kept = max(0.0, min(right, width) - max(left, 0.0)) * max(0.0, min(bottom, height) - max(top, 0.0))
    # Divided one by one: the product of huge sides is no number.
    if kept <= 0 or kept / (right - left) / (bottom - top) < _LEAST_INSIDE:
        raise RejectedItem("box_invalid", f"the box from {said} leaves the picture of {width} x {height}")
    left, top, right, bottom = max(left, 0.0), max(top, 0.0), min(right, width), min(bottom, height)
    return Box(left / width, top / height, (right - left) / width, (bottom - top) / height)


def _span(start: float, length: float, size: int) -> tuple[int, int]:
    """Start and length in whole pixels, inside 0..size, at least one."""
    first, last = max(round(start * size), 0), min(round((start + length) * size), size)
    if last <= first:  # less than a pixel: the one that it begins in
        first = min(math.floor(start * size), size - 1)
        last = first + 1
    return first, last - first
