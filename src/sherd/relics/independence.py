"""Do motif, place, object, palette and background vary independently? Mutual information of what was drawn."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from sherd.errors import InvalidArgument


@dataclass(frozen=True)
class Traits:
    """What one picture is made of. `zones`: (motif, place) of each adorned place; `places`: all that the shape has."""

    object: str
    palette: str
    background: str
    zones: tuple[tuple[str, str], ...]
    places: tuple[str, ...]


def mutual_information(pairs: Sequence[tuple[Hashable, Hashable]]) -> float:
    """Bits that one member of a pair tells of the other, corrected for the size of the sample; 0 when independent.

    Args:
        pairs: at least one.
    Returns:
        0 or more. The plain estimate is biased upwards by about (a-1)(b-1)/2n nats, which is taken off.
    Raises:
        InvalidArgument: there are no pairs.
    Source: Miller (1955), "Note on the bias of information estimates".

    >>> mutual_information([("a", 1), ("b", 2)] * 500) > 0.99
    True
    >>> mutual_information([(x, y) for x in "ab" for y in "ab"] * 100)
    0.0
    """
    if not pairs:
        raise InvalidArgument("mutual information needs at least one pair")
    n = len(pairs)
    joint, left, right = Counter(pairs), Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    nats = sum(c / n * math.log(c * n / (left[a] * right[b])) for (a, b), c in joint.items())
    return max(0.0, (nats - (len(left) - 1) * (len(right) - 1) / (2 * n)) / math.log(2))


def measure_independence(traits: Iterable[Traits]) -> dict[str, float]:
    """Bits shared by each two of motif, place, object, palette and background.

    Place and object are compared among objects that have the same places: a plate has no neck, and that is anatomy.
    """
    rows = list(traits)
    zones = [(t, motif, place) for t in rows for motif, place in t.zones]
    pairs: dict[str, list[tuple[Hashable, Hashable]]] = {
        "motif-place": [(m, p) for _, m, p in zones],
        "motif-object": [(m, t.object) for t, m, _ in zones],
        "motif-palette": [(m, t.palette) for t, m, _ in zones],
        "motif-background": [(m, t.background) for t, m, _ in zones],
        "place-palette": [(p, t.palette) for t, _, p in zones],
        "place-background": [(p, t.background) for t, _, p in zones],
        "object-palette": [(t.object, t.palette) for t in rows],
        "object-background": [(t.object, t.background) for t in rows],
        "palette-background": [(t.palette, t.background) for t in rows],
    }
    out = {name: mutual_information(found) if found else 0.0 for name, found in pairs.items()}
    alike: dict[tuple[str, ...], list[tuple[Hashable, Hashable]]] = defaultdict(list)
    for t, _, place in zones:
        alike[t.places].append((place, t.object))
    total = sum(map(len, alike.values()))
    out["place-object"] = sum(len(g) / total * mutual_information(g) for g in alike.values()) if total else 0.0
    return out
