"""The bounds of what an SVG draws: rectangles, circles, ellipses, lines, polygons and paths. Nothing is rendered."""

from __future__ import annotations

import cmath
import math
import re
from collections.abc import Callable, Iterator, Mapping
from xml.parsers import expat

from sherd.errors import RejectedItem

MAX_SVG_CHARS = 500_000
MAX_SHAPES = 10_000
_NUMBER = re.compile(r"[\s,]*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")
_FLAG = re.compile(r"[\s,]*([01])")
_COMMAND = re.compile(r"[\s,]*([MmLlHhVvCcSsQqTtAaZz])")
_UNDRAWN = ("defs", "clipPath", "mask", "marker", "pattern", "symbol", "metadata")

Bounds = tuple[float, float, float, float]
"""left, top, right, bottom"""


def svg_bounds(text: str, width: int, height: int) -> Bounds:
    """What the shapes of an SVG span, in pixels of a picture of this size.

    A `viewBox` is taken to be laid over the whole picture; without one, units are pixels of the picture.

    Raises:
        RejectedItem: svg_invalid (no XML, a DTD, a number or path that cannot be read, no shape, too large);
            svg_unsupported (a transform or a unit).
    """
    if len(text) > MAX_SVG_CHARS:
        raise RejectedItem("svg_invalid", f"the SVG has {len(text)} characters; the limit is {MAX_SVG_CHARS}")
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _no_dtd
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise RejectedItem("svg_invalid", f"the SVG is no XML: {error}") from error
    except (OverflowError, ZeroDivisionError) as error:
        raise RejectedItem("svg_invalid", "the SVG has absurd numbers") from error
    xs, ys = [point.real for point in reader.points], [point.imag for point in reader.points]
    if not xs or not all(map(math.isfinite, (*xs, *ys))):
        raise RejectedItem("svg_invalid", "the SVG draws no shape with finite numbers")
    left, top, wide, high = reader.view or (0.0, 0.0, float(width), float(height))
    across, down = width / wide, height / high
    return (
        (min(xs) - left) * across, (min(ys) - top) * down, (max(xs) - left) * across, (max(ys) - top) * down,
    )  # fmt: skip


class _Reader:
    """Collects points that span the same box as the shapes do; points are complex, x + iy."""

    def __init__(self) -> None:
        self.points: list[complex] = []
        self.view: tuple[float, float, float, float] | None = None
        self._shapes = self._hidden = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if self._hidden or name in _UNDRAWN:
            self._hidden += 1
            return
        if attributes.get("transform", "").strip():
            raise RejectedItem("svg_unsupported", "the SVG has a transform; draw the shape where it is meant")
        if name == "svg" and self.view is None and attributes.get("viewBox"):
            left, top, wide, high = _exactly(attributes["viewBox"], 4)
            if wide <= 0 or high <= 0:
                raise RejectedItem("svg_invalid", "the viewBox has no area")
            self.view = left, top, wide, high
        draw = _SHAPES.get(name)
        if draw is not None:
            self._shapes += 1
            if self._shapes > MAX_SHAPES:
                raise RejectedItem("svg_invalid", f"the SVG has more than {MAX_SHAPES} shapes")
            self.points += draw(attributes)

    def end(self, _: str) -> None:
        self._hidden = max(0, self._hidden - 1)


def _no_dtd(*_: object) -> None:
    raise RejectedItem("svg_invalid", "the SVG has a DTD, which no selector needs")


def _numbers(text: str) -> list[float]:
    found, place = [], 0
    while match := _NUMBER.match(text, place):
        found.append(float(match[1]))
        place = match.end()
    if rest := text[place:].strip(" ,\t\r\n"):
        raise RejectedItem("svg_unsupported", f"'{rest[:20]}' is not a number without a unit")
    return found


def _exactly(text: str, count: int) -> list[float]:
    found = _numbers(text)
    if len(found) != count:
        raise RejectedItem("svg_invalid", f"'{text[:40]}' is not {count} numbers")
    return found


def _length(attributes: Mapping[str, str], name: str) -> float:
    return _exactly(attributes.get(name, "0").strip().removesuffix("px") or "0", 1)[0]


def _rect(attributes: Mapping[str, str]) -> list[complex]:
    x, y, w, h = (_length(attributes, name) for name in ("x", "y", "width", "height"))
    return [complex(x, y), complex(x + w, y + h)]


def _round(attributes: Mapping[str, str]) -> list[complex]:
    centre = complex(_length(attributes, "cx"), _length(attributes, "cy"))
    rx, ry = (_length(attributes, name if name in attributes else "r") for name in ("rx", "ry"))
    return [centre - complex(rx, ry), centre + complex(rx, ry)]


def _line(attributes: Mapping[str, str]) -> list[complex]:
    x1, y1, x2, y2 = (_length(attributes, name) for name in ("x1", "y1", "x2", "y2"))
    return [complex(x1, y1), complex(x2, y2)]


def _polygon(attributes: Mapping[str, str]) -> list[complex]:
    found = _numbers(attributes.get("points", ""))
    if len(found) % 2:
        raise RejectedItem("svg_invalid", "a polygon has an odd number of coordinates")
    return [complex(x, y) for x, y in zip(found[::2], found[1::2], strict=True)]


def _path(attributes: Mapping[str, str]) -> list[complex]:
    return list(_along(_Pen(attributes.get("d", ""))))


_SHAPES: Mapping[str, Callable[[Mapping[str, str]], list[complex]]] = {
    "rect": _rect, "circle": _round, "ellipse": _round, "line": _line, "polygon": _polygon, "polyline": _polygon,
    "path": _path,
}  # fmt: skip


