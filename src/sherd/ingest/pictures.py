"""The one safe way to open a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sherd.types import Picture


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """What is too big to be opened. max_pixels: width x height. max_file_bytes: the file. thumbnail_px: longest side."""

    max_pixels: int = 200_000_000
    max_file_bytes: int = 512 * 1024 * 1024
    thumbnail_px: int = 512


@dataclass(frozen=True, slots=True)
class OpenedPicture:
    """A picture that could be decoded whole.

    sha256: hex digest of the file's bytes. width, height: upright, full size. format: 'jpeg', 'png', 'webp', 'tiff',
    'gif' or 'bmp'. frames: how many the file holds; the first one counts. thumbnail: JPEG, upright sRGB.
    """

    sha256: str
    width: int
    height: int
    format: str
    frames: int
    thumbnail: bytes


def open_picture(data: bytes, limits: PictureLimits | None = None) -> OpenedPicture:
    """Decode the bytes of a picture file, in this process.

    Raises:
        RejectedItem: with a reason.
    """
    raise NotImplementedError


def open_picture_file(root: Path, relative: str, limits: PictureLimits | None = None) -> OpenedPicture:
    """Read the file `relative` below `root` safely and decode it, in this process.

    Raises:
        RejectedItem: with a reason.
    """
    raise NotImplementedError


def thumbnail_pixels(jpeg: bytes) -> Picture:
    """The pixels of a thumbnail made by `open_picture`: (height, width, 3) upright sRGB.

    Raises:
        CorruptData: the bytes are no complete JPEG.
    """
    raise NotImplementedError
