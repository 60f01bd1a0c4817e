from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sherd.cli import main
from sherd.ingest.decoder import DecoderPool
from sherd.types import Record, SourceImage
from tests.ingest.museum import ListSource, ingest, paint

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220)}


@pytest.fixture(scope="module")
def museum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    root = tmp_path_factory.mktemp("museum")
    chance = np.random.default_rng(0)
    records = []
    for n in range(100):
        name = list(COLOURS)[n % 3]
        red, green, blue = (int(v) for v in np.array(COLOURS[name]) + chance.integers(-20, 21, 3))
        paint(root / f"{n}.png", (red, green, blue))
        records.append(Record(f"r{n}", (SourceImage(f"{n}.png"),), titles={"en": f"A {name} tile"}, motifs=(name,)))
    with DecoderPool(1) as pool:
        ingest(root / "library", ListSource(root, records), pool)
    return root / "library"


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHERD_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    printed = capsys.readouterr()
    assert isinstance(stopped.value.code, int)
    return stopped.value.code, printed.out, printed.err


def test_a_library_teaches_heads_and_is_searched_with_them(
    capsys: pytest.CaptureFixture[str], museum: Path, models: Path
) -> None:
    code, out, err = run(capsys, "adapt", "--backbone", "builtin", "--library", str(museum), "--steps", "20", "--json")
    assert (code, err) == (0, "")
    lines: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
    done = lines[-1]
    assert done["event"] == "adapted"
    assert done["name"] == "builtin-library"
    assert Path(done["folder"]) == models / "builtin-library"
    features = [line for line in lines if line["event"] == "features"]
    assert (features[0]["done"], features[-1]["done"], features[-1]["of"]) == (0, 100, 100)
    assert "builtin-library" in run(capsys, "models", "list")[1]
    assert run(capsys, "models", "verify")[0] == 0
    code, out, _ = run(capsys, "reindex", "--library", str(museum), "--model", "builtin-library", "--json")
    assert code == 0
    assert json.loads(out.splitlines()[-1])["model"] == "builtin-library"
    code, out, _ = run(capsys, "search", "green tile", "--library", str(museum), "--json")
    assert code == 0
    assert json.loads(out)["hits"]
    assert run(capsys, "verify", str(museum))[0] == 0
    # The second time nothing is looked at again, the result is told in words, and a taken name is not written over.
    arguments = ("adapt", "--backbone", "builtin", "--library", str(museum), "--steps", "0")
    code, _, err = run(capsys, *arguments)
    assert (code, "exists; give another --name" in err) == (1, True)
    code, out, err = run(capsys, *arguments, "--replace", "--name", "builtin-library")
    assert code == 0
    assert "features  done 100  of 100" in err
    assert "the model answers as it does" in out
    assert "sherd reindex --library DIR --model builtin-library" in out


def test_a_backbone_that_is_not_here_or_none_is_refused(capsys: pytest.CaptureFixture[str], museum: Path) -> None:
    for backbone, reason in (("siglip2-base", "not on this machine"), ("toy", "cannot be a backbone")):
        code, out, err = run(capsys, "adapt", "--backbone", backbone, "--library", str(museum), "--name", "mine")
        assert (code, out) == (1, "")
        assert reason in err
