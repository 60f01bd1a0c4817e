"""A frozen vision transformer whose patch features a small tower may learn to predict. Never shipped."""

from __future__ import annotations

from collections.abc import Sequence
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
        self.depth = 1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("blocks."))

    @torch.inference_mode()
    def patches(self, pictures: Tensor) -> Tensor:
        """(B, 3, H, W) 0..1, sides multiples of the patch -> (B, C, h, w) normalised patch tokens of the last block."""
        x, h, w = self._embedded(pictures)
        for n in range(self.depth):
            x = self._block(x, n)
        return self._norm(x, "norm")[:, 1:].transpose(1, 2).reshape(len(x), -1, h, w)

    @torch.inference_mode()
    def tapped(self, pictures: Tensor, blocks: Sequence[int]) -> tuple[Tensor, Tensor]:
        """The class token's vector, and what blocks on the way say of each patch.

        Args:
            pictures: (B, 3, H, W) 0..1, sides multiples of the patch.
            blocks: after how many blocks to look, ascending, below `depth`.
        Returns:
            (B, C), and (B, h, w, T + 1, C), the last of them from the last block's value path: what it makes of each
            patch that is alone, so that the patch keeps its place.
        """
        x, h, w = self._embedded(pictures)
        seen = []
        for n in range(self.depth - 1):
            x = self._block(x, n)
            seen += [x[:, 1:]] * list(blocks).count(n + 1)
        whole = self._norm(self._block(x, self.depth - 1), "norm")[:, 0]
        alone = self._norm(self._block(x[:, 1:].reshape(-1, 1, self.width), self.depth - 1), "norm")
        taps = torch.stack([*seen, alone.reshape(len(x), -1, self.width)], 2)
        return whole, taps.reshape(len(x), h, w, -1, self.width)

    def _embedded(self, pictures: Tensor) -> tuple[Tensor, int, int]:
        """Class token and patches with their places (B, 1 + h * w, C), h, w."""
        weights = self._weights
        x = functional.conv2d(
            (pictures - 0.5) / 0.5, weights["patch_embed.proj.weight"], weights["patch_embed.proj.bias"], self.patch_px
        )
        b, _, h, w = x.shape
        x = torch.cat([weights["cls_token"].expand(b, -1, -1), x.flatten(2).transpose(1, 2)], 1) + self._places(h, w)
        return x, h, w

    def _block(self, x: Tensor, n: int) -> Tensor:
        x = x + self._attend(self._norm(x, f"blocks.{n}.norm1"), f"blocks.{n}.attn")
        hidden = functional.gelu(self._linear(self._norm(x, f"blocks.{n}.norm2"), f"blocks.{n}.mlp.fc1"))
        return x + self._linear(hidden, f"blocks.{n}.mlp.fc2")

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
