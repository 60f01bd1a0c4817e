"""Files that an export leaves: whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from sherd.errors import StorageRefused


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, which stands at `path` once all is written; what stood there before stays until then.

    Raises:
        StorageRefused: the folder cannot be made, or the file cannot be written.
    """
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = unfinished.open("wb")
    except OSError as error:
        raise StorageRefused(f"{path}: cannot be written: {error.strerror}") from error
    try:
        with stream:
            yield stream
        unfinished.replace(path)
    except OSError as error:
        raise StorageRefused(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)
