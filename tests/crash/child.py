"""A writer to be killed: an ingest or a reindex with the toy encoder that ends itself by SIGKILL at a named step, or a
writer with a deliberate fault, which the harness must catch.

    python -m tests.crash.child ingest SOURCE LIBRARY [--kill STEP:N] [--fault NAME]
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sherd.catalogue import records
from sherd.cli.progress import JsonLines
from sherd.encoder.toy import ToyEncoder
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.library import Library
from sherd.ingest.pipeline import Ingest, IngestSettings
from sherd.ingest.progress import Progress
from sherd.ingest.reindex import reindex
from sherd.ingest.sources.records import RecordsSource
from sherd.vectors.parts import PartStore

BATCH = 8
_WINDOW_S = 0.3
"""How long a faulty writer lingers in its fault, so that a kill lands there."""


class AcknowledgesTooEarly(Ingest):
    """Says that a batch is kept before anything of it is on disk."""

    def _prepared(self, batch: list[Any]) -> Any:
        ready = super()._prepared(batch)
        settled = self.counts.seen + len(batch)
        self.reporter.settled(Progress(settled, None, self.encoded, 1.0, self.counts.as_dict()))
        time.sleep(_WINDOW_S)
        return ready


class CommitsTooEarly(Ingest):
    """Makes the batch true in the catalogue before its files are where the catalogue says."""

    def _store_files(self, ready: Any) -> None:
        self._aside = Path(tempfile.mkdtemp())
        library, thumbnails = self.library, self.thumbnails.folder
        store = PartStore(self._aside / "vectors")
        self.thumbnails.folder = self._aside / "thumbnails"
        library.parts = lambda fingerprint: store  # type: ignore[method-assign]
        super()._store_files(ready)
        del library.parts
        self.thumbnails.folder = thumbnails

    def _commit(self, ready: Any) -> None:
        super()._commit(ready)
        time.sleep(_WINDOW_S)
        vectors = self.library.parts(self.encoder.fingerprint).folder
        for name, target in (("thumbnails", self.thumbnails.folder), ("vectors", vectors)):
            if (self._aside / name).exists():
                shutil.copytree(self._aside / name, target, dirs_exist_ok=True)


class ForgetsWhoIsWho(Ingest):
    """Does not know its items again."""

    def run(self) -> Any:
        records.item_key = lambda record, repeat=0: uuid.uuid4().hex
        self._drop_vanished = lambda: None  # type: ignore[method-assign]
        return super().run()


FAULTS: dict[str, type[Ingest]] = {
    "acknowledges_too_early": AcknowledgesTooEarly,
    "commits_too_early": CommitsTooEarly,
    "forgets_who_is_who": ForgetsWhoIsWho,
}


def killer(at: str | None) -> Callable[[str], None]:
    """Ends this process the N-th time that the step is reached."""
    step, _, count = (at or ":0").partition(":")
    passed: Counter[str] = Counter()

    def hook(name: str) -> None:
        passed[name] += 1
        if name == step and passed[name] == int(count):
            os.kill(os.getpid(), signal.SIGKILL)

    return hook


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["ingest", "reindex"])
    parser.add_argument("source", type=Path)
    parser.add_argument("library", type=Path)
    parser.add_argument("--kill")
    parser.add_argument("--fault", choices=FAULTS)
    parser.add_argument("--version", type=int, default=1)
    parser.add_argument("--catalogue")
    given = parser.parse_args()
    encoder, hook = ToyEncoder(given.version), killer(given.kill)
    with Library.open(given.library, create=True, catalogue=given.catalogue) as library:
        if given.command == "reindex":
            reindex(library, encoder, hook=hook)
            return
        source = RecordsSource(given.source / "records.jsonl", given.source)
        kind = FAULTS.get(given.fault, Ingest)
        settings = IngestSettings(batch_pictures=BATCH, table="records.jsonl")
        with DecoderPool() as pool:
            kind(library, source, encoder, pool, settings=settings, reporter=JsonLines(sys.stdout), hook=hook).run()


if __name__ == "__main__":
    main()
