"""Model folders: checked before anything is loaded, brought into the models folder whole, verified later."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sherd.encoder.registry import (
    FAMILIES,
    KNOWN,
    Family,
    ModelKind,
    checked_name,
    folder_kind,
    models_folder,
    suggested_name,
)
from sherd.errors import CorruptData, InvalidArgument, ModelUnavailable

MANIFEST = "manifest.json"
_ONNX_FILES = ("image.onnx", "text.onnx", "tokenizer.json", "model.json")
_ADAPTED_FILES = ("heads.safetensors", "adapter.json")
_SMALL_FILES = (
    "config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "README.md",
    "LICENSE",
    "LICENSE.txt",
)
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".msgpack", ".h5")
_INDEX = "model.safetensors.index.json"
_WEIGHTS = "model.safetensors"
_HEADER_LIMIT_BYTES = 100_000_000


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """What of a folder belongs to the model. `family` and `config` are of hub models only."""

    kind: ModelKind
    weights: tuple[Path, ...]
    others: tuple[Path, ...]
    family: Family | None = None
    config: Mapping[str, Any] | None = None

    @property
    def all(self) -> tuple[Path, ...]:
        """Every file that the vectors depend on, in a fixed order, and what tells of its licence."""
        return (*self.weights, *self.others)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an installed model: missing, altered, extra or unlisted."""

    kind: str
    what: str
    where: str


@dataclass(frozen=True, slots=True)
class Imported:
    """A model that was brought in."""

    name: str
    path: Path
    files: int
    bytes: int


def check_folder(folder: Path) -> ModelFiles:
    """The files of the model in `folder`, once it is certain that reading them can run no code.

    Raises:
        ModelUnavailable: the weights are not safetensors, the model brings code of its own, it is of a kind Sherd does
            not know, or a needed file is missing.
        CorruptData: a file is not what its name says.
    """
    kind = folder_kind(folder)
    if kind is None:
        raise ModelUnavailable(f"{folder}: no config.json, image.onnx or adapter.json, so this is no model folder")
    if kind is ModelKind.ONNX:
        missing = [name for name in _ONNX_FILES if not (folder / name).is_file()]
        if missing:
            raise ModelUnavailable(f"{folder}: {', '.join(missing)} missing; export the model again")
        return ModelFiles(kind, tuple(folder / n for n in _ONNX_FILES[:2]), tuple(folder / n for n in _ONNX_FILES[2:]))
    if kind is ModelKind.ADAPTED:
        heads, about = (folder / name for name in _ADAPTED_FILES)
        if not heads.is_file():
            raise ModelUnavailable(f"{folder}: {heads.name} missing; run sherd adapt again")
        _check_safetensors(heads)
        card = folder / "README.md"
        return ModelFiles(kind, (heads,), (about, card) if card.is_file() else (about,))
    config = read_json(folder / "config.json")
    family = _family(folder, config)
    weights = _weights(folder)
    if not ((folder / "tokenizer.json").is_file() or (folder / "vocab.txt").is_file()):
        raise ModelUnavailable(f"{folder}: tokenizer.json is missing; download the whole model again")
    if not ((folder / "preprocessor_config.json").is_file() or (folder / "processor_config.json").is_file()):
        raise ModelUnavailable(f"{folder}: preprocessor_config.json is missing; download the whole model again")
    others = tuple(folder / name for name in (*_SMALL_FILES, _INDEX) if (folder / name).is_file())
    return ModelFiles(kind, weights, others, family, config)


