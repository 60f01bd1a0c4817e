"""A small library of which much is said: in two languages, with boxes, rights, Sherd's own terms, and decisions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from sherd.catalogue import decisions
from sherd.encoder.toy import ToyEncoder
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.library import Library
from sherd.ingest.pipeline import Ingest
from sherd.ingest.sources import open_source
from sherd.types import Action, Box, Decision

CC0 = "https://creativecommons.org/publicdomain/zero/1.0/deed.zh"
TAOTIE, DING, DRAGON = "urn:sherd:taotie", "urn:sherd:ding", "urn:sherd:dragon"
DING_ID = "1987/10 鼎"
WIDTH, HEIGHT = 640, 480
MASK = (160, 120, 320, 240)
"""Of the box on the ding's first picture, in pixels."""
ROWS: list[dict[str, object]] = [
    {
        "id": "a", "object_id": DING_ID, "image": "ding 1.png", "title": "饕餮纹鼎", "language": "zh",
        "object_type": "鼎", "materials": ["bronze"], "period": "商代晚期", "motifs": ["taotie"],
        "description": "商代晚期青铜礼器。", "rights": "The museum", "licence": CC0, "view": "front",
        "regions": [{"label": "taotie", "bbox": list(MASK)}],
    },
    {"id": "b", "object_id": DING_ID, "image": "ding-2.png", "title": "Ding with taotie", "language": "en"},
    {"id": "bowl", "image": "bowl.png", "title": "Blue bowl", "language": "en", "object_type": "bowl",
     "materials": ["porcelain"], "motifs": ["dragon"], "licence": "CC BY 4.0"},
    {"id": "plain", "image": "plain.png", "title": "Shard"},
]  # fmt: skip


def make_bronzes(folder: Path, *, decided: bool = True) -> Path:
    """The library, and what Ann and Li Wei decided about it."""
    source, library = folder / "source", folder / "library"
    source.mkdir(parents=True)
    rng = np.random.default_rng(3)
    for n, row in enumerate(ROWS):
        picture = np.full((HEIGHT, WIDTH, 3), (40 * n, 90, 200 - 40 * n), np.uint8)
        x, y, w, h = MASK
        picture[y : y + h, x : x + w] = rng.integers(0, 255, 3)
        Image.fromarray(picture).save(source / str(row["image"]))
    lines = [json.dumps(row, ensure_ascii=False) for row in ROWS]
    (source / "records.jsonl").write_text("\n".join(lines), "utf-8")
    with Library.open(library, create=True) as there:
        with there.writer(), DecoderPool(1) as pool:
            Ingest(there, open_source(source), ToyEncoder(), pool, encoder_name="toy").run()
        if decided:
            decisions.append(there.catalogue.database, [*decision_pair()])
    return library


def decision_pair() -> tuple[Decision, Decision]:
    """Ann sees a dragon on the ding's second picture; Li Wei refuses the bowl's."""
    return (
        Decision(
            DING_ID, Action.OTHER, "Ann", "2026-11-27T10:00:00+00:00", facet="motif", value=DRAGON, image="ding-2.png",
            new_box=Box(0.25, 0.5, 0.25, 0.25),
        ),
        Decision("bowl", Action.REJECT, "Li Wei", "2026-11-28T10:00:00+00:00", facet="motif", concept=DRAGON),
    )  # fmt: skip
