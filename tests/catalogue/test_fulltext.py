"""PostgreSQL's full text gives the answers of SQLite's, to the last digit; its index is checked and made again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert

from sherd.catalogue import fulltext_postgres, lexical
from sherd.catalogue.database import Database
from sherd.catalogue.fulltext import FullText, full_text
from sherd.catalogue.lexical import Term
from sherd.catalogue.opening import open_database
from sherd.catalogue.schema import records
from sherd.catalogue.soundness import faults, mend
from sherd.catalogue.sqlite import SqliteDatabase
from sherd.catalogue.tokenizer import Tokenizer
from sherd.types import Record
from tests.catalogue import backends
from tests.catalogue.backends import sql
from tests.catalogue.shelf import catalogue, filled

pytestmark = pytest.mark.engine("postgresql")

WORDS = [
    "bronze",
    "vases",
    "vase",
    "casting",
    "cast",
    "瓷",
    "青花",
    "青花瓷瓶",
    "饕餮纹",
    "鼎",
    "étui",
    "and",
    "gilt ding",
]
TEXT = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, Database]]:
    """An empty catalogue of either engine."""
    folder = tmp_path_factory.mktemp("both")
    catalogue(folder).close()
    backends.server, server = None, backends.server
    catalogue(folder).close()
    sqlite = SqliteDatabase(folder / "catalogue.sqlite")
    backends.server = server
    postgres = open_database(backends.place(folder))
    yield sqlite, postgres
    sqlite.close()
    postgres.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    titles=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=7),
    query=TEXT | st.text(max_size=12),
    labels=st.lists(TEXT, max_size=3),
)
def test_the_answers_are_those_of_sqlite(
    both: tuple[Database, Database], titles: list[tuple[str, str]], query: str, labels: list[str]
) -> None:
    made = {n: Record(f"r{n}", (), {"en": one}, {"en": other}) for n, (one, other) in enumerate(titles, 1)}
    terms = lexical.terms_of(query, labels)
    answers = []
    for database in both:
        with database.write() as connection:
            engine = full_text(connection)
            _only(connection, engine, made)
            answers.append(engine.search(connection, terms, 20, ()) if terms else [])
            assert list(engine.faults(connection, "lexical")) == []
    assert [name for name, _ in answers[0]] == [name for name, _ in answers[1]]
    assert [score for _, score in answers[0]] == pytest.approx([score for _, score in answers[1]], rel=1e-9)


def _only(connection: Connection, engine: FullText, made: dict[int, Record]) -> None:
    engine.create(connection, "lexical")
    connection.execute(records.delete())
    rows = [{"number": n, "record_id": one.record_id, "title": "", "body": "{}"} for n, one in made.items()]
    connection.execute(insert(records), rows)
    engine.put(connection, {n: lexical.texts(one) for n, one in made.items()})


def test_the_tokens_are_those_of_the_full_text_table(both: tuple[Database, Database]) -> None:
    text = "Castings, étuis and 青花瓷瓶 u2cb5a0"
    with both[0].write() as connection:
        connection.exec_driver_sql("CREATE VIRTUAL TABLE seen USING fts5vocab(lexical, instance)")
        engine = full_text(connection)
        engine.create(connection, "lexical")
        engine.put(connection, {1: dict.fromkeys(lexical.COLUMNS, "") | {"title": text}})
        rows = connection.exec_driver_sql("SELECT term FROM seen ORDER BY offset").scalars().all()
        connection.exec_driver_sql("DROP TABLE seen")
    assert Tokenizer().tokens([text, "", "vases"]) == [list(rows), [], ["vase"]]


def test_a_term_without_a_token_is_passed_over(both: tuple[Database, Database]) -> None:
    with both[1].write() as connection:
        engine = full_text(connection)
        _only(connection, engine, {1: Record("a", (), {"en": "bronze"})})
        assert engine.search(connection, [Term("!")], 5, ()) == []
        assert [name for name, _ in engine.search(connection, [Term("!"), Term("bronzes")], 5, ())] == ["a"]


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE lexical_postings SET places = '{1}' WHERE token = 'bell'",
        "DELETE FROM lexical_postings WHERE token = 'bell'",
        "UPDATE lexical_postings SET weight = weight + 1 WHERE token = 'bell'",
        "UPDATE lexical_totals SET tokens = tokens + 1",
        "INSERT INTO lexical_postings VALUES ('lost', 999, 1, '{0}')",
    ],
)
def test_an_index_that_does_not_match_is_found_and_made_again(tmp_path: Path, harm: str) -> None:
    shelf = filled(tmp_path)
    before = shelf.lexical("bell", 5)
    sql(tmp_path, harm)
    wrong = list(faults(shelf.database))
    assert [(one.kind, one.where) for one in wrong] == [("words_altered", "lexical")]
    mend(shelf.database, wrong)
    assert list(faults(shelf.database)) == []
    assert shelf.lexical("bell", 5) == before
    shelf.close()


@pytest.mark.parametrize(
    "harm", ["ALTER TABLE records DROP COLUMN title", "DROP TABLE regions CASCADE", "DROP INDEX ix_concepts_uri"]
)
def test_tables_that_are_not_as_they_were_made_are_told(tmp_path: Path, harm: str) -> None:
    shelf = filled(tmp_path)
    sql(tmp_path, harm)
    [one] = faults(shelf.database)
    assert one.kind == "catalogue_damaged"
    assert one.what.endswith("is not as it was made")
    shelf.close()


def test_all_columns_of_the_index_are_as_many_as_the_tokenizer_takes() -> None:
    assert len(lexical.COLUMNS) == len(lexical.WEIGHTS) <= 4
    assert fulltext_postgres.lexical.c.keys()[1:-1] == list(lexical.COLUMNS)
