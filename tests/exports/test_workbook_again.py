"""A museum works on in the copy that Sherd gave back, and has it filled again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from sherd.catalogue import decisions
from sherd.errors import SourceError
from sherd.exports.sheet_fill import WorkbookOptions
from sherd.exports.sheet_rows import TableRows
from sherd.exports.workbook import STATE_MARK, write_workbook
from sherd.exports.workbook_again import write_workbook_again
from sherd.exports.workbook_reader import import_workbook
from sherd.ingest.library import Library
from tests.exports.museum_book import described, edit, heads, library_in, museum_book

OPTIONS = WorkbookOptions(facets=("theme", "vessel"))
TABLE = '登记号,名称\nbell,"钟, 大"\nv-7,瓶\n'


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with library_in(tmp_path / "library") as library:
        yield library


@pytest.fixture
def first(library: Library, tmp_path: Path) -> Path:
    source = museum_book(tmp_path / "source.xlsx")
    write_workbook(library, described(library), source, tmp_path / "first.xlsx", options=OPTIONS)
    return tmp_path / "first.xlsx"


def again(library: Library, source: Path, **options: Any) -> Path:
    target = source.with_name(f"again-{source.name}")
    write_workbook_again(
        library, described(library), source, target, options=WorkbookOptions(facets=("theme", "vessel"), **options)
    )
    return target


def shown(path: Path) -> dict[str, list[list[str]]]:
    """By sheet, all cells but those of Sherd's own sheets; of an array of formulas its text."""
    book = load_workbook(path)
    return {
        sheet.title: [[str(getattr(cell, "text", cell)) for cell in row] for row in sheet.iter_rows(values_only=True)]
        for sheet in book.worksheets
        if "Sherd" not in sheet.title
    }


def test_an_export_into_an_export_is_the_export(library: Library, first: Path, tmp_path: Path) -> None:
    target = again(library, first)
    assert shown(target) == shown(first)
    book = load_workbook(target)
    assert [sheet.title for sheet in book.worksheets] == [sheet.title for sheet in load_workbook(first).worksheets]
    assert sum(sheet.cell(1, 1).value == STATE_MARK for sheet in book.worksheets) == 1


def test_what_was_typed_is_taken_in_first_and_then_shown_as_accepted(library: Library, first: Path) -> None:
    at = heads(first)
    rows = {str(row[0].value): row[0].row for row in load_workbook(first).worksheets[0].iter_rows() if row[0].value}
    edit(first, {f"{at['Sherd: vessel (accepted)']}{rows['bell']}": "tripod", f"B{rows['bell']}": "大钟"})
    with pytest.raises(SourceError, match=r"has 1 changes that were not taken in.*sherd review import first\.xlsx"):
        again(library, first)
    assert import_workbook(library, first, "Ann").accepted == 1
    target = again(library, first)
    sheet = load_workbook(target).worksheets[0]
    there = heads(target)
    assert sheet[f"{there['Sherd: vessel (accepted)']}{rows['bell']}"].value == "tripod"
    assert sheet[f"B{rows['bell']}"].value == "大钟"
    before = decisions.head(library.catalogue.database)
    assert import_workbook(library, target, "Ann").changed == 0
    assert decisions.head(library.catalogue.database) == before


def test_columns_that_the_museum_added_on_the_right_stay(library: Library, first: Path) -> None:
    book = load_workbook(first)
    sheet = book.worksheets[0]
    place = sheet.max_column + 1
    sheet.cell(3, place, "库房")
    sheet.cell(4, place, "东三")
    book.save(first)
    target = again(library, first)
    copied = load_workbook(target).worksheets[0]
    assert (copied.cell(3, place).value, copied.cell(4, place).value) == ("库房", "东三")
    assert import_workbook(library, target, "Ann").changed == 0


def test_in_another_language_the_old_headings_are_gone(library: Library, first: Path) -> None:
    found = heads(again(library, first, language="zh"))
    assert "Sherd：记录" in found
    assert not [one for one in found if one.startswith("Sherd:")]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_text_table_too(library: Library, tmp_path: Path, encoding: str) -> None:
    source = tmp_path / "a.csv"
    source.write_bytes(TABLE.encode(encoding))
    write_workbook(library, described(library), source, tmp_path / "first.csv", options=OPTIONS)
    target = again(library, tmp_path / "first.csv")
    lines = [(tmp_path / name).read_bytes().decode(encoding) for name in ("first.csv", target.name)]
    assert [one.lstrip("\ufeff").splitlines() for one in lines] == [lines[0].splitlines()] * 2


def test_a_table_without_them_is_simply_given_back(library: Library, tmp_path: Path) -> None:
    source = museum_book(tmp_path / "source.xlsx")
    write_workbook(library, described(library), source, tmp_path / "plain.xlsx", options=OPTIONS)
    assert shown(again(library, source)) == shown(tmp_path / "plain.xlsx")


def test_an_ingest_of_the_copy_does_not_take_the_added_columns_for_the_museums(first: Path) -> None:
    columns = TableRows(first).columns
    used = {heading for some in columns.roles.values() for heading in some}
    assert "登记号" in used
    assert not [heading for heading in used if heading.startswith("Sherd")]
