"""Clients that go before they are answered: what was begun for them is stopped, and what waits is not begun."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.types import Message, Receive, Send

_AFTER_S = 0.02
"""What is answered sooner is not watched: a task for each of many refusals would cost more than they do."""


async def while_there(work: Callable[[Send], Awaitable[None]], receive: Receive, send: Send) -> bool:
    """Do `work`, but no more of it once the client has gone. Whether it was there to the end.

    What runs in a thread is finished there, and nobody waits for it; what waits for a thread, for the encoder or for
    room is dropped.

    Args:
        work: answers by the `send` that it is given.
        receive: of the server, for a request whose body has been read to its end.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    watcher: asyncio.Task[None] | None = None
    answered = gone = False

    async def answering(message: Message) -> None:
        nonlocal answered
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            answered = True  # from here on the server says of every client that it has gone
        await send(message)

    async def watch() -> None:
        nonlocal gone
        message = await receive()
        if message["type"] == "http.disconnect" and not answered:
            gone = True
            task.cancel()

    def begin() -> None:
        nonlocal watcher
        watcher = loop.create_task(watch())

    timer = loop.call_later(_AFTER_S, begin)
    try:
        await work(answering)
    except asyncio.CancelledError:
        if not gone:
            raise
    finally:
        timer.cancel()
        if watcher is not None:
            watcher.cancel()
        if gone:
            task.uncancel()
    return not gone
