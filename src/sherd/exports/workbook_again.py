"""A table that has Sherd's columns already, given back once more: the old columns taken out, new ones put in."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable
from pathlib import Path

from sherd.errors import RejectedItem, SherdError, SourceError
from sherd.exports.described import Described, ExportSettings
from sherd.exports.sheet_changes import is_changes
from sherd.exports.sheet_columns import is_added
from sherd.exports.sheet_fill import WorkbookOptions, Written, check_target
from sherd.exports.sheet_rows import TableRows
from sherd.exports.workbook import STATE_MARK, open_workbook, save_workbook, sheet_of, write_workbook
from sherd.exports.workbook_check import check_workbook
from sherd.exports.workbook_reader import read_workbook
from sherd.ingest.library import Library
from sherd.ingest.sources.delimited import read_delimited, table_format


def write_workbook_again(
    library: Library,
    described: Iterable[Described],
    source: Path,
    target: Path,
    *,
    settings: ExportSettings | None = None,
    options: WorkbookOptions | None = None,
) -> Written:
    """As `write_workbook`, and also where the table has columns of an earlier export: these are made anew.

    Nothing that somebody typed into them is lost: it must have been taken in before. What the museum itself changed
    or added elsewhere in the table stays as it is. A text table with columns of an earlier export gets its quotes anew.

    Raises:
        SourceError: as `write_workbook`; or the table has changes that were not taken in.
        InvalidArgument, StorageRefused: as `write_workbook`.
    """
    options = options or WorkbookOptions()
    if not _has_added(source, options):
        return write_workbook(library, described, source, target, settings=settings, options=options)
    check_target(source, target)
    _refuse_unread(library, source)
    with tempfile.TemporaryDirectory() as place:
        bare = Path(place) / source.name
        try:
            _take_out(source, bare, options)
            return write_workbook(library, described, bare, target, settings=settings, options=options)
        except SherdError as error:
            raise type(error)(str(error).replace(str(bare), str(source))) from error


def _has_added(source: Path, options: WorkbookOptions) -> bool:
    if source.suffix.lower() not in (".xlsx", ".csv", ".tsv") or not source.is_file():
        return False  # told by `write_workbook`
    if source.suffix.lower() == ".xlsx":
        check_workbook(source)
    return any(map(is_added, TableRows(source, options.root, options.mapping).headings))


def _refuse_unread(library: Library, source: Path) -> None:
    made, problems = read_workbook(library, source, "nobody")
    unread = [one for one in problems if one.reason != "column_gone"]
    if not made and not unread:
        return
    first = f" (the first: {unread[0]})" if unread else ""
    raise SourceError(
        f"{source}: has {len(made) + len(unread)} changes that were not taken in{first}; "
        f"`sherd review import {source.name}` takes them in, then export again"
    )


def _take_out(source: Path, bare: Path, options: WorkbookOptions) -> None:
    if source.suffix.lower() == ".xlsx":
        _of_workbook(source, bare, options)
    else:
        _of_text_table(source, bare)


def _of_workbook(source: Path, bare: Path, options: WorkbookOptions) -> None:
    book, _ = open_workbook(source)
    table = TableRows(source, options.root, options.mapping)
    sheet = sheet_of(book, table.headings, table.heading_row, source)
    ours = [place for place, heading in enumerate(table.headings, 1) if is_added(heading)]
    for place in ours:
        letter = sheet.cell(table.heading_row, place).column_letter
        for row in [row for row, column in list(sheet._cells) if column == place]:
            del sheet._cells[row, place]  # the cell with its colour; columns to the right stay where they are
        sheet.column_dimensions.pop(letter, None)
    for one in list(book.worksheets):
        if one is not sheet and (one.cell(1, 1).value == STATE_MARK or is_changes(one)):
            book.remove(one)
    save_workbook(book, source, bare)


def _of_text_table(source: Path, bare: Path) -> None:
    form = table_format(source)
    ours: set[int] = set()
    lines = io.StringIO(newline="")
    writer = csv.writer(lines, delimiter=form.delimiter)
    for number, row in read_delimited(source, form):
        if isinstance(row, RejectedItem):
            raise SourceError(f"{source} row {number}: {row.detail}; mend the row, then export again")
        if not ours:  # rows above the headings have none of ours
            ours = {place for place, cell in enumerate(row) if is_added(" ".join(cell.split()))}
        writer.writerow([cell for place, cell in enumerate(row) if place not in ours])
    bare.write_bytes(lines.getvalue().encode("utf-8-sig" if form.encoding == "utf-8" else form.encoding))
