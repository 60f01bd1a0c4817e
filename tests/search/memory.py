"""A library whose catalogue is a few dictionaries, with real part files and thumbnails, for tests of search."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from sherd.catalogue.catalogue import Catalogue, Shown, VectorTable
from sherd.catalogue.filters import Where
from sherd.encoder.protocol import Encoder
from sherd.encoder.toy import ToyEncoder
from sherd.ingest.library import Library
from sherd.ingest.pictures import thumbnail_pixels
from sherd.types import KeyArray, PartInfo, Picture, Understood
from sherd.vectors.parts import PartStore

COLOURS = {
    "red": (220, 30, 30), "green": (30, 160, 60), "blue": (30, 60, 220), "yellow": (230, 210, 40),
    "white": (250, 250, 250), "black": (10, 10, 10), "purple": (140, 40, 170), "orange": (240, 130, 30),
}  # fmt: skip


def quarters(top_left: str, top_right: str, bottom_left: str, bottom_right: str, *, size: int = 64) -> Picture:
    """A picture of four coloured quarters."""
    picture = np.zeros((size, size, 3), np.uint8)
    half = size // 2
    for n, name in enumerate((top_left, top_right, bottom_left, bottom_right)):
        picture[n // 2 * half :, n % 2 * half :] = COLOURS[name]
    return picture


def plain(name: str) -> Picture:
    """A picture of one colour."""
    return quarters(name, name, name, name)


def jpeg(picture: Picture) -> bytes:
    """The picture as a thumbnail file."""
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=90)
    return out.getvalue()


class MemoryCatalogue(Catalogue):
    """Truth in dictionaries. `words` of a record are what `lexical` counts."""

    def __init__(self) -> None:
        self.fingerprint: str | None = None
        self.name: str | None = None
        self.commits = 0
        self.infos: list[PartInfo] = []
        self.where: dict[int, tuple[str, int]] = {}
        self.shown: dict[int, list[Shown]] = {}
        self.fields: dict[str, dict[str, str]] = {}
        self.words: dict[str, str] = {}

    def encoder_fingerprint(self) -> str | None:
        return self.fingerprint

    def encoder_name(self) -> str | None:
        return self.name

    def generation(self) -> int:
        return self.commits

    def stamp(self) -> tuple[int, str | None]:
        return self.generation(), self.fingerprint

    def vector_table(self, fingerprint: str | None = None) -> VectorTable:
        keys = sorted(key for key in self.where if self.shown.get(key))
        number = {info.name: n for n, info in enumerate(self.infos)}
        located = [(number[name], row) for name, row in (self.where[key] for key in keys)]
        part_of, rows = np.array(located, np.int32).reshape(-1, 2).T
        return VectorTable(self.commits, tuple(self.infos), np.array(keys, np.int64), part_of, rows)

    def live_keys(self, where: Where | None = None) -> KeyArray:
        keys = [key for key, records in self.shown.items() if any(self._passes(one, where) for one in records)]
        return np.array(sorted(keys), np.int64)

    def hits_for(self, keys: KeyArray, where: Where | None = None) -> dict[int, list[Shown]]:
        return {key: [one for one in self.shown.get(key, []) if self._passes(one, where)] for key in keys.tolist()}

    def keys_of(self, record_ids: Sequence[str]) -> dict[str, list[tuple[int, str]]]:
        found: dict[str, list[tuple[int, str]]] = {}
        for key, records in self.shown.items():
            for one in records:
                if one.record_id in record_ids:
                    found.setdefault(one.record_id, []).append((key, one.image))
        return found

    def picture_keys(self, record_ids: Sequence[str]) -> KeyArray:
        return np.array(sorted(key for pairs in self.keys_of(record_ids).values() for key, _ in pairs), np.int64)

    def understood(self, text: str) -> tuple[Understood, ...]:
        return ()

    def lexical(
        self, text: str, limit: int, where: Where | None = None, labels: Sequence[str] = ()
    ) -> list[tuple[str, float]]:
        asked = set(text.lower().split())
        scores = [(record_id, float(len(asked & set(words.split())))) for record_id, words in self.words.items()]
        passing = [s for s in scores if s[1] > 0 and self._passes(Shown(s[0], "", ""), where)]
        return sorted(passing, key=lambda one: (-one[1], one[0]))[:limit]

    def _passes(self, one: Shown, where: Where | None) -> bool:
        mine = self.fields.get(one.record_id, {})
        return all(mine.get(field) in values for field, values in (where or {}).items())


class MemoryLibrary(Library):
    """A library in `folder` to which pictures are added by hand."""

    def __init__(self, folder: Path, encoder: Encoder | None = None) -> None:
        self.folder = folder
        self.encoder: Encoder = encoder or ToyEncoder()
        self.memory = MemoryCatalogue()
        self.catalogue = self.memory

    def parts(self, fingerprint: str) -> PartStore:
        return PartStore(self.folder / "vectors" / fingerprint[:16])

    def index_folder(self, fingerprint: str) -> Path:
        return self.folder / "index" / fingerprint[:16]

    def thumbnail(self, sha256: str) -> Path:
        return self.folder / "thumbnails" / sha256[:2] / f"{sha256}.jpg"

    def add(self, *pictures: tuple[str, Picture], title: str | None = None, **fields: str) -> None:
        """Add (record id, picture)s as one batch; keys count up from 1."""
        memory = self.memory
        files = [jpeg(picture) for _, picture in pictures]
        digests = [hashlib.sha256(data).hexdigest() for data in files]
        keys = np.arange(len(memory.where) + 1, len(memory.where) + 1 + len(pictures))
        info = self.parts(self.encoder.fingerprint).write(
            keys, digests, self.encoder.encode_images([thumbnail_pixels(data) for data in files])
        )
        for row, (key, digest, data, (record_id, _)) in enumerate(
            zip(keys.tolist(), digests, files, pictures, strict=True)
        ):
            self.thumbnail(digest).parent.mkdir(parents=True, exist_ok=True)
            self.thumbnail(digest).write_bytes(data)
            memory.where[key] = (info.name, row)
            memory.shown[key] = [Shown(record_id, title or f"Title of {record_id}", f"photos/{record_id}-{key}.jpg")]
            memory.fields.setdefault(record_id, {}).update(fields)
            memory.words[record_id] = (title or "").lower()
        memory.infos.append(info)
        memory.fingerprint, memory.name = self.encoder.fingerprint, self.encoder.name
        memory.commits += 1

    def remove(self, record_id: str) -> None:
        """Take a record out."""
        for key, records in self.memory.shown.items():
            self.memory.shown[key] = [one for one in records if one.record_id != record_id]
        self.memory.commits += 1
