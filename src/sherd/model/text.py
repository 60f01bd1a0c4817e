"""The text tower: one table for Chinese characters, kana and sub-words, and a small transformer over it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from sherd.errors import InvalidConfig, check_settings

PAD = 0


@dataclass(frozen=True, slots=True)
class TextSettings:
    """Sizes of the text tower. `max_tokens` is where longer texts are cut."""

    vocabulary: int = 12_000
    width: int = 192
    layers: int = 3
    heads: int = 4
    max_tokens: int = 64
    dim: int = 256
    dropout: float = 0.1

    def __post_init__(self) -> None:
        check_settings("[text]", 1, 10_000_000, vocabulary=self.vocabulary, width=self.width, dim=self.dim)
        check_settings("[text]", 1, 100, layers=self.layers, heads=self.heads)
        check_settings("[text]", 2, 4096, max_tokens=self.max_tokens)
        check_settings("[text]", 0, 0.9, dropout=self.dropout)
        if self.width % self.heads:
            raise InvalidConfig(f"[text] width is {self.width} and heads {self.heads}; heads must divide the width")


class TextTower(nn.Module):
    """Token ids (B, T) with 0 as padding -> text vectors (B, D) of unit length. Pre-norm transformer, masked mean."""

    def __init__(self, settings: TextSettings) -> None:
        super().__init__()
        self.table = nn.Embedding(settings.vocabulary, settings.width, padding_idx=PAD)
        nn.init.normal_(self.table.weight, std=0.05)
        self.position = nn.Parameter(torch.randn(settings.max_tokens, settings.width) * 0.02)
        self.layers = nn.ModuleList(Layer(settings) for _ in range(settings.layers))
        self.norm = nn.LayerNorm(settings.width)
        self.head = nn.Linear(settings.width, settings.dim)
        self.settings = settings

    def forward(self, ids: Tensor) -> Tensor:
        real = ids != PAD  # (B, T)
        x = self.table(ids) + self.position[: ids.shape[1]]
        for layer in self.layers:
            x = layer(x, real)
        keep = real[..., None].to(x.dtype)
        pooled = (self.norm(x) * keep).sum(1) / keep.sum(1).clamp(min=1)  # (B, width)
        return functional.normalize(self.head(pooled).float(), dim=1)


class Layer(nn.Module):
    """Pre-norm self-attention and feed-forward (Vaswani et al., 2017; Xiong et al., 2020)."""

    def __init__(self, settings: TextSettings) -> None:
        super().__init__()
        width = settings.width
        self.heads = settings.heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)
        self.drop = nn.Dropout(settings.dropout)

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        b, t, width = x.shape
        qkv = self.qkv(self.norm1(x)).reshape(b, t, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        scores = qkv[0] @ qkv[1].transpose(-1, -2) / (width // self.heads) ** 0.5  # (B, heads, T, T)
        scores = scores.float().masked_fill(~real[:, None, None, :], -1e4).softmax(-1).to(x.dtype)
        mixed = (scores @ qkv[2]).transpose(1, 2).reshape(b, t, width)
        x = x + self.drop(self.out(mixed))
        wide: Tensor = self.drop(self.down(functional.gelu(self.up(self.norm2(x)))))
        return x + wide
