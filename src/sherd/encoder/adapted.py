"""Encoders made by `sherd adapt`: a frozen backbone that lies elsewhere, and heads over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from sherd.encoder.fingerprint import fingerprint
from sherd.encoder.folders import read_json
from sherd.encoder.parts import PatchEncoder, boxes_from_masks, cluster_parts
from sherd.encoder.tapped import TappedBackbone, open_backbone
from sherd.errors import CorruptData, ModelUnavailable
from sherd.model.adapter import AdaptedFeatures, Adapter, load_adapter
from sherd.types import Embeddings, FloatArray, Picture

ADAPTED_VERSION = 1
"""Goes into every fingerprint: to be raised by any change here that changes a vector."""
ABOUT, HEADS, CARD = "adapter.json", "heads.safetensors", "README.md"
_BATCH = 16


@dataclass(frozen=True, slots=True)
class AdaptedAbout:
    """What `adapter.json` holds: where the backbone is found, and which one it must be."""

    name: str
    backbone: str
    backbone_fingerprint: str


class AdaptedEncoder(PatchEncoder):
    """See `Encoder`. Parts are those of the heads' slots; heads that move nothing leave the backbone's own answers."""

    def __init__(self, backbone: TappedBackbone, adapter: Adapter, *, name: str, fingerprint: str) -> None:
        self._backbone = backbone
        self._adapter = adapter
        self.name = name
        self.fingerprint = fingerprint
        self.dim = adapter.settings.text_dim
        plain = backbone.plain if adapter.still else None
        self.parts_per_image = plain.parts_per_image if plain else adapter.settings.slots

    @classmethod
    def load(cls, folder: Path, *, name: str | None = None) -> AdaptedEncoder:
        """The encoder in `folder`.

        Raises:
            ModelUnavailable: a file is missing; or the backbone is not here, or is not the one that the heads know.
            CorruptData: a file cannot be read.
            MissingExtra: what the backbone needs is not installed.
        """
        missing = [file for file in (ABOUT, HEADS) if not (folder / file).is_file()]
        if missing:
            raise ModelUnavailable(f"{folder}: {', '.join(missing)} missing; run sherd adapt again")
        about = read_about(folder)
        try:
            backbone = open_backbone(about.backbone)
        except ModelUnavailable as error:
            raise ModelUnavailable(
                f"{folder}: its heads stand on the backbone {about.backbone}, which is not here ({error})"
            ) from error
        if backbone.fingerprint != about.backbone_fingerprint:
            raise ModelUnavailable(
                f"{folder}: its heads stand on another {about.backbone} (fingerprint "
                f"{about.backbone_fingerprint[:12]}, the one here has {backbone.fingerprint[:12]}); bring the former "
                "back, or run sherd adapt again"
            )
        print_of_both = fingerprint(
            [folder / HEADS], {"encoder": "adapted", "version": ADAPTED_VERSION, "backbone": backbone.fingerprint}
        )
        return cls(backbone, load_adapter(folder / HEADS), name=name or about.name, fingerprint=print_of_both)

    def encode_images(self, pictures: Sequence[Picture]) -> Embeddings:
        if self._adapter.still and self._backbone.plain is not None:
            return self._backbone.plain.encode_images(pictures)
        k = self.parts_per_image
        whole = np.zeros((len(pictures), self.dim), np.float32)
        parts = np.zeros((len(pictures), k, self.dim), np.float32)
        boxes = np.zeros((len(pictures), k, 4), np.float32)
        for n, (picture, seen) in enumerate(zip(pictures, self._see(pictures), strict=True)):
            whole[n] = seen.object[0].numpy()
            if self._adapter.still:
                grid = seen.patches.numpy()
                found, where = cluster_parts(grid, k, aspect=picture.shape[1] / picture.shape[0])
                parts[n], boxes[n] = found[0], where[0]
            else:
                masks = seen.slots.masks.float().reshape(1, k, *seen.patches.shape[1:3])
                parts[n], boxes[n] = seen.parts[0].numpy(), boxes_from_masks(masks.numpy())[0]
        return Embeddings(whole, parts, boxes)

    def encode_text(self, texts: Sequence[str]) -> FloatArray:
        with torch.inference_mode():
            return np.asarray(self._adapter.text(torch.from_numpy(self._backbone.read(texts))).numpy(), np.float32)

    def patches(self, picture: Picture) -> FloatArray:
        """(h, w, D) unit patch vectors of one picture."""
        return np.asarray(self._see([picture])[0].patches[0].numpy(), np.float32)

    def _see(self, pictures: Sequence[Picture]) -> list[AdaptedFeatures]:
        """The levels of each picture, each in a batch of its own: grids may differ."""
        made = []
        with torch.inference_mode():
            for start in range(0, len(pictures), _BATCH):
                looks = self._backbone.look(pictures[start : start + _BATCH])
                for n, (patches, taps) in enumerate(zip(looks.patches, looks.taps, strict=True)):
                    reduced = self._adapter.reduce(torch.from_numpy(taps)[None])
                    whole = torch.from_numpy(looks.whole[n : n + 1])
                    made.append(self._adapter(whole, torch.from_numpy(patches)[None], reduced))
        return made


def read_about(folder: Path) -> AdaptedAbout:
    """What `adapter.json` in `folder` says.

    Raises:
        CorruptData: it is not what `sherd adapt` writes.
    """
    told = read_json(folder / ABOUT)
    values = {key: told.get(key) for key in ("name", "backbone", "backbone_fingerprint")}
    if not all(isinstance(value, str) and value for value in values.values()):
        raise CorruptData(f"{folder / ABOUT}: names no backbone with its fingerprint; run sherd adapt again")
    return AdaptedAbout(**{key: str(value) for key, value in values.items()})
