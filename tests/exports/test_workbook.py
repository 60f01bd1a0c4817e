from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastexcel
import pytest
from openpyxl import Workbook, load_workbook

from sherd.errors import InvalidArgument, SourceError
from sherd.exports.described import ExportSettings
from sherd.exports.sheet_fill import WorkbookOptions
from sherd.exports.workbook import STATE_TITLE, write_workbook
from sherd.ingest.columns import ColumnMapping, guess_columns
from sherd.ingest.library import Library
from sherd.ingest.sources.workbook import read_workbook as shown_rows
from sherd.suggest.review import decide
from sherd.types import Action, Decision
from tests.catalogue.vessels import GUI, OFFERING, TRIPOD
from tests.exports.museum_book import HEADINGS, as_excel_writes, described, heads, library_in, museum_book

LEDGER = "藏品总账"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    library = library_in(tmp_path_factory.mktemp("museum") / "library")
    at = "2026-11-27T10:00:00+00:00"
    decide(
        library,
        [
            Decision("1982.30.1", Action.ACCEPT, "Li", at, concept=TRIPOD),
            Decision("v-7", Action.REJECT, "Ann", at, concept=GUI),
            Decision("v-7", Action.OTHER, "=cmd|' /C calc'!A0", at, value=OFFERING),
        ],
    )
    yield library
    library.close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return as_excel_writes(museum_book(tmp_path / "总账.xlsx"))


def export(library: Library, source: Path, **options: Any) -> Path:
    target = source.with_name("back.xlsx")
    write_workbook(library, described(library), source, target, options=WorkbookOptions(**options))
    return target


def everything(path: Path) -> dict[tuple[str, str], tuple[Any, ...]]:
    """By sheet and cell: value, type and style, in full."""
    return {
        (sheet.title, cell.coordinate): (
            repr(cell.value) if not hasattr(cell.value, "text") else (cell.value.ref, cell.value.text),
            getattr(cell, "data_type", None), cell.number_format, repr(cell.font), repr(cell.fill), repr(cell.border),
            repr(cell.alignment), repr(cell.protection), repr(getattr(cell, "hyperlink", None)),
        )
        for sheet in load_workbook(path, rich_text=True).worksheets
        for cell in sheet._cells.values()
        if cell.value is not None or cell.has_style
    }  # fmt: skip


def test_nothing_of_the_original_is_changed(library: Library, source: Path) -> None:
    before = source.read_bytes()
    had = everything(source)
    target = export(library, source)
    has = everything(target)
    assert source.read_bytes() == before
    assert {place: has.get(place) for place in had} == had
    assert len(had) > 50
    assert had[LEDGER, "G4"][0] == "'=D4*F4'"
    assert has[LEDGER, "H7"][1] == "s"
    added = has.keys() - had.keys()
    assert {sheet for sheet, _ in added} == {LEDGER, "Sherd changes", STATE_TITLE}


def test_the_sheets_around_the_cells_are_kept(library: Library, source: Path) -> None:
    old, new = load_workbook(source), load_workbook(export(library, source))
    assert new.sheetnames == [*old.sheetnames, "Sherd changes", STATE_TITLE]
    assert [one.sheet_state for one in new.worksheets] == ["visible", "visible", "hidden", "visible", "hidden"]
    a, b = old[LEDGER], new[LEDGER]
    assert a.merged_cells.ranges == b.merged_cells.ranges
    assert (b.freeze_panes, b.auto_filter.ref, b.print_title_rows) == ("B4", "A3:H8", a.print_title_rows)
    assert [(one.width, one.hidden) for one in map(b.column_dimensions.get, "BD")] == [(33.5, False), (13.0, True)]
    assert (b.row_dimensions[5].height, b.row_dimensions[6].hidden) == (40, True)
    assert [one.sqref for one in b.data_validations.dataValidation] == [
        one.sqref for one in a.data_validations.dataValidation
    ]
    assert [str(one.sqref) for one in b.conditional_formatting] == ["F4:F8"]
    assert [one._data() for one in b._images] == [one._data() for one in a._images]
    assert b._images[0].anchor._from.row == 9
    assert new["统计"].tables["Counts"].ref == "A1:B2"
    assert new.defined_names["Ledger"].attr_text == "'藏品总账'!$A$3:$H$8"


def test_another_program_reads_the_same_values(library: Library, source: Path) -> None:
    """calamine knows nothing of openpyxl."""
    target = export(library, source)
    for sheet, width in ((LEDGER, 6), ("统计", 1), ("代码", 1)):
        old, new = (
            fastexcel.read_excel(path).load_sheet(sheet, header_row=None, dtypes="string").to_polars()
            for path in (source, target)
        )
        assert new[:, :width].rows() == old[:, :width].rows()


