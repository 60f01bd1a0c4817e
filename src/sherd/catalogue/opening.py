"""Which engine keeps a catalogue, by the place that is named."""

from __future__ import annotations

from pathlib import Path

from sherd.catalogue.database import Database
from sherd.catalogue.postgres_address import is_postgres, parse_address


def open_database(place: Path | str, *, create: bool = False) -> Database:
    """The database at `place`: a path of an SQLite file, or `postgresql://...`.

    Raises:
        LibraryError: the file is not there and `create` is false.
        InvalidArgument: the address cannot be read.
        MissingExtra: what the engine needs is not installed.
    """
    if is_postgres(place):
        from sherd.catalogue.postgres import PostgresDatabase

        return PostgresDatabase(parse_address(str(place)))
    from sherd.catalogue.sqlite import SqliteDatabase

    return SqliteDatabase(Path(place), create=create)
