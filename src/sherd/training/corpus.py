"""Examples in memory: pictures as one array, regions as small masks, texts as lists. Made once, sampled for ever."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sherd.errors import InvalidConfig
from sherd.ingest.pictures import open_picture_file, thumbnail_pixels
from sherd.ingest.sources import open_source
from sherd.relics.culture import LANGUAGES, Culture, load_culture
from sherd.relics.render import RegionTruth, Relic, render
from sherd.training.splits import split_of
from sherd.types import Box, Picture, Record, Region

MASK_PX = 40
"""Side of a region's mask; finer than any grid that it is compared with."""

_MASK_DETAIL = 8
"""A pack's mask is laid out so many times finer before it is brought down to that side."""
RENDERED = "rendered"
_ARRAYS = ("pictures", "masks", "mask_start")
_FORMAT = 2
"""Goes up with every change of what is kept of a drawn relic."""
_SENTENCE = re.compile(r"(?<=[.!?。！？；])\s*")


@dataclass(frozen=True, slots=True)
class PhraseTarget:
    """Words about a part. `key` is equal for phrases that say the same; `region` is the region's number, or -1."""

    text: str
    key: str
    region: int = -1


@dataclass(frozen=True)
class Example:
    """One picture's texts.

    `group` is equal for pictures of one object; `world` tells which pictures' labels are comparable: RENDERED, or the
    name of a pack. `region_keys` are the keys of every phrase that is true of a region, by region. `concepts`: URIs of
    the thesaurus by facet. `terms`: what a catalogue's columns say of the whole. `masked`: regions of a pack that are
    masks and not boxes.
    """

    group: str
    world: str
    captions: tuple[str, ...]
    phrases: tuple[PhraseTarget, ...]
    region_keys: tuple[frozenset[str], ...] = ()
    concepts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    terms: tuple[str, ...] = ()
    masked: frozenset[int] = frozenset()

    def has_mask(self, region: int) -> bool:
        """Whether what is kept of a region is its own outline, and not that of the box around it."""
        return self.world == RENDERED or region in self.masked

    @cached_property
    def keys(self) -> frozenset[str]:
        """The keys of all phrases that are true of the picture."""
        return frozenset(phrase.key for phrase in self.phrases).union(*self.region_keys)

    @cached_property
    def all_concepts(self) -> frozenset[str]:
        """The URIs of all facets."""
        return frozenset(uri for uris in self.concepts.values() for uri in uris)


@dataclass(frozen=True, slots=True)
class Corpus:
    """n examples. pictures (n, S, S, 3) uint8; masks (R, 40, 40) uint8 share 0..255; mask_start (n + 1,) their rows."""

    examples: Sequence[Example]
    pictures: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    mask_start: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.examples)

    def texts(self) -> Iterator[str]:
        """Everything there is to read, for the tokenizer."""
        for example in self.examples:
            yield from example.captions
            yield from (phrase.text for phrase in example.phrases)


def relic_corpus(cultures: Sequence[str], count: int, seed: int, size_px: int, workers: int, cache: Path) -> Corpus:
    """`count` rendered relics of each culture, drawn by `workers` processes and kept in `cache`.

    Raises:
        InvalidConfig: a culture is unknown (from the renderer).
    """
    parts = [
        _cached(
            cache / f"{name}-{_digest(name)}-{seed}-{count}-{size_px}",
            partial(_render_many, name, count, seed, size_px, workers),
        )
        for name in cultures
    ]
    return _concatenate(parts)


def pack_corpus(folders: Sequence[Path], size_px: int, *, splits: Sequence[str], without: Sequence[str] = ()) -> Corpus:
    """The pictures of pack folders whose split is among `splits`, letterboxed to a square with their edge repeated.

    Args:
        without: licences that are left out, as substrings.
    Raises:
        InvalidConfig: a folder has no record of these splits.
        RejectedItem: a picture or a mask (named) cannot be opened.
        SourceError: a folder is no pack.
    """
    return _concatenate([_read_pack(folder, size_px, splits, without) for folder in folders])


