"""The museum's own workbook back: a copy with new coloured columns on the right, and nothing else changed in it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

from sherd.errors import RejectedItem, SourceError
from sherd.exports import sheet_changes
from sherd.exports.described import Described, ExportSettings
from sherd.exports.sheet_cells import paint, put_text
from sherd.exports.sheet_columns import Column, Kind, cells_of, to_text
from sherd.exports.sheet_fill import Filled, WorkbookOptions, Written, check_target, fill, new_file
from sherd.exports.workbook_check import MAX_COLUMNS, Loss, check_workbook
from sherd.ingest.library import Library
from sherd.ingest.sources.spreadsheet import MAX_COLUMNS as MOST_READ
from sherd.ingest.sources.spreadsheet import MAX_HEADING_CHARS
from sherd.ingest.sources.workbook import read_workbook

STATE_TITLE = "Sherd state"
STATE_MARK = "Sherd keeps here what it wrote, to know it again. Please leave this sheet as it is."
_PIECE = 30_000
"""Characters of a state in one cell, which may hold 32,767."""
_FAR = 40
"""Columns: empty cells with a format so far to the right are only how somebody coloured whole rows."""
_WIDTHS = {Kind.RECORD: 16.0, Kind.ACCEPTED: 28.0, Kind.URI: 24.0, Kind.SUGGESTED: 28.0, Kind.PROBABILITY: 14.0}


def write_workbook(
    library: Library,
    described: Iterable[Described],
    source: Path,
    target: Path,
    *,
    settings: ExportSettings | None = None,
    options: WorkbookOptions | None = None,
) -> Written:
    """Write a copy of the museum's table `source` (.xlsx, .csv, .tsv) to `target`, with what is said of its records.

    A text table gets a second file beside it, TARGET.changes.csv, which a workbook has as a sheet.

    Args:
        described: `describe(library, ...)` itself, not a list made earlier: a decision in between would count as seen.
    Raises:
        InvalidArgument: the target is there already, is of another kind, or there is nothing to add.
        SourceError: the table cannot be read or copied as it is; what would be lost is named.
        StorageRefused: the disk refuses.
    """
    settings, options = settings or ExportSettings(), options or WorkbookOptions()
    kind = source.suffix.lower()
    if kind in (".csv", ".tsv"):
        from sherd.exports.table_back import write_table_back

        return write_table_back(library, described, source, target, settings=settings, options=options)
    if kind != ".xlsx":
        raise SourceError(f"{source}: only .xlsx, .csv and .tsv can be given back; save it as .xlsx, without macros")
    check_target(source, target)
    losses = check_workbook(source)
    _refuse(source, losses, options)
    filled = fill(library, described, source, options)
    book, told = open_workbook(source)
    losses += told
    _refuse(source, losses, options)
    sheet = sheet_of(book, filled.table.headings, filled.table.heading_row, source)
    _refuse_second(book, source)
    formulas = _formulas(sheet)
    _add_columns(sheet, filled, _free_column(sheet, len(filled.columns), source))
    sheet_changes.add_sheet(book, filled, settings, options.language, tuple(map(str, losses)))
    _add_state(book, filled, settings)
    _recalculate(book)
    with new_file(target) as draft:
        save_workbook(book, source, draft)
        _verify(source, draft, formulas)
    return replace(filled.written, losses=tuple(map(str, losses)), files=(target,))


def open_workbook(path: Path, *, read_only: bool = False) -> tuple[Any, list[Loss]]:
    """openpyxl's workbook, and what it said it would lose. The file must have passed `check_workbook`.

    Raises:
        SourceError: openpyxl cannot read it.
    """
    from openpyxl import load_workbook  # imported on use: it takes a while

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            book = load_workbook(path, rich_text=not read_only, read_only=read_only)
        except Exception as error:  # openpyxl raises whatever a strange workbook makes it stumble over
            raise SourceError(f"{path}: cannot be read ({type(error).__name__}: {error})") from error
    known = ("extension is not supported", "Workbook contains no default style")
    messages = dict.fromkeys(str(one.message) for one in told)
    return book, [Loss(one, "", True) for one in messages if not any(part in one for part in known)]


def sheet_of(book: Any, headings: Sequence[str], row: int, path: Path) -> Any:
    """The visible sheet that has these headings in this row.

    Raises:
        SourceError: there is none.
    """
    for sheet in book.worksheets:
        if sheet.sheet_state != "visible":
            continue
        found = next(sheet.iter_rows(row, row, 1, len(headings), values_only=True), ())
        texts = {
            n: " ".join(str(one).split())[:MAX_HEADING_CHARS]
            for n, one in enumerate(found)
            if isinstance(one, str | list)
        }
        if texts and sum(headings[n] == text for n, text in texts.items()) * 2 > len(texts):
            return sheet
    raise SourceError(f"{path}: no visible sheet has the headings {', '.join(headings)[:200]} in row {row}")


def _refuse(source: Path, losses: Sequence[Loss], options: WorkbookOptions) -> None:
    serious = [str(one) for one in losses if one.serious]
    if serious and not options.accept_losses:
        raise SourceError(
            f"{source}: a copy would not have all that is in it. It would lose: {'; '.join(serious)}. Move the table "
            "into a workbook of its own, or accept the losses"
        )


def _refuse_second(book: Any, source: Path) -> None:
    if any(sheet.cell(1, 1).value == STATE_MARK for sheet in book.worksheets if sheet.sheet_state != "visible"):
        raise SourceError(f"{source}: has columns of an earlier export already; `write_workbook_again` makes them anew")


def _formulas(sheet: Any) -> set[tuple[int, int]]:
    """(row, column) of the cells that show what a formula gives."""
    found = {place for place, cell in sheet._cells.items() if cell.data_type == "f"}
    for block in sheet.merged_cells.ranges:
        if (block.min_row, block.min_col) in found:
            found |= {(row, block.min_col) for row in range(block.min_row, block.max_row + 1)}
    return found


def _free_column(sheet: Any, wanted: int, source: Path) -> int:
    """The first column to the right of all that is in the sheet."""
    from openpyxl.utils import range_boundaries

    used = {column for (_, column), cell in sheet._cells.items() if cell.value is not None or cell.comment}
    used |= {block.max_col for block in sheet.merged_cells.ranges}
    used |= {range_boundaries(table.ref)[2] for table in sheet.tables.values()}
    last = max(used)
    formatted = max((column for (_, column), cell in sheet._cells.items() if cell.has_style), default=last)
    first: int = 1 + (formatted if last < formatted <= last + _FAR else last)
    most = min(MAX_COLUMNS, MOST_READ)
    if first + wanted - 1 > most:
        raise SourceError(f"{source}: has no room for {wanted} columns more; {most} can be read. Give fewer facets")
    return first


def _add_columns(sheet: Any, filled: Filled, first: int) -> None:
    from openpyxl.worksheet.dimensions import ColumnDimension

    top = filled.table.heading_row
    _make_room(sheet, first, first + len(filled.columns) - 1)
    styles = []
    for place, column in enumerate(filled.columns, first):
        heading = sheet.cell(top, place)
        paint(heading, column.kind.by, heading=True)
        put_text(heading, column.heading)
        sheet.column_dimensions[heading.column_letter] = ColumnDimension(
            sheet, heading.column_letter, _WIDTHS[column.kind], min=place, max=place
        )
        styles.append(_style(sheet.cell(max(filled.rows), place), column))
    for number, name in filled.rows.items():
        cells = cells_of(filled.states[name], filled.columns)
        for place, (value, style) in enumerate(zip(cells, styles, strict=True), first):
            cell = sheet.cell(number, place)
            cell._style = copy(style)  # as a whole: setting font, fill and format one by one takes ten times as long
            if isinstance(value, str):
                put_text(cell, value)
            elif value is not None:
                cell.value = value


def _style(cell: Any, column: Column) -> Any:
    """The style of a column's cells, made on one of them. Typed texts stay texts; in a sheet that is protected, those
    that may be changed are free."""
    from openpyxl.styles import Protection

    paint(cell, column.kind.by)
    cell.number_format = "0%" if column.kind is Kind.PROBABILITY else "@"
    if column.kind is Kind.ACCEPTED:
        cell.protection = Protection(locked=False)
    return cell._style


def _make_room(sheet: Any, first: int, last: int) -> None:
    """Free the columns of widths and hiding that were set for all columns to the right of the table."""
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.dimensions import ColumnDimension

    for letter, one in list(sheet.column_dimensions.items()):
        one.reindex()
        if one.max < first or one.min > last:
            continue
        del sheet.column_dimensions[letter]
        for start, end in ((one.min, first - 1), (last + 1, one.max)):
            if start <= end:
                sheet.column_dimensions[get_column_letter(start)] = ColumnDimension(
                    sheet, get_column_letter(start), one.width, one.bestFit, one.hidden, one.outlineLevel,
                    collapsed=one.collapsed, style=copy(one._style), min=start, max=end,
                )  # fmt: skip


def _add_state(book: Any, filled: Filled, settings: ExportSettings) -> None:
    sheet = book.create_sheet(STATE_TITLE)
    sheet.sheet_state = "hidden"
    put_text(sheet.cell(1, 1), STATE_MARK)
    put_text(sheet.cell(2, 1), f"{settings.software}; decisions up to {filled.head.number}, {filled.head.hash}")
    for row, name in enumerate(dict.fromkeys(filled.rows.values()), 3):
        text = to_text(filled.states[name])
        for column, start in enumerate(range(0, len(text), _PIECE), 1):
            put_text(sheet.cell(row, column), text[start : start + _PIECE])


def _recalculate(book: Any) -> None:
    """Have the results of formulas worked out when the copy is opened: they are not copied."""
    from openpyxl.workbook.properties import CalcProperties

    book.calculation = book.calculation or CalcProperties()
    book.calculation.fullCalcOnLoad = True


def save_workbook(book: Any, source: Path, draft: Path) -> None:
    """Write openpyxl's workbook, read from `source`, to `draft`.

    Raises:
        SourceError: openpyxl cannot write it. OSError: the disk refuses.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            book.save(draft)
        except OSError:
            raise
        except Exception as error:  # openpyxl raises whatever a strange workbook makes it stumble over
            raise SourceError(f"{source}: cannot be copied ({type(error).__name__}: {error})") from error


def _verify(source: Path, copied: Path, formulas: set[tuple[int, int]]) -> None:
    """Read both as ingest does, which knows nothing of openpyxl, and compare what a person sees, formulas aside."""
    from openpyxl.utils import get_column_letter

    has = {number: cells for number, cells in read_workbook(copied) if not isinstance(cells, RejectedItem)}
    for number, cells in read_workbook(source):
        if isinstance(cells, RejectedItem):
            continue
        there = has.get(number, [])
        for place, text in enumerate(cells):
            if (number, place + 1) not in formulas and text != (there[place] if place < len(there) else ""):
                where = f"{get_column_letter(place + 1)}{number}"
                raise SourceError(
                    f"{source}: cannot be copied as it is: cell {where} shows {text[:40]!r}, and would not"
                )
