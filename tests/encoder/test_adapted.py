from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from sherd.encoder import BUILTIN, load_encoder
from sherd.encoder.adapted import AdaptedEncoder
from sherd.encoder.folders import check_folder, import_folder, verify_folder
from sherd.encoder.hub import HubEncoder
from sherd.encoder.protocol import Encoder
from sherd.encoder.registry import ModelKind, folder_kind
from sherd.encoder.tapped import TappedBackbone, open_backbone
from sherd.errors import CorruptData, InvalidArgument, ModelUnavailable
from sherd.ingest.decoder import DecoderPool
from sherd.model.adapter import Adapter, AdapterSettings, fit_reduction, save_adapter
from sherd.model.checkpoint import save_tensors
from sherd.training.adapt import AdaptSettings, adapt
from sherd.types import Box, Picture, Record, SourceImage
from tests.ingest.museum import ListSource, ingest

MakeModel = Callable[[str], Path]
FAMILIES = ("clip", "chinese_clip", "siglip", "siglip2", "fgclip2")
WEIGHTS = "weights/vit_tiny_patch16_224_in21k_ft_in1k.fp16.safetensors"


def heads(backbone: TappedBackbone, pictures: list[Picture], *, share: float) -> Adapter:
    """Heads of chance weights over the backbone, open by `share`."""
    torch.manual_seed(0)
    reduced = min(8, backbone.tap_dim)
    adapter = Adapter(
        AdapterSettings(
            whole_dim=backbone.whole_dim,
            text_dim=backbone.text_dim,
            taps=backbone.taps,
            tap_dim=backbone.tap_dim,
            shared=backbone.shared,
            reduced=reduced,
            width=16,
            slots=4,
        )
    )
    taps = [grid.reshape(-1, backbone.taps, backbone.tap_dim) for grid in backbone.look(pictures).taps]
    mean, basis = fit_reduction(torch.from_numpy(np.concatenate(taps)), reduced)
    adapter.reduction_mean.copy_(mean)
    adapter.reduction_basis.copy_(basis)
    with torch.no_grad():
        for s in (adapter.s_image, adapter.s_patch, adapter.s_text):
            s.fill_(share)
    return adapter.eval()


def adapted(folder: Path, backbone: TappedBackbone, adapter: Adapter) -> Path:
    folder.mkdir()
    save_adapter(folder / "heads.safetensors", adapter)
    about = {"name": "mine", "backbone": backbone.name, "backbone_fingerprint": backbone.fingerprint}
    (folder / "adapter.json").write_text(json.dumps(about))
    return folder


@pytest.mark.parametrize("family", FAMILIES)
def test_heads_that_move_nothing_leave_a_hub_model_as_it_is(
    make_model: MakeModel, pictures: list[Picture], tmp_path: Path, family: str
) -> None:
    plain = HubEncoder.load(make_model(family))
    backbone = open_backbone(str(make_model(family)))
    encoder: Encoder = AdaptedEncoder.load(adapted(tmp_path / "mine", backbone, heads(backbone, pictures, share=0)))
    assert (encoder.dim, encoder.parts_per_image, encoder.name) == (plain.dim, plain.parts_per_image, "mine")
    one, other = encoder.encode_images(pictures), plain.encode_images(pictures)
    assert_array_equal(one.object, other.object)
    assert_array_equal(one.parts, other.parts)
    assert_array_equal(one.boxes, other.boxes)
    words = plain.encode_text(["abc", ""])
    assert_allclose(encoder.encode_text(["abc", ""]), words, atol=1e-6)
    assert_allclose(encoder.heat(pictures[1], words[0]), plain.heat(pictures[1], words[0]), atol=1e-6)
    boxes = [Box(0, 0, 1, 1), Box(0.5, 0.25, 0.3, 0.5)]
    assert_allclose(encoder.encode_boxes(pictures[1], boxes), plain.encode_boxes(pictures[1], boxes), atol=1e-6)
    assert encoder.encode_boxes(pictures[1], []).shape == (0, plain.dim)


@pytest.mark.parametrize("family", FAMILIES)
def test_open_heads_move_pictures_parts_and_words(
    make_model: MakeModel, pictures: list[Picture], tmp_path: Path, family: str
) -> None:
    plain = HubEncoder.load(make_model(family))
    backbone = open_backbone(str(make_model(family)))
    encoder = AdaptedEncoder.load(adapted(tmp_path / "mine", backbone, heads(backbone, pictures, share=0.5)))
    made = encoder.encode_images(pictures)
    assert made.parts.shape == (5, 4, plain.dim)
    assert made.boxes.shape == (5, 4, 4)
    for rows in (made.object, made.parts, encoder.encode_text(["abc"])):
        assert rows.dtype == np.float32
        assert_allclose(np.linalg.norm(rows, axis=-1), 1, atol=1e-5)
    assert (made.boxes >= 0).all()
    assert (made.boxes[..., :2] + made.boxes[..., 2:] <= 1 + 1e-6).all()
    assert np.abs(made.object - plain.encode_images(pictures).object).max() > 0.01
    assert np.abs(encoder.encode_text(["abc"]) - plain.encode_text(["abc"])).max() > 0.01
    alone = encoder.encode_images(pictures[2:3])
    assert_allclose(alone.object[0], made.object[2], atol=2e-5)
    assert_allclose(alone.parts[0], made.parts[2], atol=2e-5)
    assert encoder.encode_images([]).object.shape == (0, plain.dim)


