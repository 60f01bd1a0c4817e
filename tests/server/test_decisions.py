from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from sherd.catalogue import decisions
from sherd.ingest.library import Library
from sherd.server.auth import TOKENS, Role, Tokens
from tests.server.museum import app_of, client_of, make_described

TAOTIE, BEAST, BRONZE = "urn:sherd:taotie", "urn:sherd:beast_mask", "urn:sherd:bronze"


@pytest.fixture(scope="module")
def museum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with Sherd's own thesaurus."""
    return make_described(tmp_path_factory.mktemp("decided"))


@pytest.fixture(scope="module")
def curator(museum: Path) -> Iterator[TestClient]:
    with client_of(app_of(museum)) as client:
        yield client


def above(client: TestClient, uri: str) -> str:
    """The concept right above another one."""
    return str(client.get("/api/v1/concept", params={"uri": uri}).json()["broader"][0]["uri"])


def word(record_id: str, action: str = "accept", seen: object = 0, **more: object) -> dict[str, object]:
    return {"record_id": record_id, "action": action, "seen": seen} | more


def decide(client: TestClient, *made: dict[str, object], **more: object) -> dict[str, Any]:
    answer = client.post("/api/v1/decisions", json={"decisions": list(made)} | more)
    return {"status": answer.status_code, **answer.json()}


def last(client: TestClient, record: str) -> int:
    found = client.get("/api/v1/decisions", params={"record": record}).json()["decisions"]
    return int(found[-1]["number"]) if found else 0


def test_every_action_is_kept_and_told_again(curator: TestClient) -> None:
    record, image = "R/red", "red.png"
    box, new = {"x": 0.1, "y": 0.1, "w": 0.2, "h": 0.2}, {"x": 0.5, "y": 0.5, "w": 0.2, "h": 0.2}
    wide = above(curator, TAOTIE)
    made = [
        word(record, concept=TAOTIE, image=image, box=box, probability=0.8, note="clear"),
        word(record, "move", concept=TAOTIE, image=image, new_box=new),
        word(record, "reject", concept=BRONZE),
        word(record, "narrow", concept=wide, value=TAOTIE),
        word(record, "other", value=BRONZE),
    ]
    first = last(curator, record)
    marked = []
    for one in made:
        told = decide(curator, one | {"seen": last(curator, record)})
        assert told["status"] == 201, told
        regions = curator.get("/api/v1/regions", params={"record": record}).json()["regions"]
        marked.append([(region["by"], region["box"], region["concept"]) for region in regions])
    assert marked[0] == [("person", box, TAOTIE)]
    assert marked[1] == marked[2] == [("person", new, TAOTIE)]
    told = decide(curator, word(record, "undo", undoes=first + 1, seen=last(curator, record)))
    assert told["status"] == 201, told
    kept = curator.get("/api/v1/decisions", params={"record": record}).json()["decisions"]
    assert [one["action"] for one in kept] == ["accept", "move", "reject", "narrow", "other", "undo"]
    assert kept[0]["box"] == box
    assert kept[0]["facet"] == "motif"
    assert all(len(one["hash"]) == 64 for one in kept)


def test_who_saw_less_than_there_is_is_told_what_was_decided(curator: TestClient) -> None:
    assert decide(curator, word("R/blue", concept=TAOTIE), who="Ada")["status"] == 201
    told = decide(curator, word("R/blue", "reject", concept=TAOTIE), who="Bob")
    assert (told["status"], told["code"]) == (409, "decision_conflict")
    newer: dict[str, Any] = told["decisions"][0]
    assert len(told["decisions"]) == 1
    assert (newer["who"], newer["action"]) == ("Ada", "accept")
    assert decide(curator, word("R/blue", "reject", seen=newer["number"], concept=TAOTIE), who="Bob")["status"] == 201


def test_of_many_at_once_exactly_one_is_kept(curator: TestClient) -> None:
    ready = threading.Barrier(8, timeout=20)

    def one(n: int) -> int:
        ready.wait()
        return int(str(decide(curator, word("R/green", concept=TAOTIE), who=f"curator {n}")["status"]))

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(one, range(8))) == [201] + [409] * 7
    assert len(curator.get("/api/v1/decisions", params={"record": "R/green"}).json()["decisions"]) == 1


def test_decisions_are_kept_all_or_none(curator: TestClient) -> None:
    told = decide(curator, word("R/white", concept=TAOTIE), word("nothing", concept=TAOTIE))
    assert (told["status"], told["code"]) == (404, "unknown_record")
    assert last(curator, "R/white") == 0


