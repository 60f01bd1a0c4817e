"""What a long command shows while it works: a bar on a terminal, JSON lines elsewhere."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Protocol, TextIO

from sherd.ingest.progress import Progress, Reporter

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress as Bar

    from sherd.ingest.columns import ColumnRoles

_SHOWN = 10
"""Rejected items and warnings named on a terminal; the others are in rejects.jsonl."""


class CliReporter(Reporter, Protocol):
    """A reporter that is a context manager, and can tell of a plain count too."""

    def advanced(self, done: int, total: int) -> None:
        """`done` of `total` pictures."""

    def __enter__(self) -> CliReporter: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def reporter_for(*, as_json: bool) -> CliReporter:
    """JSON lines on stdout for `--json`; else a bar on stderr, or JSON lines there when it is no terminal."""
    if as_json:
        return JsonLines(sys.stdout)
    return TerminalBar() if sys.stderr.isatty() else JsonLines(sys.stderr)


class JsonLines:
    """One object a line: `{"event": "started" | "progress" | "warning", ...}`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._start = stream, time.monotonic()

    def started(self, kind: str, columns: ColumnRoles | None) -> None:
        roles = {role: list(names) for role, names in columns.roles.items()} if columns else None
        unused = list(columns.unused) if columns else []
        self._say({"event": "started", "source": kind, "columns": roles, "unused_columns": unused})

    def settled(self, progress: Progress) -> None:
        rate = progress.settled / max(progress.seconds, 1e-9)
        left = None if progress.total is None else round((progress.total - progress.settled) / max(rate, 1e-9), 1)
        self._say(
            {
                "event": "progress",
                "settled": progress.settled,
                "total": progress.total,
                **{name: count for name, count in progress.counts.items() if name != "seen"},
                "encoded": progress.pictures,
                "per_second": round(rate, 1),
                "seconds_left": left,
            }
        )

    def warned(self, where: str, what: str) -> None:
        self._say({"event": "warning", "where": where, "what": what})

    def rejected(self, where: str, reason: str, detail: str) -> None:
        """Not told here: rejects.jsonl has them all."""

    def advanced(self, done: int, total: int) -> None:
        seconds = time.monotonic() - self._start
        rate = done / max(seconds, 1e-9)
        left = round((total - done) / max(rate, 1e-9), 1)
        self._say(
            {"event": "progress", "settled": done, "total": total, "per_second": round(rate, 1), "seconds_left": left}
        )

    def __enter__(self) -> JsonLines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def _say(self, line: dict[str, object]) -> None:
        # ensure_ascii: names of files may hold what the stream cannot encode.
        print(json.dumps(line), file=self._stream, flush=True)


class TerminalBar:
    """A bar with rate and time left, and the first few items that were refused."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._bar: Bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(stderr=True, highlight=False, markup=False),
        )
        self._task = self._bar.add_task("ingest", total=None, rate="")
        self._told = 0

    def started(self, kind: str, columns: ColumnRoles | None) -> None:
        if columns is not None:
            self._bar.console.print("columns as they are understood (another --columns FILE.toml changes that):")
            self._bar.console.print(str(columns))

    def settled(self, progress: Progress) -> None:
        rate = f"{progress.settled / max(progress.seconds, 1e-9):.0f}/s, {progress.counts['rejected']} rejected"
        self._bar.update(self._task, completed=progress.settled, total=progress.total, rate=rate)

    def warned(self, where: str, what: str) -> None:
        self._tell(f"{where}: {what}")

    def rejected(self, where: str, reason: str, detail: str) -> None:
        self._tell(f"rejected {where}: {reason}: {detail}")

    def advanced(self, done: int, total: int) -> None:
        self._bar.update(self._task, completed=done, total=total)

    def __enter__(self) -> TerminalBar:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def _tell(self, line: str) -> None:
        if self._told < _SHOWN:
            # Names come from strangers: what could move the cursor is shown as an escape.
            self._bar.console.print("".join(c if c.isprintable() else repr(c)[1:-1] for c in line))
        elif self._told == _SHOWN:
            self._bar.console.print("further ones are in rejects.jsonl")
        self._told += 1
