"""What object vectors are called among the concepts of a facet, and how far the model can be taken at its word."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from sherd.encoder.protocol import Encoder
from sherd.evaluation.gallery import View
from sherd.evaluation.table import Columns, QueryTable, column
from sherd.metrics.bootstrap import Values
from sherd.metrics.hierarchy import error_distances
from sherd.search.concept_vectors import ConceptVectors
from sherd.thesaurus.thesaurus import Thesaurus, builtin_thesaurus
from sherd.types import FloatArray

NAMED, RANDOM, COMMONEST = "naming", "random", "commonest"
_SCALES = np.geomspace(1, 1_000, 61)
"""What cosines may be multiplied with, one over the temperature: each step 12 % more."""
_LEAST = 1e-6
"""Probabilities below are taken for this, so that their logarithm is finite."""


def measure_naming(encoder: Encoder, objects: FloatArray, views: Sequence[View]) -> dict[str, QueryTable]:
    """By facet, what the vector of each picture is called among the concepts of the facet that the pictures have.

    A picture's name is the concept whose names are nearest to its vector. Blind are `random` (any of the concepts) and
    `commonest` (always the one that most pictures have).

    Args:
        objects: (n, D) unit vectors of the views.
    Returns:
        tables with a query for each picture that has a concept of the facet, the systems `naming` and the blind, and
        the columns `accuracy`, `tree_distance` (of mistakes) and, of the model alone, `probability` (of the name that
        it gives, see `held_out_probabilities`). A facet with one concept is left out: there is nothing to choose from.
    """
    thesaurus = builtin_thesaurus()
    tables = {}
    for facet in sorted({facet for view in views for facet in view.concepts}):
        rows = [n for n, view in enumerate(views) if view.concepts.get(facet)]
        truths = [views[n].concepts[facet] for n in rows]
        counts = Counter(uri for some in truths for uri in sorted(some))
        uris = sorted(counts)
        if len(uris) < 2:
            continue
        owners = tuple(views[n].record_id for n in rows)
        vectors = ConceptVectors.of(map(thesaurus.concept, uris), encoder).vectors
        cosines = objects[rows].astype(np.float64) @ vectors.T
        model = _answered([uris[n] for n in cosines.argmax(1).tolist()], truths, thesaurus)
        said = held_out_probabilities(cosines, model["accuracy"] == 1, owners)
        tables[facet] = QueryTable(
            query=tuple(f"{' '.join(sorted(views[n].concepts[facet]))}|{views[n].image.path}" for n in rows),
            object=owners,
            group=(facet,) * len(rows),
            systems={
                NAMED: {**model, "probability": column(said)},
                RANDOM: _at_random(uris, truths, thesaurus),
                COMMONEST: _answered([max(uris, key=counts.__getitem__)] * len(rows), truths, thesaurus),
            },
        )
    return tables


def held_out_probabilities(cosines: Values, right: NDArray[np.bool_], owners: Sequence[str]) -> Values:
    """(n,) the softmax probability of each picture's nearest name, at the temperature that fits the other half best.

    Objects fall into two halves by a hash of their identifier. The temperature that fits a half best gives the
    outcomes of its nearest names, right or wrong, the highest likelihood.

    Args:
        cosines: (n, C) with the names of all C concepts. right: (n,) of the nearest. owners: (n,) the object of each.
    Returns:
        0..1; NaN where the other half is empty.
    Source: temperature scaling (Guo et al. 2017), here by the likelihood of the one event that is judged, for a picture
        may have several right names.
    """
    away = cosines - cosines.max(1, keepdims=True)
    by_scale = np.stack([1 / np.exp(scale * away).sum(1) for scale in _SCALES])  # (scales, n)
    fit = np.log(np.where(right, by_scale, 1 - by_scale).clip(_LEAST))
    second = np.array([_in_second_half(owner) for owner in owners])
    found = np.full(len(owners), np.nan)
    for mine in (second, ~second):
        if not mine.all():
            found[mine] = by_scale[fit[:, ~mine].mean(1).argmax(), mine]
    return found


def _in_second_half(owner: str) -> bool:
    return hashlib.sha256(f"naming:{owner}".encode()).digest()[0] >= 128


def _answered(said: Sequence[str], truths: Sequence[Collection[str]], thesaurus: Thesaurus) -> Columns:
    right = np.array([one in some for one, some in zip(said, truths, strict=True)])
    distances = np.full(len(said), np.nan)
    distances[~right] = error_distances(said, truths, thesaurus.distance)
    return {"accuracy": column(right), "tree_distance": column(distances)}


def _at_random(uris: Sequence[str], truths: Sequence[frozenset[str]], thesaurus: Thesaurus) -> Columns:
    """The chance that any of the concepts is right, and the mean distance of those that are wrong."""
    away = {some: error_distances(uris, [some] * len(uris), thesaurus.distance) for some in set(truths)}
    return {
        "accuracy": column([len(some) / len(uris) for some in truths]),
        "tree_distance": column([away[some].mean() if away[some].size else np.nan for some in truths]),
    }