class _Pen:
    """Reads the `d` of a path piece by piece."""

    def __init__(self, text: str) -> None:
        self._text, self._place = text, 0

    def command(self) -> str:
        found = self._next(_COMMAND)
        if not found and self._text[self._place :].strip(" ,\t\r\n") and not self.more():
            raise RejectedItem("svg_invalid", f"a path cannot be read at '{self._text[self._place :][:20]}'")
        return found

    def more(self) -> bool:
        return _NUMBER.match(self._text, self._place) is not None

    def number(self) -> float:
        return float(self._needed(_NUMBER))

    def flag(self) -> bool:
        return self._needed(_FLAG) == "1"  # flags may stand without a blank between them

    def point(self, origin: complex) -> complex:
        x = self.number()
        return origin + complex(x, self.number())

    def _needed(self, what: re.Pattern[str]) -> str:
        found = self._next(what)
        if not found:
            raise RejectedItem("svg_invalid", f"a path lacks a number at '{self._text[self._place :][:20]}'")
        return found

    def _next(self, what: re.Pattern[str]) -> str:
        match = what.match(self._text, self._place)
        if match is None:
            return ""
        self._place = match.end()
        return match[1]


def _along(pen: _Pen) -> Iterator[complex]:
    """Points of a path: its corners, and where a curve turns back in x or in y."""
    here = start = 0j
    command, handle, before = "", 0j, ""
    while True:
        if given := pen.command():
            command = given
        elif not pen.more():
            return
        elif command in ("M", "m"):
            command = "L" if command == "M" else "l"  # further pairs after a move are lines
        kind = command.upper()
        if not kind or (kind == "Z" and not given):
            raise RejectedItem("svg_invalid", "a path begins with a number, or has one after its end")
        origin = here if command.islower() else 0j
        # The control point that S and T mirror is that of a curve of the same sort just before.
        mirrored = 2 * here - handle if before in _MIRRORED.get(kind, ()) else here
        if kind == "Z":
            here = start
        elif kind in "MLT":
            there = pen.point(origin)
            if kind == "T":
                handle = mirrored
                yield from _quadratic(here, handle, there)
            here = there
            start = here if kind == "M" else start
        elif kind == "H":
            here = complex(origin.real + pen.number(), here.imag)
        elif kind == "V":
            here = complex(here.real, origin.imag + pen.number())
        elif kind == "A":
            rx, ry, turn, large, sweep = pen.number(), pen.number(), pen.number(), pen.flag(), pen.flag()
            there = pen.point(origin)
            yield from _arc(here, there, abs(rx), abs(ry), math.radians(turn), large=large, sweep=sweep)
            here = there
        elif kind == "Q":
            handle, there = pen.point(origin), pen.point(origin)
            yield from _quadratic(here, handle, there)
            here = there
        else:
            first = pen.point(origin) if kind == "C" else mirrored
            handle, there = pen.point(origin), pen.point(origin)
            yield from _cubic(here, first, handle, there)
            here = there
        before = kind
        if kind != "M":
            yield start
            yield here


_MIRRORED: Mapping[str, str] = {"S": "CS", "T": "QT"}


def _quadratic(a: complex, b: complex, c: complex) -> Iterator[complex]:
    return _cubic(a, a + (b - a) * 2 / 3, c + (b - c) * 2 / 3, c)


def _cubic(a: complex, b: complex, c: complex, d: complex) -> Iterator[complex]:
    for p, q, r, s in ((a.real, b.real, c.real, d.real), (a.imag, b.imag, c.imag, d.imag)):
        for t in _roots(s - 3 * r + 3 * q - p, 2 * (r - 2 * q + p), q - p):
            if 0 < t < 1:
                u = 1 - t
                yield u**3 * a + 3 * u * u * t * b + 3 * u * t * t * c + t**3 * d


def _roots(a: float, b: float, c: float) -> list[float]:
    """Real roots of a t^2 + b t + c."""
    if abs(a) < 1e-12 * (abs(b) + abs(c)) or a == 0:
        return [-c / b] if b else []
    inner = b * b - 4 * a * c
    return [] if inner < 0 else [(-b + sign * math.sqrt(inner)) / (2 * a) for sign in (1, -1)]


def _arc(
    here: complex, there: complex, rx: float, ry: float, turn: float, *, large: bool, sweep: bool
) -> Iterator[complex]:
    """Extreme points of an elliptical arc. Source: SVG 1.1, appendix F.6, from end points to centre."""
    if rx == 0 or ry == 0 or here == there:
        return
    tilt = cmath.exp(1j * turn)
    half = (here - there) / 2 / tilt
    if (grow := (half.real / rx) ** 2 + (half.imag / ry) ** 2) > 1:
        rx, ry = rx * math.sqrt(grow), ry * math.sqrt(grow)
    unit = complex(half.real / rx, half.imag / ry)  # on the unit circle the arc is one of two through these points
    away = math.sqrt(max(0.0, 1 / abs(unit) ** 2 - 1)) * (1 if large == sweep else -1)
    middle = unit * 1j * away
    centre = tilt * complex(middle.real * rx, middle.imag * ry) + (here + there) / 2
    first, last = cmath.phase(unit - middle), cmath.phase(-unit - middle)
    span = (last - first) % math.tau if sweep else -((first - last) % math.tau)
    for angle in (
        math.atan2(-ry * math.sin(turn), rx * math.cos(turn)), math.atan2(ry * math.cos(turn), rx * math.sin(turn)),
    ):  # fmt: skip
        for one in (angle, angle + math.pi):
            along = (one - first) % math.tau if sweep else -((first - one) % math.tau)
            if abs(along) <= abs(span):
                yield centre + tilt * complex(rx * math.cos(one), ry * math.sin(one))
