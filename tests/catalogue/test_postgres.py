"""A server that is away, silent, restarted or cut off: nothing acknowledged is lost, and people are told what is."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from sherd.catalogue import postgres as engine
from sherd.catalogue.catalogue import Catalogue
from sherd.catalogue.opening import open_database
from sherd.catalogue.postgres import PostgresDatabase
from sherd.catalogue.postgres_address import parse_address
from sherd.errors import InvalidArgument, LibraryBusy, LibraryError, SchemaTooNew, ServerAway
from tests.catalogue import backends
from tests.catalogue.shelf import catalogue, filled
from tests.cutting_proxy import CuttingProxy
from tests.postgres_server import PostgresServer, free_port

pytestmark = pytest.mark.engine("postgresql")


@pytest.fixture
def own() -> Iterator[PostgresServer]:
    """A server of this test alone, to be stopped and started."""
    server = PostgresServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def proxy(postgres: PostgresServer) -> Iterator[CuttingProxy]:
    leading = CuttingProxy(postgres.port)
    yield leading
    leading.close()


def opened(server: PostgresServer, port: int, **options: object) -> PostgresDatabase:
    """A catalogue with a counter in it, by way of `port`; and connections kept open."""
    database = open_database(server.url("t" + os.urandom(8).hex(), port=port, **options))
    assert isinstance(database, PostgresDatabase)
    from sherd.catalogue import migrations

    migrations.create(database)
    with database.write() as connection:
        connection.execute(text("INSERT INTO meta VALUES ('counter', '0')"))
    return database


def count(database: PostgresDatabase) -> int:
    with database.read() as connection:
        return int(connection.scalar(text("SELECT value FROM meta WHERE name = 'counter'")) or 0)


def add(database: PostgresDatabase) -> None:
    database.transact(
        lambda connection: connection.execute(
            text("UPDATE meta SET value = (value::int + 1)::text WHERE name = 'counter'")
        )
    )


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("postgresql://me:secret@host/db", "leave the password out .*PGPASSFILE"),
        ("postgresql://host/db?password=secret", "leave the password out"),
        ("postgresql://host/db?schema=Robert'); DROP", "schema="),
        ("postgresql://host/db?schema=", "schema="),
        ("postgresql://host/db?colour=red", "no option 'colour'; there are schema, patience_s"),
        ("postgresql://host/db?patience_s=-1", "patience_s=-1"),
        ("postgresql://host/db?answer_s=soon", "answer_s=soon"),
        ("postgresql://host:port/db", "cannot be read"),
        ("mysql://host/db", "is postgresql://"),
    ],
)
def test_an_address_that_means_nothing_is_refused(url: str, what: str) -> None:
    with pytest.raises(InvalidArgument, match=what) as refused:
        parse_address(url)
    assert "secret" not in str(refused.value)


def test_an_address_is_read() -> None:
    address = parse_address("postgres://me@host:5433/db?schema=museum&patience_s=2&sslmode=require")
    assert address.driver == "postgresql://me@host:5433/db?sslmode=require"
    assert (address.schema, address.patience_s, address.writer_patience_s) == ("museum", 2.0, 120.0)
    assert parse_address("postgresql://host/db").schema == "sherd"


def test_a_server_that_is_away_is_told_when_patience_ends() -> None:
    port = free_port()
    for patience_s in (0.0, 0.6):
        start = time.monotonic()
        with pytest.raises(ServerAway, match=f"127.0.0.1:{port}/db.*no answer from the server .*run again"):
            Catalogue.open(f"postgresql://me@127.0.0.1:{port}/db?patience_s={patience_s}")
        assert time.monotonic() - start >= patience_s


def test_a_database_that_is_not_there_is_told_at_once(postgres: PostgresServer) -> None:
    with pytest.raises(LibraryError, match='"nothing" does not exist; make the database'):
        Catalogue.open(postgres.url("x").replace("/postgres?", "/nothing?"))


def test_a_reader_finds_a_restarted_server_again(own: PostgresServer) -> None:
    database = opened(own, own.port)
    add(database)
    own.stop(signal.SIGQUIT)
    with pytest.raises(ServerAway):
        opened(own, own.port, patience_s=0)
    own.start()
    assert count(database) == 1
    database.close()


def test_a_writer_who_holds_the_library_goes_on_after_a_restart(own: PostgresServer) -> None:
    database = opened(own, own.port)
    with database.hold():
        for how in (signal.SIGINT, signal.SIGQUIT):
            add(database)
            own.stop(how)
            own.start()
            add(database)
        other = open_database(database.address.url)
        with pytest.raises(LibraryBusy), other.hold():  # the lock was taken again
            pass
        other.close()
    assert count(database) == 4
    database.close()


def test_a_change_that_a_cut_undid_is_made_again_once(postgres: PostgresServer, proxy: CuttingProxy) -> None:
    """The connection is cut at each statement of the transaction in turn, COMMIT among them, before the server sees it,
    or when it has seen it and answers."""
    database = opened(postgres, proxy.port)
    cuts = 0
    with database.hold():
        for at in range(10):
            for of_answer in (False, True):
                seen = [0, 0]

                def watch(
                    piece: bytes, answer: bool, at: int = at, of_answer: bool = of_answer, seen: list[int] = seen
                ) -> bool:
                    nonlocal cuts
                    if b"advisory_xact" in piece or seen[0]:
                        seen[answer] += 1
                    hit = seen[of_answer] == at + 1 and answer is of_answer
                    if hit:
                        proxy.watch = lambda piece, answer: False
                        cuts += 1
                    return hit

                before = count(database)
                proxy.watch = watch
                add(database)
                proxy.watch = lambda piece, answer: False
                assert count(database) == before + 1, (at, of_answer)
    assert cuts >= 8
    database.close()


def test_without_holding_the_library_a_cut_is_told_and_undone(postgres: PostgresServer, proxy: CuttingProxy) -> None:
    database = opened(postgres, proxy.port)
    with pytest.raises(ServerAway, match="what was acknowledged is kept"):
        _add_with_a_cut(database, proxy)
    assert count(database) == 0
    database.close()


def _add_with_a_cut(database: PostgresDatabase, proxy: CuttingProxy) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE meta SET value = '9' WHERE name = 'counter'"))
        proxy.cut()
        connection.execute(text("SELECT 1"))


def test_a_server_that_says_nothing_counts_as_away(postgres: PostgresServer, proxy: CuttingProxy) -> None:
    database = opened(postgres, proxy.port, answer_s=0.3, patience_s=0)
    proxy.freeze()
    with pytest.raises(ServerAway, match="no answer from the server"):
        count(database)
    proxy.thaw()
    assert count(database) == 0
    database.close()


def test_one_process_holds_the_library_and_is_named(postgres: PostgresServer) -> None:
    database = opened(postgres, postgres.port)
    other = open_database(database.address.url)
    with database.hold():
        with pytest.raises(LibraryBusy, match=rf"process {os.getpid()} on .*, since .*is writing to it"), other.hold():
            pass
        with other.write():  # a decision needs no hold
            pass
    with other.hold():
        pass
    other.close()
    database.close()


def test_who_held_the_library_while_the_server_was_away_is_noticed(
    postgres: PostgresServer, proxy: CuttingProxy
) -> None:
    database = opened(postgres, proxy.port)
    with database.hold():
        proxy.cut()
        other = open_database(postgres.url(database.schema))
        with other.hold():
            pass
        other.close()
        with pytest.raises(LibraryBusy, match="another process has written"):
            add(database)
    assert count(database) == 0
    database.close()


def test_a_second_change_waits_for_the_first(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_BUSY_S", 0.2)
    database = opened(postgres, postgres.port)
    other = open_database(database.address.url)
    with database.write(), pytest.raises(LibraryBusy, match="another process holds the catalogue"), other.write():
        pass
    with other.write():
        pass
    other.close()
    database.close()


def test_a_newer_catalogue_and_another_programs_tables_are_refused(tmp_path: Path) -> None:
    filled(tmp_path).close()
    backends.sql(tmp_path, "UPDATE meta SET value = '99' WHERE name = 'schema_version'")
    for create in (False, True):
        with pytest.raises(SchemaTooNew, match="newer Sherd"):
            Catalogue.open(backends.place(tmp_path), create=create)
    backends.sql(tmp_path, "DELETE FROM meta WHERE name = 'schema_version'")
    with pytest.raises(LibraryError, match="no Sherd catalogue"):
        Catalogue.open(backends.place(tmp_path), create=True)


def test_texts_that_postgresql_cannot_keep_are_refused_in_words(tmp_path: Path) -> None:
    shelf = catalogue(tmp_path)
    with pytest.raises(InvalidArgument, match="does not keep"):
        shelf.get_many(["a\x00b"])
    shelf.close()


def test_long_texts_are_kept_though_no_ordered_index_takes_them(tmp_path: Path) -> None:
    from sherd.types import Record, SourceImage
    from tests.catalogue.shelf import item, put

    shelf = catalogue(tmp_path)
    rights = os.urandom(20_000).hex()
    put(shelf, [item(Record("long", (SourceImage("a.jpg"),), rights=rights), [1])], [1])
    assert shelf.live_keys({"rights": (rights,)}).tolist() == [1]
    shelf.close()
