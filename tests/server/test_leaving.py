"""Who goes before the answer, and how late the loop is."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from starlette.types import Message, Send

from sherd.search.searcher import Searcher
from sherd.server.lag import watch_lag
from sherd.server.leaving import while_there
from tests.server.museum import app_of, served


def test_the_work_is_stopped_when_the_client_goes() -> None:
    async def run() -> None:
        leaves, stopped = asyncio.Event(), False

        async def work(send: Send) -> None:
            nonlocal stopped
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                stopped = True
                raise

        async def receive() -> Message:
            await leaves.wait()
            return {"type": "http.disconnect"}

        asked = asyncio.create_task(while_there(work, receive, _unsent))
        await asyncio.sleep(0.05)
        assert not asked.done()
        leaves.set()
        assert not await asyncio.wait_for(asked, 5)
        assert stopped

    asyncio.run(run())


def test_who_is_answered_has_not_gone() -> None:
    async def run() -> None:
        told: list[Message] = []
        answered = asyncio.Event()

        async def work(send: Send) -> None:
            await asyncio.sleep(0.05)
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"x", "more_body": False})
            answered.set()
            await asyncio.sleep(0.05)  # what is done after the answer is done to its end
            told.append({"type": "after"})

        async def receive() -> Message:  # as uvicorn does: once all is answered the client counts as gone
            await answered.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            told.append(message)

        assert await while_there(work, receive, send)
        assert [one["type"] for one in told] == ["http.response.start", "http.response.body", "after"]

    asyncio.run(run())


def test_a_server_that_stops_is_not_a_client_that_goes() -> None:
    async def run() -> None:
        async def work(send: Send) -> None:
            await asyncio.sleep(60)

        async def receive() -> Message:
            await asyncio.sleep(60)
            return {"type": "http.disconnect"}

        asked = asyncio.create_task(while_there(work, receive, _unsent))
        await asyncio.sleep(0.05)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked

    asyncio.run(run())


def test_searches_of_clients_that_went_are_not_begun(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go, plain = [], threading.Event(), Searcher.search

    def slow(self: Searcher, query: Any, **rest: Any) -> Any:
        begun.append(query.text)
        assert go.wait(30)
        return plain(self, query, **rest)

    monkeypatch.setattr(Searcher, "search", slow)
    with served(app_of(library, workers=1)) as address:
        lines = [_asked(address, text) for text in ("first", "gone", "gone too", "stays")]
        _until(lambda: 'sherd_running{room="interactive"} 4.0' in _metrics(address))
        lines[1].close()
        lines[2].close()
        _until(lambda: "sherd_gone_total 2.0" in _metrics(address))
        go.set()
        assert [line.recv(12) for line in (lines[0], lines[3])] == [b"HTTP/1.1 200"] * 2
        assert begun == ["first", "stays"]
        for line in (lines[0], lines[3]):
            line.close()


def test_the_lag_of_the_loop_is_told() -> None:
    async def run() -> list[float]:
        told: list[float] = []
        watcher = asyncio.create_task(watch_lag(told.append, 0.01))
        await asyncio.sleep(0.005)
        time.sleep(0.2)  # somebody blocks the loop
        await asyncio.sleep(0.05)
        watcher.cancel()
        return told

    assert max(asyncio.run(run())) > 0.1


async def _unsent(message: Message) -> None:
    raise AssertionError("nothing is to be sent")


def _asked(address: str, text: str) -> socket.socket:
    """A connection on which a search was asked for, and the answer not read."""
    place = urlsplit(address)
    line = socket.create_connection((str(place.hostname), int(place.port or 0)), 30)
    body = json.dumps({"text": text}).encode()
    head = f"POST /api/v1/search HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: application/json\r\n"
    line.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return line


def _metrics(address: str) -> str:
    with urlopen(f"{address}/metrics", timeout=30) as answer:
        return str(answer.read().decode())


def _until(what: Any) -> None:
    """Wait for it; at most half a minute."""
    end = time.monotonic() + 30
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)
