from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from sherd.cli import main
from sherd.relics import resolve_spec


def _run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["render", *map(str, arguments)])
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out, told.err


def test_json_gives_the_figures_in_its_last_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out, sheet = tmp_path / "pack", tmp_path / "sheets" / "first.png"
    code, printed, _ = _run(
        capsys, "ritual_bronze,cave_mural", "--count", 4, "--seed", 2, "--size", 64, "--out", out, "--masks",
        "--sheet", sheet, "--boxes", "--json",
    )  # fmt: skip
    assert code == 0
    lines = [json.loads(line) for line in printed.splitlines()]
    assert lines[-2] == {**lines[-2], "event": "progress", "settled": 4, "total": 4}
    result = lines[-1]
    assert result["pictures"] == 4
    assert result["per_second"] > 0
    assert set(result["shared_captions"]) == {"zh", "en"}
    assert set(result["mutual_information_bits"]) == {"ritual_bronze", "cave_mural"}
    assert "motif-palette" in result["mutual_information_bits"]["cave_mural"]
    assert len((out / "records.jsonl").read_text(encoding="utf-8").splitlines()) == 4
    assert any((out / "masks").iterdir())
    with Image.open(sheet) as picture:
        assert picture.size == (128, 128)


def test_a_person_reads_speed_shared_captions_and_bits(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, printed, _ = _run(capsys, "silk_textile", "--count", 2, "--size", 64, "--out", tmp_path / "pack")
    assert code == 0
    assert "2 pictures in" in printed
    assert "a second a worker" in printed
    assert "zh 0.0%  en 0.0%" in printed
    assert "motif-place" in printed


def test_all_takes_every_culture_that_may_be_trained_on(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    count = len(resolve_spec("all"))
    code, _, _ = _run(capsys, "all", "--count", count, "--size", 64, "--out", tmp_path)
    lines = (tmp_path / "records.jsonl").read_text(encoding="utf-8").splitlines()
    assert code == 0
    assert {json.loads(line)["culture_id"] for line in lines} == {culture.id for culture in resolve_spec("all")}


def test_a_misspelt_culture_and_a_full_folder_are_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, told = _run(capsys, "cave_murel", "--out", tmp_path)
    assert code != 0
    assert "Did you mean 'cave_mural'?" in told
    (tmp_path / "records.jsonl").write_text("", encoding="utf-8")
    code, _, told = _run(capsys, "cave_mural", "--count", 1, "--out", tmp_path)
    assert code != 0
    assert "holds a pack already" in told
