"""A search in another process's shoes: while an ingest runs it answers from what is acknowledged, and never fails."""

from __future__ import annotations

import threading
from pathlib import Path

from sherd.ingest.decoder import DecoderPool
from sherd.ingest.library import Library
from sherd.ingest.pipeline import IngestSettings
from sherd.ingest.progress import Progress, Silent
from sherd.search.searcher import Searcher
from sherd.types import Query
from tests.ingest.museum import ingest, museum


def test_searches_answer_from_what_is_acknowledged_while_an_ingest_runs(tmp_path: Path) -> None:
    count = 120
    source = museum(tmp_path / "src", count)
    acknowledged, over = 0, threading.Event()

    class Told(Silent):
        def settled(self, progress: Progress) -> None:
            nonlocal acknowledged
            acknowledged = progress.settled

    failures: list[str] = []
    answers: list[int] = []

    def write() -> None:
        try:
            with DecoderPool() as pool:
                settings = IngestSettings(batch_pictures=5)
                ingest(tmp_path / "lib", source, pool, reporter=Told(), settings=settings)
        finally:
            over.set()

    with DecoderPool() as pool:
        ingest(tmp_path / "lib", museum(tmp_path / "first", 1, start=500), pool)
    writer = threading.Thread(target=write)
    writer.start()
    with Library.open(tmp_path / "lib") as library:
        searcher = Searcher.open(library)
        while not over.is_set():
            before = acknowledged
            hits = searcher.search(Query(text="red", k=1_000)).hits
            answers.append(len(hits))
            if len({hit.record_id for hit in hits}) != len(hits) or len(hits) < min(before, count):
                failures.append(f"{len(hits)} hits after {before} were acknowledged")
        writer.join()
        assert len(searcher.search(Query(text="red", k=1_000)).hits) == count + 1
    assert failures == []
    assert len(answers) > 3
    assert answers == sorted(answers)
    assert answers[0] < count
