"""A part of a picture in another size, turned, in fewer colours: what a viewer shows.

Pictures are opened by the rules of `sherd.ingest.pictures`; `PictureRenderer` runs in a decoder process.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from sherd.errors import RejectedItem
from sherd.ingest.files import read_below
from sherd.ingest.pictures import JPEG_QUALITY, PictureLimits, decode_upright

QUALITIES = ("default", "color", "gray", "bitonal")
"""The first two are one: colours as they are."""
FORMATS = ("jpg", "png")
_HALVINGS = (8, 4, 2)
"""By which libjpeg can divide a picture while decoding it."""
_TURNS = {
    90: Image.Transpose.ROTATE_270,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}
"""By degrees clockwise; Pillow turns the other way."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """What to make of a picture.

    region: x, y, w, h in pixels of the upright picture, inside it. size: of what comes of it, before it is turned.
    mirrored: from left to right, before it is turned. rotation: 0, 90, 180 or 270 degrees clockwise. quality: one of
    `QUALITIES`. format: one of `FORMATS`.
    """

    region: tuple[int, int, int, int]
    size: tuple[int, int]
    mirrored: bool = False
    rotation: int = 0
    quality: str = "default"
    format: str = "jpg"

    @property
    def scale(self) -> float:
        """Pixels that are asked for, for each pixel of the picture."""
        return max(self.size[0] / self.region[2], self.size[1] / self.region[3])


class PictureRenderer:
    """Renders pictures of files; keeps the one that it decoded last, since viewers ask for many parts of one."""

    def __init__(self, limits: PictureLimits) -> None:
        self._limits = limits
        self._last: _Decoded | None = None

    def render(self, root: Path, relative: str, sha256: str, wanted: Rendering) -> bytes:
        """The file of the rendered picture.

        Args:
            sha256: of the file; what has become another one is not shown.
        Raises:
            RejectedItem: as `open_picture_file`, and content_changed.
        """
        step = next((step for step in _HALVINGS if wanted.scale * step <= 1), 1)
        if self._last is None or self._last.sha256 != sha256 or self._last.step > step:
            self._last = None  # before the next one is decoded, for the sake of memory
            data = read_below(root, relative, self._limits.max_file_bytes)
            if hashlib.sha256(data).hexdigest() != sha256:
                raise RejectedItem("content_changed", "the file is not the one that was ingested")
            size, image = decode_upright(data, self._limits, step)
            self._last = _Decoded(sha256, step if image.size != size else 1, size, image)
        return rendered(self._last.image, wanted, self._last.size)


@dataclass(frozen=True, slots=True)
class _Decoded:
    """A picture upright, at least as large as `step` demands; size: of the full picture."""

    sha256: str
    step: int
    size: tuple[int, int]
    image: Image.Image


def rendered(image: Image.Image, wanted: Rendering, size: tuple[int, int]) -> bytes:
    """The file of what is wanted of an upright picture.

    Args:
        image: the picture, which may be smaller than `size`, width and height of the full one.
    """
    x, y, w, h = wanted.region
    if image.size == size and wanted.size == (w, h):
        part = image.crop((x, y, x + w, y + h))
    else:
        across, down = image.width / size[0], image.height / size[1]
        # The product of a sum and a quotient may be a hair too large.
        edges = (x * across, y * down, min((x + w) * across, image.width), min((y + h) * down, image.height))
        part = image.resize(wanted.size, Image.Resampling.LANCZOS, edges, reducing_gap=2.0)
    if wanted.mirrored:
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if wanted.rotation:
        part = part.transpose(_TURNS[wanted.rotation])
    if wanted.quality in ("gray", "bitonal"):
        part = part.convert("L")
    if wanted.quality == "bitonal":
        part = part.point(lambda value: 255 if value >= 128 else 0, "1")
    stream = io.BytesIO()
    if wanted.format == "png":
        part.save(stream, "PNG", compress_level=3)
    else:
        part.save(stream, "JPEG", quality=JPEG_QUALITY)
    return stream.getvalue()
