"""Multi-scale features: the maps of a backbone fused to one grid, whole picture included."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from sherd.model.backbones import ImageSettings, Maps, conv


class MultiScale(nn.Module):
    """Maps at 1/4, 1/8, 1/16 -> U (B, width, H/8, W/8): U = fuse(W4 q + W8 e + up(W16 s) + W mean(s)).

    Without `multiscale` the terms of 1/4 and 1/8 are left out: the grid is the last stage's, drawn larger.
    Source: top-down fusion as in Lin et al. 2017, feature pyramid networks, to a single level.
    """

    def __init__(self, settings: ImageSettings) -> None:
        super().__init__()
        _, quarter, eighth, sixteenth = settings.widths
        self.multiscale = settings.multiscale
        if settings.multiscale:
            self.from_quarter = nn.Conv2d(quarter, settings.width, 2, 2)
            self.from_eighth = nn.Conv2d(eighth, settings.width, 1)
        self.from_sixteenth = nn.Conv2d(sixteenth, settings.width, 1)
        self.from_whole = nn.Linear(sixteenth, settings.width)
        self.fuse = nn.Sequential(nn.ReLU(), conv(settings.width, settings.width), nn.ReLU())

    def forward(self, maps: Maps) -> Tensor:
        whole = self.from_whole(maps.sixteenth.mean((2, 3)))[:, :, None, None]
        fused = functional.interpolate(self.from_sixteenth(maps.sixteenth), scale_factor=2.0, mode="nearest") + whole
        if self.multiscale:
            fused = fused + self.from_quarter(maps.quarter) + self.from_eighth(maps.eighth)
        grid: Tensor = self.fuse(fused)
        return grid
