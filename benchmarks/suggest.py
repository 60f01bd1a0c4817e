"""Can suggestions be taken at their word, and what do examples teach? `python benchmarks/suggest.py --cache DIR`.

1. Rendered relics of the trained cultures, seeds that no training used: the models of the facets are fitted on 2,500
   and asked for 5,000 others: expected calibration error, reliability, coverage of the sets at 90 %, all cultures and
   each; and on 500 of a culture that no model was trained on, judged by the same models.
2. Packs: records held out of the model's training put into a library of their own and checked as `sherd check-up` does,
   each record judged without its own terms.
   Of packs with few terms chance alone moves coverage: the binomial 95 % interval of 90 % is told beside it.
3. 0, 1, 5 and 20 examples a concept (crests, labels of icons, rendered relics): mean average precision over concepts of
   pictures held out, by what suggestions learn from them, by the names alone, and by the vote of the nearest examples.
   Three draws of the examples; intervals over concepts.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from galleries import CALIBRATION_SEED, TEST_SEED, TRAINED, UNSEEN
from numpy.typing import NDArray
from provenance import outside, write
from scipy.stats import binom

from sherd.catalogue.concept_writing import import_thesaurus
from sherd.encoder import load_encoder
from sherd.encoder.protocol import Encoder
from sherd.evaluation.gallery import read_views
from sherd.ingest.library import Library
from sherd.ingest.pictures import open_picture_file, thumbnail_pixels
from sherd.metrics.bootstrap import interval, paired_interval
from sherd.metrics.calibration import expected_calibration_error, reliability
from sherd.metrics.retrieval import average_precisions
from sherd.search.concept_vectors import ConceptVectors
from sherd.suggest.checkup import check_up
from sherd.suggest.evidence import Examples, Looks, gather_evidence, name_centres
from sherd.suggest.known import Place, TermReader
from sherd.suggest.learn import FacetModel, Ladder, by_record, first_rows, fit_facet, truth_of
from sherd.suggest.suggest import PLAIN_WEIGHTS, Suggester
from sherd.thesaurus.thesaurus import builtin_thesaurus
from sherd.training.corpus import Corpus, relic_corpus
from sherd.training.splits import split_of
from sherd.types import Embeddings

FACETS = ("type", "motif", "material", "culture", "theme")
COVERAGE = 0.9
SHOTS = (0, 1, 5, 20)
HELD_OUT = {
    "getty_catalogues": "heldout", "open_museum_small": "heldout", "kamon_crests": "heldout", "byzart_icons": "valid",
    "iconart_parts": "test", "zh_relics_shaanxi": None,
}  # fmt: skip

Right = dict[str, dict[str, Place | None]]


def looks_of(made: Embeddings, prefix: str) -> Looks:
    """Embeddings as pictures of records of their own."""
    names = tuple(f"{prefix}{n:06}" for n in range(len(made)))
    return Looks(np.arange(len(made)), names, names, made.object, made.parts, made.boxes)


def drawn(encoder: Encoder, corpus: Corpus, prefix: str) -> tuple[Looks, dict[str, Right]]:
    """Looks of rendered relics, and by facet what is true of each."""
    looks = looks_of(encoder.encode_images(list(corpus.pictures)), prefix)
    true: dict[str, Right] = {facet: {} for facet in FACETS}
    for name, example in zip(looks.records, corpus.examples, strict=True):
        for facet in FACETS:
            if uris := example.concepts.get(facet):
                true[facet][name] = dict.fromkeys(uris)
    return looks, true


class Facet:
    """Concepts of one facet as vectors, with who is above whom."""

    def __init__(self, name: str, encoder: Encoder) -> None:
        thesaurus = builtin_thesaurus()
        wanted = [one for one in thesaurus if one.broader and one.facet == name]
        self.name, self.concepts = name, ConceptVectors.of(wanted, encoder)
        self.uris = [one.uri for one in self.concepts.concepts]
        self.ladder = Ladder.of(self.uris, thesaurus)

    def truth(self, looks: Looks, right: Right) -> Any:
        """What is known of the pictures."""
        return truth_of(
            [right.get(name, {}) for name in looks.records], [frozenset()] * len(looks), self.uris, self.ladder
        )

    def fitted(self, looks: Looks, right: Right) -> tuple[FacetModel | None, Examples]:
        """The model of what is known."""
        examples = Examples.of(looks, right)
        evidence = gather_evidence(looks, self.concepts, examples)
        return fit_facet(evidence, self.truth(looks, right), self.ladder, looks.records), examples


def judged(
    facet: Facet, model: FacetModel, examples: Examples, looks: Looks, right: Right, centred_on: Looks | None = None
) -> dict[str, Any]:
    """Calibration and coverage on records that nothing was fitted on; names are centred on `centred_on`, or on the
    examples' pictures."""
    centres = name_centres(centred_on or examples.looks, facet.concepts)
    scores, said, own, holds, known = [], [], [], [], []
    everyone = list(dict.fromkeys(looks.records))
    for start in range(0, len(everyone), 500):
        asked = set(everyone[start : start + 500])
        some = looks.rows(np.array([n for n, name in enumerate(looks.records) if name in asked], np.int64))
        score = model.scores(gather_evidence(some, facet.concepts, examples, centres), facet.ladder)
        score = by_record(score, some.records)
        truth = facet.truth(some, right).rows(first_rows(some.records))
        scores.append(score[truth.own])
        mine = truth.known & facet.ladder.leaf
        said.append(model.probabilities(score, facet.ladder)[mine])
        holds.append(truth.holds[mine])
        own.append(int(truth.own.sum()))
        known.append(int(facet.ladder.lowest(score >= model.threshold(COVERAGE)).sum()))
    true, p, y = np.concatenate(scores), np.concatenate(said), np.concatenate(holds)
    inside = true >= model.threshold(COVERAGE)
    told = p >= 0.02
    bins = reliability(p[told], y[told], 10) if told.any() else []
    return {
        "records": len(everyone),
        "true_terms": int(sum(own)),
        "coverage": asdict(interval(inside.astype(float))) if inside.size else None,
        "set_size": sum(known) / len(everyone),
        "ece": expected_calibration_error(p[told], y[told]) if told.any() else None,
        "reliability": [asdict(one) for one in bins],
    }


