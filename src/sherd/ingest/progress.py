"""How an ingest tells what it does: numbers out, no printing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Protocol

from sherd.ingest.columns import ColumnRoles


@dataclass(slots=True)
class Counts:
    """Source items (lines, rows or files) by what became of them."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0

    @property
    def seen(self) -> int:
        return self.added + self.updated + self.unchanged + self.rejected

    def as_dict(self) -> dict[str, int]:
        return {"seen": self.seen, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is. `settled` items, in the order of the source, are acknowledged: what became of them is on disk.

    total: items of the source, None when that is not known. pictures: encoded in this run. seconds: since it began.
    """

    settled: int
    total: int | None
    pictures: int
    seconds: float
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class IngestReport:
    """The end of a run: `seen == added + updated + unchanged + rejected`.

    pictures: picture files of this source that the library shows now, unchanged ones included.
    rejects_file: one JSON object a line for each rejected item; empty when there is none.
    """

    seen: int
    added: int
    updated: int
    unchanged: int
    rejected: int
    pictures: int
    seconds: float
    rejects_file: str


class Reporter(Protocol):
    """What is told while a run goes on; called from the thread that runs it."""

    def started(self, kind: str, columns: ColumnRoles | None) -> None:
        """The source is open; for a spreadsheet, what its columns were taken for."""

    def settled(self, progress: Progress) -> None:
        """A batch is acknowledged."""

    def warned(self, where: str, what: str) -> None:
        """Something of an item that is otherwise kept was left out."""

    def rejected(self, where: str, reason: str, detail: str) -> None:
        """An item is refused."""


class Silent:
    """A reporter that tells nobody."""

    def started(self, kind: str, columns: ColumnRoles | None) -> None:
        pass

    def settled(self, progress: Progress) -> None:
        pass

    def warned(self, where: str, what: str) -> None:
        pass

    def rejected(self, where: str, reason: str, detail: str) -> None:
        pass
