from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from sherd.errors import CorruptData
from sherd.model.backbones import ImageSettings
from sherd.model.checkpoint import load_tensors, save_tensors
from sherd.model.clustering import ClusteringSettings
from sherd.model.dual import DualEncoder, ModelSettings
from sherd.model.export import export_image, export_text
from sherd.model.levels import LevelSettings
from sherd.model.text import TextSettings

TINY = ModelSettings(
    ImageSettings(widths=(8, 16, 16, 32), depths=(1, 1, 1), width=32, dim=32),
    TextSettings(vocabulary=50, width=32, layers=2, heads=2, max_tokens=12, dim=32),
    LevelSettings(ClusteringSettings(slots=4)),
)


@pytest.fixture
def model() -> DualEncoder:
    torch.manual_seed(0)
    made = DualEncoder(TINY)
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.weight.data.uniform_(0.5, 1)
            module.running_mean = torch.randn_like(module.bias) * 0.1
    return made.eval()


def test_shapes_and_unit_length(model: DualEncoder) -> None:
    seen = model.image(torch.rand(2, 3, 64, 96))
    patches = seen.patches
    assert seen.object.shape == (2, 32)
    assert patches.shape == (2, 8, 12, 32)
    assert seen.parts is not None
    assert seen.parts.shape == (2, 4, 32)
    assert torch.allclose(seen.parts.norm(dim=-1), torch.ones(2, 4), atol=1e-5)
    assert model.text(torch.ones(3, 5, dtype=torch.long)).shape == (3, 32)
    assert torch.allclose(patches.norm(dim=-1), torch.ones(2, 8, 12), atol=1e-5)


def test_padding_changes_nothing(model: DualEncoder) -> None:
    short = torch.tensor([[4, 7, 9]])
    long = torch.tensor([[4, 7, 9, 0, 0, 0]])
    assert torch.allclose(model.text(short), model.text(long), atol=1e-6)


def test_order_of_words_matters(model: DualEncoder) -> None:
    assert not torch.allclose(model.text(torch.tensor([[4, 7, 9]])), model.text(torch.tensor([[9, 7, 4]])), atol=1e-3)


def test_onnx_agrees_with_torch_at_other_sizes_and_batches(model: DualEncoder, tmp_path: Path) -> None:
    export_image(model.image, tmp_path / "image.onnx")
    export_text(model.text, tmp_path / "text.onnx")
    pictures = np.random.default_rng(0).integers(0, 256, (3, 48, 80, 3), np.uint8)
    session = onnxruntime.InferenceSession(tmp_path / "image.onnx", providers=["CPUExecutionProvider"])
    objects, patches, parts, masks = session.run(["object", "patches", "parts", "masks"], {"pictures": pictures})
    with torch.no_grad():
        expected = model.image(torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255)
    assert expected.parts is not None
    assert expected.slots is not None
    assert (objects * expected.object.numpy()).sum(-1).min() >= 0.9999
    patches /= np.linalg.norm(patches, axis=-1, keepdims=True)
    assert (patches * expected.patches.numpy()).sum(-1).min() >= 0.9999
    assert (parts * expected.parts.numpy()).sum(-1).min() >= 0.9999
    assert masks.shape == (3, 4, 6, 10)
    assert np.abs(masks.reshape(3, 4, 60) - expected.slots.masks.numpy()).max() < 2e-3
    ids = np.array([[3, 9, 4, 0], [5, 5, 6, 7]], np.int64)
    session = onnxruntime.InferenceSession(tmp_path / "text.onnx", providers=["CPUExecutionProvider"])
    with torch.no_grad():
        assert (session.run(None, {"ids": ids})[0] * model.text(torch.from_numpy(ids)).numpy()).sum(-1).min() >= 0.9999


def test_text_in_8_bits_is_nearly_the_text_in_16(model: DualEncoder, tmp_path: Path) -> None:
    export_text(model.text, tmp_path / "whole.onnx")
    export_text(model.text, tmp_path / "small.onnx", int8=True)
    ids = {"ids": np.random.default_rng(0).integers(1, 50, (20, 9))}
    whole, small = (
        onnxruntime.InferenceSession(tmp_path / f"{name}.onnx", providers=["CPUExecutionProvider"]).run(None, ids)[0]
        for name in ("whole", "small")
    )
    cosines = (whole * small).sum(-1)
    assert 0.97 < cosines.min() < cosines.max() < 1.0000001
    assert not np.array_equal(whole, small)


def test_checkpoint_comes_back_and_broken_ones_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_tensors(path, {"x": torch.arange(6.0).reshape(2, 3)}, {"step": 3, "名": "鼎"})
    tensors, metadata = load_tensors(path)
    assert torch.equal(tensors["x"], torch.arange(6.0).reshape(2, 3))
    assert metadata == {"step": 3, "名": "鼎"}
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(CorruptData, match=r"a\.safetensors"):
        load_tensors(path)
    save_tensors(path, {"x": torch.tensor([float("nan")])}, {})
    with pytest.raises(CorruptData, match="NaN"):
        load_tensors(path)
