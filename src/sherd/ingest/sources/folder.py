"""A bare folder: every entry in it or below it whose name ends like a picture is one source item.

Links to pictures count (the opener refuses those that lead outside); links to folders are not walked into, so nothing
is met twice and nothing goes in circles. Names decide only what is offered; what a file is, its content decides.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from sherd.errors import RejectedItem, SourceError
from sherd.ingest.columns import ColumnRoles
from sherd.ingest.files import checked_relative, shown
from sherd.ingest.sources.item import SourceItem
from sherd.ingest.sources.texts import clean_id
from sherd.types import Record, SourceImage

READ = (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".tif", ".tiff", ".gif", ".bmp", ".dib")
REFUSED = (".heic", ".heif", ".avif", ".jp2", ".j2k", ".jxl", ".svg", ".psd", ".ico", ".eps", ".dng", ".cr2", ".nef")
"""Offered too, so that a folder of them is reported as refused rather than as empty."""


class FolderSource:
    """Pictures below `root`, in the order of their paths; `record_id` is the path with forward slashes."""

    kind = "folder"
    columns: ColumnRoles | None = None

    def __init__(self, root: Path, exclude: Iterable[Path] = ()) -> None:
        self.root = root
        self._exclude = frozenset(os.path.realpath(folder) for folder in exclude)

    def items(self) -> Iterator[SourceItem]:
        for ordinal, found in enumerate(walk(self.root, self._exclude)):
            if isinstance(found, RejectedItem):
                yield SourceItem(ordinal, found.detail.split(":", 1)[0], reject=found)
                continue
            try:
                path = checked_relative(found)
                record = Record(record_id=clean_id(path, "the path"), images=(SourceImage(path),))
            except RejectedItem as refusal:
                yield SourceItem(ordinal, shown(found), reject=refusal)
            else:
                yield SourceItem(ordinal, path, record=record)


def walk(root: Path, exclude: frozenset[str] = frozenset()) -> Iterator[str | RejectedItem]:
    """Paths below `root`, relative to it, of entries named like pictures; a RejectedItem for an unreadable folder.

    Raises:
        SourceError: `root` itself cannot be listed.
    """
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(os.path.join(root, folder)) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            if not folder:
                raise SourceError(f"{root}: cannot be listed: {error.strerror}") from error
            yield RejectedItem("folder_unreadable", f"{shown(folder)}: {error.strerror}")
            continue
        inner = []
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.name.lower().endswith(READ + REFUSED):
                yield path
            if entry.is_dir(follow_symlinks=False) and os.path.realpath(entry.path) not in exclude:
                inner.append(path)
        folders.extend(reversed(inner))
