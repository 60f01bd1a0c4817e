"""Who is let in: so many of each class at once, so many more in a queue, and the others are told at once to come later.

A bare ASGI layer, so that refusing costs next to nothing. Classes do not wait for each other: a decision never stands
behind an upload.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import Counter, deque
from functools import partial

from starlette.types import ASGIApp, Receive, Scope, Send

from sherd.server.auth import Principal
from sherd.server.layers import DELIVERY, UPLOADS, is_loopback, send_refusal
from sherd.server.metrics import Metrics
from sherd.server.problems import Refusal
from sherd.server.settings import Room, ServerSettings

ROOMS = ("interactive", "write", "bulk", "files", "streams")
_FREE = ("/health/live", "/health/ready", "/metrics")
_LONGEST_WAIT_S = 30


def room_of(method: str, path: str) -> str | None:
    """The class of a request; None for what is always let in.

    >>> room_of("GET", "/"), room_of("POST", "/api/v1/decisions"), room_of("POST", "/api/v1/uploads")
    ('interactive', 'write', 'bulk')
    """
    if path in _FREE:
        return None
    if path.startswith(("/static/", "/iiif/image/")) or path.endswith("/thumbnail"):
        return "files"
    if path.endswith("/events"):
        return "streams"
    if method == "POST" and path in (*UPLOADS, DELIVERY):
        return "bulk"
    if path.startswith("/iiif/annotations/") and path.endswith("/machine"):
        return "bulk"  # viewers ask for all pictures of a record at once, and the first answer may take long
    if method in ("GET", "HEAD", "OPTIONS") or path == "/api/v1/search":
        return "interactive"
    return "bulk" if path.startswith("/api/v1/jobs") else "write"


class Gate:
    """Room for one class, first come, first served."""

    def __init__(self, room: Room, wait_s: float) -> None:
        self._room, self._wait_s = room, wait_s
        self.running = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._mean_s = 0.1

    @property
    def waiting(self) -> int:
        return len(self._queue)

    async def enter(self, patience_s: float) -> None:
        """Wait for room.

        Raises:
            Refusal: the queue is full, or the wait was too long.
        """
        if self.running < self._room.running and not self._queue:
            self.running += 1
            return
        if len(self._queue) >= self._room.waiting or self._expected_s() > self._wait_s:
            raise Refusal("busy", retry_after=self.retry_after())
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            async with asyncio.timeout(patience_s):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._hand_over()  # it was our turn just now
            else:
                self._queue.remove(turn)
            if isinstance(error, TimeoutError):
                raise Refusal("too_late", retry_after=self.retry_after()) from None
            raise

    def leave(self, seconds: float) -> None:
        """Make room, after so long."""
        self._mean_s += 0.1 * (seconds - self._mean_s)
        self._hand_over()

    def retry_after(self) -> int:
        """Seconds after which there may be room; not the same for all, or they would all come back at once."""
        return min(math.ceil(self._expected_s()) + random.randint(0, 2), _LONGEST_WAIT_S)

    def _expected_s(self) -> float:
        """How long the next one in the queue will wait, if all take as long as the last ones did."""
        return self._mean_s * (len(self._queue) + 1) / self._room.running

    def _hand_over(self) -> None:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.running -= 1


class Admission:
    """The layer. `stop()` refuses everything from then on."""

    def __init__(self, app: ASGIApp, settings: ServerSettings, metrics: Metrics, stopping: asyncio.Event) -> None:
        self._app, self._settings, self._metrics, self._stopping = app, settings, metrics, stopping
        self.gates = {name: Gate(getattr(settings, name), settings.wait_s) for name in ROOMS}
        self._clients: Counter[tuple[str, str]] = Counter()
        for name, gate in self.gates.items():
            metrics.running.labels(name).set_function(partial(getattr, gate, "running"))
            metrics.waiting.labels(name).set_function(partial(getattr, gate, "waiting"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        room = room_of(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if room is None:
            await self._app(scope, receive, send)
            return
        client = client_of(scope)
        who = (room, client)
        gate = self.gates[room]
        try:
            if self._stopping.is_set():
                raise Refusal("stopping", retry_after=5)
            if client and self._clients[who] >= self._settings.per_client:
                raise Refusal("too_many_requests", retry_after=gate.retry_after())
            self._clients[who] += 1
            try:
                scope["state"]["deadline"] = time.monotonic() + self._settings.deadline_s
                await gate.enter(self._settings.deadline_s)
                start = time.monotonic()
                try:
                    await self._app(scope, receive, send)
                finally:
                    gate.leave(time.monotonic() - start)
            finally:
                self._clients[who] -= 1
                if not self._clients[who]:
                    del self._clients[who]
        except Refusal as refusal:
            self._metrics.refused(refusal.code)
            await send_refusal(refusal, scope, receive, send)


def client_of(scope: Scope) -> str:
    """Who asks, where that can be told apart from others: the token, else an address elsewhere; else ''."""
    principal: Principal | None = scope["state"].get("principal")
    if principal is not None and principal.token:
        return principal.token
    address = scope["client"][0] if scope.get("client") else ""
    return "" if not address or is_loopback(address) or address == "testclient" else address
