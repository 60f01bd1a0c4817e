"""A decoder worker to whom some pictures are hostile, by their names."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

from sherd.ingest import decoder_worker
from sherd.ingest.pictures import OpenedPicture, PictureLimits, open_picture_file


def _open(root: Path, relative: str, limits: PictureLimits | None = None) -> OpenedPicture:
    name = Path(relative).stem
    if name == "abort":
        os.abort()
    elif name == "segfault":
        ctypes.string_at(0)
    elif name == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif name == "exits":
        os._exit(0)
    elif name == "hangs":
        time.sleep(600)
    elif name == "spins":
        while True:
            pass
    elif name == "memory":
        bytes(64 * 1024**3)
    elif name == "babbles":
        os.write(3, b"\0\0\0\x04nope")
        os._exit(0)
    elif name == "once" and not (root / "tried").exists():
        # Workers may not write files; a folder does for a mark.
        (root / "tried").mkdir()
        os.abort()
    return open_picture_file(root, relative, limits)


if __name__ == "__main__":
    decoder_worker.open_picture_file = _open  # type: ignore[attr-defined]
    decoder_worker.main()
    sys.exit(0)
