"""A catalogue with a few relics in it, put there without pictures or vectors on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sherd.catalogue import records, writing
from sherd.catalogue.catalogue import Catalogue
from sherd.types import Box, PartInfo, Phrase, Record, Region, SourceImage
from tests.catalogue import backends

FINGERPRINT = "f" * 64

DING = Record(
    "1982.30.1",
    (SourceImage("a/ding.jpg", (Region(Box(0.1, 0.2, 0.3, 0.4), "taotie", concept="taotie"),), "front"),),
    titles={"zh": "饕餮纹鼎", "en": "Tripod with taotie masks"},
    descriptions={"en": "A ritual vessel, cast in piece moulds.", "zh": "商代晚期青铜礼器。"},
    object_type="ding",
    materials=("Gilt bronze",),
    culture="Shang",
    period="商代晚期",
    motifs=("taotie", "雷纹"),
    rights="Public domain",
    phrases=(Phrase("mask on the belly", "en", 0),),
    extra={"accession": "1982.30.1"},
)
VASE = Record(
    "v-7",
    (SourceImage("b/vase.jpg"),),
    titles={"zh": "青花瓷瓶", "en": "Blue and white vase"},
    object_type="vase",
    materials=("porcelain", "cobalt"),
    culture="Ming",
    period="明代",
    licence="CC0",
)
BELL = Record(
    "bell", (SourceImage("c/bell.jpg"),), titles={"en": "Bell"}, materials=("bronzed wood",), themes=("Music",)
)


def catalogue(path: Path) -> Catalogue:
    return Catalogue.open(backends.place(path), create=True)


def item(record: Record, keys: Sequence[int], *, ordinal: int = 0, repeat: int = 0) -> writing.ItemWrite:
    body = records.to_body(record)
    links = (writing.ImageLink(image.path, key, 10, 20) for image, key in zip(record.images, keys, strict=True))
    return writing.ItemWrite(
        records.item_key(record, repeat),
        ordinal,
        f"line {ordinal + 1}",
        records.digest(record.record_id, body, record.images),
        record,
        tuple(links),
    )


def picture(key: int) -> writing.NewPicture:
    return writing.NewPicture(key, f"{key:064x}", 320, 240, "jpeg", 1, f"{key:064x}")


def part(name: str, keys: Sequence[int], fingerprint: str = FINGERPRINT) -> writing.NewPart:
    return writing.NewPart(fingerprint, "toy", PartInfo(name, len(keys), 8, 4, "c" * 64), tuple(keys))


def put(
    shelf: Catalogue,
    items: Sequence[writing.ItemWrite],
    new_keys: Sequence[int] = (),
    *,
    root: str = "/museum",
    name: str = "p1.vec",
) -> None:
    """One batch of the source at `root`; `new_keys` are pictures that come with it, with their vectors in one part."""
    with shelf.database.write() as connection:
        source = writing.source_number(connection, root, "", "records")
        job = writing.start_job(connection, "ingest", source)
    pictures = tuple(picture(key) for key in new_keys)
    vectors = part(name, new_keys) if new_keys else None
    writing.commit(shelf.database, writing.Batch(source, job, tuple(items), pictures, vectors), {})


def filled(path: Path) -> Catalogue:
    """DING, VASE and BELL with the pictures 1, 2 and 3."""
    shelf = catalogue(path)
    put(shelf, [item(one, [n + 1], ordinal=n) for n, one in enumerate((DING, VASE, BELL))], [1, 2, 3])
    return shelf
