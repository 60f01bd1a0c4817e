"""Tiny hub models with chance weights, saved as transformers saves them, and read back by the real loading code."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from sherd.types import Picture

MakeModel = Callable[[str], Path]
_SMALL: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}


@pytest.fixture
def one_thread() -> Iterator[None]:
    """The machine is shared, and sums are then taken in one order."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def make_model(tmp_path: Path, one_thread: None) -> MakeModel:
    """Folder of a tiny model of the named family: clip, chinese_clip, siglip, siglip2 or fgclip2."""
    pytest.importorskip("transformers")

    def make(family: str) -> Path:
        folder = tmp_path / f"tiny-{family}"
        if not folder.exists():
            _save_model(family, folder)
            _save_tokenizer(family, folder)
        return folder

    return make


@pytest.fixture
def pictures() -> list[Picture]:
    """Five pictures of different shapes, made of coloured areas and noise."""
    rng = np.random.default_rng(7)
    made = []
    for h, w in ((64, 64), (90, 50), (48, 120), (200, 200), (33, 71)):
        areas = rng.integers(0, 256, (3, 4, 3))
        picture = np.kron(areas, np.ones((h // 3 + 1, w // 4 + 1, 1)))[:h, :w]
        made.append(np.clip(picture + rng.normal(0, 12, (h, w, 3)), 0, 255).astype(np.uint8))
    return made


def _save_model(family: str, folder: Path) -> None:
    import torch
    import transformers

    torch.manual_seed(3)
    square = {**_SMALL, "image_size": 32, "patch_size": 8}
    mean, std = [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]
    processor: dict[str, Any] = {"image_mean": mean, "image_std": std, "resample": 3, "size": 32}
    model: Any
    if family == "clip":
        text = {**_SMALL, "vocab_size": 120, "max_position_embeddings": 20, "bos_token_id": 1, "eos_token_id": 3}
        config: Any = transformers.CLIPConfig(text_config=text, vision_config=square, projection_dim=24)
        model = transformers.CLIPModel(config)
        processor |= {"do_center_crop": True, "crop_size": 32}
    elif family == "chinese_clip":
        text = {**_SMALL, "vocab_size": 120, "max_position_embeddings": 64}
        config = transformers.ChineseCLIPConfig(text_config=text, vision_config=square, projection_dim=24)
        model = transformers.ChineseCLIPModel(config)
    elif family == "siglip":
        text = {**_SMALL, "vocab_size": 120, "max_position_embeddings": 64}
        model = transformers.SiglipModel(transformers.SiglipConfig(text_config=text, vision_config=square))
    else:
        text = {**_SMALL, "vocab_size": 120, "max_position_embeddings": 64}
        vision = {**_SMALL, "patch_size": 8, "num_patches": 16}
        config = transformers.Siglip2Config(text_config=text, vision_config=vision)
        model = transformers.Siglip2Model(config)
        processor |= {"max_num_patches": 20, "patch_size": 8, "resample": 2}
        if family == "fgclip2":
            head = type(model.vision_model.head)(config.vision_config)
            # None of these is in transformers' SigLIP 2; the last three are for long texts, and Sherd leaves them.
            model.boxtext_head = torch.nn.Linear(32, 32)
            model.dense_feature_head = head
            model.longtext_head = torch.nn.Linear(32, 32)
            model.text_model.embeddings.position_embedding_res = torch.nn.Embedding(196, 32)
            model.text_model.embeddings.position_embedding_ori = torch.nn.Embedding(196, 32)
    with torch.no_grad():  # the usual starting values are so small that all pictures would look alike
        for value in model.parameters():
            if value.ndim > 1:
                value.copy_(torch.randn_like(value) * 0.3)
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    if family == "fgclip2":
        config_file = folder / "config.json"
        saved = json.loads(config_file.read_text())
        saved["model_type"] = "fgclip2"
        saved["auto_map"] = {"AutoModelForCausalLM": "modeling_fgclip2.FG_CLIP2_Model"}
        saved["text_config"] |= {"model_type": "fgclip2_text_model", "keep_len": 20, "longtext_len": 196}
        saved["vision_config"] |= {"model_type": "fgclip2_vision_model"}
        config_file.write_text(json.dumps(saved))


def _save_tokenizer(family: str, folder: Path) -> None:
    characters = [*"abcdefghijklmnopqrstuvwxyzABC", *"饕餮纹青铜鼎红绿", "▁", ",", "!"]
    settings: dict[str, Any]
    if family == "chinese_clip":
        vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters, *(f"##{c}" for c in characters)]
        (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", "utf-8")
        (folder / "tokenizer_config.json").write_text(json.dumps({"pad_token": "[PAD]"}))
        return
    if family == "clip":
        special = ["<pad>", "<start>", "<unk>", "<end>"]
        template, ends = "<start> $A <end>", [("<start>", 1), ("<end>", 3)]
        settings = {"pad_token": "<end>", "eos_token": "<end>"}
    else:
        special = ["<pad>", "<eos>", "<bos>", "<unk>"]
        template, ends = "$A <eos>", [("<eos>", 1)]
        # As the hub has it: a class that does not fold case, and fills on the left.
        settings = {"tokenizer_class": "GemmaTokenizer", "pad_token": "<pad>", "eos_token": {"content": "<eos>"},
                    "add_eos_token": True, "padding_side": "left"}  # fmt: skip
    vocabulary = [*special, *characters]
    tokenizer = Tokenizer(models.BPE({t: n for n, t in enumerate(vocabulary)}, [], unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_previous")
    tokenizer.decoder = decoders.Replace("▁", " ")
    tokenizer.post_processor = processors.TemplateProcessing(single=template, special_tokens=ends)
    tokenizer.enable_padding(direction="left", length=5)  # a setting of the file that must not be kept
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
