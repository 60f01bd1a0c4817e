"""Which record each row of a museum's own table is about, told as ingest tells it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sherd.errors import RejectedItem
from sherd.ingest.columns import ColumnMapping
from sherd.ingest.sources.spreadsheet import SpreadsheetSource
from sherd.ingest.sources.texts import clean_id


class TableRows(SpreadsheetSource):
    """The rows of a table and the ids of their records. Pictures are not asked for, so they may be elsewhere by now.

    Only a table without a column of ids needs them: there a record is called by the name of its first picture.

    Raises:
        SourceError, InvalidConfig: as `SpreadsheetSource` does.
    """

    def __init__(self, table: Path, root: Path | None = None, mapping: ColumnMapping | None = None) -> None:
        super().__init__(table, root if root is not None else table.parent, mapping)
        self.table = table

    @property
    def is_text(self) -> bool:
        """Whether it is a text table, not a workbook."""
        return self._form is not None

    @property
    def headings(self) -> list[str]:
        """No two alike; those that were empty are called `column 3`."""
        return list(self._headings)

    @property
    def heading_row(self) -> int:
        """Number of their row, from 1."""
        return self._first

    @property
    def id_heading(self) -> str:
        """The column of ids; empty where there is none."""
        return next(iter(self.columns.roles.get("accession", ())), "")

    def ids(self) -> Iterator[tuple[int, str | RejectedItem]]:
        """(row number, id of its record or why it has none), of the rows with any content."""
        for number, _, found in self.read():
            yield number, found

    def read(self) -> Iterator[tuple[int, list[str], str | RejectedItem]]:
        """(row number, its cells as a person sees them, id of its record or why it has none); no cells where the row
        cannot be read at all."""
        for number, row in self._rows():
            if number <= self._first:
                continue
            cells: list[str] = []
            try:
                if isinstance(row, RejectedItem):
                    raise row
                cells = self._fitted(row)
                yield number, cells, self._id(cells)
            except RejectedItem as refusal:
                yield number, cells, refusal

    def _id(self, cells: list[str]) -> str:
        if self.id_heading:
            return clean_id(cells[self._places[self.id_heading]], "the accession number")
        roles = self.columns.roles["image"]
        paths = self._pictures("", [cells[self._places[one]] for one in roles])
        return clean_id(paths[0], "the picture's path")
