"""People's decisions: checked, and kept in the chain."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from sherd.catalogue import concepts, decisions
from sherd.catalogue.decisions import Kept
from sherd.catalogue.standings import taken_back
from sherd.errors import InvalidArgument, SourceError
from sherd.ingest.library import Library
from sherd.types import Action, Box, Decision

MAX_NOTE_CHARS = 2_000
MAX_NAME_CHARS = 200


def now() -> str:
    """The time of a decision."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def decide(library: Library, made: Sequence[Decision], *, seen: Mapping[str, int] | None = None) -> list[Kept]:
    """Keep decisions, all or none; on disk when this returns. No lock of the library is needed.

    Facets are filled in from the thesaurus; accepting and moving set the value.

    Args:
        seen: by record, the number of the last decision about it that the person saw; see `decisions.append`.
    Raises:
        InvalidArgument: a decision does not hold together: no such record or picture, a value that is not below the
            concept it narrows, a region where there is none to move, an undo of what is undone or of another record.
        UnknownConcept: no thesaurus of the library has the concept.
        DecisionConflict: somebody else was faster.
    """
    database = library.catalogue.database
    ids = list(dict.fromkeys(one.record_id for one in made))
    records = library.catalogue.get_many(ids)
    before = decisions.about(database, ids)
    checked: list[Decision] = []
    for one in made:
        record = records.get(one.record_id)
        if record is None and one.action is not Action.UNDO:
            raise InvalidArgument(f"the library has no record {one.record_id!r}")
        if record is not None and one.image is not None and one.image not in {image.path for image in record.images}:
            raise InvalidArgument(f"record {one.record_id!r} shows no picture {one.image!r}")
        _check_words(one)
        if one.action is Action.UNDO:
            checked.append(_undo(one, before.get(one.record_id, []), checked))
        else:
            checked.append(_completed(library, one))
    return decisions.append(database, checked, seen=seen)


def uri_of(library: Library, name: str | None) -> str | None:
    """The URI of the one concept that `name` means: a URI, a notation or a label.

    Raises:
        UnknownConcept: there is none. InvalidArgument: there are several.
    """
    if name is None:
        return None
    found = concepts.resolve(library.catalogue.database, name)
    if len(found) > 1:
        raise InvalidArgument(f"{name!r} means {', '.join(one.uri for one in found[:5])}; give the URI")
    return found[0].uri


def read_decisions(text: str, who: str) -> tuple[list[Decision], dict[str, int] | None]:
    """Decisions from JSON lines with the fields of `Decision`; `at` and `who` are filled in where they are absent.

    A line may say `seen`, the number of the last decision about its record that was seen.

    Raises:
        SourceError: a line is no such object; its number is said.
    """
    made: list[Decision] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            said = {"who": who, "at": now(), **json.loads(line)}
            if "seen" in said:
                seen[said["record_id"]] = int(said.pop("seen"))
            boxes = {name: Box(**said[name]) for name in ("box", "new_box") if said.get(name) is not None}
            made.append(Decision(**{**said, **boxes, "action": Action(said["action"])}))
        except (ValueError, TypeError, KeyError, InvalidArgument) as error:
            raise SourceError(f"line {number}: is no decision ({error}); nothing was kept") from error
    return made, seen or None


def undo(kept: Kept, who: str, *, note: str = "") -> Decision:
    """The decision that takes `kept` back."""
    return Decision(kept.decision.record_id, Action.UNDO, who, now(), undoes=kept.number, note=note)


def _check_words(one: Decision) -> None:
    if not one.who.strip() or len(one.who) > MAX_NAME_CHARS or not one.who.isprintable():
        raise InvalidArgument(f"who decides must be said in 1 to {MAX_NAME_CHARS} printable characters")
    if len(one.note) > MAX_NOTE_CHARS:
        raise InvalidArgument(f"the note has {len(one.note)} characters; {MAX_NOTE_CHARS} are allowed")
    if one.probability is not None and not 0 <= one.probability <= 1:
        raise InvalidArgument(f"the probability is {one.probability}; it is a fraction 0..1")
    if (one.box or one.new_box) and one.image is None:
        raise InvalidArgument("a region needs the picture that it is on")


def _completed(library: Library, one: Decision) -> Decision:
    database = library.catalogue.database
    action = one.action
    if one.concept is None and action is not Action.OTHER:
        raise InvalidArgument(f"'{action}' needs the concept that is decided about")
    if action in (Action.ACCEPT, Action.MOVE):
        if one.value not in (None, one.concept):
            raise InvalidArgument(f"'{action}' keeps the concept; to choose another, narrow it or name the other")
        one = replace(one, value=one.concept)
    if action is Action.MOVE and one.new_box is None:
        raise InvalidArgument("'move' needs the new box")
    if action is Action.REJECT and one.value is not None:
        raise InvalidArgument("'reject' leaves no concept; to choose another, use 'other'")
    if action in (Action.NARROW, Action.OTHER) and one.value is None:
        raise InvalidArgument(f"'{action}' needs the concept that holds instead")
    for uri in {one.concept, one.value} - {None}:
        assert uri is not None
        concepts.concept(database, uri)
    if action is Action.NARROW:
        assert one.concept is not None
        below = {uri for uri, _ in concepts.descendants(database, one.concept)}
        if one.value not in below:
            raise InvalidArgument(f"{one.value} is not below {one.concept}; to choose it, use 'other'")
    about = one.value or one.concept
    assert about is not None
    return replace(one, facet=concepts.concept(database, about).facet or "")


def _undo(one: Decision, before: Sequence[Kept], now_made: Sequence[Decision]) -> Decision:
    target = next((kept for kept in before if kept.number == one.undoes), None)
    if target is None:
        raise InvalidArgument(f"record {one.record_id!r} has no decision {one.undoes} to take back")
    gone: set[int | None] = {*taken_back(before)}
    gone |= {other.undoes for other in now_made if other.action is Action.UNDO}
    if one.undoes in gone:
        raise InvalidArgument(f"decision {one.undoes} has been taken back already")
    return replace(one, facet=target.decision.facet, concept=target.decision.concept)
