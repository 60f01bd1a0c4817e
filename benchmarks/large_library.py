"""A large library for measuring a server: rendered relics, and many more that are like them.

Some 200 relics are drawn and read in as usual, with the built-in model. Each further record is one of them again: its
words, and its vectors with noise (cosine about .9 with the original), under a number of its own. So vectors lie in as
many clusters as there are originals, words repeat, and every table, part file and index has the size of a library of so
many records. There are no thumbnails of the copies: a search does not open any.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from sherd.catalogue import writing
from sherd.catalogue.records import digest, item_key, to_body
from sherd.encoder import load_encoder
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.library import Library
from sherd.ingest.pipeline import Ingest
from sherd.ingest.sources import open_source
from sherd.ingest.tidy import save_index
from sherd.relics import render_pack, resolve_spec
from sherd.types import Embeddings, FloatArray, SourceImage
from sherd.vectors.rows import PartRows

NOISE = 0.48
"""Length of the noise beside a unit vector: cosine 1 / sqrt(1 + .48^2) = .90."""
_BATCH = 2_000


def make_large_library(folder: Path, records: int, *, originals: int = 200, seed: int = 0) -> Path:
    """A library of `records` records in `folder`; the one that is there, if it has as many."""
    library = folder / "library"
    mark = folder / "made.json"
    wanted = {"records": records, "originals": originals, "seed": seed}
    if mark.exists() and json.loads(mark.read_text("utf-8")) == wanted:
        return library
    start = time.monotonic()
    source = folder / "source"
    render_pack(resolve_spec("all"), originals, seed, source, size_px=256)
    encoder = load_encoder("builtin")
    with Library.open(library, create=True) as there, there.writer():
        with DecoderPool(1) as pool:
            Ingest(there, open_source(source), encoder, pool, encoder_name="builtin").run()
        _multiply(there, encoder.fingerprint, records, np.random.default_rng(seed))
        print(f"{records} records in {time.monotonic() - start:.0f} s; the index is made", flush=True)
        save_index(there)
    print(f"library made in {time.monotonic() - start:.0f} s", flush=True)
    mark.write_text(json.dumps(wanted), "utf-8")
    return library


def texts_of(library: Path, count: int, seed: int = 1) -> list[str]:
    """Questions in the words of the records: names of parts, titles and sentences, in Chinese and English."""
    rng = np.random.default_rng(seed)
    with Library.open(library) as there:
        ids = [name for name in there.catalogue.record_ids() if not name.startswith("copy-")]
        found = [
            text
            for record in there.catalogue.get_many(ids).values()
            for text in (*record.titles.values(), *(one.text for one in (*record.phrases, *record.captions[:2])))
        ]
    texts = sorted(set(found))
    return [texts[n] for n in rng.permutation(len(texts))[:count]]


def _multiply(library: Library, fingerprint: str, wanted: int, rng: np.random.Generator) -> None:
    catalogue = library.catalogue
    table = catalogue.vector_table()
    rows = PartRows(library.parts(fingerprint), *table.located)
    objects, parts, boxes = rows.object_vectors(rows.keys), rows.part_vectors(rows.keys), rows.boxes(rows.keys)
    shown = catalogue.hits_for(rows.keys)
    records = catalogue.get_many([shown[key][0].record_id for key in rows.keys.tolist()])
    originals = [records[shown[key][0].record_id] for key in rows.keys.tolist()]
    database = catalogue.database
    source, job = database.transact(_begin)
    for start in range(len(originals), wanted, _BATCH):
        count = min(_BATCH, wanted - start)
        chosen = rng.integers(0, len(originals), count)
        first = writing.next_key(database)
        keys = np.arange(first, first + count, dtype=np.int64)
        names = [hashlib.sha256(f"copy {key}".encode()).hexdigest() for key in keys.tolist()]
        made = Embeddings(_noisy(objects[chosen], rng), _noisy(parts[chosen], rng), boxes[chosen])
        info = library.parts(fingerprint).write(keys, names, made)
        items = []
        for n, key in enumerate(keys.tolist()):
            path = f"copies/{key}.png"
            original = originals[int(chosen[n])]
            record = replace(original, record_id=f"copy-{key:07}", images=(SourceImage(path),), phrases=())
            said = digest(record.record_id, to_body(record), record.images)
            link = writing.ImageLink(path, key, 0, 0)
            items.append(writing.ItemWrite(item_key(record), start + n, f"copy {key}", said, record, (link,)))
        pictures = tuple(
            writing.NewPicture(key, name, 256, 256, "png", 1, "0" * 64)
            for key, name in zip(keys.tolist(), names, strict=True)
        )
        part = writing.NewPart(fingerprint, "builtin", info, tuple(keys.tolist()))
        writing.commit(database, writing.Batch(source, job, tuple(items), pictures, part), {})


def _begin(connection: object) -> tuple[int, int]:
    source = writing.source_number(connection, "/copies", "", "records")  # type: ignore[arg-type]
    return source, writing.start_job(connection, "ingest", source)  # type: ignore[arg-type]


def _noisy(rows: FloatArray, rng: np.random.Generator) -> FloatArray:
    noise = rng.standard_normal(rows.shape, np.float32) * np.float32(NOISE / rows.shape[-1] ** 0.5)
    moved = rows + noise
    return np.asarray(moved / np.linalg.norm(moved, axis=-1, keepdims=True), np.float32)
