"""Places on pictures as other tools write them, against boxes worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sherd.errors import InvalidArgument, RejectedItem
from sherd.ingest.sources import svg_shapes
from sherd.ingest.sources.selectors import box_of, fragment_box, pixels, xywh
from sherd.types import Box

WIDTH, HEIGHT = 400, 200
ARC = 50 * math.sqrt(2)


def svg(inner: str, more: str = "") -> dict[str, str]:
    return {"type": "SvgSelector", "value": f'<svg xmlns="http://www.w3.org/2000/svg" {more}>{inner}</svg>'}


def fragment(value: str) -> dict[str, str]:
    return {"type": "FragmentSelector", "conformsTo": "http://www.w3.org/TR/media-frags/", "value": value}


def edges(selector: Any) -> tuple[float, ...]:
    """left, top, right, bottom in pixels."""
    box = box_of(selector, WIDTH, HEIGHT)
    assert box is not None
    sides = (box.x * WIDTH, box.y * HEIGHT, (box.x + box.w) * WIDTH, (box.y + box.h) * HEIGHT)
    return tuple(round(side, 6) for side in sides)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (fragment("xywh=40,20,100,50"), (40, 20, 140, 70)),
        (fragment("xywh=pixel:40.5,20,99.5,50"), (40.5, 20, 140, 70)),
        (fragment("xywh=percent:10,10,50,25"), (40, 20, 240, 70)),
        (fragment("#xywh=percent%3A10%2C10%2C50%2C25"), (40, 20, 240, 70)),
        (fragment("t=1,2&xywh=40,20,100,50"), (40, 20, 140, 70)),
        (fragment("xywh=140,70,-100,-50"), (40, 20, 140, 70)),  # drawn from the lower right corner
        (fragment("xywh=-20,0,100,200"), (0, 0, 80, 200)),
        ({"@type": "oa:FragmentSelector", "value": "xywh=40,20,100,50"}, (40, 20, 140, 70)),
        ({"type": "ImageApiSelector", "region": "40,20,100,50"}, (40, 20, 140, 70)),
        ({"type": "ImageApiSelector", "region": "pct:10,10,50,25"}, (40, 20, 240, 70)),
        ([svg('<rect width="9" height="9"/>'), fragment("xywh=40,20,100,50")], (40, 20, 140, 70)),
        (
            {
                "@type": "oa:Choice",
                "default": {"@type": "oa:FragmentSelector", "value": "xywh=40,20,100,50"},
                "item": {"@type": "oa:SvgSelector", "value": "<svg/>"},
            },
            (40, 20, 140, 70),
        ),
        (svg('<polygon points="10,20 110,20 60,120"/>'), (10, 20, 110, 120)),
        (svg('<polyline points="10 20,110 20, 60 120"/>'), (10, 20, 110, 120)),
        (svg('<g><rect x="10" y="20px" width="30" height="40"/></g>'), (10, 20, 40, 60)),
        (svg('<circle cx="100" cy="100" r="50"/>'), (50, 50, 150, 150)),
        (svg('<ellipse cx="100" cy="100" rx="50" ry="20"/>'), (50, 80, 150, 120)),
        (svg('<line x1="10" y1="20" x2="30" y2="5"/>'), (10, 5, 30, 20)),
        (svg('<rect width="10" height="10"/><rect x="90" y="40" width="10" height="10"/>'), (0, 0, 100, 50)),
        (svg('<defs><rect width="399" height="199"/></defs><circle cx="50" cy="50" r="5"/>'), (45, 45, 55, 55)),
        (svg('<rect x="10" y="10" width="50" height="25"/>', 'viewBox="0 0 100 100"'), (40, 20, 240, 70)),
        (svg('<rect x="10" y="10" width="50" height="25"/>', 'width="100" height="100"'), (10, 10, 60, 35)),
        (svg('<path d="M10,20 L110,20 60,120 Z"/>'), (10, 20, 110, 120)),
        (svg('<path d="m10 20l100 0-50 100z m5 5h20v-30"/>'), (10, -5 + 5, 110, 120)),
        (svg('<path d="M0 100 Q 50 0 100 100"/>'), (0, 50, 100, 100)),  # a parabola reaches half way to its handle
        (svg('<path d="M0 100 C 0 0 100 0 100 100"/>'), (0, 25, 100, 100)),  # and a cubic three quarters
        (svg('<path d="M0 100 c 0 -100 100 -100 100 0 s 100 100 100 0"/>'), (0, 25, 200, 175)),
        (svg('<path d="M0 100 q 50 -100 100 0 t 100 0"/>'), (0, 50, 200, 150)),
        (svg('<path d="M50 100 A50 50 0 0 1 150 100"/>'), (50, 50, 150, 100)),  # the upper half of a circle
        (svg('<path d="M50 100 A50 50 0 0 0 150 100"/>'), (50, 100, 150, 150)),  # and the lower
        (svg('<path d="M50 100a50 50 0 01100 0"/>'), (50, 50, 150, 100)),  # flags without blanks between
        (svg('<path d="M100 50 A50 50 0 1 1 50 100"/>'), (50, 50, 150, 150)),  # three quarters
        (svg('<path d="M100 50 A50 50 0 0 0 50 100"/>'), (50, 50, 100, 100)),  # one quarter of the same circle
        (svg('<path d="M50 100 A1 1 0 0 1 150 100"/>'), (50, 50, 150, 100)),  # too small a radius grows
        (svg('<path d="M50 100 A100 50 90 0 1 150 100"/>'), (50, 0, 150, 100)),  # a turned ellipse
    ],
)
def test_a_selector_means_this_box(selector: Any, expected: tuple[float, ...]) -> None:
    assert edges(selector) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("selector", "reason"),
    [
        (fragment("xywh=40,20,100"), "box_invalid"),
        (fragment("xywh=a,b,c,d"), "box_invalid"),
        (fragment("xywh=1,1,0,5"), "box_invalid"),
        (fragment("xywh=1e999,1,5,5"), "box_invalid"),
        (fragment("xywh=nan,1,5,5"), "box_invalid"),
        (fragment("xywh=500,20,100,50"), "box_invalid"),
        (fragment("xywh=340,0,200,200"), "box_invalid"),  # most of it is outside
        (fragment("t=1,2"), "selector_unsupported"),
        ({"type": "PointSelector", "x": 1, "y": 2}, "selector_unsupported"),
        ({"type": "FragmentSelector", "value": ["xywh=1,1,5,5"]}, "selector_unsupported"),
        ("https://example.org/selector", "selector_unsupported"),
        ({"type": "ImageApiSelector", "region": "square"}, "box_invalid"),
        ({"type": "SvgSelector", "value": "<svg><rect"}, "svg_invalid"),
        ({"type": "SvgSelector", "value": ""}, "svg_invalid"),
        ({"type": "SvgSelector", "value": "<!DOCTYPE svg [<!ENTITY a 'b'>]><svg>&a;</svg>"}, "svg_invalid"),
        ({"type": "SvgSelector", "value": "<!DOCTYPE svg SYSTEM 'file:///etc/passwd'><svg/>"}, "svg_invalid"),
        (svg(""), "svg_invalid"),
        (svg('<text x="1">a</text>'), "svg_invalid"),
        (svg('<rect width="9" height="9"/>', 'viewBox="0 0 0 9"'), "svg_invalid"),
        (svg('<rect width="9" height="9"/>', 'viewBox="0 0 9"'), "svg_invalid"),
        (svg('<rect width="50%" height="9"/>'), "svg_unsupported"),
        (svg('<rect width="9" height="9" transform="rotate(9)"/>'), "svg_unsupported"),
        (svg('<g transform="scale(2)"><rect width="9" height="9"/></g>'), "svg_unsupported"),
        (svg('<polygon points="1,2,3"/>'), "svg_invalid"),
        (svg('<path d="M0 0 L"/>'), "svg_invalid"),
        (svg('<path d="0 0 L 5 5"/>'), "svg_invalid"),
        (svg('<path d="M0 0 Z 5 5"/>'), "svg_invalid"),
        (svg('<path d="M0 0 L5 5 X"/>'), "svg_invalid"),
        (svg('<path d="M0 0 A 1 1 0 2 1 5 5"/>'), "svg_invalid"),
        (svg('<path d="M0 0 L1e999 5"/>'), "svg_invalid"),
        (svg('<path d="M1e308 0 A1e-320 1 0 0 1 -1e308 7"/>'), "box_invalid"),
    ],
)
def test_what_is_no_place_is_refused(selector: Any, reason: str) -> None:
    with pytest.raises(RejectedItem) as refusal:
        box_of(selector, WIDTH, HEIGHT)
    assert refusal.value.reason == reason


def test_too_much_svg_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(svg_shapes, "MAX_SHAPES", 3)
    with pytest.raises(RejectedItem, match="more than 3 shapes"):
        box_of(svg('<rect width="9" height="9"/>' * 4), WIDTH, HEIGHT)
    with pytest.raises(RejectedItem, match="the limit is"):
        box_of(svg("<g></g>" * 100_000), WIDTH, HEIGHT)


def test_all_of_a_picture_has_no_box() -> None:
    assert box_of(None, WIDTH, HEIGHT) is None
    assert box_of({"type": "ImageApiSelector", "rotation": "0"}, WIDTH, HEIGHT) is None
    assert fragment_box("", WIDTH, HEIGHT) is fragment_box("t=3", WIDTH, HEIGHT) is None


@given(*[st.floats(-0.2, 1.2)] * 4, st.integers(1, 20_000), st.integers(1, 20_000))
def test_pixels_lie_inside_and_come_back_to_a_pixel(
    x: float, y: float, w: float, h: float, width: int, height: int
) -> None:
    try:
        box = Box(x, y, w, h)
    except InvalidArgument:
        return
    left, top, wide, high = pixels(box, width, height)
    assert 0 <= left < left + wide <= width
    assert 0 <= top < top + high <= height
    back = box_of(fragment(xywh(box, width, height)), width, height)
    assert back is not None
    assert pixels(back, width, height) == (left, top, wide, high)
    for found, meant, size in ((back.x, x, width), (back.y, y, height), (back.x + back.w, x + w, width)):
        assert abs(found - meant) * size <= 1 + 1e-6


@given(st.text(alphabet="MmLlHhVvCcSsQqTtAaZz0123456789.,- e", max_size=60))
def test_any_path_is_read_or_refused(path: str) -> None:
    reason = ""
    try:
        svg_shapes.svg_bounds(f'<svg><path d="{path}"/></svg>', WIDTH, HEIGHT)
    except RejectedItem as refusal:
        reason = refusal.reason
    assert reason in ("", "svg_invalid", "svg_unsupported")
