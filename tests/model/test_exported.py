from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sherd.errors import CorruptData
from sherd.model.backbones import ImageSettings
from sherd.model.clustering import ClusteringSettings
from sherd.model.dual import DualEncoder, ModelSettings
from sherd.model.export import export_image, export_text
from sherd.model.exported import exported_weights, settle
from sherd.model.levels import LevelSettings
from sherd.model.text import TextSettings

SETTINGS = ModelSettings(
    ImageSettings(widths=(8, 16, 16, 32), depths=(1, 1, 1), width=32, dim=32),
    TextSettings(vocabulary=300, width=32, layers=2, heads=2, max_tokens=12, dim=32),
    LevelSettings(ClusteringSettings(slots=4)),
)


def trained(settings: ModelSettings = SETTINGS) -> DualEncoder:
    """A model whose normalisations are nobody's default."""
    torch.manual_seed(0)
    made = DualEncoder(settings)
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.3)
            module.running_mean = torch.randn_like(module.bias) * 0.3
            module.running_var = torch.rand_like(module.bias) + 0.5
        if isinstance(module, torch.nn.LayerNorm):
            module.weight.data.uniform_(0.5, 1.5)
    return made.eval()


def export(model: DualEncoder, folder: Path, *, int8: bool) -> Path:
    export_image(model.image, folder / "image.onnx")
    export_text(model.text, folder / "text.onnx", int8=int8)
    return folder


def taken_up(weights: dict[str, torch.Tensor], settings: ModelSettings = SETTINGS) -> DualEncoder:
    model = DualEncoder(settings)
    own = model.state_dict()
    model.load_state_dict(own | {name: value for name, value in weights.items() if name in own})
    return model.eval()


@pytest.mark.parametrize("fusion", ["gated", "none", "concat"])
@pytest.mark.parametrize("slots", [4, 0])
def test_a_model_comes_back_from_its_export(tmp_path: Path, fusion: str, slots: int) -> None:
    settings = ModelSettings(SETTINGS.image, SETTINGS.text, LevelSettings(ClusteringSettings(slots=slots), fusion))
    model = trained(settings)
    weights = exported_weights(export(model, tmp_path, int8=False))
    assert set(weights) <= set(model.state_dict())
    again = taken_up(weights, settings)
    pictures, ids = torch.rand(3, 3, 64, 96), torch.randint(1, 300, (5, 7))
    with torch.no_grad():
        old, new = model.image(pictures), again.image(pictures)
        assert torch.allclose(old.object, new.object, atol=2e-3)
        assert torch.allclose(old.patches, new.patches, atol=5e-3)
        if old.parts is not None and new.parts is not None:
            assert torch.allclose(old.parts, new.parts, atol=5e-3)
        assert torch.allclose(model.text(ids), again.text(ids), atol=2e-3)


def test_what_eight_bits_keep_comes_back_nearly(tmp_path: Path) -> None:
    model = trained()
    again = taken_up(exported_weights(export(model, tmp_path, int8=True)))
    ids = torch.randint(1, 300, (20, 7))
    with torch.no_grad():
        assert float((model.text(ids) * again.text(ids)).sum(1).min()) > 0.99


def test_settled_normalisation_answers_as_before_and_nearly_so_in_training(tmp_path: Path) -> None:
    model = trained()
    again = taken_up(exported_weights(export(model, tmp_path, int8=False)))
    pictures = torch.rand(16, 3, 64, 64)
    with torch.no_grad():
        before = again.image(pictures).object
        again.image.train()
        unsettled = (again.image(pictures).object * before).sum(1).mean()
    again = taken_up(exported_weights(tmp_path))
    settle(again.image, pictures)
    norms = [one for one in again.modules() if isinstance(one, torch.nn.BatchNorm2d)]
    assert all(one.running_mean is not None and float(one.running_mean.abs().sum()) > 0 for one in norms)
    with torch.no_grad():
        assert torch.allclose(again.image(pictures).object, before, atol=1e-4)
        again.image.clustering.settings = ClusteringSettings(slots=4, slot_dropout=0.0)  # type: ignore[union-attr]
        again.image.train()
        assert float((again.image(pictures).object * before).sum(1).mean()) > max(0.999, float(unsettled))


def test_normalisation_that_was_learnt_is_left_alone() -> None:
    model = trained()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    settle(model.image, torch.rand(4, 3, 64, 64))
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_what_is_no_network_is_named(tmp_path: Path) -> None:
    (tmp_path / "image.onnx").write_bytes(b"\xff" * 50)
    with pytest.raises(CorruptData, match=r"image\.onnx: no ONNX network"):
        exported_weights(tmp_path)
