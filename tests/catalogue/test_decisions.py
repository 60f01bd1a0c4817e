"""Decisions are kept in a chain that shows whatever was done to it."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sherd.catalogue import decisions, soundness
from sherd.catalogue.catalogue import Catalogue
from sherd.catalogue.decisions import Head
from sherd.errors import CorruptData, DecisionConflict
from sherd.types import Action, Box, Decision
from tests.catalogue.backends import sql
from tests.catalogue.shelf import filled

TAOTIE = "urn:sherd:taotie"


def word(record_id: str = "bell", action: Action = Action.ACCEPT, who: str = "Li", note: str = "") -> Decision:
    return Decision(
        record_id, action, who, "2026-11-27T10:00:00+00:00", "motif", TAOTIE, TAOTIE,
        "a.jpg", Box(0.1, 0.2, 0.3, 0.4), None, "f" * 64, 0.83, None, note,
    )  # fmt: skip


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Catalogue]:
    found = filled(tmp_path)
    yield found
    found.close()


def test_what_was_decided_is_read_back_in_order(shelf: Catalogue) -> None:
    assert decisions.head(shelf.database) == Head(0, decisions.GENESIS)
    made = [word(), word("v-7", Action.REJECT, "王"), word(note="再看")]
    generation = shelf.generation()
    kept = decisions.append(shelf.database, made)
    assert [one.number for one in kept] == [1, 2, 3]
    assert shelf.generation() == generation
    assert list(decisions.everything(shelf.database)) == kept
    assert [one.decision for one in decisions.everything(shelf.database, after=1)] == made[1:]
    assert {
        name: [one.number for one in some] for name, some in decisions.about(shelf.database, ["bell", "x"]).items()
    } == {"bell": [1, 3]}
    assert decisions.head(shelf.database) == Head(3, kept[-1].hash)
    assert list(decisions.faults(shelf.database)) == []
    assert list(soundness.faults(shelf.database)) == []
    assert decisions.append(shelf.database, []) == []


def test_the_second_of_two_curators_is_told(shelf: Catalogue) -> None:
    decisions.append(shelf.database, [word()], seen={"bell": 0})
    with pytest.raises(DecisionConflict, match="'bell': Li decided 'accept' about it at 2026-11-27T10:00:00"):
        decisions.append(shelf.database, [word("v-7"), word(who="Ann")], seen={"v-7": 0, "bell": 0})
    assert decisions.head(shelf.database).number == 1
    decisions.append(shelf.database, [word(who="Ann")], seen={"bell": 1})
    assert decisions.head(shelf.database).number == 2


def test_a_record_that_cannot_be_read_is_named(shelf: Catalogue, tmp_path: Path) -> None:
    decisions.append(shelf.database, [word()])
    sql(tmp_path, "UPDATE decisions SET action = 'praise'")
    with pytest.raises(CorruptData, match=r"decision 1 cannot be read .*sherd audit verify"):
        list(decisions.everything(shelf.database))


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE decisions SET body = replace(body, 'Li', 'Lo') WHERE number = 2", "decision 2 .*has been altered"),
        ("UPDATE decisions SET record_id = 'v-7' WHERE number = 1", "decision 1 .*has been altered"),
        ("DELETE FROM decisions WHERE number = 2", "decision 2 is missing"),
        ("DELETE FROM decisions WHERE number IN (1, 2)", "decision 1 to 2 is missing"),
        ("UPDATE decisions SET number = number + 10 WHERE number = 3", "decision 3 is missing"),
        ("DELETE FROM decisions WHERE number = 4", "ends before decision 4"),
        ("DELETE FROM decisions", "ends before decision 4"),
    ],
)
def test_tampering_is_found(shelf: Catalogue, tmp_path: Path, statement: str, what: str) -> None:
    head = _four(shelf)
    sql(tmp_path, statement)
    found = list(decisions.faults(shelf.database, against=head))
    assert found
    assert re.search(what, " ".join(found)), found


def test_a_chain_made_anew_is_found_by_a_head_alone(shelf: Catalogue, tmp_path: Path) -> None:
    head = _four(shelf)
    sql(tmp_path, "DELETE FROM decisions")
    decisions.append(shelf.database, [word(note=f"{n} again") for n in range(4)])
    assert list(decisions.faults(shelf.database)) == []
    (found,) = decisions.faults(shelf.database, against=head)
    assert found.startswith("the chain is another one at decision 4")


@pytest.mark.slow
def test_a_thousand_tamperings_are_all_found(shelf: Catalogue, tmp_path: Path) -> None:
    chance = random.Random(4)
    decisions.append(shelf.database, [word(chance.choice(["bell", "v-7"]), note=str(n)) for n in range(60)])
    head = decisions.head(shelf.database)
    rows = sql(tmp_path, "SELECT * FROM decisions ORDER BY number")
    for _ in range(1000):
        changed = _tampered(rows, chance)
        assert changed != rows
        sql(tmp_path, "DELETE FROM decisions")
        sql(tmp_path, "INSERT INTO decisions VALUES (?, ?, ?, ?, ?, ?)", changed)
        assert list(decisions.faults(shelf.database, against=head))
    sql(tmp_path, "DELETE FROM decisions")
    sql(tmp_path, "INSERT INTO decisions VALUES (?, ?, ?, ?, ?, ?)", rows)
    assert list(decisions.faults(shelf.database, against=head)) == []


Row = tuple[int, str, str, str, str, str]


def _tampered(rows: list[Row], chance: random.Random) -> list[Row]:
    """Some rows altered in one character, removed, exchanged, repeated, or a new chain in place of the old."""
    made = list(rows)
    n = chance.randrange(len(rows))
    kind = chance.randrange(5)
    if kind == 0:
        field = chance.randrange(1, 6)
        text = str(made[n][field])
        place = chance.randrange(len(text))
        other = chance.choice([c for c in "abcdef0123" if c != text[place]])
        values = list(made[n])
        values[field] = text[:place] + other + text[place + 1 :]
        made[n] = tuple(values)  # type: ignore[assignment]
    elif kind == 1:
        del made[n : n + chance.randrange(1, 4)]
    elif kind == 2:
        m = chance.choice([m for m in range(len(rows)) if m != n])
        made[n], made[m] = (made[n][0], *made[m][1:]), (made[m][0], *made[n][1:])
    elif kind == 3:
        made.append((len(rows) + 1 + n, *made[n][1:]))
    else:
        made = []
        previous = decisions.GENESIS
        for number, (_, record_id, action, body, _, _) in enumerate(rows, 1):
            body = body.replace("Li", "Lu") if number > n else body
            digest = decisions._hash(number, record_id, action, body, previous)
            made.append((number, record_id, action, body, previous, digest))
            previous = digest
    return made


def _four(shelf: Catalogue) -> Head:
    decisions.append(shelf.database, [word(note=str(n)) for n in range(4)])
    return decisions.head(shelf.database)
