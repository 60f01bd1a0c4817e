"""From a picture to a network's input. Its version is part of every fingerprint."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from sherd.types import Picture

PREPROCESS_VERSION = 2
MAX_ASPECT = 3.0
"""A picture longer than this is squeezed to it."""


def input_shape(height: int, width: int, size_px: int, multiple: int = 16) -> tuple[int, int]:
    """(height, width) of the input: about size_px squared in area, the picture's aspect, sides multiples of `multiple`.

    >>> input_shape(300, 300, 160), input_shape(300, 150, 160), input_shape(10, 4000, 160)
    ((160, 160), (224, 112), (96, 272))
    """
    aspect = min(max(width / height, 1 / MAX_ASPECT), MAX_ASPECT)
    h = max(multiple, multiple * round(size_px / math.sqrt(aspect) / multiple))
    w = max(multiple, multiple * round(size_px * math.sqrt(aspect) / multiple))
    return h, w


def to_input(picture: Picture, shape: tuple[int, int]) -> Picture:
    """The picture resized to `shape` (height, width), uint8. Bilinear with Pillow's antialiasing: cheap."""
    image = Image.fromarray(picture).resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(image, np.uint8)
