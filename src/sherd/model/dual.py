"""The dual encoder: both towers, the temperatures, and the training-only map to a teacher's features."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from sherd.model.image import ImageSettings, ImageTower
from sherd.model.text import TextSettings, TextTower


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Sizes of both towers. `teacher_dim` above 0 adds the map to a teacher's features, used in training only."""

    image: ImageSettings = field(default_factory=ImageSettings)
    text: TextSettings = field(default_factory=TextSettings)
    teacher_dim: int = 0


class DualEncoder(nn.Module):
    """Image tower, text tower and three learned inverse temperatures (object, part, region), as logarithms."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        self.image = ImageTower(settings.image)
        self.text = TextTower(settings.text)
        self.logit_scales = nn.Parameter(torch.full((3,), math.log(1 / 0.07)))
        width = settings.image.width
        self.to_teacher = nn.Conv2d(width, settings.teacher_dim, 1) if settings.teacher_dim else None
        self.settings = settings

    def scales(self) -> Tensor:
        """(3,) inverse temperatures, at most 100 (Radford et al., 2021)."""
        return self.logit_scales.exp().clamp(max=100)
