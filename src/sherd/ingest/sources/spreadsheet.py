"""A museum's spreadsheet: one row is one source item, rows with one accession number are views of one record.

Cells are texts and stay as they are written. What each column holds is guessed by its heading (see columns.py).
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TypeAlias

from sherd.errors import RejectedItem, SourceError
from sherd.ingest.columns import ColumnMapping, ColumnRoles, guess_columns, known_headings
from sherd.ingest.sources.delimited import TableFormat, read_delimited, table_format
from sherd.ingest.sources.item import SourceItem
from sherd.ingest.sources.old_workbook import read_old_workbook
from sherd.ingest.sources.picture_names import PictureNames
from sherd.ingest.sources.texts import clean_id, clean_text, language_tag, split_values
from sherd.ingest.sources.workbook import read_workbook
from sherd.types import Record, SourceImage

Rows: TypeAlias = Generator[tuple[int, list[str] | RejectedItem], None, None]

SHEETS = (".csv", ".tsv", ".xlsx", ".xlsm", ".xls")
MAX_COLUMNS = 1_000
MAX_HEADING_CHARS = 200
_HEADING_WITHIN = 20
"""Rows among which the headings are looked for; what stands above them is a title."""


class SpreadsheetSource:
    """A table of which each row names an object and its photographs; image paths are relative to `root`.

    Without a column of accession numbers the picture's path is the identifier. Without a column of pictures, those
    named like the accession number are taken, in whatever folder below `root`.

    Raises:
        SourceError: the table cannot be read, or has neither accession numbers nor pictures.
        InvalidConfig: the mapping does not fit the headings.
    """

    kind = "spreadsheet"

    def __init__(
        self, table: Path, root: Path, mapping: ColumnMapping | None = None, exclude: Iterable[Path] = ()
    ) -> None:
        self.root = root
        self._table = table
        self._form = _format(table)
        self._names = PictureNames(root, exclude)
        self._headings, self._first = _headings(self._rows(), mapping, table)
        self.columns: ColumnRoles = guess_columns(self._headings, mapping)
        self._places = {heading: place for place, heading in enumerate(self._headings)}
        if not {"accession", "image"} & set(self.columns.roles):
            raise SourceError(
                f"{table}: no column is known to hold accession numbers or pictures; its headings are "
                f"{', '.join(heading for heading in self._headings if heading)[:500] or 'empty'}. "
                'Name the columns in a TOML file: [columns] accession = "..." and image = "..."'
            )

    def items(self) -> Iterator[SourceItem]:
        rows = ((number, row) for number, row in self._rows() if number > self._first)
        for ordinal, (number, row) in enumerate(rows):
            where = f"{self._table.name} row {number}"
            try:
                if isinstance(row, RejectedItem):
                    raise row
                record, warnings = self._record(self._fitted(row))
            except RejectedItem as refusal:
                yield SourceItem(ordinal, where, reject=refusal)
            else:
                yield SourceItem(ordinal, where, record=record, warnings=warnings)

    def _rows(self) -> Rows:
        return _read(self._table, self._form)

    def _fitted(self, row: list[str]) -> list[str]:
        """The cells of a row, as many as there are headings.

        Raises:
            RejectedItem: row_ragged. A text table's row that is short was broken in two, or a comma in a text shifted
                the cells; in a workbook, cells at the end are simply empty.
        """
        width = len(self._headings)
        if any(cell.strip() for cell in row[width:]) or (self._form is not None and len(row) < width):
            raise RejectedItem("row_ragged", f"{len(row)} cells under {width} headings; is a text not quoted?")
        return [cell.replace("\r\n", "\n") for cell in row[:width]] + [""] * (width - len(row))

    def _record(self, row: list[str]) -> tuple[Record, tuple[str, ...]]:
        cells = {role: [row[self._places[one]] for one in columns] for role, columns in self.columns.roles.items()}
        record_id = clean_id(cells["accession"][0], "the accession number") if "accession" in cells else ""
        paths = self._pictures(record_id, cells.get("image"))
        titles, spare = self._titles(row)
        return Record(
            record_id=record_id or clean_id(paths[0], "the picture's path"),
            images=tuple(SourceImage(path) for path in paths),
            titles=titles,
            descriptions=_joined(cells.get("description", [])),
            object_type=_only(cells, "object_type"),
            materials=_several(cells, "materials"),
            culture=_only(cells, "culture"),
            period=_only(cells, "period"),
            motifs=_several(cells, "motifs"),
            themes=_several(cells, "themes"),
            rights=_only(cells, "rights"),
            licence=_only(cells, "licence"),
            extra=self._extra(row, spare),
        ), ()

    def _pictures(self, record_id: str, cells: list[str] | None) -> list[str]:
        if cells is None:
            paths = self._names.of_number(record_id)
            if not paths:
                raise RejectedItem("image_missing", f"no picture is named like the accession number {record_id}")
            return paths
        paths = list(dict.fromkeys(path for cell in cells for path in self._names.of_cell(cell)))
        if not paths:
            raise RejectedItem("image_missing", "the row names no picture")
        return paths

    def _titles(self, row: list[str]) -> tuple[dict[str, str], dict[str, str]]:
        """Title by language, and further titles in a language that has one, by their headings."""
        titles: dict[str, str] = {}
        spare: dict[str, str] = {}
        for heading in self.columns.roles.get("title", ()):
            if text := clean_text(row[self._places[heading]], heading):
                language = language_tag(None, text)
                if titles.setdefault(language, text) != text:
                    spare[heading] = text
        return titles, spare

    def _extra(self, row: list[str], spare: Mapping[str, str]) -> dict[str, str]:
        texts = {heading: clean_text(row[self._places[heading]], heading) for heading in self.columns.unused}
        return {heading: text for heading, text in {**spare, **texts}.items() if text}


def read_headings(table: Path) -> list[str]:
    """The headings of a table as they are told apart, in their order. Raises SourceError where it cannot be read."""
    return _headings(_read(table, _format(table)), None, table)[0]


def _format(table: Path) -> TableFormat | None:
    return table_format(table) if table.suffix.lower() in (".csv", ".tsv") else None


def _read(table: Path, form: TableFormat | None) -> Rows:
    if form is not None:
        return read_delimited(table, form)
    return read_old_workbook(table) if table.suffix.lower() == ".xls" else read_workbook(table)


def _headings(rows: Rows, mapping: ColumnMapping | None, table: Path) -> tuple[list[str], int]:
    """The headings, no two alike, and the number of their row: that with most known headings among the first rows."""
    with closing(rows):
        first = [(number, row) for number, row in islice(rows, _HEADING_WITHIN) if not isinstance(row, RejectedItem)]
    if not first:
        raise SourceError(f"{table}: has no rows that can be read")
    number, row = max(first, key=lambda found: known_headings(found[1], mapping))
    while row and not row[-1].strip():
        row = row[:-1]
    if len(row) > MAX_COLUMNS:
        raise SourceError(f"{table}: has {len(row)} columns; the limit is {MAX_COLUMNS}")
    headings: list[str] = []
    for place, cell in enumerate(row, 1):
        name = " ".join(cell.replace("\0", " ").split())[:MAX_HEADING_CHARS] or f"column {place}"
        unique, again = name, 2
        while unique in headings:
            unique, again = f"{name} ({again})", again + 1
        headings.append(unique)
    return headings, number


def _only(cells: Mapping[str, list[str]], role: str) -> str | None:
    return clean_text(cells[role][0], role) or None if role in cells else None


def _several(cells: Mapping[str, list[str]], role: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for cell in cells.get(role, ()) for value in split_values(cell, role)))


def _joined(cells: Iterable[str]) -> dict[str, str]:
    """Texts by language; several in one language stand below each other."""
    texts: dict[str, list[str]] = {}
    for cell in cells:
        if text := clean_text(cell, "description"):
            texts.setdefault(language_tag(None, text), []).append(text)
    return {language: "\n\n".join(dict.fromkeys(found)) for language, found in texts.items()}
