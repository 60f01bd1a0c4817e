"""How late the event loop is: what blocks it holds up every request, those to be refused too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def watch_lag(tell: Callable[[float], None], every_s: float = 0.1) -> None:
    """Tell again and again, until cancelled, how many seconds later than asked for the loop came back."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + every_s
        await asyncio.sleep(every_s)
        tell(max(loop.time() - due, 0.0))
