"""What of a library lies elsewhere: `library.toml` in its folder names the server of its catalogue and of its index.

A library without the file has everything in its folder. A password is never in it.
"""

from __future__ import annotations

import json
import tomllib
import uuid
from dataclasses import dataclass, fields, replace
from pathlib import Path

from sherd.catalogue.postgres_address import parse_address
from sherd.errors import InvalidConfig, LibraryError
from sherd.vectors.milvus_address import parse_milvus
from sherd.vectors.parts import write_durably

FILE = "library.toml"
IN_FOLDER = "folder"
_LIMIT_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """library: the name that the catalogue there must have, so that a folder never meets another one's catalogue.
    catalogue: postgresql://... . vectors: milvus://... . None: in the folder."""

    library: str | None = None
    catalogue: str | None = None
    vectors: str | None = None


def read_elsewhere(folder: Path) -> Elsewhere:
    """What `library.toml` says; all in the folder where there is none.

    Raises:
        InvalidConfig: it cannot be read, or has something else in it.
        InvalidArgument: an address in it cannot be read.
    """
    path = folder / FILE
    try:
        if path.stat().st_size > _LIMIT_BYTES:
            raise InvalidConfig(f"{path}: has more than {_LIMIT_BYTES} bytes")
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Elsewhere()
    except (OSError, ValueError) as error:
        raise InvalidConfig(f"{path}: cannot be read ({error})") from error
    known = [one.name for one in fields(Elsewhere)]
    for name, value in said.items():
        if name not in known or not isinstance(value, str):
            raise InvalidConfig(f"{path}: {name} is no text, or none of {', '.join(known)}")
    found = Elsewhere(**said)
    if found.catalogue is not None:
        parse_address(found.catalogue)
    if found.vectors is not None:
        parse_milvus(found.vectors)
    return found


def write_elsewhere(folder: Path, wanted: Elsewhere) -> None:
    """Write `library.toml`, whole or not at all."""
    lines = ["# Where this library's catalogue and index are kept. No password belongs here."]
    for one in fields(Elsewhere):
        value = getattr(wanted, one.name)
        if value is not None:
            lines.append(f"{one.name} = {json.dumps(value)}")  # a text of JSON is a text of TOML
    write_durably(folder / FILE, ["\n".join([*lines, ""]).encode()])


def at_vectors(folder: Path, place: str, there: Elsewhere) -> Elsewhere:
    """Let the library in `folder` have its index at `place`: milvus://... , or `folder` for in the folder again.

    Raises:
        InvalidArgument: the address cannot be read, or has a password in it.
    """
    wanted = replace(there, vectors=None if place == IN_FOLDER else parse_milvus(place).url)
    if wanted != there:
        write_elsewhere(folder, wanted)
    return wanted


def at_catalogue(folder: Path, address: str) -> Elsewhere:
    """Let a library that is made in `folder` have its catalogue at `address`; written down before anything is there,
    so that an interruption leaves nothing that does not fit.

    Raises:
        InvalidArgument: the address cannot be read, or has a password in it.
        LibraryError: the library is there and has its catalogue in another place.
    """
    parse_address(address)
    there = read_elsewhere(folder)
    if there.catalogue == address:
        return there
    if there.catalogue is not None:
        raise LibraryError(
            f"{folder}: has its catalogue at {there.catalogue}; leave --catalogue out. Where the server has moved, "
            f"write its new address into {folder / FILE}"
        )
    made = replace(there, library=uuid.uuid4().hex, catalogue=address)
    folder.mkdir(parents=True, exist_ok=True)
    write_elsewhere(folder, made)
    return made
