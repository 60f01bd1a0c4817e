from __future__ import annotations

import builtins
import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from sherd.encoder.hub import HubEncoder
from sherd.encoder.parts import pool_box
from sherd.encoder.protocol import Encoder
from sherd.errors import CorruptData, InvalidArgument, MissingExtra, ModelUnavailable
from sherd.types import Box, Picture

MakeModel = Callable[[str], Path]
SQUARE = ("clip", "chinese_clip", "siglip")
FAMILIES = (*SQUARE, "siglip2", "fgclip2")
WIDTH = {"clip": 24, "chinese_clip": 24, "siglip": 32, "siglip2": 32, "fgclip2": 64}
TEXTS = ("a red ding", "饕餮纹青铜鼎", "", "abc " * 60)


@pytest.mark.parametrize("family", FAMILIES)
def test_vectors_have_the_promised_shapes_and_unit_length(
    make_model: MakeModel, pictures: list[Picture], family: str
) -> None:
    encoder: Encoder = HubEncoder.load(make_model(family))
    assert encoder.dim == WIDTH[family]
    assert encoder.name == f"tiny-{family}"
    made = encoder.encode_images(pictures)
    k = encoder.parts_per_image
    assert k == 8
    assert made.object.shape == (5, encoder.dim)
    assert made.parts.shape == (5, k, encoder.dim)
    assert made.boxes.shape == (5, k, 4)
    texts = encoder.encode_text(TEXTS)
    assert texts.shape == (4, encoder.dim)
    for rows in (made.object, made.parts, texts):
        assert rows.dtype == np.float32
        assert_allclose(np.linalg.norm(rows, axis=-1), 1, atol=1e-5)
    assert (made.boxes >= 0).all()
    assert (made.boxes[..., :2] + made.boxes[..., 2:] <= 1 + 1e-6).all()
    assert encoder.encode_images([]).object.shape == (0, encoder.dim)
    assert encoder.encode_text([]).shape == (0, encoder.dim)
    assert encoder.encode_boxes(pictures[0], []).shape == (0, encoder.dim)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_second_load_gives_the_same_vectors_and_name(
    make_model: MakeModel, pictures: list[Picture], family: str
) -> None:
    folder = make_model(family)
    first, second = HubEncoder.load(folder), HubEncoder.load(folder, name="other", threads=1)
    assert first.fingerprint == second.fingerprint
    assert len(first.fingerprint) == 64
    assert_array_equal(first.encode_images(pictures).parts, second.encode_images(pictures).parts)
    assert_array_equal(first.encode_text(TEXTS), second.encode_text(TEXTS))


@pytest.mark.parametrize("family", FAMILIES)
def test_vectors_do_not_depend_on_what_else_is_in_the_batch(
    make_model: MakeModel, pictures: list[Picture], family: str
) -> None:
    encoder = HubEncoder.load(make_model(family))
    together = encoder.encode_images(pictures)
    for n, picture in enumerate(pictures):
        alone = encoder.encode_images([picture])
        assert_allclose(alone.object[0], together.object[n], atol=2e-5)
        assert_allclose(alone.parts[0], together.parts[n], atol=2e-5)
    texts = encoder.encode_text(TEXTS)
    for n, text in enumerate(TEXTS):
        assert_allclose(encoder.encode_text([text])[0], texts[n], atol=2e-5)


