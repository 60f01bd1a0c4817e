"""Where a catalogue in PostgreSQL lies: the address as a person gives it, without a password."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from sherd.errors import InvalidArgument

SCHEMES = ("postgresql://", "postgres://")
DEFAULT_SCHEMA = "sherd"
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_PASSED_ON = frozenset({"host", "sslmode", "sslrootcert", "sslcert", "sslkey", "service", "target_session_attrs"})
_SECONDS = ("patience_s", "writer_patience_s", "answer_s")


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """One schema of one database of a server holds the catalogue of one library.

    url: as given. driver: what libpq connects by.
    patience_s: how long a search or a review waits for a server that is away.
    writer_patience_s: how long an ingest, a reindex or a repair does.
    answer_s: a server that has said nothing for so long counts as away; ten times as long for what is written.
    """

    url: str
    driver: str
    schema: str = DEFAULT_SCHEMA
    patience_s: float = 5.0
    writer_patience_s: float = 120.0
    answer_s: float = 30.0

    def __str__(self) -> str:
        return self.url


def is_postgres(place: object) -> bool:
    """Whether a place of a catalogue is an address of PostgreSQL."""
    return isinstance(place, str) and place.startswith(SCHEMES)


def parse_address(url: str) -> PostgresAddress:
    """The address in `postgresql://[user@]host[:port]/database[?schema=NAME&...]`.

    Raises:
        InvalidArgument: it is none, has a password in it, an unknown option, or an impossible value.
    """
    try:
        parts = urlsplit(url)
        password, _ = parts.password, parts.port
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError as error:
        raise InvalidArgument(f"the address of the catalogue cannot be read ({error})") from error
    if not is_postgres(url):
        raise InvalidArgument(f"{url}: a catalogue elsewhere is postgresql://[user@]host[:port]/database")
    if password is not None or "password" in options:
        raise InvalidArgument(
            "leave the password out of the address of the catalogue: it would be seen in the list of processes and in "
            "library.toml. Put it into the file that PGPASSFILE names (~/.pgpass), or into PGPASSWORD"
        )
    schema = options.pop("schema", DEFAULT_SCHEMA)
    if not _SCHEMA.fullmatch(schema):
        raise InvalidArgument(f"schema={schema}: give lower-case letters, digits and _, at most 63, no digit first")
    seconds = {name: _seconds(name, options.pop(name)) for name in _SECONDS if name in options}
    if unknown := sorted(options.keys() - _PASSED_ON):
        known = ", ".join(("schema", *_SECONDS, *sorted(_PASSED_ON)))
        raise InvalidArgument(f"the address of the catalogue has no option {unknown[0]!r}; there are {known}")
    query = "&".join(part for part in parts.query.split("&") if part.partition("=")[0] in options)
    return PostgresAddress(
        url, parts._replace(scheme="postgresql", query=query, fragment="").geturl(), schema, **seconds
    )


def _seconds(name: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        raise InvalidArgument(f"{name}={value}: give seconds, 0 to 86400")
    return seconds
