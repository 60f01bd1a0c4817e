"""What every container reader gives, and the words it refuses with."""

from __future__ import annotations

from dataclasses import dataclass

from sherd.errors import RejectedItem

MAX_SEGMENTS = 1_000_000
"""Chunks or segments of one file; more is an attack, for each costs a step."""


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
