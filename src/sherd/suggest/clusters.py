"""Parts that look alike all over a collection, grouped, so that many can be decided about at once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sherd.errors import InvalidArgument
from sherd.search.concept_vectors import ConceptVectors
from sherd.suggest.evidence import Looks
from sherd.suggest.review import now
from sherd.types import Action, Box, Decision, FloatArray

_WHOLE = 0.6
"""A box above this share of the picture is the relic, not a part of it."""
_DIMENSIONS = 16
"""Directions that are kept before clustering: distances in more tell less and cost more."""
_MOST_PARTS = 40_000


@dataclass(frozen=True, slots=True)
class Member:
    """One part: whose, on which picture, where."""

    record_id: str
    image: str
    box: Box


@dataclass(frozen=True, slots=True)
class Cluster:
    """Parts that look alike.

    name: 10 hex digits over the members, so that a cluster that has changed has another name. members: the one in the
    middle first, then by likeness to it; a record once. likeness: mean cosine of the members with their mean, 0..1.
    terms: (URI, cosine) of the concepts whose names are nearest to their mean.
    """

    name: str
    members: tuple[Member, ...]
    likeness: float
    terms: tuple[tuple[str, float], ...]


def find_clusters(
    looks: Looks, concepts: ConceptVectors, *, least: int = 5, terms: int = 3, seed: int = 0
) -> list[Cluster]:
    """Groups of at least `least` records with a part alike, largest first.

    Args:
        looks: the collection. Parts that are nearly the whole picture are left out; of more than 40,000 parts that many
            are drawn by lot.
        concepts: to name the groups by.
        least: 2 or more.
    Raises:
        InvalidArgument: `least` is below 2.
    Source: HDBSCAN (Campello, Moulavi, Sander 2013) over the 16 main directions.
    """
    if least < 2:
        raise InvalidArgument(f"a cluster of {least} is none; give 2 or more")
    places = np.argwhere(looks.boxes[..., 2] * looks.boxes[..., 3] <= _WHOLE)
    if len(places) > _MOST_PARTS:
        places = places[np.sort(np.random.default_rng(seed).choice(len(places), _MOST_PARTS, replace=False))]
    vectors = looks.parts[places[:, 0], places[:, 1]]
    if len(vectors) < 2 * least:
        return []
    labels = _labels(vectors, least)
    found = []
    for label in range(int(labels.max()) + 1):
        inside = np.flatnonzero(labels == label)
        cluster = _cluster(looks, places[inside], vectors[inside], concepts, least, terms)
        if cluster is not None:
            found.append(cluster)
    return sorted(found, key=lambda one: (-len(one.members), one.name))


def decide_cluster(
    clusters: Sequence[Cluster],
    name: str,
    concept: str,
    who: str,
    *,
    without: Sequence[str] = (),
    refuse: bool = False,
    note: str = "",
) -> list[Decision]:
    """A decision for each member of the cluster of this name: the concept holds where the member is, or does not.

    Args:
        without: record ids that are left out; each must be a member.
    Raises:
        InvalidArgument: there is no such cluster any more, or a record to leave out is not in it.
    """
    found = next((one for one in clusters if one.name == name), None)
    if found is None:
        raise InvalidArgument(f"there is no cluster {name!r}, or it has changed; `sherd clusters` lists them")
    members = {one.record_id: one for one in found.members}
    if strange := [record for record in without if record not in members]:
        raise InvalidArgument(f"record {strange[0]!r} is not in cluster {name}")
    action = Action.REJECT if refuse else Action.OTHER
    return [
        Decision(
            record, action, who, now(), concept=concept if refuse else None, value=None if refuse else concept,
            image=one.image, box=one.box, note=note,
        )
        for record, one in members.items()
        if record not in without
    ]  # fmt: skip


def _labels(vectors: FloatArray, least: int) -> NDArray[np.int64]:
    """(n,) number of each vector's cluster, -1 for none."""
    from sklearn.cluster import HDBSCAN  # imported on use: it takes a second
    from sklearn.decomposition import PCA

    width = min(_DIMENSIONS, *vectors.shape)
    centred = PCA(width, svd_solver="covariance_eigh").fit_transform(vectors.astype(np.float64))
    return np.asarray(HDBSCAN(min_cluster_size=least, copy=False).fit_predict(centred), np.int64)


def _cluster(
    looks: Looks, places: NDArray[np.int64], vectors: FloatArray, concepts: ConceptVectors, least: int, terms: int
) -> Cluster | None:
    mean = vectors.mean(0)
    mean = mean / max(float(np.linalg.norm(mean)), 1e-9)
    cosines = vectors @ mean
    members: dict[str, Member] = {}
    for n in np.argsort(-cosines, kind="stable").tolist():
        row, part = places[n].tolist()
        x, y, w, h = np.clip(looks.boxes[row, part], 0, 1).tolist()
        if min(w, 1 - x) <= 0 or min(h, 1 - y) <= 0:
            continue
        member = Member(looks.records[row], looks.images[row], Box(x, y, min(w, 1 - x), min(h, 1 - y)))
        members.setdefault(member.record_id, member)
    if len(members) < least:
        return None
    listed = tuple(members.values())
    near = concepts.nearest(np.asarray(mean, np.float32), terms) if len(concepts) else []
    return Cluster(
        _name_of(listed), listed, round(float(cosines.mean()), 4), tuple((one.uri, round(c, 4)) for one, c in near)
    )


def _name_of(members: Sequence[Member]) -> str:
    said = sorted(f"{one.record_id}\0{one.image}\0{one.box}" for one in members)
    return hashlib.sha256("\n".join(said).encode("utf-8", "surrogatepass")).hexdigest()[:10]
