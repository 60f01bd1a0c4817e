"""What browsers sent to be read in: deliveries, each a folder of pictures and tables, kept below the library.

A delivery is known by its name; what is sent under the same name is added to it, so that a corrected table takes the
place of the earlier one. All names are a stranger's: none leads outside, none is hidden, none is a link.
"""

from __future__ import annotations

import os
import secrets
import shutil
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from sherd.errors import RejectedItem
from sherd.ingest.files import checked_relative, shown
from sherd.ingest.sources import TABLES
from sherd.ingest.sources.folder import READ
from sherd.server.problems import Refusal

RECEIVED = "received"
"""The folder below the library, and how sources in it begin."""
TAKEN = (*READ, *TABLES)
"""How the names of files that are taken end."""
_MOST_DEPTH, _MOST_NAME_BYTES, _MOST_DELIVERY_CHARS = 8, 200, 80
_SPARE_BYTES = 1024**3
_COPIED = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Delivery:
    """What lies under a name: so many files of so many bytes, the newest sent at a time (ISO 8601, UTC)."""

    name: str
    files: int
    size_bytes: int
    at: str


class Received:
    """Deliveries below one folder, which is made when the first comes.

    Args:
        most_bytes: of all deliveries together; most_files: of one.
        spare_bytes: of the disk that are left free.
    """

    def __init__(self, folder: Path, *, most_bytes: int, most_files: int, spare_bytes: int = _SPARE_BYTES) -> None:
        self.folder = folder
        self._most_bytes, self._most_files, self._spare_bytes = most_bytes, most_files, spare_bytes
        self._room = threading.Lock()
        self._counted: dict[str, tuple[int, int]] | None = None  # name -> files, bytes; nobody else writes here

    def deliveries(self) -> list[Delivery]:
        """The newest first."""
        if not self.folder.is_dir():
            return []
        found = [_told(one) for one in self.folder.iterdir() if one.is_dir() and not one.is_symlink()]
        return sorted(found, key=lambda one: (one.at, one.name), reverse=True)

    def take(self, delivery: str, path: str, stream: BinaryIO, size_bytes: int) -> None:
        """Keep a file, in place of an earlier one of this name.

        Args:
            path: below the delivery, with forward slashes.
        Raises:
            RejectedItem: path_invalid, path_outside_root, unsupported_type, file_empty or name_taken.
            Refusal: there is no room for it, or the delivery has no name that can be used.
        """
        folder = self.folder / delivery_name(delivery)
        target = folder / checked_name(path)
        if size_bytes == 0:
            raise RejectedItem("file_empty", f"{shown(path)} has no bytes")
        with self._room:
            before = target.stat().st_size if target.is_file() else None
            self._check_room(folder.name, size_bytes, before)
            unfinished = self.folder / f".{secrets.token_hex(8)}"
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with unfinished.open("xb") as file:
                    shutil.copyfileobj(stream, file, _COPIED)
                unfinished.replace(target)
                self._count(folder.name, size_bytes, before)
            except (FileExistsError, NotADirectoryError, IsADirectoryError):
                raise RejectedItem("name_taken", f"{shown(path)} is a file and a folder") from None
            except OSError:
                raise Refusal("storage_refused") from None
            finally:
                unfinished.unlink(missing_ok=True)

    def discard(self, delivery: str) -> None:
        """Remove all of a delivery. Raises Refusal where there is none of this name."""
        folder = self.folder / delivery_name(delivery)
        if not folder.is_dir():
            raise Refusal("unknown_source", "there is no such delivery")
        with self._room:
            self._counted = None
            shutil.rmtree(folder, ignore_errors=True)

    def _check_room(self, delivery: str, size_bytes: int, before: int | None) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._counted is None:
            self._counted = {one.name: (one.files, one.size_bytes) for one in self.deliveries()}
        used = sum(size for _, size in self._counted.values()) - (before or 0)
        if used + size_bytes > self._most_bytes:
            raise Refusal("storage_refused", f"{self._most_bytes} bytes are kept of what is sent; discard some of it")
        if shutil.disk_usage(self.folder).free < size_bytes + self._spare_bytes:
            raise Refusal("storage_refused", "the disk is nearly full")
        if before is None and self._counted.get(delivery, (0, 0))[0] >= self._most_files:
            raise Refusal("too_many_files", f"a delivery has {self._most_files} files at most")

    def _count(self, delivery: str, size_bytes: int, before: int | None) -> None:
        assert self._counted is not None
        files, size = self._counted.get(delivery, (0, 0))
        self._counted[delivery] = files + (before is None), size + size_bytes - (before or 0)


def delivery_name(text: str) -> str:
    """A name that a folder can have.

    Raises:
        Refusal: it is none.

    >>> delivery_name(" New wing, 2026 ")
    'New wing, 2026'
    """
    name = unicodedata.normalize("NFC", " ".join(text.split()))
    if not 1 <= len(name) <= _MOST_DELIVERY_CHARS or "/" in name or not _is_plain(name):
        raise Refusal("invalid_request", f"the name of a delivery has 1 to {_MOST_DELIVERY_CHARS} plain characters")
    return name


def checked_name(path: str) -> str:
    """The path of a file that was sent, as it is kept.

    Raises:
        RejectedItem: path_invalid, path_outside_root or unsupported_type.

    >>> checked_name("photos/a.JPG")
    'photos/a.JPG'
    """
    plain = unicodedata.normalize("NFC", checked_relative(path))
    parts = plain.split("/")
    if len(parts) > _MOST_DEPTH or not all(_is_plain(one) for one in parts):
        raise RejectedItem(
            "path_invalid", f"{shown(path)} is hidden, too deep, too long or has signs that are not seen"
        )
    if not plain.lower().endswith(TAKEN):
        raise RejectedItem("unsupported_type", f"{shown(path)} is no picture and no table")
    return plain


def _is_plain(name: str) -> bool:
    """Whether a name is seen as it is: not hidden, not padded, without control and formatting characters."""
    fits = len(name.encode("utf-8", "replace")) <= _MOST_NAME_BYTES
    visible = all(unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for one in name)
    return fits and visible and name == name.strip() and not name.startswith(".") and "\\" not in name


def _files(folder: Path) -> Iterator[os.stat_result]:
    for place, _, names in os.walk(folder):
        for name in names:
            yield os.stat(os.path.join(place, name), follow_symlinks=False)


def _told(folder: Path) -> Delivery:
    stats = list(_files(folder))
    last = max((one.st_mtime for one in stats), default=folder.stat().st_mtime)
    at = datetime.fromtimestamp(last, UTC).isoformat(timespec="seconds")
    return Delivery(folder.name, len(stats), sum(one.st_size for one in stats), at)