@pytest.mark.parametrize("family", SQUARE)
def test_pictures_agree_with_the_model_called_by_hand(
    make_model: MakeModel, pictures: list[Picture], family: str
) -> None:
    import torch
    import transformers

    folder = make_model(family)
    processor_class, model_class = {
        "clip": (transformers.CLIPImageProcessorPil, transformers.CLIPModel),
        "chinese_clip": (transformers.ChineseCLIPImageProcessorPil, transformers.ChineseCLIPModel),
        "siglip": (transformers.SiglipImageProcessorPil, transformers.SiglipModel),
    }[family]
    processor = processor_class.from_pretrained(folder, size={"height": 32, "width": 32}, do_center_crop=False)
    model = model_class.from_pretrained(folder).eval()
    pixels = processor([Image.fromarray(p) for p in pictures], return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        seen = model.get_image_features(pixel_values=pixels, output_hidden_states=True)
        if family == "siglip":
            patches = torch.stack([model.vision_model.head(seen.last_hidden_state[:, i : i + 1]) for i in range(16)], 1)
        else:
            layer, norm = model.vision_model.encoder.layers[-1], model.vision_model.post_layernorm
            inputs = [seen.hidden_states[-2][:, i : i + 1] for i in range(1, 17)]
            # One patch attends to itself alone, so attention is its value projection: written out by hand.
            own = [x + layer.self_attn.out_proj(layer.self_attn.v_proj(layer.layer_norm1(x))) for x in inputs]
            own = [x + layer.mlp(layer.layer_norm2(x)) for x in own]
            patches = torch.cat([model.visual_projection(norm(x)) for x in own], 1)
    encoder = HubEncoder.load(folder)
    whole = seen.pooler_output.numpy()
    assert_allclose(encoder.encode_images(pictures).object, whole / np.linalg.norm(whole, axis=1)[:, None], atol=1e-5)
    grid = patches[2].numpy().reshape(4, 4, -1)
    assert_allclose(encoder.patches(pictures[2]), grid / np.linalg.norm(grid, axis=2)[..., None], atol=1e-5)


@pytest.mark.parametrize("family", ["siglip", "siglip2"])
def test_siglip_reads_lower_case_filled_to_64_on_the_right(make_model: MakeModel, family: str) -> None:
    import torch
    import transformers

    folder = make_model(family)
    cls = transformers.SiglipModel if family == "siglip" else transformers.Siglip2Model
    model = cls.from_pretrained(folder).eval()
    ids = torch.zeros(1, 64, dtype=torch.long)  # <pad> is 0, <eos> 1, letters from 4
    ids[0, :4] = torch.tensor([4, 5, 6, 1])
    with torch.no_grad():
        wanted = model.get_text_features(input_ids=ids).pooler_output.numpy()[0]
    made = HubEncoder.load(folder).encode_text(["ABC"])[0]
    assert_allclose(made, wanted / np.linalg.norm(wanted), atol=1e-5)


@pytest.mark.parametrize("family", ["clip", "chinese_clip"])
def test_masked_filling_changes_nothing(make_model: MakeModel, family: str) -> None:
    import torch
    import transformers

    folder = make_model(family)
    cls = transformers.CLIPModel if family == "clip" else transformers.ChineseCLIPModel
    model = cls.from_pretrained(folder).eval()
    text, ids = ("abc", [1, 4, 5, 6, 3]) if family == "clip" else ("红 B", [2, 5 + 29 + 6, 6, 3])
    with torch.no_grad():
        wanted = model.get_text_features(input_ids=torch.tensor([ids])).pooler_output.numpy()[0]
    made = HubEncoder.load(folder).encode_text([text, "a much longer text"])[0]
    assert_allclose(made, wanted / np.linalg.norm(wanted), atol=1e-5)


def test_the_grid_of_siglip2_follows_the_picture(make_model: MakeModel) -> None:
    encoder = HubEncoder.load(make_model("siglip2"))
    for h, w in ((100, 50), (50, 100), (64, 64)):
        rows, columns, _ = encoder.patches(np.zeros((h, w, 3), np.uint8)).shape
        assert rows * columns <= 20
        assert (rows > columns, rows == columns) == (h > w, h == w)


def test_fg_clip2_compares_words_with_wholes_and_with_parts_as_the_model_does(
    make_model: MakeModel, pictures: list[Picture]
) -> None:
    import torch
    import transformers
    from safetensors.torch import load_file

    folder = make_model("fgclip2")
    encoder = HubEncoder.load(folder)
    weights = load_file(folder / "model.safetensors")
    config = transformers.Siglip2Config(
        **{
            key: {k: v for k, v in json.loads((folder / "config.json").read_text())[key].items() if k != "model_type"}
            for key in ("text_config", "vision_config")
        }
    )
    model = transformers.Siglip2Model(config).eval()
    model.load_state_dict(weights, strict=False)
    picture = pictures[0]
    processor = transformers.Siglip2ImageProcessorPil(patch_size=8, image_mean=[0.5] * 3, image_std=[0.5] * 3)
    inputs = processor([Image.fromarray(picture)], max_num_patches=128, return_tensors="pt")
    h, w = inputs["spatial_shapes"][0].tolist()
    ids = torch.zeros(1, 64, dtype=torch.long)
    ids[0, :4] = torch.tensor([4, 5, 6, 1])
    with torch.no_grad():
        seen = model.get_image_features(**inputs)
        text = model.get_text_features(input_ids=ids)
        x = seen.last_hidden_state[0, : h * w]
        q, k, v = (x @ weights["dense_feature_head.attention.in_proj_weight"].T
                   + weights["dense_feature_head.attention.in_proj_bias"]).chunk(3, -1)  # fmt: skip
        heads = []
        for i in range(0, 32, 8):  # four heads of eight, by hand
            shares = torch.softmax(q[:, i : i + 8] @ k[:, i : i + 8].T / 8**0.5, -1)
            heads.append(shares @ v[:, i : i + 8])
        mixed = torch.cat(heads, 1) @ weights["dense_feature_head.attention.out_proj.weight"].T
        mixed = mixed + weights["dense_feature_head.attention.out_proj.bias"]
        head = type(model.vision_model.head)(config.vision_config)
        head.load_state_dict({n[19:]: t for n, t in weights.items() if n.startswith("dense_feature_head.")})
        dense = torch.nn.functional.normalize(mixed + head.mlp(head.layernorm(mixed)), dim=-1).numpy()
        about_parts = text.last_hidden_state[0, -1] @ weights["boxtext_head.weight"].T + weights["boxtext_head.bias"]
        about_parts = torch.nn.functional.normalize(about_parts, dim=0).numpy()
        wanted = float(torch.cosine_similarity(seen.pooler_output[0], text.pooler_output[0], 0))
    words = encoder.encode_text(["abc"])[0]
    assert float(encoder.encode_images([picture]).object[0] @ words) * 2**0.5 == pytest.approx(wanted, abs=1e-5)
    assert_allclose(encoder.heat(picture, words) * 2**0.5, (dense @ about_parts).reshape(h, w), atol=1e-5)


@pytest.mark.parametrize("family", ["clip", "siglip2", "fgclip2"])
def test_boxes_and_heat_are_read_from_the_same_patches_as_parts(
    make_model: MakeModel, pictures: list[Picture], family: str
) -> None:
    encoder = HubEncoder.load(make_model(family))
    patches = encoder.patches(pictures[1])
    boxes = [Box(0, 0, 1, 1), Box(0.5, 0.25, 0.3, 0.5)]
    made = encoder.encode_boxes(pictures[1], boxes)
    assert_allclose(made, np.stack([pool_box(patches, box) for box in boxes]), atol=1e-6)
    assert_allclose(encoder.heat(pictures[1], made[1]), patches @ made[1], atol=1e-6)


def test_the_edges_of_a_wide_picture_are_seen(make_model: MakeModel) -> None:
    encoder = HubEncoder.load(make_model("clip"))  # its preprocessor_config.json asks for a centre crop
    plain = np.full((60, 240, 3), 90, np.uint8)
    marked = plain.copy()
    marked[:, :30] = (250, 10, 10)
    made = encoder.encode_images([plain, marked]).object
    assert float(made[0] @ made[1]) < 0.999


def test_the_fingerprint_follows_weights_tokenizer_and_pixels_but_not_the_read_me(make_model: MakeModel) -> None:
    folder = make_model("siglip")
    seen = [HubEncoder.load(folder).fingerprint]
    (folder / "README.md").write_text("a card")
    assert HubEncoder.load(folder).fingerprint == seen[0]
    for name, change in (("preprocessor_config.json", {"resample": 2}), ("tokenizer_config.json", {"extra": 1})):
        content = json.loads((folder / name).read_text()) | change
        (folder / name).write_text(json.dumps(content))
        seen.append(HubEncoder.load(folder).fingerprint)
    _change_weights(folder, lambda tensors: {name: tensor + 0.01 for name, tensor in tensors.items()})
    seen.append(HubEncoder.load(folder).fingerprint)
    assert len(set(seen)) == 4


def test_incomplete_unfitting_and_infinite_weights_are_refused(make_model: MakeModel) -> None:
    folder = make_model("siglip")
    whole = (folder / "model.safetensors").read_bytes()
    name = "vision_model.head.probe"
    _change_weights(folder, lambda tensors: {n: t for n, t in tensors.items() if n != name})
    with pytest.raises(CorruptData, match=f"1 weights missing, first {name}"):
        HubEncoder.load(folder)
    (folder / "model.safetensors").write_bytes(whole)
    _change_weights(folder, lambda tensors: {n: t * float("nan") if n == name else t for n, t in tensors.items()})
    with pytest.raises(CorruptData, match=f"not finite, first {name}"):
        HubEncoder.load(folder)
    (folder / "model.safetensors").write_bytes(whole)
    config = json.loads((folder / "config.json").read_text())
    config["vision_config"]["intermediate_size"] = 40
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CorruptData, match=r"do not fit config\.json"):
        HubEncoder.load(folder)


