"""What does each part of the method earn? `python benchmarks/arms.py --runs DIR`.

Works off `configs/arms.queue` in its order: each run trains one arm with one seed with the settings of
`configs/arms.toml` (or of `configs/large.toml`, at the size of the built-in model), from another run and for as many
steps as its line says, measures it on relics of seeds and a culture that no training saw, and writes
results/arms/NAME-SEED.json, query by query. What has a result is passed over, what begins with a run that is not there
waits for it, and a run that was cut goes on from its checkpoint, so the command may be stopped and given again at any
time. `make results` makes the tables. The common start, `sherd train configs/start.toml`, must be in DIR/start.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from galleries import FIT_SEED, LABELLED, TEST_SEED, TRAINED, UNSEEN
from provenance import RESULTS, ROOT, commit, machine, outside

from sherd.encoder.onnx import OnnxEncoder
from sherd.evaluation import drawn
from sherd.evaluation.gallery import View, read_views
from sherd.evaluation.labels import LabelQuery, label_queries, measure_labels
from sherd.evaluation.levels import facet_values, look_at_levels, slot_values
from sherd.evaluation.localisers import load_model, localisers
from sherd.ingest.pictures import open_picture_file, thumbnail_pixels
from sherd.metrics import localisation, retrieval
from sherd.model.levels import FACETS
from sherd.search.settings import SearchSettings
from sherd.thesaurus.thesaurus import builtin_thesaurus
from sherd.training.config import TrainSettings, build
from sherd.training.loop import CHECKPOINT
from sherd.training.train import train_settings
from sherd.types import FloatArray, Picture

CONFIGS = ROOT / "configs"
CHOOSING = 100
"""So many training pictures of such a pack choose the localiser."""


@dataclass(frozen=True)
class Run:
    """One line of the queue with one of its seeds.

    changes: dotted keys of the settings of the file `base`. start: the run that it begins with, in the folder of runs;
    empty for none. steps: how many.
    """

    arm: str
    seed: int
    changes: Mapping[str, Any]
    base: str
    start: str
    steps: int

    @property
    def name(self) -> str:
        return f"{self.arm}-{self.seed}"


def read_queue(path: Path) -> Iterator[Run]:
    """The runs of a queue file: first the first seed of every arm, then the second, and so on."""
    lines = [line.split() for line in path.read_text("utf-8").splitlines() if line.strip() and line[0] != "#"]
    seeds = max(len(line[1].split(",")) for line in lines)
    for place in range(seeds):
        for arm, given, *changes in lines:
            if place < len(given.split(",")):
                pairs = (change.split("=", 1) for change in changes)
                values = {key: tomllib.loads(f"value = {value}")["value"] for key, value in pairs}
                base, start, steps = values.pop("base", "arms"), values.pop("start"), values.pop("steps")
                yield Run(arm, int(given.split(",")[place]), values, base, start, steps)


def settings_of(run: Run, runs: Path) -> TrainSettings:
    """The common settings with the run's changes."""
    raw = tomllib.loads((CONFIGS / f"{run.base}.toml").read_text("utf-8"))
    for key, value in {**run.changes, "name": run.arm, "seed": run.seed, "out": str(runs / run.name)}.items():
        *path, last = key.split(".")
        table = raw
        for name in path:
            table = table.setdefault(name, {})
        table[last] = value
    raw["data"]["cache"] = str(runs / "cache")
    raw["start"] = str(runs / run.start) if run.start else ""
    raw["stages"][0]["steps"] = run.steps
    return build(TrainSettings, raw, run.name)


