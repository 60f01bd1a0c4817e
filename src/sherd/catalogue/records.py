"""Records as JSON, and one record out of what several items of its sources say of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, replace
from typing import Any

from sherd.types import Caption, Phrase, Record, SourceImage

_TEXT = {"object_type", "culture", "period", "rights", "licence", "split"}
_LISTS = {"materials", "motifs", "themes"}
_MAPS = {"titles", "descriptions", "extra"}


def to_body(record: Record) -> str:
    """JSON of everything but the identifier and the images; what is empty is left out."""
    body: dict[str, Any] = {}
    for name in sorted(_TEXT | _LISTS | _MAPS):
        value = getattr(record, name)
        if value:
            body[name] = dict(value) if name in _MAPS else list(value) if name in _LISTS else value
    if record.captions:
        body["captions"] = [[caption.language, caption.style, caption.text] for caption in record.captions]
    if record.phrases:
        body["phrases"] = [[phrase.language, phrase.region, phrase.text] for phrase in record.phrases]
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def from_body(record_id: str, body: str, images: Iterable[SourceImage] = ()) -> Record:
    """The record that `to_body` wrote, with `images`."""
    data = json.loads(body)
    captions = tuple(Caption(language, text, style) for language, style, text in data.pop("captions", ()))
    phrases = tuple(Phrase(text, language, region) for language, region, text in data.pop("phrases", ()))
    values: dict[str, Any] = {name: tuple(value) if name in _LISTS else value for name, value in data.items()}
    return Record(record_id, tuple(images), captions=captions, phrases=phrases, **values)


def digest(record_id: str, body: str, images: Iterable[SourceImage]) -> str:
    """32 hex digits over all that a source item says, so that a change is noticed: in the source, or of what is stored.

    Args:
        body: as `to_body` wrote it.
    """
    shown = [
        [
            image.path,
            image.view,
            [[*astuple(region.box), region.label, region.mask, region.concept] for region in image.regions],
        ]
        for image in images
    ]
    said = json.dumps([record_id, body, shown], separators=(",", ":"))
    return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()


def item_key(record: Record, repeat: int = 0) -> str:
    """32 hex digits by which an item is known again in its source, wherever it moves to: record id and image paths.

    Args:
        repeat: 0 for the first item of a run with this record id and these paths, 1 for the second...
    """
    known_by = json.dumps([record.record_id, [image.path for image in record.images], repeat])
    return hashlib.blake2b(known_by.encode(), digest_size=16).hexdigest()


def merge(views: Sequence[Record]) -> Record:
    """One record out of its items, in their order: the first text of each language and the first of each single value
    counts, lists and images are joined.

    A phrase points into the regions of the first image, so only the first item's phrases keep their pointer.
    """
    first = views[0]
    if len(views) == 1:
        return first
    values: dict[str, Any] = {}
    for name in _TEXT:
        values[name] = next((value for view in views if (value := getattr(view, name)) is not None), None)
    for name in _LISTS:
        values[name] = tuple(dict.fromkeys(value for view in views for value in getattr(view, name)))
    for name in _MAPS:
        joined: dict[str, str] = {}
        for view in views:
            for key, value in getattr(view, name).items():
                joined.setdefault(key, value)
        values[name] = joined
    phrases = list(first.phrases)
    known = {(phrase.language, phrase.text) for phrase in phrases}
    for phrase in (phrase for view in views[1:] for phrase in view.phrases):
        if (phrase.language, phrase.text) not in known:
            known.add((phrase.language, phrase.text))
            phrases.append(replace(phrase, region=None))
    images: dict[str, SourceImage] = {}
    for image in (image for view in views for image in view.images):
        images.setdefault(image.path, image)
    return Record(
        first.record_id,
        tuple(images.values()),
        captions=tuple(dict.fromkeys(caption for view in views for caption in view.captions)),
        phrases=tuple(phrases),
        **values,
    )


def filter_terms(record: Record) -> Mapping[str, tuple[str, ...]]:
    """Field of a filter -> the record's own terms."""

    def one(value: str | None) -> tuple[str, ...]:
        return (value,) if value else ()

    return {
        "culture": one(record.culture),
        "licence": one(record.licence),
        "material": record.materials,
        "motif": record.motifs,
        "object_type": one(record.object_type),
        "period": one(record.period),
        "rights": one(record.rights),
        "theme": record.themes,
    }
