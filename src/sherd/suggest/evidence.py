"""What speaks for a concept on a picture, in numbers: its name, what it looked like on other pictures, how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sherd.search.concept_vectors import ConceptVectors
from sherd.search.rerank import soft_maximum
from sherd.search.sampling import evenly
from sherd.search.settings import SearchSettings
from sherd.suggest.known import Place
from sherd.types import FloatArray, KeyArray

FEATURES = ("name, whole", "name, parts", "like, whole", "like, parts", "nearest", "seen", "seen often")
_SHARPNESS = SearchSettings().sharpness
_CHUNK = 256
MOST_EXAMPLES = 500
"""Examples of a concept that are looked at, taken evenly from all: a thousand more tell nothing new."""
_LEAST_IOU = 0.1


@dataclass(frozen=True)
class Looks:
    """The vectors of n pictures, and whose they are.

    keys (n,); records, images: (n,) record id and path as in the source. objects (n, D); parts (n, K, D), with K = 1
    and the object where the encoder has none; boxes (n, K, 4).
    """

    keys: KeyArray
    records: tuple[str, ...]
    images: tuple[str, ...]
    objects: FloatArray
    parts: FloatArray
    boxes: FloatArray

    def __len__(self) -> int:
        return len(self.records)

    def rows(self, keep: NDArray[np.int64]) -> Looks:
        """Only these rows, in this order."""
        picked = keep.tolist()
        return Looks(
            self.keys[keep],
            tuple(self.records[n] for n in picked),
            tuple(self.images[n] for n in picked),
            self.objects[keep],
            self.parts[keep],
            self.boxes[keep],
        )


@dataclass(frozen=True)
class Examples:
    """Where concepts are known to be seen.

    By URI, rows of `looks` (MOST_EXAMPLES at most), and the part of each that shows the concept, -1 where nobody said
    which.
    """

    looks: Looks
    rows: Mapping[str, NDArray[np.int64]]
    parts: Mapping[str, NDArray[np.int64]]

    @classmethod
    def of(cls, looks: Looks, known: Mapping[str, Mapping[str, Place | None]]) -> Examples:
        """From record id -> concept -> place. Without a place, all pictures of the record show the concept."""
        rows: dict[str, list[int]] = {}
        parts: dict[str, list[int]] = {}
        for n, (record, image) in enumerate(zip(looks.records, looks.images, strict=True)):
            for uri, place in known.get(record, {}).items():
                if place is not None and place.image != image:
                    continue
                rows.setdefault(uri, []).append(n)
                parts.setdefault(uri, []).append(_covering(looks.boxes[n], place))
        return cls(
            looks,
            {uri: evenly(np.array(some, np.int64), MOST_EXAMPLES) for uri, some in rows.items()},
            {uri: evenly(np.array(some, np.int64), MOST_EXAMPLES) for uri, some in parts.items()},
        )


def gather_evidence(
    looks: Looks, concepts: ConceptVectors, examples: Examples, centres: FloatArray | None = None
) -> FloatArray:
    """(n, C, F) what speaks for each of C concepts on each of n pictures, by `FEATURES`.

    name: cosines of the concept's name with the whole and with the best parts, less their mean over the collection
    (`centres`, see `name_centres`), for some names are near to everything. like: cosines with the mean of its examples,
    the whole's and the best part's; nearest: with the nearest example; less than what a middling picture has. seen: 1
    where there are examples, and the log of their number. A picture is never its own example, nor are other pictures
    of its record.
    """
    n, c = len(looks), len(concepts)
    found = np.zeros((n, c, len(FEATURES)), np.float32)
    found[..., 0] = looks.objects @ concepts.vectors.T
    found[..., 1] = best_parts(looks.parts, concepts.vectors)
    found[..., :2] -= name_centres(looks, concepts) if centres is None else centres
    records = np.array(looks.records, dtype=object)
    middle = examples.looks.objects.mean(0) if len(examples.looks) else np.zeros(looks.objects.shape[1], np.float32)
    middle_part = examples.looks.parts.mean((0, 1)) if len(examples.looks) else middle
    usual, usual_part = looks.objects @ middle, looks.parts.mean(1) @ middle_part
    example_records = np.array(examples.looks.records, dtype=object)
    for place, one in enumerate(concepts.concepts):
        rows = examples.rows.get(one.uri)
        if rows is None:
            continue
        own = records[:, None] == example_records[rows][None]  # (n, E)
        others = (~own).sum(1)
        objects = examples.looks.objects[rows]
        parts = _example_parts(examples, one.uri, concepts.vectors[place])
        seen = others > 0
        mean = _unit(objects.sum(0) - own @ objects)
        part_mean = _unit(parts.sum(0) - own @ parts)
        cosines = np.where(own, -1, looks.objects @ objects.T)
        found[:, place, 2] = np.where(seen, (looks.objects * mean).sum(1) - usual, 0)
        found[:, place, 3] = np.where(seen, np.einsum("nkd,nd->nk", looks.parts, part_mean).max(1) - usual_part, 0)
        found[:, place, 4] = np.where(seen, cosines.max(1) - usual, 0)
        found[:, place, 5] = seen
        found[:, place, 6] = np.log1p(others)
    return found


def name_centres(looks: Looks, concepts: ConceptVectors, most: int = 2_000) -> FloatArray:
    """(C, 2) mean cosine of each name with wholes and with best parts, over `most` pictures spread evenly."""
    some = looks if len(looks) <= most else looks.rows(evenly(np.arange(len(looks)), most))
    if not len(some):
        return np.zeros((len(concepts), 2), np.float32)
    whole = (some.objects @ concepts.vectors.T).mean(0)
    return np.stack([whole, best_parts(some.parts, concepts.vectors).mean(0)], 1)


def best_parts(parts: FloatArray, vectors: FloatArray) -> FloatArray:
    """(n, C) soft maximum over K of the cosines of parts (n, K, D) with vectors (C, D), as re-ranking takes it."""
    found = np.empty((len(parts), len(vectors)), np.float32)
    for start in range(0, len(parts), _CHUNK):
        near = np.einsum("nkd,cd->nck", parts[start : start + _CHUNK], vectors, optimize=True)
        found[start : start + _CHUNK] = soft_maximum(near.astype(np.float64), _SHARPNESS)
    return found


def nearest_examples(
    look: FloatArray, examples: Examples, uri: str, record: str, k: int = 3
) -> list[tuple[str, float]]:
    """(record id, cosine) of the examples of a concept whose wholes are nearest to a vector (D,); each record once."""
    rows = examples.rows.get(uri, np.zeros(0, np.int64))
    cosines = examples.looks.objects[rows] @ look
    best: dict[str, float] = {}
    for n in np.argsort(-cosines, kind="stable").tolist():
        name = examples.looks.records[int(rows[n])]
        if name != record:
            best.setdefault(name, float(cosines[n]))
    return list(best.items())[:k]


def _example_parts(examples: Examples, uri: str, name: FloatArray) -> FloatArray:
    """(E, D) the part of each example that shows the concept: the one that was said, else the nearest to its name."""
    parts = examples.looks.parts[examples.rows[uri]]  # (E, K, D)
    said = examples.parts[uri]
    which = np.where(said >= 0, said, (parts @ name).argmax(1))
    return np.asarray(parts[np.arange(len(parts)), which])


def _covering(boxes: FloatArray, place: Place | None) -> int:
    """The part whose box overlaps the place most; -1 where none does by a tenth."""
    if place is None or place.box is None:
        return -1
    box = place.box
    left, top = np.maximum(boxes[:, 0], box.x), np.maximum(boxes[:, 1], box.y)
    right = np.minimum(boxes[:, 0] + boxes[:, 2], box.x + box.w)
    bottom = np.minimum(boxes[:, 1] + boxes[:, 3], box.y + box.h)
    shared = np.clip(right - left, 0, None) * np.clip(bottom - top, 0, None)
    union = boxes[:, 2] * boxes[:, 3] + box.w * box.h - shared
    overlap = shared / np.maximum(union, 1e-9)
    return int(overlap.argmax()) if overlap.size and overlap.max() >= _LEAST_IOU else -1


def _unit(rows: FloatArray) -> FloatArray:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9), np.float32)