def test_columns_say_what_is_said_and_by_whom(library: Library, source: Path) -> None:
    target = export(library, source)
    sheet, at = load_workbook(target)[LEDGER], heads(target)
    assert list(at)[len(HEADINGS) :] == [
        "Sherd: record",
        "Sherd: theme (accepted)", "Sherd: theme URI", "Sherd: theme (suggested)", "Sherd: theme probability",
        "Sherd: vessel (accepted)", "Sherd: vessel URI", "Sherd: vessel (suggested)", "Sherd: vessel probability",
    ]  # fmt: skip
    assert at["Sherd: record"] == "I"

    def told(row: int, facet: str) -> tuple[Any, ...]:
        names = (f"Sherd: {facet} {what}" for what in ("(accepted)", "URI", "(suggested)", "probability"))
        return tuple(sheet[f"{at[name]}{row}"].value for name in names)

    assert told(4, "vessel") == ("tripod", TRIPOD, None, None)
    assert told(5, "theme") == ("offering of a tripod", OFFERING, None, None)
    assert told(6, "vessel") == (None, None, "tripod; gui", 0.91)
    assert told(7, "theme") == (None, None, "offering of a tripod", 0.55)
    assert [sheet[f"I{row}"].value for row in range(4, 9)] == ["1982.30.1", "v-7", "bell", "0012", None]
    person = {sheet[f"{at[name]}6"].fill.start_color.rgb for name in at if "accepted" in name or "URI" in name}
    machine = {sheet[f"{at[name]}6"].fill.start_color.rgb for name in at if "sugg" in name or "prob" in name}
    assert len(person) == len(machine) == 1
    assert person != machine
    assert sheet[f"{at['Sherd: vessel probability']}6"].number_format == "0%"
    assert not sheet[f"{at['Sherd: vessel (accepted)']}6"].protection.locked


def test_chinese_headings_and_terms(library: Library, source: Path) -> None:
    target = export(library, source, language="zh", facets=("vessel",))
    at = heads(target)
    assert list(at)[len(HEADINGS) :] == [
        "Sherd：记录", "Sherd：容器（已采纳）", "Sherd：容器 URI", "Sherd：容器（建议）", "Sherd：容器 概率",
    ]  # fmt: skip
    assert load_workbook(target)[LEDGER][f"{at['Sherd：容器（建议）']}6"].value == "圆鼎; 簋"
    assert "Sherd 变更" in load_workbook(target).sheetnames


@pytest.mark.parametrize("language", ["en", "zh"])
def test_ingest_takes_the_new_columns_for_nothing_else(library: Library, source: Path, language: str) -> None:
    at = list(heads(export(library, source, language=language)))
    assert guess_columns(at).roles == guess_columns(HEADINGS).roles


def test_the_sheet_of_changes_tells_all(library: Library, source: Path) -> None:
    target = export(library, source)
    sheet = load_workbook(target)["Sherd changes"]
    lines = [tuple(cell for cell in row if cell is not None) for row in sheet.iter_rows(values_only=True)]
    assert any("decisions up to number 3" in str(line) for line in lines)
    assert ("accepted", "1982.30.1", "4", "vessel", "tripod", TRIPOD, "Li", "2026-11-27T10:00:00+00:00", 1) in lines
    assert ("refused", "v-7", "5", "vessel", "gui", GUI, "Ann", "2026-11-27T10:00:00+00:00", 2) in lines
    suggested = [line for line in lines if line and line[0] == "suggested by the machine"]
    assert suggested[1] == (
        "suggested by the machine", "bell", "6", "vessel", "tripod", TRIPOD, "toy 0123", 0.91, "c/bell.jpg",
        0.1, 0.2, 0.3, 0.4,
    )  # fmt: skip
    assert ("record is in no row", "=1+1", "odd") in lines
    assert ("row without a record", "missing-1", "8", "no such record was exported") in lines
    assert any("the results of 7 formulas" in str(line) for line in lines)


