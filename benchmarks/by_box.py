"""Draw a box around a motif: is it found elsewhere? `python benchmarks/by_box.py [MODEL]`.

On relics of the trained cultures, on those of every culture that no model is trained on, and on icons and paintings
with boxes that no model has learnt from (where the packs are at hand). Each query is the box of one motif on one
picture, drawn by lot, asked among all other pictures and scored as search scores: does the first show the motif, how
good is the order (average precision), and on the best hit that shows it, does the peak of the heat map lie on it?
Beside it the same asked with the whole picture, with the motif's name, with the colours of the box, and by chance.
Intervals over pictures.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from galleries import TEST_SEED, TRAINED
from numpy.typing import NDArray
from provenance import ROOT, write

from sherd.encoder import load_encoder
from sherd.encoder.protocol import Encoder
from sherd.evaluation import drawn
from sherd.metrics import localisation, retrieval
from sherd.metrics.bootstrap import Interval, interval, paired_interval
from sherd.relics import load_culture, shipped_cultures
from sherd.search.question import Question, encode
from sherd.search.rerank import score
from sherd.search.settings import SearchSettings
from sherd.training.corpus import RENDERED, Corpus, pack_corpus, relic_corpus
from sherd.types import Box, Picture, Query

SETTINGS = SearchSettings()
PACKS = {"byzart_icons": ("valid",), "iconart_parts": ("valid", "test")}
WAYS = ("box", "whole picture", "name", "colours")
PX = 320


@dataclass(frozen=True, slots=True)
class Motif:
    """Where one picture shows something, and what it is called."""

    picture: int
    key: str
    name: str
    mask: NDArray[np.bool_]


def main() -> None:
    """Measure, print, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="builtin")
    parser.add_argument("--each", type=int, default=250, help="relics of each culture")
    parser.add_argument("--queries", type=int, default=400, help="of each gallery, at most")
    given = parser.parse_args()
    encoder = load_encoder(given.model)
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, corpus in _galleries(given.each, Path(folder)):
            results[name] = measure(encoder, corpus, given.queries)
            print(name, results[name], flush=True)
    about = {"model": encoder.fingerprint, "relics": {"seed": TEST_SEED, "each": given.each}, "galleries": results}
    print(write("by-box", "Draw a box around a motif: is it found elsewhere?", about))


def _galleries(each: int, cache: Path) -> Iterator[tuple[str, Corpus]]:
    yield "rendered, trained cultures", relic_corpus(TRAINED, each, TEST_SEED, PX, 2, cache)
    for name in shipped_cultures():
        if not load_culture(name).training:
            yield f"rendered, unseen: {name}", relic_corpus([name], each, TEST_SEED, PX, 2, cache)
    packs = Path(os.environ.get("SHERD_SHARED", ROOT.parent / "shared")) / "packs"
    for name, splits in PACKS.items():
        if (packs / name).is_dir():
            yield f"{name}, {' and '.join(splits)}", pack_corpus([packs / name], PX, splits=splits)


def measure(encoder: Encoder, corpus: Corpus, most: int) -> dict[str, Any]:
    """All figures of one gallery."""
    motifs = _motifs(corpus)
    shown: dict[str, set[int]] = defaultdict(set)
    for motif in motifs:
        shown[motif.key].add(motif.picture)
    asked = [motif for motif in motifs if len(shown[motif.key]) > 1]
    asked = sorted(random.Random(TEST_SEED).sample(asked, min(most, len(asked))), key=lambda motif: motif.picture)
    pictures = list(corpus.pictures)
    made = encoder.encode_images(pictures)
    colours = drawn.colour_histograms(pictures)
    relevant = np.zeros((len(asked), len(pictures)), bool)
    scores = {way: np.zeros(relevant.shape) for way in WAYS}
    questions = []
    for row, motif in enumerate(asked):
        picture, box = pictures[motif.picture], drawn.box_of(motif.mask)
        relevant[row, sorted(shown[motif.key])] = True
        queries = (Query(image=picture, box=box), Query(image=picture), Query(text=motif.name))
        for way, query in zip(WAYS, queries, strict=False):
            question = encode(query, encoder, SETTINGS)
            found = score(question, made.object, made.parts, sharpness=SETTINGS.sharpness, minus=SETTINGS.minus)
            scores[way][row] = found.total
            questions += [question] if way == "box" else []
        scores["colours"][row] = colours @ drawn.colour_histograms([_crop(picture, box)])[0]
    own = np.array([motif.picture for motif in asked])
    others = np.array([np.delete(np.arange(len(pictures)), one) for one in own])  # (queries, pictures - 1)
    relevant = np.take_along_axis(relevant, others, 1)
    found = {way: _ranked(np.take_along_axis(table, others, 1), relevant) for way, table in scores.items()}
    points = _points(encoder, pictures, motifs, asked, questions, others, relevant, scores["box"])
    return {
        "pictures": len(pictures),
        "queries": len(asked),
        "motifs": len({motif.key for motif in asked}),
        "chance": {
            "first": float(relevant.mean(1).mean()),
            "map": float(retrieval.chance_average_precisions(relevant).mean()),
        },
        "ways": {way: {kind: _told(interval(row, clusters=own)) for kind, row in found[way].items()} for way in WAYS},
        "box_over": {
            way: {
                kind: _told(paired_interval(row, found[way][kind], clusters=own)) for kind, row in found["box"].items()
            }
            for way in WAYS[1:]
        },
        "points": {kind: _told(interval(row, clusters=own)) for kind, row in points.items()},
    }


