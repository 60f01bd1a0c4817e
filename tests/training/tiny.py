"""A training run so small that a test can afford it."""

from __future__ import annotations

from pathlib import Path

import torch

from sherd.model.dual import DualEncoder, ModelSettings
from sherd.training.batches import Batches, Vocabulary
from sherd.training.config import TrainSettings, read_settings
from sherd.training.loop import Trainer

Parts = tuple[TrainSettings, Batches, Vocabulary]
"""Settings, batches of drawn relics, and the concepts that these speak of: what a trainer needs."""

TINY = """
name = "tiny"
out = "run"
checkpoint_every = 2
warmup_steps = 2
threads = 1
workers = 1
heat_px = 64
parts_per_image = 2

[[stages]]
size_px = 32
batch = 8
steps = 3

[[stages]]
size_px = 48
batch = 8
steps = 3

[data]
relics = ["ritual_bronze"]
relics_each = 12
relics_px = 64

[image]
widths = [8, 8, 16, 16]
depths = [1, 1, 1]
width = 16
dim = 16

[levels.clustering]
slots = 2

[text]
vocabulary = 600
width = 16
layers = 1
heads = 2
max_tokens = 16
dim = 16
dropout = 0.0

[weights]
redundancy = 0.02
covariance = 0.02
mask = 0.2
"""


def write(folder: Path, text: str = TINY) -> Path:
    path = folder / "tiny.toml"
    path.write_text(text, "utf-8")
    return path


def settings(folder: Path) -> TrainSettings:
    return read_settings(write(folder))


def trainer(settings: TrainSettings, vocabulary: Vocabulary) -> Trainer:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    concepts = sum(len(facet.nodes) for facet in vocabulary.facets)
    model = ModelSettings(settings.image, settings.text, settings.levels, concepts=concepts)
    return Trainer(DualEncoder(model), settings, vocabulary.facets)
