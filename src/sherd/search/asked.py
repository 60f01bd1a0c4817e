"""A question with its answer, and the JSON form of it that other programs rely on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from sherd.types import Answer, Box, Hit, Query

Thumbnails = Callable[[str], Path]
"""The thumbnail file of a picture, by its sha256."""

JsonObject = dict[str, object]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question and its answer. `image` is how the asker calls the query picture, e.g. its path."""

    query: Query
    answer: Answer
    image: str | None = None


@dataclass(frozen=True, slots=True)
class About:
    """What a report says of itself: where was searched, with what encoder, among how many pictures, and when."""

    library: str
    encoder: str
    pictures: int
    made: datetime
    title: str | None = None


def as_json(asked: Asked) -> JsonObject:
    """The stable form of `sherd search --json`; boxes in fractions 0..1 of the upright picture, times in ms."""
    query, timing = asked.query, asked.answer.timing_ms
    return {
        "query": {
            "text": query.text,
            "minus": query.minus,
            "image": asked.image,
            "box": _box(query.box) if query.box else None,
            "where": {field: list(values) for field, values in query.where.items()},
            "k": query.k,
            "plain": query.plain,
        },
        "understood": [asdict(one) for one in asked.answer.understood],
        "hits": [_hit(hit) for hit in asked.answer.hits],
        "timing_ms": {
            stage: round(getattr(timing, stage), 3) for stage in ("encode", "index", "rerank", "catalogue", "total")
        },
    }


def _hit(hit: Hit) -> JsonObject:
    return {
        "record_id": hit.record_id,
        "title": hit.title,
        "score": hit.score,
        "probability": hit.probability,
        "guess": hit.guess,
        "level": hit.level.value,
        "region": {"image": hit.region.image, **_box(hit.region.box)} if hit.region else None,
        "reasons": dict(hit.reasons),
    }


def _box(box: Box) -> JsonObject:
    return {"x": round(box.x, 6), "y": round(box.y, 6), "w": round(box.w, 6), "h": round(box.h, 6)}
