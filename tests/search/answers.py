"""Answers made by hand, for tests of what is made of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from sherd.search.asked import Asked
from sherd.types import Answer, Box, Hit, HitRegion, Level, Picture, Query, Timing
from tests.search.memory import jpeg, quarters

TIMING = Timing(encode=1.25, index=2.0, rerank=3.0, catalogue=4.0, total=11.12345)


LOWER_RIGHT = Box(0.5, 0.5, 0.25, 0.25)


def hit(number: int = 1, *, box: Box | None = LOWER_RIGHT, **values: object) -> Hit:
    """A hit by a part of a picture."""
    image = f"photos/{number}.jpg"
    given: dict[str, object] = {
        "record_id": f"R-{number}",
        "title": f"Relic {number}",
        "score": 0.75,
        "level": Level.PART,
        "region": HitRegion(image, box) if box is not None else None,
        "reasons": {"object": 0.25, "part": 0.5, "lexical": 0.0},
        "image": image,
        "sha256": hashlib.sha256(image.encode()).hexdigest(),
    }
    return Hit(**given | values)  # type: ignore[arg-type]


def asked(*hits: Hit, query: Query | None = None, image: str | None = None, message: str = "") -> Asked:
    """A question with its answer."""
    return Asked(query or Query(text="lotus"), Answer(hits, TIMING, message), image)


def shelf(folder: Path, hits: tuple[Hit, ...], picture: Picture | None = None) -> Callable[[str], Path]:
    """Thumbnails of the hits on disk, all of one picture."""
    data = jpeg(quarters("red", "green", "blue", "yellow") if picture is None else picture)
    for one in hits:
        (folder / f"{one.sha256}.jpg").write_bytes(data)
    return lambda sha256: folder / f"{sha256}.jpg"
