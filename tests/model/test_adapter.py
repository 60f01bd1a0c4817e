from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from sherd.errors import CorruptData, InvalidConfig
from sherd.model.adapter import (
    Adapter,
    AdapterSettings,
    fit_base,
    fit_reduction,
    load_adapter,
    reduce_taps,
    save_adapter,
)

SHARED = AdapterSettings(whole_dim=12, text_dim=12, taps=3, tap_dim=10, shared=True, reduced=6, width=16, slots=4)
APART = dataclasses.replace(SHARED, text_dim=8, shared=False)


def seen(settings: AdapterSettings) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    whole = functional.normalize(torch.randn(5, settings.whole_dim, generator=generator), dim=-1)
    patches = functional.normalize(torch.randn(5, 3, 4, settings.whole_dim, generator=generator), dim=-1)
    return whole, patches, torch.randn(5, 3, 4, settings.taps, settings.reduced, generator=generator)


def made(settings: AdapterSettings) -> Adapter:
    torch.manual_seed(0)
    return Adapter(settings).eval()


@pytest.mark.parametrize("settings", [SHARED, APART])
def test_every_vector_has_unit_length_and_its_shape(settings: AdapterSettings) -> None:
    adapter = made(settings)
    if not settings.shared:
        adapter.base_weight.copy_(torch.randn(8, 12))
    found = adapter(*seen(settings))
    dim = settings.text_dim
    assert found.object.shape == (5, dim)
    assert found.patches.shape == (5, 3, 4, dim)
    assert found.parts.shape == (5, 4, dim)
    assert found.slots.masks.shape == (5, 4, 12)
    for vectors in (found.object, found.patches, found.parts):
        torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(vectors.shape[:-1]))


def test_fresh_heads_answer_as_the_backbone_does() -> None:
    adapter = made(SHARED)
    whole, patches, taps = seen(SHARED)
    found = adapter(whole, patches, taps)
    torch.testing.assert_close(found.object, whole)
    torch.testing.assert_close(found.patches, patches)
    masks = found.slots.masks
    pooled = masks @ patches.reshape(5, 12, 12) / masks.sum(2, keepdim=True)
    torch.testing.assert_close(found.parts, functional.normalize(pooled, dim=-1))
    torch.testing.assert_close(adapter.text(whole), whole)
    assert adapter.still


def test_a_share_moves_its_own_kind_of_vector_and_scaling_it_to_nothing_brings_it_back() -> None:
    adapter = made(SHARED)
    whole, patches, taps = seen(SHARED)
    before = adapter(whole, patches, taps)
    for name, moved in (("s_image", {"object"}), ("s_patch", {"patches", "parts"}), ("s_text", set[str]())):
        with torch.no_grad():
            getattr(adapter, name).fill_(0.5)
        after = adapter(whole, patches, taps)
        changed = {k for k in ("object", "patches", "parts") if not torch.equal(getattr(before, k), getattr(after, k))}
        assert changed == moved
        assert (name == "s_text") == (not torch.allclose(adapter.text(whole), whole))
        assert not adapter.still
        adapter.scale_share(name.removeprefix("s_"), 0.0)
        assert adapter.still


def test_the_gradient_reaches_every_parameter_once_the_shares_are_open() -> None:
    adapter = made(dataclasses.replace(SHARED, fusion="gated")).train()
    with torch.no_grad():
        for s in (adapter.s_image, adapter.s_patch, adapter.s_text):
            s.fill_(0.3)
    whole, patches, taps = seen(SHARED)
    found = adapter(whole, patches, taps)
    texts = adapter.text(torch.randn(5, 12))
    target = functional.normalize(torch.randn(12), dim=0)
    loss = sum(((v @ target).sum() for v in (found.object, found.patches, found.parts)), texts @ target @ torch.ones(5))
    loss.backward()
    idle = [n for n, p in adapter.named_parameters() if p.grad is None or not torch.any(p.grad != 0)]
    assert idle == []


