"""What the tests of relics share: plans, the words for them without a picture, and a small culture file to spoil."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

from sherd.relics.captions import Seen, describe
from sherd.relics.culture import Culture
from sherd.relics.grammar import Plan
from sherd.relics.render import plan_of
from sherd.types import Caption, Phrase

CULTURES = ("cave_mural", "ritual_bronze", "silk_textile")


def plans(culture: Culture, count: int, seed: int = 0) -> Iterator[Plan]:
    for index in range(count):
        yield plan_of(culture, seed, index)


def words(plan: Plan) -> tuple[tuple[Caption, ...], tuple[Phrase, ...]]:
    """Captions and phrases as if every zone and part were seen: nothing is painted, so a thousand take a second."""
    seen = [Seen("object", 0, 0)]
    seen += [Seen("motif", number, len(seen) + number, zone.place) for number, zone in enumerate(plan.zones)]
    seen += [Seen("part", number, len(seen) + number) for number in range(len(plan.parts))]
    return describe(plan, seen)


def source_of(name: str) -> str:
    """The text of a shipped culture file."""
    return (resources.files("sherd.relics") / "cultures" / f"{name}.toml").read_text(encoding="utf-8")
