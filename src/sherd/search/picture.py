"""The picture of a question, opened the one safe way."""

from __future__ import annotations

from pathlib import Path

from sherd.errors import RejectedItem
from sherd.ingest.decoder import DecoderPool
from sherd.ingest.pictures import thumbnail_pixels
from sherd.types import Picture


def open_query_picture(path: Path) -> Picture:
    """The picture in a file that the asker chose, upright, decoded in a process of its own under limits.

    It is seen as the library's own pictures are: as a thumbnail.

    Raises:
        RejectedItem: it cannot be used; the message names the file and why.
        DecoderUnavailable: no process can be started.
    """
    with DecoderPool(1) as pool:
        try:
            return thumbnail_pixels(pool.open_one(path).thumbnail)
        except RejectedItem as refusal:
            raise RejectedItem(refusal.reason, f"{path}: {refusal.detail}; give another picture file") from refusal
