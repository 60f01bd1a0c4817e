"""How an old catalogue becomes a new one, and how an empty file or schema becomes a catalogue.

PostgreSQL came with version 3: steps up to there are SQLite's alone, later ones must do for both.

A step is a module `to_<version>.py` with a function `apply(connection)`, entered in `STEPS`. It is frozen once
released: it names tables by SQL of its own and not through `schema.py`, which moves on.
"""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, text

from sherd.catalogue import schema
from sherd.catalogue.database import Database
from sherd.catalogue.fulltext import LABELS, RECORDS, full_text
from sherd.catalogue.migrations import to_2, to_3
from sherd.catalogue.sqlite import SqliteDatabase
from sherd.errors import LibraryError, SchemaTooNew


@dataclass(frozen=True, slots=True)
class Step:
    """Brings a catalogue from version `version - 1` to `version`, inside one transaction."""

    version: int
    apply: Callable[[Connection], None]


STEPS: tuple[Step, ...] = (Step(2, to_2.apply), Step(3, to_3.apply))


def version_of(database: Database, *, newest: int = schema.SCHEMA_VERSION) -> int:
    """The schema version of the catalogue; 0 when it holds nothing yet.

    Raises:
        SchemaTooNew: it is above `newest`.
        LibraryError: the file or schema is some other program's.
        CorruptData: it is no SQLite file, or damaged.
    """
    with database.read() as connection:
        found = _version(database, connection)
    if found > newest:
        raise SchemaTooNew(
            f"{database.place}: was written by a newer Sherd (schema {found}; this one reads up to {newest}); update it"
        )
    return found


def _version(database: Database, connection: Connection) -> int:
    names = database.table_names(connection)
    if not names:
        return 0
    found = connection.scalar(text("SELECT value FROM meta WHERE name = 'schema_version'")) if "meta" in names else 0
    if not found:
        raise LibraryError(f"{database.place}: holds tables, but no Sherd catalogue; choose another place")
    return int(found)


def create(database: Database, library_id: str | None = None) -> None:
    """Make the tables in an empty file or schema, in one transaction; nothing where somebody else just has."""
    with database.write() as connection:
        database.prepare(connection)
        if _version(database, connection):
            return
        schema.metadata.create_all(connection, checkfirst=False)
        for table in (RECORDS, LABELS):
            full_text(connection).create(connection, table)
        values = {
            "schema_version": str(schema.SCHEMA_VERSION),
            "library_id": library_id or uuid.uuid4().hex,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "generation": "0",
            "next_key": "1",
        }
        connection.execute(schema.meta.insert(), [{"name": name, "value": value} for name, value in values.items()])


def upgrade(database: Database, *, steps: Sequence[Step] = STEPS, newest: int = schema.SCHEMA_VERSION) -> list[Path]:
    """Bring the catalogue to version `newest`; the caller holds the library for writing.

    Before each step a whole SQLite file is copied to `catalogue.sqlite.v<old version>`; a server's copy is its own
    backup. A step that raises leaves nothing.

    Returns:
        The copies made.
    Raises:
        SchemaTooNew, LibraryError: see `version_of`; or there is no step to the next version.
    """
    copies = []
    by_version = {step.version: step for step in steps}
    while (version := version_of(database, newest=newest)) < newest:
        step = by_version.get(version + 1)
        if step is None:
            raise LibraryError(
                f"{database.place}: has schema {version}, which this Sherd can no longer bring up to date"
            )
        if isinstance(database, SqliteDatabase):
            copies.append(back_up(database, database.path.with_name(f"{database.path.name}.v{version}")))
        with database.write() as connection:
            step.apply(connection)
            connection.execute(
                schema.meta.update().where(schema.meta.c.name == "schema_version").values(value=str(step.version))
            )
    return copies


def back_up(database: SqliteDatabase, target: Path) -> Path:
    """A copy of the catalogue as committed now, whole on disk before its name is there."""
    unfinished = target.with_name(target.name + ".tmp")
    unfinished.unlink(missing_ok=True)
    with database.raw() as connection:
        copy = sqlite3.connect(unfinished)
        try:
            connection.backup(copy)
        finally:
            copy.close()
    handle = os.open(unfinished, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    unfinished.rename(target)
    return target
