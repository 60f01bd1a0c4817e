"""A heat map as a picture to be laid over the one that it tells of."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from sherd.errors import InvalidArgument
from sherd.types import FloatArray

_WARM = np.array([214, 64, 31], np.float64)
_HOT = np.array([255, 214, 90], np.float64)
_MOST_ALPHA = 190


def heat_picture(heat: FloatArray, width: int, height: int) -> bytes:
    """A PNG of `width` x `height` pixels: clear up to the mean, red where it is warmer, yellow at the peak.

    Args:
        heat: (h, w) any finite values, larger is hotter. A flat map gives a clear picture.
    Raises:
        InvalidArgument: heat is empty or not finite, or a side is below 1.
    """
    if heat.ndim != 2 or not heat.size or not np.isfinite(heat).all() or min(width, height) < 1:
        raise InvalidArgument(f"a heat map of shape {heat.shape} cannot be drawn on {width} x {height} pixels")
    values = heat.astype(np.float64)
    peak, mean = float(values.max()), float(values.mean())
    if peak - mean <= 1e-9 * max(1.0, abs(peak)):
        level = np.zeros_like(values)
    else:
        level = np.clip((values - mean) / (peak - mean), 0, 1)
    fine = Image.fromarray((255 * level).astype(np.uint8)).resize((width, height), Image.Resampling.BICUBIC)
    share = np.asarray(fine, np.float64)[..., None] / 255
    pixels = np.concatenate([_WARM + share * (_HOT - _WARM), _MOST_ALPHA * np.sqrt(share)], axis=2)
    stream = io.BytesIO()
    Image.fromarray(pixels.round().astype(np.uint8), "RGBA").save(stream, "PNG", optimize=False, compress_level=3)
    return stream.getvalue()
