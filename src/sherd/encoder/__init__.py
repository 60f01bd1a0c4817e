"""Encoders: pictures and words in, unit vectors out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sherd.encoder.registry import ModelKind, builtin_folder, resolve
from sherd.errors import MissingExtra

if TYPE_CHECKING:
    from sherd.encoder.protocol import Encoder

__all__ = ["BUILTIN", "builtin_folder", "load_encoder"]

BUILTIN = "builtin"


def load_encoder(name: str) -> Encoder:
    """The encoder that `name` means: `builtin`, `toy`, a known or imported model, or the path of a model folder.

    Raises:
        ModelUnavailable: no such model on this machine; the message tells how to get it.
        CorruptData, MissingExtra: see the encoder's own loader.
    """
    source = resolve(name)
    if source.kind is ModelKind.TOY:
        from sherd.encoder.toy import ToyEncoder

        return ToyEncoder()
    assert source.folder is not None, "only the toy has no folder"
    if source.kind is ModelKind.HUB:
        from sherd.encoder.hub import HubEncoder

        return HubEncoder.load(source.folder, name=source.name)
    if source.kind is ModelKind.ADAPTED:
        try:
            from sherd.encoder.adapted import AdaptedEncoder
        except ModuleNotFoundError as error:
            raise MissingExtra(f"adapted models need {error.name}; run: pip install 'sherd[hub]'") from error

        return AdaptedEncoder.load(source.folder, name=source.name)
    from sherd.encoder.onnx import OnnxEncoder

    return OnnxEncoder.load(source.folder)