def test_texts_never_become_formulas(library: Library, tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append(["登记号", "名称"])
    book.active.append(["", "odd"])
    book.active["A2"].value, book.active["A2"].data_type = "=1+1", "s"
    book.active.append(["v-7", "vase"])
    book.save(tmp_path / "odd.xlsx")
    target = export(library, tmp_path / "odd.xlsx")
    cells = [
        cell for name in ("Sheet", "Sherd changes") for row in load_workbook(target)[name] for cell in row if cell.value
    ]
    odd = {str(cell.value): cell.data_type for cell in cells if str(cell.value).startswith("=")}
    assert odd == {"=1+1": "s", "=cmd|' /C calc'!A0": "s"}
    assert [row[2] for _, row in shown_rows(target) if isinstance(row, list)] == ["Sherd: record", "=1+1", "v-7"]


def test_ids_are_matched_as_ingest_matches_them(library: Library, tmp_path: Path) -> None:
    """A number under 0000 is 0012; one block of merged cells is the id of all its rows; a mapping is heard."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["No", "ours"], ["x", 12], ["y", "bell"], ["z", None], ["q", 12], [None, "v-7"]):
        sheet.append(row)
    sheet["B2"].number_format = "0000"
    sheet.merge_cells("B3:B4")
    book.save(tmp_path / "a.xlsx")
    target = export(library, tmp_path / "a.xlsx", mapping=ColumnMapping({"accession": ("ours",)}))
    found = load_workbook(target).worksheets[0]
    assert [found.cell(row, 3).value for row in range(2, 7)] == ["0012", "bell", "bell", None, "v-7"]


def test_columns_that_were_hidden_to_the_right_are_shown_where_sherd_writes(library: Library, tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["登记号", "名称"])
    sheet.append(["bell", "钟"])
    sheet.column_dimensions["C"].min, sheet.column_dimensions["C"].max = 3, 16384
    sheet.column_dimensions["C"].hidden = True
    book.save(tmp_path / "a.xlsx")
    columns = load_workbook(export(library, tmp_path / "a.xlsx", facets=("vessel",))).worksheets[0].column_dimensions
    spans = sorted((one.min, one.max, one.hidden) for one in columns.values())
    assert spans == [*((n, n, False) for n in range(3, 8)), (8, 16384, True)]


def test_cells_with_a_format_only_are_kept_free_of(library: Library, tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["登记号", "名称"])
    sheet.append(["bell", "钟"])
    sheet["D2"].number_format = "0.000"
    book.save(tmp_path / "near.xlsx")
    assert heads(export(library, tmp_path / "near.xlsx"), 1, "Sheet")["Sherd: record"] == "E"
    (tmp_path / "back.xlsx").unlink()
    sheet["XFD2"].number_format = "0.000"
    book.save(tmp_path / "far.xlsx")
    assert heads(export(library, tmp_path / "far.xlsx"), 1, "Sheet")["Sherd: record"] == "C"


def test_the_original_is_never_written_to(library: Library, source: Path, tmp_path: Path) -> None:
    before = source.read_bytes()
    (tmp_path / "link.xlsx").symlink_to(source)
    (tmp_path / "there.xlsx").write_text("a curator's work")
    for target, what in (
        (source, "is the table itself"),
        (tmp_path / "link.xlsx", "is the table itself"),
        (tmp_path / "there.xlsx", "is there already"),
        (tmp_path / "b.csv", "the copy of a .xlsx is a .xlsx"),
    ):
        with pytest.raises(InvalidArgument, match=what):
            write_workbook(library, described(library), source, target)
    assert source.read_bytes() == before
    assert (tmp_path / "there.xlsx").read_text() == "a curator's work"


def test_a_workbook_of_other_records_is_refused_and_nothing_left(library: Library, tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append(["登记号", "名称"])
    book.active.append(["elsewhere", "x"])
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(SourceError, match="none of its 1 rows is about a record"):
        export(library, tmp_path / "a.xlsx")
    with pytest.raises(InvalidArgument, match="language is 'de'"):
        export(library, tmp_path / "a.xlsx", language="de")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.xlsx"]


def test_a_second_export_into_the_same_workbook_is_refused(library: Library, source: Path, tmp_path: Path) -> None:
    target = export(library, source)
    with pytest.raises(SourceError, match="columns of an earlier export"):
        write_workbook(library, described(library), target, tmp_path / "again.xlsx", settings=ExportSettings())


def test_what_openpyxl_would_alter_is_noticed(library: Library, tmp_path: Path) -> None:
    """A number that is no date, in a cell for dates, which openpyxl makes an error of."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["登记号", "日期"])
    sheet.append(["bell", 10_000_000])
    sheet["B2"].number_format = "yyyy-mm-dd"
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(SourceError, match="Cell B2 is marked as a date"):
        export(library, tmp_path / "a.xlsx")
    with pytest.raises(SourceError, match="cell B2 shows '10000000', and would not"):
        export(library, tmp_path / "a.xlsx", accept_losses=True)
    assert not (tmp_path / "back.xlsx").exists()
