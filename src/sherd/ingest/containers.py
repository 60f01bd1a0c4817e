"""The outside of picture files, read without decoding: format by content, size, frames, orientation, completeness.

Pillow decodes some files that end too early and fills the rest with black or grey. So each format's own structure is
walked here to its end first; what lies after the end (a second file glued on) is ignored. Everything is read from
bounded positions in `bytes`; loops are bounded by the file's length or by a stated cap.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from sherd.errors import RejectedItem
from sherd.ingest.tiff import first_orientation, read_tiff, unsigned

MAX_SEGMENTS = 1_000_000
MAX_ICC_BYTES = 4 * 1024 * 1024
_JPEG_MARKER = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])")
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PNG_KEPT = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"sBIT", b"bKGD", b"hIST")
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


@dataclass(frozen=True, slots=True)
class Container:
    """What the file says of itself.

    format: jpeg, png, webp, tiff, gif or bmp. width, height: as stored, before any turning. orientation: 1..8 as in
    EXIF. icc: the colour profile where it had to be unpacked here (PNG), else None. pixels: the file, or the part of
    it that the decoder needs (a PNG without its text and animation chunks, which may be bombs of their own).
    """

    format: str
    width: int
    height: int
    frames: int
    orientation: int
    pixels: bytes
    icc: bytes | None = None


def read_container(data: bytes, max_pixels: int) -> Container:
    """Walk the file to its end.

    Raises:
        RejectedItem: unsupported_type, image_zero_size, image_too_large, image_truncated or image_corrupt.
    """
    reader = next((read for magic, read in _READERS if re.match(magic, data, re.DOTALL)), None)
    if reader is None:
        raise RejectedItem("unsupported_type", f"the content is {_guessed_type(data)}; {SUPPORTED} are read")
    try:
        return reader(data, max_pixels)
    except (struct.error, IndexError, OverflowError) as error:
        raise truncated("a structure is cut off") from error


def truncated(what: str) -> RejectedItem:
    return RejectedItem("image_truncated", f"the file ends too early: {what}")


def corrupt(what: str) -> RejectedItem:
    return RejectedItem("image_corrupt", what)


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Raises RejectedItem image_zero_size or image_too_large."""
    if width < 1 or height < 1:
        raise RejectedItem("image_zero_size", f"the header says {width} x {height} pixels")
    if width * height > max_pixels:
        raise RejectedItem(
            "image_too_large", f"the header says {width} x {height} pixels; the limit is {max_pixels} in all"
        )


def _read_jpeg(data: bytes, max_pixels: int) -> Container:
    position, width, height, frames, orientation = 2, -1, -1, 1, 1
    blocks_per_pixel = 0.0
    scan_seen = False
    for _ in range(MAX_SEGMENTS):
        found = _JPEG_MARKER.search(data, position)
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
        body = memoryview(data)[position + 2 : position + length]
        if len(body) < length - 2:
            raise truncated(f"JPEG segment {marker:02X} is cut off")
        if marker in _JPEG_FRAMES and width < 0:
            height, width, parts = struct.unpack_from(">HHB", body, 1)
            check_size(width, height, max_pixels)
            factors = [body[7 + 3 * n] for n in range(parts)]
            across, down = (
                max((f >> 4 for f in factors), default=1) or 1,
                max((f & 15 for f in factors), default=1) or 1,
            )
            blocks_per_pixel = sum((f >> 4) * (f & 15) for f in factors) / (64 * across * down) if marker < 0xC2 else 0
        elif marker == 0xE1 and bytes(body[:6]) == b"Exif\0\0":
            orientation = first_orientation(bytes(body[6:])) or orientation
        elif marker == 0xE2 and bytes(body[:4]) == b"MPF\0":
            frames = max(frames, unsigned(bytes(body[4:]), 0xB001) or 1)
        scan_seen = scan_seen or marker == 0xDA
        position += length
    if width < 0 or not scan_seen:
        raise corrupt("a JPEG without a picture in it")
    if width * height * blocks_per_pixel * 2 / 8 > len(data):  # each block takes two bits at the very least
        raise truncated(f"{len(data)} bytes cannot hold the {width} x {height} pixels that a JPEG header promises")
    return Container("jpeg", width, height, frames, orientation, data)


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


def _read_png(data: bytes, max_pixels: int) -> Container:
    length, kind, width, height, depth, colour, _, _, interlace = struct.unpack_from(">I4sIIBBBBB", data, 8)
    if kind != b"IHDR" or length != 13:
        raise corrupt("a PNG that does not begin with its header")
    check_size(width, height, max_pixels)
    if colour not in _PNG_CHANNELS or depth not in (1, 2, 4, 8, 16) or interlace > 1:
        raise corrupt(f"a PNG of colour type {colour}, depth {depth}, interlace {interlace}")
    frames, orientation, icc = 1, 1, None
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
        elif kind == b"IDAT":
            bodies.append(body)
        if kind in _PNG_KEPT:
            kept.append(memoryview(data)[start : start + length + 12])
        else:
            dropped = True
    _check_png_rows(bodies, width, height, depth * _PNG_CHANNELS[colour], bool(interlace))
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


def _read_gif(data: bytes, max_pixels: int) -> Container:
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


def _read_bmp(data: bytes, max_pixels: int) -> Container:
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


def _read_webp(data: bytes, max_pixels: int) -> Container:
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


def _read_tiff(data: bytes, max_pixels: int) -> Container:
    pages = read_tiff(data)
    check_size(pages.width, pages.height, max_pixels)
    check_size(pages.tile_width, pages.tile_height, max_pixels)
    pages.check_complete()
    return Container("tiff", pages.width, pages.height, pages.pages, pages.orientation, data)


SUPPORTED = "JPEG, PNG, WebP, TIFF, GIF and BMP"
_READERS = (
    (rb"\xff\xd8\xff", _read_jpeg),
    (rb"\x89PNG\r\n\x1a\n", _read_png),
    (rb"GIF8[79]a", _read_gif),
    (rb"RIFF.{4}WEBP", _read_webp),
    (rb"II[*+]\0|MM\0[*+]", _read_tiff),
    (rb"BM", _read_bmp),
)
_OTHERS = (
    (rb"%PDF", "a PDF"),
    (rb"....ftyp(?:hei|hev|mif|msf)", "HEIC"),
    (rb"....ftypavi", "AVIF"),
    (rb"8BPS", "a Photoshop file"),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "PostScript"),
    (rb"\0\0[\1\2]\0", "an icon"),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "JPEG 2000"),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "JPEG XL"),
    (rb"PK[\3\5\7]", "a ZIP archive"),
    (rb"\0+\Z", "nothing but zeros"),
    (rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml.{0,2000})?<(?:!DOCTYPE svg|svg)", "SVG"),
    (rb"(?:\xef\xbb\xbf)?\s*<", "a web page or XML"),
    (rb"[\t\n\r\x20-\x7e]+", "text"),
)


def _guessed_type(data: bytes) -> str:
    head = data[:4096]
    return next((name for magic, name in _OTHERS if re.match(magic, head, re.DOTALL | re.IGNORECASE)), "not a picture")