@pytest.mark.parametrize(
    "bad",
    [
        {"record_id": "R/white", "action": "accept", "concept": TAOTIE},
        word("R/white", "agree", concept=TAOTIE),
        word("R/white", concept=TAOTIE, status="accepted"),
        word("R/white", concept=TAOTIE, who="director"),
        word("R/white", concept=TAOTIE, at="2020-01-01"),
        word("R/white", concept=TAOTIE, seen="0"),
        word("R/white"),
        word("R/white", "move", concept=TAOTIE, image="white.png"),
        word("R/white", concept=TAOTIE, image="red.png"),
        word("R/white", concept=TAOTIE, box={"x": 0, "y": 0, "w": 1, "h": 1}),
        word("R/white", "undo", undoes=999),
        word("R/white", concept=TAOTIE, probability=1.5),
        word("R/white", concept=TAOTIE, note="x" * 2_001),
    ],
)
def test_a_decision_that_is_none_is_refused(curator: TestClient, bad: dict[str, object]) -> None:
    told = decide(curator, bad)
    assert told["status"] in (409, 422), told
    assert last(curator, "R/white") == 0


def test_an_unknown_concept_is_told_without_the_librarys_place(curator: TestClient, museum: Path) -> None:
    told = decide(curator, word("R/white", concept="urn:nothing"))
    assert (told["status"], told["code"]) == (404, "unknown_concept")
    assert str(museum) not in str(told)


def test_the_token_says_who_decides(museum: Path) -> None:
    tokens = Tokens(museum / TOKENS)
    _, secret = tokens.add("Ada", Role.CURATOR)
    _, reading = tokens.add("Reader", Role.READER)
    with client_of(app_of(museum, tokens_required=True)) as client:
        by = {"Authorization": f"Bearer {secret}"}
        form = {"decisions": [word("R/black", concept=TAOTIE)]}
        assert client.post("/api/v1/decisions", json=form | {"who": "director"}, headers=by).status_code == 403
        told = client.post("/api/v1/decisions", json=form, headers=by).json()["decisions"][0]
        assert told["who"] == "Ada"
        reader = {"Authorization": f"Bearer {reading}"}
        assert client.post("/api/v1/decisions", json=form, headers=reader).status_code == 403
        assert client.get("/api/v1/decisions", headers=reader).status_code == 200


def test_the_chain_holds_after_all_that_and_is_read_a_page_at_a_time(curator: TestClient, museum: Path) -> None:
    found, after = [], 0
    while True:
        page = curator.get("/api/v1/decisions", params={"after": after, "limit": 3}).json()
        found += [one["number"] for one in page["decisions"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert found == list(range(1, len(found) + 1))
    with Library.open(museum) as there:
        assert list(decisions.faults(there.catalogue.database)) == []
        assert decisions.head(there.catalogue.database).number == len(found)


def test_suggestions_leave_out_what_was_decided_a_moment_ago(curator: TestClient) -> None:
    asked = {"record": "M-1", "facet": "motif", "unjudged": "true"}
    told = curator.get("/api/v1/suggestions", params=asked).json()
    assert told["seen"] == 0
    assert "motif" in told["warnings"][0]
    judged = curator.get("/api/v1/suggestions", params=asked | {"unjudged": "false"}).json()
    assert judged["facets"][0]["suggestions"] == []
    (facet,) = told["facets"]
    first = facet["suggestions"][0]
    assert first["concept"]["labels"]["en"]
    assert first["path"][-1]["uri"].startswith("urn:sherd:")
    assert decide(curator, word("M-1", "reject", concept=first["concept"]["uri"]))["status"] == 201
    again = curator.get("/api/v1/suggestions", params=asked).json()
    assert again["seen"] > 0
    assert first["concept"]["uri"] not in [one["concept"]["uri"] for one in again["facets"][0]["suggestions"]]
    assert curator.get("/api/v1/suggestions", params={"record": "nothing"}).status_code == 404
    assert curator.get("/api/v1/suggestions", params={"record": "M-1", "facet": "nothing"}).status_code == 404


def test_concepts_are_found_in_chinese_english_and_pinyin(curator: TestClient) -> None:
    for search in ("饕餮", "taotie", "TAOTIE"):
        found = curator.get("/api/v1/concepts", params={"search": search}).json()["concepts"]
        assert TAOTIE in [one["uri"] for one in found], search
    one = curator.get("/api/v1/concept", params={"uri": TAOTIE}).json()
    assert one["facet"] == "motif"
    assert one["labels"]["en"]
    assert one["broader"]
    parent = curator.get("/api/v1/concept", params={"uri": one["broader"][0]["uri"]}).json()
    assert TAOTIE in [narrower["uri"] for narrower in parent["narrower"]]
    (thesaurus,) = curator.get("/api/v1/thesauri").json()["thesauri"]
    assert thesaurus["concepts"] > 100
    assert curator.get("/api/v1/concept", params={"uri": "urn:nothing"}).status_code == 404
    assert curator.get("/api/v1/concepts", params={"search": "x", "limit": 0}).status_code == 422
