"""The whole model: both towers, the temperatures, and what only training needs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from sherd.model.backbones import ImageSettings
from sherd.model.levels import ImageTower, LevelSettings
from sherd.model.text import TextSettings, TextTower

TEMPERATURES = ("object", "part", "region", "theme")


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Sizes of both towers, and of what is used in training only and not exported.

    teacher_dim: width of a teacher's features to be predicted, 0 for none. concepts: rows of the table of residuals.
    """

    image: ImageSettings = field(default_factory=ImageSettings)
    text: TextSettings = field(default_factory=TextSettings)
    levels: LevelSettings = field(default_factory=LevelSettings)
    teacher_dim: int = 0
    concepts: int = 0


class DualEncoder(nn.Module):
    """Image tower, text tower, learned inverse temperatures (as logarithms) and biases of the sigmoid losses."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        self.image = ImageTower(settings.image, settings.levels)
        self.text = TextTower(settings.text)
        self.logit_scales = nn.Parameter(torch.full((len(TEMPERATURES),), math.log(1 / 0.07)))
        # -10 as in Zhai et al. 2023: at the start nearly all pairs are negatives.
        self.logit_biases = nn.Parameter(torch.full((len(TEMPERATURES),), -10.0))
        width, dim = settings.image.width, settings.image.dim
        self.to_teacher = nn.Conv2d(width, settings.teacher_dim, 1) if settings.teacher_dim else None
        self.residuals = nn.Parameter(torch.zeros(settings.concepts, dim)) if settings.concepts else None
        self.settings = settings

    def scales(self) -> dict[str, Tensor]:
        """Inverse temperatures by name, at most 100 (Radford et al., 2021)."""
        return dict(zip(TEMPERATURES, self.logit_scales.exp().clamp(max=100).unbind(), strict=True))

    def biases(self) -> dict[str, Tensor]:
        """Biases of sigmoid losses by name."""
        return dict(zip(TEMPERATURES, self.logit_biases.unbind(), strict=True))
