"""Which encoders there are by name, which kinds of model folder can be read, and where models lie on this machine."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path

import platformdirs

from sherd.errors import InvalidArgument, ModelUnavailable

MODELS_VARIABLE = "SHERD_MODELS"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class ModelKind(StrEnum):
    """How an encoder is run."""

    TOY = "toy"
    ONNX = "onnx"
    HUB = "hub"
    ADAPTED = "adapted"


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of hub model (`model_type` in its config.json), and how it was taught to read.

    max_tokens: texts are cut to this length, the closing token kept. padded_to_full: texts are filled up to max_tokens
    and the filling is read too, for the model was trained so; else the filling is masked.
    folded: text is put in lower case first.
    """

    model_type: str
    max_tokens: int
    padded_to_full: bool = False
    folded: bool = False


FAMILIES: dict[str, Family] = {
    family.model_type: family
    for family in (
        Family("clip", max_tokens=77),
        # 52: what Chinese-CLIP was trained with, though its text tower has room for 512.
        Family("chinese_clip", max_tokens=52),
        Family("siglip", max_tokens=64, padded_to_full=True, folded=True),
        Family("siglip2", max_tokens=64, padded_to_full=True, folded=True),
        Family("fgclip2", max_tokens=64, padded_to_full=True, folded=True),
    )
}
"""Kinds of model folder that can be read. Anything else is refused by name."""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """An encoder with a name of its own. `size_bytes` is about what its files take on disk."""

    name: str
    kind: ModelKind
    licence: str
    languages: str
    note: str
    hub_id: str | None = None
    model_type: str | None = None
    size_bytes: int = 0


