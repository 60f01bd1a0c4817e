"""Encoders from the Hugging Face hub: read with transformers from safetensors, never with code of the model's own."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sherd.encoder.fingerprint import fingerprint
from sherd.encoder.folders import ModelFiles, check_folder, read_json
from sherd.encoder.hub_backbones import BACKBONES, Backbone, ImageSettings
from sherd.encoder.parts import PatchEncoder, cluster_parts, unit
from sherd.encoder.registry import ModelKind
from sherd.encoder.tokens import TokenReader
from sherd.errors import CorruptData, InvalidArgument, MissingExtra, ModelUnavailable
from sherd.types import Embeddings, FloatArray, Picture

HUB_VERSION = 1
"""Goes into every fingerprint: to be raised by any change here that changes a vector."""
PARTS = 8
_BATCH = 16
_TEXT_BATCH = 32
_VECTOR_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "config.json",
                 "preprocessor_config.json", "processor_config.json")  # fmt: skip


class HubEncoder(PatchEncoder):
    """See `Encoder`. The whole picture is squeezed to the model's square, never cropped: boxes are fractions of it.

    A patch vector is what the last step of the vision tower makes of that patch alone, so it stays in its place.
    Source: Zhou et al., "Extract Free Dense Labels from CLIP", ECCV 2022, for CLIP; likewise SigLIP's pooling head.
    """

    def __init__(self, backbone: Backbone, reader: TokenReader, *, name: str, fingerprint: str, parts: int) -> None:
        self._backbone = backbone
        self._reader = reader
        self.name = name
        self.fingerprint = fingerprint
        self.dim = backbone.dim
        self.parts_per_image = parts

    @classmethod
    def load(
        cls, folder: Path, *, name: str | None = None, device: str = "cpu", threads: int | None = None
    ) -> HubEncoder:
        """The encoder in `folder`.

        Args:
            name: what a person calls it; the folder's name if not given.
            device: `cpu`, `cuda`, or `auto` (cuda where there is one). The fingerprint does not depend on it.
            threads: of the processor; torch's own choice if not given.
        Raises:
            ModelUnavailable: see `check_folder`; or the weights are of another size than config.json says.
            CorruptData: a file cannot be read, or the weights are incomplete or not finite.
            MissingExtra: transformers or torch is not installed.
        """
        model_files = check_folder(folder)
        if model_files.kind is not ModelKind.HUB or model_files.family is None or model_files.config is None:
            raise ModelUnavailable(f"{folder}: not a hub model but one exported by sherd train")
        torch, transformers = _libraries()
        if threads is not None:
            torch.set_num_threads(threads)
        place = _place(torch, device)
        model = _load_model(torch, transformers, folder, model_files)
        settings = _image_settings(folder, model.config.vision_config)
        family = model_files.family
        backbone = BACKBONES[family.model_type](torch, transformers, model.to(place), settings)
        positions = int(model.config.text_config.max_position_embeddings)
        reader = TokenReader(folder, family, max_tokens=min(family.max_tokens, positions))
        cells = settings.max_patches if settings.size_px == 0 else (settings.size_px // settings.patch_px) ** 2
        parts = min(PARTS, cells)
        vectors_come_from = [*model_files.weights, *(p for p in model_files.others if p.name in _VECTOR_FILES)]
        code = {"encoder": "hub", "version": HUB_VERSION, "family": family.model_type, "parts": parts}
        return cls(
            backbone, reader, name=name or folder.name, fingerprint=fingerprint(vectors_come_from, code), parts=parts
        )

    def encode_images(self, pictures: Sequence[Picture]) -> Embeddings:
        k = self.parts_per_image
        whole = np.zeros((len(pictures), self.dim), np.float32)
        parts = np.zeros((len(pictures), k, self.dim), np.float32)
        boxes = np.zeros((len(pictures), k, 4), np.float32)
        for start in range(0, len(pictures), _BATCH):
            batch = pictures[start : start + _BATCH]
            seen, grids = self._backbone.look(batch)
            whole[start : start + len(batch)] = unit(seen)
            for n, (picture, grid) in enumerate(zip(batch, grids, strict=True), start):
                aspect = picture.shape[1] / picture.shape[0]
                found, where = cluster_parts(unit(grid)[None], k, aspect=aspect)
                parts[n], boxes[n] = found[0], where[0]
        return Embeddings(whole, parts, boxes)

    def encode_text(self, texts: Sequence[str]) -> FloatArray:
        rows = [np.zeros((0, self.dim), np.float32)]
        for start in range(0, len(texts), _TEXT_BATCH):
            rows.append(unit(self._backbone.read(*self._reader.read(texts[start : start + _TEXT_BATCH]))))
        return np.concatenate(rows)

    def tap(self, pictures: Sequence[Picture]) -> tuple[FloatArray, list[FloatArray], list[FloatArray]]:
        """Unit vectors (n, D), and of each picture unit patch vectors (h, w, D) and blocks (h, w, TAPS, width)."""
        whole, grids, blocks = self._backbone.tap(pictures)
        return unit(whole), [unit(grid) for grid in grids], blocks

    @property
    def largest_grid(self) -> int:
        """Cells a side of a square picture's grid, at the most."""
        return self._backbone.side

    @property
    def tap_dim(self) -> int:
        """Width of what a block says of a patch."""
        return self._backbone.tap_dim

    def patches(self, picture: Picture) -> FloatArray:
        """(h, w, D) unit patch vectors of one picture."""
        return unit(self._backbone.look([picture])[1][0])