def measure(encoder: OnnxEncoder, cache: Path) -> dict[str, Any]:
    """Every figure of an arm, query by query."""
    test, fit, unseen = _galleries(cache)
    fitted, seen, strange = (drawn.look(encoder, gallery) for gallery in (fit, test, unseen))
    weight = drawn.fit_part_weight(fitted, fit.captions)
    ranks = {
        "object": drawn.both_ranks(seen, test.captions, 0.0),
        "served": drawn.both_ranks(seen, test.captions, weight),
        "unseen": drawn.both_ranks(strange, unseen.captions, 0.0),
        "unseen_served": drawn.both_ranks(strange, unseen.captions, weight),
        "unseen_mixed": drawn.mixed_ranks(strange, seen.objects, unseen.captions),
    }
    values = drawn.localisation_values(encoder, test, _asked(test, 2), drawn.patch_localiser(encoder))
    values |= named(encoder, seen.objects, test)
    ranks["kamon"] = text_ranks(encoder, _pack("kamon_crests"), "heldout", weight)
    for name, splits in LABELLED.items():
        values |= {f"{name}_{figure}": row for figure, row in labels(encoder, _pack(name), splits).items()}
    return {
        "model": encoder.fingerprint,
        "part_weight": weight,
        "ranks": {name: row.tolist() for name, row in ranks.items()},
        "values": _short(values),
    }


def _galleries(cache: Path) -> tuple[drawn.Gallery, drawn.Gallery, drawn.Gallery]:
    """What is measured, what weights and localisers are chosen on, and the culture that no model is trained on."""
    return (
        drawn.draw_gallery(TRAINED, 250, TEST_SEED, cache),
        drawn.draw_gallery(TRAINED, 100, FIT_SEED, cache),
        drawn.draw_gallery([UNSEEN], 250, TEST_SEED, cache, nameless=True),
    )


def _asked(gallery: drawn.Gallery, every: int) -> list[drawn.MotifQuery]:
    return [query for query in drawn.motif_queries(gallery) if query.picture % every == 0]


def _pack(name: str) -> Path:
    return Path(os.environ["SHERD_SHARED"]) / "packs" / name


def owners(cache: Path) -> dict[str, list[int]]:
    """What each query is about, so that queries about one picture, or of one text, are drawn together: the same for
    every arm."""
    test, _, unseen = _galleries(cache)
    motifs = _asked(test, 2)
    crests, _, _ = read_views(_pack("kamon_crests"), split="heldout", language=None)
    captions = [next(iter(view.texts.values())) for view in crests if view.texts]
    found = {
        "relics": [*range(len(test.captions))] * 2,
        "unseen": [*range(len(unseen.captions))] * 2,
        "kamon": [sorted(set(captions)).index(caption) for caption in captions] * 2,
        "motifs": [query.picture for query in motifs],
        "motifs_small": [query.picture for query in motifs if query.mask.mean() < localisation.SMALL_PART],
    }
    for name, splits in LABELLED.items():
        found[name] = [query.view for query in _labelled(_pack(name), *splits)[1]]
    return found


def unseeing(cache: Path) -> dict[str, list[float]]:
    """What areas and boxes of the rendered queries one gets who knows where a name is elsewhere, and does not look."""
    return _short(drawn.usual_place_values(_asked(_galleries(cache)[0], 2)))


def named(encoder: OnnxEncoder, objects: FloatArray, gallery: drawn.Gallery) -> dict[str, drawn.Values]:
    """What the object vectors (n, D) are called, facet by facet."""
    thesaurus, values = builtin_thesaurus(), {}
    for facet in FACETS:
        values |= drawn.naming_values(encoder, objects, gallery, thesaurus, facet)
    return values


def by_best_localiser(settings: TrainSettings, run: Path, cache: Path) -> tuple[dict[str, str], dict[str, list[float]]]:
    """How a model without local losses points: on rendered relics the way that does best on the fitting gallery, at the
    labels of a pack the one that does best on training pictures of it. Names of the ways, and values."""
    ways = localisers(load_model(settings, run), settings.stages[-1].size_px)
    encoder = OnnxEncoder.load(run / "model")
    test, fit, _ = _galleries(cache)
    some = _asked(fit, 4)
    tried = {name: drawn.localisation_values(encoder, fit, some, way)["pointing"].mean() for name, way in ways.items()}
    best = {"rendered": max(tried, key=lambda name: float(tried[name]))}
    found = drawn.localisation_values(encoder, test, _asked(test, 2), ways[best["rendered"]])
    values = {f"localiser_{name}": found[name] for name in ("pointing", "ap30", "ap50", "mask_iou", "pointing_small")}
    for name, splits in LABELLED.items():
        known, asked = _labelled(_pack(name), "train"), _labelled(_pack(name), *splits)
        points = {way: pointed(encoder, known, ways[way], CHOOSING).mean() for way in ways}
        best[name] = max(points, key=lambda way: float(points[way]))
        values[f"localiser_{name}_pointing"] = pointed(encoder, asked, ways[best[name]])
    return best, _short(values)


