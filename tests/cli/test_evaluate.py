from __future__ import annotations

import json
from pathlib import Path

import pytest

from sherd.cli import main
from tests.evaluation import coloured


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", *arguments])
    return int(stopped.value.code or 0)


def test_the_json_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [{"ground": c, "spot": "white", "title": c, "regions": [coloured.region("white")]} for c in ("red", "blue")]
    assert run("toy", str(coloured.write(tmp_path / "pack", lines)), "--json") == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    figures = {"r@1", "r@5", "r@10", "map"}
    assert set(found) == {"data", "model", "retrieval", "retrieval_object_only", "localisation", "chance", "seconds"}
    for name in ("retrieval", "retrieval_object_only"):
        assert set(found[name]) == {"text_to_image", "image_to_text"}
        assert set(found[name]["text_to_image"]) == set(found[name]["image_to_text"]) == figures
    assert set(found["localisation"]) == {"pointing", "box_iou"}
    assert set(found["chance"]["localisation"]) == {"uniform", "centre", "location_prior"}
    assert set(found["chance"]["retrieval"]["text_to_image"]) == figures
    assert found["model"]["name"] == "toy"


def test_people_get_lines_with_chance_beside_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [{"ground": c, "title": c} for c in ("red", "blue")]
    assert run("toy", str(coloured.write(tmp_path / "pack", lines))) == 0
    said = capsys.readouterr().out
    assert "as served     text to image   r@1 1.000" in said
    assert "chance        text to image   r@1 0.500" in said


def test_a_folder_that_is_no_pack_is_an_error_with_a_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("toy", str(tmp_path / "none"), "--json") == 1
    out, err = capsys.readouterr()
    assert err.startswith("sherd: ")
    assert json.loads(out.splitlines()[-1])["error"]["code"] == "source_unreadable"
