from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from sherd.server.admission import Admission, Gate, client_of, room_of
from sherd.server.auth import Principal, Role
from sherd.server.metrics import Metrics
from sherd.server.problems import Refusal
from sherd.server.settings import Room, ServerSettings
from tests.server import museum


async def nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


class Slow:
    """An application that answers when it is told to."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.begun: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun.append(scope["path"])
        await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def layer(app: Slow, stopping: asyncio.Event | None = None, **settings: Any) -> Admission:
    return Admission(app, ServerSettings(**settings), Metrics(), stopping or asyncio.Event())


async def ask(
    admission: Admission, path: str = "/", method: str = "GET", token: str = ""
) -> tuple[int, dict[str, str]]:
    """Status and headers of an answer."""
    told: list[Message] = []

    async def send(message: Message) -> None:
        told.append(message)

    principal = Principal("x", Role.READER, token)
    scope = {"type": "http", "method": method, "path": path, "headers": [], "client": ("127.0.0.1", 1),
             "state": {"principal": principal, "request_id": "0"}}  # fmt: skip
    await admission(scope, nothing, send)
    headers = {name.decode(): value.decode() for name, value in told[0]["headers"]}
    return told[0]["status"], headers


def test_what_finds_no_room_is_told_at_once_to_come_later() -> None:
    async def run() -> None:
        app = Slow()
        admission = layer(app, interactive=Room(2, 3))
        let_in = [asyncio.create_task(ask(admission, f"/{n}")) for n in range(5)]
        await asyncio.sleep(0)
        assert (admission.gates["interactive"].running, admission.gates["interactive"].waiting) == (2, 3)
        status, headers = await asyncio.wait_for(ask(admission, "/late"), 1)
        assert status == 503
        assert 1 <= int(headers["retry-after"]) <= 30
        app.go.set()
        assert [status for status, _ in await asyncio.gather(*let_in)] == [200] * 5
        assert app.begun == [f"/{n}" for n in range(5)]
        assert (admission.gates["interactive"].running, admission.gates["interactive"].waiting) == (0, 0)

    asyncio.run(run())


def test_classes_do_not_wait_for_each_other() -> None:
    async def run() -> None:
        app = Slow()
        admission = layer(app, bulk=Room(1, 0), interactive=Room(1, 0), write=Room(1, 0))
        paths = [("/api/v1/uploads", "POST"), ("/", "GET"), ("/api/v1/decisions", "POST"), ("/health/live", "GET")]
        let_in = [asyncio.create_task(ask(admission, path, method)) for path, method in paths]
        await asyncio.sleep(0)
        assert app.begun == [path for path, _ in paths]
        assert (await ask(admission, "/api/v1/uploads", "POST"))[0] == 503
        app.go.set()
        assert [status for status, _ in await asyncio.gather(*let_in)] == [200] * 4

    asyncio.run(run())


def test_one_client_does_not_take_the_room_of_all() -> None:
    async def run() -> None:
        app = Slow()
        admission = layer(app, interactive=Room(4, 10), per_client=2)
        first = [asyncio.create_task(ask(admission, token="a")) for _ in range(2)]
        await asyncio.sleep(0)
        status, headers = await ask(admission, token="a")
        assert status == 429
        assert int(headers["retry-after"]) >= 1
        second = asyncio.create_task(ask(admission, token="b"))
        await asyncio.sleep(0)
        app.go.set()
        assert [status for status, _ in await asyncio.gather(*first, second)] == [200] * 3
        assert (await ask(admission, token="a"))[0] == 200

    asyncio.run(run())


def test_what_waits_too_long_is_told_so_and_leaves_its_place() -> None:
    async def run() -> None:
        app = Slow()
        admission = layer(app, interactive=Room(1, 5), deadline_s=0.05)
        first = asyncio.create_task(ask(admission))
        await asyncio.sleep(0)
        assert (await ask(admission))[0] == 503
        assert admission.gates["interactive"].waiting == 0
        app.go.set()
        assert (await first)[0] == 200
        assert admission.gates["interactive"].running == 0

    asyncio.run(run())


def test_who_would_wait_too_long_is_told_at_once() -> None:
    async def run(wait_s: float) -> list[int]:
        app = Slow()
        admission = layer(app, interactive=Room(1, 100), wait_s=wait_s)
        admission.gates["interactive"].running = 1
        for _ in range(200):  # the last ones took a second each
            admission.gates["interactive"].leave(1.0)
            admission.gates["interactive"].running = 1
        asked = [asyncio.create_task(ask(admission)) for _ in range(10)]
        await asyncio.sleep(0)
        app.go.set()
        admission.gates["interactive"].leave(1.0)
        return sorted(status for status, _ in await asyncio.gather(*asked))

    assert asyncio.run(run(3.5)) == [200] * 3 + [503] * 7
    assert asyncio.run(run(5.5)) == [200] * 5 + [503] * 5


def test_who_gives_up_waiting_takes_nobodys_place() -> None:
    async def run() -> None:
        gate = Gate(Room(1, 5), 10)
        await gate.enter(1)
        waiting = [asyncio.create_task(gate.enter(1)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.sleep(0)
        gate.leave(0.1)
        await waiting[1]
        # his turn comes and he is gone in the same moment
        gate.leave(0.1)
        waiting[2].cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert (gate.running, gate.waiting) == (0, 0)

    asyncio.run(run())


def test_a_server_that_stops_lets_nobody_in_but_those_who_ask_whether_it_lives() -> None:
    async def run() -> None:
        app, stopping = Slow(), asyncio.Event()
        app.go.set()
        admission = layer(app, stopping)
        stopping.set()
        assert (await ask(admission))[0] == 503
        assert (await ask(admission, "/health/live"))[0] == 200

    asyncio.run(run())


def test_who_may_be_told_apart() -> None:
    def scope(address: str, token: str = "") -> Scope:
        return {"client": (address, 1), "state": {"principal": Principal("x", Role.READER, token)}}

    assert client_of(scope("127.0.0.1")) == ""
    assert client_of(scope("127.0.0.1", "t1")) == "t1"
    assert client_of(scope("192.0.2.1")) == "192.0.2.1"


@pytest.mark.parametrize(
    ("method", "path", "room"),
    [
        ("GET", "/metrics", None), ("GET", "/static/sherd.css", "files"),
        ("GET", "/api/v1/pictures/0/thumbnail", "files"), ("POST", "/api/v1/search", "interactive"),
        ("GET", "/api/v1/jobs/1/events", "streams"), ("POST", "/api/v1/jobs", "bulk"),
        ("DELETE", "/api/v1/jobs/1", "bulk"), ("POST", "/login", "write"), ("POST", "/search-by-picture", "bulk"),
    ],
)  # fmt: skip
def test_every_request_has_its_class(method: str, path: str, room: str | None) -> None:
    assert room_of(method, path) == room


def test_refusals_are_counted(library: Path) -> None:
    async def run() -> None:
        gate = Gate(Room(1, 0), 10)
        await gate.enter(1)
        with pytest.raises(Refusal):
            await gate.enter(1)

    asyncio.run(run())
    with museum.client_of(museum.app_of(library)) as client:
        client.get("/", headers={"Host": "evil.example"})
        client.post("/api/v1/search", json={"text": "red"})
        start = time.monotonic()
        text = client.get("/metrics").text
        assert time.monotonic() - start < 5
    assert 'sherd_refused_total{code="host_not_allowed"} 1.0' in text
    assert 'sherd_stage_seconds_count{stage="rerank"} 1.0' in text
    assert 'sherd_request_seconds_count{route="/api/v1/search",status="200"} 1.0' in text
    assert 'sherd_waiting{room="interactive"} 0.0' in text