KNOWN: dict[str, KnownModel] = {
    model.name: model
    for model in (
        KnownModel("builtin", ModelKind.ONNX, "Apache-2.0", "zh en", "ships with Sherd; needs nothing else"),
        KnownModel(
            "toy", ModelKind.TOY, "Apache-2.0", "colour words", "no weights; for trying things out and for tests"
        ),
        KnownModel(
            "siglip2-base",
            ModelKind.HUB,
            "Apache-2.0",
            "en, and many others with zh",
            "general photographs, strong in English",
            "google/siglip2-base-patch16-256",
            "siglip",
            1_540_000_000,
        ),
        KnownModel(
            "chinese-clip-base",
            ModelKind.HUB,
            "MIT (the code's; the card names none)",
            "zh",
            "general photographs, Chinese",
            "OFA-Sys/chinese-clip-vit-base-patch16",
            "chinese_clip",
            754_000_000,
        ),
        KnownModel(
            "fg-clip2-base",
            ModelKind.HUB,
            "Apache-2.0",
            "zh en",
            "trained for parts as well as wholes; vectors are twice as wide",
            "qihoo360/fg-clip2-base",
            "fgclip2",
            1_560_000_000,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class ModelSource:
    """What a name means: how to run it, and the folder it lies in (None where there is none)."""

    name: str
    kind: ModelKind
    folder: Path | None = None


def builtin_folder() -> Path:
    """Where the shipped model lies."""
    return Path(str(files("sherd.encoder").joinpath("models")))


def models_folder() -> Path:
    """Where imported models lie: the environment's SHERD_MODELS, else `models` in the user's data folder."""
    named = os.environ.get(MODELS_VARIABLE)
    return Path(named).expanduser() if named else platformdirs.user_data_path("sherd") / "models"


def installed() -> dict[str, Path]:
    """Imported models on this machine, name to folder, in order of name."""
    folder = models_folder()
    if not folder.is_dir():
        return {}
    return {path.name: path for path in sorted(folder.iterdir()) if _NAME.fullmatch(path.name) and folder_kind(path)}


def resolve(name_or_path: str) -> ModelSource:
    """What to load for a name or a path. Reads the disk, never the network.

    A name is looked up first among the built-in encoders, then among the imported models, then, for a known hub model,
    in the cache that other Hugging Face programs fill on this machine. What is neither is taken as a path.
    Raises:
        ModelUnavailable: no such model here; the message tells how to get it.
    """
    known = KNOWN.get(name_or_path)
    if known is not None and known.kind is ModelKind.TOY:
        return ModelSource(known.name, known.kind)
    if known is not None and known.kind is ModelKind.ONNX:
        return ModelSource(known.name, known.kind, builtin_folder())
    if _NAME.fullmatch(name_or_path):
        folder = models_folder() / name_or_path
        kind = folder_kind(folder)
        if kind is None and known is not None and known.hub_id is not None:
            folder = _hub_cache(known.hub_id) or folder
            kind = folder_kind(folder)
        if kind is not None:
            return ModelSource(name_or_path, kind, folder)
        if known is not None:
            raise ModelUnavailable(how_to_get(known))
    path = Path(name_or_path).expanduser()
    kind = folder_kind(path)
    if kind is not None:
        return ModelSource(path.resolve().name, kind, path)
    if path.is_dir():
        raise ModelUnavailable(
            f"{name_or_path}: no model folder; it holds neither config.json (a hub model) nor image.onnx (one made by "
            "sherd train) nor adapter.json (by sherd adapt)"
        )
    names = ", ".join([*KNOWN, *(name for name in installed() if name not in KNOWN)])
    raise ModelUnavailable(f"{name_or_path}: neither a model nor a model folder. Models by name: {names}")


def how_to_get(known: KnownModel) -> str:
    """What to do when a known hub model is not on this machine."""
    return (
        f"{known.name} is not on this machine, and Sherd downloads nothing by itself. On a machine with a network run "
        f"`hf download {known.hub_id} --local-dir {known.name}` (about {known.size_bytes / 1e9:.1f} GB, licence "
        f"{known.licence}), bring the folder here, and run `sherd models import {known.name}`"
    )


def folder_kind(folder: Path) -> ModelKind | None:
    """Whether `folder` looks like an exported model, an adapted one or a hub model; None if like none of them."""
    if (folder / "image.onnx").is_file():
        return ModelKind.ONNX
    if (folder / "adapter.json").is_file():
        return ModelKind.ADAPTED
    return ModelKind.HUB if (folder / "config.json").is_file() else None


def checked_name(name: str) -> str:
    """`name`, if a model may be imported under it.

    Raises:
        InvalidArgument: characters other than a-z 0-9 . _ -, too long, or the name of a built-in encoder.
    """
    if not _NAME.fullmatch(name):
        raise InvalidArgument(f"model name {name!r}: use 1 to 64 of a-z 0-9 . _ -, beginning with a letter or digit")
    if name in KNOWN and KNOWN[name].kind is not ModelKind.HUB:
        raise InvalidArgument(f"model name {name!r} is taken by an encoder that ships with Sherd; choose another")
    return name


def suggested_name(folder: Path) -> str:
    """The name a folder is imported under when nobody gave one: the known model it was downloaded from, else its own.

    >>> suggested_name(Path("downloads/siglip2-base-patch16-256")), suggested_name(Path("My Model"))
    ('siglip2-base', 'my-model')
    """
    places = [part.lower().replace("models--", "").replace("--", "/") for part in folder.parts]
    for known in KNOWN.values():
        if known.hub_id and any(p in (known.hub_id.lower(), known.hub_id.lower().split("/")[1]) for p in places[-3:]):
            return known.name
    return re.sub(r"[^a-z0-9._-]+", "-", folder.name.lower()).strip("-._")[:64]


def _hub_cache(hub_id: str) -> Path | None:
    """The newest snapshot of `hub_id` in the Hugging Face cache, found without importing or asking anything."""
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface").expanduser()
    cache = Path(os.environ.get("HF_HUB_CACHE") or home / "hub").expanduser()
    model = cache / f"models--{hub_id.replace('/', '--')}"
    try:
        revision = (model / "refs" / "main").read_text("utf-8").strip()
    except OSError:
        return None
    return model / "snapshots" / revision if re.fullmatch(r"[0-9a-f]{40}", revision) else None
