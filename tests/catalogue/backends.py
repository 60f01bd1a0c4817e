"""Where the catalogues of these tests lie: in an SQLite file, or in a schema of a PostgreSQL server."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.postgres_server import PostgresServer

server: PostgresServer | None = None
"""Set by the fixture `backend` while its tests run."""


def place(folder: Path) -> Path | str:
    """Of the catalogue of the library in `folder`."""
    return folder / "catalogue.sqlite" if server is None else server.url(_schema(folder))


def sql(folder: Path, statement: str, rows: Sequence[Sequence[object]] = ()) -> list[tuple[Any, ...]]:
    """Run one statement behind the catalogue's back, once or for each of `rows`; what it answers."""
    if server is None:
        with closing(sqlite3.connect(folder / "catalogue.sqlite")) as connection, connection:
            if rows:
                connection.executemany(statement, rows)
                return []
            return connection.execute(statement).fetchall()
    import psycopg

    with psycopg.connect(
        server.url("x").partition("?")[0], options=f"-c search_path={_schema(folder)}", autocommit=True
    ) as other:
        cursor = other.cursor()
        if rows:
            cursor.executemany(statement.replace("?", "%s"), rows)
            return []
        cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


def _schema(folder: Path) -> str:
    return "t" + hashlib.blake2b(str(folder).encode(), digest_size=10).hexdigest()
