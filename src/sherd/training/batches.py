"""Batches: which examples and texts, seen through which crop and light. All chance comes from (seed, step)."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from sherd.errors import check_settings
from sherd.training.corpus import MASK_PX, RENDERED, Corpus, Example, PhraseTarget
from sherd.training.hierarchy import Facet

_SIDED = re.compile(r"\b(left|right)\b|左|右", re.IGNORECASE)
PHRASES_AN_IMAGE = 2
_ROW_STEP = 64
_TOKEN_STEP = 16


class FacetTargets(NamedTuple):
    """(B, V) bool each: nodes that were catalogued, broader ones, and those that are known not to be true."""

    own: Tensor
    broader: Tensor
    absent: Tensor


@dataclass(frozen=True, slots=True)
class CaptionSettings:
    """What is done to texts before they are learnt.

    composed: share 0..1 of captions that are put together from some of the picture's phrases, in any order.
    noise: share 0..1 of captions that are spoilt as texts from the web are: words lost, strange words put in.
    crops: share 0..1 of pictures that are the crop of a region, with its phrase as caption.
    labels: concepts a batch whose names in two languages are matched with each other.
    """

    composed: float = 0.2
    noise: float = 0.0
    crops: float = 0.0
    labels: int = 0

    def __post_init__(self) -> None:
        check_settings("[captions]", 0, 1, composed=self.composed, noise=self.noise, crops=self.crops)
        check_settings("[captions]", 0, 100_000, labels=self.labels)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the batches need of a thesaurus: the facets, names of their nodes, and pairs of names of any concepts."""

    facets: Sequence[Facet] = ()
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    pairs: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """B pictures with one caption each, M phrases, R regions, the concepts of each facet.

    pictures (B, 3, S, S) 0..1. caption_ids (B, T). same (B, B) bool: caption j is also true of picture i by identity.
    overlap (B, B): share 0..1 of concepts in common. phrase_ids (M, T); relevance, known (M, B) bool.
    region_image (R,), region_phrase (R,) row among the phrases, region_weights (R, h, w) share of each cell inside,
    region_exact (R,) bool whether that is a mask or a box. region_same, region_known (R, R) bool. M and R are padded:
    rows without a target are zero and False.
    facets: targets of each facet of the thesaurus, in the order that `Batches` was given; name_ids (V, T) what their
    nodes are called. label_ids: two names (P, T) each of the same P concepts, or None.
    teacher (B, h, w, C) and teacher_seen (B, h, w), or None.
    """

    pictures: Tensor
    caption_ids: Tensor
    same: Tensor
    overlap: Tensor
    phrase_ids: Tensor
    relevance: Tensor
    known: Tensor
    region_image: Tensor
    region_phrase: Tensor
    region_weights: Tensor
    region_exact: Tensor
    region_same: Tensor
    region_known: Tensor
    facets: tuple[FacetTargets, ...]
    name_ids: Tensor
    label_ids: tuple[Tensor, Tensor] | None
    teacher: Tensor | None
    teacher_seen: Tensor | None


@dataclass(frozen=True, slots=True)
class Source:
    """A corpus, its share of every batch, and a teacher's features (n, C, h, w) float16 where there are some."""

    corpus: Corpus
    share: float
    teacher: Tensor | None = None


