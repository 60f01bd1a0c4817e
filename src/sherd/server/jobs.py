"""Jobs that take long: an ingest in a process of its own, its progress, and who listens to it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sherd.errors import InvalidArgument
from sherd.ingest.job import JobSettings
from sherd.server.problems import Refusal
from sherd.server.received import RECEIVED

_KEPT_JOBS, _KEPT_EVENTS = 50, 1_000
_LINE_BYTES = 1024 * 1024
_MODULE = "sherd.ingest.job"


@dataclass(slots=True)
class Job:
    """One run. state: waiting, running, done, failed or stopped. Events are numbered from 1."""

    number: int
    source: str
    who: str
    made: str
    state: str = "waiting"
    last: dict[str, Any] = field(default_factory=dict)
    events: deque[tuple[int, dict[str, Any]]] = field(default_factory=lambda: deque(maxlen=_KEPT_EVENTS))
    count: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)
    process: asyncio.subprocess.Process | None = None

    @property
    def is_over(self) -> bool:
        return self.state in ("done", "failed", "stopped")

    def tell(self, event: dict[str, Any]) -> None:
        """To those who listen now and later."""
        self.count += 1
        self.last = event
        self.events.append((self.count, event))
        self.news.set()
        self.news = asyncio.Event()


class Jobs:
    """One job at a time, in the order in which they came. Only what lies below the roots or was received is read.

    Args:
        roots: folders, each known by its name.
    """

    def __init__(self, library: Path, roots: Sequence[Path], *, max_pixels: int) -> None:
        self._library, self._max_pixels = library, max_pixels
        self.roots = {root.resolve().name: root.resolve() for root in roots}
        if len(self.roots) != len(roots) or RECEIVED in self.roots:
            raise InvalidArgument(f"two folders to ingest from have one name, or one is named {RECEIVED}; give others")
        self._jobs: dict[int, Job] = {}
        self._count = 0
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def all(self) -> list[Job]:
        """Newest first."""
        return sorted(self._jobs.values(), key=lambda one: -one.number)

    def get(self, number: int) -> Job:
        """Raises Refusal where there is none."""
        if number not in self._jobs:
            raise Refusal("unknown_job")
        return self._jobs[number]

    def start(self, source: str, who: str, columns: Mapping[str, Sequence[str]] | None = None) -> Job:
        """Begin an ingest, or queue it behind others.

        Args:
            columns: role -> headings of its table; guessed where None.
        Raises:
            Refusal: the source is not below a root, or is not there.
        """
        path = self.find(source)
        self._count += 1
        job = Job(self._count, source, who, datetime.now(UTC).isoformat(timespec="seconds"))
        self._jobs[job.number] = job
        for old in [one for one in self.all() if one.is_over][_KEPT_JOBS:]:
            del self._jobs[old.number]
        task = asyncio.create_task(self._run(job, path, columns))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    def find(self, source: str) -> Path:
        """The folder or table that a source means: `root/below/it`.

        Raises:
            Refusal: it is not below a root, by `..`, by a link or otherwise, or is not there.
        """
        name, _, below = source.partition("/")
        root = self.roots.get(name) or (Path(os.path.realpath(self._library / RECEIVED)) if name == RECEIVED else None)
        if root is None or "\0" in source:
            raise Refusal("unknown_source", f"a source begins with one of: {', '.join(self.roots) or '(none)'}")
        path = Path(os.path.realpath(root / below))
        if path != root and root not in path.parents:
            raise Refusal("unknown_source", "the source lies outside of what may be ingested")
        if not path.exists():
            raise Refusal("unknown_source", "there is no such source")
        return path

    async def cancel(self, number: int) -> Job:
        """Stop a job; what it has stored is kept. Raises Refusal where there is none."""
        job = self.get(number)
        if not job.is_over:
            job.state = "stopped"
            if job.process is not None and job.process.returncode is None:
                job.process.terminate()
            job.tell({"event": "stopped"})
        return job

    async def stop(self) -> None:
        """Stop all."""
        for job in self.all():
            await self.cancel(job.number)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def listen(
        self, number: int, after: int, stopping: asyncio.Event
    ) -> AsyncIterator[tuple[int, dict[str, Any]]]:
        """Events with a number above `after`, as they come, until the job is over or the server stops; (0, {}) now and
        then, so that a line that is dead is noticed. Raises Refusal where there is no such job."""
        job = self.get(number)
        while True:
            news = job.news
            for count, event in [one for one in job.events if one[0] > after]:
                yield count, event
                after = count
            if (job.is_over and after >= job.count) or stopping.is_set():
                return
            if news is not job.news:
                continue
            waiting = [asyncio.ensure_future(one.wait()) for one in (news, stopping)]
            done, _ = await asyncio.wait(waiting, timeout=15, return_when=asyncio.FIRST_COMPLETED)
            for one in waiting:
                one.cancel()
            if not done:
                yield 0, {}

    @staticmethod
    def _was_stopped(job: Job) -> bool:
        return job.state == "stopped"

    async def _run(self, job: Job, path: Path, columns: Mapping[str, Sequence[str]] | None) -> None:
        async with self._turn:
            if job.is_over:
                return
            job.state = "running"
            settings = JobSettings(str(self._library), str(path), self._max_pixels, columns=columns)
            job.process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", _MODULE, json.dumps(asdict(settings)),
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
                limit=_LINE_BYTES, env={**os.environ, "PYTHONPATH": os.pathsep.join(one for one in sys.path if one)},
            )  # fmt: skip
            assert job.process.stdout is not None
            over: dict[str, Any] | None = None
            async for line in job.process.stdout:
                event = json.loads(line)
                if event["event"] in ("done", "failed"):
                    over = event
                elif not self._was_stopped(job):
                    job.tell(event)
            await job.process.wait()
            if self._was_stopped(job):
                return
            over = over or {"event": "failed", "code": "internal"}
            over.pop("what", None)  # it may name folders of this machine
            job.state = over["event"]
            job.tell(over)
