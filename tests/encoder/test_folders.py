from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from sherd.encoder import folders
from sherd.encoder.folders import check_folder, import_folder, verify_folder
from sherd.encoder.registry import ModelKind
from sherd.errors import CorruptData, InvalidArgument, ModelUnavailable


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHERD_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that passes the check, though its weights are one number."""
    made = tmp_path / "some-model"
    made.mkdir()
    _write_json(made / "config.json", {"model_type": "siglip"})
    _write_json(made / "preprocessor_config.json", {})
    _write_json(made / "tokenizer.json", {})
    (made / "model.safetensors").write_bytes(_safetensors(b"\0\0\0\0"))
    return made


class Canary:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return os.mkdir, (str(self.path),)


def test_a_sound_folder_is_read_in_a_fixed_order(folder: Path) -> None:
    (folder / "modeling_own.py").write_text("raise SystemExit")
    found = check_folder(folder)
    assert found.kind is ModelKind.HUB
    assert found.family is not None
    assert found.family.model_type == "siglip"
    assert [path.name for path in found.all] == [
        "model.safetensors", "config.json", "preprocessor_config.json", "tokenizer.json",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["pytorch_model.bin", "clip.pt", "weights.pth", "model.ckpt", "model.pkl"])
def test_pickled_weights_are_refused_by_name_and_not_opened(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(pickle.dumps(Canary(tmp_path / "ran")))
    with pytest.raises(ModelUnavailable, match=rf"{name}.*safetensors only"):
        check_folder(folder)
    assert not (tmp_path / "ran").exists()


def test_a_pickle_beside_safetensors_is_left_where_it_is(folder: Path, models: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04")
    done = import_folder(folder, name="kept")
    assert not (done.path / "pytorch_model.bin").exists()


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps([1, 2]),
        b"PK\x03\x04 a zip, as torch.save makes them",
        b"",
        b"\0" * 8,
        (1 << 63).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (2).to_bytes(8, "little") + b"{}" + b"more than the header tells of",
    ],
)
def test_what_only_calls_itself_safetensors_is_refused(folder: Path, content: bytes) -> None:
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(CorruptData, match="not a complete safetensors file"):
        check_folder(folder)


def test_cut_off_safetensors_are_refused(folder: Path) -> None:
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:-1])
    with pytest.raises(CorruptData, match="not a complete"):
        check_folder(folder)


def test_a_model_with_code_of_its_own_is_refused_by_name(folder: Path) -> None:
    _write_json(folder / "config.json", {"model_type": "jina_clip", "auto_map": {"AutoModel": "own.Model"}})
    with pytest.raises(ModelUnavailable, match=r"'jina_clip'.*auto_map.*never runs code"):
        check_folder(folder)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"model_type": "bert"}, "'bert'.*not one Sherd can read: clip, chinese_clip"),
        ({}, "''.*not one Sherd can read"),
        ({"model_type": "siglip", "quantization_config": {"quant_method": "bitsandbytes"}}, "quantised"),
    ],
)
def test_other_kinds_are_refused_by_name(folder: Path, config: dict[str, Any], words: str) -> None:
    _write_json(folder / "config.json", config)
    with pytest.raises(ModelUnavailable, match=words):
        check_folder(folder)


@pytest.mark.parametrize("name", ["tokenizer.json", "preprocessor_config.json", "model.safetensors", "config.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelUnavailable, match=name.replace(".", r"\.")):
        check_folder(folder)


@pytest.mark.parametrize("content", ["[1]", "{", "\xff"])
def test_an_unreadable_configuration_is_corrupt(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content, "latin-1")
    with pytest.raises(CorruptData, match=r"config\.json"):
        check_folder(folder)


def test_weights_in_several_files_follow_their_index(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    (folder / "model-00002-of-00002.safetensors").write_bytes(_safetensors(b"\1\0\0\0"))
    shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    _write_json(folder / "model.safetensors.index.json", {"weight_map": shards})
    assert [path.name for path in check_folder(folder).weights] == sorted(shards.values())
    assert import_folder(folder, name="sharded").files == 6
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(ModelUnavailable, match="model-00002-of-00002"):
        check_folder(folder)


@pytest.mark.parametrize("file", ["../outside.safetensors", "/etc/passwd", "model.bin"])
def test_an_index_that_points_elsewhere_is_refused(folder: Path, file: str) -> None:
    _write_json(folder / "model.safetensors.index.json", {"weight_map": {"a": file}})
    with pytest.raises(CorruptData, match="names"):
        check_folder(folder)


def test_import_copies_and_verify_agrees(folder: Path, models: Path) -> None:
    (folder / "README.md").write_text("licence: whatever")
    done = import_folder(folder)
    assert (done.name, done.path, done.files) == ("some-model", models / "some-model", 5)
    assert sorted(path.name for path in models.iterdir()) == ["some-model"]
    assert (done.path / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()
    assert verify_folder("some-model", done.path) == (5, [])


def test_verify_finds_altered_missing_and_extra_files(folder: Path) -> None:
    path = import_folder(folder).path
    weights = bytearray((path / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (path / "model.safetensors").write_bytes(weights)
    (path / "tokenizer.json").unlink()
    (path / "added.py").touch()
    count, problems = verify_folder("some-model", path)
    assert count == 4
    assert [(p.kind, p.what) for p in problems] == [
        ("altered", "some-model: model.safetensors"),
        ("missing", "some-model: tokenizer.json"),
        ("extra", "some-model: added.py"),
    ]
    (path / "manifest.json").write_text("{}")
    assert [p.kind for p in verify_folder("some-model", path)[1]] == ["unlisted"]


def test_an_import_that_fails_half_way_leaves_nothing(
    folder: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = folders._copy

    def full(source: Path, target: Path) -> dict[str, str | int]:
        if source.name == "tokenizer.json":
            raise OSError(28, "No space left on device")
        return real(source, target)

    monkeypatch.setattr(folders, "_copy", full)
    with pytest.raises(OSError, match="No space left"):
        import_folder(folder)
    assert list(models.iterdir()) == []


def test_a_taken_name_is_replaced_only_on_request(folder: Path) -> None:
    path = import_folder(folder).path
    (folder / "README.md").write_text("newer")
    with pytest.raises(InvalidArgument, match="--replace"):
        import_folder(folder)
    assert not (path / "README.md").exists()
    import_folder(folder, replace=True)
    assert (path / "README.md").exists()
    assert sorted(p.name for p in path.parent.iterdir()) == ["some-model"]


@pytest.mark.parametrize("name", ["builtin", "toy", "Upper", "a/b", "..", "", "x" * 65])
def test_bad_names_are_refused(folder: Path, name: str) -> None:
    if not name:
        folder = folder.rename(folder.parent / "模型")  # nothing is left of it as a name
    with pytest.raises(InvalidArgument, match="model name"):
        import_folder(folder, name=name)


def test_a_known_name_is_kept_for_its_own_kind(folder: Path) -> None:
    with pytest.raises(InvalidArgument, match="chinese-clip-base is a chinese_clip model, this one is siglip"):
        import_folder(folder, name="chinese-clip-base")
    assert import_folder(folder, name="siglip2-base").name == "siglip2-base"


def test_import_of_no_folder_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="no such folder"):
        import_folder(tmp_path / "nowhere")


def test_an_exported_model_is_imported_too(tmp_path: Path) -> None:
    made = tmp_path / "trained"
    made.mkdir()
    for name in ("image.onnx", "text.onnx", "tokenizer.json", "model.json"):
        (made / name).write_text(name)
    assert import_folder(made).files == 4
    (made / "text.onnx").unlink()
    with pytest.raises(ModelUnavailable, match=r"text\.onnx missing"):
        check_folder(made)


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content))


def _safetensors(data: bytes) -> bytes:
    header = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, len(data)]}}).encode()
    return len(header).to_bytes(8, "little") + header + data
