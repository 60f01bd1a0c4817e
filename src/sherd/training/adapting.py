"""Batches, losses and measures of the heads that `sherd adapt` trains, all from kept features."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sherd.encoder.parts import cluster_parts
from sherd.metrics import localisation, retrieval
from sherd.model.adapter import AdaptedFeatures, Adapter
from sherd.training import losses
from sherd.training.corpus import PhraseTarget
from sherd.training.features import PictureFeatures
from sherd.training.holdings import Holding
from sherd.types import Box

PHRASES_A_PICTURE = 4
WEIGHTS = {"object": 1.0, "part": 1.0, "region": 1.0, "pointing": 0.3, "cover": 0.3, "mask": 0.2, "redundancy": 0.02}
"""Weight of each term in the sum; those of training whole models."""
_MEASURED = 1_000
_LOOK_BATCH = 64


class Material(NamedTuple):
    """Holdings whose features are kept, and the backbone's vector of everything that is said of them."""

    holdings: Sequence[Holding]
    pictures: PictureFeatures
    texts: Mapping[str, Tensor]

    def features(self, holdings: Sequence[Holding]) -> tuple[Tensor, Tensor, Tensor]:
        """whole, patches and taps of some of them, float32."""
        whole, patches, taps = self.pictures.take([one.picture.sha256 for one in holdings])
        return whole.float(), patches.float(), taps.float()

    def words(self, texts: Sequence[str]) -> Tensor:
        """(n, D) the backbone's vectors of texts."""
        return torch.stack([self.texts[text] for text in texts])


@dataclass(frozen=True, slots=True)
class Batch:
    """B pictures. captions name C of them (`captioned`); relevance and known are (M, B); R regions, each with the
    picture that it is on, its phrase, and its share 0..1 of each cell."""

    holdings: list[Holding]
    captions: list[str]
    captioned: Tensor
    same: Tensor
    phrases: list[str]
    relevance: Tensor
    known: Tensor
    region_image: Tensor
    region_phrase: Tensor
    region_weights: Tensor
    region_same: Tensor


class Temperatures(nn.Module):
    """Learned inverse temperatures of the losses, and the bias of the sigmoid one."""

    def __init__(self) -> None:
        super().__init__()
        self.logs = nn.ParameterDict({name: torch.tensor(2.66) for name in ("object", "part", "region")})
        self.bias = nn.Parameter(torch.tensor(-10.0))

    def __getitem__(self, name: str) -> Tensor:
        scale: Tensor = self.logs[name].exp().clamp(max=100)
        return scale


def make_batch(holdings: Sequence[Holding], *, batch: int, side: int, seed: int, step: int) -> Batch:
    """The batch of `step`, from the seed alone. Region masks are on a grid of `side` cells."""
    chance = random.Random(f"{seed}:{step}")
    chosen = chance.sample(holdings, batch) if batch <= len(holdings) else chance.choices(holdings, k=batch)
    examples = [one.example for one in chosen]
    captioned = [n for n, example in enumerate(examples) if example.captions]
    captions = [chance.choice(examples[n].captions) for n in captioned]
    same = [
        [captions[i] == captions[j] or examples[a].group == examples[b].group for j, b in enumerate(captioned)]
        for i, a in enumerate(captioned)
    ]
    numbers: dict[tuple[str, str], int] = {}
    regions: list[tuple[int, PhraseTarget]] = []
    for n, example in enumerate(examples):
        for phrase in chance.sample(example.phrases, min(PHRASES_A_PICTURE, len(example.phrases))):
            numbers.setdefault((phrase.text, phrase.key), len(numbers))
            if phrase.region >= 0:
                regions.append((n, phrase))
    relevance = [[key in example.keys for example in examples] for _, key in numbers]
    # Of a picture about which no phrase is known it is unknown whether another's phrase is true.
    spoken = torch.tensor([bool(example.phrases) for example in examples])
    true = torch.tensor(relevance, dtype=torch.bool).reshape(len(numbers), batch)
    weights = [box_share(chosen[n].boxes[phrase.region], side) for n, phrase in regions]
    region_same = [[other.key in examples[n].region_keys[one.region] for _, other in regions] for n, one in regions]
    return Batch(
        holdings=chosen,
        captions=captions,
        captioned=torch.tensor(captioned, dtype=torch.long),
        same=torch.tensor(same, dtype=torch.bool).reshape(len(captions), len(captions)),
        phrases=[text for text, _ in numbers],
        relevance=true,
        known=true | spoken[None],
        region_image=torch.tensor([n for n, _ in regions], dtype=torch.long),
        region_phrase=torch.tensor([numbers[p.text, p.key] for _, p in regions], dtype=torch.long),
        region_weights=torch.from_numpy(np.stack(weights)) if weights else torch.zeros(0, side, side),
        region_same=torch.tensor(region_same, dtype=torch.bool).reshape(len(regions), len(regions)),
    )


