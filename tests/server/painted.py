"""A library of forty pictures of four colours each, with Sherd's thesaurus; where red is, the catalogue says taotie."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from sherd.catalogue import decisions
from sherd.catalogue.concept_writing import import_thesaurus
from sherd.catalogue.standings import standings
from sherd.encoder.toy import ToyEncoder
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.library import Library
from sherd.ingest.pipeline import Ingest
from sherd.ingest.sources import open_source
from sherd.suggest import review
from sherd.thesaurus.thesaurus import builtin_thesaurus
from tests.search.memory import quarters

TAOTIE, LOTUS, BEAST = "urn:sherd:taotie", "urn:sherd:lotus_flower", "urn:sherd:mythical_animal"
COLOURS = ("red", "green", "blue", "yellow")
RECORDS = 40


def make_painted(folder: Path, *, thesaurus: bool = True, size: tuple[int, int] = (240, 200)) -> Path:
    """The library; records p-00 to p-39."""
    source, library = folder / "source", folder / "library"
    source.mkdir(parents=True)
    rng = np.random.default_rng(1)
    rows = []
    for n in range(RECORDS):
        colours = rng.choice(COLOURS, 4).tolist()
        picture = np.asarray(Image.fromarray(quarters(*colours)).resize(size, Image.Resampling.NEAREST))
        Image.fromarray(np.clip(picture + rng.integers(0, 6, picture.shape), 0, 255).astype(np.uint8)).save(
            source / f"{n:02}.png"
        )
        motif = "taotie" if "red" in colours else "lotus flower" if n % 2 else ""
        rows.append(
            {"id": f"p-{n:02}", "image": f"{n:02}.png", "title": f"vessel {n}", "motif": motif, "culture": "Shang",
             "period": ("Shang", "Western Zhou", "Tang")[n % 3], "licence": "CC0" if n % 2 else ""}
        )  # fmt: skip
    with (source / "records.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    with Library.open(library, create=True) as there, there.writer():
        with DecoderPool(1) as pool:
            Ingest(there, open_source(source, source / "records.csv"), ToyEncoder(), pool, encoder_name="toy").run()
        if thesaurus:
            import_thesaurus(there.catalogue.database, builtin_thesaurus(), name="urn:sherd:scheme")
    return library


def take_all_back(library: Path) -> None:
    """What people decided, undone."""
    with Library.open(library) as there:
        kept = list(decisions.everything(there.catalogue.database))
        stands = {one.number for one in standings(kept)}
        review.decide(there, [review.undo(one, "nobody") for one in kept if one.number in stands])
