"""What an address of the IIIF Image API 3 asks for: region, size, rotation, quality and format.

Source: https://iiif.io/api/image/3.0/, sections 4 and 5.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from sherd.ingest.rendering import FORMATS, QUALITIES, Rendering
from sherd.server.problems import Refusal

TILE = 512
_N = r"([0-9]{1,9})"
_REAL = r"([0-9]{1,6}(?:\.[0-9]{1,12})?|\.[0-9]{1,12})"
_PIXELS = re.compile(f"{_N},{_N},{_N},{_N}")
_PER_CENT = re.compile(f"pct:{_REAL},{_REAL},{_REAL},{_REAL}")
_SIZE = re.compile(rf"(\^?)(?:(max)|pct:{_REAL}|(!?)([0-9]{{1,9}})?,([0-9]{{1,9}})?)")
_ROTATION = re.compile(rf"(!?){_REAL}")


@dataclass(frozen=True, slots=True)
class ImageSource:
    """A picture that can be asked for: upright size in pixels. max_area: width x height of the largest answer."""

    width: int
    height: int
    max_area: int


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """What is to be rendered, and the one way to write it down."""

    rendering: Rendering
    canonical: str


def read_request(region: str, size: str, rotation: str, quality: str, format: str, source: ImageSource) -> ImageRequest:
    """The parts of an address, as they are once percent signs are decoded.

    Raises:
        Refusal: bad_image_request, also for what the standard knows and is not done here, as it wishes.
    """
    box = _region(region, source)
    wide, high = _size(size, box[2], box[3], source.max_area)
    mirrored, turned = _rotation(rotation)
    if quality not in QUALITIES:
        raise Refusal("bad_image_request", f"the quality is one of {', '.join(QUALITIES)}")
    if format not in FORMATS:
        raise Refusal("bad_image_request", f"the format is {' or '.join(FORMATS)}")
    quality = "default" if quality == "color" else quality
    whole = box == (0, 0, source.width, source.height)
    canonical = "/".join((
        "full" if whole else ",".join(map(str, box)), _canonical_size(wide, high, box[2], box[3], source.max_area),
        ("!" if mirrored else "") + str(turned), f"{quality}.{format}",
    ))  # fmt: skip
    return ImageRequest(Rendering(box, (wide, high), mirrored, turned, quality, format), canonical)


def scale_factors(width: int, height: int) -> list[int]:
    """1, 2, 4 and so on until the whole picture fits into a tile.

    >>> scale_factors(2000, 100), scale_factors(512, 512)
    ([1, 2, 4], [1])
    """
    steps = max(0, math.ceil(math.log2(max(width, height, 1) / TILE)))
    return [2**step for step in range(steps + 1)]


def _region(text: str, source: ImageSource) -> tuple[int, int, int, int]:
    width, height = source.width, source.height
    if text == "full":
        return 0, 0, width, height
    if text == "square":
        side = min(width, height)
        return (width - side) // 2, (height - side) // 2, side, side
    if match := _PIXELS.fullmatch(text):
        x, y, w, h = map(int, match.groups())
    elif match := _PER_CENT.fullmatch(text):
        left, top, across, down = (float(one) / 100 for one in match.groups())
        x, y, w, h = round(left * width), round(top * height), round(across * width), round(down * height)
    else:
        raise Refusal("bad_image_request", "the region is full, square, x,y,w,h or pct:x,y,w,h")
    w, h = min(w, width - x), min(h, height - y)
    if w < 1 or h < 1:
        raise Refusal("bad_image_request", f"the region holds nothing of the {width} x {height} pixels of the picture")
    return x, y, w, h


def _canonical_size(wide: int, high: int, w: int, h: int, max_area: int) -> str:
    if wide <= w and high <= h:
        return "max" if (wide, high) == _most(w, h, max_area) else f"{wide},{high}"
    return "^max" if (wide, high) == _most(w, h, max_area, grow=True) else f"^{wide},{high}"


def _size(text: str, w: int, h: int, max_area: int) -> tuple[int, int]:
    match = _SIZE.fullmatch(text)
    if (
        match is None
        or (match[4] is not None and not (match[5] or match[6]))
        or (match[4] and not (match[5] and match[6]))
    ):
        raise Refusal("bad_image_request", "the size is max, w,  ,h  w,h  !w,h or pct:n, with ^ before it to enlarge")
    may_grow, is_max, per_cent, fitted, across, down = match.groups()
    if is_max:
        wide, high = _most(w, h, max_area, grow=bool(may_grow))
    elif per_cent is not None:
        wide, high = _scaled(w, h, float(per_cent) / 100)
        _refuse_nothing(float(per_cent))
    elif fitted:
        _refuse_nothing(min(int(across), int(down)))
        scale = min(int(across) / w, int(down) / h, math.sqrt(max_area / (w * h)))
        wide, high = _scaled(w, h, scale if may_grow else min(scale, 1))
    else:
        wide = int(across) if across else max(1, round(w * int(down) / h))
        high = int(down) if down else max(1, round(h * int(across) / w))
        _refuse_nothing(min(wide, high))
    if not may_grow and (wide > w or high > h):
        raise Refusal("bad_image_request", f"the region has {w} x {h} pixels; ^ before the size enlarges it")
    if wide * high > max_area:
        raise Refusal("bad_image_request", f"{wide} x {high} pixels are too many; {max_area} are made at most")
    return wide, high


def _refuse_nothing(number: float) -> None:
    if number <= 0:
        raise Refusal("bad_image_request", "a picture has one pixel at least, across and down")


def _most(w: int, h: int, max_area: int, *, grow: bool = False) -> tuple[int, int]:
    """The largest size of a region that may be answered."""
    scale = math.sqrt(max_area / (w * h))
    if scale >= 1 and not grow:
        return w, h
    wide, high = max(1, math.floor(w * scale)), max(1, math.floor(h * scale))
    return min(wide, max_area), min(high, max_area // min(wide, max_area))


def _scaled(w: int, h: int, scale: float) -> tuple[int, int]:
    return max(1, round(w * scale)), max(1, round(h * scale))


def _rotation(text: str) -> tuple[bool, int]:
    match = _ROTATION.fullmatch(text)
    if match is None or float(match[2]) > 360:
        raise Refusal("bad_image_request", "the rotation is 0 to 360, with ! before it to mirror")
    angle = float(match[2])
    if angle % 90:
        raise Refusal("bad_image_request", "pictures are turned by 0, 90, 180 and 270 degrees only")
    return bool(match[1]), int(angle) % 360
