"""Files on this machine for the addresses that a document names; nothing is fetched."""

from __future__ import annotations

import os
import posixpath
import re
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sherd.errors import RejectedItem
from sherd.ingest.files import checked_relative
from sherd.ingest.sources.folder import READ, REFUSED

_MAX_SEGMENTS = 12
_REMOTE = re.compile(r"^(?:https?:)?//", re.IGNORECASE)
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_REQUEST = re.compile(
    r"/(?P<region>full|square|[\d.]+(?:,[\d.]+){3}|pct:[\d.]+(?:,[\d.]+){3})"
    r"/\^?(?:max|full|!?[\d.]*,[\d.]*|pct:[\d.]+)/!?(?P<turn>[\d.]+)/(?:default|native|color|gr[ae]y|bitonal)\.\w+$"
)
"""The end of an address by the IIIF Image API: region, size, rotation, quality and format."""


class LocalFiles:
    """Looks below `root`, and nowhere else, for what an address may mean."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._by_stem = lru_cache(maxsize=64)(self._list_by_stem)

    def find(self, address: str, beside: str) -> str | None:
        """The path below the root of the file that an address means; None where there is none.

        A relative address is taken from the folder `beside`. Of a web address, as much of the end of its path as is
        there counts, beside first, then below the root: "https://x.example/iiif/a/b.jpg" may be a/b.jpg or b.jpg.
        An identifier of the IIIF Image API may lack the extension.

        Raises:
            RejectedItem: path_outside_root or path_invalid, for relative addresses and for schemes like `file:`.
        """
        if not _REMOTE.match(address):
            if _SCHEME.match(address):
                raise RejectedItem("path_outside_root", f"{address[:80]!r} is neither on the web nor below the source")
            return self._relative(address, beside)
        try:
            path = urlsplit(address).path
        except ValueError:
            return None
        if (request := _REQUEST.search(path)) is not None:
            if request["region"] != "full" or float(request["turn"].strip(".") or 0) % 360:
                return None  # the file would show something else
            path = path[: request.start()]
        segments = [one for part in path.split("/") for one in unquote(part).split("/") if one]
        for start in range(max(0, len(segments) - _MAX_SEGMENTS), len(segments)):
            for folder in dict.fromkeys((beside, "")):
                found = self._there(posixpath.join(folder, *segments[start:]))
                if found is not None:
                    return found
        return self._without_extension(segments[-1], beside) if segments else None

    def _relative(self, address: str, beside: str) -> str | None:
        plain = address.partition("?")[0]
        for name in dict.fromkeys((plain, unquote(plain))):
            path = checked_relative(posixpath.normpath(posixpath.join(beside, name)) if name else name)
            if self._is_file(path):
                return path
        return None

    def _there(self, path: str) -> str | None:
        try:
            plain = checked_relative(path)
        except RejectedItem:
            return None
        return plain if self._is_file(plain) else None

    def _is_file(self, path: str) -> bool:
        full = os.path.join(self._root, path)
        try:
            return os.path.lexists(full) and not os.path.isdir(full)
        except (OSError, ValueError):
            return False

    def _without_extension(self, name: str, beside: str) -> str | None:
        if name.lower().endswith(READ + REFUSED):
            return None
        for folder in dict.fromkeys((beside, "")):
            found = self._by_stem(folder).get(name, [])
            if len(found) == 1:
                return self._there(posixpath.join(folder, found[0]))
        return None

    def _list_by_stem(self, folder: str) -> dict[str, list[str]]:
        stems: dict[str, list[str]] = {}
        try:
            names = sorted(os.listdir(os.path.join(self._root, folder)))
        except OSError:
            return {}
        for name in names:
            if name.lower().endswith(READ + REFUSED):
                stems.setdefault(os.path.splitext(name)[0], []).append(name)
        return stems
