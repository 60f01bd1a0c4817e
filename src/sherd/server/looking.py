"""What lies at a place before it is read in: tables, pictures, what columns are taken for, the first records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from sherd.errors import InvalidArgument, RejectedItem, SherdError, SourceError
from sherd.ingest.columns import SEVERAL, ColumnMapping, guess_columns, headings_by_role
from sherd.ingest.sources import TABLE_NAMES, TABLES, open_source
from sherd.ingest.sources.folder import READ, REFUSED
from sherd.ingest.sources.spreadsheet import SHEETS, read_headings
from sherd.types import Record

_ROWS, _ENTRIES, MOST_COLUMNS = 10, 500, 60
Columns = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Row:
    """One of the first items: its record with the pictures of it that are there and those that are not, or why none."""

    where: str
    record: Record | None
    reason: str
    there: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """What lies at a place, and how it would be read.

    table: the one in this folder that is read though nobody named it; '' where there is none, or several.
    headings: (heading, its role or '') in the order of the table, for a person to put right.
    why_not: why nothing can be read here, '' where something can: 'nothing', 'no_columns', or an error's code.
    """

    folders: tuple[str, ...]
    tables: tuple[str, ...]
    pictures: int
    table: str
    kind: str
    headings: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]
    why_not: str


def look_at(path: Path, *, columns: Columns | None, plain: bool, exclude: Path) -> Look:
    """A look at a folder or a table; nothing outside is listed, for links are left out.

    Args:
        columns: role -> headings, a person's word. plain: pictures only, where nobody named a table.
        exclude: the library.
    """
    here = path if path.is_dir() else path.parent
    entries = sorted(
        islice((one for one in here.iterdir() if not one.is_symlink()), _ENTRIES), key=lambda one: one.name
    )
    folders = tuple(one.name for one in entries if one.is_dir() and not one.name.startswith("."))
    tables = tuple(one.name for one in entries if one.is_file() and _ends(one, TABLES))
    pictures = sum(one.is_file() and _ends(one, (*READ, *REFUSED)) for one in entries)
    named = [name for name in tables if name in TABLE_NAMES]
    table = tables[0] if path.is_dir() and len(tables) == 1 and not named and not plain else ""
    read = here / (table or named[0]) if path.is_dir() and (table or len(named) == 1) else path
    headings = _headings(read, columns)
    kind, why_not = "", ""
    rows: tuple[Row, ...] = ()
    mapping = ColumnMapping({role: tuple(some) for role, some in columns.items()}) if columns is not None else None
    try:
        source = open_source(here / table if table else path, mapping=mapping, exclude=[exclude])
        kind = source.kind
        items = islice(source.items(), _ROWS)
        rows = tuple(_row(source.root, one.where, one.record, one.reject) for one in items)
        why_not = "" if rows else "nothing"
    except SourceError as error:
        why_not = (
            "no_columns" if headings and not {"accession", "image"} & {role for _, role in headings} else error.code
        )
    except SherdError as error:
        why_not = error.code
    return Look(folders, tables, pictures, table, kind, headings, rows, why_not)


def columns_of(headings: Sequence[str], roles: Sequence[str]) -> Columns:
    """Role -> headings, out of a role for each heading ('' for none), so that nothing is left to be guessed.

    Raises:
        InvalidArgument: not as many roles as headings, a role that there is not, or one twice that a record has once.

    >>> {role: some for role, some in columns_of(["No.", "Photo", "Shelf"], ["accession", "image", ""]).items() if some}
    {'accession': ['No.'], 'image': ['Photo']}
    """
    if len(headings) != len(roles) or not set(roles) <= {"", *headings_by_role()}:
        raise InvalidArgument(f"{len(roles)} roles are given for {len(headings)} columns, or one that there is not")
    found = {
        role: [heading for heading, given in zip(headings, roles, strict=True) if given == role]
        for role in headings_by_role()
    }
    twice = [role for role, some in found.items() if len(some) > 1 and role not in SEVERAL]
    if twice:
        raise InvalidArgument(f"several columns are given for {', '.join(twice)}, of which a record has one")
    return found


def columns_in(path: Path, roles: Sequence[str]) -> Columns | None:
    """The columns of a table by the roles that a person gave; None where none were given.

    Raises:
        InvalidArgument: see `columns_of`. SourceError: the table cannot be read.
    """
    return columns_of(read_headings(path), roles) if roles and path.is_file() else None


def _headings(table: Path, columns: Columns | None) -> tuple[tuple[str, str], ...]:
    """With their roles, as given or guessed; none for what is no spreadsheet, or has more columns than a form."""
    if not table.is_file() or not _ends(table, SHEETS):
        return ()
    with suppress(SherdError):
        headings = read_headings(table)
        guessed = columns if columns is not None else guess_columns(headings).roles
        roles = {heading: role for role, some in guessed.items() for heading in some}
        return tuple((heading, roles.get(heading, "")) for heading in headings) if len(headings) <= MOST_COLUMNS else ()
    return ()


def _row(root: Path, where: str, record: Record | None, reject: RejectedItem | None) -> Row:
    if record is None:
        return Row(where, None, reject.reason if reject is not None else "")
    paths = list(dict.fromkeys(one.path for one in record.images))
    there = [one for one in paths if _is_there(root, one)]
    return Row(where, record, "", tuple(there), tuple(one for one in paths if one not in there))


def _is_there(root: Path, path: str) -> bool:
    try:
        return (root / path).is_file()
    except (OSError, ValueError):
        return False


def _ends(path: Path, ends: Iterable[str]) -> bool:
    return path.suffix.lower() in ends
