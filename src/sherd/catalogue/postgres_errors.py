"""What an error of PostgreSQL means to a person."""

from __future__ import annotations

from typing import Any

from sqlalchemy.exc import DBAPIError

from sherd.errors import CorruptData, InvalidArgument, LibraryBusy, LibraryError, ServerAway, SherdError, StorageRefused

_AWAY = ("08", "57P01", "57P02", "57P03", "57P05", "53300", "57014")
_FULL = ("53100", "53200", "54")
_READ_ONLY = ("25006",)
_DAMAGED = ("XX001", "XX002", "42P01", "42703", "42883")
_BUSY = ("55P03", "40001", "40P01")
_REFUSED = ("28",)
_RIGHTS = ("42501",)
_NO_DATABASE = ("3D000",)
_UNSTORABLE = ("22021", "22P05")


def translate(error: Exception, place: str) -> SherdError | None:
    """The error in our words, or None where it is our own bug."""
    cause: Any = error.orig if isinstance(error, DBAPIError) else error
    state: str = getattr(cause, "sqlstate", None) or ""
    said = _first_line(cause)
    if state.startswith(_NO_DATABASE) or (not state and "does not exist" in said):
        return LibraryError(f"{place}: {said}; make the database (createdb) or the user first, or mend the address")
    if state.startswith(_REFUSED) or (not state and ("authentication failed" in said or "no password" in said)):
        return LibraryError(
            f"{place}: the server refuses the user ({said}); the password comes from the file that PGPASSFILE names "
            "(~/.pgpass), or from PGPASSWORD"
        )
    if state.startswith(_AWAY) or _is_lost(cause, state):
        return ServerAway(
            f"{place}: no answer from the server ({said}); what was acknowledged is kept. When it is back, run again"
        )
    if state.startswith(_FULL):
        return StorageRefused(f"{place}: the server has no room ({said}); what was acknowledged is kept")
    if state.startswith(_READ_ONLY):
        return StorageRefused(f"{place}: the server may only be read ({said}); write to its primary")
    if state.startswith(_RIGHTS):
        return StorageRefused(f"{place}: {said}; the user needs the right to create and change the library's schema")
    if state.startswith(_DAMAGED):
        return CorruptData(f"{place}: the catalogue is damaged ({said}); restore it from a backup")
    if state.startswith(_BUSY):
        return LibraryBusy(f"{place}: another process holds the catalogue; try again when it has finished")
    if state.startswith(_UNSTORABLE) or "NUL" in said:
        return InvalidArgument(f"a text has characters that PostgreSQL does not keep ({said})")
    return None


def _is_lost(cause: Any, state: str) -> bool:
    """An error of the connection itself: those carry no state of the server."""
    return not state and type(cause).__name__ in ("OperationalError", "InterfaceError", "ConnectionTimeout")


def _first_line(cause: Any) -> str:
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0]
