"""`sherd export` in every form, and `sherd review import` of what comes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

from tests.cli.test_suggest import Run
from tests.cli.test_suggest import library as library
from tests.cli.test_suggest import museum as museum
from tests.cli.test_suggest import run as run


@pytest.fixture
def decided(library: Path, run: Run) -> Path:
    assert run("review", "accept", "T-54", "red", "--library", library, "--who", "Li")[0] == 0
    assert run("review", "reject", "T-54", "green", "--library", library, "--who", "Li")[0] == 0
    return library


def test_annotations_tell_people_and_machine_apart_and_come_back(decided: Path, run: Run, tmp_path: Path) -> None:
    out = tmp_path / "annotations"
    code, told, _ = run("export", "web-annotation", "T-54", "T-55", "--suggestions", "--library", decided, "--out", out)
    assert code == 0
    assert told.startswith(f"{out}: ")
    pages = [json.loads(file.read_text("utf-8")) for file in out.glob("page-*.json")]
    items = [item for page in pages for item in page["items"]]
    people = [item for item in items if "creator" in item]
    machine = [item for item in items if "generator" in item]
    assert [item["creator"]["name"] for item in people] == ["Li"]
    assert machine
    assert not [item for item in items if "creator" in item and "generator" in item]
    other = tmp_path / "other"
    import shutil

    shutil.copytree(decided, other)
    code, told, _ = run("review", "import", out, "--library", other, "--json")
    assert code == 0
    found = json.loads(told)
    assert found["kept"] == 0  # the same decision is known there
    assert found["left_out"]


@pytest.mark.parametrize(
    ("form", "name", "more"),
    [
        ("csv", "table.csv", ["--bom"]),
        ("linked-art", "objects.jsonl", []),
        ("lido", "records.xml", []),
        ("coco", "boxes.json", []),
        ("iiif", "manifests", ["--base", "https://museum.example/iiif"]),
        ("imagefolder", "folder", []),
    ],
)
def test_every_form_is_written(decided: Path, run: Run, tmp_path: Path, form: str, name: str, more: list[str]) -> None:
    out = tmp_path / name
    code, told, err = run("export", form, "--library", decided, "--out", out, "--suggestions", *more)
    assert (code, err) == (0, "")
    assert told.startswith(f"{out}: ")
    files = [out] if out.is_file() else [file for file in out.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) > 5_000


def test_the_workbook_comes_back_with_new_columns_and_edits_are_taken_in(
    decided: Path, run: Run, tmp_path: Path
) -> None:
    book = Workbook()
    sheet = book.active
    sheet.append(["Accession number", "Title"])
    for n in (54, 55):
        sheet.append([f"T-{n}", "a tile"])
    book.save(tmp_path / "mine.xlsx")
    out = tmp_path / "back.xlsx"
    code, told, _ = run(
        "export", "workbook", "--source", tmp_path / "mine.xlsx", "--library", decided, "--out", out, "--suggestions"
    )
    assert code == 0
    assert "2 rows with a record" in told
    back = load_workbook(out)
    heads = [cell.value for cell in back.active[1]]
    assert heads[:2] == ["Accession number", "Title"]
    column = next(n for n, head in enumerate(heads, 1) if head and "accepted" in head and "motif" in head)
    assert back.active.cell(2, column).value == "red"
    back.active.cell(3, column).value = "green"
    back.save(out)
    code, told, _ = run("review", "import", out, "--library", decided, "--who", "Ann")
    assert code == 0
    log = run("review", "log", "T-55", "--library", decided)[1]
    assert "Ann" in log
    assert "urn:c:green" in log
    code, _, err = run("export", "workbook", "--library", decided, "--out", tmp_path / "x.xlsx")
    assert code == 2
    assert "--source FILE.xlsx" in err