Labelled = tuple[list[View], list[LabelQuery], Path]
"""Views of a pack, their labels, and where its pictures are."""


def pointed(encoder: OnnxEncoder, labelled: Labelled, way: drawn.Localiser, most: int | None = None) -> drawn.Values:
    """Pointing at labels, or at those of the first pictures alone, by a localiser."""
    views, queries, root = labelled
    some = [query for query in queries if most is None or query.view < most]
    table, _ = measure_labels(encoder, some, root, views, lambda picture, vector: way(picture, vector[None])[0])
    return table.systems["localisation"]["pointing"]


def _labelled(pack: Path, *splits: str) -> Labelled:
    views: list[View] = []
    root = pack
    for split in splits:
        some, source, _ = read_views(pack, split=split, language=None)
        views, root = views + some, source.root
    return views, label_queries(views, range(len(views))), root


def by_level(settings: TrainSettings, run: Path, cache: Path) -> dict[str, list[float]]:
    """What slots and theme facets do by themselves on the test gallery."""
    encoder, model = OnnxEncoder.load(run / "model"), load_model(settings, run)
    test = drawn.draw_gallery(TRAINED, 250, TEST_SEED, cache)
    levels = look_at_levels(model, test, settings.stages[-1].size_px)
    found = facet_values(levels, encoder, test, builtin_thesaurus()) | slot_values(levels, encoder, _asked(test, 2))
    return _short(found)


def _short(found: Mapping[str, drawn.Values]) -> dict[str, list[float]]:
    return {name: [float(f"{value:.2g}") for value in row] for name, row in found.items()}


def text_ranks(encoder: OnnxEncoder, pack: Path, split: str, weight: float) -> drawn.Ranks:
    """Ranks in both directions of a pack's texts and pictures, one picture a text."""
    views, source, _ = read_views(pack, split=split, language=None)
    told = [view for view in views if view.texts]
    captions = tuple(next(iter(view.texts.values())) for view in told)
    made = encoder.encode_images([_open(source.root, view) for view in told])
    seen = drawn.Seen(made.object, made.parts, *drawn.read(encoder, captions))
    return drawn.both_ranks(seen, captions, weight)


def labels(encoder: OnnxEncoder, pack: Path, splits: Sequence[str]) -> dict[str, drawn.Values]:
    """Labels of real pictures: pointing at them, and at their usual place, a label of a picture; average precision of
    the pictures that have it, a label, as a short text is searched for."""
    views, queries, root = _labelled(pack, *splits)
    table, _ = measure_labels(encoder, queries, root, views)
    systems = {"pointing": "localisation", "prior": "location_prior"}
    points = {name: table.systems[system]["pointing"] for name, system in systems.items()}
    held = [{region.label for region in view.image.regions if region.label} for view in views]
    names = sorted(set().union(*held))
    made = encoder.encode_images([_open(root, view) for view in views])
    words = encoder.encode_text([name.replace("_", " ") for name in names])
    scores = drawn.pair_scores(words, made.object, made.parts, SearchSettings().text_part)
    relevant = np.array([[name in one for one in held] for name in names])
    ranking = np.argsort(-scores, axis=1, kind="stable").astype(np.int64)
    return {**points, "label_ap": retrieval.average_precisions(ranking, relevant)}


def _open(root: Path, view: View) -> Picture:
    return thumbnail_pixels(open_picture_file(root, view.image.path).thumbnail)


