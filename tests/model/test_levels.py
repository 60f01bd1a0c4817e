from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from sherd.errors import InvalidConfig
from sherd.model.backbones import ImageSettings
from sherd.model.clustering import ClusteringSettings
from sherd.model.gfiu import FUSIONS, GFIU
from sherd.model.levels import FACETS, ImageTower, LevelSettings

SMALL = ImageSettings(widths=(8, 16, 16, 32), depths=(1, 1, 1), width=32, dim=24)


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


def tower(levels: LevelSettings | None = None, image: ImageSettings = SMALL) -> ImageTower:
    torch.manual_seed(0)
    return ImageTower(image, levels or LevelSettings(ClusteringSettings(slots=4)))


@pytest.mark.parametrize("fusion", FUSIONS)
def test_every_fusion_gives_all_levels(fusion: str) -> None:
    seen = tower(LevelSettings(ClusteringSettings(slots=4), fusion))(torch.rand(2, 3, 32, 48))
    assert seen.object.shape == (2, 24)
    assert seen.parts is not None
    assert seen.facets is not None
    assert seen.facets.shape == (2, len(FACETS), 24)
    for vectors in (seen.object, seen.parts, seen.facets, seen.patches):
        assert torch.allclose(vectors.norm(dim=-1), torch.ones(vectors.shape[:-1]), atol=1e-4)


def test_the_rivals_of_the_gates_have_equal_parameters() -> None:
    def size(fusion: str) -> int:
        return sum(p.numel() for p in GFIU(96, 5, fusion).parameters())

    for fusion in ("concat", "sum", "up", "half"):
        assert abs(size(fusion) / size("gated") - 1) < 0.06, fusion
    assert size("none") < size("gated")


def test_the_unit_starts_nearly_closed() -> None:
    """Step 0 is a plain dual encoder: what parts and themes say changes the object by less than a hundredth."""
    unit = GFIU(32, 5, "gated")
    h = torch.nn.functional.layer_norm(torch.randn(4, 32), (32,))
    out, _, gates = unit(h, torch.randn(4, 6, 32), torch.ones(4, 6))
    assert float((out - h).norm() / h.norm()) < 0.01
    assert all(0.05 < float(gate) < 0.2 for gate in gates.values())


def test_absent_slots_are_not_asked() -> None:
    unit = GFIU(32, 5, "sum")
    h, parts = torch.randn(1, 32), torch.randn(1, 6, 32)
    presence = torch.tensor([[1.0, 1e-4, 1e-4, 1e-4, 1e-4, 1e-4]])
    changed = parts.clone()
    changed[:, 1:] += 0.1 * torch.randn(1, 5, 32)
    moved = float((unit(h, parts, presence)[0] - unit(h, changed, presence)[0]).norm())
    open_all = float((unit(h, parts, torch.ones(1, 6))[0] - unit(h, changed, torch.ones(1, 6))[0]).norm())
    assert moved < open_all


def test_parts_come_from_before_any_gate() -> None:
    """The whole must not smear into the parts: with all gates thrown open, part vectors stay what they were."""
    model = tower().eval()
    pictures = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        before = model(pictures)
        model.gfiu.down.scale.fill_(9.0)
        model.gfiu.up.scale.fill_(9.0)
        after = model(pictures)
    assert before.parts is not None
    assert after.parts is not None
    assert torch.equal(before.parts, after.parts)
    assert not torch.allclose(before.object, after.object, atol=1e-3)


def test_without_slots_it_is_a_plain_dual_encoder() -> None:
    seen = tower(LevelSettings(ClusteringSettings(slots=0)))(torch.rand(1, 3, 32, 32))
    assert seen.parts is None
    assert seen.slots is None
    assert seen.facets is None


def test_one_scale_sees_no_finer_than_the_last_stage() -> None:
    """Before fusing, the cells of one 16-pixel square are equal, unless finer stages speak."""

    def spread(multiscale: bool) -> float:
        features = tower(image=replace(SMALL, multiscale=multiscale)).eval().features
        features.fuse = torch.nn.Identity()  # type: ignore[assignment]
        maps = tower().eval().backbone(torch.rand(1, 3, 64, 64))
        fused = features(maps)
        return float((fused[..., ::2, ::2] - fused[..., 1::2, 1::2]).abs().mean())

    assert spread(False) == 0
    assert spread(True) > 0


def test_an_unknown_fusion_is_refused() -> None:
    with pytest.raises(InvalidConfig, match="fusion is 'magic'"):
        LevelSettings(fusion="magic")
