from __future__ import annotations

import numpy as np
import pytest
import torch

from sherd.evaluation.localisers import localisers
from sherd.model.backbones import ImageSettings
from sherd.model.clustering import ClusteringSettings
from sherd.model.dual import DualEncoder, ModelSettings
from sherd.model.levels import LevelSettings
from sherd.model.text import TextSettings
from sherd.types import FloatArray, Picture

NAMES = ("patch cosine", "dense cosine", "value path", "self-correlation", "gradient", "sliding crops")


@pytest.fixture(scope="module")
def model() -> DualEncoder:
    """A plain dual encoder that has learnt which colour a picture is, and nothing about places."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    settings = ModelSettings(
        ImageSettings(widths=(8, 8, 16, 16), depths=(1, 1, 1), width=16, dim=8),
        TextSettings(vocabulary=10, width=8, layers=1, heads=2, dim=8),
        LevelSettings(ClusteringSettings(slots=0)),
    )
    made = DualEncoder(settings)
    optimizer = torch.optim.AdamW(made.image.parameters(), lr=5e-3)
    axes = torch.eye(8)
    for _ in range(150):
        colour = torch.randint(0, 2, (16,))
        pictures = torch.rand(16, 3, 48, 48) * 0.3
        pictures[torch.arange(16), colour] += 0.6
        loss = -(10 * made.image(pictures).object @ axes[:2].T).log_softmax(1)[torch.arange(16), colour].mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return made.eval()


def halves() -> Picture:
    """Red on the left, green on the right."""
    picture = np.full((96, 96, 3), 20, np.uint8)
    picture[:, :48, 0] = 230
    picture[:, 48:, 1] = 230
    return picture


@pytest.mark.parametrize("name", NAMES)
def test_every_way_gives_a_map_a_text(model: DualEncoder, name: str) -> None:
    texts: FloatArray = np.eye(8, dtype=np.float32)[:3]
    maps = localisers(model, 64)[name](halves(), texts)
    assert maps.shape == (3, 8, 8)
    assert np.isfinite(maps).all()


@pytest.mark.parametrize("name", [name for name in NAMES if name != "patch cosine"])
def test_what_was_learnt_from_whole_pictures_is_found_in_half_of_one(model: DualEncoder, name: str) -> None:
    """The patch head had no loss; every other way finds red on the left and green on the right.

    But for the gradient, which is nearly nothing where a softmax is sure: there one of the two is enough.
    """
    red, green = localisers(model, 96)[name](halves(), np.eye(8, dtype=np.float32)[:2])
    found = [red[:, :5].mean() > red[:, 7:].mean(), green[:, 7:].mean() > green[:, :5].mean()]
    assert any(found) if name == "gradient" else all(found)
