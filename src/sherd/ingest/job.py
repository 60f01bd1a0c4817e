"""An ingest in a process of its own: settings as JSON in, progress as JSON lines out.

For a server, whose searches it must not hold up: it runs at low priority, and may be ended at any time like any ingest.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from sherd.encoder import load_encoder
from sherd.errors import InvalidArgument, SherdError
from sherd.ingest.columns import ColumnMapping, ColumnRoles
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.library import Library
from sherd.ingest.pictures import PictureLimits
from sherd.ingest.pipeline import Ingest, IngestSettings, count_items
from sherd.ingest.progress import Progress
from sherd.ingest.sources import open_source

_COUNT_S = 2.0
_NICE = 10
_SHOWN_REJECTS = 200


@dataclass(frozen=True, slots=True)
class JobSettings:
    """library, source: folders, or for a source its table. max_pixels: of a picture. batch: pictures stored at a time.
    model: of the encoder where the library names none yet. columns: role -> headings by a person; None: guessed."""

    library: str
    source: str
    max_pixels: int = 200_000_000
    batch: int = 32
    model: str = "builtin"
    columns: Mapping[str, Sequence[str]] | None = None

    def mapping(self) -> ColumnMapping | None:
        """The columns, as sources take them."""
        if self.columns is None:
            return None
        return ColumnMapping({role: tuple(headings) for role, headings in self.columns.items()})


class Lines:
    """A reporter that writes a JSON object a line: `event` is started, progress, warning, rejected, done or failed."""

    def __init__(self) -> None:
        self._rejects = 0

    def started(self, kind: str, columns: ColumnRoles | None) -> None:
        roles = {role: list(names) for role, names in columns.roles.items()} if columns else None
        self.say("started", source=kind, columns=roles, unused_columns=list(columns.unused) if columns else [])

    def settled(self, progress: Progress) -> None:
        self.say("progress", **asdict(progress))

    def warned(self, where: str, what: str) -> None:
        self._some("warning", where=where, what=what)

    def rejected(self, where: str, reason: str, detail: str) -> None:
        self._some("rejected", where=where, reason=reason)

    def say(self, event: str, **said: object) -> None:
        print(json.dumps({"event": event, **said}, ensure_ascii=False), flush=True)

    def _some(self, event: str, **said: object) -> None:
        """The first of them; all are in the library's list of rejects."""
        self._rejects += 1
        if self._rejects <= _SHOWN_REJECTS:
            self.say(event, **said)


def run(settings: JobSettings, lines: Lines) -> None:
    """One ingest, told line by line.

    Raises:
        SherdError: see `Ingest` and `open_source`.
    """
    library = Path(settings.library)
    source = open_source(Path(settings.source), mapping=settings.mapping(), exclude=[library])
    limits = PictureLimits(max_pixels=settings.max_pixels)
    with Library.open(library, create=True) as there, there.writer(), DecoderPool(1, limits=limits) as pool:
        name = there.catalogue.encoder_name() or settings.model
        plan = IngestSettings(batch_pictures=settings.batch)
        total = count_items(source, _COUNT_S)
        ingest = Ingest(
            there, source, load_encoder(name), pool, encoder_name=name, settings=plan, reporter=lines, total=total
        )
        report = asdict(ingest.run())
    report.pop("rejects_file")
    lines.say("done", **report)


def main() -> None:
    lines = Lines()
    with suppress(OSError):
        os.nice(_NICE)
    try:
        run(JobSettings(**json.loads(sys.argv[1])), lines)
    except (SherdError, OSError, TypeError, ValueError) as error:
        code = error.code if isinstance(error, SherdError) else InvalidArgument.code
        lines.say("failed", code="system" if isinstance(error, OSError) else code, what=str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
