"""How each family of hub models looks and reads. torch and transformers are handed in, so nothing is imported early."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sherd.encoder.parts import unit
from sherd.errors import ModelUnavailable
from sherd.types import FloatArray, Picture

if TYPE_CHECKING:
    import torch

TAPS = 4
"""Blocks of a vision tower that are tapped: at a quarter, a half, three quarters, and the last by its value path."""
_NAFLEX_STEPS = (128, 256, 576, 784, 1024)


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """How pixels become a network's input. `size_px` is the square's side, or 0 where the aspect is kept."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    resample: int
    patch_px: int
    size_px: int
    max_patches: int


class Backbone(Protocol):
    """One family's way of looking and reading; everything else is shared."""

    dim: int
    tap_dim: int
    side: int
    """Cells a side of the grid of a square picture; the most there can be where that depends on the picture."""

    def look(self, pictures: Sequence[Picture]) -> tuple[FloatArray, list[FloatArray]]:
        """Whole-picture vectors (n, D), and for each picture its patch vectors (h, w, D). Of any length."""
        ...

    def tap(self, pictures: Sequence[Picture]) -> tuple[FloatArray, list[FloatArray], list[FloatArray]]:
        """As `look`, and for each picture what blocks on the way say of each patch: (h, w, TAPS, width)."""
        ...

    def read(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> FloatArray:
        """Text vectors (n, D), of any length."""
        ...


class _SeeingBackbone:
    """Looks and taps by one pass over the vision tower."""

    def look(self, pictures: Sequence[Picture]) -> tuple[FloatArray, list[FloatArray]]:
        whole, grids, _ = self._see(pictures, tapped=False)
        return whole, grids

    def tap(self, pictures: Sequence[Picture]) -> tuple[FloatArray, list[FloatArray], list[FloatArray]]:
        return self._see(pictures, tapped=True)

    def _see(
        self, pictures: Sequence[Picture], *, tapped: bool
    ) -> tuple[FloatArray, list[FloatArray], list[FloatArray]]:
        raise NotImplementedError


class _SquareBackbone(_SeeingBackbone):
    """Models that see every picture as a square of one size: CLIP, Chinese-CLIP, SigLIP and SigLIP 2 at fixed size."""

    def __init__(self, torch: Any, transformers: Any, model: Any, settings: ImageSettings) -> None:
        self._torch = torch
        self._model = model
        side = {"height": settings.size_px, "width": settings.size_px}
        self._processor = transformers.SiglipImageProcessorPil(**_common(settings), size=side)
        self.dim = _projected_width(model)
        self.tap_dim = int(model.config.vision_config.hidden_size)
        self.side = settings.size_px // settings.patch_px

    def _see(
        self, pictures: Sequence[Picture], *, tapped: bool
    ) -> tuple[FloatArray, list[FloatArray], list[FloatArray]]:
        images = [Image.fromarray(picture) for picture in pictures]
        pixels = self._processor(images, return_tensors="pt")["pixel_values"].to(self._model.device)  # (n, 3, s, s)
        with self._torch.inference_mode():
            whole, patches, taps = self._project(pixels, tapped=tapped)  # (n, D), (n, N, D), (n, N, TAPS, H)
        side = math.isqrt(patches.shape[1])
        grids = _array(patches).reshape(len(pictures), side, side, self.dim)
        blocks = [] if taps is None else list(_array(taps).reshape(len(pictures), side, side, TAPS, -1))
        return _array(whole), list(grids), blocks

    def read(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> FloatArray:
        with self._torch.inference_mode():
            texts = self._model.get_text_features(
                input_ids=_tensor(self._torch, self._model, ids), attention_mask=_tensor(self._torch, self._model, mask)
            )
        return _array(texts.pooler_output)

    def _project(self, pixels: torch.Tensor, *, tapped: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        raise NotImplementedError


class _ClipBackbone(_SquareBackbone):
    def _project(self, pixels: torch.Tensor, *, tapped: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        model, tower = self._model, self._model.vision_model
        seen = model.get_image_features(pixel_values=pixels, output_hidden_states=True)
        hidden = [state[:, 1:] for state in seen.hidden_states]  # (n, N, H) each, the class token left out
        alone = _last_alone(tower, hidden[-2])
        taps = _taps(self._torch, hidden, alone) if tapped else None
        return seen.pooler_output, model.visual_projection(alone), taps


class _SiglipBackbone(_SquareBackbone):
    def _project(self, pixels: torch.Tensor, *, tapped: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        tower = self._model.vision_model
        seen = self._model.get_image_features(pixel_values=pixels, output_hidden_states=tapped)
        patches = _patches_alone(tower.head, seen.last_hidden_state)
        if not tapped:
            return seen.pooler_output, patches, None
        hidden = seen.hidden_states
        return seen.pooler_output, patches, _taps(self._torch, hidden, _last_alone(tower, hidden[-2]))


class _NaflexBackbone(_SeeingBackbone):
    """SigLIP 2 that keeps the picture's aspect: the grid of patches follows the picture's shape."""

    def __init__(self, torch: Any, transformers: Any, model: Any, settings: ImageSettings) -> None:
        self._torch = torch
        self._model = model
        self._settings = settings
        self._processor = transformers.Siglip2ImageProcessorPil(**_common(settings), patch_size=settings.patch_px)
        self.dim = _projected_width(model)
        self.tap_dim = int(model.config.vision_config.hidden_size)
        self.side = math.isqrt(settings.max_patches)

    def _see(
        self, pictures: Sequence[Picture], *, tapped: bool
    ) -> tuple[FloatArray, list[FloatArray], list[FloatArray]]:
        tower = self._model.vision_model
        whole = np.zeros((len(pictures), self.dim), np.float32)
        grids: list[FloatArray] = [np.zeros((0, 0, self.dim), np.float32)] * len(pictures)
        blocks: list[FloatArray] = [np.zeros((0, 0, TAPS, 0), np.float32)] * len(pictures)
        by_cells: dict[int, list[int]] = defaultdict(list)
        for n, picture in enumerate(pictures):
            by_cells[self._cells(picture)].append(n)
        for cells, members in by_cells.items():
            images = [Image.fromarray(pictures[n]) for n in members]
            inputs = self._processor(images, max_num_patches=cells, return_tensors="pt").to(self._model.device)
            with self._torch.inference_mode():
                seen = self._model.get_image_features(**inputs, output_hidden_states=tapped)
                patches = self._dense(seen.last_hidden_state, inputs["pixel_attention_mask"])
                hidden = seen.hidden_states if tapped else None
                taps = None if hidden is None else _taps(self._torch, hidden, _last_alone(tower, hidden[-2]))
            shapes = inputs["spatial_shapes"].tolist()
            whole[members] = self._as_whole(_array(seen.pooler_output))
            for n, row, (h, w) in zip(members, _array(patches), shapes, strict=True):
                grids[n] = self._as_part(row[: h * w]).reshape(h, w, self.dim)
            if taps is not None:
                for n, row, (h, w) in zip(members, _array(taps), shapes, strict=True):
                    blocks[n] = row[: h * w].reshape(h, w, TAPS, -1)
        return whole, grids, blocks

    def read(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> FloatArray:
        with self._torch.inference_mode():
            seen = self._model.get_text_features(input_ids=_tensor(self._torch, self._model, ids))
        return _array(seen.pooler_output)

    def _cells(self, picture: Picture) -> int:
        return self._settings.max_patches

    def _dense(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return _patches_alone(self._model.vision_model.head, hidden)

    def _as_whole(self, rows: FloatArray) -> FloatArray:
        return rows

    def _as_part(self, rows: FloatArray) -> FloatArray:
        return rows


class _FgClip2Backbone(_NaflexBackbone):
    """FG-CLIP 2: SigLIP 2 with a second head on either side, so that parts and words about parts have their own space.

    Both spaces are kept side by side: a picture is (whole, 0), a part (0, part), a text (short, box) / sqrt 2. Either
    cosine is then the model's own divided by sqrt 2, and whole pictures and parts are not comparable with each other.
    Source: Xie et al., "FG-CLIP 2", 2025; the number of patches follows its README's rule for retrieval.
    """

    def __init__(self, torch: Any, transformers: Any, model: Any, settings: ImageSettings) -> None:
        super().__init__(torch, transformers, model, settings)
        self._half = self.dim
        self.dim *= 2
        self.side = math.isqrt(_NAFLEX_STEPS[-1])

    def read(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> FloatArray:
        with self._torch.inference_mode():
            seen = self._model.get_text_features(input_ids=_tensor(self._torch, self._model, ids))
            about_parts = self._model.boxtext_head(seen.last_hidden_state[:, -1])
        return np.concatenate([unit(_array(seen.pooler_output)), unit(_array(about_parts))], axis=1)

    def _cells(self, picture: Picture) -> int:
        side = self._settings.patch_px
        cells = (picture.shape[0] // side) * (picture.shape[1] // side)
        return next((step for step in _NAFLEX_STEPS if cells <= step), _NAFLEX_STEPS[-1])

    def _dense(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        head = self._model.dense_feature_head
        mixed = head.attention(hidden, hidden, hidden, key_padding_mask=mask == 0, need_weights=False)[0]
        return mixed + head.mlp(head.layernorm(mixed))  # type: ignore[no-any-return]

    def _as_whole(self, rows: FloatArray) -> FloatArray:
        return np.pad(rows, ((0, 0), (0, self._half)))

    def _as_part(self, rows: FloatArray) -> FloatArray:
        return np.pad(rows, ((0, 0), (self._half, 0)))


BACKBONES: Mapping[str, Any] = {
    "clip": _ClipBackbone,
    "chinese_clip": _ClipBackbone,
    "siglip": _SiglipBackbone,
    "siglip2": _NaflexBackbone,
    "fgclip2": _FgClip2Backbone,
}


def _common(settings: ImageSettings) -> dict[str, Any]:
    return {"image_mean": list(settings.mean), "image_std": list(settings.std), "resample": settings.resample}


def _projected_width(model: Any) -> int:
    """Width of the space that pictures and texts share."""
    config = model.config
    text = getattr(config, "projection_dim", None) or config.text_config.projection_size
    vision = getattr(config, "projection_dim", None) or config.vision_config.hidden_size
    if text != vision:
        raise ModelUnavailable(
            f"the model's texts have {text} numbers and its pictures {vision}; they cannot be compared"
        )
    return int(text)


def _patches_alone(head: Any, hidden: torch.Tensor) -> torch.Tensor:
    """(n, N, D): what SigLIP's pooling head makes of each patch by itself."""
    n, cells, width = hidden.shape
    return head(hidden.reshape(n * cells, 1, width)).reshape(n, cells, width)  # type: ignore[no-any-return]


def _last_alone(tower: Any, before: torch.Tensor) -> torch.Tensor:
    """(n, N, H): what the last block makes of each patch, given what comes into it, when the patch is alone.

    A sequence of one attends to itself only: the block then changes a patch without moving it.
    """
    n, cells, width = before.shape
    alone = tower.encoder.layers[-1](before.reshape(n * cells, 1, width), attention_mask=None)
    return tower.post_layernorm(alone).reshape(n, cells, width)  # type: ignore[no-any-return]


def _taps(torch: Any, hidden: Sequence[torch.Tensor], alone: torch.Tensor) -> torch.Tensor:
    """(n, N, TAPS, H) from what comes into each block and out of the last one (depth + 1), and the last value path."""
    depth = len(hidden) - 1
    inner = [hidden[n] for n in tapped_blocks(depth)]
    return torch.stack([*inner, alone], 2)  # type: ignore[no-any-return]


def tapped_blocks(depth: int) -> list[int]:
    """After how many of `depth` blocks a tower is tapped, the last block left out.

    >>> tapped_blocks(12), tapped_blocks(2)
    ([3, 6, 9], [1, 1, 1])
    """
    return [min(max(1, round(depth * n / TAPS)), depth - 1) for n in range(1, TAPS)]


def _tensor(torch: Any, model: Any, values: NDArray[np.int64]) -> Any:
    return torch.from_numpy(values).to(model.device)


def _array(tensor: torch.Tensor) -> FloatArray:
    return np.asarray(tensor.float().cpu().numpy(), np.float32)
