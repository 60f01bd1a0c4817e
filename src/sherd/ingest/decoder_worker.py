"""The other end of `DecoderPool`: a process of its own that opens one picture after another.

Messages both ways are plain bytes, JSON and a thumbnail, never pickles: what a hostile file might make of this process
cannot become code in the parent.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from contextlib import suppress
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sherd.errors import RejectedItem
from sherd.ingest.pictures import OpenedPicture, PictureLimits, open_picture, open_picture_file
from sherd.ingest.rendering import PictureRenderer, Rendering

GRACE_S = 10.0
"""How much longer than the parent the worker itself waits before it ends a decode, in case the parent is gone."""


def serve(channel: Connection, limits: PictureLimits, time_limit_s: float) -> None:
    """Answers requests until the parent closes the channel."""
    renderer = PictureRenderer(limits)
    while True:
        try:
            request: dict[str, Any] = json.loads(channel.recv_bytes())
            data = channel.recv_bytes() if "root" not in request else b""
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_REAL, time_limit_s + GRACE_S)
        try:
            if "render" in request:
                _answer(channel, {}, _rendered(renderer, request))
                continue
            if "root" in request:
                opened = open_picture_file(Path(request["root"]), request["relative"], limits)
            else:
                opened = open_picture(data, limits)
        except RejectedItem as refusal:
            _answer(channel, {"reason": refusal.reason, "detail": refusal.detail}, b"")
        except MemoryError:
            _answer(channel, {"reason": "decoder_memory", "detail": "reading needs more memory than is allowed"}, b"")
        else:
            _answer_opened(channel, opened)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def _rendered(renderer: PictureRenderer, request: dict[str, Any]) -> bytes:
    said: dict[str, Any] = {
        name: tuple(one) if isinstance(one, list) else one for name, one in request["render"].items()
    }
    wanted = Rendering(**said)
    return renderer.render(Path(request["root"]), request["relative"], request["sha256"], wanted)


def _answer_opened(channel: Connection, opened: OpenedPicture) -> None:
    said = asdict(opened)
    thumbnail = said.pop("thumbnail")
    _answer(channel, said, thumbnail)


def _answer(channel: Connection, said: dict[str, Any], thumbnail: bytes) -> None:
    channel.send_bytes(json.dumps(said).encode())
    channel.send_bytes(thumbnail)


def _confine(memory_limit_bytes: int) -> None:
    """No more memory than allowed, no files written, no core dumps, no messages of image libraries on the terminal."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    try:
        resource.setrlimit(resource.RLIMIT_AS, (memory_limit_bytes, memory_limit_bytes))
    except (ValueError, OSError):
        # macOS knows no such limit; the time limit and the separate process still hold there.
        if sys.platform.startswith("linux"):
            raise


def main() -> None:
    settings = json.loads(sys.argv[1])
    channel = Connection(settings["channel"])
    _confine(settings["memory_limit_bytes"])
    channel.send_bytes(b"ready")
    with suppress(BrokenPipeError, ConnectionResetError):  # the parent went away in the middle of an answer
        serve(channel, PictureLimits(**settings["limits"]), settings["time_limit_s"])


if __name__ == "__main__":
    main()
