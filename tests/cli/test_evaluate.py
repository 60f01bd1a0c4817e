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
    glazes = {"red": "Maya blue", "blue": "copper-red glaze"}
    lines = [
        {"ground": c, "spot": "white", "title": c, "regions": [coloured.region("white")], "materials": [glaze]}
        for c, glaze in glazes.items()
    ]
    assert run("toy", str(coloured.write(tmp_path / "pack", lines)), "--json") == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    figures, parts = {"r@1", "r@5", "r@10", "map"}, {"pointing", "energy", "box_iou", "ap30", "ap50"}
    assert set(found) == {
        "data", "model", "bootstrap", "retrieval", "retrieval_object_only", "localisation", "over_location_prior",
        "naming", "calibration", "chance", "queries", "seconds",
    }  # fmt: skip
    for name in ("retrieval", "retrieval_object_only"):
        assert set(found[name]) == {"text_to_image", "image_to_text"}
        assert set(found[name]["text_to_image"]) == set(found[name]["image_to_text"]) == figures
    assert set(found["localisation"]["all"]) == set(found["over_location_prior"]["all"]) == parts
    assert set(found["chance"]["localisation"]["all"]) == {"uniform", "centre", "location_prior"}
    assert set(found["chance"]["retrieval"]["text_to_image"]) == figures
    assert set(found["naming"]) == set(found["calibration"]) == set(found["chance"]["calibration"]) == {"material"}
    assert set(found["naming"]["material"]) == {"accuracy", "tree_distance"}
    assert set(found["chance"]["naming"]["material"]) == {"random", "commonest"}
    assert set(found["calibration"]["material"]) == set(found["chance"]["calibration"]["material"]) == {"ece"}
    assert set(found["localisation"]["all"]["pointing"]) == {"value", "low", "high", "n"}
    assert found["bootstrap"] == {"level": 0.95, "draws": 2000, "seed": 0}
    assert found["model"]["name"] == "toy"
    table = found["queries"]["text_to_image"]
    assert table["query"] == ["en|r0", "en|r1"]
    assert set(table["systems"]) == {"retrieval", "retrieval_object_only"}
    assert set(table["systems"]["retrieval"]) == {"rank", "ap"}
    assert found["queries"]["labels"]["query"] == ["white|images/0.png", "white|images/1.png"]
    assert set(found["queries"]["naming.material"]["systems"]["naming"]) == {"accuracy", "tree_distance", "probability"}


def test_people_get_lines_with_chance_beside_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    glazes = {"red": "copper-red glaze", "blue": "Maya blue"}
    lines = [{"ground": c, "title": c, "materials": [glaze]} for c, glaze in glazes.items()]
    assert run("toy", str(coloured.write(tmp_path / "pack", lines))) == 0
    said = capsys.readouterr().out
    assert "as served     text to image   r@1 1.000 1.000..1.000" in said
    assert "chance        text to image   r@1 0.500 0.500..0.500" in said
    assert "model       naming, material  accuracy 1.000 1.000..1.000" in said
    assert "random      naming, material  accuracy 0.500 0.500..0.500  tree_distance 4.000 4.000..4.000" in said
    assert "calibration naming, material  ece" in said
    assert "if true     naming, material  ece" in said


def test_two_models_are_compared_on_the_queries_of_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [{"ground": c, "spot": "white", "title": c, "regions": [coloured.region("white")]} for c in ("red", "blue")]
    pack = str(coloured.write(tmp_path / "pack", lines))
    assert run("toy", pack, "--json") == 0
    other = tmp_path / "other.json"
    other.write_text(capsys.readouterr().out, encoding="utf-8")
    assert run("toy", pack, "--against", str(other)) == 0
    said = capsys.readouterr().out
    assert "on the same data" in said
    assert "localisation.all.pointing                  1.000 against 1.000  difference 0.000 0.000..0.000" in said
    assert run("toy", pack, "--against", str(other), "--json") == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])["against"]
    assert found["same_data"] is True
    assert found["figures"]["retrieval.text_to_image.r@1"]["difference"] == {"value": 0, "low": 0, "high": 0, "n": 2}
    assert run("toy", pack, "--against", str(tmp_path / "none.json")) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_a_folder_that_is_no_pack_is_an_error_with_a_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("toy", str(tmp_path / "none"), "--json") == 1
    out, err = capsys.readouterr()
    assert err.startswith("sherd: ")
    assert json.loads(out.splitlines()[-1])["error"]["code"] == "source_unreadable"
