"""Strict reading of TOML tables: every key must be known, every value in its range, every message says where."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from sherd.errors import InvalidConfig

Colour = tuple[float, float, float]
_SLOT = re.compile(r"\{([^{}]*)\}")


class Section:
    """One table of a file. Each key is asked for once; `finish` refuses whatever nobody asked for."""

    def __init__(self, data: Mapping[str, Any], where: str, path: str) -> None:
        self._data = data
        self._where = where
        self._path = path
        self._asked: set[str] = set()

    @staticmethod
    def refuse_choice(where: str, what: str, value: str, allowed: Iterable[str]) -> NoReturn:
        """Raise InvalidConfig for a name that is none of `allowed`, with the nearest of them."""
        names = [str(name) for name in allowed]
        near = difflib.get_close_matches(value, names, 1, 0.5)
        hint = f"Did you mean '{near[0]}'?" if near else f"Known are: {', '.join(names) or 'none'}"
        raise InvalidConfig(f"{where}: no {what} is named '{value}'. {hint}")

    def refuse(self, key: str, problem: str) -> NoReturn:
        """Raise InvalidConfig about one key of this table."""
        raise InvalidConfig(f"{self._where}: {self._at} '{key}' {problem}")

    @property
    def _at(self) -> str:
        return f"[{self._path}]" if self._path else "the top level:"

    def names(self) -> tuple[str, ...]:
        """The keys that the file gives, in its order."""
        return tuple(self._data)

    def finish(self) -> None:
        """Refuse the first key that was never asked for."""
        for key in self._data:
            if key not in self._asked:
                near = difflib.get_close_matches(key, sorted(self._asked), 1, 0.5)
                hint = f"Did you mean '{near[0]}'?" if near else f"Known are: {', '.join(sorted(self._asked))}"
                raise InvalidConfig(f"{self._where}: {self._at} has no key '{key}'. {hint}")

    def _take(self, key: str, kind: type | tuple[type, ...], name: str, default: Any = None) -> Any:
        self._asked.add(key)
        if key not in self._data:
            if default is not None:
                return default
            # A misspelt key is the likelier fault than a forgotten one: name it.
            near = difflib.get_close_matches(key, [k for k in self._data if k not in self._asked], 1, 0.75)
            hint = f"There is '{near[0]}': did you mean '{key}'?" if near else f"Add it ({name})"
            raise InvalidConfig(f"{self._where}: {self._at} lacks the key '{key}'. {hint}")
        value = self._data[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self.refuse(key, f"must be {name}, got {value!r}")
        return value

    def text(self, key: str, *, strip: bool = True) -> str:
        value = str(self._take(key, str, "a text"))
        if strip and not value.strip():
            self.refuse(key, "is empty")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        self._asked.add(key)
        value = self._data.get(key, default)
        if not isinstance(value, bool):
            self.refuse(key, f"must be true or false, got {value!r}")
        return value

    def number(self, key: str, low: float, high: float, *, default: float) -> float:
        return self._number(key, self._take(key, (int, float), "a number", default), low, high)

    def _number(self, key: str, value: Any, low: float, high: float) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            self.refuse(key, f"must be a number {low:g}..{high:g}, got {value!r}")
        return float(value)

    def range(
        self, key: str, low: float, high: float, default: tuple[float, float] | None = None
    ) -> tuple[float, float]:
        value = self._take(key, (int, float, list), "a number or [low, high]", list(default) if default else None)
        return self._range(key, value, low, high)

    def _range(self, key: str, value: Any, low: float, high: float) -> tuple[float, float]:
        pair = value if isinstance(value, list) else [value, value]
        if len(pair) != 2:
            self.refuse(key, f"must be a number or [low, high], got {value!r}")
        first, second = (self._number(key, v, low, high) for v in pair)
        if first > second:
            self.refuse(key, f"is [{first:g}, {second:g}]; the lower bound comes first")
        return first, second

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._take(key, (str, list), "a text or a list of texts")
        items = value if isinstance(value, list) else [value]
        if not items or not all(isinstance(item, str) and item.strip() for item in items):
            self.refuse(key, f"must be one or more texts, got {value!r}")
        return tuple(items)

    def choice(self, key: str, allowed: Iterable[str]) -> str:
        value = self.text(key)
        names = list(allowed)
        if value not in names:
            self.refuse_choice(f"{self._where}: {self._at} '{key}'", "choice", value, names)
        return value

    def choices(
        self, key: str, allowed: Sequence[str], *, least: int = 1, default: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        value = self._take(key, list, "a list of names", None if default is None else list(default))
        for item in value:
            if item not in allowed:
                self.refuse_choice(f"{self._where}: {self._at} '{key}'", "choice", str(item), allowed)
        if len(value) < least:
            self.refuse(key, f"needs at least {least} of: {', '.join(allowed)}")
        return tuple(value)

    def section(self, key: str) -> Section:
        return Section(self._take(key, dict, "a table"), self._where, f"{self._path}.{key}" if self._path else key)

    def sections(self, key: str, *, least: int = 1) -> tuple[Section, ...]:
        value = self._take(key, list, f"tables [[{key}]]", [] if least == 0 else None)
        if len(value) < least or not all(isinstance(item, dict) for item in value):
            self.refuse(key, f"must be {least} or more tables [[{key}]]")
        ids = [item.get("id") for item in value]
        for name in ids:
            if ids.count(name) > 1:
                self.refuse(key, f"has the id {name!r} twice")
        return tuple(
            Section(item, self._where, f"{key} '{item['id']}'" if "id" in item else f"{key} {n + 1}")
            for n, item in enumerate(value)
        )

    def ranges(self, key: str, allowed: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
        table = Section(self._take(key, dict, "a table of ranges", {}), self._where, f"{self._path}.{key}")
        out = {name: table.range(name, *bounds, default=bounds) for name, bounds in allowed.items()}
        table.finish()
        return out

    def weights(self, key: str, allowed: Sequence[str]) -> dict[str, float]:
        table = self.section(key)
        out = {name: table.number(name, 0, 100, default=0.0) for name in allowed}
        table.finish()
        if sum(out.values()) <= 0:
            self.refuse(key, f"needs a weight above 0 for at least one of: {', '.join(allowed)}")
        return out

    def number_lists(self, key: str, size: int, allowed: Sequence[str]) -> dict[str, tuple[float, ...]]:
        table = self.section(key)
        out = {}
        for name in table.names():
            if name not in allowed:
                self.refuse_choice(f"{self._where}: {self._at} '{key}'", "place", name, allowed)
            value = table._take(name, list, f"{size} numbers")
            if len(value) != size:
                self.refuse(key, f"'{name}' must have {size} numbers 0..1, got {value!r}")
            out[name] = tuple(table._number(name, item, 0, 1) for item in value)
        if not out:
            self.refuse(key, f"needs at least one place of: {', '.join(allowed)}")
        return out

    def points(self, key: str, *, least: int) -> tuple[tuple[float, float], ...]:
        value = self._take(key, list, "a list of [x, y]")
        if len(value) < least or not all(isinstance(item, list) and len(item) == 2 for item in value):
            self.refuse(key, f"must be {least} or more points [x, y], got {value!r}")
        return tuple((self._number(key, x, -2, 2), self._number(key, y, -2, 2)) for x, y in value)

    def colours(self, key: str, *, least: int = 1) -> tuple[Colour, ...]:
        if least == 0 and key not in self._data:
            self._asked.add(key)
            return ()
        return tuple(self._colour(key, item) for item in self.texts(key))

    def colour_pairs(self, key: str) -> tuple[tuple[Colour, Colour], ...]:
        value = self._take(key, list, "a list of [body, accent] colours")
        if not value or not all(isinstance(item, list) and len(item) == 2 for item in value):
            self.refuse(key, f"must be a list of pairs of colours like ['#204080', '#c03020'], got {value!r}")
        return tuple((self._colour(key, a), self._colour(key, b)) for a, b in value)

    def _colour(self, key: str, value: Any) -> Colour:
        if not isinstance(value, str) or not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
            self.refuse(key, f"must be colours like '#4a6b5d', got {value!r}")
        return (int(value[1:3], 16) / 255, int(value[3:5], 16) / 255, int(value[5:7], 16) / 255)

    def template(self, key: str, slots: Sequence[str]) -> str:
        return self._template(key, self.text(key), slots)

    def templates(self, key: str, slots: Sequence[str]) -> tuple[str, ...]:
        return tuple(self._template(key, text, slots) for text in self.texts(key))

    def _template(self, key: str, text: str, slots: Sequence[str]) -> str:
        for name in _SLOT.findall(text):
            if name not in slots:
                self.refuse_choice(f"{self._where}: {self._at} '{key}'", "slot", name, slots)
        if text.count("{") != text.count("}") or text.count("{") != len(_SLOT.findall(text)):
            self.refuse(key, f"has an unmatched brace: {text!r}")
        return text
