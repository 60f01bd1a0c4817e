"""Where records come from: a folder, a spreadsheet, JSON lines, a COCO file, or IIIF manifests."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sherd.errors import InvalidConfig, SourceError
from sherd.ingest.columns import ColumnMapping
from sherd.ingest.pictures import PictureLimits
from sherd.ingest.sources.coco import CocoSource
from sherd.ingest.sources.folder import FolderSource
from sherd.ingest.sources.iiif import IIIFSource
from sherd.ingest.sources.item import Source, SourceItem
from sherd.ingest.sources.records import RecordsSource
from sherd.ingest.sources.spreadsheet import SHEETS, SpreadsheetSource

__all__ = ["TABLES", "Source", "SourceItem", "open_source"]

TABLE_NAMES = ("records.jsonl", "metadata.jsonl", "metadata.csv", "metadata.xlsx")
_LINES = (".jsonl", ".ndjson")
_JSON = ".json"
TABLES = (*SHEETS, *_LINES, _JSON)
"""How the names of tables end that can be read."""


def open_source(
    path: Path,
    metadata: Path | None = None,
    mapping: ColumnMapping | None = None,
    *,
    exclude: Iterable[Path] = (),
    limits: PictureLimits | None = None,
) -> Source:
    """The source at `path`: a folder of pictures, a folder with a table, or the table itself.

    Args:
        path: a folder, or a .csv, .tsv, .xlsx, .xls, .jsonl or .json file (its folder is then the root). A .json is
            a IIIF manifest or collection where it speaks of iiif.io, else COCO.
        metadata: the table to read, where it is not named records.jsonl or metadata.jsonl, .csv or .xlsx in `path`.
            Image paths in it are relative to `path`.
        mapping: a person's word on the columns of a spreadsheet.
        exclude: folders not to walk into (the library, where it lies inside the source).
        limits: for pictures whose size has to be read because a record with boxes does not give it.
    Raises:
        SourceError: nothing there, not readable, several tables to choose from, or a table that gives no identifiers.
        InvalidConfig: the mapping does not fit the table, or there is no table that it could be for.
    """
    table, root = _table_and_root(path, metadata)
    if table is not None and table.suffix.lower() in SHEETS:
        return SpreadsheetSource(table, root, mapping, exclude)
    if mapping is not None and mapping.columns:
        what = f"{table.name} is JSON lines" if table else f"{path} has no spreadsheet"
        raise InvalidConfig(f"columns are mapped, but {what}; the mapping is for spreadsheets")
    if table is not None and table.suffix.lower() == _JSON:
        return IIIFSource(table, exclude, limits) if _speaks_iiif(table) else CocoSource(table, root, limits)
    if table is not None:
        return RecordsSource(table, root, limits)
    return FolderSource(root, exclude)


def _table_and_root(path: Path, metadata: Path | None) -> tuple[Path | None, Path]:
    if not path.exists():
        raise SourceError(f"{path}: there is no such folder or file")
    if path.is_file():
        if metadata is not None:
            raise SourceError(f"{path} is a table itself; with --metadata, give the folder of the pictures as source")
        return _known(path), path.parent
    if not path.is_dir():
        raise SourceError(f"{path} is neither a folder nor a regular file")
    if metadata is not None:
        if not metadata.is_file():
            raise SourceError(f"{metadata}: there is no such table")
        return _known(metadata), path
    tables = [path / name for name in TABLE_NAMES if (path / name).is_file()]
    if len(tables) > 1:
        names = ", ".join(table.name for table in tables)
        raise SourceError(f"{path} has several tables ({names}); say which one to read with --metadata")
    return (tables[0] if tables else None), path


def _known(table: Path) -> Path:
    if table.suffix.lower() not in TABLES:
        known = ", ".join(TABLES)
        raise SourceError(f"{table}: '{table.suffix}' is no kind of table that is read; there are {known}")
    return table


def _speaks_iiif(path: Path) -> bool:
    """By the context that every manifest names near its beginning."""
    try:
        with path.open("rb") as stream:
            return b"iiif.io" in stream.read(65_536)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from error
