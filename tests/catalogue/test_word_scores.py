"""What is summed up from words is what the engine scores at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert

from sherd.catalogue import lexical
from sherd.catalogue.catalogue import Catalogue
from sherd.catalogue.fulltext import Scored, full_text
from sherd.catalogue.fulltext_sqlite import SqliteFullText
from sherd.catalogue.lexical import Term
from sherd.catalogue.schema import records
from sherd.catalogue.sqlite import SqliteDatabase
from sherd.catalogue.word_scores import WordScores
from sherd.types import Record, SourceImage
from tests.catalogue.shelf import catalogue, filled, item, put

WORDS = ["bronze", "gilt", "ding", "dings", "饕餮纹", "鼎", "青铜鼎", "and", "vessel", "1982.30", "étui"]
TEXT = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteDatabase]:
    folder = tmp_path_factory.mktemp("words")
    Catalogue.open(folder / "catalogue.sqlite", create=True).close()
    there = SqliteDatabase(folder / "catalogue.sqlite")
    yield there
    there.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    titles=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=12),
    query=TEXT | st.text(max_size=12),
    labels=st.lists(TEXT, max_size=3),
    limit=st.integers(1, 15),
)
def test_the_sum_over_words_is_to_the_last_bit_what_the_engine_says(
    database: SqliteDatabase, titles: list[tuple[str, str]], query: str, labels: list[str], limit: int
) -> None:
    made = {n: Record(f"r{n}", (), {"en": one}, {"en": other}) for n, (one, other) in enumerate(titles, 1)}
    terms = lexical.terms_of(query, labels)
    if not terms:
        return
    with database.write() as connection:
        engine = full_text(connection)
        engine.create(connection, "lexical")
        connection.execute(records.delete())
        rows = [{"number": n, "record_id": one.record_id, "title": "", "body": "{}"} for n, one in made.items()]
        connection.execute(insert(records), rows)
        engine.put(connection, {n: lexical.texts(one) for n, one in made.items()})
        asked = engine.search(connection, terms, limit, ())
        for words in (WordScores(), WordScores(dense=0), WordScores(most_bytes=1)):
            for _ in range(2):
                found = words.best(engine, connection, 1, terms, limit)
                assert found is not None
                assert [(f"r{number}", score) for number, score in found] == asked


class Counting(SqliteFullText):
    def __init__(self) -> None:
        self.asked: list[str] = []

    def scores(self, connection: Connection, term: Term) -> Scored:
        self.asked.append(term.text)
        return super().scores(connection, term)


def test_a_word_is_asked_for_once_until_something_is_committed(database: SqliteDatabase) -> None:
    words, engine = WordScores(), Counting()
    with database.read() as connection:
        for generation in (1, 1, 2):
            assert words.best(engine, connection, generation, [Term("bell"), Term("vase")], 5) is not None
        words.best(engine, connection, 2, [Term("bell"), Term("tripod")], 5)
    assert engine.asked == ["bell", "vase", "bell", "vase", "tripod"]


def test_what_is_committed_is_found_at_once(tmp_path: Path) -> None:
    there = filled(tmp_path)
    assert [name for name, _ in there.lexical("bell", 5)] == ["bell"]
    put(there, [item(Record("b2", (SourceImage("b2.jpg"),), {"en": "bell, bell"}), [9])], [9], root="/b", name="b.vec")
    assert {name for name, _ in there.lexical("bell", 5)} == {"bell", "b2"}
    there.close()


def test_an_empty_catalogue_has_no_words(tmp_path: Path) -> None:
    there = catalogue(tmp_path)
    assert there.lexical("bell", 5) == []
    there.close()
