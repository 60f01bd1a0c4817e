"""A frozen vision transformer whose patch features a small tower may learn to predict. Never shipped."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from sherd.model.checkpoint import load_tensors


class VisionTransformer:
    """ViT with pre-norm blocks and heads of 64 (Dosovitskiy et al., 2021), from safetensors with timm's key names."""

    def __init__(self, path: Path) -> None:
        tensors, _ = load_tensors(path)
        self._weights = {name: tensor.float() for name, tensor in tensors.items()}
        self.width = self._weights["cls_token"].shape[-1]
        self.patch_px = self._weights["patch_embed.proj.weight"].shape[-1]
        self._depth = 1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("blocks."))

    @torch.inference_mode()
    def patches(self, pictures: Tensor) -> Tensor:
        """(B, 3, H, W) 0..1, sides multiples of the patch -> (B, C, h, w) normalised patch tokens of the last block."""
        weights = self._weights
        x = functional.conv2d(
            (pictures - 0.5) / 0.5, weights["patch_embed.proj.weight"], weights["patch_embed.proj.bias"], self.patch_px
        )
        b, _, h, w = x.shape
        x = torch.cat([weights["cls_token"].expand(b, -1, -1), x.flatten(2).transpose(1, 2)], 1) + self._places(h, w)
        for n in range(self._depth):
            x = x + self._attend(self._norm(x, f"blocks.{n}.norm1"), f"blocks.{n}.attn")
            hidden = functional.gelu(self._linear(self._norm(x, f"blocks.{n}.norm2"), f"blocks.{n}.mlp.fc1"))
            x = x + self._linear(hidden, f"blocks.{n}.mlp.fc2")
        return self._norm(x, "norm")[:, 1:].transpose(1, 2).reshape(b, -1, h, w)

    def _attend(self, x: Tensor, name: str) -> Tensor:
        b, t, width = x.shape
        q, k, v = self._linear(x, f"{name}.qkv").reshape(b, t, 3, width // 64, 64).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, t, width)
        return self._linear(mixed, f"{name}.proj")

    def _places(self, h: int, w: int) -> Tensor:
        whole = self._weights["pos_embed"]
        side = round((whole.shape[1] - 1) ** 0.5)
        grid = whole[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
        grid = functional.interpolate(grid, (h, w), mode="bicubic", align_corners=False)
        return torch.cat([whole[:, :1], grid.flatten(2).transpose(1, 2)], 1)

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return functional.linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _norm(self, x: Tensor, name: str) -> Tensor:
        return functional.layer_norm(
            x, (self.width,), self._weights[f"{name}.weight"], self._weights[f"{name}.bias"], 1e-6
        )
