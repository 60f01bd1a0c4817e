"""Are the tables of a catalogue as they were made, and does the engine itself find fault with them?"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Connection, MetaData, UniqueConstraint, create_engine, inspect, text

from sherd.catalogue.fulltext import LABELS, RECORDS, full_text
from sherd.catalogue.schema import metadata

_MOST = 20


def altered_tables(connection: Connection) -> list[str]:
    """Names of tables and indexes that are missing, extra, or defined in other words than this version's."""
    if connection.dialect.name == "sqlite":
        there, wanted = _sqlite_definitions(connection), _sqlite_wanted()
    else:
        from sherd.catalogue import fulltext_postgres

        there = _reflected(connection)
        wanted = _described(connection, metadata) | _described(connection, fulltext_postgres.metadata)
    return sorted(name for name in there.keys() | wanted.keys() if there.get(name) != wanted.get(name))


def broken_rows(connection: Connection) -> list[str]:
    """What the engine finds, in words. PostgreSQL keeps to its keys and checksums by itself."""
    if connection.dialect.name != "sqlite":
        return []
    damaged = [row[0] for row in connection.execute(text(f"PRAGMA integrity_check({_MOST})")) if row[0] != "ok"]
    return damaged + [
        f"row {row[1]} of {row[0]} points to no row of {row[2]}"
        for row in connection.execute(text("PRAGMA foreign_key_check")).fetchmany(_MOST)
    ]


def _sqlite_definitions(connection: Connection) -> dict[str, str]:
    rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    return dict(rows.all())


def _sqlite_wanted() -> dict[str, str]:
    made = create_engine("sqlite://")
    with made.begin() as empty:
        metadata.create_all(empty)
        for table in (RECORDS, LABELS):
            full_text(empty).create(empty, table)
        wanted = _sqlite_definitions(empty)
    made.dispose()
    return wanted


def _reflected(connection: Connection) -> dict[str, str]:
    """Table -> its columns, keys and indexes as PostgreSQL has them."""
    schema = connection.scalar(text("SELECT current_schema()"))
    looked = inspect(connection)
    there: dict[str, str] = {}
    for name in looked.get_table_names(schema=schema):
        found = looked.get_columns(name, schema=schema)
        columns = [(one["name"], one["type"].compile(connection.dialect), one["nullable"]) for one in found]
        key = sorted(looked.get_pk_constraint(name, schema=schema)["constrained_columns"])
        keys = sorted(str(one["constrained_columns"][0]) for one in looked.get_foreign_keys(name, schema=schema))
        indexes = sorted(tuple(filter(None, one["column_names"])) for one in looked.get_indexes(name, schema=schema))
        there[name] = repr((columns, key, keys, indexes))
    return there


def _described(connection: Connection, tables: MetaData) -> dict[str, str]:
    """Table -> the same, as this version makes it."""
    wanted: dict[str, str] = {}
    for table in tables.sorted_tables:
        columns = [(one.name, _type(connection, one), bool(one.nullable)) for one in table.columns]
        key = sorted(column.name for column in table.primary_key)
        keys = sorted(column.parent.name for column in table.foreign_keys)
        indexes = sorted(tuple(column.name for column in one.columns) for one in table.indexes)
        unique = [
            tuple(one.columns.keys())
            for one in table.constraints
            if isinstance(one, UniqueConstraint) and one._ddl_if is None
        ]
        wanted[table.name] = repr((columns, key, keys, sorted([*indexes, *unique])))
    return wanted


def _type(connection: Connection, column: Column[Any]) -> str:
    made: str = column.type.compile(connection.dialect)
    return "DOUBLE PRECISION" if made == "FLOAT" else made
