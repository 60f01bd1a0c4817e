"""How fast does the built-in model read? `python benchmarks/throughput.py [MODEL]`.

Pictures a second on one core: the whole encoder as ingest calls it (resizing, network, parts and boxes), the network
alone, the bare backbone (stages and fused grid, no heads), its stages alone, and the whole network in torch eager, in
turns, medians of rounds; and text queries a second. What preprocessing and heads cost over the bare backbone is the
figure that counts; over the stages alone it is told too.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from provenance import write

from sherd.encoder import load_encoder
from sherd.encoder.onnx import OnnxEncoder
from sherd.encoder.preprocess import input_shape, to_input
from sherd.model.backbones import ConvTower, ImageSettings
from sherd.model.clustering import ClusteringSettings
from sherd.model.export import export_backbone
from sherd.model.features import MultiScale
from sherd.model.levels import ImageTower, LevelSettings
from sherd.relics import load_culture, render

BATCH = 32
TEXTS = (
    "饕餮纹",
    "青铜鼎",
    "a tripod with two handles",
    "lotus scroll on a porcelain jar",
    "飞天",
    "crest of three oak leaves",
)


def main() -> None:
    """Measure, print a table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="builtin")
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    torch.set_num_threads(1)
    loaded = load_encoder(given.model)
    assert isinstance(loaded, OnnxEncoder)
    encoder = OnnxEncoder.load(loaded.folder, threads=1)
    settings = json.loads((loaded.folder / "trained.json").read_text("utf-8"))["settings"]
    image, levels = _settings(settings)
    culture = load_culture("ritual_bronze")
    pictures = [render(culture, 5, n, 320).picture for n in range(BATCH)]
    size = encoder.settings.size_px
    inputs = np.stack([to_input(picture, input_shape(320, 320, size)) for picture in pictures])
    tower = ImageTower(image, levels).eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    pixels = torch.from_numpy(inputs).permute(0, 3, 1, 2).float().div(255).contiguous(memory_format=torch.channels_last)
    with tempfile.TemporaryDirectory() as folder:
        bare = _session(export_backbone(ConvTower(image).eval(), MultiScale(image).eval(), Path(folder) / "bare.onnx"))
        stages = _session(export_backbone(ConvTower(image).eval(), None, Path(folder) / "stages.onnx"))
        whole = _session(loaded.folder / "image.onnx")
        ways: dict[str, Callable[[], Any]] = {
            "encoder, from pictures of 320 px": lambda: encoder.encode_images(pictures),
            "network": lambda: whole.run(None, {"pictures": inputs}),
            "bare backbone": lambda: bare.run(None, {"pictures": inputs}),
            "its stages alone": lambda: stages.run(None, {"pictures": inputs}),
            "network in torch eager": lambda: _eager(tower, pixels),
        }
        seconds = _in_turns(ways, given.rounds)
    texts = _in_turns({"texts": lambda: [encoder.encode_text([text]) for text in TEXTS]}, given.rounds)["texts"]
    rates = {name: BATCH / value for name, value in seconds.items()}
    over, over_stages = (
        seconds["encoder, from pictures of 320 px"] / seconds[name] - 1
        for name in ("bare backbone", "its stages alone")
    )
    for name, rate in rates.items():
        print(f"{name:<34}{rate:8.1f} pictures a second a core")
    print(f"preprocessing, heads and parts cost {over:+.1%} over the bare backbone, {over_stages:+.1%} over its stages")
    print(f"{len(TEXTS) / texts:.0f} text queries a second, one at a time")
    result = {
        "model": encoder.fingerprint,
        "size_px": size,
        "pictures_per_s": rates,
        "over_bare_backbone": over,
        "over_stages": over_stages,
        "texts_per_s": len(TEXTS) / texts,
    }
    print(write("throughput", "How fast does the built-in model read?", result))


def _settings(settings: dict[str, Any]) -> tuple[ImageSettings, LevelSettings]:
    image = {k: tuple(v) if isinstance(v, list) else v for k, v in settings["image"].items()}
    levels = settings.get("levels", {"clustering": {"slots": 0}})
    return ImageSettings(**image), LevelSettings(**{**levels, "clustering": ClusteringSettings(**levels["clustering"])})


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _eager(tower: ImageTower, pixels: torch.Tensor) -> None:
    with torch.inference_mode():
        tower(pixels)


def _in_turns(ways: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Median seconds of each way; all take turns, so that a noisy moment meets all."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            if number:  # the first round warms up
                taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(row) for name, row in taken.items()}


if __name__ == "__main__":
    main()
