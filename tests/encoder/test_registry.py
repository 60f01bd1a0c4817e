from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sherd.encoder.registry import (
    FAMILIES,
    KNOWN,
    ModelKind,
    ModelSource,
    builtin_folder,
    checked_name,
    installed,
    models_folder,
    resolve,
    suggested_name,
)
from sherd.errors import InvalidArgument, ModelUnavailable

HUB_NAMES = [model.name for model in KNOWN.values() if model.kind is ModelKind.HUB]


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Models and caches of this test alone, and no network."""
    monkeypatch.setenv("SHERD_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr("socket.socket.connect", refuse)
    return tmp_path / "models"


def test_the_shipped_encoders_need_no_folder_of_the_user() -> None:
    assert resolve("toy") == ModelSource("toy", ModelKind.TOY, None)
    assert resolve("builtin") == ModelSource("builtin", ModelKind.ONNX, builtin_folder())
    assert builtin_folder().parts[-2:] == ("encoder", "models")


@pytest.mark.parametrize("name", HUB_NAMES)
def test_an_absent_known_model_tells_how_to_get_it_and_asks_no_network(name: str) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        resolve(name)
    text = str(caught.value)
    assert f"hf download {KNOWN[name].hub_id}" in text
    assert f"sherd models import {name}" in text
    assert KNOWN[name].licence in text


@pytest.mark.parametrize("name", HUB_NAMES)
def test_an_imported_model_is_found_by_name(models: Path, name: str) -> None:
    _folder(models / name)
    assert resolve(name) == ModelSource(name, ModelKind.HUB, models / name)


def test_a_known_model_in_the_hugging_face_cache_is_found(models: Path, tmp_path: Path) -> None:
    model = tmp_path / "cache" / "hub" / "models--google--siglip2-base-patch16-256"
    revision = "0123456789abcdef" * 2 + "01234567"
    _folder(model / "snapshots" / revision)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(revision)
    assert resolve("siglip2-base").folder == model / "snapshots" / revision
    _folder(models / "siglip2-base")
    assert resolve("siglip2-base").folder == models / "siglip2-base"  # what was imported comes first
    (model / "refs" / "main").write_text("../../elsewhere")
    (models / "siglip2-base" / "config.json").unlink()
    with pytest.raises(ModelUnavailable):
        resolve("siglip2-base")


def test_a_path_is_resolved_by_what_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, trained = _folder(tmp_path / "hub-model"), _folder(tmp_path / "trained", "image.onnx")
    assert resolve(str(hub)) == ModelSource("hub-model", ModelKind.HUB, hub)
    assert resolve(str(trained)).kind is ModelKind.ONNX
    monkeypatch.chdir(tmp_path)
    assert resolve("trained") == ModelSource("trained", ModelKind.ONNX, Path("trained"))
    with pytest.raises(ModelUnavailable, match="no model folder"):
        resolve(str(tmp_path))


def test_an_unknown_name_lists_the_models_there_are(models: Path) -> None:
    _folder(models / "mine")
    with pytest.raises(ModelUnavailable, match=r"neither a model nor a model folder.*siglip2-base.*mine"):
        resolve("no-such-model")


def test_models_lie_where_the_environment_says_else_with_the_users_data(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert models_folder() == models
    assert installed() == {}
    _folder(models / "b")
    _folder(models / "a")
    _folder(models / ".half.partial")
    (models / "empty").mkdir()
    assert list(installed()) == ["a", "b"]
    monkeypatch.delenv("SHERD_MODELS")
    assert models_folder().parts[-2:] == ("sherd", "models")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/downloads/siglip2-base-patch16-256", "siglip2-base"),
        ("/cache/models--OFA-Sys--chinese-clip-vit-base-patch16/snapshots/abc", "chinese-clip-base"),
        ("/downloads/fg-clip2-base", "fg-clip2-base"),
        ("/downloads/My Model (2)", "my-model-2"),
    ],
)
def test_a_name_is_suggested_from_where_the_model_came(path: str, name: str) -> None:
    assert suggested_name(Path(path)) == name


def test_names_are_checked() -> None:
    assert checked_name("fg-clip2-base") == "fg-clip2-base"
    for name in ("builtin", "a b", ".x"):
        with pytest.raises(InvalidArgument):
            checked_name(name)


def test_every_known_hub_model_is_of_a_family_that_can_be_read() -> None:
    assert HUB_NAMES == ["siglip2-base", "chinese-clip-base", "fg-clip2-base"]
    for name in HUB_NAMES:
        assert KNOWN[name].model_type in FAMILIES


def _folder(path: Path, file: str = "config.json") -> Path:
    path.mkdir(parents=True)
    (path / file).write_text(json.dumps({"model_type": "siglip"}))
    return path
