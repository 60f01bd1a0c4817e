"""From version 2 to 3: decisions; labels of concepts folded anew (pinyin without tones and spaces, Japanese forms)."""

from __future__ import annotations

from sqlalchemy import Connection, text

from sherd.catalogue import concept_writing


def apply(connection: Connection) -> None:
    """Make the table, empty; compile every thesaurus again, by the code that will look things up."""
    for statement in _STATEMENTS:
        connection.exec_driver_sql(statement)
    for number in connection.scalars(text("SELECT number FROM thesauri ORDER BY number")).all():
        concept_writing.recompile(connection, number)


_COLUMNS = ", \n\t".join(
    (
        "number INTEGER NOT NULL",
        "record_id TEXT NOT NULL",
        "action VARCHAR NOT NULL",
        "body TEXT NOT NULL",
        "previous VARCHAR NOT NULL",
        "hash VARCHAR NOT NULL",
        "PRIMARY KEY (number)",
    )
)
_STATEMENTS = (
    f"CREATE TABLE decisions (\n\t{_COLUMNS}\n)",
    "CREATE INDEX ix_decisions_record_id ON decisions (record_id)",
)
