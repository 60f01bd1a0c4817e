"""A model against relics drawn for the purpose: exact masks, every word known, any culture left out of training.

Everything is held in memory and every figure is given query by query, so that runs can be compared pair by pair.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sherd.encoder.protocol import Encoder
from sherd.metrics import detection, hierarchy, localisation, retrieval
from sherd.relics.culture import LANGUAGES, Culture, load_culture
from sherd.search.locate import box_from_heat
from sherd.search.question import clauses
from sherd.search.rerank import soft_maximum
from sherd.search.settings import SearchSettings
from sherd.thesaurus.thesaurus import Thesaurus
from sherd.training.corpus import MASK_PX, Corpus, relic_corpus
from sherd.types import Box, FloatArray, Picture

_SHARPNESS = SearchSettings().sharpness
_WEIGHTS = tuple(n / 10 for n in range(11))

Localiser = Callable[[Picture, FloatArray], FloatArray]
"""A picture and L text vectors (L, D) -> heat maps (L, h, w)."""
Values = NDArray[np.float64]
Ranks = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Gallery:
    """Drawn relics with their masks, and one caption each."""

    corpus: Corpus
    captions: tuple[str, ...]


def draw_gallery(cultures: Sequence[str], each: int, seed: int, cache: Path, *, nameless: bool = False) -> Gallery:
    """`each` relics of every culture, from a seed that no training uses; captions in Chinese and English by turns.

    Args:
        cache: folder where what was drawn is kept. nameless: whether names of cultures are taken out of the captions.
    """
    corpus = relic_corpus(cultures, each, seed, 160, 2, cache)
    chance = random.Random(seed)
    captions = [chance.choice(example.captions) for example in corpus.examples]
    if nameless:
        names = sorted({name for one in map(load_culture, cultures) for name in _names(one)}, key=len, reverse=True)
        captions = [_without(caption, names) for caption in captions]
    return Gallery(corpus, tuple(captions))


@dataclass(frozen=True, slots=True)
class Seen:
    """What an encoder makes of a gallery: object (n, D), parts (n, K, D), captions (n, D), clauses n times (Q, D)."""

    objects: FloatArray
    parts: FloatArray
    captions: FloatArray
    clauses: tuple[FloatArray, ...]


def look(encoder: Encoder, gallery: Gallery) -> Seen:
    """Encode the gallery's pictures and captions."""
    made = encoder.encode_images(list(gallery.corpus.pictures))
    return Seen(made.object, made.parts, *read(encoder, gallery.captions))


def read(encoder: Encoder, captions: Sequence[str]) -> tuple[FloatArray, tuple[FloatArray, ...]]:
    """Vectors of captions (n, D), and n times those of their clauses (Q, D), as search asks with them."""
    pieces = [clauses(caption) or [caption] for caption in captions]
    texts = list(dict.fromkeys([*captions, *(piece for some in pieces for piece in some)]))
    rows = dict(zip(texts, encoder.encode_text(texts), strict=True))
    whole = np.stack([rows[caption] for caption in captions])
    return whole, tuple(np.stack([rows[piece] for piece in some]) for some in pieces)


def pair_scores(
    texts: FloatArray, objects: FloatArray, parts: FloatArray, part_weight: float, pieces: Sequence[FloatArray] = ()
) -> FloatArray:
    """(T, n) scores of texts (T, D) and pictures as search gives them: (1 - w) * cos(object) + w * best parts.

    Args:
        parts: (n, K, D); where K is 0 the object stands for them.
        pieces: T times the clauses (Q, D) that are looked for in parts; without any, the texts are.
    """
    whole = texts @ objects.T
    if part_weight == 0:
        return whole
    if not parts.shape[1]:
        parts = objects[:, None]
    rows = []
    for asked in pieces or texts[:, None]:  # a text at a time: (n, Q, K) is small, (T, n, Q, K) is not
        near = np.einsum("nkd,qd->nqk", parts, asked, optimize=True)
        rows.append(soft_maximum(near.astype(np.float64), _SHARPNESS).mean(1).astype(np.float32))
    return np.asarray((1 - part_weight) * whole + part_weight * np.stack(rows), np.float32)


