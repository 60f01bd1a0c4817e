from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sherd.cli import main
from sherd.encoder.registry import KNOWN


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHERD_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    return tmp_path / "models"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "Tiny Model"
    made.mkdir()
    for name, content in (
        ("config.json", {"model_type": "clip"}), ("preprocessor_config.json", {}), ("tokenizer.json", {})
    ):  # fmt: skip
        (made / name).write_text(json.dumps(content))
    header = json.dumps({"a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}}).encode()
    (made / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"ab")
    return made


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["models", *arguments])
    printed = capsys.readouterr()
    assert isinstance(stopped.value.code, int)
    return stopped.value.code, printed.out, printed.err


def test_list_shows_known_models_with_licence_size_and_languages(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "list")
    assert code == 0
    lines = {line.split()[0]: line for line in out.splitlines()}
    for name in KNOWN:
        assert KNOWN[name].licence in lines[name]
        assert KNOWN[name].languages in lines[name]
    assert "not here" in lines["siglip2-base"]
    assert "1,540 MB" in lines["siglip2-base"]
    assert "not here" not in lines["toy"]


def test_import_list_and_verify_agree(capsys: pytest.CaptureFixture[str], folder: Path, models: Path) -> None:
    code, out, _ = _run(capsys, "import", str(folder), "--json")
    done = json.loads(out)
    assert code == 0
    assert done == {"name": "tiny-model", "path": str(models / "tiny-model"), "files": 4, "bytes": done["bytes"]}
    _, out, _ = _run(capsys, "list", "--json")
    listed = json.loads(out)
    assert listed["folder"] == str(models)
    mine = next(model for model in listed["models"] if model["name"] == "tiny-model")
    assert mine["installed"]
    assert mine["size_bytes"] > done["bytes"]
    code, out, _ = _run(capsys, "verify", "--json")
    assert (code, json.loads(out)) == (0, {"ok": True, "checked": {"models": 1, "files": 4}, "problems": []})
    code, out, _ = _run(capsys, "verify", "tiny-model")
    assert (code, out) == (0, "1 models, 4 files checked, 0 problems\n")


def test_verify_finds_an_altered_file_and_fails(capsys: pytest.CaptureFixture[str], folder: Path, models: Path) -> None:
    _, out, _ = _run(capsys, "import", str(folder), "--name", "mine")
    assert "sherd ingest SOURCE --library DIR --model mine" in out
    (models / "mine" / "tokenizer.json").write_text("[]")
    code, out, _ = _run(capsys, "verify", "--json")
    assert code == 1
    answer: dict[str, Any] = json.loads(out)
    assert not answer["ok"]
    assert answer["problems"] == [
        {"kind": "altered", "what": "mine: tokenizer.json", "where": str(models / "mine" / "tokenizer.json")}
    ]
    code, out, _ = _run(capsys, "verify", "mine")
    assert code == 1
    assert "altered: mine: tokenizer.json" in out


def test_errors_are_one_line_and_json_where_asked(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    code, out, err = _run(capsys, "import", str(folder), "--json")
    assert code == 1
    assert len(err.splitlines()) == 1
    error = json.loads(out)["error"]
    assert error["code"] == "model_unavailable"
    assert "pytorch_model.bin" in error["message"]
    code, _, err = _run(capsys, "verify", "absent")
    assert code == 1
    assert "not imported on this machine" in err


def test_import_replaces_only_on_request(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert _run(capsys, "import", str(folder))[0] == 0
    code, _, err = _run(capsys, "import", str(folder))
    assert (code, "--replace" in err) == (1, True)
    assert _run(capsys, "import", str(folder), "--replace")[0] == 0
