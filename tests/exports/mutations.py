"""Documents with something wrong in them, for readers that must refuse and never fail."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

_JUNK: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 1e308, "", "a", "#", "urn:x:y", "https://x.example/a.png", "xywh=1,2,3,4", "\u202e",
    "x" * 2_000, [], {}, [[]], [None], {"a": 1}, {"id": 3}, {"@id": ["a"]}, {"type": "Image"}, {"@value": {}},
    {"en": [1]}, ["a", {"type": ["Choice"], "items": {}}], {"type": "Collection", "items": []}, {"type": "Manifest"},
    {"type": "SvgSelector", "value": "<svg><path d='M0 0 a'/></svg>"},
)  # fmt: skip


def mutations(document: Any, count: int, seed: int) -> Iterator[Any]:
    """Copies of a JSON document with up to three of its values removed, wrapped or replaced."""
    chance = random.Random(seed)
    for _ in range(count):
        changed = copy.deepcopy(document)
        for _ in range(chance.randint(1, 3)):
            _change(changed, chance)
        yield changed


def _change(document: Any, chance: random.Random) -> None:
    places = list(_places(document))
    if not places:
        return
    holder, key = chance.choice(places)
    how = chance.random()
    if how < 0.2 and isinstance(holder, dict):
        del holder[key]
    elif how < 0.3:
        holder[key] = [holder[key]]
    elif how < 0.35:
        holder[key] = {name: copy.deepcopy(holder[key]) for name in ("items", "source", "default")}
    else:
        holder[key] = copy.deepcopy(chance.choice(_JUNK))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """(object or list, key) of each value inside."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield value, key
        yield from _places(one)
