"""The outside of picture files, read without decoding: format by content, size, frames, orientation, completeness.

Pillow decodes some files that end too early and fills the rest with black or grey. So each format's own structure is
walked here to its end first; what lies after the end (a second file glued on) is ignored. Everything is read from
bounded positions in `bytes`; loops are bounded by the file's length or by a stated cap.
"""

from __future__ import annotations

import re
import struct

from sherd.errors import RejectedItem
from sherd.ingest.containers.base import Container, check_size, truncated
from sherd.ingest.containers.blocks import read_bmp, read_gif, read_webp
from sherd.ingest.containers.jpeg import read_jpeg
from sherd.ingest.containers.png import read_png
from sherd.ingest.containers.tiff import read_tiff

__all__ = ["SUPPORTED", "Container", "read_container"]


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


def _read_tiff(data: bytes, max_pixels: int) -> Container:
    pages = read_tiff(data)
    check_size(pages.width, pages.height, max_pixels)
    check_size(pages.tile_width, pages.tile_height, max_pixels)
    pages.check_complete()
    return Container("tiff", pages.width, pages.height, pages.pages, pages.orientation, data)


SUPPORTED = "JPEG, PNG, WebP, TIFF, GIF and BMP"
_READERS = (
    (rb"\xff\xd8\xff", read_jpeg),
    (rb"\x89PNG\r\n\x1a\n", read_png),
    (rb"GIF8[79]a", read_gif),
    (rb"RIFF.{4}WEBP", read_webp),
    (rb"II[*+]\0|MM\0[*+]", _read_tiff),
    (rb"BM", read_bmp),
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
