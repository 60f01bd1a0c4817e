"""Which column of a museum's spreadsheet holds what: guessed by its heading, overridden by a small TOML file."""

from __future__ import annotations

import difflib
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from pathlib import Path

from sherd.errors import InvalidConfig

SEVERAL = frozenset({"title", "description", "image", "materials", "motifs", "themes"})
"""Roles that several columns may fill together, as "Title (zh)" and "Title (en)" do."""

_BRACKETED = re.compile(r"[(\[{（【].*?[)\]}）】]")
_NOT_WORD = re.compile(r"[\W_]+")
_NUMBERED = re.compile(r"(?<=\D)\s*[0-9一二三四五六]+$|\s(?:zh|en|cn|chinese|english)$|(?:中文|英文)$|^(?:中文|英文)")
_NEAR = 0.86
_MAX_HEADING_CHARS = 200


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """A person's word on the columns: role -> column headings. It overrides what would be guessed."""

    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ColumnRoles:
    """Role -> the columns that fill it, and the columns that no role took (kept as extra fields)."""

    roles: Mapping[str, tuple[str, ...]]
    unused: tuple[str, ...] = ()

    def __str__(self) -> str:
        width = max((len(role) for role in self.roles), default=0)
        lines = [f"{role:<{width}}  <-  {', '.join(columns)}" for role, columns in self.roles.items()]
        return "\n".join([*lines, f"kept as they are: {', '.join(self.unused)}"] if self.unused else lines)


def load_mapping(path: Path) -> ColumnMapping:
    """Read a TOML file with a `[columns]` table, e.g. `title = "Object name"` or `image = ["Photo 1", "Photo 2"]`.

    An empty list says that no column has this role.

    Raises:
        InvalidConfig: no such file, not TOML, an unknown role (near ones are named) or a wrong type.
    """
    try:
        with path.open("rb") as stream:
            found = tomllib.load(stream)
    except OSError as error:
        raise InvalidConfig(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidConfig(f"{path}: is not TOML: {error}") from error
    for name in found:
        if name != "columns":
            raise InvalidConfig(f"{path}: has no table or key '{name}'; there is [columns] only")
    table = found.get("columns")
    if not isinstance(table, dict):
        raise InvalidConfig(f'{path}: needs a table [columns], with lines such as title = "Object name"')
    columns: dict[str, tuple[str, ...]] = {}
    for role, value in table.items():
        if role not in headings_by_role():
            raise InvalidConfig(f"{path}: [columns] has no role '{role}'. {_near(role, headings_by_role())}")
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
            raise InvalidConfig(f"{path}: [columns] {role} must be a heading or a list of headings")
        if len(values) > 1 and role not in SEVERAL:
            raise InvalidConfig(f"{path}: [columns] {role} takes one column, not {len(values)}")
        columns[role] = tuple(values)
    return ColumnMapping(columns)


def guess_columns(headings: Sequence[str], mapping: ColumnMapping | None = None) -> ColumnRoles:
    """Roles of the columns by their headings, English or Chinese.

    First what `mapping` says; then headings that are known word for word, case, spaces, punctuation, full-width forms
    and remarks in brackets aside; then those that differ by a letter or two. A column has one role at most.

    Raises:
        InvalidConfig: the mapping names a column that is not there (near ones are named), or gives one two roles.
    """
    roles: dict[str, list[str]] = {}
    taken: set[str] = set()
    for role, columns in (mapping.columns if mapping else {}).items():
        roles[role] = [_present(column, headings, role) for column in columns]
        for column in roles[role]:
            if column in taken:
                raise InvalidConfig(f"[columns] gives the column '{column}' two roles; it can have one")
            taken.add(column)
    decided = set(roles)
    for _, role, column in sorted(_candidates(headings), key=lambda found: found[0]):
        free = role not in decided and column not in taken and column.strip()
        if free and (role not in roles or role in SEVERAL):
            roles.setdefault(role, []).append(column)
            taken.add(column)
    order = {heading: place for place, heading in reversed(list(enumerate(headings)))}
    return ColumnRoles(
        {role: tuple(sorted(roles[role], key=order.__getitem__)) for role in headings_by_role() if roles.get(role)},
        tuple(heading for heading in headings if heading not in taken and heading.strip()),
    )


def known_headings(cells: Iterable[str], mapping: ColumnMapping | None = None) -> int:
    """How many of the cells are headings that are known word for word or named in the mapping: tells the heading row
    from a title above it."""
    known = _role_of()
    named = {_plain(column) for columns in mapping.columns.values() for column in columns} if mapping else set()
    forms = ((_plain(cell[:_MAX_HEADING_CHARS]), _bare(cell[:_MAX_HEADING_CHARS])) for cell in cells)
    return sum(1 for plain, bare in forms if plain in named or plain in known or bare in known)


def _candidates(headings: Sequence[str]) -> list[tuple[tuple[int, int, int], str, str]]:
    """(rank, role, column), lower ranks first: exact before bare before near, telling headings before vague ones."""
    known, found = _role_of(), []
    for place, heading in enumerate(headings):
        forms = (_plain(heading), _bare(heading))
        for step, form in enumerate(forms):
            if form in known:
                role, telling = known[form]
                found.append(((step, telling, place), role, heading))
        if not any(form in known for form in forms):
            for near in difflib.get_close_matches(forms[1], known, n=1, cutoff=_NEAR):
                if abs(len(near) - len(forms[1])) > 1:  # a photographer is no photograph
                    continue
                role, telling = known[near]
                found.append(((2, telling, place), role, heading))
    return found


def _plain(heading: str) -> str:
    """Case, width, punctuation and spacing evened out."""
    return _NOT_WORD.sub(" ", unicodedata.normalize("NFKC", heading).casefold()).strip()


def _bare(heading: str) -> str:
    """`_plain` without a remark in brackets, a number or a language at its end: "Photo 2", "名称（英文）"."""
    plain = _plain(_BRACKETED.sub(" ", unicodedata.normalize("NFKC", heading)))
    return _NUMBERED.sub("", plain).strip() or plain


def _present(column: str, headings: Sequence[str], role: str) -> str:
    if column in headings:
        return column
    alike = [heading for heading in headings if _plain(heading) == _plain(column)]
    if len(alike) == 1:
        return alike[0]
    raise InvalidConfig(f"[columns] {role} names the column '{column}', which is not there. {_near(column, headings)}")


def _near(word: str, known: Iterable[str]) -> str:
    known = list(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"Did you mean '{near[0]}'?" if near else f"There are: {', '.join(known)}"


@lru_cache(maxsize=1)
def headings_by_role() -> Mapping[str, tuple[str, ...]]:
    """Role -> headings known for it, the most telling first; the keys are all roles there are."""
    text = resources.files("sherd.ingest").joinpath("headings.toml").read_text("utf-8")
    return {role: tuple(names) for role, names in tomllib.loads(text).items()}


@lru_cache(maxsize=1)
def _role_of() -> Mapping[str, tuple[str, int]]:
    """Heading, evened out -> role, and how telling it is (0 is most)."""
    return {
        _plain(name): (role, place) for role, names in headings_by_role().items() for place, name in enumerate(names)
    }