def _read_pack(folder: Path, size_px: int, splits: Sequence[str], without: Sequence[str]) -> Corpus:
    examples: list[Example] = []
    pictures: list[Picture] = []
    masks: list[NDArray[np.uint8]] = []
    starts = [0]
    for item in open_source(folder).items():
        record = item.record
        if record is None or split_of(record) not in splits or any(w in (record.licence or "") for w in without):
            continue
        image = record.images[0]
        picture = thumbnail_pixels(open_picture_file(folder, image.path).thumbnail)
        square, place = letterbox(picture, size_px)
        example = _real_example(record, folder.name)
        if not example.captions:
            continue
        examples.append(example)
        pictures.append(square)
        masks.extend(_region_mask(folder, region, place) for region in image.regions)
        starts.append(len(masks))
    if not examples:
        raise InvalidConfig(f"{folder}: no record with text in split {', '.join(splits)}; choose other packs or splits")
    stacked = np.stack(masks) if masks else np.zeros((0, MASK_PX, MASK_PX), np.uint8)
    return Corpus(examples, np.stack(pictures), stacked, np.asarray(starts))


def _real_example(record: Record, world: str) -> Example:
    captions = list(dict.fromkeys(caption_texts(record)))
    regions = record.images[0].regions
    phrases = [PhraseTarget(r.label.replace("_", " "), _key_of(r), n) for n, r in enumerate(regions) if r.label]
    placed = {region.label.lower() for region in regions if region.label}
    phrases += [PhraseTarget(m.replace("_", " "), m.lower()) for m in record.motifs if m.lower() not in placed]
    return Example(
        f"{world}:{record.record_id}",
        world,
        tuple(captions),
        tuple(phrases),
        tuple(frozenset({_key_of(region)} if region.label else ()) for region in regions),
        terms=tuple(
            filter(None, (record.object_type, record.culture, record.period, *record.materials, *record.themes))
        ),
        masked=frozenset(n for n, region in enumerate(regions) if region.mask),
    )


def _key_of(region: Region) -> str:
    """What a pack's region shows: its concept where one is given, else its label."""
    return region.concept or (region.label or "").lower()


def caption_texts(record: Record) -> Iterator[str]:
    """Texts about the whole object: captions, titles (also with type and material), sentences, labels."""
    yield from (caption.text for caption in record.captions)
    named = [text for text in (record.object_type, record.culture, record.period, *record.materials) if text]
    for title in record.titles.values():
        yield title
        if named:
            yield f"{title}, {', '.join(named)}"
    for description in record.descriptions.values():
        sentences = [s for s in _SENTENCE.split(description) if len(s) > 12]
        yield from sentences[:8]
        if len(sentences) > 1:
            yield " ".join(sentences[:2])
    labels = list(dict.fromkeys(m.replace("_", " ") for m in record.motifs))
    if labels and not record.titles and not record.captions:
        yield f"{record.object_type or 'picture'} with {', '.join(labels)}"


def letterbox(picture: Picture, size_px: int) -> tuple[Picture, Box]:
    """The picture in a square of `size_px`, its edges repeated outwards, and its place in the square."""
    height, width = picture.shape[:2]
    scale = size_px / max(height, width)
    h, w = max(1, round(height * scale)), max(1, round(width * scale))
    small = np.asarray(Image.fromarray(picture).resize((w, h), Image.Resampling.BICUBIC))
    top, left = (size_px - h) // 2, (size_px - w) // 2
    square = np.pad(small, ((top, size_px - h - top), (left, size_px - w - left), (0, 0)), mode="edge")
    return square, Box(left / size_px, top / size_px, w / size_px, h / size_px)


def _region_mask(folder: Path, region: Region, place: Box) -> NDArray[np.uint8]:
    """What a region covers of the square: its mask (white is inside), or its box where it has none."""
    if region.mask is None:
        return _box_mask(region.box, place)
    white = thumbnail_pixels(open_picture_file(folder, region.mask).thumbnail)[..., 0] > 127
    fine = MASK_PX * _MASK_DETAIL
    x, y, w, h = (round(value * fine) for value in (place.x, place.y, place.w, place.h))
    square = Image.new("L", (fine, fine))
    square.paste(Image.fromarray(white.astype(np.uint8) * 255).resize((w, h), Image.Resampling.BOX), (x, y))
    return np.asarray(square.resize((MASK_PX, MASK_PX), Image.Resampling.BOX))


def _box_mask(box: Box, place: Box) -> NDArray[np.uint8]:
    """A box in fractions of the picture as a mask of the square, each cell by the share of it that is covered."""
    edges = np.arange(MASK_PX + 1) / MASK_PX

    def cover(low: float, length: float) -> NDArray[np.float64]:
        inside = np.minimum(edges[1:], low + length) - np.maximum(edges[:-1], low)
        return np.asarray(np.maximum(inside, 0) * MASK_PX, np.float64)

    rows = cover(place.y + box.y * place.h, box.h * place.h)
    columns = cover(place.x + box.x * place.w, box.w * place.w)
    return np.asarray(np.round(np.outer(rows, columns) * 255), np.uint8)


