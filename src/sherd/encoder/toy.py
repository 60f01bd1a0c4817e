"""An encoder without weights, for tests of everything above the model: it sees colours, and reads colour words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from sherd.encoder.fingerprint import fingerprint
from sherd.types import Box, Embeddings, FloatArray, Picture

_COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (220, 30, 30), "红": (220, 30, 30), "green": (30, 160, 60), "绿": (30, 160, 60),
    "blue": (30, 60, 220), "蓝": (30, 60, 220), "yellow": (230, 210, 40), "黄": (230, 210, 40),
    "white": (250, 250, 250), "白": (250, 250, 250), "black": (10, 10, 10), "黑": (10, 10, 10),
    "purple": (140, 40, 170), "紫": (140, 40, 170), "orange": (240, 130, 30), "橙": (240, 130, 30),
}  # fmt: skip
_LEVELS = 4
_GRID = 8
_PART_BOXES = tuple((x / 2, y / 2, 0.5, 0.5) for y in range(2) for x in range(2))


class ToyEncoder:
    """Soft colour histograms of 4x4x4 bins. Four parts: the quarters of the picture.

    A text is the mean of its colour words; a text without any is a fixed vector that resembles nothing.
    `version` only changes the fingerprint, to play another encoder.
    """

    name = "toy"
    dim = _LEVELS**3 + 1
    parts_per_image = len(_PART_BOXES)

    def __init__(self, version: int = 1) -> None:
        self.fingerprint = fingerprint([], {"encoder": "toy", "version": version})

    def encode_images(self, pictures: Sequence[Picture]) -> Embeddings:
        grids = [_cells(picture) for picture in pictures]
        whole = np.stack([_unit(grid.mean((0, 1))) for grid in grids]) if grids else _empty(self.dim)
        parts = np.zeros((len(grids), self.parts_per_image, self.dim), np.float32)
        for n, grid in enumerate(grids):
            for k, box in enumerate(_PART_BOXES):
                parts[n, k] = _unit(_inside(grid, box))
        boxes = np.tile(np.asarray(_PART_BOXES, np.float32), (len(grids), 1, 1))
        return Embeddings(whole, parts, boxes)

    def encode_text(self, texts: Sequence[str]) -> FloatArray:
        rows = []
        for text in texts:
            found = [rgb for word, rgb in _COLOURS.items() if word in text.lower()]
            row = np.zeros(self.dim, np.float32)
            if found:
                row = np.mean([_histogram(np.asarray([[rgb]], np.float32))[0, 0] for rgb in found], axis=0)
            else:
                row[-1] = 1
            rows.append(_unit(row))
        return np.stack(rows) if rows else _empty(self.dim)

    def encode_boxes(self, picture: Picture, boxes: Sequence[Box]) -> FloatArray:
        grid = _cells(picture)
        return np.stack([_unit(_inside(grid, (b.x, b.y, b.w, b.h))) for b in boxes]) if boxes else _empty(self.dim)

    def heat(self, picture: Picture, vector: FloatArray) -> FloatArray:
        grid = _cells(picture)
        norms = np.linalg.norm(grid, axis=2)
        return np.asarray(grid @ vector / np.maximum(norms, 1e-9), np.float32)


def _cells(picture: Picture) -> FloatArray:
    """(8, 8, D) mean colour histogram of each cell."""
    small = np.asarray(Image.fromarray(picture).resize((_GRID * 4, _GRID * 4), Image.Resampling.BOX), np.float32)
    fine = _histogram(small)
    return np.asarray(fine.reshape(_GRID, 4, _GRID, 4, -1).mean((1, 3)), np.float32)


def _histogram(rgb: FloatArray) -> FloatArray:
    """(h, w, D) soft assignment of each pixel to 4x4x4 colour bins; the last entry is for words without a colour."""
    centres = np.linspace(0, 255, _LEVELS)
    near = np.maximum(1 - np.abs(rgb[..., None] - centres) / 85, 0)  # (h, w, 3, 4)
    bins = near[:, :, 0, :, None, None] * near[:, :, 1, None, :, None] * near[:, :, 2, None, None, :]
    flat = bins.reshape(*rgb.shape[:2], -1)
    return np.asarray(np.concatenate([flat, np.zeros((*rgb.shape[:2], 1))], axis=2), np.float32)


def _inside(grid: FloatArray, box: tuple[float, float, float, float]) -> FloatArray:
    x, y, w, h = (v * _GRID for v in box)
    x0, y0 = min(int(x), _GRID - 1), min(int(y), _GRID - 1)
    x1, y1 = max(round(x + w), x0 + 1), max(round(y + h), y0 + 1)
    return np.asarray(grid[y0:y1, x0:x1].mean((0, 1)), np.float32)


def _unit(row: FloatArray) -> FloatArray:
    return np.asarray(row / max(float(np.linalg.norm(row)), 1e-9), np.float32)


def _empty(dim: int) -> FloatArray:
    return np.zeros((0, dim), np.float32)
