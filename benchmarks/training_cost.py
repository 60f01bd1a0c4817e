"""What does a step of the method cost over a plain dual encoder's? `python benchmarks/training_cost.py`.

At the size and batch of configs/builtin.toml, on the same relics, in turns, medians: the method as the built-in model
was trained, the same with every term of its loss, the plain dual encoder (captions alone), and the dual encoder given
phrases as further captions. Then every arm of configs/arms.queue at the size of its budget, each in turns with the
plain dual encoder of that size. A teacher, which speaks of packs alone, is in no row. Making batches is told apart.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from arms import CONFIGS, read_queue, settings_of
from provenance import outside, write

from sherd.training.batches import Batches
from sherd.training.config import TrainSettings, build
from sherd.training.loop import Trainer
from sherd.training.train import prepare

OFF = {"part": 0.0, "region": 0.0, "pointing": 0.0, "cover": 0.0, "theme": 0.0, "culture": 0.0, "mask": 0.0}
SIZED: dict[str, dict[str, Any]] = {
    "full": {},
    "full, every term": {
        "weights": {"redundancy": 0.02, "covariance": 0.02, "mask": 0.2},
        "method": {"soft_targets": 0.15},
    },
    "clip": {
        "levels": {"clustering": {"slots": 0}},
        "weights": {**OFF, "labels": 0.0},
        "captions": {"composed": 0.0},
    },
    "clip_phrases": {
        "levels": {"clustering": {"slots": 0}},
        "weights": {**OFF, "part": 1.0, "labels": 0.0},
        "method": {"phrases": "object"},
    },
}
RELICS_EACH, BATCH = 60, 96
SAME_STEP = ("no_boxes", "no_rendered", "start_large")
"""Arms that differ from others by what they are shown."""


def main() -> None:
    """Measure, print a table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    given = parser.parse_args()
    torch.set_num_threads(2)
    os.environ["SHERD_SHARED"] = str(outside().resolve())
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        raw = tomllib.loads((CONFIGS / "builtin.toml").read_text("utf-8"))
        chosen = {name: build(TrainSettings, raw | changes, name) for name, changes in SIZED.items()}
        seconds, making = in_turns({name: made(one, place) for name, one in chosen.items()}, given.rounds)
        for name, value in seconds.items():
            print(f"{name:<18}{1000 * value:7.0f} ms a step  {value / seconds['clip']:.2f} times the plain one's")
        print(f"a batch takes {1000 * making:.0f} ms to make, beside the step", flush=True)
        arms = dict(cost_of_arms(place, given.rounds))
    result = {
        "size_px": 160,
        "batch": BATCH,
        "ms": {name: round(1000 * value) for name, value in seconds.items()},
        "over_clip": {name: round(value / seconds["clip"], 3) for name, value in seconds.items()},
        "batch_ms": round(1000 * making),
        "arms": arms,
    }
    print(write("training-cost", "What does a step of the method cost over a plain dual encoder's?", result))


def cost_of_arms(place: Path, rounds: int) -> Iterator[tuple[str, str]]:
    """Each arm's step in ms, and in times the plain dual encoder's of its size, as they are printed."""
    runs = {run.arm: run for run in read_queue(CONFIGS / "arms.queue") if run.seed == 1}
    for arm, run in runs.items():
        if arm in SAME_STEP:
            continue
        plain = runs["clip_large" if run.base == "large" else "clip"]
        pair = {name: made(settings_of(one, place), place) for name, one in (("plain", plain), ("own", run))}
        seconds, _ = in_turns(pair, rounds)
        told = f"{1000 * seconds['own']:.0f} ({seconds['own'] / seconds['plain']:.2f})"
        print(f"{arm:<20}{told} times the plain one's", flush=True)
        yield arm, told


def made(settings: TrainSettings, place: Path) -> tuple[Trainer, Batches, int]:
    """What trains so on few relics from nothing, and the size of its pictures. A teacher speaks of packs only: none."""
    few = replace(settings.data, packs=(), teacher="", relics_each=RELICS_EACH)
    data = replace(few, cache=str(place), label_thesauri=("builtin",))
    out = place / settings.name
    out.mkdir(exist_ok=True)
    trainer, batches = prepare(replace(settings, start="", anew=(), data=data), CONFIGS, out, lambda _: None)
    return trainer, batches, settings.stages[-1].size_px


def in_turns(made: Mapping[str, tuple[Trainer, Batches, int]], rounds: int) -> tuple[dict[str, float], float]:
    """Median seconds of a step of each, and of making a batch; the first rounds warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in made}
    making = []
    for number in range(rounds + 2):
        for name, (trainer, batches, size_px) in made.items():
            began = time.perf_counter()
            batch = batches.make(number, batch=BATCH, size_px=size_px)
            middle = time.perf_counter()
            trainer.step(batch)
            if number >= 2:
                seconds[name].append(time.perf_counter() - middle)
                making.append(middle - began)
    return {name: statistics.median(row) for name, row in seconds.items()}, statistics.median(making)


if __name__ == "__main__":
    main()