def fit_part_weight(seen: Seen, captions: Sequence[str]) -> float:
    """The part weight 0..1 with the best mean reciprocal rank of both directions; on equal figures the smallest."""
    best = [(-float(np.mean(1 / both_ranks(seen, captions, weight))), weight) for weight in _WEIGHTS]
    return min(best)[1]


def both_ranks(seen: Seen, captions: Sequence[str], part_weight: float) -> Ranks:
    """(2 n,) rank of the first relevant picture for each caption, then of the first relevant caption for each picture.

    Relevant are the caption's own picture and pictures of the same caption.
    """
    scores = pair_scores(seen.captions, seen.objects, seen.parts, part_weight, seen.clauses)
    relevant = _relevant(captions)
    return np.concatenate([retrieval.first_ranks(_ranking(side), relevant) for side in (scores, scores.T)])


def mixed_ranks(seen: Seen, others: FloatArray, captions: Sequence[str]) -> Ranks:
    """(n,) ranks of texts asking, by object vectors, among their own pictures and those (m, D) of other cultures."""
    gallery = np.concatenate([seen.objects, others])
    relevant = np.concatenate([_relevant(captions), np.zeros((len(captions), len(others)), bool)], 1)
    return retrieval.first_ranks(_ranking(seen.captions @ gallery.T), relevant)


def _ranking(scores: FloatArray) -> NDArray[np.int64]:
    return np.argsort(-scores, axis=1, kind="stable").astype(np.int64)


def _relevant(captions: Sequence[str]) -> NDArray[np.bool_]:
    words = np.array(captions, dtype=object)
    return np.asarray(words[:, None] == words[None], bool)


@dataclass(frozen=True, slots=True)
class MotifQuery:
    """A part of a relic: one of its names, its concept, the picture that shows it, and its mask there (40, 40)."""

    name: str
    concept: str
    picture: int
    mask: NDArray[np.bool_]


def motif_queries(gallery: Gallery) -> list[MotifQuery]:
    """One query for each motif or other part (handle, lid, damage) of each picture, by one of its bare names; masks of
    one concept are put together. The whole object is none: who points at it has found nothing."""
    chance = random.Random(len(gallery.captions))
    queries = []
    corpus = gallery.corpus
    for row, example in enumerate(corpus.examples):
        regions: dict[str, set[int]] = defaultdict(set)
        names: dict[str, list[str]] = defaultdict(list)
        for phrase in example.phrases:
            if phrase.region >= 0 and phrase.key in example.concepts["motif"]:
                regions[phrase.key].add(phrase.region)
                names[phrase.key].append(phrase.text)
        for key, some in regions.items():
            masks = corpus.masks[corpus.mask_start[row] :][sorted(some)] > 127
            mask = np.asarray(masks.any(0), bool)
            if 0 < mask.mean() <= localisation.LARGEST_LABEL:
                queries.append(MotifQuery(chance.choice(sorted(set(names[key]))), key, row, mask))
    return queries


def localisation_values(
    encoder: Encoder, gallery: Gallery, queries: Sequence[MotifQuery], localiser: Localiser
) -> dict[str, Values]:
    """By figure, a value a query: pointing (with a tolerance of 8 px at 320), energy, mask IoU and box IoU; AP30 and
    AP50 a concept, over the pictures that show it; pointing by chance, at the centre and at the usual place; small
    parts once more."""
    vectors = dict(
        zip(sorted({q.name for q in queries}), encoder.encode_text(sorted({q.name for q in queries})), strict=True)
    )
    by_picture: dict[int, list[int]] = defaultdict(list)
    for n, query in enumerate(queries):
        by_picture[query.picture].append(n)
    found: dict[int, FloatArray] = {}
    for picture, members in by_picture.items():
        maps = localiser(gallery.corpus.pictures[picture], np.stack([vectors[queries[n].name] for n in members]))
        found |= dict(zip(members, maps, strict=True))
    heats = [found[n] for n in range(len(queries))]
    figures = _area_values(queries, heats, [float(heat.max()) for heat in heats])
    figures["pointing"] = _pointing(queries, [localisation.peak(heat) for heat in heats])
    figures["centre"] = _pointing(queries, [(0.5, 0.5)] * len(queries))
    figures["chance"] = np.array([grown(query.mask).mean() for query in queries])
    figures["prior"] = _pointing(queries, [_middle_of_hottest(heat) for heat in _usual_places(queries)])
    small = np.array([query.mask.mean() < localisation.SMALL_PART for query in queries])
    return figures | {f"{name}_small": figures[name][small] for name in ("pointing", "chance", "centre", "prior")}