def test_fusion_changes_the_object_and_a_wrong_name_is_refused() -> None:
    objects = []
    for fusion in ("none", "gated"):
        adapter = made(dataclasses.replace(SHARED, fusion=fusion))
        torch.manual_seed(5)
        for parameter in adapter.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
        objects.append(adapter(*seen(SHARED)).object)
    assert not torch.allclose(*objects)
    with pytest.raises(InvalidConfig, match="choose one of gated"):
        dataclasses.replace(SHARED, fusion="mixed")
    with pytest.raises(InvalidConfig, match="slots is 0"):
        dataclasses.replace(SHARED, slots=0)


def test_dropout_is_for_training_alone() -> None:
    for dropout, differ in ((0.5, True), (0.0, False)):
        adapter = made(dataclasses.replace(SHARED, dropout=dropout))
        with torch.no_grad():
            adapter.s_image.fill_(0.5)
        asked = adapter(*seen(SHARED)).object
        assert torch.equal(adapter(*seen(SHARED)).object, asked)
        adapter.clustering.settings = dataclasses.replace(adapter.clustering.settings, slot_dropout=0.0)
        assert (not torch.allclose(adapter.train()(*seen(SHARED)).object, asked)) == differ


def test_the_reduction_keeps_all_of_what_lies_in_few_directions() -> None:
    torch.manual_seed(2)
    few = torch.randn(500, 2, 3) @ torch.linalg.qr(torch.randn(2, 20, 3)).Q.transpose(1, 2).unbind(0)[0]
    mean, basis = fit_reduction(few, 4)
    reduced = reduce_taps(few, mean, basis)
    assert reduced.shape == (500, 2, 4)
    normal = functional.layer_norm(few, (20,)) - mean
    # Distances are what counts: kept, but for one factor a block.
    for block in range(2):
        ratio = torch.pdist(reduced[:, block]) / torch.pdist(normal[:, block])
        torch.testing.assert_close(ratio, ratio.mean().expand_as(ratio), rtol=1e-3, atol=1e-3)
    variance = reduced.var(0).mean(1)
    torch.testing.assert_close(variance, torch.ones(2), rtol=1e-2, atol=1e-2)


def test_the_base_map_is_ridge_regression() -> None:
    x, y = torch.tensor([[1.0], [3.0]]), torch.tensor([[2.0], [6.0]])
    weight, bias = fit_base(x, y, ridge=0)
    torch.testing.assert_close(weight, torch.tensor([[2.0]]))
    torch.testing.assert_close(bias, torch.tensor([0.0]))
    # As much penalty as variance halves the slope; the line still goes through the middle (2, 4).
    weight, bias = fit_base(x, y, ridge=1)
    torch.testing.assert_close(weight, torch.tensor([[1.0]]))
    torch.testing.assert_close(bias, torch.tensor([2.0]))


def test_saved_heads_are_loaded_as_they_were(tmp_path: Path) -> None:
    adapter = made(APART)
    adapter.base_bias.copy_(torch.randn(8))
    with torch.no_grad():
        adapter.s_image.fill_(0.2)
    save_adapter(tmp_path / "heads.safetensors", adapter)
    twin = load_adapter(tmp_path / "heads.safetensors")
    assert twin.settings == APART
    for one, other in zip(adapter(*seen(APART))[:3], twin(*seen(APART))[:3], strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_a_strange_file_is_refused(tmp_path: Path) -> None:
    from sherd.model.checkpoint import save_tensors

    path = tmp_path / "heads.safetensors"
    save_tensors(path, {"x": torch.zeros(1)}, {"settings": {"whole_dim": 3}})
    with pytest.raises(CorruptData, match="no heads of an adapted model"):
        load_adapter(path)
    path.write_bytes(b"junk")
    with pytest.raises(CorruptData):
        load_adapter(path)
