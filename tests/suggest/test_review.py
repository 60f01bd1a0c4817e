from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sherd.catalogue import decisions
from sherd.catalogue.concept_writing import import_thesaurus
from sherd.catalogue.decisions import Kept
from sherd.catalogue.standings import standings
from sherd.errors import DecisionConflict, InvalidArgument, UnknownConcept
from sherd.ingest.library import Library
from sherd.suggest.review import decide, undo
from sherd.types import Action, Box, Decision
from tests.catalogue.shelf import BELL, filled
from tests.catalogue.vessels import GUI, OFFERING, SCHEME, TRIPOD, VESSEL, VESSELS

BOX, OTHER_BOX = Box(0.1, 0.1, 0.2, 0.2), Box(0.5, 0.5, 0.2, 0.2)
IMAGE = BELL.images[0].path


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    shelf = filled(tmp_path)
    import_thesaurus(shelf.database, VESSELS, name=SCHEME)
    yield Library(tmp_path, shelf)
    shelf.close()


def word(action: Action = Action.ACCEPT, concept: str | None = TRIPOD, **changes: object) -> Decision:
    made = Decision("bell", action, "Li", "2026-11-27T10:00:00+00:00", concept=concept, image=IMAGE, box=BOX)
    return replace(made, **changes)  # type: ignore[arg-type]


def holds(kept: list[Kept]) -> dict[str, tuple[bool, Box | None]]:
    return {one.concept: (one.holds, one.box) for one in standings(kept)}


def test_the_last_word_on_a_concept_holds(library: Library) -> None:
    kept = decide(library, [word()])
    assert kept[0].decision.value == TRIPOD
    assert kept[0].decision.facet == "vessel"
    assert holds(kept) == {TRIPOD: (True, BOX)}
    kept += decide(library, [word(Action.REJECT)])
    assert holds(kept) == {TRIPOD: (False, BOX)}
    kept += decide(library, [word(Action.MOVE, new_box=OTHER_BOX)])
    assert holds(kept) == {TRIPOD: (True, OTHER_BOX)}


def test_a_narrower_concept_replaces_and_another_one_refuses(library: Library) -> None:
    kept = decide(library, [word(Action.NARROW, VESSEL, value=TRIPOD), word(Action.OTHER, GUI, value=OFFERING)])
    assert holds(kept) == {TRIPOD: (True, BOX), OFFERING: (True, BOX), GUI: (False, BOX)}
    assert [one.decision.facet for one in kept] == ["vessel", "theme"]
    kept += decide(library, [word(Action.OTHER, None, value=GUI, box=None, image=None)])
    assert holds(kept)[GUI] == (True, None)


def test_undoing_is_another_row_and_can_be_undone(library: Library) -> None:
    kept = decide(library, [word()])
    kept += decide(library, [undo(kept[0], "Ann")])
    assert holds(kept) == {}
    with pytest.raises(InvalidArgument, match="decision 1 has been taken back already"):
        decide(library, [undo(kept[0], "Ann")])
    kept += decide(library, [undo(kept[1], "Li")])
    assert holds(kept) == {TRIPOD: (True, BOX)}
    kept += decide(library, [undo(kept[0], "Li")])
    assert holds(kept) == {}
    assert list(decisions.faults(library.catalogue.database)) == []


@pytest.mark.parametrize(
    ("made", "what"),
    [
        (word(record_id="gone"), "no record 'gone'"),
        (word(image="nowhere.jpg"), "shows no picture 'nowhere.jpg'"),
        (word(who=" "), "who decides"),
        (word(who="a\nb"), "who decides"),
        (word(note="x" * 2001), "note has 2001 characters"),
        (word(probability=1.5), "probability is 1.5"),
        (word(image=None), "a region needs the picture"),
        (word(concept=None), "'accept' needs the concept"),
        (word(value=GUI), "'accept' keeps the concept"),
        (word(Action.MOVE), "'move' needs the new box"),
        (word(Action.REJECT, value=GUI), "'reject' leaves no concept"),
        (word(Action.NARROW, VESSEL), "'narrow' needs the concept that holds"),
        (word(Action.OTHER), "'other' needs the concept that holds"),
        (word(Action.NARROW, TRIPOD, value=GUI), "is not below urn:vessels:tripod"),
        (word(Action.UNDO, undoes=7), "no decision 7 to take back"),
    ],
)
def test_what_does_not_hold_together_is_refused_and_nothing_kept(library: Library, made: Decision, what: str) -> None:
    with pytest.raises(InvalidArgument, match=what):
        decide(library, [word(), made])
    assert decisions.head(library.catalogue.database).number == 0


def test_a_concept_must_be_in_the_library(library: Library) -> None:
    with pytest.raises(UnknownConcept, match="urn:none"):
        decide(library, [word(concept="urn:none")])


def test_what_a_person_has_not_seen_is_not_overruled(library: Library) -> None:
    decide(library, [word()], seen={"bell": 0})
    with pytest.raises(DecisionConflict, match="Li decided 'accept'"):
        decide(library, [word(Action.REJECT, who="Ann")], seen={"bell": 0})
