"""TIFF structure, as far as it tells whether a file is whole; EXIF blocks in other formats are the same structure."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sherd.errors import RejectedItem

MAX_PAGES = 10_000
MAX_ENTRIES = 4_096
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_UNSIGNED = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _SAMPLES, _ROWS, _PLANAR, _ORIENTATION = 256, 257, 258, 259, 277, 278, 284, 274
_STRIPS, _STRIP_BYTES, _TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES = 273, 279, 322, 323, 324, 325


class _Directory:
    """One IFD: tag -> where its unsigned integers lie. Values are read on demand, bounded by the file's length."""

    def __init__(self, data: bytes, order: str, big: bool, offset: int) -> None:
        self._data, self._order = data, order
        count_form, entry_form, inline, next_form = ("Q", "HHQ", 8, "Q") if big else ("H", "HHI", 4, "I")
        (count,) = struct.unpack_from(order + count_form, data, offset)
        if count > MAX_ENTRIES:
            raise RejectedItem("image_corrupt", f"a TIFF directory of {count} entries")
        self._entries: dict[int, tuple[int, int, int]] = {}
        at = offset + struct.calcsize(order + count_form)
        step = struct.calcsize(order + entry_form) + inline
        for _ in range(count):
            tag, kind, number = struct.unpack_from(order + entry_form, data, at)
            value_at = at + step - inline
            if _SIZES.get(kind, 1) * number > inline:
                (value_at,) = struct.unpack_from(order + next_form, data, value_at)
            self._entries.setdefault(tag, (kind, number, value_at))
            at += step
        (self.next,) = struct.unpack_from(order + next_form, data, at)

    def values(self, tag: int) -> NDArray[np.uint64]:
        """Empty when the tag is absent or not of unsigned integers. Raises RejectedItem image_truncated."""
        kind, number, at = self._entries.get(tag, (0, 0, 0))
        form = _UNSIGNED.get(kind)
        if form is None or number == 0:
            return np.empty(0, np.uint64)
        item = np.dtype(self._order + form)
        if at + number * item.itemsize > len(self._data):
            raise RejectedItem("image_truncated", f"TIFF tag {tag} promises {number} values beyond the end of the file")
        return np.frombuffer(self._data, item, number, at).astype(np.uint64)

    def first(self, tag: int, default: int) -> int:
        values = self.values(tag)
        return int(values[0]) if values.size else default


@dataclass(frozen=True, slots=True)
class TiffPages:
    """First page of a TIFF, and how many there are (counted to MAX_PAGES)."""

    width: int
    height: int
    tile_width: int
    tile_height: int
    orientation: int
    pages: int
    _first: _Directory
    _file_bytes: int

    def check_complete(self) -> None:
        """Raises RejectedItem image_truncated or image_corrupt when strips or tiles of the first page are missing."""
        page, tiled = self._first, self._first.values(_TILES).size > 0
        offsets, sizes = (page.values(tag) for tag in ((_TILES, _TILE_BYTES) if tiled else (_STRIPS, _STRIP_BYTES)))
        if not offsets.size:
            raise RejectedItem("image_corrupt", "a TIFF page without strips or tiles")
        across = -(-self.width // max(1, self.tile_width))
        needed = across * -(-self.height // max(1, self.tile_height))
        samples = page.first(_SAMPLES, 1)
        if page.first(_PLANAR, 1) == 2:
            needed *= samples
        if offsets.size < needed:
            raise RejectedItem("image_truncated", f"a TIFF page has {offsets.size} of {needed} strips or tiles")
        if not sizes.size:
            return  # an old writer that leaves the sizes out; the decoder tells whether the rows are there
        if sizes.size < needed or bool(np.any(sizes[:needed] == 0)):
            raise RejectedItem("image_truncated", "a TIFF page has empty strips or tiles")
        # float64: a sum of hostile 64-bit numbers must not wrap round
        ends = offsets[:needed].astype(np.float64) + sizes[:needed].astype(np.float64)
        if float(ends.max()) > self._file_bytes:
            raise RejectedItem("image_truncated", f"TIFF strips reach to byte {ends.max():.0f} of {self._file_bytes}")
        if page.first(_COMPRESSION, 1) == 1:
            bits = page.values(_BITS)
            pixel_bits = int(bits.sum()) if bits.size == samples else (int(bits[0]) if bits.size else 1) * samples
            if float(sizes[:needed].astype(np.float64).sum()) < self.width * self.height * pixel_bits / 8:
                raise RejectedItem("image_truncated", "TIFF strips are smaller than the page")


def _header(data: bytes) -> tuple[str, bool, int]:
    order = {b"II": "<", b"MM": ">"}[data[:2]]
    big = struct.unpack_from(order + "H", data, 2)[0] == 43
    return order, big, struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)[0]


def read_tiff(data: bytes) -> TiffPages:
    """The pages of a TIFF or BigTIFF file.

    Raises:
        RejectedItem: image_corrupt (directories in a circle, or absurd) or image_truncated.
        struct.error: a structure is cut off.
    """
    order, big, offset = _header(data)
    first = page = _Directory(data, order, big, offset)
    seen = {offset}
    while page.next and len(seen) < MAX_PAGES:
        if page.next in seen:
            raise RejectedItem("image_corrupt", "the pages of a TIFF go in a circle")
        seen.add(page.next)
        page = _Directory(data, order, big, page.next)
    width, height = first.first(_WIDTH, 0), first.first(_HEIGHT, 0)
    tiled = first.values(_TILES).size > 0
    return TiffPages(
        width,
        height,
        first.first(_TILE_WIDTH, 0) if tiled else width,
        first.first(_TILE_HEIGHT, 0) if tiled else min(height, first.first(_ROWS, height)),
        _valid_orientation(first.first(_ORIENTATION, 1)),
        len(seen),
        first,
        len(data),
    )


def _valid_orientation(value: int) -> int:
    return value if 1 <= value <= 8 else 1


def unsigned(block: bytes, tag: int) -> int | None:
    """First value of a tag in the first directory of an EXIF or MPF block; None for anything bad in it."""
    try:
        order, big, offset = _header(block)
        return _Directory(block, order, big, offset).first(tag, 0) or None
    except (struct.error, OverflowError, KeyError, RejectedItem):
        return None


def first_orientation(block: bytes) -> int | None:
    """Orientation 1..8 of an EXIF block; None for none or a bad one."""
    value = unsigned(block, _ORIENTATION)
    return value if value is not None and 1 <= value <= 8 else None
