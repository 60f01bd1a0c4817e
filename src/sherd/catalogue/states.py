"""What each record is made of now, so that it can be told later whether it has become another one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import select

from sherd.catalogue.database import Database
from sherd.catalogue.schema import images, items, jobs, records


@dataclass(frozen=True, slots=True)
class RecordState:
    """digest: another one whenever a source says something else of the record, or of its pictures. at: when the last of
    its items came in (UTC, ISO 8601)."""

    digest: str
    at: str


def record_states(database: Database) -> dict[str, RecordState]:
    """By record id, in their order as text: the records that show a picture."""
    shown = select(images.c.number).where(images.c.record == records.c.number).exists()
    rows = (
        select(records.c.record_id, items.c.digest, jobs.c.updated)
        .join(items, items.c.record == records.c.number)
        .join(jobs, jobs.c.number == items.c.job)
        .where(shown)
        .order_by(records.c.record_id, items.c.source, items.c.ordinal, items.c.number)
    )
    found: dict[str, RecordState] = {}
    with database.read() as connection:
        for record_id, digest, at in connection.execute(rows):
            before = found.get(record_id, RecordState("", ""))
            both = hashlib.sha256(f"{before.digest} {digest}".encode()).hexdigest()[:16]
            found[record_id] = RecordState(both, max(before.at, at))
    return found