def usual_place_values(queries: Sequence[MotifQuery]) -> dict[str, Values]:
    """What `localisation_values` says of areas and boxes, of one who does not look: a part is where it is elsewhere."""
    return _area_values(queries, _usual_places(queries), [0.0] * len(queries))


def _area_values(
    queries: Sequence[MotifQuery], heats: Sequence[FloatArray], scores: Sequence[float]
) -> dict[str, Values]:
    """Energy, mask IoU and box IoU a query, AP30 and AP50 a concept, of the heat map of each query and its trust."""
    found: dict[str, list[detection.ScoredBox]] = defaultdict(list)
    truths: dict[str, dict[int, list[Box]]] = defaultdict(dict)
    rows: dict[str, list[float]] = {"energy": [], "mask_iou": [], "box_iou": []}
    for query, heat, score in zip(queries, heats, scores, strict=True):
        box, predicted = box_of(query.mask), box_from_heat(heat)
        rows["energy"].append(_energy(heat, query.mask))
        rows["mask_iou"].append(localisation.mask_iou(localisation.hot_area(heat, query.mask.shape), query.mask))
        rows["box_iou"].append(localisation.intersection_over_union(predicted, box))
        found[query.concept].append(detection.ScoredBox(query.picture, predicted, score))
        truths[query.concept][query.picture] = [box]
    figures = {name: np.array(row) for name, row in rows.items()}
    for iou, name in ((0.3, "ap30"), (0.5, "ap50")):
        figures[name] = np.array([detection.average_precision(found[q], truths[q], iou) for q in sorted(found)])
    return figures


def box_of(mask: NDArray[np.bool_]) -> Box:
    """The box around a mask (h, w) with one cell at least, in fractions of it."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    size = mask.shape[0]
    x, y = int(columns[0]), int(rows[0])
    return Box(x / size, y / size, (int(columns[-1]) + 1 - x) / size, (int(rows[-1]) + 1 - y) / size)


def grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask (40, 40) and its neighbours: one cell of 40, or 8 pixels of 320."""
    padded = np.pad(mask, 1)
    size = mask.shape[0]
    return np.asarray(np.any([padded[y : y + size, x : x + size] for y in range(3) for x in range(3)], axis=0))


def points_at(point: tuple[float, float], mask: NDArray[np.bool_]) -> bool:
    """Whether x, y in fractions is on the mask or one of its cells beside it."""
    x, y = (min(int(value * MASK_PX), MASK_PX - 1) for value in point)
    return bool(grown(mask)[y, x])


def _energy(heat: FloatArray, mask: NDArray[np.bool_]) -> float:
    """Share of the warmth (above the coldest cell) that is in the mask, each mask cell by the heat cell under it."""
    rows = (np.arange(MASK_PX) + 0.5) * heat.shape[0] / MASK_PX
    columns = (np.arange(MASK_PX) + 0.5) * heat.shape[1] / MASK_PX
    fine = heat[np.ix_(rows.astype(np.int64), columns.astype(np.int64))].astype(np.float64)
    warmth = fine - fine.min()
    return float(warmth[mask].sum() / warmth.sum()) if warmth.sum() > 0 else float(mask.mean())


