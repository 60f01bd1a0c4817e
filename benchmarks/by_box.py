"""Draw a box around a motif: is it found elsewhere? `python benchmarks/by_box.py [MODEL]`.

On relics of the trained cultures, on those of every culture that no model is trained on, and on icons and paintings
with boxes that no model has learnt from (where the packs are at hand). Each query is the box around one place of a
motif, drawn by lot, asked among all other pictures and scored as search scores: does the first show the motif, how good
is the order (average precision), and on the best hit that shows it, does the peak of the heat map lie on it? Beside it
the same asked with the whole picture, with the motif's name, with the colours of the box, and by chance. Intervals over
pictures.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from galleries import LABELLED, TEST_SEED, TRAINED
from numpy.typing import NDArray
from provenance import outside, told, write

from sherd.encoder import load_encoder
from sherd.encoder.protocol import Encoder
from sherd.evaluation import drawn
from sherd.metrics import localisation, retrieval
from sherd.metrics.bootstrap import interval, paired_interval
from sherd.relics import load_culture, shipped_cultures
from sherd.search.question import Question, encode
from sherd.search.rerank import score
from sherd.search.settings import SearchSettings
from sherd.thesaurus.thesaurus import builtin_thesaurus
from sherd.training.corpus import RENDERED, Corpus, pack_corpus, relic_corpus
from sherd.types import Box, Picture, Query

SETTINGS = SearchSettings()
WAYS = ("box", "whole picture", "name", "colours")
PX = 320


@dataclass(frozen=True, slots=True)
class Motif:
    """Where one picture shows a motif: the mask of one place, and of all."""

    picture: int
    key: str
    name: str
    place: NDArray[np.bool_]
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
    packs = outside() / "packs"
    for name, splits in LABELLED.items():
        if (packs / name).is_dir():
            yield f"{name}, {' and '.join(splits)}", pack_corpus([packs / name], PX, splits=splits)


def measure(encoder: Encoder, corpus: Corpus, most: int) -> dict[str, Any]:
    """All figures of one gallery."""
    motifs = _motifs(corpus)
    shown: dict[str, list[int]] = defaultdict(list)
    for row, example in enumerate(corpus.examples):
        for key in example.keys:
            shown[key].append(row)
    asked = [one for one in motifs if len(shown[one.key]) > 1 and one.place.mean() <= localisation.LARGEST_LABEL]
    asked = sorted(random.Random(TEST_SEED).sample(asked, min(most, len(asked))), key=lambda one: one.picture)
    pictures = list(corpus.pictures)
    made = encoder.encode_images(pictures)
    colours = drawn.colour_histograms(pictures)
    relevant = np.zeros((len(asked), len(pictures)), bool)
    scores = {way: np.zeros(relevant.shape) for way in WAYS}
    questions = []
    for row, motif in enumerate(asked):
        picture, box = pictures[motif.picture], drawn.box_of(motif.place)
        relevant[row, shown[motif.key]] = True
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
    ranked = {way: _ranked(np.take_along_axis(table, others, 1), relevant) for way, table in scores.items()}
    points = _points(encoder, pictures, motifs, asked, questions, others, relevant, scores["box"])
    return {
        "pictures": len(pictures),
        "queries": len(asked),
        "motifs": len({motif.key for motif in asked}),
        "chance": {
            "first": float(relevant.mean(1).mean()),
            "map": float(retrieval.chance_average_precisions(relevant).mean()),
        },
        "ways": {way: {kind: told(interval(row, clusters=own)) for kind, row in ranked[way].items()} for way in WAYS},
        "box_over": {
            way: {
                kind: told(paired_interval(row, ranked[way][kind], clusters=own)) for kind, row in ranked["box"].items()
            }
            for way in WAYS[1:]
        },
        "points": {kind: told(interval(points[kind], clusters=own[points["row"]])) for kind in ("peak", "anywhere")},
    }


def _motifs(corpus: Corpus) -> list[Motif]:
    """The motifs that have a place on a picture, each with one of its places and one of its names, drawn by lot."""
    chance, thesaurus = random.Random(TEST_SEED), builtin_thesaurus()
    found = []
    for row, example in enumerate(corpus.examples):
        regions: dict[str, set[int]] = defaultdict(set)
        names: dict[str, set[str]] = defaultdict(set)
        for phrase in example.phrases:
            if example.world == RENDERED and phrase.key not in example.concepts.get("motif", ()):
                continue
            if phrase.region >= 0:
                regions[phrase.key].add(phrase.region)
                names[phrase.key].add(phrase.text)
        for key, some in regions.items():
            if example.world == RENDERED:
                labels = thesaurus.concept(key).pref_labels
                names[key] = {labels["en"], labels["zh-Hans"]}
            masks = corpus.masks[corpus.mask_start[row] :][sorted(some)] > 127
            masks = masks[masks.any((1, 2))]
            if len(masks):
                place = masks[chance.randrange(len(masks))]
                found.append(Motif(row, key, chance.choice(sorted(names[key])), place, np.asarray(masks.any(0), bool)))
    return found


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
    """On the best hit that shows the motif in a known place: does the peak of the box's heat map lie on it, and would
    any place? By the row of the query; one without such a hit has none."""
    masks = {(motif.picture, motif.key): motif.mask for motif in motifs}
    found = []
    for row, (motif, question) in enumerate(zip(asked, questions, strict=True)):
        right = [hit for hit in others[row][relevant[row]].tolist() if (hit, motif.key) in masks]
        if right:
            hit = max(right, key=lambda one: float(scores[row, one]))
            assert question.pointer is not None
            mask = masks[hit, motif.key]
            peak = localisation.peak(encoder.heat(pictures[hit], question.pointer))
            found.append((row, drawn.points_at(peak, mask), drawn.grown(mask).mean()))
    rows, peaks, anywhere = zip(*found, strict=True)
    return {"row": np.array(rows), "peak": np.array(peaks, float), "anywhere": np.array(anywhere)}


if __name__ == "__main__":
    main()
