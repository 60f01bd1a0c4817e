"""Decoding in worker processes, so that a hostile file kills a worker and not the job.

Workers are fresh interpreters started by path, not forks and not `multiprocessing` children: they inherit no threads
and no locks, never run the caller's main module again (so they work from console scripts, notebooks and unguarded
scripts alike), and end by themselves when the parent is gone.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias, TypeVar

from sherd.encoder.protocol import Encoder
from sherd.errors import DecoderUnavailable, InvalidArgument, RejectedItem
from sherd.ingest.encoding import encode_thumbnails
from sherd.ingest.pictures import OpenedPicture, PictureLimits
from sherd.ingest.rendering import Rendering
from sherd.types import Embeddings

MIN_MEMORY_BYTES = 512 * 1024**2
AHEAD_PER_WORKER = 32
TRIES = 2
_START_LIMIT_S = 60.0
_MAX_ANSWER_BYTES = 64 * 1024**2

Token = TypeVar("Token")
_Answer: TypeAlias = tuple[dict[str, Any], bytes]
"""What is said of a picture, and a picture made of it."""


class _WorkerLost(Exception):
    """The worker died or was ended; says why."""


class _WorkerSlow(Exception):
    """The worker used up its time."""


class DecoderPool:
    """Worker processes that open pictures under a memory and a time limit; a context manager.

    A picture on which a worker dies is tried once more in a fresh one, then refused as `decoder_died`; one that takes
    too long is refused as `decoder_timeout`; the job goes on with a fresh worker. Workers start when first needed.

    Args:
        workers: processes, 1 or more.
        memory_limit_bytes: address space of each worker, MIN_MEMORY_BYTES or more; a picture that needs more is refused
            as `decoder_memory`. 3 GiB suffice for 200 million pixels in any mode.
        time_limit_s: wall time for one picture, above 0.
        limits: what is refused before decoding.
        pictures_per_worker: a worker is replaced after so many, so that no leak in a decoder grows without end.
    Raises:
        InvalidArgument: one of these is out of range.
    """

    worker_module = "sherd.ingest.decoder_worker"

    def __init__(
        self,
        workers: int = 1,
        *,
        memory_limit_bytes: int = 3 * 1024**3,
        time_limit_s: float = 60.0,
        limits: PictureLimits | None = None,
        pictures_per_worker: int = 5_000,
    ) -> None:
        if workers < 1 or memory_limit_bytes < MIN_MEMORY_BYTES or not time_limit_s > 0 or pictures_per_worker < 1:
            raise InvalidArgument(
                f"a decoder pool needs workers >= 1, memory_limit_bytes >= {MIN_MEMORY_BYTES}, time_limit_s > 0 and "
                f"pictures_per_worker >= 1, got {workers}, {memory_limit_bytes}, {time_limit_s}, {pictures_per_worker}"
            )
        self._workers, self._time_limit_s = workers, time_limit_s
        self._limits = limits or PictureLimits()
        self._memory_limit_bytes, self._pictures_per_worker = memory_limit_bytes, pictures_per_worker
        # One thread attends to one worker at a time: it writes the request and waits for the answer or the clock.
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="decoder")
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        self._alive: set[_Worker] = set()
        self._lock = threading.Lock()
        self._closed = False

    def open_many(
        self, paths: Iterable[tuple[Token, Path, str]]
    ) -> Iterator[tuple[Token, OpenedPicture | RejectedItem]]:
        """Results in the order of `paths`: (token, root, path relative to root).

        `paths` is read only AHEAD_PER_WORKER items per worker ahead of what was taken from here, so memory stays flat.

        Raises:
            DecoderUnavailable: no worker can be started.
        """
        pending: deque[tuple[Token, Future[OpenedPicture | RejectedItem]]] = deque()
        try:
            for token, root, relative in paths:
                request = {"root": os.path.abspath(root), "relative": relative}
                pending.append((token, self._threads.submit(self._open, request, None)))
                if len(pending) >= self._workers * AHEAD_PER_WORKER:
                    first, result = pending.popleft()
                    yield first, result.result()
            while pending:
                first, result = pending.popleft()
                yield first, result.result()
        finally:
            for _, result in pending:
                result.cancel()

    def encode(self, pictures: Sequence[OpenedPicture], here: Encoder) -> tuple[Embeddings | None, list[bool]]:
        """The vectors of pictures, made in this process. See `encode_thumbnails`."""
        return encode_thumbnails(here, [one.thumbnail for one in pictures])

    def open_one(self, picture: Path | bytes) -> OpenedPicture:
        """One picture that the user chose, e.g. of a query: a file (a link is followed) or a file's bytes.

        Raises:
            RejectedItem: with a reason.
            DecoderUnavailable: no worker can be started.
        """
        if isinstance(picture, bytes):
            if len(picture) > self._limits.max_file_bytes:
                raise RejectedItem(
                    "file_too_large", f"{len(picture)} bytes; the limit is {self._limits.max_file_bytes}"
                )
            opened = self._open({}, picture)
        else:
            real = Path(os.path.realpath(picture))
            opened = self._open({"root": str(real.parent), "relative": real.name}, None)
        if isinstance(opened, RejectedItem):
            raise opened
        return opened

    def render(self, root: Path, relative: str, sha256: str, wanted: Rendering) -> bytes:
        """The file of what is wanted of the picture `relative` below `root`.

        Args:
            sha256: of its file as it was ingested.
        Raises:
            RejectedItem: with a reason; content_changed where the file is another one now.
            DecoderUnavailable: no worker can be started.
        """
        request = {
            "root": os.path.abspath(root), "relative": relative, "sha256": sha256, "render": asdict(wanted),
        }  # fmt: skip
        answer = self._ask(request, None)
        if isinstance(answer, RejectedItem):
            raise answer
        return answer[1]

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """Process numbers of the workers that live now."""
        with self._lock:
            return tuple(worker.pid for worker in self._alive)

    def close(self) -> None:
        """Ends all workers now, busy or not; none is left behind as a zombie. May be called twice."""
        with self._lock:
            self._closed = True
            workers = tuple(self._alive)
        for worker in workers:
            worker.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)
        with self._lock:
            workers, self._alive = tuple(self._alive), set()
        for worker in workers:
            worker.end()

    def __enter__(self) -> DecoderPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, request: dict[str, Any], data: bytes | None) -> OpenedPicture | RejectedItem:
        answer = self._ask(request, data)
        if isinstance(answer, RejectedItem):
            return answer
        try:
            return OpenedPicture(**answer[0], thumbnail=answer[1])
        except TypeError:
            return RejectedItem("decoder_died", "the decoder answered something else")

    def _ask(self, request: dict[str, Any], data: bytes | None) -> _Answer | RejectedItem:
        for attempt in range(1, TRIES + 1):
            worker = self._borrow()
            try:
                answer = worker.ask(request, data, self._time_limit_s)
            except _WorkerSlow:
                self._discard(worker)
                return RejectedItem("decoder_timeout", f"decoding took longer than {self._time_limit_s:g} s")
            except _WorkerLost as loss:
                self._discard(worker)
                if self._closed or attempt == TRIES:
                    return RejectedItem("decoder_died", f"the decoder {loss}, {attempt} times on this picture")
            else:
                self._give_back(worker)
                return answer
        raise AssertionError("unreachable")

    def _borrow(self) -> _Worker:
        with suppress(queue.Empty):
            return self._idle.get_nowait()
        with self._lock:
            if self._closed:
                raise InvalidArgument("this decoder pool is closed")
            worker = _Worker(self.worker_module, self._memory_limit_bytes, self._time_limit_s, self._limits)
            self._alive.add(worker)
        try:
            worker.wait_until_ready()
        except DecoderUnavailable:
            self._discard(worker)
            raise
        return worker

    def _give_back(self, worker: _Worker) -> None:
        if worker.answered >= self._pictures_per_worker:
            self._discard(worker)
        else:
            self._idle.put(worker)

    def _discard(self, worker: _Worker) -> None:
        worker.end()
        with self._lock:
            self._alive.discard(worker)


class _Worker:
    """One worker process and the channel to it. Used by one thread at a time; `kill` may come from any."""

    def __init__(self, module: str, memory_limit_bytes: int, time_limit_s: float, limits: PictureLimits) -> None:
        ours, theirs = socket.socketpair()
        settings = {
            "channel": theirs.fileno(),
            "memory_limit_bytes": memory_limit_bytes,
            "time_limit_s": time_limit_s,
            "limits": asdict(limits),
        }
        paths = os.pathsep.join(path for path in sys.path if path)
        single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        try:
            # -P: a folder of pictures that happens to be the working folder must not be a place to import from.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", module, json.dumps(settings)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={**os.environ, **single, "PYTHONPATH": paths},
            )
        except OSError as error:
            ours.close()
            raise DecoderUnavailable(f"no decoder process can be started: {error}") from error
        finally:
            theirs.close()
        self._channel = Connection(ours.detach())
        self.pid, self.answered = self._process.pid, 0

    def wait_until_ready(self) -> None:
        try:
            if self._channel.poll(_START_LIMIT_S) and self._channel.recv_bytes() == b"ready":
                return
        except (EOFError, OSError):
            pass
        self.end()
        raise DecoderUnavailable(f"a decoder process {self._fate()} before it was ready; is memory short?")

    def ask(self, request: dict[str, Any], data: bytes | None, time_limit_s: float) -> _Answer | RejectedItem:
        try:
            self._channel.send_bytes(json.dumps(request).encode())
            if data is not None:
                self._channel.send_bytes(data)
            if not self._channel.poll(time_limit_s):
                raise _WorkerSlow
            said: dict[str, Any] = json.loads(self._channel.recv_bytes(_MAX_ANSWER_BYTES))
            picture = self._channel.recv_bytes(_MAX_ANSWER_BYTES)
            self.answered += 1
            if "reason" in said:
                return RejectedItem(said["reason"], said["detail"])
            return said, picture
        except (EOFError, OSError, ValueError, TypeError) as error:
            self.end()
            raise _WorkerLost(self._fate()) from error

    def kill(self) -> None:
        with suppress(OSError):
            self._process.kill()

    def end(self) -> None:
        """Kills and reaps it; harmless when it is dead already."""
        self.kill()
        self._process.wait()
        self._channel.close()

    def _fate(self) -> str:
        code = self._process.returncode
        if code is not None and code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"ended with code {code}"
