"""A model against a pack: texts and pictures asked for each other, labels pointed at, blind chance beside it all."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from sherd.encoder.protocol import Encoder
from sherd.errors import SourceError
from sherd.evaluation.gallery import View, fill, read_views
from sherd.evaluation.report import (
    RECALLS,
    BothWays,
    DataFacts,
    Localisation,
    LocalisationChance,
    Report,
    RetrievalFigures,
)
from sherd.ingest.library import Library
from sherd.ingest.pictures import open_picture_file, thumbnail_pixels
from sherd.ingest.progress import Reporter, Silent
from sherd.metrics import localisation, retrieval
from sherd.search.locate import box_from_heat
from sherd.search.searcher import Searcher
from sherd.search.settings import SearchSettings
from sherd.types import Box, Query

POINTING_TOLERANCE = 8 / 320
"""How far beside a box the hottest spot may be, in fractions of each side: 8 pixels of the packs' 320."""
LARGEST_LABEL = 0.5
"""Labels whose boxes cover more of the picture are left out: pointing at what fills the picture shows nothing."""

_WORDLESS = SearchSettings(lexical=0)
"""As served, but for matching words: there are none, and the numbers that stand for identifiers must not count."""

Relevance = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TextGroup:
    """The texts of one language, one an object, and what they are true of: (texts, pictures) bool."""

    texts: tuple[str, ...]
    relevant: Relevance


@dataclass(frozen=True, slots=True)
class LabelQuery:
    """A label, the view that holds it, and its boxes there."""

    label: str
    view: int
    boxes: tuple[Box, ...]


def evaluate(
    encoder: Encoder,
    data: Path,
    *,
    split: str | None = None,
    language: str | None = None,
    reporter: Reporter | None = None,
) -> Report:
    """Measure `encoder` on the pack folder `data`.

    The pictures are put into a library of their own, without their texts, and found by the search that serves users.
    Retrieval is averaged over the languages in which the records have texts.

    Args:
        split: only records of this split (the pack's own word, else `train` or `heldout` by the training's rule).
        language: only texts in this language.
    Raises:
        SourceError: the folder is no pack, no record is in the split, or nothing in it can be measured.
    """
    started = time.monotonic()
    views, source, unread = read_views(data, split=split, language=language)
    with TemporaryDirectory(prefix="sherd-evaluate-") as folder, Library.open(Path(folder), create=True) as library:
        usable = fill(library, source, views, encoder, reporter or Silent())
        refused = len(views) - len(usable) + unread
        if not usable:
            raise SourceError(f"{data}: none of its {len(views)} pictures can be opened")
        groups = text_groups([views[n] for n in usable])
        searcher = Searcher(library, encoder, settings=_WORDLESS)
        served, plain = _retrieval(searcher, groups, usable) if groups else (None, None)
    labels = label_queries(views, usable)
    if not groups and not labels:
        raise SourceError(f"{data}: no record has a text or a labelled box, so there is nothing to measure")
    return Report(
        data=DataFacts(
            path=str(data),
            split=split,
            records=len({views[n].record_id for n in usable}),
            pictures=len(usable),
            refused=refused,
            texts={code: len(group.texts) for code, group in groups.items()},
            labels=len(labels),
        ),
        model={"name": encoder.name, "fingerprint": encoder.fingerprint},
        retrieval=served,
        retrieval_object_only=plain,
        localisation=_localise(encoder, labels, source.root, views) if labels else None,
        chance_retrieval=_mean([_chance(group.relevant) for group in groups.values()]) if groups else None,
        chance_localisation=chance_of(labels, views) if labels else None,
        seconds=time.monotonic() - started,
    )


def text_groups(views: Sequence[View]) -> dict[str, TextGroup]:
    """By language, the distinct texts of the views' objects.

    Relevant to a text are all views of its object, and all pictures of which the same is said word for word.
    """
    groups = {}
    for language in sorted({code for view in views for code in view.texts}):
        said = [view.texts.get(language) for view in views]
        by_object: dict[str, str] = {}
        for view, text in zip(views, said, strict=True):
            if text is not None:
                by_object.setdefault(view.record_id, text)
        owners = np.array(list(by_object), dtype=object)
        texts = np.array(list(by_object.values()), dtype=object)
        relevant = owners[:, None] == np.array([view.record_id for view in views], dtype=object)[None]
        relevant |= texts[:, None] == np.array(said, dtype=object)[None]
        groups[language] = TextGroup(tuple(by_object.values()), relevant.astype(bool))
    return groups


