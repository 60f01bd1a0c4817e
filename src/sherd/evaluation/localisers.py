"""Ways to get a heat map out of a model that was trained on whole captions, as CLIP is: what our maps must beat.

Each gives, for a picture and L text vectors (L, D), maps (L, h, w). They work on any `DualEncoder`; for a model without
local losses they are all it has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sherd.encoder.preprocess import input_shape, to_input
from sherd.model.dual import DualEncoder, ModelSettings
from sherd.training.config import TrainSettings
from sherd.training.train import averaged_weights
from sherd.types import FloatArray, Picture

CROPS = (0.25, 0.4, 0.6)
"""Sides of the sliding crops, in fractions of the picture's sides; steps are half a side."""
_SELF_SHARPNESS = 20.0


def load_model(settings: TrainSettings, run: Path) -> DualEncoder:
    """The averaged weights of the run in the folder `run`, ready to be asked."""
    model = DualEncoder(ModelSettings(settings.image, settings.text, settings.levels))
    model.load_state_dict(averaged_weights(run)[0])
    return model.eval()


def localisers(model: DualEncoder, size_px: int) -> Mapping[str, Callable[[Picture, FloatArray], FloatArray]]:
    """By name, every way; pictures are read at `size_px`."""
    ways: dict[str, Callable[[DualEncoder, Tensor, Tensor], Tensor]] = {
        "patch cosine": _patch_cosine,
        "dense cosine": partial(_dense, local=False),
        "value path": partial(_dense, local=True),
        "self-correlation": _self_correlation,
        "gradient": _gradient,
        "sliding crops": _crops,
    }

    def bind(way: Callable[[DualEncoder, Tensor, Tensor], Tensor], picture: Picture, texts: FloatArray) -> FloatArray:
        shape = input_shape(picture.shape[0], picture.shape[1], size_px)
        pixels = torch.from_numpy(np.array(to_input(picture, shape))).permute(2, 0, 1)[None].float() / 255
        maps = way(model, pixels, torch.from_numpy(np.asarray(texts, np.float32)))
        return np.asarray(maps.detach().numpy(), np.float32)

    return {name: partial(bind, way) for name, way in ways.items()}


def _patch_cosine(model: DualEncoder, pixels: Tensor, texts: Tensor) -> Tensor:
    """Cosine with the patch head's vectors: the model's own maps where it was trained on phrases."""
    with torch.no_grad():
        return torch.einsum("hwd,ld->lhw", model.image(pixels).patches[0], texts)


def _dense(model: DualEncoder, pixels: Tensor, texts: Tensor, *, local: bool) -> Tensor:
    """The object head applied to each cell as if the attention saw that cell alone.

    local: whether the last stage's mean is replaced by its value at the cell, too.
    Source: Zhou et al. 2022, MaskCLIP: the value path of the pooling layer, without its attention.
    """
    with torch.no_grad():
        return torch.einsum("hwd,ld->lhw", _dense_vectors(model, pixels, local=local), texts)


def _self_correlation(model: DualEncoder, pixels: Tensor, texts: Tensor) -> Tensor:
    """The value path, each cell averaged with the cells whose features are like its own.

    Source: Wang et al. 2024, SCLIP: correlative self-attention in the place of the last attention.
    """
    with torch.no_grad():
        dense = _dense_vectors(model, pixels, local=True)  # (h, w, D)
        h, w, dim = dense.shape
        grid = functional.normalize(model.image(pixels).grid[0].flatten(1).T, dim=1)  # (N, width)
        weights = (_SELF_SHARPNESS * grid @ grid.T).softmax(1)
        smooth = functional.normalize(weights @ dense.reshape(h * w, dim), dim=1)
        return (smooth @ texts.T).T.reshape(len(texts), h, w)


def _gradient(model: DualEncoder, pixels: Tensor, texts: Tensor) -> Tensor:
    """Gradient of the object's cosine times the fused features, negative parts cut off.

    Source: Selvaraju et al. 2017, Grad-CAM, with gradients cell by cell as in Layer-CAM (Jiang et al. 2021).
    """
    tower = model.image
    maps = tower.backbone(pixels)
    grid = tower.features(maps).detach().requires_grad_()
    whole = maps.sixteenth.mean((2, 3)).detach()
    cosines = texts @ tower.heads(grid, whole).object[0]
    heat = []
    for n in range(len(texts)):
        (gradient,) = torch.autograd.grad(cosines[n], grid, retain_graph=True)
        heat.append((gradient * grid).sum(1)[0].clamp(min=0))
    return torch.stack(heat).detach()


def _crops(model: DualEncoder, pixels: Tensor, texts: Tensor) -> Tensor:
    """Each cell's mean cosine of the crops that hold it."""
    _, _, height, width = pixels.shape
    rows, columns = height // 8, width // 8
    total = torch.zeros(len(texts), rows, columns)
    count = torch.zeros(rows, columns)
    with torch.no_grad():
        for side in CROPS:
            h, w = max(2, round(rows * side)), max(2, round(columns * side))
            places = [(y, x) for y in _starts(rows, h) for x in _starts(columns, w)]
            cut = torch.cat([pixels[:, :, 8 * y : 8 * (y + h), 8 * x : 8 * (x + w)] for y, x in places])
            size = (max(32, height // 32 * 16), max(32, width // 32 * 16))
            seen = model.image(functional.interpolate(cut, size, mode="bilinear", align_corners=False)).object
            for (y, x), row in zip(places, seen @ texts.T, strict=True):
                total[:, y : y + h, x : x + w] += row[:, None, None]
                count[y : y + h, x : x + w] += 1
    return total / count.clamp(min=1)


def _dense_vectors(model: DualEncoder, pixels: Tensor, *, local: bool) -> Tensor:
    """(h, w, D) unit vectors of the object head over single cells."""
    tower = model.image
    maps = tower.backbone(pixels)
    grid = tower.features(maps)
    h, w = grid.shape[2:]
    cells = grid.flatten(2)[0].T  # (N, width)
    if local:
        last = functional.interpolate(maps.sixteenth, (h, w), mode="bilinear", align_corners=False)
        whole = last.flatten(2)[0].T
    else:
        whole = maps.sixteenth.mean((2, 3)).expand(len(cells), -1)
    hidden = tower.pool(torch.cat([cells.repeat(1, 4), whole], 1))
    return functional.normalize(tower.object_head(hidden), dim=1).reshape(h, w, -1)


def _starts(cells: int, side: int) -> list[int]:
    """Where crops of `side` begin: every half side, and at the far edge."""
    return sorted({*range(0, cells - side + 1, max(1, side // 2)), cells - side})
