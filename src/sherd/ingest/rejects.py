"""rejects.jsonl: what a run refused, and why. It is that of the last finished run until the next one is finished."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import TracebackType

from sherd.errors import RejectedItem
from sherd.vectors.parts import sync_folder


class RejectsFile:
    """A context manager; the file takes its name when the block ends without an error."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._unfinished = path.with_name(path.name + ".tmp")

    def __enter__(self) -> RejectsFile:
        # A rejected name may not be UTF-8; what cannot be encoded becomes \\udcXX, which is its escape in JSON too.
        self._file = self._unfinished.open("w", encoding="utf-8", errors="backslashreplace")
        return self

    def write(self, source: str, where: str, reject: RejectedItem) -> None:
        said = {"source": source, "where": where, "reason": reject.reason, "detail": reject.detail}
        self._file.write(json.dumps(said, ensure_ascii=False) + "\n")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file as file:
            if error is None:
                file.flush()
                os.fsync(file.fileno())
        if error is None:
            self._unfinished.rename(self.path)
            sync_folder(self.path.parent)
