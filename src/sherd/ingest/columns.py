"""Which column of a museum's spreadsheet holds what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


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
        raise NotImplementedError


def load_mapping(path: Path) -> ColumnMapping:
    """Read a TOML file with a `[columns]` table, e.g. `title = "Object name"` or `image = ["Photo 1", "Photo 2"]`.

    Raises:
        InvalidConfig: no such file, not TOML, an unknown role (near ones are named) or a wrong type.
    """
    raise NotImplementedError


def guess_columns(headings: Sequence[str], mapping: ColumnMapping | None = None) -> ColumnRoles:
    """Roles of the columns by their headings, English or Chinese.

    Raises:
        InvalidConfig: the mapping names a column that is not there (near ones are named).
    """
    raise NotImplementedError
