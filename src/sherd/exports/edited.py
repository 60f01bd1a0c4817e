"""The rows of a table that Sherd wrote and a curator edited since, each with what had been written."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sherd.errors import InvalidConfig, RejectedItem, SherdError, SourceError
from sherd.exports.sheet_columns import RECORD_HEADINGS, STATE_HEADINGS, RowState, from_text
from sherd.exports.sheet_rows import TableRows
from sherd.exports.table import plain_cell
from sherd.exports.workbook import STATE_MARK, open_workbook, sheet_of
from sherd.exports.workbook_check import check_workbook
from sherd.ingest.columns import ColumnMapping
from sherd.ingest.sources.delimited import read_delimited, table_format

_MOST_PIECES = 64
"""Cells that one record's state may fill."""


@dataclass(frozen=True, slots=True)
class EditedRow:
    """One row as it is now.

    record_id: that was noted beside the row; empty for a row that Sherd wrote nothing into. state: what was written;
    None where that is gone. found_id: of the record that the museum's own columns name now, or why there is none.
    texts: by heading. computed: headings whose cell holds a formula or an error.
    """

    number: int
    record_id: str
    state: RowState | None
    found_id: str | RejectedItem
    texts: Mapping[str, str]
    computed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class EditedTable:
    """sheet: its title, the file's name for a text table. letters: of the columns by heading. accepted: headings of the
    columns that are read."""

    sheet: str
    letters: Mapping[str, str]
    rows: tuple[EditedRow, ...]
    accepted: frozenset[str]


def edited_table(path: Path) -> EditedTable:
    """All rows of an edited .xlsx, .csv or .tsv.

    Raises:
        SourceError: it cannot be read, or is none that Sherd wrote.
    """
    kind = path.suffix.lower()
    if kind in (".csv", ".tsv"):
        return _text_table(path)
    if kind != ".xlsx":
        raise SourceError(f"{path}: only .xlsx, .csv and .tsv are read back; save it as .xlsx, without macros")
    return _workbook(path)


def _workbook(path: Path) -> EditedTable:
    check_workbook(path)
    book, _ = open_workbook(path, read_only=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what a copy would lose; this is none
            states = _states(book, path)
            table = _table(path, next(iter(states.values())).id_heading)
            place = _place(table, RECORD_HEADINGS)
            accepted = _accepted(states.values())
            sheet = sheet_of(book, table.headings, table.heading_row, path)
            computed = _computed(sheet, table, accepted)
            title = str(sheet.title)
    except SherdError:
        raise
    except Exception as error:  # read as it goes, openpyxl raises whatever a strange workbook makes it stumble over
        raise SourceError(f"{path}: cannot be read ({type(error).__name__}: {error})") from error
    finally:
        book.close()
    rows = []
    for number, cells, found in table.read():
        record = cells[place].strip() if cells else ""
        texts = dict(zip(table.headings, cells, strict=False))
        rows.append(EditedRow(number, record, states.get(record), found, texts, computed.get(number, frozenset())))
    return EditedTable(title, _letters(table), tuple(rows), accepted)


def _text_table(path: Path) -> EditedTable:
    table = _table(path, _id_heading(path))
    place = _place(table, STATE_HEADINGS)
    rows = []
    for number, cells, found in table.read():
        texts = {heading: plain_cell(cell) for heading, cell in zip(table.headings, cells, strict=False)}
        kept = plain_cell(cells[place]) if cells else ""
        state = None
        if kept.strip():
            with suppress(SourceError):  # a row that is known no more; told where terms were typed into it
                state = from_text(kept)
        rows.append(EditedRow(number, state.record_id if state is not None else "", state, found, texts))
    return EditedTable(path.name, _letters(table), tuple(rows), _accepted(row.state for row in rows if row.state))


def _states(book: Any, path: Path) -> dict[str, RowState]:
    """By record, from the sheet that keeps them, whatever it is called by now."""
    for sheet in book.worksheets:
        if sheet.cell(1, 1).value != STATE_MARK:
            continue
        found = {}
        for row in sheet.iter_rows(min_row=3, max_col=_MOST_PIECES, values_only=True):
            text = "".join(str(piece) for piece in row if piece is not None)
            if text:
                try:
                    state = from_text(text)
                except SourceError as error:
                    raise SourceError(f"{path}: the sheet {sheet.title!r}: {error}") from error
                found[state.record_id] = state
        if found:
            return found
    raise SourceError(
        f"{path}: is no workbook that Sherd wrote, or the hidden sheet that tells what was written is gone"
    )


def _id_heading(path: Path) -> str:
    """The heading of the ids, as the first row tells that has a state."""
    place = None
    for _, row in read_delimited(path, table_format(path)):
        if isinstance(row, RejectedItem):
            continue
        if place is None:
            place = next((n for n, cell in enumerate(row) if " ".join(cell.split()) in STATE_HEADINGS), None)
        elif place < len(row) and row[place].strip():
            try:
                return from_text(plain_cell(row[place])).id_heading
            except SourceError:
                continue
    raise SourceError(f"{path}: is no table that Sherd wrote, or its column {STATE_HEADINGS[0]!r} is gone")


def _table(path: Path, id_heading: str) -> TableRows:
    mapping = ColumnMapping({"accession": (id_heading,)} if id_heading else {})
    try:
        return TableRows(path, mapping=mapping)
    except InvalidConfig as error:
        raise SourceError(
            f"{path}: the first visible sheet has no column {id_heading!r}, by which its rows were known; put that "
            "sheet first, and its headings back"
        ) from error


def _place(table: TableRows, headings: tuple[str, ...]) -> int:
    for heading in headings:
        if heading in table.headings:
            return table.headings.index(heading)
    raise SourceError(f"{table.table}: has no column {headings[0]!r}; the sheet that Sherd wrote must be the first")


def _computed(sheet: Any, table: TableRows, headings: frozenset[str]) -> dict[int, frozenset[str]]:
    """By row, the headings among these whose cell holds a formula or an error: what it shows was typed by nobody."""
    places = {n: heading for n, heading in enumerate(table.headings) if heading in headings}
    found: dict[int, frozenset[str]] = {}
    if not places:
        return found
    rows = sheet.iter_rows(min_row=table.heading_row + 1, max_col=max(places) + 1)
    for row in rows:
        wrong = [(cell.row, places[n]) for n, cell in enumerate(row) if n in places and cell.data_type in ("f", "e")]
        if wrong:
            found[wrong[0][0]] = frozenset(heading for _, heading in wrong)
    return found


def _accepted(states: Iterable[RowState]) -> frozenset[str]:
    return frozenset(one.heading for state in states for one in state.facets.values())


def _letters(table: TableRows) -> dict[str, str]:
    return {heading: _letter(place) for place, heading in enumerate(table.headings)}


def _letter(place: int) -> str:
    """Of a column, from 0."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