def _render_many(name: str, count: int, seed: int, size_px: int, workers: int) -> Corpus:
    step = 200
    jobs = [(name, seed, size_px, range(start, min(start + step, count))) for start in range(0, count, step)]
    if workers == 1:
        return _concatenate(map(_render_some, jobs))
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        return _concatenate(pool.map(_render_some, jobs))


def _render_some(job: tuple[str, int, int, range]) -> Corpus:
    name, seed, size_px, indices = job
    culture = load_culture(name)
    examples: list[Example] = []
    pictures: list[Picture] = []
    masks: list[NDArray[np.uint8]] = []
    starts = [0]
    for index in indices:
        relic = render(culture, seed, index, size_px, masks=True)
        examples.append(_relic_example(relic, culture))
        pictures.append(relic.picture)
        masks.extend(shrink_mask(mask) for mask in relic.masks or ())
        starts.append(len(masks))
    return Corpus(examples, np.stack(pictures), np.stack(masks), np.asarray(starts))


def _relic_example(relic: Relic, culture: Culture) -> Example:
    """Phrases of the relic, and the bare names of its motifs: what a person asks for first."""
    phrases = []
    for phrase in relic.phrases:
        assert phrase.region is not None
        phrases.append(PhraseTarget(phrase.text, _key(relic.regions[phrase.region]), phrase.region))
    motifs = {motif.id: motif for motif in culture.motifs}
    for number, region in enumerate(relic.regions):
        if region.kind == "motif":
            names = (text for language in LANGUAGES for text in motifs[region.id].names[language])
            phrases += [PhraseTarget(text, region.concept, number) for text in names]
    region_keys = tuple(frozenset({_key(region), region.concept}) for region in relic.regions)
    captions = tuple(c.text for c in relic.captions)
    return Example(relic.id, RENDERED, captions, tuple(phrases), region_keys, relic.concepts_by_facet)


def _key(region: RegionTruth) -> str:
    return region.concept if region.place is None else f"{region.concept}@{region.place}"


def shrink_mask(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """A full-size mask as shares 0..255 of each of 40 x 40 cells."""
    image = Image.fromarray(mask.astype(np.uint8) * 255).resize((MASK_PX, MASK_PX), Image.Resampling.BOX)
    return np.asarray(image, np.uint8)


def _concatenate(parts: Iterable[Corpus]) -> Corpus:
    parts = list(parts)
    offsets = np.cumsum([0, *(len(part.masks) for part in parts)])
    starts = [part.mask_start[:-1] + offset for part, offset in zip(parts, offsets[:-1], strict=True)]
    return Corpus(
        [example for part in parts for example in part.examples],
        np.concatenate([part.pictures for part in parts]),
        np.concatenate([part.masks for part in parts]),
        np.concatenate([*starts, offsets[-1:]]),
    )


def _cached(folder: Path, make: Callable[[], Corpus]) -> Corpus:
    """What `make` gives, kept in `folder`, which appears whole or not at all."""
    if not folder.exists():
        made = make()
        unfinished = folder.with_name(folder.name + ".part")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        for name in _ARRAYS:
            np.save(unfinished / f"{name}.npy", getattr(made, name))
        with (unfinished / "examples.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(_to_json(example), ensure_ascii=False) + "\n" for example in made.examples)
        unfinished.rename(folder)
    arrays = {name: np.load(folder / f"{name}.npy") for name in _ARRAYS}
    with (folder / "examples.jsonl").open(encoding="utf-8") as file:
        examples = [_from_json(json.loads(line)) for line in file]
    return Corpus(examples, **arrays)


def _digest(culture: str) -> str:
    """Short digest of a culture's description, so that a changed culture is drawn again."""
    return hashlib.sha256(f"{_FORMAT}{load_culture(culture)!r}".encode()).hexdigest()[:8]


def _to_json(example: Example) -> dict[str, Any]:
    return {
        "group": example.group,
        "world": example.world,
        "captions": example.captions,
        "phrases": [[phrase.text, phrase.key, phrase.region] for phrase in example.phrases],
        "region_keys": [sorted(keys) for keys in example.region_keys],
        "concepts": dict(example.concepts),
    }


def _from_json(row: dict[str, Any]) -> Example:
    return Example(
        row["group"],
        row["world"],
        tuple(row["captions"]),
        tuple(PhraseTarget(*phrase) for phrase in row["phrases"]),
        tuple(map(frozenset, row["region_keys"])),
        {facet: tuple(uris) for facet, uris in row["concepts"].items()},
    )
