"""PNG structure: chunks and their checksums, and whether the packed rows are all there."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from sherd.ingest.containers.base import MAX_SEGMENTS, Container, check_size, corrupt, truncated
from sherd.ingest.containers.tiff import first_orientation

MAX_ICC_BYTES = 4 * 1024 * 1024
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_KEPT = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"sBIT", b"bKGD", b"hIST")
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start of the whole chunk, length of its body), to IEND; lengths and checksums are checked."""
    view, position = memoryview(data), 8
    for _ in range(MAX_SEGMENTS):
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length
        if end + 4 > len(data):
            raise truncated(f"PNG chunk {kind!r} is cut off")
        if zlib.crc32(view[position + 4 : end]) != struct.unpack_from(">I", data, end)[0]:
            raise corrupt(f"PNG chunk {kind!r} does not match its checksum")
        yield kind, position, length
        if kind == b"IEND":
            return
        position = end + 4
    raise corrupt(f"a PNG of more than {MAX_SEGMENTS} chunks")


def read_png(data: bytes, max_pixels: int) -> Container:
    length, kind, width, height, depth, colour, _, _, interlace = struct.unpack_from(">I4sIIBBBBB", data, 8)
    if kind != b"IHDR" or length != 13:
        raise corrupt("a PNG that does not begin with its header")
    check_size(width, height, max_pixels)
    if colour not in _CHANNELS or depth not in (1, 2, 4, 8, 16) or interlace > 1:
        raise corrupt(f"a PNG of colour type {colour}, depth {depth}, interlace {interlace}")
    frames, orientation, icc, palette = 1, 1, None, False
    kept: list[bytes | memoryview] = [data[:8]]
    bodies: list[memoryview] = []
    dropped = False
    for kind, start, length in _png_chunks(data):
        body = memoryview(data)[start + 8 : start + 8 + length]
        if kind == b"acTL" and length >= 4:
            frames = max(1, struct.unpack_from(">I", body)[0])
        elif kind == b"eXIf":
            orientation = first_orientation(bytes(body)) or 1
        elif kind == b"iCCP":
            icc = _unpacked_icc(bytes(body))
        elif kind == b"PLTE":
            palette = True
        elif kind == b"IDAT":
            bodies.append(body)
        if kind in _KEPT:
            kept.append(memoryview(data)[start : start + length + 12])
        else:
            dropped = True
    if colour == 3 and not palette:
        raise corrupt("a PNG of palette colours without its palette")
    _check_png_rows(bodies, width, height, depth * _CHANNELS[colour], bool(interlace))
    return Container("png", width, height, frames, orientation, b"".join(kept) if dropped else data, icc)


def _check_png_rows(bodies: list[memoryview], width: int, height: int, bits: int, interlaced: bool) -> None:
    """Unpacks the rows once, in pieces, and counts them: the decoder itself accepts too few of them silently."""
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    expected = 0
    for x, y, step_x, step_y in passes:
        across, down = -(-(width - x) // step_x), -(-(height - y) // step_y)
        if across > 0 and down > 0:
            expected += down * (1 + -(-across * bits // 8))
    unpacker, count = zlib.decompressobj(), 0
    try:
        for body in bodies:
            piece: bytes | memoryview = body
            while piece and count < expected:
                count += len(unpacker.decompress(piece, 1 << 20))
                piece = unpacker.unconsumed_tail
            if count >= expected or unpacker.eof:
                break
    except zlib.error as error:
        raise corrupt(f"PNG rows cannot be unpacked: {error}") from error
    if count < expected:
        raise truncated(f"PNG rows end after {count} of {expected} bytes")


def _unpacked_icc(body: bytes) -> bytes | None:
    name_end = body.find(b"\0")
    try:
        unpacker = zlib.decompressobj()
        profile = unpacker.decompress(body[name_end + 2 :], MAX_ICC_BYTES)
    except zlib.error:
        return None
    return profile if unpacker.eof else None