@pytest.mark.parametrize("family", ["clip", "siglip"])
def test_taps_are_the_blocks_of_the_model_called_by_hand(
    make_model: MakeModel, pictures: list[Picture], family: str
) -> None:
    import transformers

    folder = make_model(family)
    processor_class, model_class = {
        "clip": (transformers.CLIPImageProcessorPil, transformers.CLIPModel),
        "siglip": (transformers.SiglipImageProcessorPil, transformers.SiglipModel),
    }[family]
    processor = processor_class.from_pretrained(folder, size={"height": 32, "width": 32}, do_center_crop=False)
    tower = model_class.from_pretrained(folder).eval().vision_model
    pixels = processor([Image.fromarray(pictures[0])], return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        x = tower.embeddings(pixels)
        x = tower.pre_layrnorm(x) if family == "clip" else x
        layer, last = tower.encoder.layers
        x = layer(x, attention_mask=None)[0, -16:]
        # A patch alone attends to itself: its value projection, written out by hand.
        norm = last.layer_norm1(x)
        alone = x + last.self_attn.out_proj(last.self_attn.v_proj(norm))
        alone = tower.post_layernorm(alone + last.mlp(last.layer_norm2(alone)))
    looks = open_backbone(str(folder)).look(pictures[:1])
    assert looks.taps[0].shape == (4, 4, 4, 32)
    for tap in range(3):
        assert_allclose(looks.taps[0][:, :, tap].reshape(16, 32), x.numpy(), atol=1e-4)
    assert_allclose(looks.taps[0][:, :, 3].reshape(16, 32), alone.numpy(), atol=1e-4)


def test_tapping_gives_what_looking_gives(make_model: MakeModel, pictures: list[Picture]) -> None:
    for family in FAMILIES:
        encoder = HubEncoder.load(make_model(family))
        looks = open_backbone(str(make_model(family))).look(pictures)
        assert_allclose(looks.whole, encoder.encode_images(pictures).object, atol=1e-6)
        for picture, patches, taps in zip(pictures, looks.patches, looks.taps, strict=True):
            assert_allclose(patches, encoder.patches(picture), atol=1e-5)
            assert taps.shape == (*patches.shape[:2], 4, 32)


def test_the_builtin_model_can_be_a_backbone(pictures: list[Picture], tmp_path: Path, one_thread: None) -> None:
    backbone = open_backbone(BUILTIN)
    assert (backbone.taps, backbone.shared, backbone.name) == (1, True, BUILTIN)
    encoder = AdaptedEncoder.load(adapted(tmp_path / "mine", backbone, heads(backbone, pictures[:1], share=0)))
    plain = load_encoder(BUILTIN)
    assert_array_equal(encoder.encode_images(pictures[:1]).parts, plain.encode_images(pictures[:1]).parts)
    assert_allclose(encoder.encode_text(["鼎"]), plain.encode_text(["鼎"]), atol=1e-6)


def test_a_vision_transformer_reads_with_the_builtin_model(
    shared: Path, pictures: list[Picture], tmp_path: Path, one_thread: None
) -> None:
    backbone = open_backbone(str(shared / WEIGHTS))
    assert (backbone.whole_dim, backbone.tap_dim, backbone.taps, backbone.side) == (192, 192, 4, 20)
    assert backbone.looks_fingerprint != backbone.fingerprint
    looks = backbone.look(pictures[:2])
    assert looks.whole.shape == (2, 192)
    assert [grid.shape for grid in looks.patches] == [(20, 20, 192)] * 2
    assert [grid.shape for grid in looks.taps] == [(20, 20, 4, 192)] * 2
    adapter = heads(backbone, pictures[:1], share=0)
    adapter.base_weight.copy_(torch.randn(256, 192))
    encoder = AdaptedEncoder.load(adapted(tmp_path / "mine", backbone, adapter))
    made = encoder.encode_images(pictures[:2])
    mapped = looks.whole @ adapter.base_weight.numpy().T
    assert_allclose(made.object, mapped / np.linalg.norm(mapped, axis=1)[:, None], atol=1e-5)
    assert made.parts.shape == (2, 4, 256)
    assert_allclose(encoder.encode_text(["鼎"]), load_encoder(BUILTIN).encode_text(["鼎"]), atol=1e-6)


def test_weights_that_are_no_vision_transformer_are_refused(tmp_path: Path) -> None:
    save_tensors(tmp_path / "other.safetensors", {"weight": torch.zeros(2)}, {})
    with pytest.raises(CorruptData, match="no vision transformer"):
        open_backbone(str(tmp_path / "other.safetensors"))
    with pytest.raises(ModelUnavailable, match="neither a model nor a model folder"):
        open_backbone(str(tmp_path / "gone.safetensors"))


def test_the_fingerprint_follows_heads_and_backbone(
    make_model: MakeModel, pictures: list[Picture], tmp_path: Path
) -> None:
    backbone = open_backbone(str(make_model("clip")))
    prints = set()
    for n, share in enumerate((0.0, 0.5, 0.5)):
        folder = adapted(tmp_path / f"mine-{n}", backbone, heads(backbone, pictures[:1], share=share))
        prints.add(AdaptedEncoder.load(folder).fingerprint)
    assert len(prints) == 2
    assert backbone.fingerprint not in prints


def test_a_changed_or_missing_backbone_is_named(make_model: MakeModel, pictures: list[Picture], tmp_path: Path) -> None:
    model = make_model("clip")
    backbone = open_backbone(str(model))
    folder = adapted(tmp_path / "mine", backbone, heads(backbone, pictures[:1], share=0))
    (model / "preprocessor_config.json").write_text(
        json.dumps(json.loads((model / "preprocessor_config.json").read_text()) | {"resample": 2})
    )
    with pytest.raises(ModelUnavailable, match=r"another .*tiny-clip.*run sherd adapt again"):
        AdaptedEncoder.load(folder)
    model.rename(tmp_path / "elsewhere")
    with pytest.raises(ModelUnavailable, match=r"stand on the backbone .*tiny-clip, which is not here"):
        AdaptedEncoder.load(folder)


def test_files_that_are_missing_or_strange_are_named(tmp_path: Path) -> None:
    (tmp_path / "adapter.json").write_text("{}")
    with pytest.raises(ModelUnavailable, match=r"heads\.safetensors missing"):
        AdaptedEncoder.load(tmp_path)
    with pytest.raises(ModelUnavailable, match=r"heads\.safetensors missing"):
        check_folder(tmp_path)
    (tmp_path / "heads.safetensors").write_bytes(b"junk")
    with pytest.raises(CorruptData, match="names no backbone"):
        AdaptedEncoder.load(tmp_path)
    with pytest.raises(CorruptData, match="not a complete safetensors"):
        check_folder(tmp_path)


def test_adapted_models_are_imported_verified_and_loaded_by_name(
    make_model: MakeModel, pictures: list[Picture], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHERD_MODELS", str(tmp_path / "models"))
    backbone = open_backbone(str(make_model("clip")))
    folder = adapted(tmp_path / "made", backbone, heads(backbone, pictures[:1], share=0.5))
    (folder / "README.md").write_text("a card")
    assert folder_kind(folder) is ModelKind.ADAPTED
    done = import_folder(folder, name="mine")
    assert done.files == 3
    assert verify_folder("mine", done.path) == (3, [])
    encoder = load_encoder("mine")
    assert encoder.name == "mine"
    assert encoder.fingerprint == AdaptedEncoder.load(folder).fingerprint
    with pytest.raises(InvalidArgument, match="cannot be a backbone"):
        open_backbone("mine")
    with pytest.raises(InvalidArgument, match="cannot be a backbone"):
        open_backbone("toy")


@pytest.fixture(scope="module")
def museum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of 100 small pictures of two shapes, in two colours that their titles name."""
    root = tmp_path_factory.mktemp("museum")
    records = []
    for n in range(100):
        name, colour = (("red", (200, n, n)), ("green", (n, 200, n)))[n % 2]
        Image.new("RGB", (24, 24 + 24 * (n % 3 == 0)), colour).save(root / f"{n}.png")
        records.append(Record(f"r{n}", (SourceImage(f"{n}.png"),), titles={"en": f"a {name} tile"}, motifs=(name,)))
    with DecoderPool(1) as pool:
        ingest(root / "library", ListSource(root, records), pool)
    return root / "library"


@pytest.mark.parametrize("family", ["clip", "siglip", "fgclip2"])
def test_a_hub_model_is_given_heads_and_found_by_their_name(
    make_model: MakeModel, museum: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    monkeypatch.setenv("SHERD_MODELS", str(tmp_path / "models"))
    settings = AdaptSettings(steps=10, batch=16, check_every=10)
    done = adapt(museum, str(make_model(family)), name="mine", settings=settings)
    backbone = open_backbone(str(make_model(family)))
    kept = museum / "features" / backbone.fingerprint[:16]
    assert len(list(kept.glob("pictures-*.safetensors"))) == 2
    encoder = load_encoder("mine")
    made = encoder.encode_images([np.full((48, 24, 3), 90, np.uint8)])
    assert made.object.shape == (1, backbone.text_dim)
    assert made.parts.shape == (1, 8, backbone.text_dim)
    assert done.validation[1].score >= done.validation[0].score
    assert json.loads((tmp_path / "models" / "mine" / "adapter.json").read_text())["backbone"] == backbone.name
