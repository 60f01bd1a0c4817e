"""Encoders: pictures and words in, unit vectors out."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from sherd.errors import ModelUnavailable

if TYPE_CHECKING:
    from sherd.encoder.protocol import Encoder

BUILTIN = "builtin"


def load_encoder(name: str) -> Encoder:
    """The encoder that `name` means: `builtin`, `toy`, a known hub model, or the path of a model folder.

    Raises:
        ModelUnavailable: no such model on this machine; the message tells how to get it.
        CorruptData, MissingExtra: see the encoder's own loader.
    """
    if name == "toy":
        from sherd.encoder.toy import ToyEncoder

        return ToyEncoder()
    from sherd.encoder.onnx import OnnxEncoder

    if name == BUILTIN:
        return OnnxEncoder.load(builtin_folder())
    folder = Path(name).expanduser()
    if (folder / "image.onnx").is_file():
        return OnnxEncoder.load(folder)
    raise ModelUnavailable(f"{name}: neither a known model nor a model folder")


def builtin_folder() -> Path:
    """Where the shipped model lies."""
    return Path(str(files("sherd.encoder").joinpath("models")))
