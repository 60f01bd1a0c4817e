"""Running the server: where it may listen, and how it stops."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from sherd.errors import InvalidArgument
from sherd.ingest.library import Library
from sherd.server.app import create_app
from sherd.server.auth import TOKENS, Tokens
from sherd.server.layers import is_loopback
from sherd.server.settings import ServerSettings

_GRACE_S = 30
_MOST_CONNECTIONS = 1_000
_SWITCH_S = 0.0005
"""The event loop lets the interpreter go with every read and write, and gets it back when a thread that searches has
had its turn. Turns of Python's usual 5 ms would make each refusal wait for several of them."""


def serve(folder: Path, settings: ServerSettings, *, port: int, tokens: bool = False) -> None:
    """Serve a library until a signal comes.

    Args:
        tokens: need a token even where only this machine can reach the server.
    Raises:
        InvalidArgument: it would listen beyond this machine, and there are no tokens.
        LibraryError: the folder is no library.
    """
    with Library.open(folder):
        there = Tokens(folder / TOKENS).all()
    beyond = not is_loopback(settings.host)
    # where everybody may read, a server without tokens is one that nobody writes to
    if (beyond or tokens) and not there and not settings.open_reading:
        raise InvalidArgument(
            f"{settings.host} can be reached from elsewhere, and the library has no tokens; "
            f"`sherd serve token add NAME --role admin --library {folder}` makes one"
            if beyond
            else f"the library has no tokens; `sherd serve token add NAME --role admin --library {folder}` makes one"
        )
    app = create_app(folder, replace(settings, tokens_required=beyond or tokens or settings.open_reading))
    Server(app, settings.host, port).run()


class Protocol(H11Protocol):
    """HTTP/1.1 for strangers: a connection that has not sent the whole head of a request in time is closed, and so is
    one too many. Bodies have limits of their own (`layers.Guard`). When the server stops, a connection whose request
    has not come yet is given a moment: it may be on the way, and is owed an answer."""

    head_s = 10.0
    last_head_s = 1.0
    most = _MOST_CONNECTIONS
    _stopping = False
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.abort()
            return
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            if self._stopping:
                self.cycle.keep_alive = False
            self._stop_waiting()
        else:
            self._wait_for_head()

    def shutdown(self) -> None:
        if self._timer is None:  # no head is waited for
            super().shutdown()
            return
        self._stopping = True
        self._stop_waiting()
        self._timer = self.loop.call_later(self.last_head_s, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.head_s, self._give_up)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()


class Server(uvicorn.Server):
    """Stops in two steps: from the first signal on new requests are refused and those that run are finished; whatever
    runs half a minute later, or when a second signal comes, is cut off."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        self._app = app
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                http=Protocol,
                ws="none",
                server_header=False,
                proxy_headers=False,
                access_log=False,
                log_level=logging.WARNING,
                backlog=_MOST_CONNECTIONS,
                timeout_keep_alive=15,
                timeout_graceful_shutdown=_GRACE_S,
                h11_max_incomplete_event_size=64 * 1024,
            )
        )

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Not handed on: uvicorn would raise the signal again when all is done, and the process would seem killed.
        self._app.state.services.stopping.set()
        self.force_exit = self.should_exit
        self.should_exit = True

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started:
            sys.setswitchinterval(_SWITCH_S)
            # What is loaded now stays to the end: a full collection need not look at it again, which takes 0.1 s in
            # which nothing is answered.
            gc.collect()
            gc.freeze()
            told = self.servers[0].sockets[0].getsockname()
            host = f"[{told[0]}]" if ":" in told[0] else told[0]
            print(f"http://{host}:{told[1]}/", flush=True)
