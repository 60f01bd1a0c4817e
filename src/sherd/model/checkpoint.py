"""Saving and loading in safetensors, atomically: a killed save leaves the old file whole."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from sherd.errors import CorruptData


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, object]) -> None:
    """Write tensors and a JSON-able metadata mapping to `path`; on return both are on the disk."""
    temporary = path.with_suffix(path.suffix + ".tmp")
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(plain, temporary, metadata={"json": json.dumps(metadata, ensure_ascii=False)})
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, object]]:
    """Tensors and metadata of `path`.

    Raises:
        CorruptData: not a safetensors file, or a tensor holds NaN or infinity.
    """
    try:
        tensors: dict[str, Tensor] = load_file(path)
        with safetensors.safe_open(path, "pt") as file:
            metadata = json.loads((file.metadata() or {}).get("json", "{}"))
    except (safetensors.SafetensorError, ValueError) as error:
        raise CorruptData(f"{path}: not a whole safetensors file ({error})") from error
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise CorruptData(f"{path}: tensor {name} holds NaN or infinity; the checkpoint is of no use")
    return tensors, metadata
