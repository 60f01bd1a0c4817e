"""The museum's own text table back: every byte of it, with new cells at the end of its rows."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from sherd.errors import RejectedItem, SourceError
from sherd.exports import sheet_changes
from sherd.exports.described import Described, ExportSettings
from sherd.exports.sheet_columns import STATE_HEADINGS, cells_of, state_column
from sherd.exports.sheet_fill import WorkbookOptions, Written, check_target, fill, new_file
from sherd.exports.table import BOM, csv_line
from sherd.ingest.library import Library
from sherd.ingest.sources.delimited import TableFormat, read_delimited, table_format

MAX_BYTES = 256 * 1024**2
_LINES = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_END = re.compile(rb"(?:\r\n|\n|\r)?\Z")


def write_table_back(
    library: Library,
    described: Iterable[Described],
    source: Path,
    target: Path,
    *,
    settings: ExportSettings,
    options: WorkbookOptions,
) -> Written:
    """See `sherd.exports.workbook.write_workbook`, for .csv and .tsv; TARGET.changes.csv tells what was added.

    Rows that ingest refuses, and those above the headings, stay as they are.

    Raises:
        SourceError: a row's quotes are broken, so that nobody can tell where it ends.
    """
    beside = target.with_name(f"{target.stem}.changes.csv")
    check_target(source, target, beside)
    filled = fill(library, described, source, options)
    if set(STATE_HEADINGS) & set(filled.table.headings):
        raise SourceError(f"{source}: has columns of an earlier export already; `write_workbook_again` makes them anew")
    columns = (*filled.columns, state_column(options.language))
    form = table_format(source)
    added = {
        number: csv_line(cells_of(filled.states[name], columns), delimiter=form.delimiter, end="")
        for number, name in filled.rows.items()
    }
    added[filled.table.heading_row] = csv_line([one.heading for one in columns], delimiter=form.delimiter, end="")
    # A row without a record still has as many cells as there are headings, or ingest would refuse it.
    empty = form.delimiter.encode() * (len(columns) - 1)
    for number, cells, _ in filled.table.read():
        if cells and number not in added:
            added[number] = empty
    with new_file(target) as draft:
        with draft.open("wb") as stream:
            for number, row in _raw_rows(source, form):
                end = _END.search(row)
                assert end is not None
                new = added.get(number)
                if new is not None:
                    new = form.delimiter.encode() + new.decode("utf-8").encode(form.encoding)
                stream.write(row[: end.start()] + (new or b"") + end[0])
        with new_file(beside) as other, other.open("wb") as stream:
            stream.write(BOM)
            for line in sheet_changes.lines(filled, options.language):
                stream.write(csv_line(line))
    return replace(filled.written, files=(target, beside))


def _raw_rows(source: Path, form: TableFormat) -> Iterator[tuple[int, bytes]]:
    """(number, bytes) of all rows, blank ones too, numbered as ingest numbers them.

    Raises:
        SourceError: they cannot be told apart as ingest tells them apart.
    """
    with source.open("rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise SourceError(f"{source}: has more than {MAX_BYTES} bytes; split it, then export into the parts")
    known = dict(read_delimited(source, form))
    for number, row in known.items():
        if isinstance(row, RejectedItem):
            raise SourceError(f"{source} row {number}: {row.detail}; mend the row, then export again")
    taken: list[bytes] = []
    reader = csv.reader(_decoded(data, taken, form.encoding), delimiter=form.delimiter, strict=True)
    for number, cells in enumerate(reader, 1):
        if any(cell.strip() for cell in cells) and known.get(number) != cells:
            raise SourceError(f"{source} row {number}: its cells cannot be told apart; mend the row, then export again")
        yield number, b"".join(taken)
        taken.clear()


def _decoded(data: bytes, taken: list[bytes], encoding: str) -> Iterator[str]:
    """Lines as text; `taken` gets each of them."""
    for found in _LINES.finditer(data):
        taken.append(found[0])
        yield found[0].decode("utf-8-sig" if encoding == "utf-8" and found.start() == 0 else encoding)
