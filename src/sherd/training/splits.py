"""Which records are held out: one rule, by object, the same everywhere and for ever."""

from __future__ import annotations

import hashlib

from sherd.types import Record

HELDOUT_SHARE = 0.2


def split_of(record: Record) -> str:
    """'train' or 'heldout' where the source names no split, else the source's own word.

    A hash of the record's identifier decides, so all views of an object fall on one side, whatever else there is.
    """
    if record.split is not None:
        return record.split
    digest = hashlib.sha256(record.record_id.encode()).digest()
    return "heldout" if int.from_bytes(digest[:4], "big") / 2**32 < HELDOUT_SHARE else "train"
