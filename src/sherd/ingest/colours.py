"""Any picture mode to a small 8-bit sRGB picture; the rules stand at the head of pictures.py."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, TiffImagePlugin

from sherd.ingest.containers.png import MAX_ICC_BYTES

BACKGROUND = (255, 255, 255)
_ICC_SPACES = {"L": "GRAY", "RGB": "RGB ", "CMYK": "CMYK"}
_PIXELS_AT_ONCE = 1_000_000


def to_srgb(image: Image.Image, icc: bytes | None, longest: int) -> Image.Image:
    """`image`, already loaded, as mode RGB in sRGB, its longest side at most `longest` pixels; never enlarged.

    Colours are converted after shrinking, which costs little and changes nothing that a thumbnail shows.
    """
    profile = icc or image.info.get("icc_profile")
    small = _shrunk(_plain_mode(image), longest)
    alpha = None
    if small.mode in ("LA", "RGBA"):
        alpha = small.getchannel("A")
        small = small.convert(small.mode[:-1])
    colours = _by_profile(small, profile if isinstance(profile, bytes) else None).convert("RGB")
    if alpha is None:
        return colours
    return Image.composite(colours, Image.new("RGB", colours.size, BACKGROUND), alpha)


def _plain_mode(image: Image.Image) -> Image.Image:
    """One of L, LA, RGB, RGBA, CMYK, LAB, which shrink well."""
    mode = image.mode
    if mode.startswith("I;16") or mode in ("I", "F"):
        grey = _grey(image)
        white_is_zero = isinstance(image, TiffImagePlugin.TiffImageFile) and image.tag_v2.get(262) == 0
        return ImageOps.invert(grey) if white_is_zero else grey
    if mode in ("La", "RGBa"):
        return image.convert({"La": "LA", "RGBa": "RGBA"}[mode])
    if mode == "PA" or (mode in ("1", "L", "RGB", "P") and "transparency" in image.info):
        return image.convert("RGBA")
    if mode == "1":
        return image.convert("L")
    return image if mode in ("L", "LA", "RGB", "RGBA", "CMYK", "LAB") else image.convert("RGB")


def _shrunk(image: Image.Image, longest: int) -> Image.Image:
    scale = longest / max(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _grey(image: Image.Image) -> Image.Image:
    """16-bit, 32-bit and float grey to 8 bits, some rows at a time so that a big picture does not need three copies."""
    if image.mode.startswith("I;16"):
        low, high = 0.0, 65_535.0
    else:
        low, high = _range(image)
    scale = 255.0 / (high - low) if high > low else 0.0
    out = np.empty((image.height, image.width), np.uint8)
    for top, rows in _row_blocks(image):
        finite = np.where(np.isfinite(rows), rows, low)
        out[top : top + rows.shape[0]] = np.clip((finite - low) * scale + 0.5, 0, 255).astype(np.uint8)
    return Image.fromarray(out)


def _range(image: Image.Image) -> tuple[float, float]:
    low, high = np.inf, -np.inf
    for _, rows in _row_blocks(image):
        finite = rows[np.isfinite(rows)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if low > high:
        return 0.0, 1.0
    tops = (1.0, 255.0, 65_535.0) if image.mode == "F" else (255.0, 65_535.0)
    top = next((top for top in tops if low >= 0 and high <= top), None)
    return (low, high) if top is None else (0.0, top)


def _row_blocks(image: Image.Image) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """(top row, rows) of the whole picture."""
    step = max(1, _PIXELS_AT_ONCE // image.width)
    for top in range(0, image.height, step):
        block = image.crop((0, top, image.width, min(image.height, top + step)))
        yield top, np.asarray(block).astype(np.float64)


@lru_cache(maxsize=8)
def _transform(profile: bytes | None, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From the profile (None: LAB) to sRGB; None where the profile is bad, of another model, or sRGB itself."""
    try:
        if profile is None:
            source = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        else:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if source.profile.xcolor_space != _ICC_SPACES.get(mode):
                return None
            if (source.profile.profile_description or "").startswith("sRGB"):
                return None
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _by_profile(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode == "LAB":
        profile = None
    elif profile is None or len(profile) > MAX_ICC_BYTES:
        return image
    transform = _transform(profile, image.mode)
    if transform is None:
        return image
    try:
        return ImageCms.applyTransform(image, transform) or image
    except (ImageCms.PyCMSError, ValueError):
        return image
