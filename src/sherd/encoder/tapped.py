"""Frozen backbones that heads may be trained on: hub models, exported models, and a vision transformer's weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from sherd.encoder.fingerprint import fingerprint
from sherd.encoder.parts import unit
from sherd.encoder.registry import ModelKind, ModelSource, builtin_folder, resolve
from sherd.errors import CorruptData, InvalidArgument, MissingExtra
from sherd.types import FloatArray, Picture

if TYPE_CHECKING:
    from sherd.encoder.hub import HubEncoder
    from sherd.encoder.onnx import OnnxEncoder
    from sherd.encoder.protocol import Encoder

TAPPED_VERSION = 1
"""Goes into the fingerprint of a vision transformer: to be raised by any change here that changes a vector."""
VIT_PX = 320
"""Side of the square that a vision transformer sees."""


@dataclass(frozen=True, slots=True)
class Looks:
    """What a backbone says of n pictures.

    whole: (n, O) unit vectors. patches: n of (h, w, O), unit vectors of the same kind as `whole`. taps: n of
    (h, w, T, C), what T blocks on the way say of each patch. h and w may differ from picture to picture.
    """

    whole: FloatArray
    patches: list[FloatArray]
    taps: list[FloatArray]


class TappedBackbone(Protocol):
    """Never trained, never changed. Where `shared`, pictures and texts are in one space already, and O is D."""

    name: str
    fingerprint: str
    looks_fingerprint: str
    """Of what decides how it looks; the same as `fingerprint` where that cannot be told apart from how it reads."""
    shared: bool
    whole_dim: int
    text_dim: int
    taps: int
    tap_dim: int
    side: int
    """Cells a side of the grid of a square picture."""
    plain: Encoder | None
    """The encoder that the backbone is by itself; None where it is none."""

    def look(self, pictures: Sequence[Picture]) -> Looks:
        """What it says of the pictures."""
        ...

    def read(self, texts: Sequence[str]) -> FloatArray:
        """Unit vectors (n, D) of texts."""
        ...


def open_backbone(name_or_path: str) -> TappedBackbone:
    """The backbone that a name means: as `load_encoder` knows it, or the path of a vision transformer's `.safetensors`.

    A vision transformer has timm's names for its tensors; it has no words, so its texts are read by the built-in model.
    Raises:
        ModelUnavailable, CorruptData, MissingExtra: see `load_encoder`.
        InvalidArgument: the toy, or an adapted model, which is no backbone itself.
    """
    path = Path(name_or_path).expanduser()
    if path.suffix == ".safetensors" and path.is_file():
        return VitBackbone(path)
    source = resolve(name_or_path)
    if source.kind is ModelKind.HUB:
        from sherd.encoder.hub import HubEncoder

        assert source.folder is not None
        return HubBackbone(HubEncoder.load(source.folder, name=source.name), _kept_name(source, name_or_path))
    if source.kind is ModelKind.ONNX:
        from sherd.encoder.onnx import OnnxEncoder

        assert source.folder is not None
        return OnnxBackbone(OnnxEncoder.load(source.folder), _kept_name(source, name_or_path))
    raise InvalidArgument(f"{name_or_path} cannot be a backbone; give a hub model, an exported model or a .safetensors")


def _kept_name(source: ModelSource, asked: str) -> str:
    """What finds the backbone again, from wherever: a name stays a name, a path becomes absolute."""
    assert source.folder is not None
    return asked if source.name == asked and not Path(asked).is_dir() else str(source.folder.resolve())


class HubBackbone:
    """A hub model; see `HubEncoder.tap`."""

    shared = True

    def __init__(self, encoder: HubEncoder, name: str) -> None:
        from sherd.encoder.hub_backbones import TAPS

        self.plain: Encoder | None = encoder
        self._encoder = encoder
        self.name = name
        self.fingerprint = self.looks_fingerprint = encoder.fingerprint
        self.whole_dim = self.text_dim = encoder.dim
        self.taps = TAPS
        self.tap_dim = encoder.tap_dim
        self.side = encoder.largest_grid

    def look(self, pictures: Sequence[Picture]) -> Looks:
        return Looks(*self._encoder.tap(pictures))

    def read(self, texts: Sequence[str]) -> FloatArray:
        return self._encoder.encode_text(texts)


class OnnxBackbone:
    """A model made by `sherd train`. Its blocks cannot be reached, so its patch vectors are all there is to tap."""

    shared = True
    taps = 1

    def __init__(self, encoder: OnnxEncoder, name: str) -> None:
        self.plain: Encoder | None = encoder
        self._encoder = encoder
        self.name = name
        self.fingerprint = self.looks_fingerprint = encoder.fingerprint
        self.whole_dim = self.text_dim = self.tap_dim = encoder.dim
        self.side = encoder.settings.heat_px // 8

    def look(self, pictures: Sequence[Picture]) -> Looks:
        patches = [self._encoder.patches(picture) for picture in pictures]
        return Looks(self._encoder.encode_images(pictures).object, patches, [grid[:, :, None] for grid in patches])

    def read(self, texts: Sequence[str]) -> FloatArray:
        return self._encoder.encode_text(texts)


class VitBackbone:
    """A vision transformer without a text tower. Every picture is squeezed to a square of VIT_PX."""

    shared = False
    plain: Encoder | None = None

    def __init__(self, weights: Path) -> None:
        from sherd.encoder.hub_backbones import TAPS, tapped_blocks
        from sherd.encoder.onnx import OnnxEncoder

        try:
            from sherd.model.teacher import VisionTransformer
        except ModuleNotFoundError as error:
            raise MissingExtra(f"a vision transformer needs {error.name}; run: pip install 'sherd[hub]'") from error
        try:
            self._vit = VisionTransformer(weights)
        except (KeyError, ValueError) as error:
            raise CorruptData(
                f"{weights}: no vision transformer with timm's names for its tensors ({error!r}); a model of a hub is "
                "given by its folder"
            ) from error
        self._words = OnnxEncoder.load(builtin_folder())
        self._blocks = tapped_blocks(self._vit.depth)
        self.name = str(weights.resolve())
        about: dict[str, object] = {"backbone": "vit", "version": TAPPED_VERSION, "px": VIT_PX}
        self.looks_fingerprint = fingerprint([weights], about)
        self.fingerprint = fingerprint([weights], about | {"words": self._words.fingerprint})
        self.whole_dim = self.tap_dim = self._vit.width
        self.text_dim = self._words.dim
        self.taps = TAPS
        self.side = VIT_PX // self._vit.patch_px

    def look(self, pictures: Sequence[Picture]) -> Looks:
        import torch

        from sherd.encoder.preprocess import to_input

        side = self.side * self._vit.patch_px
        seen = np.stack([to_input(picture, (side, side)) for picture in pictures])
        pixels = torch.from_numpy(seen).permute(0, 3, 1, 2).float() / 255
        whole, taps = self._vit.tapped(pixels, self._blocks)
        blocks = np.asarray(taps.numpy(), np.float32)
        return Looks(unit(np.asarray(whole.numpy(), np.float32)), list(unit(blocks[:, :, :, -1])), list(blocks))

    def read(self, texts: Sequence[str]) -> FloatArray:
        return self._words.encode_text(texts)
