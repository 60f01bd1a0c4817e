"""What holds after all that people decided: the last word on each concept of each record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sherd.catalogue.decisions import Kept
from sherd.types import Action, Box


@dataclass(frozen=True, slots=True)
class Standing:
    """What people's decisions leave true or untrue of a record: the last word on one concept.

    image, box: where it is, if that was said. number: of the decision.
    """

    record_id: str
    facet: str
    concept: str
    holds: bool
    image: str | None
    box: Box | None
    who: str
    at: str
    number: int


def standings(kept: Iterable[Kept]) -> list[Standing]:
    """What holds after these decisions, oldest first given: the last word on each concept of each record."""
    rows = list(kept)
    undone = taken_back(rows)
    found: dict[tuple[str, str], Standing] = {}
    for one in rows:
        if one.number in undone or one.decision.action is Action.UNDO:
            continue
        for standing in _said(one):
            key = standing.record_id, standing.concept
            found.pop(key, None)
            found[key] = standing
    return list(found.values())


def taken_back(kept: Sequence[Kept]) -> set[int]:
    """Numbers of the decisions, oldest first given, that count no more; nor does an undo that is undone."""
    found: set[int] = set()
    for one in reversed(kept):
        if one.decision.action is Action.UNDO and one.number not in found and one.decision.undoes is not None:
            found.add(one.decision.undoes)
    return found


def _said(kept: Kept) -> list[Standing]:
    one = kept.decision
    said = []
    place = one.new_box or one.box
    if one.value is not None:
        said.append(Standing(one.record_id, one.facet, one.value, True, one.image, place, one.who, one.at, kept.number))
    if one.concept is not None and one.action in (Action.REJECT, Action.OTHER):
        said.append(
            Standing(one.record_id, one.facet, one.concept, False, one.image, one.box, one.who, one.at, kept.number)
        )
    return said