_CLASSES = {
    "clip": ("CLIPModel", "CLIPConfig"),
    "chinese_clip": ("ChineseCLIPModel", "ChineseCLIPConfig"),
    "siglip": ("SiglipModel", "SiglipConfig"),
    "siglip2": ("Siglip2Model", "Siglip2Config"),
    "fgclip2": ("", "Siglip2Config"),
}


def _libraries() -> tuple[Any, Any]:
    try:
        return importlib.import_module("torch"), importlib.import_module("transformers")
    except ImportError as error:
        raise MissingExtra(
            f"hub models need {error.name or 'transformers'}, which is not installed; run: pip install 'sherd[hub]'"
        ) from error


def _place(torch: Any, device: str) -> str:
    if device not in ("cpu", "cuda", "auto"):
        raise InvalidArgument(f"device is {device!r}; give cpu, cuda or auto")
    if device != "cpu" and torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        raise InvalidArgument("device is cuda, but torch finds none here; give cpu or auto")
    return "cpu"


def _load_model(torch: Any, transformers: Any, folder: Path, model_files: ModelFiles) -> Any:
    """The network with its weights, in float32 and ready to answer."""
    assert model_files.family is not None
    assert model_files.config is not None
    kind = model_files.family.model_type
    model_class, config_class = _CLASSES[kind]
    try:
        cls = getattr(transformers, model_class) if model_class else _fg_clip2_class(torch, transformers)
        plain = _plain(model_files.config, drop_types=kind == "fgclip2")
        with _quiet(transformers):
            config = getattr(transformers, config_class).from_dict(plain)
            model, report = cls.from_pretrained(
                folder,
                config=config,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                attn_implementation="sdpa",  # a name from config.json could fetch a kernel's code
                dtype=torch.float32,
                output_loading_info=True,
            )
    except (RuntimeError, ValueError, TypeError, KeyError, OSError) as error:
        raise CorruptData(
            f"{folder}: the weights do not fit config.json ({error}); download the model again"
        ) from error
    missing = sorted(report["missing_keys"])
    if missing:
        raise CorruptData(f"{folder}: {len(missing)} weights missing, first {missing[0]}; download the model again")
    broken = [name for name, value in model.named_parameters() if not torch.isfinite(value).all()]
    if broken:
        raise CorruptData(f"{folder}: weights that are not finite, first {broken[0]}; download the model again")
    return model.eval().requires_grad_(False)


def _fg_clip2_class(torch: Any, transformers: Any) -> Any:
    """SigLIP 2 with FG-CLIP 2's heads for parts. Its table for long texts is left unread: a query is short."""
    siglip2 = importlib.import_module("transformers.models.siglip2.modeling_siglip2")

    class FgClip2Model(transformers.Siglip2Model):  # type: ignore[misc]
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            width = config.text_config.hidden_size
            self.boxtext_head = torch.nn.Linear(width, width)
            self.dense_feature_head = siglip2.Siglip2MultiheadAttentionPoolingHead(config.vision_config)
            self.post_init()

    return FgClip2Model


def _plain(config: Mapping[str, Any], *, drop_types: bool) -> dict[str, Any]:
    """The configuration without what names code or places."""
    dropped = {"auto_map", "_name_or_path", "attn_implementation", "_attn_implementation", "dtype", "torch_dtype"}
    dropped |= {"model_type", "architectures"} if drop_types else set()
    return {
        key: _plain(value, drop_types=drop_types) if isinstance(value, dict) else value
        for key, value in config.items()
        if key not in dropped
    }


def _image_settings(folder: Path, vision: Any) -> ImageSettings:
    """From the folder's preprocessor settings; sizes from the vision tower's own configuration."""
    file = folder / "preprocessor_config.json"
    size_px = int(getattr(vision, "image_size", 0))
    usual = Image.Resampling.BICUBIC if size_px else Image.Resampling.BILINEAR
    try:
        given = read_json(file) if file.is_file() else read_json(folder / "processor_config.json")["image_processor"]
        settings = ImageSettings(
            mean=tuple(float(v) for v in given["image_mean"]),
            std=tuple(float(v) for v in given["image_std"]),
            resample=int(given.get("resample", usual)),
            patch_px=int(vision.patch_size),
            size_px=size_px,
            max_patches=int(given.get("max_num_patches", 256)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptData(f"{file}: unreadable picture settings ({error!r}); download the model again") from error
    if len(settings.mean) != 3 or len(settings.std) != 3 or min(settings.std) <= 0:
        raise CorruptData(f"{file}: image_mean and image_std must be three numbers, image_std above 0")
    return settings


@contextmanager
def _quiet(transformers: Any) -> Iterator[None]:
    """No progress bars and no reports on stderr while a model is read; what matters is raised."""
    logging = transformers.utils.logging
    before = logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()
