"""Labels asked for on the pictures that hold them: what the heat map of a model finds, and what one finds unseeing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sherd.encoder.protocol import Encoder
from sherd.errors import RejectedItem
from sherd.evaluation.gallery import View
from sherd.evaluation.table import QueryTable, column
from sherd.ingest.pictures import open_picture_file, thumbnail_pixels
from sherd.metrics import localisation
from sherd.search.locate import box_from_heat
from sherd.types import Box, FloatArray, Picture

SMALL_LABEL = "small"
"""The column that is 1 for queries of small labels."""

MODEL = "localisation"
BLIND = ("uniform", "centre", "location_prior")

Mask = NDArray[np.bool_]
Heat = Callable[[Picture, FloatArray], FloatArray]


@dataclass(frozen=True, slots=True)
class LabelQuery:
    """A label, the view that holds it, its boxes there, and their masks' paths where every one has a mask."""

    label: str
    view: int
    boxes: tuple[Box, ...]
    masks: tuple[str, ...] = ()

    @property
    def small(self) -> bool:
        """Whether each of its boxes covers less than 2 % of the picture."""
        return max(box.w * box.h for box in self.boxes) < localisation.SMALL_PART


def label_queries(views: Sequence[View], usable: Sequence[int]) -> list[LabelQuery]:
    """One query for each label of each usable view, without those that fill more than half of it."""
    queries = []
    for n in usable:
        boxes: dict[str, list[Box]] = defaultdict(list)
        masks: dict[str, list[str | None]] = defaultdict(list)
        for region in views[n].image.regions:
            if region.label:
                boxes[region.label].append(region.box)
                masks[region.label].append(region.mask)
        for label, found in boxes.items():
            if localisation.chance_of_pointing(found) <= localisation.LARGEST_LABEL:
                paths = tuple(path for path in masks[label] if path)
                queries.append(LabelQuery(label, n, tuple(found), paths if len(paths) == len(found) else ()))
    return queries


def measure_labels(
    encoder: Encoder,
    queries: Sequence[LabelQuery],
    root: Path,
    views: Sequence[View],
    heat: Heat | None = None,
) -> tuple[QueryTable, int]:
    """What the encoder and three who do not look at the picture score on each query, and how many masks are refused.

    The blind are `uniform` (anywhere; its box is the whole picture), `centre` (its middle; points only) and
    `location_prior` (where the label's regions are on the other pictures).

    Args:
        queries: one at least; those of a view stand together.
        root: of the pictures' and masks' paths.
        heat: what makes a map (h, w) of a picture and a text vector (D,); the encoder's own where none is given.
    Returns:
        a table with the systems `localisation` and the blind, grouped by label; a query whose mask cannot be read, is
        empty, or differs in size from another of its masks has no `mask_iou`.
    Raises:
        RejectedItem: a picture cannot be opened any more.
    """
    labels = sorted({query.label for query in queries})
    vectors = dict(zip(labels, encoder.encode_text([label.replace("_", " ") for label in labels]), strict=True))
    regions = {query.view: _labelled(views[query.view]) for query in queries}
    prior = localisation.LocationPrior([region for found in regions.values() for region in found])
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in (MODEL, *BLIND)}
    refused = 0
    for query, picture in _opened(queries, root, views):
        mask = None
        if query.masks:
            mask = _mask(root, query.masks)
            refused += mask is None
        found = _scored((heat or encoder.heat)(picture, vectors[query.label]), query, mask)
        rows[MODEL].append({**found, SMALL_LABEL: float(query.small)})
        usual = prior.heat(query.label, regions[query.view])
        spot = prior.point(query.label, regions[query.view])
        rows["location_prior"].append({**_scored(usual, query, mask), **_pointed(spot, query), "score": 0.0})
        # A flat map: energy everywhere, and the whole picture as its box and area.
        everywhere = _scored(np.zeros((1, 1), np.float32), query, mask)
        rows["uniform"].append(
            {**everywhere, "pointing": localisation.chance_of_pointing(query.boxes, localisation.POINTING_TOLERANCE)}
        )
        rows["centre"].append(_pointed((0.5, 0.5), query))
    table = QueryTable(
        query=tuple(f"{query.label}|{views[query.view].image.path}" for query in queries),
        object=tuple(views[query.view].record_id for query in queries),
        group=tuple(query.label for query in queries),
        systems={
            system: {name: column([row[name] for row in scores]) for name in scores[0]}
            for system, scores in rows.items()
        },
    )
    return table, refused


def _scored(heat: FloatArray, query: LabelQuery, mask: Mask | None) -> dict[str, float]:
    box = box_from_heat(heat)
    return {
        **_pointed(localisation.peak(heat), query),
        "energy": localisation.energy_in_box(heat, query.boxes),
        "box_iou": max(localisation.intersection_over_union(box, other) for other in query.boxes),
        "score": float(heat.max()),
        "truths": float(len(query.boxes)),
        "mask_iou": (
            float("nan")
            if mask is None
            else localisation.mask_iou(localisation.hot_area(heat, (mask.shape[0], mask.shape[1])), mask)
        ),
    }


def _pointed(spot: tuple[float, float], query: LabelQuery) -> dict[str, float]:
    return {"pointing": float(localisation.points_at(spot, query.boxes, localisation.POINTING_TOLERANCE))}


def _labelled(view: View) -> list[tuple[str, Box]]:
    return [(region.label, region.box) for region in view.image.regions if region.label]


def _opened(
    queries: Sequence[LabelQuery], root: Path, views: Sequence[View]
) -> Iterator[tuple[LabelQuery, NDArray[np.uint8]]]:
    """Each query with the pixels of its view, which are read once for all queries that follow each other on it."""
    opened = -1
    for query in queries:
        if query.view != opened:
            picture = thumbnail_pixels(open_picture_file(root, views[query.view].image.path).thumbnail)
            opened = query.view
        yield query, picture


def _mask(root: Path, paths: Sequence[str]) -> Mask | None:
    """All masks of a label on a picture as one, white being inside; None where they cannot be used."""
    try:
        masks = [thumbnail_pixels(open_picture_file(root, path).thumbnail)[..., 0] > 127 for path in paths]
    except RejectedItem:
        return None
    if len({mask.shape for mask in masks}) > 1:
        return None
    whole = np.logical_or.reduce(masks)
    return whole if whole.any() else None
