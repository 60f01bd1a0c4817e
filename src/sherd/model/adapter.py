"""Small heads over a frozen backbone: they move its answers as far as a collection teaches, and no further."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from sherd.errors import CorruptData, InvalidConfig
from sherd.model.checkpoint import load_tensors, save_tensors
from sherd.model.clustering import ClusteringSettings, SemanticClustering, Slots
from sherd.model.gfiu import FUSIONS, GFIU

KINDS = ("image", "patch", "text")
"""What has a share s of its own: whole pictures; patches with parts; texts."""
_HEADS = 4
_PLACES = 8
LARGE_DIM = 512
"""A backbone whose tapped blocks are so wide counts as large."""


@dataclass(frozen=True, slots=True)
class AdapterSettings:
    """Sizes of the heads. The first five are the backbone's: see `TappedBackbone`.

    reduced: width of a tapped block as it is kept (see `fit_reduction`). width: of the heads. slots: K.
    fusion: how parts inform the object, see `GFIU`; none leaves it out. dropout: share 0..1 of the numbers that go into
    the last maps that is left out while training.
    """

    whole_dim: int
    text_dim: int
    taps: int
    tap_dim: int
    shared: bool
    reduced: int = 192
    width: int = 192
    slots: int = 8
    fusion: str = "none"
    dropout: float = 0.3

    def __post_init__(self) -> None:
        if self.fusion not in FUSIONS:
            raise InvalidConfig(f"fusion is '{self.fusion}'; choose one of {', '.join(FUSIONS)}")
        if self.slots < 1:
            raise InvalidConfig(f"slots is {self.slots}; give 1 or more")


class AdaptedFeatures(NamedTuple):
    """object (B, D), patches (B, h, w, D), parts (B, K, D), all of unit length, and the slots that made the parts."""

    object: Tensor
    patches: Tensor
    parts: Tensor
    slots: Slots


class Adapter(nn.Module):
    """o = normalise(o_hub + s * delta) for pictures, their patches and parts, and texts; every s starts at 0.

    Where texts have a space of their own, o_hub is a linear map of the backbone's vector that `fit_base` finds. A part
    is the mean of the backbone's patch vectors under its slot's mask, moved likewise.
    """

    reduction_mean: Tensor
    reduction_basis: Tensor
    base_weight: Tensor
    base_bias: Tensor

    def __init__(self, settings: AdapterSettings) -> None:
        super().__init__()
        s, width, dim = settings, settings.width, settings.text_dim
        self.settings = settings
        self.register_buffer("reduction_mean", torch.zeros(s.taps, s.tap_dim))
        self.register_buffer("reduction_basis", torch.zeros(s.taps, s.tap_dim, s.reduced))
        self.register_buffer("base_weight", torch.zeros(0 if s.shared else dim, s.whole_dim))
        self.register_buffer("base_bias", torch.zeros(0 if s.shared else dim))
        self.s_image = nn.Parameter(torch.zeros(()))
        self.s_patch = nn.Parameter(torch.zeros(()))
        self.s_text = nn.Parameter(torch.zeros(()))
        self.mix = nn.Parameter(torch.zeros(s.taps))
        self.tap_maps = nn.Parameter(torch.randn(s.taps, s.reduced, width) * s.reduced**-0.5)
        self.place = nn.Parameter(torch.randn(1, width, _PLACES, _PLACES) * 0.02)
        self.near = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.clustering = SemanticClustering(ClusteringSettings(slots=s.slots), width)
        self.slot_scale = nn.Parameter(torch.ones(s.slots, width))
        self.slot_shift = nn.Parameter(torch.zeros(s.slots, width))
        self.patch_head = nn.Linear(width, dim)
        self.part_head = nn.Linear(width, dim)
        self.whole = nn.Linear(s.whole_dim, width)
        self.attention = nn.Linear(width, _HEADS)
        self.pool = nn.Sequential(
            nn.LayerNorm((_HEADS + 1) * width), nn.Linear((_HEADS + 1) * width, width), nn.LayerNorm(width), nn.GELU()
        )
        self.gfiu = None if s.fusion == "none" else GFIU(width, 1, s.fusion)
        self.object_head = nn.Linear(width, dim)
        self.drop = nn.Dropout(s.dropout)
        self.text_head = nn.Sequential(
            nn.Dropout(s.dropout), nn.Linear(dim, width), nn.GELU(), nn.Dropout(s.dropout), nn.Linear(width, dim)
        )

    def reduce(self, taps: Tensor) -> Tensor:
        """Tapped blocks (..., T, C), normalised and in their own few main directions (..., T, P)."""
        return reduce_taps(taps, self.reduction_mean, self.reduction_basis)

    def base(self, vectors: Tensor) -> Tensor:
        """The backbone's own vectors (..., O) in the space of the texts (..., D), of unit length."""
        if not self.settings.shared:
            vectors = functional.linear(vectors.float(), self.base_weight, self.base_bias)
        return _unit(vectors)

    def forward(self, whole: Tensor, patches: Tensor, taps: Tensor) -> AdaptedFeatures:
        """What pictures of one grid are.

        Args:
            whole: (B, O) and patches: (B, h, w, O), the backbone's unit vectors. taps: (B, h, w, T, P), reduced.
        """
        b, h, w = patches.shape[:3]
        maps = self.mix.softmax(0)[:, None, None] * self.tap_maps  # (T, P, width)
        grid = taps.reshape(b, h * w, -1) @ maps.reshape(-1, self.settings.width)  # (B, N, width)
        picture = grid.transpose(1, 2).reshape(b, -1, h, w)
        place = functional.interpolate(self.place, (h, w), mode="bilinear", align_corners=False)
        grid = (picture + self.near(picture) + place).flatten(2).transpose(1, 2)
        slots = self.clustering(grid, h, w)
        normal = functional.layer_norm(slots.values, (self.settings.width,)) * self.slot_scale + self.slot_shift
        base = self.base(patches).reshape(b, h * w, -1)  # (B, N, D)
        masks = slots.masks.float()
        pooled = _unit(masks @ base / masks.sum(2, keepdim=True).clamp(min=1e-6))
        return AdaptedFeatures(
            object=self._moved(self.base(whole), self._object(whole, grid, slots, normal), self.s_image),
            patches=self._moved(base, self.patch_head(self.drop(grid)), self.s_patch).reshape(b, h, w, -1),
            parts=self._moved(pooled, self.part_head(self.drop(normal)), self.s_patch),
            slots=slots,
        )

    def text(self, vectors: Tensor) -> Tensor:
        """Text vectors (n, D) of the backbone, moved."""
        return self._moved(_unit(vectors), self.text_head(vectors), self.s_text)

    def scale_share(self, kind: str, share: float) -> None:
        """Multiply the s of one of KINDS: at 0 its vectors are the backbone's own, 1 changes nothing."""
        with torch.no_grad():
            getattr(self, f"s_{kind}").mul_(share)

    @property
    def still(self) -> bool:
        """Whether every s is 0, so that nothing is moved."""
        return not any(float(s.detach()) for s in (self.s_image, self.s_patch, self.s_text))

    def _object(self, whole: Tensor, grid: Tensor, slots: Slots, normal: Tensor) -> Tensor:
        # The object does not look where the background slot has taken the cell.
        open_share = (1 - slots.background.float()).clamp(min=1e-3).log()[:, None]
        attention = self.attention(grid).float().transpose(1, 2) + open_share  # (B, 4, N)
        looked = (attention.softmax(-1).to(grid.dtype) @ grid).flatten(1)
        h: Tensor = self.pool(self.drop(torch.cat([looked, self.whole(whole).to(looked)], 1)))  # (B, width)
        if self.gfiu is not None:
            h = self.gfiu(h, normal, slots.presence)[0]
        delta: Tensor = self.object_head(self.drop(h))
        return delta

    def _moved(self, base: Tensor, delta: Tensor, s: Tensor) -> Tensor:
        return _unit(base + s * _unit(delta))


