"""The pictures of a library with what its catalogue says of them, closed over the thesaurus and divided by object."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from sherd.catalogue.catalogue import StoredPicture
from sherd.ingest.library import Library
from sherd.thesaurus.folding import fold_label
from sherd.thesaurus.thesaurus import Thesaurus
from sherd.training.corpus import Example, PhraseTarget, caption_texts
from sherd.training.relevance import Closure
from sherd.training.splits import split_of
from sherd.types import Box, Record, SourceImage

TRAIN, VALIDATION, HELDOUT = "train", "validation", "heldout"
VALIDATION_SHARE = 0.15
_WORLD = "library"
_PAGE = 500
_LONGEST_PHRASE = 60
_PIECES = re.compile(r"[,;:()/，、；：（）・]|\s+with\s+|\s+and\s+")


@dataclass(frozen=True, slots=True)
class Holding:
    """One picture of a record. `boxes` are those that the example's phrases number; `fold` is one of the three."""

    record_id: str
    picture: StoredPicture
    fold: str
    example: Example
    boxes: tuple[Box, ...] = ()


def fold_of(record: Record) -> str:
    """TRAIN, VALIDATION or HELDOUT, by object.

    What `split_of` does not call train is held out, so that `sherd evaluate --split heldout` asks for what was not
    learnt; of the rest another hash takes VALIDATION_SHARE.
    """
    if split_of(record) != TRAIN:
        return HELDOUT
    digest = hashlib.sha256(f"validation:{record.record_id}".encode()).digest()
    return VALIDATION if int.from_bytes(digest[:4], "big") / 2**32 < VALIDATION_SHARE else TRAIN


def read_holdings(library: Library, thesaurus: Thesaurus) -> list[Holding]:
    """Every picture that a record shows, in the order of the records' keys; one that several show is each one's.

    Phrases are the labels of boxes, motifs, themes, types, materials and the record's own phrases, and what of a title
    the thesaurus knows; one that it knows is true as all broader concepts too, and is also said by its other names.
    """
    pictures = {one.key: one for one in _stored(library)}
    shown = library.catalogue.hits_for(np.array(sorted(pictures), np.int64))
    ids = list(dict.fromkeys(one.record_id for key in sorted(shown) for one in shown[key]))
    found: list[Holding] = []
    for start in range(0, len(ids), _PAGE):
        some = ids[start : start + _PAGE]
        records, keys = library.catalogue.get_many(some), library.catalogue.keys_of(some)
        for name in some:
            record = records[name]
            for n, (image, (key, _)) in enumerate(zip(record.images, keys[name], strict=True)):
                example = example_of(record, image, thesaurus, first=n == 0)
                boxes = tuple(region.box for region in image.regions)
                found.append(Holding(name, pictures[key], fold_of(record), example, boxes))
    return found


def example_of(record: Record, image: SourceImage, thesaurus: Thesaurus, *, first: bool = True) -> Example:
    """What is true of one picture of a record. `first`: the record's own phrases point into this picture's regions."""
    labels = [region.label or "" for region in image.regions]
    said = [(label, n) for n, label in enumerate(labels)]
    said += [(phrase.text, phrase.region if first and phrase.region is not None else -1) for phrase in record.phrases]
    placed = {fold_label(_plain(label)) for label in labels}
    terms = [*record.motifs, *record.themes, *record.materials, *(record.object_type or "", record.culture or "")]
    said += [(term, -1) for term in terms if fold_label(_plain(term)) not in placed]
    for title in record.titles.values():
        said += [(piece, -1) for piece in _PIECES.split(title) if thesaurus.find(piece.strip())]
    phrases = [
        PhraseTarget(text, fold_label(text), region)
        for text, region in ((_plain(text), region) for text, region in said)
        if 0 < len(text) <= _LONGEST_PHRASE
    ]
    phrases = list(dict.fromkeys(phrases))
    links = {(_WORLD, phrase.key): uris[0] for phrase in phrases if (uris := thesaurus.find(phrase.text))}
    closure = Closure(thesaurus, links)
    keys = [frozenset(p.key for p in phrases if p.region == n) for n in range(len(image.regions))]
    captions = tuple(dict.fromkeys(text.strip() for text in caption_texts(record) if text.strip()))
    example = closure.close(Example(record.record_id, _WORLD, captions, tuple(phrases), tuple(keys)))
    return replace(example, phrases=tuple(dict.fromkeys(_with_names(example, closure, thesaurus))))


def _with_names(example: Example, closure: Closure, thesaurus: Thesaurus) -> Iterator[PhraseTarget]:
    """The phrases, what those about the whole picture imply, and the other names of what the thesaurus knows."""
    for phrase in example.phrases:
        yield phrase
        if phrase.key not in thesaurus:
            continue
        implied = sorted(closure.implied(phrase.key)) if phrase.region < 0 else []
        for uri in (phrase.key, *implied):
            yield from (PhraseTarget(name, uri, phrase.region) for name in closure.names(uri))


def _plain(text: str) -> str:
    return " ".join(text.replace("_", " ").split())


def _stored(library: Library) -> Iterator[StoredPicture]:
    last = 0
    while page := library.catalogue.pictures(last):
        last = page[-1].key
        yield from page
