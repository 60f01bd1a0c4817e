"""A request whose answer was lost is sent again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request
from starlette.testclient import TestClient

from sherd.server.auth import TOKENS, Principal, Role, Tokens
from sherd.server.problems import Refusal
from sherd.server.repeats import Repeats
from tests.server.museum import app_of, client_of, make_described

WORD = {"record_id": "R/red", "action": "accept", "concept": "urn:sherd:taotie", "seen": 0}


@pytest.fixture(scope="module")
def museum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_described(tmp_path_factory.mktemp("repeated"))


def decide(client: TestClient, key: str | None, **more: object) -> tuple[int, dict[str, Any]]:
    headers = {"Idempotency-Key": key} if key is not None else {}
    answer = client.post("/api/v1/decisions", json={"decisions": [WORD | more]}, headers=headers)
    return answer.status_code, answer.json()


def test_a_decision_that_is_sent_again_is_answered_as_before_and_kept_once(museum: Path) -> None:
    tokens = Tokens(museum / TOKENS)
    secrets = [tokens.add(name, Role.CURATOR)[1] for name in ("Ada", "Bob")]
    app = app_of(museum, tokens_required=True)
    with client_of(app, secrets[0]) as ada:
        first = decide(ada, "k1")
        assert first[0] == 201
        assert decide(ada, "k1") == first
        assert len(ada.get("/api/v1/decisions").json()["decisions"]) == 1
        status, said = decide(ada, "k1", note="another")
        assert (status, said["code"]) == (409, "key_reused")
        status, said = decide(ada, "k2")
        assert (status, said["code"]) == (409, "decision_conflict")
        assert decide(ada, None)[1]["code"] == "decision_conflict"
        bob = {"Authorization": f"Bearer {secrets[1]}", "Idempotency-Key": "k1"}
        theirs = ada.post("/api/v1/decisions", json={"decisions": [WORD]}, headers=bob)
        assert theirs.json()["code"] == "decision_conflict"
        assert decide(ada, "")[0] == decide(ada, "x" * 201)[0] == 422


def test_a_job_that_is_asked_for_again_is_begun_once(museum: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    with client_of(app_of(museum, ingest_roots=(tmp_path / "new",))) as admin:

        def start(key: str) -> Any:
            answer = admin.post("/api/v1/jobs", json={"source": "new"}, headers={"Idempotency-Key": key})
            assert answer.status_code == 202
            return answer.json()["number"]

        assert start("a") == start("a")
        assert start("b") != start("a")
        assert len(admin.get("/api/v1/jobs").json()["jobs"]) == 2


def asked(body: bytes = b"{}") -> Request:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {"type": "http", "path": "/x", "headers": [], "server": ("x", 80), "query_string": b"",
             "state": {"principal": Principal("Ada", Role.CURATOR, "t")}}  # fmt: skip
    return Request(scope, receive)


def test_who_asks_again_while_the_first_is_worked_on_waits_for_its_answer() -> None:
    async def run() -> None:
        repeats, go, begun = Repeats(), asyncio.Event(), []

        async def work() -> int:
            begun.append(1)
            await go.wait()
            return len(begun)

        both = [asyncio.create_task(repeats.once(asked(), "k", work)) for _ in range(2)]
        await asyncio.sleep(0.01)
        go.set()
        assert await asyncio.gather(*both) == [1, 1]

    asyncio.run(run())


def test_what_failed_may_be_tried_again_and_old_keys_are_forgotten() -> None:
    async def run() -> None:
        repeats, done = Repeats(most=2), []

        async def fails() -> int:
            raise Refusal("busy")

        async def work() -> int:
            done.append(1)
            return len(done)

        with pytest.raises(Refusal):
            await repeats.once(asked(), "k", fails)
        assert [await repeats.once(asked(), key, work) for key in ("k", "k", "l", "m", "k")] == [1, 1, 2, 3, 4]
        with pytest.raises(Refusal, match="another"):
            await repeats.once(asked(b"other"), "k", work)

    asyncio.run(run())
