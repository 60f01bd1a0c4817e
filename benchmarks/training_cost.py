"""What does a step of the method cost over a plain dual encoder's? `python benchmarks/training_cost.py`.

Both at the size and batch of configs/builtin.toml on the same relics, in turns, medians: the full method, the plain
dual encoder (captions alone), and the dual encoder given phrases as further captions. Making the batch is told apart.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

import torch
from provenance import ROOT, write

from sherd.model.dual import DualEncoder, ModelSettings
from sherd.training.batches import Batches
from sherd.training.config import TrainSettings, build
from sherd.training.loop import Trainer
from sherd.training.material import gather

OFF = {
    "part": 0.0,
    "region": 0.0,
    "pointing": 0.0,
    "cover": 0.0,
    "theme": 0.0,
    "culture": 0.0,
    "labels": 0.0,
    "mask": 0.0,
}
ARMS: dict[str, dict[str, Any]] = {
    "full": {},
    "clip": {"levels": {"clustering": {"slots": 0}}, "weights": OFF, "captions": {"composed": 0.0}},
    "clip_phrases": {
        "levels": {"clustering": {"slots": 0}},
        "weights": {**OFF, "part": 1.0},
        "method": {"phrases": "object"},
    },
}


def main() -> None:
    """Measure, print a table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--rounds", type=int, default=8)
    given = parser.parse_args()
    raw = tomllib.loads((ROOT / "configs" / "builtin.toml").read_text("utf-8"))
    raw |= {"start": ""}
    raw["data"] = {"relics": raw["data"]["relics"], "relics_each": 60}
    batch = raw["stages"][-1]["batch"]
    seconds: dict[str, list[float]] = {arm: [] for arm in ARMS}
    making = []
    with tempfile.TemporaryDirectory() as folder:
        trainers = {
            arm: _trainer(build(TrainSettings, {**raw, **changes}, arm), Path(folder)) for arm, changes in ARMS.items()
        }
        for number in range(given.rounds + 3):
            for arm, (trainer, batches) in trainers.items():
                began = time.perf_counter()
                made = batches.make(number, batch=batch, size_px=given.size)
                middle = time.perf_counter()
                trainer.step(made)
                if number >= 3:  # the first rounds warm up
                    seconds[arm].append(time.perf_counter() - middle)
                    making.append(middle - began)
    median = {arm: statistics.median(row) for arm, row in seconds.items()}
    for arm, value in median.items():
        print(f"{arm:<14}{1000 * value:7.0f} ms a step  {value / median['clip']:.2f} times the plain dual encoder's")
    print(f"a batch takes {1000 * statistics.median(making):.0f} ms to make, beside the step")
    result = {
        "size_px": given.size,
        "batch": batch,
        "ms": {arm: round(1000 * value) for arm, value in median.items()},
        "full_over_clip": round(median["full"] / median["clip"], 3),
        "batch_ms": round(1000 * statistics.median(making)),
    }
    print(write("training-cost", "What does a step of the method cost over a plain dual encoder's?", result))


def _trainer(settings: TrainSettings, out: Path) -> tuple[Trainer, Batches]:
    torch.set_num_threads(2)
    material = gather(settings, out, out, lambda line: None)
    concepts = sum(len(facet.nodes) for facet in material.vocabulary.facets)
    model = DualEncoder(ModelSettings(settings.image, settings.text, settings.levels, 0, concepts))
    batches = Batches(
        material.sources,
        material.tokenizer,
        seed=0,
        max_tokens=settings.text.max_tokens,
        captions=settings.captions,
        vocabulary=material.vocabulary,
    )
    return Trainer(model, settings, material.vocabulary.facets), batches


if __name__ == "__main__":
    main()
