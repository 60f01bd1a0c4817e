"""A made-up collection in vectors: concepts with directions, pictures that show some of them, with noise."""

from __future__ import annotations

import numpy as np

from sherd.search.concept_vectors import ConceptVectors
from sherd.suggest.evidence import Looks
from sherd.suggest.known import Place
from sherd.thesaurus.thesaurus import Thesaurus
from sherd.types import Concept, FloatArray

DIM = 24
TREE = Thesaurus.from_concepts(
    [
        Concept("urn:motif", {"en": "motif"}),
        *(Concept(f"urn:{kind}", {"en": kind}, broader=("urn:motif",)) for kind in ("beast", "flower")),
        *(
            Concept(f"urn:{kind}{n}", {"en": f"{kind} {n}"}, broader=(f"urn:{kind}",))
            for kind in ("beast", "flower")
            for n in range(6)
        ),
    ]
)
LEAVES = [f"urn:{kind}{n}" for kind in ("beast", "flower") for n in range(6)]


def concepts(seed: int = 0) -> ConceptVectors:
    """All but the top; leaves of a kind are near to its name."""
    rng = np.random.default_rng(seed)
    kinds = {kind: rng.normal(size=DIM) for kind in ("beast", "flower")}
    found, vectors = [], []
    for one in TREE:
        if one.broader:
            kind = one.uri.removeprefix("urn:").rstrip("0123456789")
            own = rng.normal(size=DIM) if one.uri[-1].isdigit() else np.zeros(DIM)
            found.append(one)
            vectors.append(kinds[kind] + 1.5 * own)
    return ConceptVectors(tuple(found), unit(np.array(vectors)))


def unit(rows: np.ndarray) -> FloatArray:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True), np.float32)


def collection(
    n: int, seed: int = 1, *, noise: float = 0.12, accent: float = 0.3
) -> tuple[Looks, dict[str, dict[str, Place | None]]]:
    """n records of one picture with three parts, of which the first shows one leaf; what the pictures look like differs
    from the names by an accent of each concept's own."""
    rng = np.random.default_rng(seed)
    names = concepts()
    looks_like = unit(names.vectors + accent * np.random.default_rng(99).normal(size=names.vectors.shape) / DIM**0.5)
    chosen = rng.choice(LEAVES, n)
    parts = rng.normal(size=(n, 3, DIM)) / DIM**0.5
    parts[:, 0] = looks_like[[names.places[uri] for uri in chosen]] + noise * rng.normal(size=(n, DIM))
    objects = parts.mean(1) + noise * rng.normal(size=(n, DIM))
    records = tuple(f"r{n:04}" for n in range(n))
    boxes = np.tile(np.array([[0, 0, 0.5, 0.5], [0.5, 0, 0.5, 0.5], [0, 0.5, 1, 0.5]], np.float32), (n, 1, 1))
    looks = Looks(np.arange(n), records, tuple(f"{name}.jpg" for name in records), unit(objects), unit(parts), boxes)
    return looks, {record: {str(uri): None} for record, uri in zip(records, chosen, strict=True)}
