"""JPEG structure: segments to the end marker."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from sherd.ingest.containers.base import MAX_SEGMENTS, Container, check_size, corrupt, truncated
from sherd.ingest.containers.tiff import first_orientation, unsigned

_MARKER = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])")
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PADDING = b"\xff\x00" * 8
"""64 one-bits, escaped: what the decoder may look ahead by, and less than any real gap."""


@dataclass(slots=True)
class _Seen:
    """What the segments said so far. mcu: width, height in pixels, and blocks, of the smallest coded unit."""

    width: int = -1
    height: int = -1
    sequential: bool = False
    mcu: tuple[int, int, int] = (8, 8, 1)
    frames: int = 1
    orientation: int = 1
    restart_every: int = 0
    scans: int = 0
    scan_at: int = 0


def read_jpeg(data: bytes, max_pixels: int) -> Container:
    """The first picture of a JPEG or MPO file.

    A sequential JPEG is handed on without its end marker: at that marker libjpeg invents grey for whatever is missing,
    while without it the decoder starves and says so. Progressive files need the marker, so a progressive scan that was
    shortened from within shows as blur and is not noticed.
    """
    seen, position = _Seen(), 2
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.search(data, position)
        if found is None:
            raise truncated("a JPEG without its end marker")
        marker, position = found[1][0], found.end()
        if marker == 0xD9:
            break
        if marker in (0x01, 0xD8):
            continue
        (length,) = struct.unpack_from(">H", data, position)
        if length < 2:
            raise corrupt(f"JPEG segment {marker:02X} has length {length}")
        if position + length > len(data):
            raise truncated(f"JPEG segment {marker:02X} is cut off")
        _take(seen, marker, data[position + 2 : position + length], max_pixels)
        position += length
        if marker == 0xDA:
            seen.scans, seen.scan_at = seen.scans + 1, position
    else:
        raise corrupt(f"a JPEG of more than {MAX_SEGMENTS} segments")
    if seen.width < 0 or not seen.scans:
        raise corrupt("a JPEG without a picture in it")
    end = found.start()
    pixels = data
    if seen.sequential and seen.scans == 1:
        _check_scan(seen, data, end)
        pixels = b"".join((memoryview(data)[:end], _PADDING))
    return Container("jpeg", seen.width, seen.height, seen.frames, seen.orientation, pixels)


def _take(seen: _Seen, marker: int, body: bytes, max_pixels: int) -> None:
    if marker in _FRAMES and seen.width < 0:
        seen.height, seen.width, parts = struct.unpack_from(">HHB", body, 1)
        check_size(seen.width, seen.height, max_pixels)
        factors = [(body[7 + 3 * n] >> 4, body[7 + 3 * n] & 15) for n in range(parts)]
        if not all(1 <= across <= 4 and 1 <= down <= 4 for across, down in factors) or not factors:
            raise corrupt("a JPEG with impossible sampling factors")
        seen.sequential = marker in (0xC0, 0xC1)
        if parts > 1:  # a single component is coded block by block, whatever its factors
            blocks = sum(across * down for across, down in factors)
            seen.mcu = (8 * max(a for a, _ in factors), 8 * max(d for _, d in factors), blocks)
    elif marker == 0xDD and len(body) >= 2:
        (seen.restart_every,) = struct.unpack_from(">H", body)
    elif marker == 0xE1 and body.startswith(b"Exif\0\0"):
        seen.orientation = first_orientation(body[6:]) or seen.orientation
    elif marker == 0xE2 and body.startswith(b"MPF\0"):
        seen.frames = max(seen.frames, unsigned(body[4:], 0xB001) or 1)


def _check_scan(seen: _Seen, data: bytes, end: int) -> None:
    """The only scan has the bytes and the restart markers that the header's size asks for, at the very least."""
    units = -(-seen.width // seen.mcu[0]) * -(-seen.height // seen.mcu[1])
    if units * seen.mcu[2] * 2 / 8 > end - seen.scan_at:  # a block takes two bits or more
        raise truncated(f"{end - seen.scan_at} bytes cannot hold the {seen.width} x {seen.height} pixels of a JPEG")
    if seen.restart_every:
        restarts = sum(1 for _ in _RESTART.finditer(data, seen.scan_at, end))
        if restarts < -(-units // seen.restart_every) - 1:
            raise truncated("a JPEG lacks some of its restart markers")
