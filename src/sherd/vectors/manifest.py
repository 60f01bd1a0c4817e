"""What a saved index consists of, in one small file that is swapped whole: the index is the old one or the new one.

The file names a coder, two files and perhaps a file of tombstones for each segment; they lie in a folder beside it and
are never changed. What the file does not name is left over from a build that was cut off, or from an older state.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sherd.errors import CorruptData
from sherd.vectors.blocks import BlockFile, write_blocks
from sherd.vectors.coder import Coder
from sherd.vectors.depths import Dial
from sherd.vectors.parts import write_durably
from sherd.vectors.sealing import open_segment
from sherd.vectors.segment import Layer

BITS = ".bits"
_VERSION = 1
_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class SavedLayer:
    """File names of one segment. alive: how many of its rows hold."""

    coder: str
    rows: str
    finder: str
    bits: str | None
    alive: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """kind and recall: what was chosen for the index; see `IndexSettings`."""

    dim: int
    kind: str
    recall: float
    layers: tuple[SavedLayer, ...]
    dial: Dial | None = None

    def names(self) -> set[str]:
        """All files that it speaks of."""
        named = {name for one in self.layers for name in (one.coder, one.rows, one.finder, one.bits)}
        return {name for name in named if name is not None}


def read_manifest(path: Path) -> Manifest | None:
    """The manifest in a file; None where there is none. Raises CorruptData."""
    try:
        if not path.exists():
            return None
        if path.stat().st_size > _LIMIT:
            raise ValueError("too large")
        said = json.loads(path.read_bytes())
        if said["checksum"] != _checksum(said["index"]):
            raise ValueError("does not match its checksum")
        return _from_dict(said["index"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorruptData(f"{path}: is no readable index ({error}); run `sherd repair`") from error


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Swap the file: from now on the index is what `manifest` says. Durable when this returns."""
    body: dict[str, Any] = {
        "version": _VERSION,
        "dim": manifest.dim,
        "kind": manifest.kind,
        "recall": manifest.recall,
        "layers": [
            {"coder": one.coder, "rows": one.rows, "finder": one.finder, "bits": one.bits, "alive": one.alive}
            for one in manifest.layers
        ],
        "dial": manifest.dial.as_dict() if manifest.dial else None,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, [json.dumps({"checksum": _checksum(body), "index": body}, indent=1).encode()])


def saved(layers: Sequence[Layer], folder: Path) -> tuple[SavedLayer, ...]:
    """The layers as a manifest names them; tombstones that are not on disk yet are written.

    Raises:
        OSError: the disk refused.
    """
    out = []
    for layer in layers:
        files, bits = layer.segment.files, layer.bits_file
        assert files is not None, "a segment kept in memory is never saved"
        if layer.bits is not None and bits is None:
            draft = folder / "building.bits"
            bits = write_blocks(draft, {"bits": layer.bits}, {}, lambda mark: folder / f"{mark[:32]}{BITS}").name
        out.append(SavedLayer(layer.segment.coder.name, *files, bits, layer.alive))
    return tuple(out)


def open_layers(manifest: Manifest, folder: Path) -> list[Layer]:
    """The segments of a saved index. Raises CorruptData when a file is missing or altered."""
    coders: dict[str, Coder] = {}
    layers = []
    for one in manifest.layers:
        coder = coders.get(one.coder) or Coder.load(folder / one.coder)
        coders[one.coder] = coder
        if coder.dim != manifest.dim:
            raise CorruptData(f"{folder / one.coder}: is for vectors of width {coder.dim}; run `sherd repair`")
        segment = open_segment(folder, coder, (one.rows, one.finder))
        bits = None
        if one.bits is not None:
            file = BlockFile(folder / one.bits)
            file.check()
            bits = file.array("bits").astype(np.uint8)
            if bits.size != -(-len(segment) // 8):
                raise CorruptData(f"{folder / one.bits}: belongs to another segment; run `sherd repair`")
        layer = Layer(segment, bits, bits_file=one.bits)
        if layer.alive != one.alive:
            raise CorruptData(f"{folder / one.rows}: {layer.alive} rows hold, not {one.alive}; run `sherd repair`")
        layers.append(layer)
    return layers


def _from_dict(body: Mapping[str, Any]) -> Manifest:
    if body["version"] != _VERSION:
        raise ValueError(f"format version {body['version']}, this Sherd reads {_VERSION}")
    layers = tuple(
        SavedLayer(
            _name(one["coder"]),
            _name(one["rows"]),
            _name(one["finder"]),
            _name(one["bits"]) if one["bits"] is not None else None,
            int(one["alive"]),
        )
        for one in body["layers"]
    )
    dial = Dial.from_dict(body["dial"]) if body["dial"] else None
    return Manifest(int(body["dim"]), str(body["kind"]), float(body["recall"]), layers, dial)


def _name(said: object) -> str:
    """A plain file name: a manifest never leads out of its folder."""
    if not isinstance(said, str) or Path(said).name != said or said.startswith("."):
        raise ValueError("a file in it has no plain name")
    return said


def _checksum(body: Any) -> str:
    return hashlib.blake2b(json.dumps(body, sort_keys=True).encode(), digest_size=32).hexdigest()
