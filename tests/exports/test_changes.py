"""Changes are noticed, each once, in an order that never goes back; what is kept survives whoever wrote it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import select, update

from sherd.catalogue import decisions
from sherd.catalogue.schema import items, records
from sherd.catalogue.writing import advance, drop_items, start_job
from sherd.errors import CorruptData
from sherd.exports.changes import CHANGES, Change, ChangeLog, Kind
from sherd.ingest.library import Library
from sherd.types import Action, Decision
from tests.server.bronzes import DING_ID, make_bronzes

Line = tuple[str, str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_bronzes(tmp_path)


def told(changes: tuple[Change, ...]) -> list[Line]:
    return [(one.kind.value, one.record_id) for one in changes]


def decide(library: Library, record_id: str, who: str = "Ann", at: str = "2026-11-29T10:00:00+00:00") -> None:
    one = Decision(record_id, Action.REJECT, who, at, facet="motif", concept="urn:sherd:dragon")
    decisions.append(library.catalogue.database, [one])


def remove(library: Library, record_id: str) -> None:
    database = library.catalogue.database
    with database.read() as connection:
        of = select(items.c.number).join(records, records.c.number == items.c.record)
        numbers = list(connection.scalars(of.where(records.c.record_id == record_id)))
    with database.write() as connection:
        job = start_job(connection, "ingest")
    drop_items(database, numbers, job, {})


def alter(library: Library, record_id: str) -> None:
    database = library.catalogue.database
    with database.write() as connection:
        of = select(records.c.number).where(records.c.record_id == record_id).scalar_subquery()
        connection.execute(update(items).where(items.c.record == of).values(digest="another"))
        advance(connection)


def test_records_come_change_are_decided_about_and_go(folder: Path) -> None:
    with Library.open(folder) as library:
        log = ChangeLog(library)
        first = log.current()
        created = [("Create", name) for name in (DING_ID, "bowl", "plain")]
        assert sorted(told(first)) == sorted([*created, ("Update", DING_ID), ("Update", "bowl")])
        assert [(one.who, one.decision) for one in first if one.decision] in (
            [("Ann", 1), ("Li Wei", 2)], [("Li Wei", 2), ("Ann", 1)],
        )  # fmt: skip
        assert log.current() == first
        decide(library, "plain")
        alter(library, "bowl")
        remove(library, DING_ID)
        later = log.current()[len(first) :]
        assert sorted(told(later)) == [("Delete", DING_ID), ("Update", "bowl"), ("Update", "plain")]
        decide(library, DING_ID)  # what is gone is not told of any more
        assert log.current() == (*first, *later)
        times = [one.at for one in log.current()]
        assert times == sorted(times)
        assert ChangeLog(library).current() == log.current()


def test_what_was_decided_about_and_is_gone_is_told_by_the_first_look(folder: Path) -> None:
    with Library.open(folder) as library:
        remove(library, DING_ID)
        assert sorted(told(ChangeLog(library).current())) == [
            ("Create", "bowl"), ("Create", "plain"), ("Delete", DING_ID), ("Update", "bowl"),
        ]  # fmt: skip


def test_two_processes_tell_the_same(folder: Path) -> None:
    with Library.open(folder) as one, Library.open(folder) as other:
        here, there = ChangeLog(one), ChangeLog(other)
        here.current()
        decide(one, "plain")
        assert here.current() == there.current()
        decide(other, "bowl")
        assert len(there.current()) == len(here.current()) == 7
        assert here.current() == there.current()


def test_a_line_that_was_not_finished_is_noticed_again(folder: Path) -> None:
    with Library.open(folder) as library:
        whole = ChangeLog(library).current()
        file = folder / CHANGES
        file.write_bytes(file.read_bytes()[:-20])
        assert sorted(told(ChangeLog(library).current())) == sorted(told(whole))
        assert len(file.read_text("utf-8").splitlines()) == len(whole)
        lines = file.read_text("utf-8").splitlines()
        file.write_text("\n".join(["{}", *lines[1:]]) + "\n", "utf-8")
        with pytest.raises(CorruptData, match="remove it"):
            ChangeLog(library).current()


def test_where_nothing_can_be_written_changes_are_kept_in_memory(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / CHANGES).mkdir()
    with Library.open(folder) as library:
        log = ChangeLog(library)
        assert len(log.current()) == 5
        decide(library, "plain")
        assert len(log.current()) == 6
    assert "kept in memory" in caplog.text


def test_times_that_are_yet_to_come_or_are_none_are_the_time_of_the_look(folder: Path) -> None:
    with Library.open(folder) as library:
        log = ChangeLog(library)
        log.current()
        decide(library, "plain", at="2999-01-01T00:00:00+00:00")
        decide(library, "plain", at="someday")
        *_, last_but_one, last = log.current()
        assert last_but_one.at < "2900"
        assert last.at < "2900"
        assert last.kind is Kind.UPDATE
        assert json.loads((folder / CHANGES).read_text("utf-8").splitlines()[-1])["who"] == "Ann"
