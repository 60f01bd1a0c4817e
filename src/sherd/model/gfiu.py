"""The gated feature interaction unit: parts, object and theme facets of one picture inform each other."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

Fusion = Literal["gated", "concat", "sum", "up", "half", "none"]
FUSIONS: tuple[str, ...] = get_args(Fusion)
_GATE_BIAS = -2.0
_LAYER_SCALE = 1e-2
_RANK = 4
"""Maps inside a gate are factored through width / _RANK."""


class Pull(nn.Module):
    """One step x <- LN(x + g * s * W y), with the gate g = sigmoid(W_g [x; y; x * y] + b).

    Nearly closed at the start: b is -2 and the layer scale s is 1e-2. With a `fixed` gate s starts at 1.
    hidden: 0 makes W linear, else a network with so many hidden units (to give the arms equal parameters).
    """

    def __init__(self, width: int, *, fixed: float | None = None, hidden: int = 0) -> None:
        super().__init__()
        self.fixed = fixed
        if fixed is None:
            last = nn.Linear(width // _RANK, width)
            nn.init.constant_(last.bias, _GATE_BIAS)
            self.gate = nn.Sequential(nn.Linear(3 * width, width // _RANK, bias=False), last)
        self.map = _network(width, hidden, width) if hidden else nn.Linear(width, width)
        self.scale = nn.Parameter(torch.full((width,), _LAYER_SCALE if fixed is None else 1.0))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The new x, and the gate (of the shape of x)."""
        gate = (
            self.gate(torch.cat([x, y, x * y], -1)).sigmoid() if self.fixed is None else torch.full_like(x, self.fixed)
        )
        return self.norm(x + gate * self.scale * self.map(y)), gate


class GFIU(nn.Module):
    """Object h (B, width), parts Z (B, K, width) with presence, facet queries q -> h'', q'.

        up:    x = Attn(h; Z, bias log pi);  h' = LN(h + g * W x)
        down:  Z'_k = LN(Z_k + g_k * W h')
        theme: y_f = Attn(q_f; [h'; Z']);  q'_f = LN(q_f + g * W y_f);  h'' = LN(h' + g * W mean_f q'_f)

    fusion: gated is the method. Its rivals have equal parameters: half and sum fix the gates at 0.5 and 1, up has
    neither the way down nor that from the themes to the object, concat puts a network over [h; x] in the place of both
    ways to the object. none leaves h as it is; facets then read h and Z ungated.
    """

    def __init__(self, width: int, facets: int, fusion: str) -> None:
        super().__init__()
        fixed = {"half": 0.5, "sum": 1.0, "none": 1.0}.get(fusion)
        hidden = {"half": width, "sum": width, "up": 3 * width // 2}.get(fusion, 0)
        self.fusion = fusion
        self.attend_parts = nn.Linear(width, width)
        self.attend_all = nn.Linear(width, width)
        self.queries = nn.Parameter(torch.randn(facets, width) * 0.5)
        self.theme = Pull(width, fixed=fixed, hidden=hidden)
        if fusion == "concat":
            self.mix = _network(2 * width, 4 * width // 3, width)
            self.norm = nn.LayerNorm(width)
        elif fusion != "none":
            self.up = Pull(width, fixed=fixed, hidden=hidden)
        if fusion not in ("up", "none"):
            self.down = Pull(width, fixed=fixed, hidden=hidden)
        if fusion not in ("up", "none", "concat"):
            self.theme_up = Pull(width, fixed=fixed, hidden=hidden)

    def forward(self, h: Tensor, parts: Tensor, presence: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """h'' (B, width), facets (B, F, width), and the mean openness 0..1 of each gate by name."""
        gates: dict[str, Tensor] = {}
        if self.fusion != "none":
            bias = presence.float().clamp(min=1e-4).log()[:, None]
            seen = _attend(self.attend_parts(h)[:, None], parts, bias)[:, 0]
            if self.fusion == "concat":
                h = self.norm(h + self.mix(torch.cat([h, seen], -1)))
            else:
                h, gates["up"] = self.up(h, seen)
        if self.fusion not in ("up", "none"):
            parts, gates["down"] = self.down(parts, h[:, None].expand_as(parts))
        everything = torch.cat([h[:, None], parts], 1)  # (B, 1 + K, width)
        queries = self.queries.to(h)[None].expand(h.shape[0], -1, -1)
        facets, gates["theme"] = self.theme(queries, _attend(self.attend_all(queries), everything))
        if self.fusion not in ("up", "none", "concat"):
            h, gates["theme_up"] = self.theme_up(h, facets.mean(1))
        return h, facets, {name: gate.detach().float().mean() for name, gate in gates.items()}


def _network(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, outputs))


def _attend(query: Tensor, to: Tensor, bias: Tensor | None = None) -> Tensor:
    """(B, Q, width): single-head attention of query (B, Q, width) over `to` (B, K, width)."""
    scores = (query @ to.transpose(1, 2)).float() / to.shape[-1] ** 0.5
    if bias is not None:
        scores = scores + bias
    mixed: Tensor = scores.softmax(-1).to(to.dtype) @ to
    return mixed
