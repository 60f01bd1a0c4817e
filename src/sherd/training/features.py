"""What a frozen backbone says of pictures and texts, kept on disk and read from there by memory mapping."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sherd.encoder.tapped import TappedBackbone
from sherd.errors import CorruptData
from sherd.model.adapter import fit_reduction, reduce_taps
from sherd.model.checkpoint import load_tensors, save_tensors
from sherd.types import Picture

GRID = 20
"""Cells a side of a kept grid, at most."""
_DIGESTS = "digests"
_REDUCTION_PICTURES = 64
_TEXT_PART = 2_048
_LOOK_BATCH = 16


class FeatureStore:
    """Rows of tensors by the name (64 hex digits) of what they were made of, in part files that are written once.

    A part is on disk whole or not at all. One that cannot be read is removed: its rows are missing then.
    """

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        self._kind = kind
        self._parts: list[Mapping[str, Tensor]] = []
        self._places: dict[str, tuple[int, int]] = {}
        for path in sorted(folder.glob(f"{kind}-*.safetensors")):
            try:
                self._add(load_tensors(path)[0])
            except (CorruptData, KeyError):
                path.unlink()

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def missing(self, names: Sequence[str]) -> list[str]:
        """Those of `names` that are not kept yet, each once."""
        return [name for name in dict.fromkeys(names) if name not in self._places]

    def write(self, names: Sequence[str], rows: Mapping[str, Tensor]) -> None:
        """Keep rows (n, ...) of some tensors under n names; when this returns they are on disk."""
        digests = torch.from_numpy(np.frombuffer(bytes.fromhex("".join(names)), np.uint8).reshape(-1, 32).copy())
        digest = hashlib.sha256(digests.numpy().tobytes()).hexdigest()
        path = self.folder / f"{self._kind}-{digest[:16]}.safetensors"
        self.folder.mkdir(parents=True, exist_ok=True)
        save_tensors(path, {**rows, _DIGESTS: digests}, {})
        self._add(load_tensors(path)[0])

    def take(self, tensor: str, names: Sequence[str]) -> Tensor:
        """Rows (n, ...) of the tensor called `tensor`. Raises KeyError for a name that is not kept."""
        places = [self._places[name] for name in names]
        return torch.stack([self._parts[part][tensor][row] for part, row in places])

    def _add(self, part: Mapping[str, Tensor]) -> None:
        for row, digest in enumerate(part[_DIGESTS].numpy()):
            self._places.setdefault(digest.tobytes().hex(), (len(self._parts), row))
        self._parts.append(part)


class PictureFeatures:
    """Features of pictures on one grid: `take(names)` -> whole (n, O), patches (n, s, s, O), taps (n, s, s, T, P).

    All are float16 on disk. Grids of another size or shape are resampled to s x s; a tapped block is kept along its P
    main directions, which are found on the first pictures that come and stay the same from then on.
    """

    def __init__(self, backbone: TappedBackbone, folder: Path, *, reduced: int, part: int = 64) -> None:
        self._backbone = backbone
        self._folder = folder
        self._part = part
        self.reduced = min(reduced, backbone.tap_dim)
        self.side = min(GRID, backbone.side)
        self._reduction: tuple[Tensor, Tensor] | None = None
        with suppress(CorruptData, KeyError, OSError):
            tensors = load_tensors(self._reduction_path)[0]
            self._reduction = tensors["mean"], tensors["basis"]
        self._store = None if self._reduction is None else self._open(self._reduction)

    def add(
        self, names: Sequence[str], read: Callable[[str], Picture], settled: Callable[[int, int], None]
    ) -> dict[str, str]:
        """Look at those pictures that are not kept yet.

        Args:
            names: sha256 of the pictures. read: gives the pixels for a name, or raises CorruptData.
            settled: told (pictures done, pictures in all) after each part.
        Returns:
            name -> why, of pictures that could not be read.
        """
        wanted = list(dict.fromkeys(names))
        todo = wanted if self._store is None else self._store.missing(wanted)
        refused: dict[str, str] = {}
        settled(len(wanted) - len(todo), len(wanted))
        for start in range(0, len(todo), self._part):
            kept, pictures = [], []
            for name in todo[start : start + self._part]:
                try:
                    pictures.append(read(name))
                    kept.append(name)
                except CorruptData as error:
                    refused[name] = str(error)
            if kept:
                self._look(kept, pictures)
            settled(len(wanted) - len(todo) + min(start + self._part, len(todo)), len(wanted))
        return refused

    def take(self, names: Sequence[str]) -> tuple[Tensor, Tensor, Tensor]:
        """(n, O), (n, s, s, O), (n, s, s, T, P), float16."""
        assert self._store is not None
        whole, patches, taps = (self._store.take(kind, names) for kind in ("whole", "patches", "taps"))
        return whole, patches, taps

    @property
    def reduction(self) -> tuple[Tensor, Tensor]:
        """mean (T, C) and basis (T, C, P), once a picture was added."""
        assert self._reduction is not None
        return self._reduction

    @property
    def _reduction_path(self) -> Path:
        return self._folder / f"reduction-{self.reduced}.safetensors"

    def _look(self, names: Sequence[str], pictures: Sequence[Picture]) -> None:
        rows: list[tuple[Tensor, Tensor, Tensor]] = []
        for start in range(0, len(pictures), _LOOK_BATCH):
            looks = self._backbone.look(pictures[start : start + _LOOK_BATCH])
            for whole, patches, taps in zip(looks.whole, looks.patches, looks.taps, strict=True):
                blocks = self._squared(torch.from_numpy(taps).flatten(2)).reshape(self.side, self.side, *taps.shape[2:])
                even = functional.normalize(self._squared(torch.from_numpy(patches)), dim=-1)
                rows.append((torch.from_numpy(whole), even, blocks))
        if self._reduction is None:
            some = torch.stack([taps for _, _, taps in rows[:_REDUCTION_PICTURES]]).flatten(0, 2)
            self._reduction = fit_reduction(some, self.reduced)
            self._folder.mkdir(parents=True, exist_ok=True)
            mean, basis = self._reduction
            save_tensors(self._reduction_path, {"mean": mean, "basis": basis}, {})
        if self._store is None:
            self._store = self._open(self._reduction)
        self._store.write(
            names,
            {
                "whole": torch.stack([whole for whole, _, _ in rows]).half(),
                "patches": torch.stack([patches for _, patches, _ in rows]).half(),
                "taps": torch.stack([reduce_taps(taps, *self._reduction) for _, _, taps in rows]).half(),
            },
        )

    def _open(self, reduction: tuple[Tensor, Tensor]) -> FeatureStore:
        # Rows along other directions, as two first runs at one time would leave, are not taken for these.
        digest = hashlib.sha256(reduction[1].numpy().tobytes()).hexdigest()[:8]
        return FeatureStore(self._folder, f"pictures-{digest}")

    def _squared(self, grid: Tensor) -> Tensor:
        """(h, w, C) resampled to (s, s, C)."""
        if grid.shape[:2] == (self.side, self.side):
            return grid
        picture = grid.permute(2, 0, 1)[None]
        size = (self.side, self.side)
        even = functional.interpolate(picture, size, mode="bilinear", align_corners=False, antialias=True)
        return even[0].permute(1, 2, 0)


class TextFeatures:
    """Unit vectors of texts, float32: `take(texts)` -> (n, D)."""

    def __init__(self, backbone: TappedBackbone, folder: Path) -> None:
        self._backbone = backbone
        self._store = FeatureStore(folder, "texts")

    def add(self, texts: Sequence[str]) -> None:
        """Read those texts that are not kept yet."""
        names = {_name(text): text for text in texts}
        for some in _chunks(self._store.missing(list(names)), _TEXT_PART):
            self._store.write(some, {"texts": torch.from_numpy(self._backbone.read([names[name] for name in some]))})

    def take(self, texts: Sequence[str]) -> Tensor:
        """(n, D)."""
        return self._store.take("texts", [_name(text) for text in texts])


def _name(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _chunks(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), size):
        yield names[start : start + size]
