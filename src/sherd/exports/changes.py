"""What happened to the records of a library: noticed when somebody asks, and kept in a file that is only added to.

The catalogue says what is, not what was. So each look at it is compared with what was known at the last one: a record
is new, says something else, or is gone. Between two looks people's decisions are told one by one. Times never go back,
so that a reader who has read up to a time has read all before it.
"""

from __future__ import annotations

import fcntl
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import IO

from sherd.catalogue import decisions
from sherd.catalogue.states import record_states
from sherd.errors import CorruptData
from sherd.ingest.library import Library

CHANGES = "changes.jsonl"
_log = logging.getLogger(__name__)


class Kind(StrEnum):
    """In the words of Activity Streams."""

    CREATE = "Create"
    UPDATE = "Update"
    DELETE = "Delete"


@dataclass(frozen=True, slots=True)
class Change:
    """at: UTC, to the second. digest: of the record's state, '' where a decision or an end is told. who: decided."""

    kind: Kind
    record_id: str
    at: str
    digest: str = ""
    decision: int = 0
    who: str = ""


class ChangeLog:
    """The changes of one library, for any thread and beside other processes. Where the folder may not be written to
    they are kept in memory, and are told anew by the next process."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._file = library.folder / CHANGES
        self._lock = threading.Lock()
        self._changes: list[Change] = []
        self._known: dict[str, str] = {}
        self._decided = self._read_to = 0
        self._seen: tuple[int, int] | None = None
        self._in_memory = False

    def current(self) -> tuple[Change, ...]:
        """All changes until now, oldest first.

        Raises:
            CorruptData: the file was altered.
        """
        catalogue = self._library.catalogue
        with self._lock:
            state = catalogue.generation(), decisions.head(catalogue.database).number
            if state != self._seen:
                with self._held() as file:
                    self._notice(file)
                self._seen = state
            return tuple(self._changes)

    @contextmanager
    def _held(self) -> Iterator[IO[bytes] | None]:
        """The file, while no other process writes to it, with all that others wrote taken up; None in memory."""
        if self._in_memory:
            yield None
            return
        try:
            file = self._file.open("a+b")
        except OSError as error:
            _log.warning("%s: cannot be written (%s); changes are kept in memory", CHANGES, error.strerror)
            self._in_memory = True
            yield None
            return
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self._take_up(file)
            yield file

    def _take_up(self, file: IO[bytes]) -> None:
        file.seek(self._read_to)
        for line in file:
            if not line.endswith(b"\n"):  # a writer was killed in the middle of it
                file.truncate(self._read_to)
                break
            try:
                said = json.loads(line)
                self._enter(Change(**{**said, "kind": Kind(said["kind"])}))
            except (ValueError, TypeError, KeyError) as error:
                raise CorruptData(f"{self._file}: cannot be read; remove it, and changes are told anew") from error
            self._read_to += len(line)

    def _enter(self, change: Change) -> None:
        self._changes.append(change)
        self._decided = max(self._decided, change.decision)
        if change.kind is Kind.DELETE:
            self._known.pop(change.record_id, None)
        elif change.digest:
            self._known[change.record_id] = change.digest

    def _notice(self, file: IO[bytes] | None) -> None:
        found = self._found()
        lines = [json.dumps({k: v for k, v in asdict(one).items() if v}, ensure_ascii=False) + "\n" for one in found]
        data = "".join(lines).encode("utf-8", "surrogatepass")
        if file is not None and data:
            file.write(data)
            file.flush()
            self._read_to += len(data)
        for one in found:
            self._enter(one)

    def _found(self) -> list[Change]:
        """What is new, in the order of its time; none before the last that was told."""
        database = self._library.catalogue.database
        now = datetime.now(UTC).isoformat(timespec="seconds")
        first = not self._changes
        states = record_states(database)
        found = []
        for name, state in states.items():
            if name not in self._known:
                found.append(Change(Kind.CREATE, name, state.at, state.digest))
            elif self._known[name] != state.digest:
                found.append(Change(Kind.UPDATE, name, now, state.digest))
        found += [Change(Kind.DELETE, name, now) for name in self._known if name not in states]
        gone: set[str] = set()
        for kept in decisions.everything(database, after=self._decided):
            one = kept.decision
            if one.record_id in states:
                found.append(Change(Kind.UPDATE, one.record_id, one.at, decision=kept.number, who=one.who))
            elif first:  # it was there once, or nobody could have decided about it
                gone.add(one.record_id)
        found += [Change(Kind.DELETE, name, now) for name in sorted(gone)]
        least = self._changes[-1].at if self._changes else ""
        timed = [(max(_second(one.at, now), least), one) for one in found]
        order = (Kind.CREATE, Kind.UPDATE, Kind.DELETE)
        timed.sort(key=lambda pair: (pair[0], order.index(pair[1].kind), pair[1].record_id, pair[1].decision))
        return [Change(one.kind, one.record_id, at, one.digest, one.decision, one.who) for at, one in timed]


def _second(at: str, now: str) -> str:
    """A time in UTC to the second, so that times compare as texts; `now` where it is none, or is yet to come."""
    try:
        when = datetime.fromisoformat(at)
    except ValueError:
        return now
    told = (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="seconds")
    return min(told, now)
