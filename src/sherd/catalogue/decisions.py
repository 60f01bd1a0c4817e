"""What people decided, in rows that are only ever added; each carries the hash of the one before.

The hash of a row is the SHA-256 of its number, record, action and body and of the hash before it, so a row that is
altered, removed or put elsewhere breaks the chain. Who can write the whole file can also write a whole new chain, and
can cut its end off: against that stands a head (number and hash) kept elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, func, select

from sherd.catalogue.database import Database
from sherd.catalogue.schema import decisions
from sherd.errors import CorruptData, DecisionConflict, SourceError
from sherd.types import Action, Box, Decision

GENESIS = "0" * 64
"""What stands before the first row."""
_CHUNK = 900
_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class Kept:
    """A decision as it is kept: its number, 1 and up without a gap, and its hash."""

    number: int
    decision: Decision
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """How far the chain goes: the last row's number and hash; 0 and `GENESIS` where there is none."""

    number: int
    hash: str


def append(database: Database, made: Sequence[Decision], *, seen: Mapping[str, int] | None = None) -> list[Kept]:
    """Add decisions, all or none, on disk when this returns.

    Args:
        made: in their order.
        seen: by record, the number of the last decision about it that the person saw (0: none); None asks nothing.
    Raises:
        DecisionConflict: somebody else has decided about one of these records since; who and what is said.
        StorageRefused, LibraryBusy: nothing was added.
    """
    with database.write() as connection:
        if seen is not None:
            _refuse_unseen(connection, seen)
        last = _head(connection)
        rows, kept = [], list[Kept]()
        for number, one in enumerate(made, last.number + 1):
            body = _body(one)
            previous = kept[-1].hash if kept else last.hash
            digest = _hash(number, one.record_id, one.action, body, previous)
            row = {"number": number, "record_id": one.record_id, "action": str(one.action), "body": body}
            rows.append(row | {"previous": previous, "hash": digest})
            kept.append(Kept(number, one, digest))
        if rows:
            # The catalogue's generation stays: nothing that is searched has changed.
            connection.execute(decisions.insert(), rows)
    return kept


def about(database: Database, record_ids: Sequence[str]) -> dict[str, list[Kept]]:
    """The decisions about these records, oldest first; records without any are left out."""
    found: dict[str, list[Kept]] = defaultdict(list)
    with database.read() as connection:
        for start in range(0, len(record_ids), _CHUNK):
            chunk = list(record_ids[start : start + _CHUNK])
            rows = select(decisions).where(decisions.c.record_id.in_(chunk)).order_by(decisions.c.number)
            for row in connection.execute(rows):
                found[row.record_id].append(_kept(row))
    return dict(found)


def everything(database: Database, *, after: int = 0) -> Iterator[Kept]:
    """All decisions with a number above `after`, oldest first, a page at a time."""
    while rows := page(database, after, _PAGE):
        yield from rows
        after = rows[-1].number


def page(database: Database, after: int, limit: int) -> list[Kept]:
    """Up to `limit` decisions with a number above `after`, oldest first."""
    rows = select(decisions).where(decisions.c.number > after).order_by(decisions.c.number).limit(limit)
    with database.read() as connection:
        return list(map(_kept, connection.execute(rows)))


def head(database: Database) -> Head:
    """The end of the chain as it stands; `faults` tells whether it is sound."""
    with database.read() as connection:
        return _head(connection)


def read_head(file: Path) -> Head:
    """A head that `sherd audit head` wrote.

    Raises:
        SourceError: the file cannot be read or is none.
    """
    try:
        found = json.loads(file.read_text("utf-8"))
        return Head(int(found["number"]), str(found["hash"]))
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{file}: cannot be read: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"{file}: is no head of the decisions; `sherd audit head` writes one") from error


def faults(database: Database, *, against: Head | None = None) -> Iterator[str]:
    """What is wrong with the chain, a sentence each; nothing where it is sound.

    Args:
        against: a head that was written down elsewhere; the chain must still go through it.
    """
    expected, previous, hashes = 1, GENESIS, {0: GENESIS}
    with database.read() as connection:
        for row in connection.execute(select(decisions).order_by(decisions.c.number)):
            if row.number != expected:
                missing = f"{expected}" if row.number == expected + 1 else f"{expected} to {row.number - 1}"
                yield f"decision {missing} is missing"
            elif row.previous != previous:
                yield f"decision {row.number} does not follow the one before it"
            if _hash(row.number, row.record_id, row.action, row.body, row.previous) != row.hash:
                yield f"decision {row.number} (record {row.record_id!r}) has been altered"
            expected, previous = row.number + 1, row.hash
            hashes[row.number] = row.hash
    if against is not None and hashes.get(against.number) != against.hash:
        what = "ends before" if against.number >= expected else "is another one at"
        yield f"the chain {what} decision {against.number}, which was noted with the hash {against.hash[:12]}..."


def _refuse_unseen(connection: Connection, seen: Mapping[str, int]) -> None:
    for record_id, number in seen.items():
        newer = connection.execute(
            select(decisions)
            .where(decisions.c.record_id == record_id, decisions.c.number > number)
            .order_by(decisions.c.number.desc())
            .limit(1)
        ).first()
        if newer is not None:
            one = _kept(newer).decision
            raise DecisionConflict(
                f"record {record_id!r}: {one.who} decided '{one.action}' about it at {one.at}, after you looked; "
                "nothing was kept. Look again, then decide"
            )


def _head(connection: Connection) -> Head:
    row = connection.execute(
        select(decisions.c.number, decisions.c.hash).where(
            decisions.c.number == select(func.max(decisions.c.number)).scalar_subquery()
        )
    ).first()
    return Head(row.number, row.hash) if row is not None else Head(0, GENESIS)


def _hash(number: int, record_id: str, action: str, body: str, previous: str) -> str:
    said = json.dumps([number, record_id, str(action), body, previous], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def _body(one: Decision) -> str:
    """All but record and action, without what is empty; the same decision always gives the same bytes."""
    said = {name: value for name, value in asdict(one).items() if value is not None and name not in _COLUMNS}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _kept(row: Row[*tuple[Any, ...]]) -> Kept:
    try:
        said = json.loads(row.body)
        boxes = {name: Box(**said[name]) for name in ("box", "new_box") if name in said}
        return Kept(row.number, Decision(row.record_id, Action(row.action), **{**said, **boxes}), row.hash)
    except (ValueError, TypeError) as error:
        raise CorruptData(
            f"decision {row.number} cannot be read ({error}); `sherd audit verify` tells what was altered"
        ) from error


_COLUMNS = ("record_id", "action")
