"""Which picture of which record an address means, in annotations that come from outside or come back."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from sherd.errors import RejectedItem
from sherd.exports.described import Shot
from sherd.ingest.files import shown
from sherd.ingest.library import Library

_OWN = re.compile(r"(?:^|/)object/(?P<record>[^/]+)(?:/canvas/(?P<path>.+))?$")
_PICTURE = re.compile(r"(?:^|/)picture/(?P<path>.+)$")
_SCHEME = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)
_PAGE = 500
T = TypeVar("T")


class LibraryShots(Mapping[str, Sequence[Shot]]):
    """Record id -> its pictures, read from a library when they are asked for."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._read: dict[str, list[Shot]] = {}

    def __getitem__(self, record_id: str) -> Sequence[Shot]:
        if record_id not in self._read:
            self._load([record_id])
        return self._read[record_id]

    def __len__(self) -> int:
        return self._library.catalogue.count()[0]

    def __iter__(self) -> Iterator[str]:
        names = iter(self._library.catalogue.record_ids())
        while some := list(islice(names, _PAGE)):
            self._load(some)
            yield from (name for name in some if name in self._read)

    def _load(self, record_ids: Sequence[str]) -> None:
        keys = self._library.catalogue.keys_of(record_ids)
        stored = self._library.catalogue.pictures_by_key(sorted({key for some in keys.values() for key, _ in some}))
        for name, some in keys.items():
            found = ((path, stored[key]) for key, path in some if key in stored)
            self._read[name] = [Shot(path, one.width, one.height, one.sha256) for path, one in found]


class PicturesMeant:
    """Reads addresses that Sherd's exports made, whatever base they were made under, and relative ones.

    shots: record id -> its pictures. by_name: also take an address from elsewhere that ends in the path or in the file
    name of one picture only; what has the same name elsewhere is then taken for the same picture.
    """

    def __init__(self, shots: Mapping[str, Sequence[Shot]], *, by_name: bool = False) -> None:
        self._shots, self._by_name = shots, by_name

    def find(self, address: str, scope: str = "") -> tuple[str, Shot | None]:
        """(record id, picture) that an address means; no picture where it means the record as a whole.

        Args:
            scope: address of the record, where that is said.
        Raises:
            RejectedItem: target_missing, target_unknown, or target_ambiguous where several may be meant.
        """
        if not address:
            raise RejectedItem("target_missing", "the annotation does not say of which picture it is")
        record, path = self._own(address)
        if path is None and record is not None:
            return record, None
        record = record or self._own(scope)[0]
        tail = path or self._tail(address)
        if record is not None:
            return record, _only(_fitting(self._shots[record], tail), address)
        return self._anywhere(address, tail)

    def _own(self, address: str) -> tuple[str | None, str | None]:
        """(record id, path) of an address of a record or of a canvas, if the record is known."""
        match = _OWN.search(address)
        if match is None or unquote(match["record"]) not in self._shots:
            return None, None
        return unquote(match["record"]), unquote(match["path"]) if match["path"] else None

    def _tail(self, address: str) -> str:
        """What may be the path of a picture."""
        if match := _PICTURE.search(address):
            return unquote(match["path"])
        try:
            return unquote(urlsplit(address).path).lstrip("/") if _SCHEME.match(address) else unquote(address)
        except ValueError as error:
            raise RejectedItem("target_unknown", f"{shown(address)} is no address") from error

    def _anywhere(self, address: str, tail: str) -> tuple[str, Shot]:
        exact = self._by_path.get(tail.removeprefix("./"), [])
        if exact and (_PICTURE.search(address) or not _SCHEME.match(address) or self._by_name):
            return _only(exact, address)
        if self._by_name:
            parts = tail.split("/")
            for start in range(len(parts)):
                if found := self._by_path.get("/".join(parts[start:])):
                    return _only(found, address)
            return _only(self._by_file_name.get(parts[-1], []), address)
        raise RejectedItem("target_unknown", f"{shown(address)} is no picture of this library, as far as it tells")

    @cached_property
    def _by_path(self) -> Mapping[str, list[tuple[str, Shot]]]:
        found: defaultdict[str, list[tuple[str, Shot]]] = defaultdict(list)
        for record, shots in self._shots.items():
            for shot in shots:
                found[shot.path].append((record, shot))
        return found

    @cached_property
    def _by_file_name(self) -> Mapping[str, list[tuple[str, Shot]]]:
        found: defaultdict[str, list[tuple[str, Shot]]] = defaultdict(list)
        for path, some in self._by_path.items():
            found[path.rpartition("/")[2]] += some
        return found


def _fitting(shots: Iterable[Shot], tail: str) -> list[Shot]:
    """Of a record's pictures those that an address with this tail may mean: by the whole path, else by the file name,
    else by the SHA-256 in it."""
    shots = list(shots)
    whole = [one for one in shots if f"/{tail}".endswith(f"/{one.path}")]
    longest = max((len(one.path) for one in whole), default=0)
    named = [one for one in shots if one.path.rpartition("/")[2] == tail.rpartition("/")[2]]
    hashed = [one for one in shots if one.sha256 and one.sha256 in tail]
    return [one for one in whole if len(one.path) == longest] or named or hashed


def _only(found: Sequence[T], address: str) -> T:
    if len(found) == 1:
        return found[0]
    if not found:
        raise RejectedItem("target_unknown", f"{shown(address)} is no picture of this library, as far as it tells")
    raise RejectedItem("target_ambiguous", f"{shown(address)} may mean {len(found)} pictures of this library")
