"""The one safe way to open a picture.

Rules, the same for ingest and for queries:
- The type is told by content alone: JPEG, PNG, WebP, TIFF, GIF and BMP, nothing else. What follows the end of the
  picture in the file is ignored; only our own re-encoded thumbnail is ever handed on.
- The header is checked against the limits before anything is decoded; a file that ends early is refused.
- The first frame or page counts; the others are counted.
- Turned upright by EXIF orientation; a bad EXIF block is ignored.
- Colours become 8-bit sRGB: by the embedded profile (a bad one, or one of another colour model, is ignored), else as
  Pillow converts them. LAB is read as D50. 16-bit grey is full scale. 32-bit and float grey is 0..1, 0..255 or
  0..65535, the smallest of these ranges that holds all finite values, else stretched from its lowest to its highest
  value; what is not finite becomes black. Transparent parts show a white background.
"""

from __future__ import annotations

import hashlib
import io
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from sherd.errors import CorruptData, RejectedItem
from sherd.ingest.colours import to_srgb
from sherd.ingest.containers import Container, read_container
from sherd.ingest.files import read_below
from sherd.types import Picture

JPEG_QUALITY = 90
T = TypeVar("T")
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_PLUGINS: dict[str, type[ImageFile.ImageFile]] = {
    "jpeg": JpegImagePlugin.JpegImageFile,
    "png": PngImagePlugin.PngImageFile,
    "webp": WebPImagePlugin.WebPImageFile,
    "tiff": TiffImagePlugin.TiffImageFile,
    "gif": GifImagePlugin.GifImageFile,
    "bmp": BmpImagePlugin.BmpImageFile,
}
# Pillow reports oddities as warnings, and muting those is not thread-safe; in bulk, DecoderPool is the way anyhow.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """What is too big to be opened; max_pixels is width x height. thumbnail_px: longest side of a thumbnail."""

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
        RejectedItem: file_empty, file_too_large, unsupported_type, image_zero_size, image_too_large, image_truncated,
            image_corrupt or decoder_memory.
    """
    limits = limits or PictureLimits()
    container = _checked(data, limits)
    width, height = _upright(container)
    return OpenedPicture(
        sha256=hashlib.sha256(data).hexdigest(),
        width=width,
        height=height,
        format=container.format,
        frames=container.frames,
        thumbnail=_thumbnail(container, limits.thumbnail_px),
    )


def open_picture_file(root: Path, relative: str, limits: PictureLimits | None = None) -> OpenedPicture:
    """Read the file `relative` below `root` safely and decode it, in this process.

    Raises:
        RejectedItem: as `open_picture`, and path_invalid, path_outside_root, symlink_loop, file_missing, not_a_file or
            file_unreadable.
    """
    limits = limits or PictureLimits()
    return open_picture(read_below(root, relative, limits.max_file_bytes), limits)


def picture_size(root: Path, relative: str, limits: PictureLimits | None = None) -> tuple[int, int]:
    """Width and height, upright, of a picture file below `root`, without decoding it.

    Raises:
        RejectedItem: as `open_picture_file`, but pixels that cannot be decoded are not noticed.
    """
    limits = limits or PictureLimits()
    return _upright(_checked(read_below(root, relative, limits.max_file_bytes), limits))


def thumbnail_pixels(jpeg: bytes) -> Picture:
    """The pixels of a thumbnail made by `open_picture`: (height, width, 3) upright sRGB.

    Raises:
        CorruptData: the bytes are no complete JPEG.
    """
    try:
        return np.array(JpegImagePlugin.JpegImageFile(io.BytesIO(jpeg)).convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise CorruptData(f"a stored thumbnail of {len(jpeg)} bytes is damaged ({error}); run sherd repair") from error


def _checked(data: bytes, limits: PictureLimits) -> Container:
    if not data:
        raise RejectedItem("file_empty", "a picture of no bytes")
    if len(data) > limits.max_file_bytes:
        raise RejectedItem("file_too_large", f"{len(data)} bytes; the limit is {limits.max_file_bytes}")
    return read_container(data, limits.max_pixels)


def _upright(container: Container) -> tuple[int, int]:
    size = (container.width, container.height)
    return size[::-1] if container.orientation >= 5 else size


def decode_upright(data: bytes, limits: PictureLimits, step: int = 1) -> tuple[tuple[int, int], Image.Image]:
    """Width and height of the full picture, and the picture upright in sRGB: a JPEG at 1/`step` of its size, which
    costs less, everything else in full. In this process.

    Args:
        step: 1, 2, 4 or 8.
    Raises:
        RejectedItem: as `open_picture`.
    """
    container = _checked(data, limits)

    def decode() -> Image.Image:
        image = _decoded(container, (container.width // step, container.height // step))
        return _turned(to_srgb(image, container.icc, max(image.size)), container)

    return _upright(container), _guarded(container, decode)


def _thumbnail(container: Container, longest: int) -> bytes:
    def decode() -> bytes:
        # libjpeg halves while decoding, down to twice what is needed.
        image = _decoded(container, (2 * longest, 2 * longest))
        stream = io.BytesIO()
        _turned(to_srgb(image, container.icc, longest), container).save(stream, "JPEG", quality=JPEG_QUALITY)
        return stream.getvalue()

    return _guarded(container, decode)


def _guarded(container: Container, decode: Callable[[], T]) -> T:
    """What `decode` gives, with a reason for whatever it raises."""
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return decode()
        except RejectedItem:
            raise
        except MemoryError as error:
            raise RejectedItem("decoder_memory", "decoding needs more memory than is allowed") from error
        # Decoders meet hostile bytes here and raise whatever comes to them: struct.error, KeyError, SyntaxError...
        except Exception as error:
            early = "truncated" in str(error) or isinstance(error, EOFError)
            reason = "image_truncated" if early else "image_corrupt"
            raise RejectedItem(
                reason, f"{container.format} cannot be decoded: {error or type(error).__name__}"
            ) from error


def _decoded(container: Container, least: tuple[int, int]) -> ImageFile.ImageFile:
    image = _PLUGINS[container.format](io.BytesIO(container.pixels))
    turned_already = container.format == "tiff"  # Pillow turns TIFF pages while loading
    if container.format == "jpeg":
        image.draft(None, least)
    elif not turned_already and image.size != (container.width, container.height):
        raise RejectedItem("image_corrupt", f"two parts of the file give it two sizes: {image.size}")
    image.load()
    if turned_already and image.size != _upright(container):
        raise RejectedItem("image_corrupt", f"two parts of the file give it two sizes: {image.size}")
    return image


def _turned(image: Image.Image, container: Container) -> Image.Image:
    if container.format != "tiff" and container.orientation in _TURNS:
        return image.transpose(_TURNS[container.orientation])
    return image
