"""Pictures that were uploaded to search with: kept in memory as thumbnails, for a while."""

from __future__ import annotations

import secrets
from collections import OrderedDict

from sherd.server.problems import Refusal


class Uploads:
    """The newest uploads, as JPEG thumbnails of at most `room_bytes` together. A name cannot be guessed."""

    def __init__(self, room_bytes: int) -> None:
        self._room_bytes, self._bytes = room_bytes, 0
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def add(self, thumbnail: bytes) -> str:
        """Keep a thumbnail. Gives the name to ask for it by."""
        name = secrets.token_hex(16)
        self._kept[name] = thumbnail
        self._bytes += len(thumbnail)
        while self._bytes > self._room_bytes and len(self._kept) > 1:
            self._bytes -= len(self._kept.popitem(last=False)[1])
        return name

    def get(self, name: str) -> bytes:
        """The thumbnail. Raises Refusal where it has given way to newer ones, or never was."""
        found = self._kept.get(name)
        if found is None:
            raise Refusal("unknown_upload")
        self._kept.move_to_end(name)
        return found