def objective(
    adapter: Adapter, temperatures: Temperatures, batch: Batch, material: Material
) -> tuple[Tensor, dict[str, Tensor]]:
    """The weighted sum, and each term before weighting; terms for which the batch has nothing are left out."""
    whole, patches, taps = material.features(batch.holdings)
    side = patches.shape[1]
    with torch.autocast("cpu", torch.bfloat16):
        seen = adapter(whole, patches, taps)
        captions = adapter.text(material.words(batch.captions)) if batch.captions else None
        phrases = adapter.text(material.words(batch.phrases)) if batch.phrases else None
    terms: dict[str, Tensor] = {}
    if captions is not None and len(batch.captions) > 1:
        objects = seen.object[batch.captioned]
        terms["object"] = losses.object_loss(objects, captions, batch.same, temperatures["object"])
    flat = seen.patches.flatten(1, 2)
    if phrases is not None:
        cosines = torch.einsum("md,bnd->mbn", phrases, flat)
        near = torch.einsum("md,bkd->mbk", phrases, seen.parts)
        scores = (
            losses.soft_maximum(cosines, sharpness=12.0).float(),
            losses.soft_maximum(near, seen.slots.presence.float()),
        )
        scale, bias = temperatures["part"], temperatures.bias
        each = [losses.phrase_loss(one, batch.relevance, batch.known, scale, bias) for one in scores]
        terms["part"] = torch.stack(each).mean()
    if phrases is not None and len(batch.region_image):
        boxes = torch.zeros(len(batch.region_image), dtype=torch.bool)
        everything = torch.ones_like(batch.region_same)
        regions = losses.Regions(
            batch.region_image, batch.region_phrase, batch.region_weights, boxes, batch.region_same, everything
        )
        terms |= losses.region_terms(phrases, flat, cosines, seen.slots.masks, regions, temperatures["region"])
    terms["mask"] = losses.mask_loss(seen.slots.masks, seen.slots.background, side, side, has_background=True)
    terms["redundancy"] = losses.redundancy_loss(seen.parts)
    total = torch.stack([WEIGHTS[name] * term.float() for name, term in terms.items()]).sum()
    return total, terms


@dataclass(frozen=True, slots=True)
class Measures:
    """How well pictures are found and pointed at, each 0..1; None where there is nothing to measure it on.

    captions: mean average precision of each object's first caption, by object vectors; recall_1 and recall_10 of the
    same. phrases: that of each phrase, by object and part vectors together. pointing: share of labels whose hottest
    cell is in a box of theirs (8 / 320 of tolerance), labels that fill half the picture left out.
    """

    pictures: int
    captions: float | None
    recall_1: float | None
    recall_10: float | None
    phrases: float | None
    pointing: float | None

    @property
    def score(self) -> float:
        """Mean of captions, phrases and pointing, as far as there are some; 0 where there is none."""
        there = [one for one in (self.captions, self.phrases, self.pointing) if one is not None]
        return sum(there) / len(there) if there else 0.0


