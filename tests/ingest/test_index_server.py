"""A library whose index is in Milvus gives the answers of one in a folder, whether or not the server has been told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sherd.encoder.toy import ToyEncoder
from sherd.errors import EncoderMismatch, IndexAway
from sherd.ingest import index_server
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.elsewhere import FILE
from sherd.ingest.index_server import server_faults
from sherd.ingest.library import Library
from sherd.ingest.progress import Silent
from sherd.ingest.reindex import reindex
from sherd.ingest.repair import repair
from sherd.ingest.verify import verify
from sherd.search.searcher import Searcher
from sherd.types import Query
from sherd.vectors.milvus_library import forget, place_of
from tests.ingest.museum import ingest, museum
from tests.postgres_server import free_port


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    with DecoderPool() as there:
        yield there


@pytest.fixture(scope="module")
def lite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Milvus Lite."""
    for name in ("pymilvus", "milvus_lite"):
        pytest.importorskip(name, reason=f"{name} is not installed: pip install 'sherd[milvus]' milvus-lite")
    from milvus_lite.server_manager import server_manager_instance

    path = tmp_path_factory.mktemp("milvus") / "lite.db"
    yield f"milvus://{path}"
    server_manager_instance.release_server(str(path))


def made(folder: Path, vectors: str) -> Path:
    with Library.open(folder, create=True) as library, library.writer():
        library.keep_vectors_at(vectors)
    return folder


def hits(folder: Path, encoder: ToyEncoder | None = None) -> list[tuple[str, float]]:
    with Library.open(folder) as library:
        searcher = Searcher(library, encoder or ToyEncoder())
        return [
            (hit.record_id, round(hit.score, 6))
            for text in ("Relic 7", "red", "blue jar")
            for hit in searcher.search(Query(text=text)).hits
        ]


def faults(folder: Path) -> list[str]:
    with Library.open(folder) as library:
        return [one for one in server_faults(library) if one is not None]


def test_the_answers_are_those_of_a_library_in_a_folder(tmp_path: Path, pool: DecoderPool, lite: str) -> None:
    far = made(tmp_path / "far", lite)
    for count in (20, 30):  # a second ingest, which sends only what is new
        source = museum(tmp_path / "src", count)
        for name in ("near", "far"):
            ingest(tmp_path / name, source, pool)
        assert hits(far) == hits(tmp_path / "near")
        assert faults(far) == []
    with Library.open(far) as library:
        assert verify(library).problems == []
        assert verify(library).checked["indexes on a server"] == 2
        assert not (far / "index").exists()


def test_an_ingest_is_searched_before_the_server_is_told(
    tmp_path: Path, pool: DecoderPool, lite: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = made(tmp_path / "far", lite)
    ingest(far, museum(tmp_path / "src", 10), pool)
    source = museum(tmp_path / "src", 25)
    told: list[str] = []

    class Told(Silent):
        def warned(self, where: str, what: str) -> None:
            told.append(what)

    def away(*_: object, **__: object) -> None:
        raise IndexAway("the server is away")

    with monkeypatch.context() as patched:
        patched.setattr(index_server, "fill", away)
        ingest(far, source, pool, reporter=Told())
    assert told == ["the server is away"]
    ingest(tmp_path / "near", source, pool)
    assert hits(far) == hits(tmp_path / "near")
    assert [one.split()[3] for one in faults(far)] == ["object", "part"]
    assert faults(far)[0].endswith("has 10 of 25")
    with Library.open(far) as library:
        assert {one.kind for one in verify(library).problems} == {"index_behind"}
    ingest(far, source, pool)  # nothing new; the server is told what it lacks
    assert faults(far) == []


def test_encoding_anew_changes_the_server_over(tmp_path: Path, pool: DecoderPool, lite: str) -> None:
    far = made(tmp_path / "far", lite)
    ingest(far, museum(tmp_path / "src", 12), pool)
    ingest(tmp_path / "near", museum(tmp_path / "src", 12), pool)
    new = ToyEncoder(2)
    with Library.open(far) as searched:
        searcher = Searcher(searched, ToyEncoder())
        before = hits(far)

        def search_meanwhile(step: str) -> None:
            if step == "part_done":
                assert hits(far) == before

        for folder in (far, tmp_path / "near"):
            with Library.open(folder) as library:
                reindex(library, new, hook=search_meanwhile if folder == far else lambda step: None)
        with pytest.raises(EncoderMismatch):
            searcher.search(Query(text="red"))
    assert hits(far, new) == hits(tmp_path / "near", new)
    assert faults(far) == []
    with Library.open(far) as library:
        old = place_of(lite, library.catalogue.library_id() or "", ToyEncoder().fingerprint)
        reindex(library, new)  # by the same encoder: built anew behind the alias
        assert verify(library).problems == []
    from sherd.vectors.milvus_library import count

    assert count(old) == {"object": None, "part": None}


def test_a_library_moves_to_the_server_and_back(tmp_path: Path, pool: DecoderPool, lite: str) -> None:
    source = museum(tmp_path / "src", 8)
    ingest(tmp_path / "lib", source, pool)
    before = hits(tmp_path / "lib")
    with Library.open(tmp_path / "lib") as library, library.writer():
        library.keep_vectors_at(lite)
    assert hits(tmp_path / "lib") == before  # nothing is on the server yet
    ingest(tmp_path / "lib", source, pool)
    assert faults(tmp_path / "lib") == []
    with Library.open(tmp_path / "lib") as library:
        assert library.elsewhere.vectors == lite
        library.search_vectors_at("folder")
        assert Searcher(library, ToyEncoder()).search(Query(text="red")).hits
    with Library.open(tmp_path / "lib") as library, library.writer():
        library.keep_vectors_at("folder")
    assert "milvus" not in (tmp_path / "lib" / FILE).read_text()
    assert hits(tmp_path / "lib") == before


def test_what_the_server_has_lost_is_found_and_repaired(tmp_path: Path, pool: DecoderPool, lite: str) -> None:
    far = made(tmp_path / "far", lite)
    ingest(far, museum(tmp_path / "src", 8), pool)
    with Library.open(far) as library:
        forget(place_of(lite, library.catalogue.library_id() or "", ""), keep=None)
        assert {one.kind for one in verify(library).problems} == {"index_behind"}
        assert repair(library, pool, lambda name: ToyEncoder()).after.ok


def test_a_server_that_is_away_refuses_a_search_and_harms_no_ingest(tmp_path: Path, pool: DecoderPool) -> None:
    pytest.importorskip("pymilvus", reason="pymilvus is not installed: pip install 'sherd[milvus]'")
    away = f"milvus://127.0.0.1:{free_port()}?answer_s=0.3&writer_patience_s=0"
    far = made(tmp_path / "far", away)
    report = ingest(far, museum(tmp_path / "src", 5), pool)
    assert report.added == 5
    with pytest.raises(IndexAway, match=r"no answer from the index .*nothing is lost"):
        hits(far)
    with Library.open(far) as library:
        library.search_vectors_at("folder")
        assert Searcher(library, ToyEncoder()).search(Query(text="red")).hits
    assert "no answer" in faults(far)[0]


def test_the_place_of_a_library_is_its_own() -> None:
    one = place_of("milvus://h", "a" * 32, "f" * 64)
    assert one.alias("object") == "sherd_" + "a" * 16 + "_" + "f" * 16 + "_object"
    assert os.path.basename(one.alias("part")) != one.alias("object")