def train_and_measure(run: Run, runs: Path) -> dict[str, Any]:
    """Train the run to its end, measure what came out, and drop the checkpoint."""
    settings = settings_of(run, runs)
    log: list[dict[str, object]] = []
    began = time.monotonic()
    folder = train_settings(settings, CONFIGS, say=log.append)
    trained = time.monotonic() - began
    resumed = any(line.get("event") == "resumed" for line in log)
    # What was trained to its end before, and cut while it was measured, says nothing now.
    last = json.loads((runs / run.name / "log.jsonl").read_text("utf-8").splitlines()[-1])
    found = measure(OnnxEncoder.load(folder), runs / "cache" / "galleries")
    ways = {}
    if settings.levels.clustering.slots == 0:
        ways, more = by_best_localiser(settings, runs / run.name, runs / "cache" / "galleries")
    else:
        more = by_level(settings, runs / run.name, runs / "cache" / "galleries")
    found["values"] |= more
    return {
        "arm": run.arm,
        "seed": run.seed,
        "changes": dict(run.changes),
        "start": run.start,
        "localisers": ways,
        "machine": machine(),
        "commit": commit(),
        "steps": last["of"],
        "seconds": None if resumed else round(trained),
        "ms_a_step": round(1000 / float(str(last["steps_per_s"]))),
        "terms": {key: value for key, value in last.items() if key not in ("step", "of", "size_px", "steps_per_s")},
        **found,
    }


def complete(run: Run, runs: Path, file: Path) -> None:
    """Give a result that was measured before there were some of the figures what it lacks, from the run's folder."""
    before, settings = file.read_text("utf-8"), settings_of(run, runs)
    result = json.loads(before)
    values, place, cache = result["values"], runs / run.name, runs / "cache" / "galleries"
    encoder = OnnxEncoder.load(place / "model")
    result["model"] = encoder.fingerprint
    test = _galleries(cache)[0]
    asked = _asked(test, 2)
    if len(values["pointing"]) != len(asked):  # measured by other queries
        values |= _short(drawn.localisation_values(encoder, test, asked, drawn.patch_localiser(encoder)))
        if settings.levels.clustering.slots == 0:
            result["localisers"], more = by_best_localiser(settings, place, cache)
        else:
            more = by_level(settings, place, cache)
        values |= more
    if "theme_accuracy" not in values:
        values |= _short(named(encoder, encoder.encode_images(list(test.corpus.pictures)).object, test))
    text = json.dumps(result, ensure_ascii=False) + "\n"
    if text != before:
        file.write_text(text, "utf-8")
        print(f"{run.name}: what it lacked is measured", flush=True)


def main() -> None:
    """Work off the queue."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--runs", type=Path, required=True, help="folder of runs and of drawn relics, outside the checkout"
    )
    parser.add_argument("--only", help="this arm alone")
    parser.add_argument("--seed", type=int, help="this seed alone")
    parser.add_argument("--share", default="1/1", help="1/2 and 2/2: every other run, for two commands side by side")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no run after so many")
    parser.add_argument(
        "--complete",
        action="store_true",
        help="train nothing: measure what results of finished runs lack",
    )
    given = parser.parse_args()
    os.environ["SHERD_SHARED"] = str(outside().resolve())
    results = RESULTS / "arms"
    results.mkdir(parents=True, exist_ok=True)
    galleries = given.runs.resolve() / "cache" / "galleries"
    about = {"owners": owners(galleries), "usual_place": unseeing(galleries)}
    (RESULTS / "arms-queries.json").write_text(json.dumps(about) + "\n", "utf-8")
    began = time.monotonic()
    mine, of = map(int, given.share.split("/"))
    for n, run in enumerate(read_queue(CONFIGS / "arms.queue")):
        file = results / f"{run.name}.json"
        if (
            n % of != mine - 1
            or (given.only and run.arm != given.only)
            or (given.seed and run.seed != given.seed)
            or file.exists() != given.complete
        ):
            continue
        if given.complete:
            if (given.runs / run.name / CHECKPOINT).exists():
                complete(run, given.runs.resolve(), file)
            continue
        if time.monotonic() - began > given.minutes * 60:
            break
        if run.start and not (given.runs / run.start / "model").exists():
            print(f"{run.name} waits for {run.start}", flush=True)
            continue
        result = train_and_measure(run, given.runs.resolve())
        file.write_text(json.dumps(result, ensure_ascii=False) + "\n", "utf-8")
        ranks = {f"{name} R@5": round(float(np.mean(np.array(row) <= 5)), 3) for name, row in result["ranks"].items()}
        means = {name: round(float(np.mean(row)), 3) for name, row in result["values"].items() if row}
        print(run.name, f"{result['seconds']} s", ranks, means, f"part weight {result['part_weight']}", flush=True)


if __name__ == "__main__":
    main()
