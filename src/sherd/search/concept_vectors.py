"""Concepts as vectors: what they are called, in the space where pictures are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sherd.encoder.protocol import Encoder
from sherd.search.question import unit
from sherd.thesaurus.folding import speaks
from sherd.thesaurus.linking import Named
from sherd.types import Concept, FloatArray

LANGUAGES = ("zh", "en")


@dataclass(frozen=True)
class ConceptVectors:
    """C concepts with the mean direction of their preferred names in Chinese and English.

    uris, facets: (C,). vectors: (C, D) unit vectors.
    """

    concepts: tuple[Concept, ...]
    vectors: FloatArray

    @classmethod
    def of(cls, concepts: Iterable[Concept], encoder: Encoder) -> ConceptVectors:
        """Those of `concepts` that have a name."""
        named = [(one, names_of(one)) for one in concepts]
        named = [(one, names) for one, names in named if names]
        if not named:
            return cls((), np.zeros((0, encoder.dim), np.float32))
        texts = list(dict.fromkeys(name for _, names in named for name in names))
        rows = dict(zip(texts, encoder.encode_text(texts), strict=True))
        vectors = [unit(np.sum([rows[name] for name in names], axis=0)) for _, names in named]
        return cls(tuple(one for one, _ in named), np.stack(vectors))

    def __len__(self) -> int:
        return len(self.concepts)

    @cached_property
    def places(self) -> dict[str, int]:
        """URI -> row."""
        return {one.uri: n for n, one in enumerate(self.concepts)}

    def nearest(self, vector: FloatArray, k: int = 3) -> list[tuple[Named, float]]:
        """The k concepts whose names are nearest to a unit vector (D,), with the cosine, as `linking` asks for them."""
        cosines = self.vectors @ vector
        best = np.argsort(-cosines, kind="stable")[:k].tolist()
        return [(_named(self.concepts[n]), float(cosines[n])) for n in best]


def names_of(concept: Concept) -> list[str]:
    """One preferred name a language, in Chinese and English; else any one there is.

    >>> names_of(Concept("urn:a", {"zh-Hant": "鼎", "zh-Latn-pinyin": "ding", "en": "tripod"}))
    ['鼎', 'tripod']
    """
    found = []
    for language in LANGUAGES:
        name = next((label for tag, label in concept.pref_labels.items() if speaks(tag, language)), None)
        if name is not None:
            found.append(name)
    return found or list(concept.pref_labels.values())[:1]


def _named(concept: Concept) -> Named:
    tag, label = next(iter(concept.pref_labels.items()))
    return Named(concept.uri, label, tag, True, concept.facet or "")