@torch.inference_mode()
def measure(adapter: Adapter, material: Material, holdings: Sequence[Holding], *, parts: int) -> Measures:
    """What the heads reach on some holdings, the first 1,000 at most.

    Args:
        parts: how many parts a picture the backbone has by itself; they are clusters of its patches as long as the
            heads move nothing.
    """
    adapter.eval()
    holdings = holdings[:_MEASURED]
    if not holdings:
        return Measures(0, None, None, None, None, None)
    objects, slots, pointed = [], [], []
    for start in range(0, len(holdings), _LOOK_BATCH):
        some = holdings[start : start + _LOOK_BATCH]
        seen = adapter(*material.features(some))
        objects.append(seen.object)
        slots.append(torch.from_numpy(cluster_parts(seen.patches.numpy(), parts)[0]) if adapter.still else seen.parts)
        pointed += _pointed(adapter, material, some, seen)
    captions = _by_caption(adapter, material, holdings, torch.cat(objects))
    return Measures(
        len(holdings),
        *captions,
        phrases=_by_phrase(adapter, material, holdings, torch.cat(objects), torch.cat(slots)),
        pointing=sum(pointed) / len(pointed) if pointed else None,
    )


def box_share(box: Box, side: int) -> NDArray[np.float32]:
    """(side, side) share 0..1 of each cell that lies in the box."""
    edges = np.arange(side + 1) / side

    def cover(low: float, length: float) -> NDArray[np.float64]:
        inside = np.minimum(edges[1:], low + length) - np.maximum(edges[:-1], low)
        return np.asarray(np.maximum(inside, 0) * side, np.float64)

    return np.asarray(np.outer(cover(box.y, box.h), cover(box.x, box.w)), np.float32)


def _by_caption(
    adapter: Adapter, material: Material, holdings: Sequence[Holding], objects: Tensor
) -> tuple[float | None, float | None, float | None]:
    """Mean average precision, recall at 1 and at 10 of each record's first caption."""
    first: dict[str, str] = {}
    for one in holdings:
        if one.example.captions:
            first.setdefault(one.record_id, one.example.captions[0])
    if not first:
        return None, None, None
    said = [(one.record_id, one.example.captions[:1]) for one in holdings]
    relevant = np.array([[who == owner or what == (text,) for who, what in said] for owner, text in first.items()])
    scores = adapter.text(material.words(list(first.values()))) @ objects.T
    ranking = np.argsort(-scores.numpy(), 1, kind="stable").astype(np.int64)
    ranks = retrieval.first_ranks(ranking, relevant)
    return (
        retrieval.mean_average_precision(ranking, relevant),
        retrieval.recall_at_k(ranks, 1),
        retrieval.recall_at_k(ranks, 10),
    )


def _by_phrase(
    adapter: Adapter, material: Material, holdings: Sequence[Holding], objects: Tensor, parts: Tensor
) -> float | None:
    """Mean average precision of each distinct phrase that is not true of every picture."""
    keys = {(phrase.text, phrase.key) for one in holdings for phrase in one.example.phrases}
    rows = {pair: [pair[1] in one.example.keys for one in holdings] for pair in sorted(keys)}
    rows = {pair: row for pair, row in rows.items() if not all(row)}
    if not rows:
        return None
    texts = adapter.text(material.words([text for text, _ in rows]))
    scores = texts @ objects.T + losses.soft_maximum(torch.einsum("md,bkd->mbk", texts, parts))
    ranking = np.argsort(-scores.numpy(), 1, kind="stable").astype(np.int64)
    return retrieval.mean_average_precision(ranking, np.array(list(rows.values())))


def _pointed(adapter: Adapter, material: Material, holdings: Sequence[Holding], seen: AdaptedFeatures) -> list[bool]:
    """Whether the hottest cell of each label on each picture lies in one of its boxes."""
    hits = []
    for one, patches in zip(holdings, seen.patches, strict=True):
        boxes: dict[str, list[Box]] = {}
        for phrase in one.example.phrases:
            if phrase.region >= 0:
                boxes.setdefault(phrase.text, []).append(one.boxes[phrase.region])
        asked = {
            t: found
            for t, found in boxes.items()
            if localisation.chance_of_pointing(found) <= localisation.LARGEST_LABEL
        }
        if asked:
            heat = (patches @ adapter.text(material.words(list(asked))).T).numpy()  # (h, w, L)
            for n, found in enumerate(asked.values()):
                hits.append(
                    localisation.points_at(localisation.peak(heat[:, :, n]), found, localisation.POINTING_TOLERANCE)
                )
    return hits