def reduce_taps(taps: Tensor, mean: Tensor, basis: Tensor) -> Tensor:
    """(..., T, P): tapped blocks (..., T, C), each normalised, less `mean` (T, C), along `basis` (T, C, P)."""
    normal = functional.layer_norm(taps.float(), taps.shape[-1:])
    return torch.einsum("...tc,tcp->...tp", normal - mean, basis)


def fit_reduction(taps: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """mean (T, C) and basis (T, C, P): the main directions of tapped blocks (n, T, C), P = min(width, C).

    Source: principal components of each block by itself, after its LayerNorm; scaled to a mean variance of 1.
    """
    normal = functional.layer_norm(taps.double(), taps.shape[-1:])
    mean = normal.mean(0)
    bases = []
    for block in (normal - mean).unbind(1):
        values, vectors = torch.linalg.eigh(block.T @ block / max(1, len(block) - 1))
        basis = vectors[:, -width:].flip(1)
        # A sign is as good as its opposite: the largest number of each direction is made positive.
        basis = basis * basis.gather(0, basis.abs().argmax(0, keepdim=True)).sign()
        bases.append(basis / values[-width:].mean().clamp(min=1e-9).sqrt())
    return mean.float(), torch.stack(bases).float()


def fit_base(pictures: Tensor, texts: Tensor, *, ridge: float) -> tuple[Tensor, Tensor]:
    """weight (D, O) and bias (D): the linear map from picture vectors (n, O) to text vectors (n, D), by ridge.

    Args:
        ridge: 0 or more, in units of the mean variance of the pictures' numbers.
    """
    x, y = pictures.double(), texts.double()
    centre, mean = x.mean(0), y.mean(0)
    x, y = x - centre, y - mean
    gram = x.T @ x / len(x)
    penalty = ridge * gram.diagonal().mean().clamp(min=1e-12)
    weight = torch.linalg.solve(gram + penalty * torch.eye(len(gram), dtype=gram.dtype), x.T @ y / len(x)).T
    return weight.float(), (mean - weight @ centre).float()


def save_adapter(path: Path, adapter: Adapter) -> None:
    """Write weights and settings to one safetensors file."""
    save_tensors(path, adapter.state_dict(), {"settings": asdict(adapter.settings)})


def load_adapter(path: Path) -> Adapter:
    """The adapter that `save_adapter` wrote.

    Raises:
        CorruptData: the file is another one, or not whole.
    """
    tensors, metadata = load_tensors(path)
    try:
        adapter = Adapter(AdapterSettings(**metadata["settings"]))  # type: ignore[arg-type]
        adapter.load_state_dict(tensors)
    except (KeyError, TypeError, RuntimeError, InvalidConfig) as error:
        raise CorruptData(f"{path}: these are no heads of an adapted model ({error}); adapt again") from error
    return adapter.eval().requires_grad_(False)


def _unit(x: Tensor) -> Tensor:
    return functional.normalize(x.float(), dim=-1)
