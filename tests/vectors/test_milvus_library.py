"""A library's indexes in Milvus: filled so that it may be stopped anywhere, changed over by alias, searched with what
is newer; away, silent and restarted servers cost nothing but time."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from sherd.errors import IndexAway
from sherd.types import FloatArray, KeyArray
from sherd.vectors import milvus_library
from sherd.vectors.exact import ExactIndex
from sherd.vectors.milvus_address import parse_milvus
from sherd.vectors.milvus_connection import MilvusConnection
from sherd.vectors.milvus_index import MilvusIndex
from sherd.vectors.milvus_library import MilvusIndexes, MilvusPlace, count, fill, forget
from sherd.vectors.parts import PartStore
from sherd.vectors.protocol import PARTS_PER_KEY
from sherd.vectors.rows import PartRows
from tests.milvus_server import MilvusServer
from tests.postgres_server import free_port
from tests.vectors.batches import digests, embeddings, random_unit
from tests.vectors.milvus_cuts import MilvusCuts

DIM, PARTS = 8, 3


def rows(folder: Path, keys: Sequence[int]) -> PartRows:
    """The rows of one part with these picture keys; a key always has the same vectors."""
    wanted = np.asarray(keys, np.int64)
    whole = embeddings(200, dim=DIM, parts=PARTS, seed=5)
    some = type(whole)(whole.object[wanted], whole.parts[wanted], whole.boxes[wanted])
    store = PartStore(folder)
    info = store.write(wanted, digests(wanted), some)
    return PartRows(store, [info], wanted, np.zeros(wanted.size, np.int32), np.arange(wanted.size))


@pytest.fixture
def place(milvus: str) -> Iterator[MilvusPlace]:
    there = MilvusPlace(parse_milvus(milvus), uuid.uuid4().hex, "f" * 64)
    yield there
    forget(there, keep=None)


def found(place: MilvusPlace, wanted: PartRows, query: int, k: int = 5) -> tuple[KeyArray, KeyArray]:
    """Keys of the nearest objects and parts to the query of this number."""
    opened = MilvusIndexes(place)
    vector = random_unit((1, DIM), query)
    keys = [index.search(vector, k)[1][0] for index in opened.take(wanted)]
    opened.close()
    return keys[0], keys[1]


def exact(wanted: PartRows, query: int, k: int = 5) -> tuple[KeyArray, KeyArray]:
    objects, parts = ExactIndex(DIM), ExactIndex(DIM, group=PARTS_PER_KEY)
    objects.add(wanted.keys, wanted.object_vectors(wanted.keys))
    parts.add(wanted.part_keys(wanted.keys), wanted.part_vectors(wanted.keys).reshape(-1, DIM))
    vector = random_unit((1, DIM), query)
    return objects.search(vector, k)[1][0], parts.search(vector, k)[1][0]


def agree(place: MilvusPlace, wanted: PartRows) -> None:
    for query in (900, 901):
        for ours, theirs in zip(found(place, wanted, query), exact(wanted, query), strict=True):
            assert ours.tolist() == theirs.tolist()


def newer(place: MilvusPlace, wanted: PartRows) -> int:
    opened = MilvusIndexes(place)
    objects, _ = opened.take(wanted)
    opened.close()
    return objects.newer


def test_what_is_searched_is_what_the_catalogue_has_told_or_not(place: MilvusPlace, tmp_path: Path) -> None:
    first, grown = rows(tmp_path, range(1, 60)), rows(tmp_path, range(1, 90))
    agree(place, first)  # nothing is there yet: searched from the parts
    assert newer(place, first) == 59
    fill(place, first)
    assert count(place) == {"object": 59, "part": 59 * PARTS}
    assert newer(place, first) == 0
    agree(place, first)
    agree(place, grown)  # an ingest of which the server has not been told
    assert newer(place, grown) == 30
    less = rows(tmp_path, [*range(1, 20), *range(40, 80)])
    agree(place, less)  # pictures that are gone, some of them still on the server
    fill(place, less)
    assert count(place) == {"object": 59, "part": 59 * PARTS}
    agree(place, less)


def test_filling_twice_sends_nothing(place: MilvusPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(place, rows(tmp_path, range(1, 30)))
    monkeypatch.setattr(MilvusIndex, "_write", lambda *a, **n: pytest.fail("something was written"))
    fill(place, rows(tmp_path, range(1, 30)))


def test_a_fill_that_was_stopped_goes_on_where_it_was(
    place: MilvusPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(milvus_library, "_BLOCK", 10)
    wanted = rows(tmp_path, range(1, 60))
    for stop_at in (2, 1):
        _stopped(place, wanted, stop_at, monkeypatch)
        assert count(place) == {"object": None, "part": None}  # nothing is searched there before it is whole
        agree(place, wanted)
    sent: list[int] = []
    add = MilvusIndex.add

    def noted(index: MilvusIndex, keys: KeyArray, vectors: FloatArray) -> None:
        sent.append(keys.size)
        add(index, keys, vectors)

    monkeypatch.setattr(MilvusIndex, "add", noted)
    fill(place, wanted)
    assert count(place) == {"object": 59, "part": 59 * PARTS}
    assert sum(sent) < 59 * (1 + PARTS)
    agree(place, wanted)
    opened = MilvusConnection(place.address)
    assert len([one for one in opened.call("list_collections") if one.startswith(place.alias("object"))]) == 1
    opened.close()


def _stopped(place: MilvusPlace, wanted: PartRows, after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fill that ends between sending vectors and saying so."""
    left = [after]
    set_mark = MilvusIndex.set_mark

    def counted(index: MilvusIndex, picture: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        set_mark(index, picture)

    with monkeypatch.context() as patched:
        patched.setattr(MilvusIndex, "set_mark", counted)
        with pytest.raises(KeyboardInterrupt):
            fill(place, wanted)


def test_what_the_server_has_lost_is_sent_again(place: MilvusPlace, tmp_path: Path) -> None:
    wanted = rows(tmp_path, range(1, 60))
    fill(place, wanted)
    opened = MilvusConnection(place.address)
    MilvusIndex(opened, place.alias("object"), DIM).remove(np.arange(10, 20))
    MilvusIndex(opened, place.alias("part"), DIM, group=PARTS_PER_KEY).remove(wanted.part_keys(np.arange(30, 31)))
    opened.close()
    assert count(place) == {"object": 49, "part": 59 * PARTS - PARTS}
    fill(place, wanted)
    assert count(place) == {"object": 59, "part": 59 * PARTS}
    agree(place, wanted)


def test_indexes_are_built_anew_behind_the_alias_and_changed_over(
    place: MilvusPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = rows(tmp_path, range(1, 60))
    fill(place, wanted)
    opened = MilvusConnection(place.address)
    before = set(opened.call("list_collections"))
    other = MilvusPlace(parse_milvus(f"{place.address}?index=FLAT"), place.library, place.fingerprint)
    seen: list[int] = []

    def search_meanwhile(done: int, total: int) -> None:
        agree(place, wanted)
        seen.append(done)

    monkeypatch.setattr(milvus_library, "_BLOCK", 20)
    fill(other, wanted, anew=True, told=search_meanwhile)
    assert len(seen) == 6
    assert not before & set(opened.call("list_collections"))
    agree(place, wanted)
    opened.close()


def test_two_encoders_stand_side_by_side_until_one_is_forgotten(place: MilvusPlace, tmp_path: Path) -> None:
    wanted = rows(tmp_path, range(1, 30))
    new = MilvusPlace(place.address, place.library, "e" * 64)
    stranger = MilvusPlace(place.address, "a" * 32, place.fingerprint)
    for one in (place, new, stranger):
        fill(one, wanted)
    forget(new, keep=new.fingerprint)
    assert count(place) == {"object": None, "part": None}
    assert count(new) == count(stranger) == {"object": 29, "part": 29 * PARTS}
    forget(stranger, keep=None)
    assert count(new) == {"object": 29, "part": 29 * PARTS}


def test_pictures_without_parts_have_no_index_of_parts(place: MilvusPlace, tmp_path: Path) -> None:
    whole = embeddings(5, dim=DIM, parts=0)
    store = PartStore(tmp_path)
    info = store.write(np.arange(1, 6), digests(np.arange(1, 6)), whole)
    wanted = PartRows(store, [info], np.arange(1, 6), np.zeros(5, np.int32), np.arange(5))
    fill(place, wanted)
    objects, parts = found(place, wanted, 900)
    assert sorted(objects.tolist()) == [1, 2, 3, 4, 5]
    assert parts.tolist() == [-1] * 5


def test_a_server_that_is_away_is_told_and_nothing_changes(tmp_path: Path) -> None:
    pytest.importorskip("pymilvus", reason="pymilvus is not installed: pip install 'sherd[milvus]'")
    url = f"milvus://127.0.0.1:{free_port()}?answer_s=0.3&writer_patience_s=0.5"
    there = MilvusPlace(parse_milvus(url), "b" * 32, "f" * 64)
    wanted = rows(tmp_path, range(1, 5))
    for attempt in (lambda: fill(there, wanted), lambda: MilvusIndexes(there).take(wanted), lambda: count(there)):
        with pytest.raises(IndexAway, match="no answer from the index"):
            attempt()


@pytest.mark.slow
def test_a_killed_server_comes_back_with_all_that_it_was_told(milvus_server: MilvusServer, tmp_path: Path) -> None:
    there = MilvusPlace(parse_milvus(milvus_server.url + "?answer_s=5"), uuid.uuid4().hex, "f" * 64)
    wanted = rows(tmp_path, range(1, 150))
    fill(there, wanted)
    opened = MilvusIndexes(there)
    objects, _ = opened.take(wanted)
    milvus_server.kill()
    with pytest.raises(IndexAway):
        objects.search(random_unit((1, DIM), 900), 5)
    milvus_server.start()
    fill(there, wanted)
    assert count(there) == {"object": 149, "part": 149 * PARTS}
    agree(there, wanted)
    assert objects.search(random_unit((1, DIM), 900), 5)[1][0].tolist() == exact(wanted, 900)[0].tolist()
    milvus_server.send(signal.SIGSTOP)  # silent
    with pytest.raises(IndexAway):
        objects.search(random_unit((1, DIM), 900), 5)
    milvus_server.send(signal.SIGCONT)
    agree(there, wanted)
    forget(there, keep=None)
    opened.close()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_twenty_cuts_of_the_server_lose_nothing_and_answer_nothing_wrong(
    milvus_server: MilvusServer, tmp_path: Path
) -> None:
    tally = MilvusCuts(milvus_server, tmp_path, 1).run(20, kill_every=10)
    print(tally)
    assert tally.violations == 0, tally
    assert tally.searches > 20
    assert tally.kills == 2