def import_folder(folder: Path, *, name: str | None = None, replace: bool = False) -> Imported:
    """Copy the model in `folder` into the models folder, with the sha256 of every file in a manifest.

    Only the files that Sherd reads are taken. The copy appears under its name when it is complete, or not at all.
    Raises:
        ModelUnavailable, CorruptData: see `check_folder`.
        InvalidArgument: a bad name, one that is taken, or the name of a known model of another kind.
    """
    if not folder.is_dir():
        raise InvalidArgument(f"{folder}: no such folder; give the folder that holds config.json and model.safetensors")
    name = checked_name(name or suggested_name(folder.resolve()))
    model = check_folder(folder)
    known = KNOWN.get(name)
    if known is not None and (model.family is None or model.family.model_type != known.model_type):
        found = model.family.model_type if model.family else model.kind.value
        raise InvalidArgument(
            f"{name} is a {known.model_type} model, this one is {found}; give another name with --name"
        )
    target = models_folder() / name
    if target.exists() and not replace:
        raise InvalidArgument(f"{target} exists; import under another --name, or use --replace")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.parent / f".{name}.{os.getpid()}.partial"
    former = target.parent / f".{name}.{os.getpid()}.former"
    try:
        partial.mkdir()
        entries = {path.name: _copy(path, partial / path.name) for path in model.all}
        manifest = {"format": 1, "name": name, "model_type": model.family and model.family.model_type, "files": entries}
        _write(partial / MANIFEST, json.dumps(manifest, indent=1).encode())
        if target.exists():
            target.rename(former)
        partial.rename(target)
        _sync_folder(target.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(former, ignore_errors=True)
    return Imported(name, target, len(entries), sum(int(entry["bytes"]) for entry in entries.values()))


def verify_folder(name: str, folder: Path) -> tuple[int, list[Problem]]:
    """How many files of an installed model were read, and everything that differs from its manifest."""
    try:
        listed = read_json(folder / MANIFEST)["files"]
        wanted = {str(file): (str(entry["sha256"]), int(entry["bytes"])) for file, entry in listed.items()}
    except (OSError, CorruptData, KeyError, TypeError, ValueError, AttributeError):
        return 0, [Problem("unlisted", f"{name}: {MANIFEST} is missing or unreadable; import it again", str(folder))]
    problems = []
    for file, (digest, size) in sorted(wanted.items()):
        path = folder / file
        if Path(file).name != file or not path.is_file():
            problems.append(Problem("missing", f"{name}: {file}", str(path)))
        elif path.stat().st_size != size or _digest(path) != digest:
            problems.append(Problem("altered", f"{name}: {file}", str(path)))
    extra = sorted(path for path in folder.iterdir() if path.name not in wanted and path.name != MANIFEST)
    problems += [Problem("extra", f"{name}: {path.name}", str(path)) for path in extra]
    return len(wanted), problems


def size_bytes(folder: Path) -> int:
    """What the files of a folder take."""
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())


def as_dicts(problems: Iterable[Problem]) -> list[dict[str, str]]:
    """Problems in the form `sherd verify --json` uses."""
    return [asdict(problem) for problem in problems]


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        CorruptData: it holds none.
    """
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CorruptData(f"{path}: not readable as JSON ({error}); download the model again") from error
    if not isinstance(value, dict):
        raise CorruptData(f"{path}: a JSON object is expected; download the model again")
    return value


def _family(folder: Path, config: Mapping[str, Any]) -> Family:
    kind = str(config.get("model_type", ""))
    if kind not in FAMILIES:
        known = ", ".join(FAMILIES)
        if config.get("auto_map"):
            raise ModelUnavailable(
                f"{folder}: model type {kind!r} brings Python code of its own (auto_map in config.json), and Sherd "
                f"never runs code that comes with a model. Types it can read itself: {known}"
            )
        raise ModelUnavailable(f"{folder}: model type {kind!r} in config.json is not one Sherd can read: {known}")
    if config.get("quantization_config"):
        raise ModelUnavailable(f"{folder}: the weights are quantised; take the model in float32, float16 or bfloat16")
    return FAMILIES[kind]


def _weights(folder: Path) -> tuple[Path, ...]:
    """The safetensors files that hold the model, headers checked."""
    if (folder / _INDEX).is_file():
        shards = read_json(folder / _INDEX).get("weight_map")
        names = sorted({str(file) for file in shards.values()}) if isinstance(shards, dict) else []
    else:
        names = [_WEIGHTS]
    strange = [name for name in names if Path(name).name != name or not name.endswith(".safetensors")]
    if strange or not names:
        raise CorruptData(f"{folder / _INDEX}: names {', '.join(strange) or 'no files'}; download the model again")
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        pickles = sorted(path.name for path in folder.iterdir() if path.suffix in _PICKLES)
        if pickles:
            raise ModelUnavailable(
                f"{folder}: the weights are in {', '.join(pickles)}, a format that can run code when it is opened. "
                f"Sherd reads safetensors only: take a revision of the model that has {_WEIGHTS}"
            )
        raise ModelUnavailable(f"{folder}: {', '.join(missing)} missing; download the whole model again")
    for name in names:
        _check_safetensors(folder / name)
    return tuple(folder / name for name in names)


def _check_safetensors(path: Path) -> None:
    """Refuse a file whose header is not that of safetensors, whatever its name says."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        plausible = size > 8 and 2 <= length <= min(_HEADER_LIMIT_BYTES, size - 8)
        header = file.read(length) if plausible else b""
    try:
        tensors = json.loads(header)
        ends = [entry["data_offsets"][1] for key, entry in tensors.items() if key != "__metadata__"]
        whole = max(ends, default=0) == size - 8 - length
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise CorruptData(f"{path}: not a complete safetensors file, so it is not opened; download the model again")


def _copy(source: Path, target: Path) -> dict[str, str | int]:
    digest = hashlib.sha256()
    size = 0
    with source.open("rb") as reader, target.open("xb") as writer:
        while block := reader.read(1 << 20):
            digest.update(block)
            writer.write(block)
            size += len(block)
        writer.flush()
        os.fsync(writer.fileno())
    return {"sha256": digest.hexdigest(), "bytes": size}


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
