"""Backbones: pictures to maps of features at several scales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from sherd.errors import check_settings

PATCH_PX = 8
"""Side of one grid cell, in pixels of the network's input."""


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """Widths of the stem and of the stages at 1/4, 1/8 and 1/16, and the residual blocks of each stage.

    width: of the fused features. dim: of every vector that leaves the tower. multiscale: whether all stages are fused;
    otherwise the grid sees the last stage alone.
    """

    widths: tuple[int, int, int, int] = (32, 64, 128, 256)
    depths: tuple[int, int, int] = (1, 2, 2)
    width: int = 192
    dim: int = 256
    multiscale: bool = True

    def __post_init__(self) -> None:
        check_settings("[image]", 1, 4096, width=self.width, dim=self.dim)
        for n, width in enumerate(self.widths):
            check_settings("[image]", 1, 4096, **{f"widths[{n}]": width})
        for n, depth in enumerate(self.depths):
            check_settings("[image]", 0, 100, **{f"depths[{n}]": depth})


class Maps(NamedTuple):
    """Features (B, C, H/4, W/4), (B, C, H/8, W/8) and (B, C, H/16, W/16)."""

    quarter: Tensor
    eighth: Tensor
    sixteenth: Tensor


class ConvTower(nn.Module):
    """A small residual convolutional network. The 3x3 stem of stride 2 keeps the texture of low relief."""

    def __init__(self, settings: ImageSettings) -> None:
        super().__init__()
        stem, quarter, eighth, sixteenth = settings.widths
        one, two, three = settings.depths
        self.stem = nn.Sequential(conv(3, stem, stride=2), nn.ReLU())
        self.quarter = _stage(stem, quarter, one)
        self.eighth = _stage(quarter, eighth, two)
        self.sixteenth = _stage(eighth, sixteenth, three)

    def forward(self, pictures: Tensor) -> Maps:
        """(B, 3, H, W) in 0..1, H and W multiples of 16."""
        quarter = self.quarter(self.stem((pictures - 0.5) / 0.25))
        eighth = self.eighth(quarter)
        return Maps(quarter, eighth, self.sixteenth(eighth))


class Block(nn.Module):
    """Two 3x3 convolutions with a residual connection (He et al., 2016, basic block)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = conv(width, width)
        self.second = conv(width, width)
        # The second normalisation starts at zero, so that every block starts as the identity.
        assert isinstance(self.second[1], nn.BatchNorm2d)
        nn.init.zeros_(self.second[1].weight)

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(functional.relu(self.first(x)))
        return functional.relu(x + y)


def conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """3x3 convolution and batch normalisation."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs))


def _stage(inputs: int, outputs: int, blocks: int) -> nn.Sequential:
    layers: Sequence[nn.Module] = [
        conv(inputs, outputs, stride=2),
        nn.ReLU(),
        *(Block(outputs) for _ in range(blocks)),
    ]
    return nn.Sequential(*layers)
