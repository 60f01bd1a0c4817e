"""A library whose catalogue is on a server: remembered, searched, checked, and never mixed up with another one's."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sherd.catalogue.catalogue import Catalogue
from sherd.encoder.toy import ToyEncoder
from sherd.errors import InvalidArgument, InvalidConfig, LibraryBusy, LibraryError, MissingExtra, ServerAway
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.elsewhere import FILE, Elsewhere, read_elsewhere, write_elsewhere
from sherd.ingest.library import Library
from sherd.ingest.reindex import reindex
from sherd.ingest.repair import repair
from sherd.ingest.verify import verify
from sherd.search.searcher import Searcher
from sherd.types import Query
from tests.ingest.museum import ingest, museum
from tests.postgres_server import PostgresServer, free_port


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    with DecoderPool() as there:
        yield there


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    """Of a catalogue that is not there yet."""
    return postgres.url("t" + os.urandom(8).hex())


def hits(folder: Path, text: str) -> list[tuple[str, float]]:
    with Library.open(folder) as library:
        found = Searcher.open(library).search(Query(text=text)).hits
        return [(hit.record_id, round(hit.score, 6)) for hit in found]


def test_the_answers_are_those_of_a_library_in_a_folder(tmp_path: Path, pool: DecoderPool, url: str) -> None:
    source = museum(tmp_path / "src", 20)
    reports = []
    Library.open(tmp_path / "far", create=True, catalogue=url).close()
    for name in ("near", "far"):
        reports.append([ingest(tmp_path / name, source, pool) for _ in range(2)])
    near, far = [[(one.added, one.unchanged, one.pictures) for one in some] for some in reports]
    assert near == far == [(20, 0, 20), (0, 20, 20)]
    for text in ("Relic 7", "red", "青铜"):
        assert hits(tmp_path / "near", text) == hits(tmp_path / "far", text)
    assert not (tmp_path / "far/catalogue.sqlite").exists()
    assert read_elsewhere(tmp_path / "far").catalogue == url


def test_a_library_elsewhere_is_checked_repaired_encoded_anew_and_moved(
    tmp_path: Path, pool: DecoderPool, url: str
) -> None:
    Library.open(tmp_path / "lib", create=True, catalogue=url).close()
    ingest(tmp_path / "lib", museum(tmp_path / "src", 5), pool)
    (tmp_path / "lib").rename(tmp_path / "moved")
    with Library.open(tmp_path / "moved") as library:
        assert verify(library).problems == []
        next(library.thumbnails.rglob("*.jpg")).unlink()
        next((library.folder / "vectors").rglob("*.vec")).write_bytes(b"gone")
        assert {one.kind for one in verify(library).problems} == {"thumbnail_missing", "part_altered"}
        assert repair(library, pool, lambda name: ToyEncoder()).after.ok
        assert reindex(library, ToyEncoder(2)).pictures == 5
        assert verify(library).problems == []


def test_a_folder_meets_no_other_librarys_catalogue(tmp_path: Path, url: str) -> None:
    Library.open(tmp_path / "one", create=True, catalogue=url).close()
    with pytest.raises(LibraryError, match=r"of another library .*give another schema"):
        Library.open(tmp_path / "two", create=True, catalogue=url)
    Library.open(tmp_path / "one", create=True, catalogue=url).close()
    with pytest.raises(LibraryError, match="leave --catalogue out"):
        Library.open(tmp_path / "one", create=True, catalogue=url + "x")


def test_a_library_that_has_its_catalogue_in_the_folder_keeps_it_there(tmp_path: Path, url: str) -> None:
    Library.open(tmp_path / "lib", create=True).close()
    with pytest.raises(LibraryError, match="in the folder"):
        Library.open(tmp_path / "lib", create=True, catalogue=url)


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path, url: str) -> None:
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(LibraryError, match=r"other files .holiday\.jpg"):
        Library.open(tmp_path, create=True, catalogue=url)
    assert not (tmp_path / FILE).exists()


def test_what_an_interruption_left_before_there_were_tables_goes_on(tmp_path: Path, url: str) -> None:
    write_elsewhere(tmp_path, Elsewhere("a" * 32, url))
    with pytest.raises(LibraryError, match="is empty"):
        Library.open(tmp_path)
    with Library.open(tmp_path, create=True) as library:
        assert library.catalogue.library_id() == "a" * 32


def test_a_server_that_is_away_is_told_and_nothing_is_made(tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'sherd[postgres]'")
    url = f"postgresql://me@127.0.0.1:{free_port()}/db?patience_s=0"
    for _ in range(2):
        with pytest.raises(ServerAway, match="no answer from the server"):
            Library.open(tmp_path / "lib", create=True, catalogue=url)


def test_without_psycopg_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r"sherd\[postgres\]"):
        Library.open(tmp_path / "lib", create=True, catalogue="postgresql://host/db")


def test_a_password_gets_into_no_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="PGPASSFILE"):
        Library.open(tmp_path / "lib", create=True, catalogue="postgresql://me:secret@host/db")
    assert not (tmp_path / "lib").exists()


def test_two_machines_do_not_write_at_once(tmp_path: Path, url: str) -> None:
    """The folders are two, as on two machines whose disk does not honour locks."""
    Library.open(tmp_path / "one", create=True, catalogue=url).close()
    (tmp_path / "two").mkdir()
    write_elsewhere(tmp_path / "two", read_elsewhere(tmp_path / "one"))
    with Library.open(tmp_path / "one") as one, Library.open(tmp_path / "two") as two:
        with one.writer(), pytest.raises(LibraryBusy, match=r"process \d+ on"), two.writer():
            pass
        with two.writer():
            pass


@pytest.mark.parametrize(
    "text", ["catalogue = 3", "colour = 'red'", "catalogue = ", "x" * 70_000, "catalogue = 'mysql://a/b'"]
)
def test_a_file_that_says_something_else_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises((InvalidConfig, InvalidArgument, LibraryError)):
        Library.open(tmp_path)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    said = Elsewhere("b" * 32, "postgresql://h/d?schema=a", 'milvus://h:1/"\\')
    write_elsewhere(tmp_path, said)
    assert read_elsewhere(tmp_path) == said
    assert read_elsewhere(tmp_path / "nowhere") == Elsewhere()


def test_a_catalogue_is_made_with_the_name_of_its_library(url: str) -> None:
    Catalogue.open(url, create=True, library_id="c" * 32).close()
    shelf = Catalogue.open(url)
    assert shelf.library_id() == "c" * 32
    shelf.close()
