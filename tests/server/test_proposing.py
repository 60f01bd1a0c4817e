from __future__ import annotations

import asyncio
import threading
from typing import Any, cast

import pytest

from sherd.server.problems import Refusal
from sherd.server.proposing import Proposer
from sherd.suggest.suggest import SuggestSettings


class Learning:
    """In the place of a suggester: it has learnt when it is told so."""

    settings: object = None

    def __init__(self) -> None:
        self.ready = threading.Event()
        self.asked: list[str] = []

    def heed(self, records: list[str]) -> None:
        assert self.ready.wait(30)

    def propose(self, records: list[str], facets: object) -> dict[str, list[str]]:
        self.asked += records
        return {record: ["suggestion"] for record in records}


def test_who_would_wait_for_the_learning_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    learning = Learning()
    monkeypatch.setattr(Proposer, "_current", lambda *_: learning)
    proposer, encoder = Proposer(cast(Any, None)), cast(Any, None)

    async def ask(record: str, patience_s: float | None) -> Any:
        told = proposer.propose(encoder, record, None, SuggestSettings(), lambda _, found: found, patience_s=patience_s)
        return await told

    async def run() -> None:
        for record in ("first", "waits"):
            with pytest.raises(Refusal) as refused:
                await ask(record, 0.05)
            assert (refused.value.code, refused.value.status_code, refused.value.retry_after) == ("learning", 503, 10)
        learning.ready.set()
        assert await ask("again", 30) == ["suggestion"]
        assert await ask("patient", None) == ["suggestion"]
        assert learning.asked == ["first", "again", "patient"]

    asyncio.run(run())
    proposer.stop()