def _motifs(corpus: Corpus) -> list[Motif]:
    """What has a place on a picture and covers no more than half of it; masks of one motif are put together."""
    chance = random.Random(TEST_SEED)
    found = []
    for row, example in enumerate(corpus.examples):
        regions: dict[str, set[int]] = defaultdict(set)
        names: dict[str, set[str]] = defaultdict(set)
        for phrase in example.phrases:
            if phrase.region >= 0 and "@" not in phrase.key and _is_motif(phrase.key, example.world):
                regions[phrase.key].add(phrase.region)
                names[phrase.key].add(phrase.text)
        for key, some in regions.items():
            mask = np.asarray((corpus.masks[corpus.mask_start[row] :][sorted(some)] > 127).any(0), bool)
            if 0 < mask.mean() <= localisation.LARGEST_LABEL:
                found.append(Motif(row, key, chance.choice(sorted(names[key])), mask))
    return found


def _is_motif(key: str, world: str) -> bool:
    return world != RENDERED or key.startswith("urn:")


def _crop(picture: Picture, box: Box) -> Picture:
    height, width = picture.shape[:2]
    top, left = round(box.y * height), round(box.x * width)
    return picture[
        top : max(top + 1, round((box.y + box.h) * height)), left : max(left + 1, round((box.x + box.w) * width))
    ]


def _ranked(scores: NDArray[np.float64], relevant: NDArray[np.bool_]) -> dict[str, NDArray[np.float64]]:
    ranking = np.argsort(-scores, 1, kind="stable").astype(np.int64)
    ranks = retrieval.first_ranks(ranking, relevant)
    return {"first": (ranks == 1).astype(float), "map": retrieval.average_precisions(ranking, relevant)}


def _points(
    encoder: Encoder,
    pictures: Sequence[Picture],
    motifs: Sequence[Motif],
    asked: Sequence[Motif],
    questions: Sequence[Question],
    others: NDArray[np.int64],
    relevant: NDArray[np.bool_],
    scores: NDArray[np.float64],
) -> dict[str, NDArray[np.float64]]:
    """On the best hit that is right: does the peak of the box's heat map lie on the motif, and would any place?"""
    masks = {(motif.picture, motif.key): motif.mask for motif in motifs}
    pointing, chance = np.zeros(len(asked)), np.zeros(len(asked))
    for row, (motif, question) in enumerate(zip(asked, questions, strict=True)):
        right = others[row][relevant[row]]
        hit = int(right[np.argmax(scores[row, right])])
        assert question.pointer is not None
        mask = masks[hit, motif.key]
        pointing[row] = drawn.points_at(localisation.peak(encoder.heat(pictures[hit], question.pointer)), mask)
        chance[row] = drawn.grown(mask).mean()
    return {"peak": pointing, "anywhere": chance}


def _told(found: Interval) -> dict[str, float]:
    return {name: round(value, 4) for name, value in (("mean", found.mean), ("low", found.low), ("high", found.high))}


if __name__ == "__main__":
    main()
