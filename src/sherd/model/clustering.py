"""The semantic clustering layer: a grid of features softly divided among K slots and a background."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from sherd.errors import InvalidConfig, check_settings

Kind = Literal["prototypes", "grid", "slot_attention", "sinkhorn", "netvlad"]
KINDS: tuple[str, ...] = get_args(Kind)
_EPS = 1e-6
_GRU_ROUNDS = 3
_SINKHORN_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class ClusteringSettings:
    """`slots` K; 0 switches the layer off. `background` adds the slot that takes what is no part.

    kind: prototypes is the method's own; grid (fixed cells), slot_attention, sinkhorn and netvlad are what it is
    compared with. rounds: refinements of the prototypes by the picture, with tied weights. slot_dropout: share 0..1 of
    the slots that are closed in each picture while training.
    """

    slots: int = 8
    kind: str = "prototypes"
    background: bool = True
    rounds: int = 2
    slot_dropout: float = 0.3

    def __post_init__(self) -> None:
        check_settings("[levels.clustering]", 0, 256, slots=self.slots)
        check_settings("[levels.clustering]", 0, 100, rounds=self.rounds)
        check_settings("[levels.clustering]", 0, 0.99, slot_dropout=self.slot_dropout)
        if self.kind not in KINDS:
            raise InvalidConfig(f"[levels.clustering] kind is '{self.kind}'; choose one of {', '.join(KINDS)}")


class Slots(NamedTuple):
    """values (B, K, width): what each slot gathered. masks (B, K, N): its share 0..1 of each cell. background (B, N):
    the share of each cell that no slot took, 0 without a background slot. presence (B, K) 0..1."""

    values: Tensor
    masks: Tensor
    background: Tensor
    presence: Tensor


class SemanticClustering(nn.Module):
    """U (B, N, width) -> `Slots`.

    A = softmax over slots of exp(tau) * cos(P, Q(LN(U))) + c
    Z_k = sum_n A_kn V_n / (sum_n A_kn + eps),  P_k <- LN(P_k + W Z_k),  tied, `rounds` times
    presence_k = max over n of the 3x3 mean of A_k
    """

    def __init__(self, settings: ClusteringSettings, width: int) -> None:
        super().__init__()
        self.settings = settings
        total = settings.slots + settings.background
        self.norm = nn.LayerNorm(width)
        self.value = nn.Linear(width, width)
        if settings.kind == "grid":
            return
        self.query = nn.Linear(width, width)
        self.prototypes = nn.Parameter(torch.randn(total, width))
        self.bias = nn.Parameter(torch.zeros(total))
        self.log_sharpness = nn.Parameter(torch.tensor(math.log(10.0)))
        self.update = nn.GRUCell(width, width) if settings.kind == "slot_attention" else nn.Linear(width, width)
        self.norm_prototypes = nn.LayerNorm(width)

    def forward(self, grid: Tensor, rows: int, columns: int) -> Slots:
        u = self.norm(grid)
        if self.settings.kind == "grid":
            shares = _cells(self.settings.slots, rows, columns).to(u)[None].expand(u.shape[0], -1, -1)
            values = self._gather(shares, u)
        else:
            shares, values = self._assign(self.query(u), u)
        k = self.settings.slots
        masks = shares[:, :k]
        background = shares[:, k] if self.settings.background and shares.shape[1] > k else torch.zeros_like(u[..., 0])
        smooth = functional.avg_pool2d(masks.reshape(u.shape[0], k, rows, columns), 3, 1, 1)
        return Slots(values[:, :k], masks, background, smooth.flatten(2).amax(2))

    def _gather(self, shares: Tensor, u: Tensor) -> Tensor:
        """(B, K, width) means of V(u) under shares (B, K, N): V is linear and K small, so that V comes last."""
        total = shares.sum(2, keepdim=True)
        gathered: Tensor = self.value(shares @ u / (total + _EPS))
        # A slot that is closed gathers nothing, not V's bias.
        return gathered - _EPS / (total + _EPS) * self.value.bias.to(gathered)

    def _assign(self, query: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        """Shares (B, K + 1, N) that add up to 1 over slots, and values (B, K + 1, width)."""
        kind = self.settings.kind
        closed = self._closed(query)
        # Lengths are divided out of K + 1 products a cell, not out of the cell's own numbers, which are many more.
        lengths = torch.linalg.vector_norm(query, dim=-1, dtype=torch.float32).clamp(min=_EPS)[:, None]  # (B, 1, N)
        prototypes = self.prototypes[None].expand(query.shape[0], -1, -1)
        if kind == "netvlad":
            shares = self._share(prototypes, query, lengths, closed)
            # NetVLAD gathers what is left after the prototype is taken away (Arandjelovic et al., 2016).
            return shares, self._gather(shares, u) - self.norm_prototypes(prototypes)
        for _ in range(_GRU_ROUNDS if kind == "slot_attention" else self.settings.rounds):
            gathered = self._gather(self._share(prototypes, query, lengths, closed), u)
            if isinstance(self.update, nn.GRUCell):
                flat = self.update(gathered.flatten(0, 1), prototypes.flatten(0, 1).to(gathered))
                prototypes = flat.unflatten(0, gathered.shape[:2])
            else:
                prototypes = self.norm_prototypes(prototypes + self.update(gathered))
        shares = self._share(prototypes, query, lengths, closed)
        return shares, self._gather(shares, u)

    def _share(self, prototypes: Tensor, query: Tensor, lengths: Tensor, closed: Tensor | None) -> Tensor:
        near = functional.normalize(prototypes, dim=-1).to(query) @ query.transpose(1, 2) / lengths  # (B, K + 1, N)
        logits = (self.log_sharpness.exp().clamp(max=50) * near + self.bias[:, None]).float()
        if closed is not None:
            logits = logits.masked_fill(closed[..., None], -1e4)
        if self.settings.kind == "sinkhorn":
            # Equal shares of the picture for all slots, by alternate normalising (Cuturi, 2013).
            for _ in range(_SINKHORN_ROUNDS):
                logits = logits.log_softmax(2)
                logits = logits.log_softmax(1)
        return logits.softmax(1).to(query.dtype)

    def _closed(self, query: Tensor) -> Tensor | None:
        share = self.settings.slot_dropout
        if not self.training or share == 0:
            return None
        closed = torch.rand(len(query), len(self.prototypes), device=query.device) < share
        closed[:, self.settings.slots :] = False
        # One slot at least stays open where there is no background to take everything.
        closed[:, 0] &= self.settings.background | ~closed[:, 1 : self.settings.slots].all(1)
        return closed


def _cells(slots: int, rows: int, columns: int) -> Tensor:
    """(K, N) membership of a fixed grid of cells, as square as K allows."""
    down = max(n for n in range(1, math.isqrt(slots) + 1) if slots % n == 0)
    across = slots // down
    row = torch.arange(rows) * down // rows
    column = torch.arange(columns) * across // columns
    return functional.one_hot((row[:, None] * across + column[None]).flatten(), slots).T.float()
