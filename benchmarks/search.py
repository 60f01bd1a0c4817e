"""How long does a search take, by what is asked and by stage? `python benchmarks/search.py`.

A library is made through the whole ingest, of pictures of noise with an encoder that gives vectors by chance: hits mean
nothing, while the work of index, scoring, catalogue and full text is that of a real library of this size. The encoder
costs next to nothing here; what a model adds is in its own benchmark.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from PIL import Image
from provenance import write

from sherd.encoder.fingerprint import fingerprint
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.library import Library
from sherd.ingest.pipeline import Ingest
from sherd.ingest.sources import open_source
from sherd.search.searcher import Searcher
from sherd.types import Box, Embeddings, FloatArray, Picture, Query

WORDS = (
    "bronze",
    "tripod",
    "bowl",
    "lotus",
    "dragon",
    "jar",
    "silk",
    "青铜鼎",
    "莲花纹",
    "龙纹",
    "瓷瓶",
    "壁画",
    "饕餮纹",
)
STAGES = ("encode", "index", "rerank", "catalogue", "total")
SIZE_PX = 24


class ChanceEncoder:
    """Unit vectors by chance, the same for the same picture or text."""

    name = "chance"
    parts_per_image = 8

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.fingerprint = fingerprint([], {"encoder": "chance", "dim": dim})
        self._grid = self._rows(b"grid", 16 * 16).reshape(16, 16, dim)

    def encode_images(self, pictures: Sequence[Picture]) -> Embeddings:
        rows = np.stack([self._rows(picture.tobytes(), 1 + self.parts_per_image) for picture in pictures])
        boxes = np.tile(np.array([0.25, 0.25, 0.5, 0.5], np.float32), (len(pictures), self.parts_per_image, 1))
        return Embeddings(rows[:, 0], rows[:, 1:], boxes)

    def encode_text(self, texts: Sequence[str]) -> FloatArray:
        return np.concatenate([self._rows(text.encode(), 1) for text in texts])

    def encode_boxes(self, picture: Picture, boxes: Sequence[Box]) -> FloatArray:
        return np.concatenate([self._rows(picture.tobytes() + repr(box).encode(), 1) for box in boxes])

    def heat(self, picture: Picture, vector: FloatArray) -> FloatArray:
        return np.asarray(self._grid @ vector, np.float32)

    def _rows(self, seed: bytes, count: int) -> FloatArray:
        rows = np.random.default_rng(crc32(seed)).standard_normal((count, self.dim), np.float32)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--dim", type=int, default=256, help="width of the vectors")
    parser.add_argument("--searches", type=int, default=200, help="of each kind")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = _measure(Path(folder), given.pictures, ChanceEncoder(given.dim), given.searches)
    print(f"{'asked with':<22}{'median':>9}{'p95':>9}   median by stage, ms")
    for row in rows:
        stages = ", ".join(f"{stage} {row['stages'][stage]}" for stage in STAGES[:-1])
        print(f"{row['asked']:<22}{row['median_ms']:>9.1f}{row['p95_ms']:>9.1f}   {stages}")
    print(write(f"search-{given.pictures}", "milliseconds a search", {"rows": rows}))


def _measure(folder: Path, count: int, encoder: ChanceEncoder, searches: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    _write_source(folder / "source", count, rng)
    with Library.open(folder / "library", create=True) as library:
        with library.writer(), DecoderPool(os.cpu_count() or 1) as pool:
            Ingest(library, open_source(folder / "source"), encoder, pool, encoder_name=encoder.name).run()
        searcher = Searcher(library, encoder)

        def text() -> str:
            return " ".join(rng.choice(WORDS, 2))

        def picture() -> Picture:
            return rng.integers(0, 256, (SIZE_PX, SIZE_PX, 3), np.uint8)

        box = Box(0.2, 0.2, 0.5, 0.5)
        kinds: dict[str, Callable[[], Query]] = {
            "a text": lambda: Query(text=text()),
            "a text, a filter": lambda: Query(text=text(), where={"culture": (f"Culture {rng.integers(20)}",)}),
            "a text, not another": lambda: Query(text=text(), minus=text()),
            "a picture": lambda: Query(image=picture()),
            "a box": lambda: Query(image=picture(), box=box),
            "a text and a box": lambda: Query(text=text(), image=picture(), box=box),
        }
        return [_row(name, [searcher.search(ask()).timing_ms for _ in range(searches)]) for name, ask in kinds.items()]


def _write_source(folder: Path, count: int, rng: np.random.Generator) -> None:
    (folder / "p").mkdir(parents=True)
    with (folder / "records.jsonl").open("w", encoding="utf-8") as lines:
        for n in range(count):
            name = f"p/{n}.png"
            noise = rng.integers(0, 256, (SIZE_PX, SIZE_PX, 3), np.uint8)
            Image.fromarray(noise).save(folder / name, compress_level=1)
            record = {"id": f"R{n}", "image": name, "title": " ".join(rng.choice(WORDS, 4)), "width": SIZE_PX}
            culture = f"Culture {rng.integers(20)}"
            lines.write(json.dumps(record | {"height": SIZE_PX, "culture": culture}, ensure_ascii=False) + "\n")


def _row(name: str, timings: Sequence[Any]) -> dict[str, Any]:
    by_stage = {stage: np.array([getattr(timing, stage) for timing in timings]) for stage in STAGES}
    return {
        "asked": name,
        "searches": len(timings),
        "median_ms": round(float(np.median(by_stage["total"])), 1),
        "p95_ms": round(float(np.percentile(by_stage["total"], 95)), 1),
        "stages": {stage: round(float(np.median(values)), 1) for stage, values in by_stage.items()},
    }


if __name__ == "__main__":
    main()
