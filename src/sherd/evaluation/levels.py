"""What slots and theme facets are worth by themselves, beside what they give to the object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from sherd.encoder.preprocess import to_input
from sherd.encoder.protocol import Encoder
from sherd.evaluation.drawn import Gallery, MotifQuery, Values, naming_values, points_at
from sherd.metrics import localisation
from sherd.model.dual import DualEncoder
from sherd.model.levels import FACETS
from sherd.thesaurus.thesaurus import Thesaurus
from sherd.types import FloatArray

_BATCH = 50


@dataclass(frozen=True, slots=True)
class LevelsSeen:
    """Of n pictures: theme facets (n, F, D) in the order of FACETS, parts (n, K, D), slots' masks (n, K, h, w)."""

    facets: FloatArray
    parts: FloatArray
    masks: FloatArray


@torch.no_grad()
def look_at_levels(model: DualEncoder, gallery: Gallery, size_px: int) -> LevelsSeen:
    """All levels of the gallery's pictures, read at `size_px` by a model with slots."""
    rows: list[tuple[FloatArray, ...]] = []
    for start in range(0, len(gallery.corpus.pictures), _BATCH):
        some = gallery.corpus.pictures[start : start + _BATCH]
        raw = np.stack([to_input(picture, (size_px, size_px)) for picture in some])
        seen = model.image(torch.from_numpy(raw).permute(0, 3, 1, 2).float() / 255)
        assert seen.facets is not None
        assert seen.parts is not None
        assert seen.slots is not None
        masks = seen.slots.masks.float().unflatten(2, tuple(seen.patches.shape[1:3]))
        rows.append((seen.facets.numpy(), seen.parts.numpy(), masks.numpy()))
    return LevelsSeen(*(np.concatenate(some) for some in zip(*rows, strict=True)))


def facet_values(levels: LevelsSeen, encoder: Encoder, gallery: Gallery, thesaurus: Thesaurus) -> dict[str, Values]:
    """By facet, a value a picture: whether its own theme vector names it rightly, among the concepts of the gallery."""
    figures: dict[str, Values] = {}
    for n, name in enumerate(FACETS):
        named = naming_values(encoder, levels.facets[:, n], gallery, thesaurus, name)
        figures[f"{name}_by_facet"] = named[f"{name}_accuracy"]
    return figures


def slot_values(levels: LevelsSeen, encoder: Encoder, queries: Sequence[MotifQuery]) -> Mapping[str, Values]:
    """A value a query, of the slot whose part vector is nearest to the motif's name: whether the middle of its fullest
    cell is on the motif, and the IoU of the area that it takes with the motif's mask."""
    names = sorted({query.name for query in queries})
    vectors = dict(zip(names, encoder.encode_text(names), strict=True))
    figures = {"slot_pointing": np.zeros(len(queries)), "slot_iou": np.zeros(len(queries))}
    for n, query in enumerate(queries):
        slot = int((levels.parts[query.picture] @ vectors[query.name]).argmax())
        mask = levels.masks[query.picture, slot]
        figures["slot_pointing"][n] = points_at(localisation.peak(mask), query.mask)
        figures["slot_iou"][n] = localisation.mask_iou(localisation.hot_area(mask, query.mask.shape), query.mask)
    return figures
