"""The image tower: parts, object and theme facets of a picture, in the space that texts share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from sherd.errors import InvalidConfig
from sherd.model.backbones import ConvTower, ImageSettings
from sherd.model.clustering import ClusteringSettings, SemanticClustering, Slots
from sherd.model.features import MultiScale
from sherd.model.gfiu import FUSIONS, GFIU

FACETS = ("type", "material", "culture", "motif", "theme")
"""The facets of the thesaurus, one query vector each."""
SINGLE_VALUED = ("type", "culture")
_HEADS = 4


@dataclass(frozen=True, slots=True)
class LevelSettings:
    """`clustering` makes parts; `fusion` is how levels inform each other (see `GFIU`). Without slots the tower is
    a plain dual encoder's."""

    clustering: ClusteringSettings = field(default_factory=ClusteringSettings)
    fusion: str = "gated"

    def __post_init__(self) -> None:
        if self.fusion not in FUSIONS:
            raise InvalidConfig(f"[levels] fusion is '{self.fusion}'; choose one of {', '.join(FUSIONS)}")


class LevelFeatures(NamedTuple):
    """What a picture is at each level; every vector of unit length.

    object (B, D). patches (B, h, w, D). grid (B, width, h, w), the fused features U. Without slots the rest is None:
    parts (B, K, D), of the slots before any gate; slots; facets (B, F, D); gates, the mean openness by name.
    """

    object: Tensor
    patches: Tensor
    grid: Tensor
    parts: Tensor | None = None
    slots: Slots | None = None
    facets: Tensor | None = None
    gates: dict[str, Tensor] | None = None


class ImageTower(nn.Module):
    """(B, 3, H, W) in 0..1 -> `LevelFeatures`. H, W multiples of 16."""

    def __init__(self, settings: ImageSettings, levels: LevelSettings) -> None:
        super().__init__()
        width, dim = settings.width, settings.dim
        self.settings = settings
        self.backbone = ConvTower(settings)
        self.features = MultiScale(settings)
        self.patch_head = nn.Conv2d(width, dim, 1)
        self.attention = nn.Conv2d(width, _HEADS, 1)
        self.pool = nn.Sequential(
            nn.LayerNorm(_HEADS * width + settings.widths[3]),
            nn.Linear(_HEADS * width + settings.widths[3], width),
            nn.LayerNorm(width),
        )
        self.object_head = nn.Linear(width, dim)
        slots = levels.clustering.slots
        self.clustering = SemanticClustering(levels.clustering, width) if slots else None
        if slots:
            self.slot_scale = nn.Parameter(torch.ones(slots, width))
            self.slot_shift = nn.Parameter(torch.zeros(slots, width))
            self.part_head = nn.Linear(width, dim)
            self.gfiu = GFIU(width, len(FACETS), levels.fusion)
            self.facet_head = nn.Linear(width, dim)

    def forward(self, pictures: Tensor) -> LevelFeatures:
        maps = self.backbone(pictures)
        grid = self.features(maps)
        return self.heads(grid, maps.sixteenth.mean((2, 3)))

    def heads(self, grid: Tensor, whole: Tensor) -> LevelFeatures:
        """All levels from fused features (B, width, h, w) and the mean (B, C) of the last stage."""
        rows, columns = grid.shape[2:]
        patches = _unit_cells(self.patch_head(grid))
        flat = grid.flatten(2).transpose(1, 2)  # (B, N, width)
        attention = self.attention(grid).flatten(2).float()  # (B, 4, N)
        if self.clustering is None:
            h = self._pooled(attention, flat, whole)
            return LevelFeatures(_unit(self.object_head(h)), patches, grid)
        slots = self.clustering(flat, rows, columns)
        # The object does not look where the background slot has taken the cell.
        open_share = (1 - slots.background.float()).clamp(min=1e-3).log()[:, None]
        h = self._pooled(attention + open_share, flat, whole)
        normal = functional.layer_norm(slots.values, (self.settings.width,))
        normal = normal * self.slot_scale + self.slot_shift  # (B, K, width)
        h, facets, gates = self.gfiu(h, normal, slots.presence)
        return LevelFeatures(
            object=_unit(self.object_head(h)),
            patches=patches,
            grid=grid,
            parts=_unit(self.part_head(normal)),
            slots=slots,
            facets=_unit(self.facet_head(facets)),
            gates=gates,
        )

    def _pooled(self, attention: Tensor, flat: Tensor, whole: Tensor) -> Tensor:
        """h (B, width): four attention maps (B, 4, N) over U, and the mean of the last stage."""
        pooled = (attention.softmax(-1).to(flat.dtype) @ flat).flatten(1)  # (B, 4 * width)
        h: Tensor = self.pool(torch.cat([pooled, whole], 1))
        return h


def _unit(x: Tensor) -> Tensor:
    return functional.normalize(x.float(), dim=-1)


def _unit_cells(maps: Tensor) -> Tensor:
    """(B, D, h, w) -> (B, h, w, D) of unit length, in the precision that they come in: in float32, to which autocast
    would take them, this was a tenth of a training step."""
    cells = maps.permute(0, 2, 3, 1)
    with torch.autocast(maps.device.type, enabled=False):
        squares = cells.square().sum(-1, keepdim=True, dtype=torch.float32)
        unit: Tensor = cells * squares.clamp(min=1e-24).rsqrt().to(cells.dtype)
    return unit
