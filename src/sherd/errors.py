"""What can go wrong, by name. The library raises these; only `cli/` prints them and sets an exit code."""

from __future__ import annotations


class SherdError(Exception):
    """Base of all errors that a user can act on. `code` is stable; the message says what, where and what to do."""

    code = "error"


class InvalidArgument(SherdError):
    """A value given to a function or an option is outside its range."""

    code = "invalid_argument"


class InvalidConfig(SherdError):
    """A settings file has an unknown key, a wrong type or an impossible value."""

    code = "invalid_config"


def check_settings(table: str, low: float, high: float, **values: float) -> None:
    """Whether every one of a settings table's values is in low..high.

    Raises:
        InvalidConfig: one is not (NaN never is); names it.
    """
    for name, value in values.items():
        if not low <= value <= high:
            raise InvalidConfig(f"{table} {name} is {value}; give a number {low:g}..{high:g}".strip())


class SourceError(SherdError):
    """A whole source (folder, spreadsheet, records file) cannot be read."""

    code = "source_unreadable"


class RejectedItem(SherdError):
    """One item of a source is refused; the job goes on. `reason` is a stable word such as `image_truncated`."""

    code = "rejected"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class DecoderUnavailable(SherdError):
    """No process that opens pictures can be started."""

    code = "decoder_unavailable"


class LibraryError(SherdError):
    """The folder is no library, or its catalogue cannot be used."""

    code = "library_unusable"


class LibraryBusy(LibraryError):
    """Another process is writing to the library."""

    code = "library_busy"


class SchemaTooNew(LibraryError):
    """The catalogue was written by a newer Sherd."""

    code = "schema_too_new"


class SchemaTooOld(LibraryError):
    """The catalogue was written by an older Sherd and must be brought up to date first; 0: it holds nothing yet."""

    code = "schema_too_old"

    def __init__(self, message: str, version: int) -> None:
        super().__init__(message)
        self.version = version


class EncoderMismatch(LibraryError):
    """The library was indexed with another encoder than the one asked for."""

    code = "encoder_mismatch"


class CorruptData(LibraryError):
    """A stored file does not match its checksum."""

    code = "corrupt_data"


class StorageRefused(LibraryError):
    """The disk is full, read-only or failing; what was acknowledged before is kept."""

    code = "storage_refused"


class ServerAway(LibraryError):
    """A server that the library needs does not answer; what was acknowledged is kept."""

    code = "server_away"


class IndexAway(ServerAway):
    """The server of the index does not answer. Nothing is lost: vectors are kept in the library."""


class DecisionConflict(LibraryError):
    """Somebody else decided about the same record in the meantime."""

    code = "decision_conflict"


class UnknownConcept(SherdError):
    """A thesaurus has no concept of this name."""

    code = "unknown_concept"


class ModelUnavailable(SherdError):
    """A model is unknown, not on this machine, or not of a kind that can be loaded safely."""

    code = "model_unavailable"


class MissingExtra(SherdError):
    """A feature needs an optional dependency that is not installed."""

    code = "missing_extra"
