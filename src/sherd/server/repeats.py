"""Requests that are sent once more because their answer was lost: what they ask for is done once.

By the header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a client makes up a key for each thing that
it wants done, and sends it again with each attempt.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

from fastapi import Header, Request

from sherd.server.auth import principal_of
from sherd.server.problems import Refusal

T = TypeVar("T")
_MOST_KEPT = 1_000
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", pattern="^[!-~]{1,200}$",
        description="The same for each attempt at one thing: a repeated request is answered as the first was.",
    ),
]  # fmt: skip


class Repeats:
    """What was answered to the last requests with a key, in memory. Used from one event loop."""

    def __init__(self, most: int = _MOST_KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[str, ...], tuple[bytes, asyncio.Future[Any]]] = OrderedDict()

    async def once(self, request: Request, key: str | None, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` gives, or gave when the same person asked the same with the same key; what fails may be tried
        again.

        Raises:
            Refusal: the key stood for something else. Whatever `work` raises.
        """
        if key is None:
            return await work()
        principal = principal_of(request)
        name = request.url.path, principal.token, principal.name, key
        said = await request.body()
        if name in self._kept:
            body, done = self._kept[name]
            if body != said:
                raise Refusal("key_reused", "make up another key for another request")
            answer: T = await asyncio.shield(done)
            return answer
        done = asyncio.get_running_loop().create_future()
        self._kept[name] = said, done
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        try:
            found = await work()
        except BaseException as error:
            self._kept.pop(name, None)
            done.set_exception(error if isinstance(error, Exception) else Refusal("stopping", retry_after=5))
            done.exception()  # seen to, whether somebody waits for it or not
            raise
        done.set_result(found)
        return found
