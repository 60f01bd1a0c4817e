"""Addresses of the Image API; what is expected is worked out by hand from its specification."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sherd.server.image_requests import ImageSource, read_request
from sherd.server.problems import Refusal

PICTURE = ImageSource(300, 200, 16_000_000)
SMALL_ANSWERS = ImageSource(300, 200, 15_000)


@pytest.mark.parametrize(
    ("region", "box"),
    [
        ("full", (0, 0, 300, 200)), ("square", (50, 0, 200, 200)), ("125,15,120,140", (125, 15, 120, 140)),
        ("pct:41.6,7.5,40,70", (125, 15, 120, 140)), ("125,15,200,200", (125, 15, 175, 185)),
        ("pct:41.6,7.5,66.6,100", (125, 15, 175, 185)), ("299,199,1,1", (299, 199, 1, 1)),
        ("pct:0,0,.5,.5", (0, 0, 2, 1)),
    ],
)  # fmt: skip
def test_regions(region: str, box: tuple[int, ...]) -> None:
    assert read_request(region, "max", "0", "default", "jpg", PICTURE).rendering.region == box


@pytest.mark.parametrize(
    ("size", "wide", "high", "canonical"),
    [
        ("max", 300, 200, "max"), ("^max", 4898, 3265, "^max"), ("150,", 150, 100, "150,100"),
        (",150", 225, 150, "225,150"),
        ("^360,", 360, 240, "^360,240"), ("^,240", 360, 240, "^360,240"), ("pct:50", 150, 100, "150,100"),
        ("^pct:120", 360, 240, "^360,240"), ("225,100", 225, 100, "225,100"), ("^360,360", 360, 360, "^360,360"),
        ("!225,100", 150, 100, "150,100"), ("!1000,1000", 300, 200, "max"), ("^!360,360", 360, 240, "^360,240"),
        ("300,200", 300, 200, "max"), ("pct:.1", 1, 1, "1,1"), ("^150,", 150, 100, "150,100"),
    ],
)  # fmt: skip
def test_sizes(size: str, wide: int, high: int, canonical: str) -> None:
    found = read_request("full", size, "0", "default", "jpg", PICTURE)
    assert found.rendering.size == (wide, high)
    assert found.canonical == f"full/{canonical}/0/default.jpg"


def test_colour_is_the_default() -> None:
    assert read_request("full", "max", "0", "color", "png", PICTURE) == read_request(
        "full", "max", "0", "default", "png", PICTURE
    )
    assert read_request("full", "max", "0", "gray", "png", PICTURE).canonical == "full/max/0/gray.png"


def test_no_answer_is_larger_than_the_limit() -> None:
    assert read_request("full", "max", "0", "default", "jpg", SMALL_ANSWERS).rendering.size == (150, 100)
    assert read_request("full", "!999,999", "0", "default", "jpg", SMALL_ANSWERS).rendering.size == (150, 100)
    assert read_request("0,0,30,20", "^max", "0", "default", "jpg", SMALL_ANSWERS).rendering.size == (150, 100)
    for size in ("300,200", "pct:100", "^400,", "200,"):
        with pytest.raises(Refusal, match="too many"):
            read_request("full", size, "0", "default", "jpg", SMALL_ANSWERS)


@pytest.mark.parametrize(
    ("part", "text", "code"),
    [
        *(("region", text, "bad_image_request") for text in
          ("", "whole", "1,2,3", "1,2,3,4,5", "-1,0,5,5", "0,0,0,5", "300,0,5,5", "0,200,5,5", "1.5,0,5,5",
           "pct:0,0,0,5", "pct:101,0,5,5", "pct:-1,0,5,5", "full ", "٣,0,5,5", "1e2,0,5,5", "9999999999,0,5,5",
           "pct:0,0,nan,5")),
        *(("size", text, "bad_image_request") for text in
          ("", "full", "^", ",", "!", "!,", "!5,", "!,5", "0,", ",0", "0,0", "301,", ",201", "301,1", "pct:0",
           "pct:101", "pct:", "-5,", "5", "5,5,5", "^!0,5", "1.5,", "９,", "^99999,", "999999999,999999999")),
        *(("rotation", text, "bad_image_request") for text in ("", "-90", "361", "a", "!!0", "90!", "nan", "1e1")),
        *(("rotation", text, "bad_image_request") for text in ("45", "!22.5", "0.1", "359.99")),
        *(("quality", text, "bad_image_request") for text in ("", "native", "grey", "Default")),
        *(("format", text, "bad_image_request") for text in ("", "jpeg", "exe", "JPG")),
        *(("format", text, "bad_image_request") for text in ("tif", "webp", "pdf")),
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused(part: str, text: str, code: str) -> None:
    asked = {"region": "full", "size": "max", "rotation": "0", "quality": "default", "format": "jpg"} | {part: text}
    with pytest.raises(Refusal) as refused:
        read_request(**asked, source=PICTURE)
    assert refused.value.code == code


_number = st.integers(0, 10**10).map(str) | st.floats(0, 400).map(lambda value: f"{value:.3f}")
_regions = st.sampled_from(["full", "square"]) | st.builds(
    "{}{},{},{},{}".format, st.sampled_from(["", "pct:"]), _number, _number, _number, _number
)
_sizes = st.builds(
    "{}{}".format,
    st.sampled_from(["", "^"]),
    st.just("max")
    | st.builds("pct:{}".format, _number)
    | st.builds("{}{},{}".format, st.sampled_from(["", "!"]), _number | st.just(""), _number | st.just("")),
)
_turns = st.sampled_from(["0", "90", "!180", "270", "360", "!0", "90.0"])


@given(_regions, _sizes, _turns, st.integers(1, 5_000), st.integers(1, 5_000), st.integers(1, 100_000))
def test_whatever_is_taken_is_inside_and_its_one_name_means_the_same(
    region: str, size: str, rotation: str, width: int, height: int, max_area: int
) -> None:
    source = ImageSource(width, height, max_area)
    try:
        found = read_request(region, size, rotation, "default", "png", source)
    except Refusal:
        return
    x, y, w, h = found.rendering.region
    wide, high = found.rendering.size
    assert 0 <= x < x + w <= width
    assert 0 <= y < y + h <= height
    assert min(wide, high) >= 1
    assert wide * high <= max_area
    assert size.startswith("^") or (wide <= w and high <= h)
    assert math.isfinite(found.rendering.scale)
    region, size, rotation, _ = found.canonical.split("/")
    again = read_request(region, size, rotation, "default", "png", source)
    assert again == found
