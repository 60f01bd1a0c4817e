from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from sherd.errors import InvalidConfig
from sherd.model.clustering import KINDS, ClusteringSettings, SemanticClustering


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def made(kind: str = "prototypes", *, background: bool = True, dropout: float = 0.0) -> SemanticClustering:
    torch.manual_seed(0)
    settings = ClusteringSettings(slots=4, kind=kind, background=background, slot_dropout=dropout)
    return SemanticClustering(settings, 16).eval()


@pytest.mark.parametrize("kind", KINDS)
def test_every_cell_is_divided_whole_and_nothing_is_lost(kind: str) -> None:
    layer = made(kind, background=kind != "grid")
    slots = layer(torch.randn(3, 24, 16), 4, 6)
    assert slots.values.shape == (3, 4, 16)
    assert slots.masks.shape == (3, 4, 24)
    assert torch.allclose(slots.masks.sum(1) + slots.background, torch.ones(3, 24), atol=1e-5)
    assert slots.presence.shape == (3, 4)
    assert 0 <= float(slots.presence.min()) <= float(slots.presence.max()) <= 1
    assert torch.isfinite(slots.values).all()


def test_two_kinds_of_cells_go_to_two_slots() -> None:
    """An oracle: prototypes that equal the two kinds of feature put each cell where it belongs."""
    layer = made()
    grid = torch.zeros(1, 24, 16)
    grid[:, :12, 0], grid[:, 12:, 1] = 9.0, 9.0
    with torch.no_grad():
        query = torch.nn.functional.normalize(layer.query(layer.norm(grid)), dim=-1)[0]
        layer.prototypes[0], layer.prototypes[1] = query[0], query[12]
        layer.prototypes[2:] = -query[0] - query[12]
        layer.settings = ClusteringSettings(slots=4, rounds=0)
        layer.log_sharpness.fill_(3.0)
    masks = layer(grid, 4, 6).masks[0]
    assert bool((masks[0, :12] > masks[1, :12]).all())
    assert bool((masks[1, 12:] > masks[0, 12:]).all())


def test_a_fixed_grid_looks_at_nothing() -> None:
    layer = made("grid", background=False)
    one, other = layer(torch.randn(1, 16, 16), 4, 4), layer(torch.randn(1, 16, 16), 4, 4)
    assert torch.equal(one.masks, other.masks)
    assert one.masks.sum((0, 2)).tolist() == [4, 4, 4, 4]


def test_without_background_slots_share_everything() -> None:
    slots = made(background=False)(torch.randn(2, 9, 16), 3, 3)
    assert torch.allclose(slots.masks.sum(1), torch.ones(2, 9), atol=1e-5)
    assert not slots.background.any()


def test_closed_slots_take_nothing_and_one_stays_open() -> None:
    torch.manual_seed(1)
    layer = made(background=False, dropout=0.95).train()
    masks = layer(torch.randn(64, 9, 16), 3, 3).masks
    assert bool((masks.amax(2) > 0.2).any(1).all())
    assert float((masks.amax(2) < 1e-6).float().mean()) > 0.5
    assert bool((made(dropout=0.95).eval()(torch.randn(8, 9, 16), 3, 3).masks > 0).all())


def test_sinkhorn_gives_every_slot_about_the_same_share() -> None:
    grid = torch.randn(2, 64, 16) + 5
    even = made("sinkhorn", background=False)(grid, 8, 8).masks.sum(2)
    free = made("prototypes", background=False)(grid, 8, 8).masks.sum(2)
    assert float(even.std(1).mean()) < float(free.std(1).mean())


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InvalidConfig, match="kind is 'kmeans'"):
        ClusteringSettings(kind="kmeans")
