"""From torch to ONNX: one file a tower, weights stored as float16 and computed as float32."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from sherd.model.backbones import ConvTower
from sherd.model.features import MultiScale
from sherd.model.levels import ImageTower
from sherd.model.text import TextTower

_SMALL = 256
"""Tensors with fewer numbers keep float32; they weigh nothing."""


class _Pictures(nn.Module):
    """uint8 (n, H, W, 3) -> what `export_image` names, so that callers need no arithmetic of their own."""

    def __init__(self, tower: ImageTower) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        seen = self.tower(pictures.permute(0, 3, 1, 2).float() / 255)
        # Before they are brought to length 1: few pictures are ever looked at cell by cell, and it costs 3 % of all.
        patches = self.tower.patch_head(seen.grid).permute(0, 2, 3, 1)
        if seen.parts is None or seen.slots is None:
            return seen.object, patches
        n, rows, columns, _ = patches.shape
        return seen.object, patches, seen.parts, seen.slots.masks.reshape(n, -1, rows, columns)


def export_image(tower: ImageTower, path: Path) -> None:
    """Write `path` with input `pictures` (n, H, W, 3) uint8; n, H, W are free, H and W multiples of 16.

    Outputs: `object` (n, D), `patches` (n, h, w, D) of any length; of a tower with slots also `parts` (n, K, D) and
    `masks` (n, K, h, w).
    """
    example = torch.zeros(2, 96, 112, 3, dtype=torch.uint8)
    axes = {
        "pictures": {0: "n", 1: "height", 2: "width"},
        "object": {0: "n"},
        "patches": {0: "n", 1: "rows", 2: "columns"},
    }
    if tower.clustering is not None:
        axes |= {"parts": {0: "n"}, "masks": {0: "n", 2: "rows", 3: "columns"}}
    outputs = [name for name in axes if name != "pictures"]
    _export(_Pictures(tower), example, path, ["pictures"], outputs, axes)


class _Backbone(nn.Module):
    """uint8 (n, H, W, 3) -> fused features (n, width, H/8, W/8); without `features` the last stage's."""

    def __init__(self, backbone: ConvTower, features: MultiScale | None) -> None:
        super().__init__()
        self.backbone = backbone
        self.features = features

    def forward(self, pictures: Tensor) -> Tensor:
        maps = self.backbone(pictures.permute(0, 3, 1, 2).float() / 255)
        grid: Tensor = maps.sixteenth if self.features is None else self.features(maps)
        return grid


def export_backbone(backbone: ConvTower, features: MultiScale | None, path: Path) -> Path:
    """Write `path` with input `pictures` (n, H, W, 3) uint8 and output `grid`, to measure what heads cost; without
    `features` the output is the last stage."""
    example = torch.zeros(2, 96, 112, 3, dtype=torch.uint8)
    axes = {"pictures": {0: "n", 1: "height", 2: "width"}, "grid": {0: "n", 2: "rows", 3: "columns"}}
    _export(_Backbone(backbone, features), example, path, ["pictures"], ["grid"], axes)
    return path


def export_text(tower: TextTower, path: Path, *, int8: bool = False) -> None:
    """Write `path` with input `ids` (n, T) int64, 0 as padding, and output `text` (n, D); n and T are free.

    Args:
        int8: whether weights are kept, and multiplied, in 8 bits (7 are used, since older processors overflow with 8).
    """
    example = torch.ones(2, 7, dtype=torch.long)
    _export(tower, example, path, ["ids"], ["text"], {"ids": {0: "n", 1: "tokens"}, "text": {0: "n"}}, halve=not int8)
    if int8:
        from onnxruntime.quantization import QuantType, quantize_dynamic

        quantize_dynamic(path, path, weight_type=QuantType.QInt8, reduce_range=True)


def _export(
    model: nn.Module,
    example: Tensor,
    path: Path,
    inputs: list[str],
    outputs: list[str],
    axes: dict[str, dict[int, str]],
    *,
    halve: bool = True,
) -> None:
    model.eval()
    with warnings.catch_warnings():
        # The trace-based exporter is deprecated, yet it alone writes these graphs with free sizes and plain operators.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (example,),
            str(path),
            input_names=inputs,
            output_names=outputs,
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )
    if halve:
        onnx.save(store_as_float16(onnx.load(str(path))), str(path))


def store_as_float16(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with every large float32 weight kept as float16 and cast up when the model is loaded.

    Half the file; the arithmetic stays float32, so only the rounding of the weights (2**-11 relative) is lost.
    """
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims, dtype=np.int64) < _SMALL:
            continue
        name = tensor.name
        half = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), f"{name}.f16")
        tensor.CopyFrom(half)
        casts.append(helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT))
    for n, node in enumerate(casts):
        graph.node.insert(n, node)
    return model
