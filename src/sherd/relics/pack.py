"""Writing many relics as a pack: pictures, masks and records.jsonl, the same bytes whatever the number of workers."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sherd.errors import InvalidArgument
from sherd.relics.culture import LANGUAGES, Culture
from sherd.relics.independence import Traits, measure_independence
from sherd.relics.render import MAX_SIZE_PX, MIN_SIZE_PX, Relic, render


@dataclass(frozen=True)
class PackReport:
    """What was rendered.

    shared_captions: language -> share 0..1 of records that share one of their captions of that language with another.
    mutual_information: culture -> pair of traits -> bits.
    """

    records: Path
    pictures: int
    seconds: float
    shared_captions: Mapping[str, float]
    mutual_information: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class _Drawn:
    line: str
    captions: tuple[tuple[str, str], ...]
    culture_id: str
    traits: Traits


def render_pack(
    cultures: Sequence[Culture],
    count: int,
    seed: int,
    out: Path,
    *,
    size_px: int = 160,
    masks: bool = False,
    workers: int = 1,
    progress: Callable[[int], None] | None = None,
) -> PackReport:
    """Draw `count` relics of the cultures by turns into folder `out`: images/*.jpg, masks/*.png, records.jsonl.

    Args:
        cultures: at least one.
        count: 1 or more.
        seed: 0 or more.
        out: made if it is missing; must not hold a records.jsonl yet.
        workers: processes to draw with; the files do not depend on it.
        progress: called with the number of finished relics.
    Raises:
        InvalidArgument: a number is outside its range, or `out` holds a pack already.
    """
    if not cultures or count < 1 or seed < 0 or workers < 1 or not MIN_SIZE_PX <= size_px <= MAX_SIZE_PX:
        raise InvalidArgument(
            "render needs a culture, count >= 1, seed >= 0, workers >= 1 and size "
            f"{MIN_SIZE_PX}..{MAX_SIZE_PX} px, got count={count}, seed={seed}, workers={workers}, size={size_px}"
        )
    records = out / "records.jsonl"
    if records.exists():
        raise InvalidArgument(f"{out} holds a pack already (records.jsonl). Give an empty or a new folder")
    (out / "images").mkdir(parents=True, exist_ok=True)
    if masks:
        (out / "masks").mkdir(exist_ok=True)
    started = time.perf_counter()
    job = partial(_draw_one, tuple(cultures), seed, out, size_px, masks)
    drawn: list[_Drawn] = []
    partial_file = out / "records.jsonl.part"
    with partial_file.open("w", encoding="utf-8") as file:
        for item in _run(job, count, workers):
            file.write(item.line + "\n")
            drawn.append(item)
            if progress is not None:
                progress(len(drawn))
    partial_file.replace(records)
    return PackReport(
        records=records,
        pictures=len(drawn),
        seconds=time.perf_counter() - started,
        shared_captions={code: _shared(drawn, code) for code in LANGUAGES},
        mutual_information={
            culture.id: measure_independence(d.traits for d in drawn if d.culture_id == culture.id)
            for culture in cultures[:count]
        },
    )


def shared_caption_share(captions: Sequence[Sequence[str]]) -> float:
    """Share 0..1 of records of which at least one caption stands on another record too; 0 for no records."""
    counts = Counter(text for texts in captions for text in set(texts))
    return sum(any(counts[text] > 1 for text in texts) for texts in captions) / max(1, len(captions))


def _shared(drawn: Sequence[_Drawn], language: str) -> float:
    return shared_caption_share([[text for code, text in d.captions if code == language] for d in drawn])


def _run(job: Callable[[int], _Drawn], count: int, workers: int) -> Iterator[_Drawn]:
    if workers == 1:
        yield from map(job, range(count))
        return
    with get_context("spawn").Pool(min(workers, count)) as pool:
        yield from pool.imap(job, range(count), chunksize=max(1, min(32, count // workers)))


def _draw_one(cultures: tuple[Culture, ...], seed: int, out: Path, size_px: int, masks: bool, index: int) -> _Drawn:
    culture = cultures[index % len(cultures)]
    relic = render(culture, seed, index, size_px, masks=masks)
    record = relic.record()
    Image.fromarray(relic.picture).save(out / record["image"], quality=relic.quality)
    if masks:
        _save_masks(relic, record, out)
    return _Drawn(
        line=json.dumps(record, ensure_ascii=False),
        captions=tuple((caption.language, caption.text) for caption in relic.captions),
        culture_id=culture.id,
        traits=relic.traits,
    )


def _save_masks(relic: Relic, record: dict[str, Any], out: Path) -> None:
    assert relic.masks is not None
    stem = Path(record["image"]).stem
    for number, (mask, region) in enumerate(zip(relic.masks, record["regions"], strict=True)):
        region["mask"] = f"masks/{stem}-{number}.png"
        Image.fromarray(mask.astype(np.uint8) * 255).convert("1").save(out / region["mask"])
