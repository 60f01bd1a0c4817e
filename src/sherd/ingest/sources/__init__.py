"""Where records come from: a folder, a spreadsheet, or JSON lines."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sherd.ingest.columns import ColumnMapping
from sherd.ingest.sources.item import Source, SourceItem

__all__ = ["Source", "SourceItem", "open_source"]


def open_source(
    path: Path,
    metadata: Path | None = None,
    mapping: ColumnMapping | None = None,
    *,
    exclude: Iterable[Path] = (),
) -> Source:
    """The source at `path`: a folder of pictures, a folder with a table, or the table itself.

    Args:
        path: a folder, or a .csv, .tsv, .xlsx, .xls or .jsonl file (its folder is then the root).
        metadata: the table to read, where it is not named records.jsonl or metadata.jsonl, .csv or .xlsx in `path`.
        mapping: a person's word on the columns of a spreadsheet.
        exclude: folders not to walk into (the library, where it lies inside the source).
    Raises:
        SourceError: nothing there, not readable, several tables to choose from, or a table that gives no identifiers.
        InvalidConfig: the mapping does not fit the table.
    """
    raise NotImplementedError
