"""A catalogue in PostgreSQL: transactions as SQLite has them, and what happens when the server is away.

Writing is one transaction at a time, by an advisory lock of the library; reading sees one snapshot. A process that
ingests also holds the library, by a lock of its session and by its name in the table `meta`: when the server was
restarted it takes the lock again, and stops if another process has held the library meanwhile.
"""

from __future__ import annotations

import hashlib
import math
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from sherd.catalogue.database import Database
from sherd.catalogue.postgres_address import PostgresAddress
from sherd.catalogue.postgres_errors import translate
from sherd.errors import IndexAway, LibraryBusy, LibraryError, MissingExtra, ServerAway

if TYPE_CHECKING:
    import psycopg

_BUSY_S = 10.0
_HOLD_PATIENCE_S = 0.5
_CONNECT_S, _LEAST_CONNECT_S = 5, 2
_PAUSE_S = 0.25
_WRITER = "writer"
T = TypeVar("T")


class PostgresDatabase(Database):
    """Connections to one schema of one database.

    Raises:
        MissingExtra: psycopg is not installed.
    """

    def __init__(self, address: PostgresAddress) -> None:
        self.address = address
        self._connection_class = _connection_class()
        self._engine = create_engine(
            "postgresql+psycopg://", creator=self._connect, poolclass=QueuePool, pool_size=4, max_overflow=12,
            pool_pre_ping=True,
        )  # fmt: skip
        self._held_by: str | None = None
        self._holder: psycopg.Connection[Any] | None = None

    @property
    def place(self) -> str:
        return self.address.url

    @property
    def schema(self) -> str:
        return self.address.schema

    @property
    def engine(self) -> Engine:
        return self._engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self._translated():
            connection = self._begun(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection:
                _limit(connection, self.address.answer_s)
                yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        if self._held_by is not None:
            self._hold_still()
        with self._translated():
            connection = self._begun(isolation_level="READ COMMITTED", postgresql_readonly=False)
            with connection:
                _limit(connection, 10 * self.address.answer_s)
                # The lock first, in a statement of its own: what is read after it is what the last writer left.
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": self._key("transaction")})
                self._refuse_another_holder(connection)
                yield connection
                self._commit(connection)

    def again(self, call: Callable[[], T]) -> T:
        until = time.monotonic() + self._patience_s
        while True:
            try:
                return call()
            except ServerAway as error:
                if isinstance(error, IndexAway) or self._held_by is None or time.monotonic() > until:
                    raise
                time.sleep(_PAUSE_S)

    @contextmanager
    def hold(self) -> Iterator[None]:
        with self._translated():
            self._holder = self._locked(_HOLD_PATIENCE_S)
            name = uuid.uuid4().hex
            try:
                with self.write() as connection:
                    connection.execute(text("DELETE FROM meta WHERE name = :name"), {"name": _WRITER})
                    row = {"name": _WRITER, "value": name}
                    connection.execute(text("INSERT INTO meta (name, value) VALUES (:name, :value)"), row)
                self._held_by = name
                yield
            finally:
                self._held_by = None
                self._let_go()

    def table_names(self, connection: Connection) -> list[str]:
        names = text("SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = :schema ORDER BY tablename")
        return list(connection.scalars(names, {"schema": self.schema}))

    def prepare(self, connection: Connection) -> None:
        encoding = connection.scalar(text("SHOW server_encoding"))
        if encoding != "UTF8":
            raise LibraryError(f"{self.place}: the database is in {encoding}; make one in UTF8 (createdb -E UTF8)")
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {self.schema}"))

    def close(self) -> None:
        self._engine.dispose()

    @property
    def _patience_s(self) -> float:
        return self.address.patience_s if self._held_by is None else self.address.writer_patience_s

    def _connect(self) -> psycopg.Connection[Any]:
        """A connection; while the server is away it is tried again until patience ends."""
        import psycopg

        until = time.monotonic() + self._patience_s
        while True:
            try:
                return self._connection_class.connect(
                    self.address.driver,
                    connect_timeout=max(_LEAST_CONNECT_S, min(_CONNECT_S, math.ceil(self.address.answer_s))),
                    client_encoding="UTF8",
                    application_name=f"sherd, process {os.getpid()} on {socket.gethostname()}"[:63],
                    options=f"-c search_path={self.schema} -c lock_timeout={int(_BUSY_S * 1000)} -c timezone=UTC "
                    "-c statement_timeout=0 -c synchronous_commit=on",
                    keepalives_idle=30,
                    keepalives_interval=10,
                    keepalives_count=3,
                )
            except psycopg.OperationalError as error:
                if not isinstance(translate(error, self.place), ServerAway) or time.monotonic() > until:
                    raise
                time.sleep(_PAUSE_S)

    def _begun(self, **options: Any) -> Connection:
        connection = self._engine.connect().execution_options(**options)
        try:
            connection.begin()
        except BaseException:
            connection.close()
            raise
        return connection

    def _commit(self, connection: Connection) -> None:
        """Commit; where the answer gets lost, find out from the server what became of it."""
        transaction = connection.scalar(text("SELECT pg_current_xact_id_if_assigned()::text"))
        try:
            connection.commit()
        except DBAPIError as error:
            away = translate(error, self.place)
            if not isinstance(away, ServerAway) or transaction is None:
                raise
            with suppress(Exception):
                connection.invalidate()
            if not self._was_committed(transaction):
                raise away from error

    def _was_committed(self, transaction: str) -> bool:
        until = time.monotonic() + self._patience_s
        status = "in progress"
        while status == "in progress":
            try:
                with self._engine.connect() as connection:
                    asked = text("SELECT pg_xact_status(cast(:id AS xid8))")
                    status = connection.scalar(asked, {"id": transaction}) or "unknown"
            except DBAPIError as error:
                if time.monotonic() > until:
                    raise ServerAway(
                        f"{self.place}: the server went away while it was keeping a change, and whether it did is not "
                        "known; run again when it is back: what is there is known again"
                    ) from error
            if time.monotonic() > until:
                break
            if status == "in progress":
                time.sleep(_PAUSE_S)
        return status == "committed"

    def _refuse_another_holder(self, connection: Connection) -> None:
        if self._held_by is None:
            return
        there = connection.scalar(text("SELECT value FROM meta WHERE name = :name"), {"name": _WRITER})
        if there != self._held_by:
            raise LibraryBusy(
                f"{self.place}: another process has written to the library while the server was away; run again"
            )

    def _hold_still(self) -> None:
        """Take the lock of the session again where it was lost with its connection."""
        import psycopg

        with self._translated():
            try:
                if self._holder is not None:
                    self._holder.execute("SELECT 1")
                    return
            except psycopg.OperationalError:
                self._let_go()
            self._holder = self._locked(_BUSY_S)

    def _locked(self, patience_s: float) -> psycopg.Connection[Any]:
        connection = self._connect()
        try:
            connection.autocommit = True
            until = time.monotonic() + patience_s
            while True:
                row = connection.execute("SELECT pg_try_advisory_lock(%s)", [self._key("hold")]).fetchone()
                if row is not None and row[0]:
                    return connection
                if time.monotonic() > until:
                    raise LibraryBusy(f"{self.place}: {self._who(connection)} is writing to it; wait for it to finish")
                time.sleep(0.05)
        except BaseException:
            connection.close()
            raise

    def _who(self, connection: psycopg.Connection[Any]) -> str:
        key = self._key("hold") & (1 << 64) - 1
        row = connection.execute(
            "SELECT application_name, backend_start FROM pg_locks JOIN pg_stat_activity USING (pid) "
            "WHERE locktype = 'advisory' AND granted AND classid = %s AND objid = %s LIMIT 1",
            [key >> 32, key & 0xFFFFFFFF],
        ).fetchone()
        return f"{row[0]}, since {row[1].isoformat(timespec='seconds')}," if row and row[0] else "another process"

    def _let_go(self) -> None:
        if self._holder is not None:
            with suppress(Exception):
                self._holder.close()
            self._holder = None

    def _key(self, what: str) -> int:
        """The number of an advisory lock of this library; such locks are the database's own."""
        digest = hashlib.blake2b(f"sherd {self.schema} {what}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big", signed=True)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        import psycopg

        try:
            yield
        except (DBAPIError, psycopg.Error) as error:
            raised = translate(error, self.place)
            if raised is None:
                raise
            raise raised from error


def _limit(connection: Connection, seconds: float) -> None:
    driver: Any = connection.connection.driver_connection
    driver.answer_s = seconds


def _connection_class() -> type[psycopg.Connection[Any]]:
    """psycopg's connection, closed when the server has said nothing for too long."""
    try:
        import psycopg
    except ImportError as error:
        raise MissingExtra(
            "a catalogue in PostgreSQL needs psycopg: install it with `pip install 'sherd[postgres]'`"
        ) from error

    class Limited(psycopg.Connection[Any]):
        answer_s: float = 60.0

        def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
            return super().wait(self._within(gen), interval)

        def _within(self, gen: Any) -> Any:
            """`gen`, a conversation with the server, ended when it has been silent for `answer_s`."""
            until = time.monotonic() + self.answer_s
            try:
                wanted = next(gen)
                while True:
                    ready = yield wanted
                    if ready:
                        until = time.monotonic() + self.answer_s
                    elif time.monotonic() > until:
                        self.pgconn.finish()
                        raise psycopg.OperationalError(f"no answer in {self.answer_s:g} s")
                    wanted = gen.send(ready)
            except StopIteration as end:
                return end.value

    return Limited
