"""GIF, BMP and WebP: simple runs of blocks."""

from __future__ import annotations

import struct

from sherd.ingest.containers.base import Container, check_size, corrupt, truncated
from sherd.ingest.containers.tiff import first_orientation


def read_gif(data: bytes, max_pixels: int) -> Container:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    check_size(width, height, max_pixels)
    position = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    frames = 0
    while data[position] != 0x3B:
        if data[position] == 0x21:
            position += 2
        elif data[position] == 0x2C:
            left, top, across, down, flags = struct.unpack_from("<HHHHB", data, position + 1)
            check_size(max(width, left + across), max(height, top + down), max_pixels)
            check_size(across, down, max_pixels)
            if not frames:  # a first frame that sticks out widens the picture
                width, height = max(width, left + across), max(height, top + down)
            position += 10 + (3 << (flags & 7) + 1 if flags & 0x80 else 0) + 1
            frames += 1
        else:
            raise corrupt(f"a GIF block begins with {data[position]:02X}")
        while size := data[position]:
            position += size + 1
        position += 1
    if not frames:
        raise corrupt("a GIF without a picture in it")
    return Container("gif", width, height, frames, 1, data)


def read_bmp(data: bytes, max_pixels: int) -> Container:
    pixels_at, header_size = struct.unpack_from("<II", data, 10)
    if header_size == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        compression = 0
    elif 40 <= header_size <= 124:
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
    else:
        raise corrupt(f"a BMP header of {header_size} bytes")
    height = abs(height)
    check_size(width, height, max_pixels)
    if compression in (0, 3, 6) and pixels_at + height * (-(-width * bits // 32) * 4) > len(data):
        raise truncated("BMP rows are missing")
    return Container("bmp", width, height, 1, 1, data)


def read_webp(data: bytes, max_pixels: int) -> Container:
    (size,) = struct.unpack_from("<I", data, 4)
    end, position, width, height, frames, orientation = 8 + size, 12, -1, -1, 0, 1
    if end > len(data):
        raise truncated(f"a WebP of {len(data)} bytes that should have {end}")
    while position + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, position)
        body = position + 8
        if body + length > end:
            raise truncated(f"WebP chunk {kind!r} is cut off")
        if kind == b"VP8X":
            width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (body + 4, body + 7))
        elif kind == b"VP8 " and width < 0:
            width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, body + 6))
        elif kind == b"VP8L" and width < 0:
            packed = int.from_bytes(data[body + 1 : body + 5], "little")
            width, height = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
        elif kind == b"EXIF":
            exif = data[body : body + length]
            orientation = first_orientation(exif.removeprefix(b"Exif\0\0")) or 1
        frames += kind in (b"VP8 ", b"VP8L", b"ANMF")
        position = body + length + (length & 1)
    if not frames or width < 0:
        raise corrupt("a WebP without a picture in it")
    check_size(width, height, max_pixels)
    return Container("webp", width, height, frames, orientation, data)
