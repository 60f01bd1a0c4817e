"""The image tower: a small residual convolutional network with one object vector and a grid of patch vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

PATCH_PX = 8
"""Side of one grid cell, in pixels of the network's input."""


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """Widths of the stem and of the stages at 1/4, 1/8 and 1/16, and the residual blocks of each stage."""

    widths: tuple[int, int, int, int] = (32, 64, 128, 256)
    depths: tuple[int, int, int] = (1, 2, 2)
    width: int = 192
    dim: int = 256


class Block(nn.Module):
    """Two 3x3 convolutions with a residual connection (He et al., 2016, basic block)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _conv(width, width)
        self.second = _conv(width, width)
        # The second normalisation starts at zero, so that every block starts as the identity.
        assert isinstance(self.second[1], nn.BatchNorm2d)
        nn.init.zeros_(self.second[1].weight)

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(functional.relu(self.first(x)))
        return functional.relu(x + y)


class ImageTower(nn.Module):
    """(B, 3, H, W) in 0..1 -> object (B, D) and patches (B, H/8, W/8, D), both of unit length. H, W multiples of 16."""

    def __init__(self, settings: ImageSettings) -> None:
        super().__init__()
        stem, quarter, eighth, sixteenth = settings.widths
        one, two, three = settings.depths
        self.stem = nn.Sequential(_conv(3, stem, stride=2), nn.ReLU())
        self.quarter = _stage(stem, quarter, one)
        self.eighth = _stage(quarter, eighth, two)
        self.sixteenth = _stage(eighth, sixteenth, three)
        self.from_quarter = nn.Conv2d(quarter, settings.width, 2, 2)
        self.from_eighth = nn.Conv2d(eighth, settings.width, 1)
        self.from_sixteenth = nn.Conv2d(sixteenth, settings.width, 1)
        self.from_whole = nn.Linear(sixteenth, settings.width)
        self.fuse = nn.Sequential(nn.ReLU(), _conv(settings.width, settings.width), nn.ReLU())
        self.patch_head = nn.Conv2d(settings.width, settings.dim, 1)
        self.attention = nn.Conv2d(settings.width, 4, 1)
        self.object_head = nn.Sequential(
            nn.LayerNorm(4 * settings.width + sixteenth),
            nn.Linear(4 * settings.width + sixteenth, settings.dim),
        )
        self.settings = settings

    def features(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """U (B, width, H/8, W/8): scales 1/4, 1/8, 1/16 and the whole picture fused; and the 1/16 map."""
        x = (pictures - 0.5) / 0.25
        quarter = self.quarter(self.stem(x))
        eighth = self.eighth(quarter)
        sixteenth = self.sixteenth(eighth)
        coarse = functional.interpolate(self.from_sixteenth(sixteenth), scale_factor=2.0, mode="nearest")
        whole = self.from_whole(sixteenth.mean((2, 3)))[:, :, None, None]
        return self.fuse(self.from_quarter(quarter) + self.from_eighth(eighth) + coarse + whole), sixteenth

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        fused, sixteenth = self.features(pictures)
        return self.heads(fused, sixteenth)

    def heads(self, fused: Tensor, sixteenth: Tensor) -> tuple[Tensor, Tensor]:
        """Object (B, D) and patches (B, h, w, D) of the fused features."""
        patches = functional.normalize(self.patch_head(fused).float(), dim=1).permute(0, 2, 3, 1)  # (B, h, w, D)
        weights = self.attention(fused).flatten(2).float().softmax(-1)  # (B, 4, N)
        pooled = (weights.to(fused.dtype) @ fused.flatten(2).transpose(1, 2)).flatten(1)  # (B, 4 * width)
        whole = torch.cat([pooled, sixteenth.mean((2, 3))], 1)
        return functional.normalize(self.object_head(whole).float(), dim=1), patches


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs))


def _stage(inputs: int, outputs: int, blocks: int) -> nn.Sequential:
    layers: Sequence[nn.Module] = [
        _conv(inputs, outputs, stride=2),
        nn.ReLU(),
        *(Block(outputs) for _ in range(blocks)),
    ]
    return nn.Sequential(*layers)
