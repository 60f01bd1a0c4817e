"""Does the method find real pictures by real words better than captions and phrases alone? `real_text.py --runs DIR`.

Five folds. Crests (kamon_crests) are split by title, so that no title asked for was learnt from, also not as the name
of a motif; catalogues (getty_catalogues) by object. In every fold the arm `full` and the arm `clip_phrases` of
configs/arms.queue are trained for 500 steps from the common start, which has seen neither pack, and are asked for the
fold that they have not seen, through the search that serves users; the baseline, which has learnt no parts, by its
objects alone. Figures are over the queries of all folds, paired between the arms, intervals over titles and objects.
`familiar`: queries for crests of whose title every character occurs in titles that were learnt from (motif, number,
arrangement and frame seen apart).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from arms import CONFIGS, read_queue, settings_of
from provenance import outside, write

from sherd.encoder.onnx import OnnxEncoder
from sherd.evaluation.compare import compare
from sherd.evaluation.harness import evaluate
from sherd.evaluation.report import Measured, Report, read_measured
from sherd.evaluation.table import QueryTable, joined
from sherd.training.train import train_settings

FOLDS = 5
STEPS = 500
ARMS = ("full", "clip_phrases")
PACKS = {"kamon_crests": "title", "getty_catalogues": "object_id"}
"""What must not be on both sides."""


def fold_of(name: str) -> int:
    """0..4, the same for ever."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % FOLDS


def split_pack(pack: Path, fold: int, folder: Path) -> Path:
    """The pack with a split of ours: `heldout` for the fold, `train` for what shares nothing with it; rest `unused`."""
    key = PACKS[pack.name]
    records = [json.loads(line) for line in (pack / "records.jsonl").read_text("utf-8").splitlines()]
    asked = {record[key] for record in records if fold_of(record[key]) == fold}
    for record in records:
        shared = key == "title" and asked & set(record.get("motifs", ()))
        record["split"] = "heldout" if record[key] in asked else "unused" if shared else "train"
    made = folder / pack.name
    made.mkdir(parents=True, exist_ok=True)
    (made / "records.jsonl").write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), "utf-8")
    shutil.copytree(pack / "images", made / "images", dirs_exist_ok=True)
    return made


def run_fold(arm: str, fold: int, runs: Path, shared: Path) -> dict[str, Report | Measured]:
    """The arm trained without the fold and asked for it, by pack; kept in `runs`, so that it is done once."""
    run = next(one for one in read_queue(CONFIGS / "arms.queue") if one.arm == arm)
    run = replace(run, steps=STEPS)
    place = runs / "folds" / str(fold)
    packs = {name: split_pack(shared / "packs" / name, fold, place) for name in PACKS}
    files = {name: place / f"{arm}-{name}.json" for name in PACKS}
    if not all(file.exists() for file in files.values()):
        settings = settings_of(run, runs)
        listed = tuple(str(packs.get(Path(pack).name, pack)) for pack in settings.data.packs)
        settings = replace(settings, out=str(place / arm), data=replace(settings.data, packs=listed))
        encoder = OnnxEncoder.load(train_settings(settings, CONFIGS, say=lambda _: None))
        for name, file in files.items():
            file.write_text(json.dumps(evaluate(encoder, packs[name], split="heldout").as_dict()), "utf-8")
    found = {name: read_measured(file) for name, file in files.items()}
    return found if arm == "full" else {name: by_objects(one) for name, one in found.items()}


def by_objects(measured: Measured) -> Measured:
    """A model without parts of its own, as it is served best: every query answered by object vectors alone."""
    tables = {}
    for way, table in measured.tables.items():
        systems = {name: table.systems.get("retrieval_object_only", found) for name, found in table.systems.items()}
        tables[way] = replace(table, systems=systems)
    return replace(measured, tables=tables)


def titles_of(pack: Path) -> dict[str, str]:
    """By record, what it must be drawn together with."""
    records = map(json.loads, (pack / "records.jsonl").read_text("utf-8").splitlines())
    return {record.get("object_id", record["id"]): record[PACKS[pack.name]] for record in records}


def together(folds: list[dict[str, QueryTable]], owners: dict[str, str]) -> dict[str, QueryTable]:
    """The tables of all folds below each other, queries of one title or object bound together."""
    found = {}
    for way in folds[0]:
        table = joined([fold[way] for fold in folds])
        found[way] = replace(table, object=tuple(owners[name] for name in table.object))
    return found


def familiar(measured: Measured) -> Measured:
    """The queries for titles of which every character occurs in the titles of the other folds."""
    tables = {}
    for way, table in measured.tables.items():
        known: dict[int, set[str]] = defaultdict(set)
        for title in set(table.object):
            for fold in range(FOLDS):
                if fold != fold_of(title):
                    known[fold] |= set(title)
        keep = [n for n, title in enumerate(table.object) if set(title) <= known[fold_of(title)]]
        tables[way] = table.rows(np.array(keep, np.int64))
    return replace(measured, tables=tables)


def main() -> None:
    """Train what is missing, compare, print, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, required=True, help="the folder of benchmarks/arms.py")
    given = parser.parse_args()
    shared = outside().resolve()
    os.environ["SHERD_SHARED"] = str(shared)
    runs = given.runs.resolve()
    found: dict[str, dict[str, list[Any]]] = {arm: defaultdict(list) for arm in ARMS}
    for fold in range(FOLDS):
        for arm in ARMS:
            for name, measured in run_fold(arm, fold, runs, shared).items():
                found[arm][name].append(measured)
            print(arm, "without fold", fold, flush=True)
    results: dict[str, Any] = {}
    for name in PACKS:
        owners = titles_of(shared / "packs" / name)
        sides = [
            Measured(name, {"name": arm}, together([one.tables for one in found[arm][name]], owners)) for arm in ARMS
        ]
        results[name] = compare(*sides).as_dict()["figures"]
        results[name + " queries"] = {way: len(table) for way, table in sides[0].tables.items()}
        if PACKS[name] == "title":
            known = [familiar(side) for side in sides]
            results[name + " familiar"] = compare(*known).as_dict()["figures"]
            results[name + " familiar queries"] = {way: len(table) for way, table in known[0].tables.items()}
    for name, figures in results.items():
        print(name)
        for figure, row in figures.items():
            print("  ", figure, row)
    print(write("real-text", "Does the method find real pictures by real words?", {"folds": FOLDS, "packs": results}))


if __name__ == "__main__":
    main()
