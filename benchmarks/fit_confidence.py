"""Are the curves of one collection good for another? `python benchmarks/fit_confidence.py`.

On the held-out records of the packs below SHERD_SHARED: the first 20 hits of every title, text and label, each with its
score against what the question scores on middling pictures (`sherd.search.confidence`), and whether it is right. Curves
for names and for sentences, every pack with the same weight. Expected calibration error of each pack by curves that
were fitted without it, and of rendered relics, which no curve saw: what a hit's probability would be worth if it came
with the model, and not from the collection itself.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from galleries import TEST_SEED, TRAINED
from numpy.typing import NDArray
from provenance import outside, write

from sherd.encoder import load_encoder
from sherd.encoder.protocol import Encoder
from sherd.evaluation import drawn
from sherd.evaluation.gallery import read_views
from sherd.ingest.pictures import open_picture_file, thumbnail_pixels
from sherd.metrics.calibration import expected_calibration_error, reliability
from sherd.search.calibrate import fit_curve
from sherd.search.confidence import MOST, Confidence, names_one_thing, standardised
from sherd.search.question import encode
from sherd.search.rerank import score
from sherd.search.settings import SearchSettings
from sherd.thesaurus.thesaurus import builtin_thesaurus
from sherd.training.relevance import Closure
from sherd.types import Embeddings, Query

HITS = 20
SETS = (
    ("getty_catalogues", ("heldout",)), ("open_museum_small", ("heldout",)), ("kamon_crests", ("heldout",)),
    ("byzart_icons", ("valid",)), ("iconart_parts", ("valid", "test")), ("zh_relics_shaanxi", (None,)),
)  # fmt: skip
Cases = dict[bool, tuple[NDArray[np.float64], NDArray[np.bool_]]]
"""Names (True) and sentences (False) -> standardised scores and whether each hit is right."""


def cases(
    encoder: Encoder, made: Embeddings, asked: Sequence[tuple[str, NDArray[np.bool_]]], settings: SearchSettings
) -> Cases:
    """The first hits of each text; `asked` has what is relevant to it among the pictures."""
    found: dict[bool, list[tuple[NDArray[np.float64], NDArray[np.bool_]]]] = {True: [], False: []}
    some = np.linspace(0, len(made) - 1, min(MOST, len(made))).astype(np.int64)
    for text, relevant in asked:
        question = encode(Query(text=text), encoder, settings)
        total = score(question, made.object, made.parts, sharpness=settings.sharpness, minus=settings.minus).total
        first = np.argsort(-total, kind="stable")[:HITS]
        found[names_one_thing(text)].append((standardised(total[first], total[some]), relevant[first]))
    return {
        kind: (np.concatenate([z for z, _ in rows]), np.concatenate([y for _, y in rows]))
        for kind, rows in found.items()
        if rows
    }


def pack_cases(encoder: Encoder, folder: Path, splits: Sequence[str | None], settings: SearchSettings) -> Cases:
    """Texts of records and labels of boxes, asked for among the pictures of the splits."""
    views: list[Any] = []
    for split in splits:
        some, source, _ = read_views(folder, split=split, language=None)
        views += some
    pixels = [thumbnail_pixels(open_picture_file(source.root, view.image.path).thumbnail) for view in views]
    return cases(encoder, encoder.encode_images(pixels), list(_asked(views)), settings)


def _asked(views: Sequence[Any]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    texts = sorted({text for view in views for text in view.texts.values()})
    for text in texts:
        owners = {view.record_id for view in views if text in view.texts.values()}
        yield text, np.array([view.record_id in owners for view in views])
    held = [{region.label for region in view.image.regions if region.label} for view in views]
    for label in sorted(set().union(*held)):
        yield label.replace("_", " "), np.array([label in one for one in held])


def rendered_cases(encoder: Encoder, cache: Path, settings: SearchSettings) -> Cases:
    """Captions and names of motifs, asked for among 1,000 relics."""
    gallery = drawn.draw_gallery(TRAINED, 250, TEST_SEED, cache)
    closure = Closure(builtin_thesaurus(), {})
    examples = [closure.close(example) for example in gallery.corpus.examples]
    named = {p.text: p.key for e in examples for p in e.phrases if "@" not in p.key}
    asked = [(text, np.array([text == other for other in gallery.captions])) for text in gallery.captions[::4]]
    asked += [(text, np.array([key in e.keys for e in examples])) for text, key in sorted(named.items())[::4]]
    return cases(encoder, encoder.encode_images(list(gallery.corpus.pictures)), asked, settings)


def fitted(sets: Sequence[Cases]) -> Confidence:
    """Curves over several sets, each with the same weight."""
    curves = {}
    for kind in (True, False):
        mine = [one[kind] for one in sets if kind in one]
        scores = np.concatenate([z for z, _ in mine])
        right = np.concatenate([y for _, y in mine])
        weights = np.concatenate([np.full(len(z), 1_000 / len(z)) for z, _ in mine])
        curves[kind] = fit_curve(scores, right, weights)
    return Confidence(curves[True], curves[False])


def judged(curves: Confidence, one: Cases) -> dict[str, Any]:
    """Calibration of a set by curves that did not see it."""
    told: dict[str, Any] = {}
    for kind, (z, right) in one.items():
        curve = curves.names if kind else curves.sentences
        assert curve is not None
        said = curve(z)
        told["names" if kind else "sentences"] = {
            "hits": len(z),
            "right": float(right.mean()),
            "said": float(said.mean()),
            "ece": expected_calibration_error(said, right),
            "reliability": [vars_of(row) for row in reliability(said, right, 8)],
        }
    return told


def vars_of(row: Any) -> dict[str, float]:
    """A bin as data."""
    return {name: round(float(getattr(row, name)), 4) for name in ("low", "high", "count", "probability", "share")}


def main() -> None:
    """Fit, judge, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args()
    shared = outside()
    encoder, settings = load_encoder("builtin"), SearchSettings()
    sets = {name: pack_cases(encoder, shared / "packs" / name, splits, settings) for name, splits in SETS}
    result: dict[str, Any] = {}
    for name, one in sets.items():
        result[name] = judged(fitted([other for key, other in sets.items() if key != name]), one)
    everything = fitted(list(sets.values()))
    with tempfile.TemporaryDirectory() as cache:
        result["rendered"] = judged(everything, rendered_cases(encoder, Path(cache), settings))
    for name, told in result.items():
        for kind, row in told.items():
            told_of = " ".join(f"{key} {row[key]:.3f}" for key in ("right", "said", "ece"))
            print(f"{name:<20} {kind:<10} hits {row['hits']:>5} {told_of}")
    print(
        write(
            "fit-confidence",
            "Are the curves of one collection good for another?",
            {"model": encoder.fingerprint, "sets": result},
        )
    )


if __name__ == "__main__":
    main()