class Batches:
    """Batch number `step`, made from (seed, step) alone: resuming needs no state."""

    def __init__(
        self,
        sources: Sequence[Source],
        tokenizer: Tokenizer,
        *,
        seed: int,
        max_tokens: int,
        captions: CaptionSettings | None = None,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        self._sources = sources
        self._captions = captions or CaptionSettings()
        self._vocabulary = vocabulary or Vocabulary()
        self._tokenizer = tokenizer
        self._tokenizer.enable_padding(pad_id=0, pad_to_multiple_of=_TOKEN_STEP)
        self._tokenizer.enable_truncation(max_tokens)
        self._seed = seed
        self._name_ids = self._all_names()

    def make(self, step: int, *, batch: int, size_px: int) -> Batch:
        """The batch of `step`, with `batch` pictures of `size_px`."""
        chance = random.Random(f"{self._seed}:{step}")
        generator = torch.Generator().manual_seed(chance.getrandbits(62))
        counts = _share_out(batch, [source.share for source in self._sources])
        grid = size_px // 8
        pictures: list[Tensor] = []
        masks: list[NDArray[np.uint8]] = []
        maps: list[Tensor] = []
        examples: list[Example] = []
        teachers: list[Tensor | None] = []
        seen: list[Tensor] = []
        phrases: list[PhraseTarget] = []
        phrase_owner: list[int] = []
        region_image: list[int] = []
        region_phrase: list[int] = []
        captions: list[str] = []
        for source, count in zip(self._sources, counts, strict=True):
            if not count:
                continue
            corpus = source.corpus
            rows = [chance.randrange(len(corpus)) for _ in range(count)]
            chosen = [corpus.examples[row] for row in rows]
            crops = [_crop(example, self._captions.crops, chance) for example in chosen]
            texts = [
                crop.text if crop else self._caption(example, chance)
                for example, crop in zip(chosen, crops, strict=True)
            ]
            picked = [
                () if crop else chance.sample(e.phrases, min(PHRASES_AN_IMAGE, len(e.phrases)))
                for e, crop in zip(chosen, crops, strict=True)
            ]
            mirror = [
                chance.random() < 0.5 and not any(map(_SIDED.search, (text, *(p.text for p in some))))
                for text, some in zip(texts, picked, strict=True)
            ]
            affine = _affines(count, mirror, generator)
            for n, (row, crop) in enumerate(zip(rows, crops, strict=True)):
                if crop is not None:
                    affine[n] = _crop_affine(corpus.masks[corpus.mask_start[row] + crop.region], affine[n])
            raw = torch.from_numpy(np.stack([corpus.pictures[row] for row in rows])).permute(0, 3, 1, 2).float() / 255
            pictures.append(_warp(raw, affine, size_px, "border"))
            if source.teacher is None:
                teachers.append(None)
            else:
                features = source.teacher[torch.tensor(rows)].float()
                teachers.append(_warp(features, affine, grid, "zeros").permute(0, 2, 3, 1))
                seen.append(_warp(torch.ones(count, 1, 4, 4), affine, grid, "zeros")[:, 0] > 0.99)
            first = len(examples)
            for n, (row, some) in enumerate(zip(rows, picked, strict=True)):
                for phrase in some:
                    if phrase.region >= 0:
                        mask = corpus.masks[corpus.mask_start[row] + phrase.region]
                        region_image.append(first + n)
                        region_phrase.append(len(phrases))
                        masks.append(mask)
                        maps.append(affine[n])
                    phrases.append(phrase)
                    phrase_owner.append(first + n)
            examples.extend(_seen_as(example, crop) for example, crop in zip(chosen, crops, strict=True))
            captions.extend(texts)
        weights = _region_weights(masks, maps, grid)
        # A region that the crop has cut away teaches nothing.
        kept = weights.sum((1, 2)) > 0.5
        image_rows = torch.tensor(region_image, dtype=torch.long)[kept]
        phrase_rows = torch.tensor(region_phrase, dtype=torch.long)[kept]
        relevance, known = _relevance(phrases, [examples[owner].world for owner in phrase_owner], examples)
        region_same, region_known = _region_relevance(
            [phrases[row] for row in phrase_rows.tolist()], [examples[row] for row in image_rows.tolist()]
        )
        m, r = _padded(len(phrases)), _padded(len(image_rows))
        lit = _relight(torch.cat(pictures), generator)
        numbers = [phrases[row].region for row in phrase_rows.tolist()]
        masked = [examples[row].has_mask(n) for row, n in zip(image_rows.tolist(), numbers, strict=True)]
        exact = torch.tensor(masked, dtype=torch.bool)
        return Batch(
            pictures=lit.contiguous(memory_format=torch.channels_last),
            caption_ids=self._ids(captions),
            same=_same(examples, captions),
            overlap=_overlap(examples),
            phrase_ids=self._ids([phrase.text for phrase in phrases] + [""] * (m - len(phrases))),
            relevance=_pad(relevance, m),
            known=_pad(known, m),
            region_image=_pad(image_rows, r),
            region_phrase=_pad(phrase_rows, r),
            region_weights=_pad(weights[kept], r),
            region_exact=_pad(exact, r),
            region_same=_pad(_pad(region_same.T, r).T, r),
            region_known=_pad(_pad(region_known.T, r).T, r),
            facets=tuple(_facet_targets(facet, examples) for facet in self._vocabulary.facets),
            name_ids=self._names(chance),
            label_ids=self._labels(chance),
            teacher=_stack_teachers(teachers, counts, grid),
            teacher_seen=_stack_seen(teachers, seen, counts, grid),
        )

    def _caption(self, example: Example, chance: random.Random) -> str:
        settings = self._captions
        text = chance.choice(example.captions)
        if len(example.phrases) > 1 and settings.composed and chance.random() < settings.composed:
            some = chance.sample(example.phrases, chance.randint(2, min(4, len(example.phrases))))
            text = ", ".join(phrase.text for phrase in some)
        if settings.noise and chance.random() < settings.noise:
            text = _spoilt(text, chance.choice(self._sources[0].corpus.examples).captions[0], chance)
        return text

    def _names(self, chance: random.Random) -> Tensor:
        if not self._name_ids:
            return torch.zeros(0, 1, dtype=torch.long)
        return torch.stack([chance.choice(rows) for rows in self._name_ids])

    def _all_names(self) -> list[list[Tensor]]:
        """For each node of all facets its names, read once."""
        nodes = [uri for facet in self._vocabulary.facets for uri in facet.nodes]
        names = [list(self._vocabulary.names[uri]) for uri in nodes]
        rows = iter(self._ids([name for some in names for name in some]))
        return [[next(rows) for _ in some] for some in names]

    def _labels(self, chance: random.Random) -> tuple[Tensor, Tensor] | None:
        count = min(self._captions.labels, len(self._vocabulary.pairs))
        if not count:
            return None
        pairs = chance.sample(self._vocabulary.pairs, count)
        return self._ids([one for one, _ in pairs]), self._ids([other for _, other in pairs])

    def _ids(self, texts: list[str]) -> Tensor:
        if not texts:
            return torch.zeros(0, 1, dtype=torch.long)
        # An empty text reads as one unknown word, so that no row is all padding.
        encoded = self._tokenizer.encode_batch([text or "[UNK]" for text in texts])
        return torch.tensor([encoding.ids for encoding in encoded], dtype=torch.long)


def _padded(rows: int) -> int:
    """Rows up to a full step. Every new shape of a product costs the CPU's compiler seconds, so there are few."""
    return -(-rows // _ROW_STEP) * _ROW_STEP


def _pad(rows: Tensor, to: int) -> Tensor:
    """`rows` with zeros (False) below, up to `to`: no loss has a target there."""
    return functional.pad(rows, [0, 0] * (rows.ndim - 1) + [0, to - len(rows)])


def _region_weights(masks: Sequence[NDArray[np.uint8]], maps: Sequence[Tensor], grid: int) -> Tensor:
    """(R, grid, grid) share of each cell that is inside each region, after the pictures' affine maps."""
    if not masks:
        return torch.zeros(0, grid, grid)
    stacked = torch.from_numpy(np.stack(masks)).float()[:, None] / 255
    return _warp(stacked, torch.stack(list(maps)), grid, "zeros")[:, 0]


def _crop(example: Example, share: float, chance: random.Random) -> PhraseTarget | None:
    """The phrase whose region is all that will be seen of the picture, or None for the whole picture."""
    if not share or chance.random() >= share:
        return None
    placed = [phrase for phrase in example.phrases if phrase.region >= 0]
    return chance.choice(placed) if placed else None


def _crop_affine(mask: NDArray[np.uint8], affine: Tensor) -> Tensor:
    """The affine map with its zoom and shift replaced: the square around the mask, a tenth of margin on each side."""
    rows, columns = np.flatnonzero(mask.max(1)), np.flatnonzero(mask.max(0))
    if not rows.size:
        return affine
    low = np.array([columns[0], rows[0]]) / MASK_PX
    high = np.array([columns[-1] + 1, rows[-1] + 1]) / MASK_PX
    half = max(float((high - low).max()) * 0.6, 0.08)
    centre = (low + high) / 2
    turn = affine[:, :2] / affine[:, :2].norm(dim=0).clamp(min=1e-6) * half
    return torch.cat([turn, torch.tensor(centre * 2 - 1, dtype=torch.float32)[:, None]], 1)


def _seen_as(example: Example, crop: PhraseTarget | None) -> Example:
    """The example, or what its crop shows: nothing but the region."""
    if crop is None:
        return example
    keys = example.region_keys[crop.region]
    phrases = tuple(phrase for phrase in example.phrases if phrase.key in keys)
    return Example(f"crop:{crop.key}", example.world, (crop.text,), phrases, (keys,))


def _spoilt(text: str, other: str, chance: random.Random) -> str:
    """A caption as the web has them: words lost, some of another caption put in, the order disturbed."""
    spaced = " " in text
    words = text.split() if spaced else list(text)
    kept = [word for word in words if chance.random() > 0.3] or words[:1]
    strange = other.split() if spaced else list(other)
    kept += chance.sample(strange, min(len(strange), max(1, len(kept) // 3)))
    if chance.random() < 0.5:
        chance.shuffle(kept)
    return (" " if spaced else "").join(kept)


def _facet_targets(facet: Facet, examples: Sequence[Example]) -> FacetTargets:
    own, broader, absent = facet.targets([example.concepts.get(facet.name, ()) for example in examples])
    whole = torch.tensor([example.world == RENDERED for example in examples])
    return FacetTargets(own, broader, absent & whole[:, None])


def _overlap(examples: Sequence[Example]) -> Tensor:
    """(B, B): concepts in common over concepts of either (Jaccard), 0 where one has none."""
    index = {uri: n for n, uri in enumerate(sorted({uri for e in examples for uri in e.all_concepts}))}
    has = torch.zeros(len(examples), max(1, len(index)))
    for row, example in enumerate(examples):
        for uri in example.all_concepts:
            has[row, index[uri]] = 1
    common = has @ has.T
    count = has.sum(1)
    return common / (count[:, None] + count[None] - common).clamp(min=1)


def _share_out(batch: int, shares: Sequence[float]) -> list[int]:
    total = sum(shares)
    edges = [round(batch * sum(shares[:n]) / total) for n in range(len(shares) + 1)]
    return [high - low for low, high in pairwise(edges)]


def _relevance(
    phrases: Sequence[PhraseTarget], owners: Sequence[str], examples: Sequence[Example]
) -> tuple[Tensor, Tensor]:
    """(M, B) true and (M, B) known. `owners`: the world of each phrase.

    What is rendered is known whole. What is said of a rendered motif at its place is never true of a real picture; but
    whether a label of one pack, or a motif's bare name, is true of a picture of another nobody said.
    """
    true = torch.tensor([[p.key in e.keys for e in examples] for p in phrases], dtype=torch.bool)
    true = true.reshape(len(phrases), len(examples))
    return true, true | _comparable(phrases, owners, [example.world for example in examples])


def _region_relevance(phrases: Sequence[PhraseTarget], pictures: Sequence[Example]) -> tuple[Tensor, Tensor]:
    """(R, R): phrase j is true of region i, and whether that is known. Region i is the one that phrase i names."""
    keys = [picture.region_keys[phrase.region] for phrase, picture in zip(phrases, pictures, strict=True)]
    true = torch.tensor([[phrase.key in some for phrase in phrases] for some in keys], dtype=torch.bool)
    true = true.reshape(len(phrases), len(phrases))
    worlds = [picture.world for picture in pictures]
    return true, true | _comparable(phrases, worlds, worlds).T


def _comparable(phrases: Sequence[PhraseTarget], owners: Sequence[str], worlds: Sequence[str]) -> Tensor:
    """(phrases, pictures): whether it is known if a phrase is true of a picture. `owners`: worlds of the phrases."""
    rows = [
        [world in (owner, RENDERED) or (owner == RENDERED and "@" in phrase.key) for world in worlds]
        for phrase, owner in zip(phrases, owners, strict=True)
    ]
    return torch.tensor(rows, dtype=torch.bool).reshape(len(phrases), len(worlds))


def _same(examples: Sequence[Example], captions: Sequence[str]) -> Tensor:
    groups = np.array([example.group for example in examples], dtype=object)
    words = np.array(captions, dtype=object)
    return torch.from_numpy(((groups[:, None] == groups[None]) | (words[:, None] == words[None])).astype(bool))


def _affines(count: int, mirror: Sequence[bool], generator: torch.Generator) -> Tensor:
    """(count, 2, 3) maps from output to input in -1..1: zoom 0.65 to 1.05, turn up to 7 degrees, shift inside."""
    zoom = 0.65 + 0.4 * torch.rand(count, generator=generator)
    turn = (torch.rand(count, generator=generator) - 0.5) * (14 * math.pi / 180)
    stretch = 1 + (torch.rand(count, generator=generator) - 0.5) * 0.16
    room = (1 - zoom).clamp(min=0)
    shift = (torch.rand(count, 2, generator=generator) * 2 - 1) * room[:, None]
    sign = torch.where(torch.tensor(list(mirror)), -1.0, 1.0)
    cos, sin = torch.cos(turn) * zoom, torch.sin(turn) * zoom
    rows = [
        torch.stack([cos * stretch * sign, -sin, shift[:, 0]], 1),
        torch.stack([sin * sign, cos / stretch, shift[:, 1]], 1),
    ]
    return torch.stack(rows, 1)


def _warp(maps: Tensor, affine: Tensor, size: int, padding: str) -> Tensor:
    """(B, C, H, W) seen through the affine maps at size x size. Averages first where it shrinks, against aliasing."""
    grid = functional.affine_grid(affine, [len(maps), 1, size, size], align_corners=False)
    factor = maps.shape[-1] // size
    if factor > 1:
        maps = functional.avg_pool2d(maps, factor)
    return functional.grid_sample(maps, grid, mode="bilinear", padding_mode=padding, align_corners=False)


def _relight(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Brightness, contrast, colour cast and greying, a slope of light, and grain; (B, 3, S, S) 0..1."""
    b, _, side, _ = pictures.shape

    def draw(*shape: int) -> Tensor:
        return torch.rand(b, *shape, generator=generator)

    grey = pictures.mean(1, keepdim=True)
    keep = torch.where(draw(1, 1, 1) < 0.15, torch.zeros(1), 0.6 + 0.8 * draw(1, 1, 1))
    pictures = grey + (pictures - grey) * keep
    mean = pictures.mean((2, 3), keepdim=True)
    pictures = mean + (pictures - mean) * (0.7 + 0.6 * draw(1, 1, 1))
    pictures = pictures * (0.75 + 0.5 * draw(1, 1, 1)) * (0.9 + 0.2 * draw(3, 1, 1))
    line = torch.linspace(-1, 1, side)
    slope = (draw(1, 1, 1) - 0.5) * line[None, None, None, :] + (draw(1, 1, 1) - 0.5) * line[None, None, :, None]
    pictures = pictures * (1 + 0.5 * slope)
    grain = torch.randn(pictures.shape, generator=generator) * 0.03 * draw(1, 1, 1)
    return (pictures + grain).clamp(0, 1)


def _stack_teachers(teachers: Sequence[Tensor | None], counts: Sequence[int], grid: int) -> Tensor | None:
    width = next((t.shape[-1] for t in teachers if t is not None), None)
    if width is None:
        return None
    used = [count for count in counts if count]
    parts = [torch.zeros(n, grid, grid, width) if t is None else t for t, n in zip(teachers, used, strict=True)]
    return torch.cat(parts)


def _stack_seen(
    teachers: Sequence[Tensor | None], seen: Sequence[Tensor], counts: Sequence[int], grid: int
) -> Tensor | None:
    if all(t is None for t in teachers):
        return None
    left = iter(seen)
    used = [count for count in counts if count]
    zero = [torch.zeros(n, grid, grid, dtype=torch.bool) for n in used]
    return torch.cat([z if t is None else next(left) for t, z in zip(teachers, zero, strict=True)])


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch with every tensor on `device`."""

    def move(value: object) -> object:
        if isinstance(value, Tensor):
            return value.to(device, non_blocking=True)
        if isinstance(value, FacetTargets):
            return FacetTargets(*map(move, value))  # type: ignore[arg-type]
        return tuple(map(move, value)) if isinstance(value, tuple) else value

    return Batch(**{f.name: move(getattr(batch, f.name)) for f in fields(Batch)})  # type: ignore[arg-type]