def rendered(encoder: Encoder, cache: Path) -> dict[str, Any]:
    """Part 1."""
    fit, fit_true = drawn(encoder, relic_corpus(TRAINED, 625, CALIBRATION_SEED, 160, 2, cache), "c")
    corpus = relic_corpus(TRAINED, 1_250, TEST_SEED + 7, 160, 2, cache)
    test, test_true = drawn(encoder, corpus, "t")
    strange, strange_true = drawn(encoder, relic_corpus([UNSEEN], 500, TEST_SEED + 7, 160, 2, cache), "u")
    found: dict[str, Any] = {}
    for name in FACETS:
        facet = Facet(name, encoder)
        model, examples = facet.fitted(fit, fit_true[name])
        if model is None:
            continue
        rows = {"all": judged(facet, model, examples, test, test_true[name])}
        for n, culture in enumerate(TRAINED):
            mine = test.rows(np.arange(n * 1_250, (n + 1) * 1_250))
            rows[culture] = judged(facet, model, examples, mine, test_true[name])
        rows[f"{UNSEEN} (never seen)"] = judged(facet, model, examples, strange, strange_true[name])
        found[name] = rows
        print(name, {row: (one["coverage"] and one["coverage"]["mean"], one["ece"]) for row, one in rows.items()})
    return found


def cost(encoder: Encoder, cache: Path) -> dict[str, float]:
    """Seconds to learn from 5,000 relics with their motifs, as many decisions as that makes."""
    looks, true = drawn(encoder, relic_corpus(TRAINED, 1_250, TEST_SEED + 7, 160, 2, cache), "t")
    facet = Facet("motif", encoder)
    began = time.monotonic()
    facet.fitted(looks, true["motif"])
    told = {"decisions": sum(map(len, true["motif"].values())), "seconds": round(time.monotonic() - began, 1)}
    print("learning", told, flush=True)
    return told


def packs(shared: Path) -> dict[str, Any]:
    """Part 2."""
    from sherd.ingest.decoder import DecoderPool
    from sherd.ingest.pipeline import Ingest
    from sherd.ingest.progress import Silent
    from sherd.ingest.sources import open_source

    found: dict[str, Any] = {}
    for name, split in HELD_OUT.items():
        folder = shared / "packs" / name
        with tempfile.TemporaryDirectory() as place, Library.open(Path(place), create=True) as library:
            source = _Part(open_source(folder), split)
            with library.writer(), DecoderPool(1) as pool:
                Ingest(library, source, load_encoder("builtin"), pool, reporter=Silent(), total=None).run()
                import_thesaurus(library.catalogue.database, builtin_thesaurus(), name="urn:sherd:scheme")
            checked = check_up(Suggester.open(library))
            found[name] = {"split": split, **checked.as_dict(), "chance": {}}
            for one in checked.facets:
                # what a promise of 90 % that is kept would show in 95 of 100 collections with so many terms
                low, high = (float(limit) / one.terms for limit in binom.interval(0.95, one.terms, COVERAGE))
                found[name]["chance"][one.facet] = [low, high]
                print(
                    f"{name} {one.facet}: {one.records} records, {one.terms} terms, first {one.first:.3f}, coverage "
                    f"{one.coverage:.3f} (by chance {low:.3f} to {high:.3f}), ece {one.ece:.3f}"
                )
    return found


class _Part:
    """The items of a source that are in a split."""

    def __init__(self, whole: Any, split: str | None) -> None:
        self._whole, self._split = whole, split
        self.root, self.kind, self.columns = whole.root, whole.kind, whole.columns

    def items(self) -> Any:
        for item in self._whole.items():
            if item.record is None or self._split is None or split_of(item.record) == self._split:
                yield item


