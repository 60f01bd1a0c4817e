"""The SQLite file under a catalogue: how it is opened, and what a transaction is."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import QueuePool

from sherd.catalogue.database import Database
from sherd.catalogue.schema import APPLICATION_ID
from sherd.errors import CorruptData, LibraryBusy, LibraryError, SherdError, StorageRefused

_BUSY_S = 10.0
_WRITE = "sherd_write"
_DAMAGE = ("Could not decode to UTF-8", "no such column", "no such table", "foreign key mismatch")
"""What SQLite says of a file whose tables are not as they were made."""


class SqliteDatabase(Database):
    """Connections to one SQLite file: write-ahead log, every commit on disk before it returns (synchronous=FULL).

    Raises:
        LibraryError: the file is not there and `create` is false.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.path = path
        if not create and not path.is_file():
            raise LibraryError(f"{path.parent}: is no Sherd library (it has no {path.name}); `sherd ingest` makes one")
        self._uri = path.absolute().as_uri() + _mode(path, create=create)
        self._engine = create_engine(
            "sqlite+pysqlite://", creator=self._connect, poolclass=QueuePool, pool_size=4, max_overflow=60
        )
        event.listen(self._engine, "begin", _begin)

    @property
    def place(self) -> str:
        return str(self.path.parent)

    @property
    def engine(self) -> Engine:
        return self._engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with _translated(self.path), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with (
            _translated(self.path),
            self._engine.connect().execution_options(**{_WRITE: True}) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def raw(self) -> Iterator[sqlite3.Connection]:
        """The driver's own connection, for what SQL cannot say (backup)."""
        with _translated(self.path):
            connection = self._connect()
            try:
                yield connection
            finally:
                connection.close()

    def table_names(self, connection: Connection) -> list[str]:
        return inspect(connection).get_table_names()

    def prepare(self, connection: Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")

    def close(self) -> None:
        self._engine.dispose()

    def _connect(self) -> sqlite3.Connection:
        # isolation_level None: transactions are begun by `_begin` alone, so that a read is a snapshot too.
        connection = sqlite3.connect(
            self._uri, uri=True, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
        )
        try:
            for pragma in (
                f"busy_timeout = {int(_BUSY_S * 1000)}",
                "journal_mode = WAL",
                "synchronous = FULL",
                "foreign_keys = ON",
                "trusted_schema = OFF",
                "temp_store = MEMORY",
                "cache_size = -32000",
            ):
                if pragma.startswith("journal_mode") and "immutable" in self._uri:
                    continue
                connection.execute(f"PRAGMA {pragma}").fetchall()
        except BaseException:
            connection.close()
            raise
        return connection


def _mode(path: Path, *, create: bool) -> str:
    if create:
        return "?mode=rwc"
    log = path.with_name(path.name + "-wal")
    if not os.access(path.parent, os.W_OK) and not (log.exists() and log.stat().st_size):
        # A write-ahead log needs a file beside the database; on a read-only disk there is none, and nobody writes.
        return "?immutable=1"
    return "?mode=rw"


def _begin(connection: Connection) -> None:
    wanted = connection.get_execution_options().get(_WRITE)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if wanted else "BEGIN")


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """The driver's errors in our words."""
    try:
        yield
    except UnicodeDecodeError as error:  # a damaged name in the schema, in the driver's own message about it
        raise CorruptData(f"{path}: the catalogue is damaged ({error.reason}); restore it from a backup") from error
    except (DatabaseError, sqlite3.DatabaseError) as error:
        raised = translate(error, path)
        if raised is None:
            raise
        raise raised from error


def translate(error: DatabaseError | sqlite3.DatabaseError, path: Path) -> SherdError | None:
    """What an error of SQLite means to a person, or None where it is our own bug."""
    cause: Any = error.orig if isinstance(error, DatabaseError) else error
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return StorageRefused(f"{path}: the disk is full; what was acknowledged is kept. Free some space and run again")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return StorageRefused(f"{path}: may not be written to; check the rights of the library folder")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or any(sign in str(cause) for sign in _DAMAGE):
        return CorruptData(f"{path}: the catalogue is damaged ({cause}); restore it from a backup")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return LibraryBusy(f"{path}: another process holds the catalogue; try again when it has finished")
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN):
        return StorageRefused(f"{path}: the disk refused ({cause}); what was acknowledged is kept")
    return None