def test_weights_kept_in_half_precision_are_used_in_single(make_model: MakeModel, pictures: list[Picture]) -> None:
    folder = make_model("chinese_clip")
    before = HubEncoder.load(folder).encode_images(pictures).object
    _change_weights(folder, lambda tensors: {n: t.half() if t.is_floating_point() else t for n, t in tensors.items()})
    config = json.loads((folder / "config.json").read_text()) | {"dtype": "float16", "torch_dtype": "float16"}
    (folder / "config.json").write_text(json.dumps(config))
    after = HubEncoder.load(folder).encode_images(pictures).object
    assert ((before * after).sum(1) > 0.999).all()


@pytest.mark.parametrize(
    "settings",
    [{}, {"image_mean": [0, 0, 0], "image_std": [1, 1, 0]}, {"image_mean": "x", "image_std": [1, 1, 1]}],
)
def test_unusable_picture_settings_are_refused(make_model: MakeModel, settings: dict[str, Any]) -> None:
    folder = make_model("siglip")
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    with pytest.raises(CorruptData, match=r"preprocessor_config\.json"):
        HubEncoder.load(folder)


def test_picture_settings_are_found_in_the_newer_file_too(make_model: MakeModel, pictures: list[Picture]) -> None:
    folder = make_model("siglip")
    before = HubEncoder.load(folder).encode_images(pictures).object
    old = folder / "preprocessor_config.json"
    (folder / "processor_config.json").write_text(json.dumps({"image_processor": json.loads(old.read_text())}))
    old.unlink()
    assert_array_equal(HubEncoder.load(folder).encode_images(pictures).object, before)


