"""What every source gives: numbered items, each a record or a reason why there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sherd.errors import RejectedItem
from sherd.ingest.columns import ColumnRoles
from sherd.types import Record


@dataclass(frozen=True, slots=True)
class SourceItem:
    """One line, row or file of a source; exactly one of `record` and `reject` is set.

    ordinal: 0, 1, 2... in the order of the source, rejected items included.
    where: for people, e.g. "records.jsonl line 12", "metadata.csv row 7", "photos/a.jpg".
    record: several items may carry the same record_id; they are views of one object.
    warnings: what was left out of a record that is otherwise kept, as "reason: detail" (a box outside its picture...).
    """

    ordinal: int
    where: str
    record: Record | None = None
    reject: RejectedItem | None = None
    warnings: tuple[str, ...] = ()


class Source(Protocol):
    """Where records come from. Files of a source are only ever read."""

    @property
    def root(self) -> Path:
        """Folder that the image paths of the records are relative to; nothing outside it is opened."""

    @property
    def kind(self) -> str:
        """`folder`, `records` (JSON lines) or `spreadsheet`."""

    @property
    def columns(self) -> ColumnRoles | None:
        """What each column of a spreadsheet was taken for; None for other kinds."""

    def items(self) -> Iterator[SourceItem]:
        """All items in a stable order; may be called again and gives the same. Never raises for a single bad item.

        Raises:
            SourceError: the source as a whole vanished or cannot be read any more.
        """
