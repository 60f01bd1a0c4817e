"""FTS5's tokenizer for engines that have none like it: tokens and stems are SQLite's own, so answers are the same."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence

COLUMNS = 4


class Tokenizer:
    """Texts to tokens by an FTS5 table in memory that is emptied again. Any number of threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def columns(self, rows: Sequence[Sequence[str]]) -> list[list[tuple[int, int, str]]]:
        """For each row of up to `COLUMNS` texts, (column, place in it, token) of all its tokens, in their order."""
        found: list[list[tuple[int, int, str]]] = [[] for _ in rows]
        padded = ((n, *row, *("" for _ in range(COLUMNS - len(row)))) for n, row in enumerate(rows, 1))
        with self._lock:
            connection = self._connection = self._connection or _opened()
            connection.executemany("INSERT INTO t(rowid, c0, c1, c2, c3) VALUES (?, ?, ?, ?, ?)", padded)
            for row, name, place, token in connection.execute("SELECT doc, col, offset, term FROM v"):
                found[row - 1].append((int(name[1]), place, token))
            connection.execute("INSERT INTO t(t) VALUES ('delete-all')")
        return [sorted(one) for one in found]

    def tokens(self, texts: Sequence[str]) -> list[list[str]]:
        """The tokens of each text, in their order."""
        return [[token for _, _, token in found] for found in self.columns([[text] for text in texts])]


def _opened() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
    connection.execute("CREATE VIRTUAL TABLE t USING fts5(c0, c1, c2, c3, content='', tokenize='porter unicode61')")
    connection.execute("CREATE VIRTUAL TABLE v USING fts5vocab(t, instance)")
    return connection
