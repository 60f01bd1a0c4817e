"""The contract of the index over Milvus: Lite always, the real server in the long run."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from sherd.errors import IndexAway, InvalidArgument, MissingExtra
from sherd.vectors import milvus_index
from sherd.vectors.milvus_address import parse_milvus
from sherd.vectors.milvus_connection import MilvusConnection, NotThere
from sherd.vectors.milvus_index import MAX_HITS, MilvusIndex
from tests.postgres_server import free_port
from tests.vectors.batches import clustered, random_unit
from tests.vectors.test_index_contract import (  # noqa: F401
    DIM,
    test_a_filter_keeps_its_recall,
    test_adds_updates_and_removals_are_seen_by_the_next_search,
    test_agrees_with_the_exact_index,
    test_an_empty_index_finds_nothing,
    test_bad_keys_and_a_bad_k_are_refused,
    test_bad_vectors_and_queries_are_refused_and_change_nothing,
    test_equal_scores_come_by_key,
    test_parts_are_filtered_by_the_key_of_their_picture,
)


@pytest.fixture
def connection(milvus: str) -> Iterator[MilvusConnection]:
    opened = MilvusConnection(parse_milvus(milvus))
    yield opened
    for name in opened.call("list_collections"):
        opened.call("drop_collection", name)
    opened.close()


@pytest.fixture
def make(connection: MilvusConnection) -> Any:
    def made(dim: int, group: int) -> MilvusIndex:
        index = MilvusIndex(connection, f"t_{uuid.uuid4().hex}", dim, group=group)
        index.create()
        return index

    return made


def test_the_mark_is_no_vector(make: Any) -> None:
    index = make(DIM, 1)
    assert index.mark() == 0
    index.add(np.arange(5), random_unit((5, DIM)))
    index.set_mark(4)
    assert (index.mark(), len(index), index.keys().tolist()) == (4, 5, [0, 1, 2, 3, 4])
    query = np.eye(1, DIM, dtype=np.float32)
    assert sorted(index.search(query, 10)[1][0].tolist()) == [-1] * 5 + [0, 1, 2, 3, 4]
    index.remove(np.array([-1]))
    assert index.mark() == 4


def test_a_long_filter_goes_in_pieces(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(milvus_index, "_FILTER_KEYS", 7)
    vectors = clustered(300, DIM, 4, clusters=10)
    index = make(DIM, 1)
    index.add(np.arange(300), vectors)
    for allowed in (np.arange(100, 120), np.arange(0, 300, 2), np.arange(296, 300)):
        scores = vectors[allowed] @ vectors[7]
        wanted = allowed[np.argsort(-scores)][:10]
        assert index.search(vectors[7:8], 10, allowed)[1][0][: wanted.size].tolist() == wanted.tolist()


def test_more_keys_than_one_page_are_listed(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(milvus_index, "_PAGE", 50)
    index = make(DIM, 1)
    index.add(np.arange(120)[::-1], random_unit((120, DIM)))
    assert index.keys().tolist() == list(range(120))
    index.remove(np.arange(110))
    assert index.keys().tolist() == list(range(110, 120))


def test_more_hits_than_the_server_gives_are_refused(make: Any) -> None:
    with pytest.raises(InvalidArgument, match="at most 16376"):
        make(DIM, 1).search(random_unit((1, DIM)), MAX_HITS)


def test_a_collection_that_is_not_there_is_told(connection: MilvusConnection) -> None:
    index = MilvusIndex(connection, "nothing", DIM)
    with pytest.raises(NotThere, match="nothing"):
        index.search(random_unit((1, DIM)), 1)


def test_a_collection_that_was_released_is_loaded_again(make: Any, connection: MilvusConnection) -> None:
    index = make(DIM, 1)
    vectors = random_unit((5, DIM))
    index.add(np.arange(5), vectors)
    connection.call("create_alias", index.name, f"{index.name}_alias")
    named = MilvusIndex(connection, f"{index.name}_alias", DIM)
    for ask in (lambda one: one.search(vectors[3:4], 1)[1].tolist() == [[3]], lambda one: len(one) == 5):
        for one in (index, named):
            connection.call("release_collection", index.name)
            assert ask(one)
    connection.call("drop_alias", named.name)


def test_after_its_own_writes_a_search_waits_once(make: Any) -> None:
    index = make(DIM, 1)
    asked: list[object] = []
    call = index._connection.call

    def noted(name: str, *arguments: object, **named: object) -> object:
        asked.append(named.get("consistency_level"))
        return call(name, *arguments, **named)

    index._connection.call = noted
    index.add(np.arange(3), random_unit((3, DIM)))
    for _ in range(2):
        index.search(random_unit((1, DIM)), 1)
    assert asked == [None, "Strong", "Bounded"]


@pytest.mark.parametrize("kind", ["FLAT", "HNSW", "IVF_FLAT", "IVF_SQ8"])
def test_kinds_of_index_are_built_and_searched(milvus: str, kind: str) -> None:
    opened = MilvusConnection(parse_milvus(f"{milvus}?index={kind}&nlist=8&nprobe=8&m=8&ef_construction=50&ef=50"))
    index = MilvusIndex(opened, f"k_{uuid.uuid4().hex}", DIM)
    index.create()
    vectors = clustered(200, DIM, 1, clusters=5)
    index.add(np.arange(200), vectors)
    assert index.search(vectors[:20], 1)[1][:, 0].tolist() == list(range(20))
    index.drop()
    opened.close()


def test_without_pymilvus_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with pytest.raises(MissingExtra, match=r"sherd\[milvus\]"):
        MilvusConnection(parse_milvus("milvus://host")).call("list_collections")


def test_a_server_that_is_away_is_told_in_time() -> None:
    pytest.importorskip("pymilvus", reason="pymilvus is not installed: pip install 'sherd[milvus]'")
    opened = MilvusConnection(parse_milvus(f"milvus://127.0.0.1:{free_port()}?answer_s=0.5"))
    with pytest.raises(IndexAway, match=r"no answer from the index .*nothing is lost"):
        MilvusIndex(opened, "x", DIM).search(random_unit((1, DIM)), 1)
    opened.close()


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("milvus://me:secret@host", "MILVUS_TOKEN"),
        ("milvus://host?token=secret", "MILVUS_TOKEN"),
        ("milvus://", "is milvus://"),
        ("http://host", "is milvus://"),
        ("milvus://host?index=MAGIC", "give one of FLAT, HNSW"),
        ("milvus://host?colour=red", "no option 'colour'; there are index"),
        ("milvus://host?consistency=Never", "give one of Strong"),
        ("milvus://host?ef=0", "give a number"),
        ("milvus://host?answer_s=x", "give a number"),
        ("milvus://host?secure=yes", "true or false"),
        ("milvus://host:port", "cannot be read"),
    ],
)
def test_an_address_that_means_nothing_is_refused(url: str, what: str) -> None:
    with pytest.raises(InvalidArgument, match=what) as refused:
        parse_milvus(url)
    assert "secret" not in str(refused.value)


def test_an_address_is_read() -> None:
    one = parse_milvus("milvus://host/relics?index=IVF_SQ8&nlist=64&nprobe=99&secure=true&shards=2&consistency=Strong")
    assert (one.uri, one.database, one.shards, one.consistency) == ("https://host:19530", "relics", 2, "Strong")
    assert (one.build_parameters(), one.search_parameters(10)) == ({"nlist": 64}, {"nprobe": 64})
    graph = parse_milvus("milvus://host:1?m=8&ef_construction=50&ef=20")
    assert (graph.uri, graph.build_parameters()) == ("http://host:1", {"M": 8, "efConstruction": 50})
    assert (graph.search_parameters(10), graph.search_parameters(99)) == ({"ef": 20}, {"ef": 99})
    assert parse_milvus("milvus://host?index=DISKANN&ef=50").search_parameters(10) == {"search_list": 50}
    assert parse_milvus("milvus:///a/b.db").uri == "/a/b.db"
    assert parse_milvus("milvus:///a/b.db").is_file
