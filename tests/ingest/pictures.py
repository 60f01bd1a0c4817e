"""One picture, drawn, in every way that museums store pictures. Used by the tests of the opener and by the corpus."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

WIDTH, HEIGHT = 96, 64


def drawing(width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """Four corners of different colours over a slope: no two of its eight turnings look alike."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    pixels = np.stack([40 + 180 * x / width, 40 + 180 * y / height, np.full_like(x, 90)], axis=2)
    pixels[: height // 3, : width // 4] = (230, 30, 30)
    pixels[-height // 4 :, -width // 3 :] = (20, 60, 210)
    return Image.fromarray(pixels.astype(np.uint8))


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def noisy(size_px: int = 64, seed: int = 0) -> Image.Image:
    """A picture that packs badly, so that each part of its file matters."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size_px, size_px, 3), np.uint8))


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *, before: bytes = b"") -> bytes:
    """A PNG from raw rows; `before` are chunks in front of the pixels."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", head)
        + before
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )


def rgb16_png(image: Image.Image) -> bytes:
    """16 bits a channel, which Pillow reads and does not write."""
    pixels = np.asarray(image).astype(">u2") * 257
    return png(image.width, image.height, 16, 2, b"".join(b"\0" + row.tobytes() for row in pixels))


def tiff(pixels: NDArray[np.generic], *, photometric: int, bits: tuple[int, ...], sample_format: int = 1) -> bytes:
    """An uncompressed little-endian TIFF of one strip."""
    data = pixels.tobytes()
    bits_at = 8 + 2 + 10 * 12 + 4
    strip_at = bits_at + 2 * len(bits)
    one = len(bits) == 1
    entries = [
        (256, 4, 1, pixels.shape[1]),
        (257, 4, 1, pixels.shape[0]),
        (258, 3, len(bits), bits[0] if one else struct.unpack("<I", struct.pack("<HH", *bits))[0] if len(bits) == 2
         else bits_at),
        (259, 3, 1, 1),
        (262, 3, 1, photometric),
        (273, 4, 1, strip_at),
        (277, 3, 1, len(bits)),
        (278, 4, 1, pixels.shape[0]),
        (279, 4, 1, len(data)),
        (339, 3, 1, sample_format),
    ]  # fmt: skip
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<I", 8) + directory + bytes(4) + struct.pack(f"<{len(bits)}H", *bits) + data


def _palette(image: Image.Image, *, alpha: bool = False) -> bytes:
    options: dict[str, object] = {"transparency": bytes([255] * 256)} if alpha else {}
    return saved(image.quantize(256), "PNG", **options)


def _opaque(image: Image.Image) -> Image.Image:
    image = image.copy()
    image.putalpha(255)
    return image


def _lab(image: Image.Image) -> Image.Image:
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    made = ImageCms.applyTransform(image, ImageCms.buildTransform(*profiles, "RGB", "LAB"))
    assert made is not None
    return made


def _cmyk(image: Image.Image) -> Image.Image:
    return image.convert("CMYK")


WAYS: dict[str, Callable[[Image.Image], bytes]] = {
    "jpeg": lambda image: saved(image, "JPEG", quality=95),
    "jpeg progressive": lambda image: saved(image, "JPEG", quality=95, progressive=True),
    "jpeg cmyk": lambda image: saved(_cmyk(image), "JPEG", quality=95),
    "png": lambda image: saved(image, "PNG"),
    "png palette": _palette,
    "png palette alpha": lambda image: _palette(image, alpha=True),
    "png rgba": lambda image: saved(_opaque(image), "PNG"),
    "png 16 bit": rgb16_png,
    "webp": lambda image: saved(image, "WEBP", quality=95),
    "webp lossless": lambda image: saved(image, "WEBP", lossless=True),
    "gif": lambda image: saved(image.quantize(256), "GIF"),
    "bmp": lambda image: saved(image, "BMP"),
    "tiff": lambda image: saved(image, "TIFF"),
    "tiff lzw": lambda image: saved(image, "TIFF", compression="tiff_lzw"),
    "tiff jpeg": lambda image: saved(image, "TIFF", compression="jpeg"),
    "tiff cmyk": lambda image: saved(_cmyk(image), "TIFF"),
    "tiff lab": lambda image: saved(_lab(image), "TIFF"),
    "tiff 16 bit": lambda image: tiff(
        np.asarray(image).astype("<u2") * 257, photometric=2, bits=(16, 16, 16)
    ),
    "mpo": lambda image: saved(image, "MPO", save_all=True, append_images=[Image.new("RGB", image.size)]),
}  # fmt: skip
"""Name -> the drawing, stored in that way. All of them must look the same once opened."""