def label_queries(views: Sequence[View], usable: Sequence[int]) -> list[LabelQuery]:
    """One query for each label of each usable view, without those that fill more than half of it."""
    queries = []
    for n in usable:
        boxes: dict[str, list[Box]] = defaultdict(list)
        for region in views[n].image.regions:
            if region.label:
                boxes[region.label].append(region.box)
        for label, found in boxes.items():
            if localisation.chance_of_pointing(found) <= LARGEST_LABEL:
                queries.append(LabelQuery(label, n, tuple(found)))
    return queries


def chance_of(queries: Sequence[LabelQuery], views: Sequence[View]) -> LocalisationChance:
    """What pointing reaches without looking at the picture."""
    regions = {query.view: [(r.label, r.box) for r in views[query.view].image.regions if r.label] for query in queries}
    prior = localisation.LocationPrior([region for found in regions.values() for region in found])
    tolerance = (POINTING_TOLERANCE, POINTING_TOLERANCE)
    uniform, centre, usual = [], [], []
    for query in queries:
        uniform.append(localisation.chance_of_pointing(query.boxes, tolerance))
        centre.append(localisation.points_at((0.5, 0.5), query.boxes, tolerance))
        spot = prior.point(query.label, without=regions[query.view])
        usual.append(localisation.points_at(spot, query.boxes, tolerance))
    return LocalisationChance(float(np.mean(uniform)), float(np.mean(centre)), float(np.mean(usual)))


def _localise(encoder: Encoder, queries: Sequence[LabelQuery], root: Path, views: Sequence[View]) -> Localisation:
    labels = sorted({query.label for query in queries})
    vectors = dict(zip(labels, encoder.encode_text([label.replace("_", " ") for label in labels]), strict=True))
    tolerance = (POINTING_TOLERANCE, POINTING_TOLERANCE)
    hits, overlaps = [], []
    opened = -1
    for query in queries:
        if query.view != opened:
            picture = thumbnail_pixels(open_picture_file(root, views[query.view].image.path).thumbnail)
            opened = query.view
        heat = encoder.heat(picture, vectors[query.label])
        hits.append(localisation.points_at(localisation.peak(heat), query.boxes, tolerance))
        box = box_from_heat(heat)
        overlaps.append(max(localisation.intersection_over_union(box, other) for other in query.boxes))
    return Localisation(float(np.mean(hits)), float(np.mean(overlaps)))


def _retrieval(searcher: Searcher, groups: dict[str, TextGroup], usable: Sequence[int]) -> tuple[BothWays, BothWays]:
    """As served, and by object vectors alone; each the mean over languages."""
    place = {str(n): column for column, n in enumerate(usable)}
    served, plain = [], []
    for group in groups.values():
        whole = np.full(group.relevant.shape, -np.inf)
        objects = np.full(group.relevant.shape, -np.inf)
        for row, text in enumerate(group.texts):
            for one in searcher.rank(Query(text=text), len(usable)):
                whole[row, place[one.record_id]] = one.score
                objects[row, place[one.record_id]] = one.reasons["object"]
        served.append(_figures(whole, group.relevant))
        plain.append(_figures(objects, group.relevant))
    return _mean(served), _mean(plain)


def _figures(scores: NDArray[np.float64], relevant: Relevance) -> BothWays:
    return BothWays(_one_way(scores, relevant), _one_way(scores.T, relevant.T))


def _one_way(scores: NDArray[np.float64], relevant: Relevance) -> RetrievalFigures:
    asked = relevant.any(1)
    ranking = np.argsort(-scores[asked], axis=1, kind="stable").astype(np.int64)
    ranking[np.isneginf(np.take_along_axis(scores[asked], ranking, 1))] = -1
    ranks = retrieval.first_ranks(ranking, relevant[asked])
    recalls = {k: retrieval.recall_at_k(ranks, k) for k in RECALLS}
    return RetrievalFigures(recalls, retrieval.mean_average_precision(ranking, relevant[asked]))


def _chance(relevant: Relevance) -> BothWays:
    return BothWays(*(_blind(side[side.any(1)]) for side in (relevant, relevant.T)))


def _blind(relevant: Relevance) -> RetrievalFigures:
    recalls = {k: retrieval.chance_recall(relevant, k) for k in RECALLS}
    return RetrievalFigures(recalls, retrieval.chance_map(relevant))


def _mean(figures: Sequence[BothWays]) -> BothWays:
    return BothWays(_mean_of([f.text_to_image for f in figures]), _mean_of([f.image_to_text for f in figures]))


def _mean_of(figures: Sequence[RetrievalFigures]) -> RetrievalFigures:
    recalls = {k: float(np.mean([f.recall[k] for f in figures])) for k in RECALLS}
    return RetrievalFigures(recalls, float(np.mean([f.map for f in figures])))