def test_a_siglip_without_a_filling_token_is_refused(make_model: MakeModel) -> None:
    folder = make_model("siglip")
    (folder / "tokenizer_config.json").write_text("{}")
    with pytest.raises(ModelUnavailable, match="pad_token"):
        HubEncoder.load(folder)


def test_a_broken_tokenizer_is_refused(make_model: MakeModel) -> None:
    folder = make_model("siglip")
    (folder / "tokenizer.json").write_text('{"model": 3}')
    with pytest.raises(CorruptData, match=r"tokenizer\.json"):
        HubEncoder.load(folder)


def test_devices_are_named_and_checked(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    folder = make_model("siglip")
    with pytest.raises(InvalidArgument, match="cpu, cuda or auto"):
        HubEncoder.load(folder, device="tpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InvalidArgument, match="torch finds none"):
        HubEncoder.load(folder, device="cuda")
    assert HubEncoder.load(folder, device="auto").encode_text(["a"]).shape == (1, 32)


def test_an_exported_model_is_not_read_as_a_hub_model(tmp_path: Path) -> None:
    for name in ("image.onnx", "text.onnx", "tokenizer.json", "model.json"):
        (tmp_path / name).touch()
    with pytest.raises(ModelUnavailable, match="sherd train"):
        HubEncoder.load(tmp_path)


def test_a_missing_library_names_the_extra(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_model("siglip")
    real = importlib.import_module

    def without(name: str, package: str | None = None) -> Any:
        if name == "transformers":
            raise ImportError("No module named 'transformers'", name="transformers")
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(MissingExtra, match=r"sherd\[hub\]"):
        HubEncoder.load(folder)


def test_loading_opens_no_connection_and_no_pickle(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_model("fgclip2")
    (folder / "modeling_fgclip2.py").write_text("raise SystemExit('code of the model was run')")
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04")
    opened: list[str] = []
    real = builtins.open

    def watch(file: Any, *args: Any, **kwargs: Any) -> Any:
        opened.append(str(file))
        return real(file, *args, **kwargs)

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(builtins, "open", watch)
    monkeypatch.setattr("socket.socket.connect", refuse)
    HubEncoder.load(folder)
    assert not [path for path in opened if path.endswith((".py", ".bin")) and str(folder) in path]


def test_loading_prints_nothing(make_model: MakeModel, capfd: pytest.CaptureFixture[str]) -> None:
    folder = make_model("fgclip2")
    capfd.readouterr()
    HubEncoder.load(folder)
    assert capfd.readouterr() == ("", "")


def test_nothing_heavy_is_imported_before_a_model_is_loaded() -> None:
    code = "import sys, sherd.encoder.hub; print([m for m in ('torch', 'transformers') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _change_weights(folder: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    save_file(change({name: tensor.clone() for name, tensor in load_file(path).items()}), path, {"format": "pt"})


def test_load_encoder_reads_an_imported_model_by_its_name(
    make_model: MakeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sherd.encoder import load_encoder

    monkeypatch.setenv("SHERD_MODELS", str(tmp_path / "models"))
    (tmp_path / "models").mkdir()
    make_model("clip").rename(tmp_path / "models" / "mine")
    assert load_encoder("mine").name == "mine"
