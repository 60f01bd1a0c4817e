"""Full-text search by SQLite's own FTS5."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice

import numpy as np
from sqlalchemy import ColumnElement, Connection, Select, column, literal_column, select, table, text

from sherd.catalogue.fulltext import LABELS, RECORDS, Scored, Ts
from sherd.catalogue.lexical import COLUMNS, WEIGHTS, Term
from sherd.catalogue.schema import concept_labels, records

TOKENIZE = "tokenize='porter unicode61'"
CREATE = {
    RECORDS: f"CREATE VIRTUAL TABLE lexical USING fts5({', '.join(COLUMNS)}, {TOKENIZE}, prefix='1')",
    LABELS: f"CREATE VIRTUAL TABLE concept_words USING fts5(words, {TOKENIZE}, prefix='1')",
}
_CHUNK = 20_000
_WEIGHTS = ", ".join(f"{one:.1f}" for one in WEIGHTS)
_labels = table("concept_words", column("rowid"))
_table = table("lexical", column("rowid"), *(column(name) for name in COLUMNS))


class SqliteFullText:
    """See `FullText`."""

    def create(self, connection: Connection, table: str) -> None:
        connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
        connection.execute(text(CREATE[table]))

    def put(self, connection: Connection, rows: Mapping[int, Mapping[str, str]]) -> None:
        connection.execute(text("DELETE FROM lexical WHERE rowid = :rowid"), [{"rowid": number} for number in rows])
        names = ", ".join(COLUMNS)
        connection.execute(
            text(f"INSERT INTO lexical(rowid, {names}) VALUES (:rowid, :{', :'.join(COLUMNS)})"),
            [{"rowid": number} | dict(texts) for number, texts in rows.items()],
        )

    def search(
        self, connection: Connection, terms: Sequence[Term], limit: int, restrict: Sequence[Select[int]]
    ) -> list[tuple[str, float]]:
        rank: ColumnElement[float] = literal_column(f"bm25(lexical, {_WEIGHTS})")
        best = (
            select(_table.c.rowid.label("number"), rank.label("rank"))
            .where(text("lexical MATCH :expression").bindparams(expression=" OR ".join(map(_quoted, terms))))
            .order_by(text("rank"), _table.c.rowid)
            .limit(limit)
        )
        # The plus keeps SQLite from asking the full-text index once for every allowed record (3 s instead of 20 ms).
        number: ColumnElement[int] = literal_column("+lexical.rowid")
        for allowed in restrict:
            best = best.where(number.in_(allowed))
        # Only the best are looked up among the records: a common word is in half of them (100,000: 110 -> 47 ms).
        few = best.subquery()
        rows = select(records.c.record_id, few.c.rank).join(few, records.c.number == few.c.number)
        rows = rows.order_by(few.c.rank, few.c.number)
        return [(row.record_id, -float(row.rank)) for row in connection.execute(rows)]

    def scores(self, connection: Connection, term: Term) -> Scored:
        # FTS5's BM25 is a sum over phrases, of which each depends on its own phrase and on the lengths of texts alone.
        sql = f"SELECT rowid, bm25(lexical, {_WEIGHTS}) FROM lexical WHERE lexical MATCH ? ORDER BY rowid"
        rows = connection.exec_driver_sql(sql, (_quoted(term),))
        found = np.fromiter(chain.from_iterable(rows), np.float64).reshape(-1, 2)
        numbers = found[:, 0].astype(np.int64)
        small = not numbers.size or numbers[-1] < 2**31
        return Scored(numbers.astype(np.int32) if small else numbers, -found[:, 1])

    def put_labels(self, connection: Connection, rows: Iterable[tuple[int, str]]) -> None:
        it = iter(rows)
        while chunk := list(islice(it, _CHUNK)):
            connection.exec_driver_sql("INSERT INTO concept_words(rowid, words) VALUES (?, ?)", chunk)

    def remove_labels(self, connection: Connection, thesaurus: int) -> None:
        own = (
            "SELECT l.number FROM concept_labels l JOIN concepts c ON c.number = l.concept WHERE c.thesaurus = :number"
        )
        connection.execute(text(f"DELETE FROM concept_words WHERE rowid IN ({own})"), {"number": thesaurus})

    def labels_with(self, rows: Select[*Ts], terms: Sequence[Term]) -> Select[*Ts]:
        expression = " AND ".join(map(_quoted, terms))
        found = rows.join(_labels, _labels.c.rowid == concept_labels.c.number)  # FTS5 gives them by rowid
        return found.where(text("concept_words MATCH :expression").bindparams(expression=expression))

    def faults(self, connection: Connection, table: str) -> Iterator[str]:
        """Raises CorruptData, through `Database.write`, where the index and its texts differ."""
        connection.execute(text(f"INSERT INTO {table}({table}) VALUES ('integrity-check')"))
        yield from ()


def _quoted(term: Term) -> str:
    """A term of FTS5's query language: a text in quotes has no commands in it."""
    quoted = '"' + term.text.replace('"', '""') + '"'
    return quoted + " *" if term.prefix else quoted