def _usual_places(queries: Sequence[MotifQuery]) -> list[FloatArray]:
    """(40, 40) a query: how many masks of its concept lie on each spot of the other pictures; of one that no other
    picture shows, the masks of all concepts."""
    total: dict[str, NDArray[np.int64]] = defaultdict(lambda: np.zeros((MASK_PX, MASK_PX), np.int64))
    for query in queries:
        total[query.concept] += query.mask
    everything = np.sum(list(total.values()), axis=0)
    heats = []
    for query in queries:
        heat = total[query.concept] - query.mask
        heats.append((heat if heat.max() > 0 else everything - query.mask).astype(np.float32))
    return heats


def _middle_of_hottest(heat: FloatArray) -> tuple[float, float]:
    """x, y in fractions of the middle of the hottest cells."""
    rows, columns = np.nonzero(heat == heat.max())
    return (float(columns.mean()) + 0.5) / heat.shape[1], (float(rows.mean()) + 0.5) / heat.shape[0]


def _pointing(queries: Sequence[MotifQuery], spots: Sequence[tuple[float, float]]) -> Values:
    return np.array([points_at(spot, query.mask) for query, spot in zip(queries, spots, strict=True)], np.float64)


def patch_localiser(encoder: Encoder) -> Localiser:
    """The encoder's own heat maps."""

    def heat_maps(picture: Picture, vectors: FloatArray) -> FloatArray:
        return np.stack([encoder.heat(picture, vector) for vector in vectors])

    return heat_maps


def naming_values(
    encoder: Encoder, objects: FloatArray, gallery: Gallery, thesaurus: Thesaurus, facet: str
) -> dict[str, Values]:
    """What vectors (n, D) of the pictures are called: accuracy a picture, and the tree distance of each mistake.

    Candidates are the concepts of the facet that occur in the gallery, by their English and Chinese names' mean vector.
    """
    truths = [example.concepts.get(facet, ()) for example in gallery.corpus.examples]
    candidates = sorted({uri for uris in truths for uri in uris if uri in thesaurus})
    names = [thesaurus.concept(uri).pref_labels for uri in candidates]
    vectors = encoder.encode_text([n["en"] for n in names]) + encoder.encode_text([n["zh-Hans"] for n in names])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    said = [candidates[n] for n in (objects @ vectors.T).argmax(1)]
    asked = [(one, set(uris)) for one, uris in zip(said, truths, strict=True) if uris]
    right = np.array([one in uris for one, uris in asked], np.float64)
    distances = hierarchy.error_distances([one for one, _ in asked], [uris for _, uris in asked], thesaurus.distance)
    return {f"{facet}_accuracy": right, f"{facet}_error_distance": distances}


def colour_histograms(pictures: Sequence[Picture]) -> FloatArray:
    """(n, 64) shares of 4 x 4 x 4 colours, square-rooted: what a picture is to one who sees colours only."""
    rows = []
    for picture in pictures:
        codes = (picture.astype(np.int64) // 64) @ np.array([16, 4, 1])
        rows.append(np.sqrt(np.bincount(codes.ravel(), minlength=64) / codes.size))
    return np.asarray(rows, np.float32)


def colour_control(encoder: Encoder, train: Gallery, gallery: Gallery, *, ridge: float = 1e-2) -> FloatArray:
    """(n, D) object vectors of one who sees colours only: a ridge regression from histograms to caption vectors."""
    known, captions = colour_histograms(list(train.corpus.pictures)), encoder.encode_text(train.captions)
    known = np.concatenate([known, np.ones((len(known), 1), np.float32)], 1)
    weights = np.linalg.solve(known.T @ known + ridge * len(known) * np.eye(known.shape[1]), known.T @ captions)
    asked = colour_histograms(list(gallery.corpus.pictures))
    vectors = np.concatenate([asked, np.ones((len(asked), 1), np.float32)], 1) @ weights
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def _names(culture: Culture) -> list[str]:
    named: list[Mapping[str, tuple[str, ...]]] = [culture.names, *(one.names for one in culture.periods)]
    return [name for names in named for language in LANGUAGES for name in names[language]]


def _without(caption: str, names: Sequence[str]) -> str:
    for name in names:
        caption = caption.replace(name, "")
    return " ".join(caption.split()) or "relic"