def few_shots(encoder: Encoder, shared: Path, cache: Path) -> dict[str, Any]:
    """Part 3."""
    facet = Facet("motif", encoder)
    support, support_true = drawn(encoder, relic_corpus(TRAINED, 625, CALIBRATION_SEED, 160, 2, cache), "c")
    asked, asked_true = drawn(encoder, relic_corpus(TRAINED, 250, TEST_SEED, 160, 2, cache), "q")
    sets = {"rendered": (support, support_true["motif"], asked, asked_true["motif"])}
    for name, (train, test) in {"kamon_crests": ("train", "heldout"), "byzart_icons": ("train", "valid")}.items():
        some, some_true = pack_looks(encoder, shared / "packs" / name, train)
        rest, rest_true = pack_looks(encoder, shared / "packs" / name, test)
        sets[name] = (some, some_true["motif"], rest, rest_true["motif"])
    return {name: _shots(facet, *four) for name, four in sets.items()}


def pack_looks(encoder: Encoder, folder: Path, split: str) -> tuple[Looks, dict[str, Right]]:
    """Looks of a split of a pack, and by facet what its records say of each."""
    views, source, _ = read_views(folder, split=split, language=None)
    records = {item.record.record_id: item.record for item in source.items() if item.record is not None}
    reader = TermReader(builtin_thesaurus())
    pixels = [thumbnail_pixels(open_picture_file(source.root, view.image.path).thumbnail) for view in views]
    made = encoder.encode_images(pixels)
    names = tuple(view.record_id for view in views)
    looks = Looks(np.arange(len(views)), names, tuple(v.image.path for v in views), made.object, made.parts, made.boxes)
    known: dict[str, Right] = {facet: {} for facet in FACETS}
    for name in dict.fromkeys(names):
        for facet, one in reader.read(records[name]).items():
            if facet in known:
                known[facet][name] = dict(one.right)
    return looks, known


def _shots(facet: Facet, support: Looks, known: Right, asked: Looks, true: Right) -> dict[str, Any]:
    truth = facet.truth(asked, true)
    counts: Mapping[str, int] = {uri: sum(uri in one for one in known.values()) for uri in facet.uris}
    # concepts that every budget can be filled for, so that all are measured on the same
    judged = [n for n, uri in enumerate(facet.uris) if counts[uri] >= 5 and truth.holds[:, n].sum() >= 2]
    relevant = truth.holds[:, judged].T
    names = gather_evidence(asked, facet.concepts, Examples.of(support, {}))[..., :2].sum(-1)
    by_name = average_precisions(_order(names[:, judged].T), relevant)
    found: dict[str, Any] = {"concepts": len(judged), "pictures": len(asked), "names": asdict(interval(by_name))}
    for shots in SHOTS[1:]:
        learnt, voted = [], []
        for draw in range(3):
            some = _drawn(known, facet.uris, shots, draw)
            model, examples = facet.fitted(support, some)
            evidence = gather_evidence(asked, facet.concepts, examples, name_centres(support, facet.concepts))
            if model is not None:
                scores = model.scores(evidence, facet.ladder)
            else:  # as suggestions are ordered where nothing could be fitted
                scores = facet.ladder.lifted((evidence @ np.array(PLAIN_WEIGHTS)).astype(np.float64))
            learnt.append(average_precisions(_order(scores[:, judged].T), relevant))
            vote = facet.ladder.lifted(np.where(evidence[..., 5] > 0, evidence[..., 4] + 2, 0).astype(np.float64))
            voted.append(average_precisions(_order(vote[:, judged].T), relevant))
        ours, theirs = np.stack(learnt), np.stack(voted)
        found[str(shots)] = {
            "learnt": asdict(interval(ours)),
            "vote": asdict(interval(theirs)),
            "over_names": asdict(paired_interval(ours, by_name[None])),
            "over_vote": asdict(paired_interval(ours, theirs)),
        }
        print(shots, {key: round(value["mean"], 3) for key, value in found[str(shots)].items()}, flush=True)
    return found


def _drawn(known: Right, uris: Sequence[str], shots: int, draw: int) -> Right:
    """At most so many records a concept keep it among what is known."""
    rng = np.random.default_rng(draw)
    found: Right = {}
    for uri in uris:
        bearers = [name for name, one in known.items() if uri in one]
        for name in rng.permutation(bearers)[:shots].tolist():
            found.setdefault(name, {})[uri] = known[name][uri]
    return found


def _order(scores: NDArray[Any]) -> NDArray[np.int64]:
    return np.argsort(-scores, axis=1, kind="stable").astype(np.int64)


def main() -> None:
    """All three parts, printed and written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="folder for drawn relics, outside the checkout")
    given = parser.parse_args()
    shared = outside()
    encoder = load_encoder("builtin")
    began = time.monotonic()
    result: dict[str, Any] = {"model": encoder.fingerprint, "coverage_wanted": COVERAGE}
    result["rendered"] = rendered(encoder, given.cache)
    result["cost"] = cost(encoder, given.cache)
    if shared.is_dir():
        result["few_shots"] = few_shots(encoder, shared, given.cache)
        result["packs"] = packs(shared)
    result["seconds"] = round(time.monotonic() - began)
    print(json.dumps({"seconds": result["seconds"]}))
    print(write("suggest", "Can suggestions be taken at their word, and what do examples teach?", result))


if __name__ == "__main__":
    main()
