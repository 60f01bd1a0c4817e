"""A hostile picture ends a worker at most; the pool goes on, and leaves no process behind."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sherd.errors import DecoderUnavailable, InvalidArgument, RejectedItem
from sherd.ingest.decoder import AHEAD_PER_WORKER, MIN_MEMORY_BYTES, DecoderPool
from sherd.ingest.pictures import OpenedPicture, PictureLimits, open_picture, open_picture_file
from tests.ingest.pictures import drawing, saved

NAMES = (
    "first",
    "abort",
    "second",
    "segfault",
    "killed",
    "exits",
    "third",
    "memory",
    "babbles",
    "hangs",
    "spins",
    "last",
)


class HostilePool(DecoderPool):
    worker_module = "tests.ingest.hostile_worker"


class NoPool(DecoderPool):
    worker_module = "tests.ingest.there_is_no_such_module"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (*NAMES, "once"):
        (tmp_path / f"{name}.png").write_bytes(saved(drawing(), "PNG"))
    return tmp_path


def opened(pool: DecoderPool, folder: Path, names: tuple[str, ...]) -> dict[str, OpenedPicture | RejectedItem]:
    return dict(pool.open_many((name, folder, f"{name}.png") for name in names))


def gone(pids: tuple[int, ...]) -> bool:
    """None of the processes is there any more, not even as a zombie."""
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


@pytest.mark.parametrize("workers", [1, 2])
def test_hostile_pictures_kill_workers_and_not_the_job(folder: Path, workers: int) -> None:
    with HostilePool(workers, time_limit_s=1.5) as pool:
        results = opened(pool, folder, NAMES)
        pids = pool.worker_pids
    assert list(results) == list(NAMES)
    reasons = {name: one.reason for name, one in results.items() if isinstance(one, RejectedItem)}
    assert reasons == {
        "abort": "decoder_died", "segfault": "decoder_died", "killed": "decoder_died", "exits": "decoder_died",
        "memory": "decoder_memory", "babbles": "decoder_died", "hangs": "decoder_timeout", "spins": "decoder_timeout",
    }  # fmt: skip
    assert {name for name, one in results.items() if isinstance(one, OpenedPicture)} == {
        "first", "second", "third", "last",
    }  # fmt: skip
    assert len(pids) <= workers
    assert gone(pids)


def test_a_picture_is_given_up_after_two_deaths_and_only_then(folder: Path) -> None:
    with HostilePool() as pool:
        assert isinstance(opened(pool, folder, ("once",))["once"], OpenedPicture)
        (died,) = opened(pool, folder, ("abort",)).values()
        assert isinstance(died, RejectedItem)
        assert "SIGABRT, 2 times" in died.detail


def test_workers_agree_with_opening_here(folder: Path) -> None:
    (folder / "big.jpg").write_bytes(saved(drawing(1500, 900), "JPEG"))
    with DecoderPool() as pool:
        for path in ("big.jpg", "first.png"):
            ((_, there),) = pool.open_many([(0, folder, path)])
            assert there == open_picture_file(folder, path)
        assert pool.open_one(folder / "big.jpg") == open_picture_file(folder, "big.jpg")
        data = (folder / "big.jpg").read_bytes()
        assert pool.open_one(data) == open_picture(data)


def test_refusals_come_through_a_worker_with_their_reason(folder: Path) -> None:
    (folder / "text.png").write_bytes(b"no picture")
    with DecoderPool(limits=PictureLimits(max_pixels=1_000)) as pool:
        reasons = [
            result.reason
            for _, result in pool.open_many([(0, folder, "text.png"), (1, folder, "../x"), (2, folder, "first.png")])
            if isinstance(result, RejectedItem)
        ]
        assert reasons == ["unsupported_type", "path_outside_root", "image_too_large"]
        with pytest.raises(RejectedItem, match="unsupported_type"):
            pool.open_one(b"no picture")
        with pytest.raises(RejectedItem, match="file_missing"):
            pool.open_one(folder / "none.png")


def test_bytes_beyond_the_limit_are_not_sent() -> None:
    with DecoderPool(limits=PictureLimits(max_file_bytes=10)) as pool:
        with pytest.raises(RejectedItem, match="file_too_large"):
            pool.open_one(bytes(11))
        assert pool.worker_pids == ()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="address space is limited on Linux only")
def test_a_picture_that_needs_more_memory_than_allowed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "small.png").write_bytes(saved(drawing(), "PNG"))
    wide = np.zeros((9_000, 9_000, 4), np.uint8)
    Image.fromarray(wide, "RGBA").save(tmp_path / "wide.png")
    with DecoderPool(memory_limit_bytes=MIN_MEMORY_BYTES) as pool:
        results = dict(pool.open_many([("wide", tmp_path, "wide.png"), ("small", tmp_path, "small.png")]))
    assert isinstance(results["wide"], RejectedItem)
    assert results["wide"].reason == "decoder_memory"
    assert isinstance(results["small"], OpenedPicture)


def test_a_worker_is_replaced_after_its_share(folder: Path) -> None:
    with DecoderPool(pictures_per_worker=2) as pool:
        seen: set[int] = set()
        for _ in range(5):
            pool.open_one(folder / "first.png")
            seen.update(pool.worker_pids)
    assert len(seen) >= 2
    assert gone(tuple(seen))


def test_no_more_paths_are_read_ahead_than_needed(folder: Path) -> None:
    taken = 0

    def paths() -> Iterator[tuple[int, Path, str]]:
        nonlocal taken
        for n in range(10_000):
            taken += 1
            yield n, folder, "first.png"

    with DecoderPool() as pool:
        results = pool.open_many(paths())
        for expected in range(3):
            assert next(results)[0] == expected
        assert taken <= AHEAD_PER_WORKER + 3
        results.close()  # type: ignore[attr-defined]


def test_closing_does_not_wait_for_a_picture_that_hangs(folder: Path) -> None:
    with HostilePool(time_limit_s=60) as pool:
        pool.open_one(folder / "first.png")
        worker = threading.Thread(target=lambda: opened(pool, folder, ("hangs",)))
        worker.start()
        time.sleep(0.2)
        pids = pool.worker_pids
        start = time.monotonic()
        pool.close()
        assert time.monotonic() - start < 5
        worker.join(10)
    assert gone(pids)
    with pytest.raises(InvalidArgument, match="closed"):
        pool.open_one(folder / "first.png")


def test_workers_end_when_their_parent_is_killed(folder: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from sherd.ingest.decoder import DecoderPool\n"
        "pool = DecoderPool(); pool.open_one(Path(sys.argv[1])); print(pool.worker_pids[0], flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, folder / "first.png"], stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    until = time.monotonic() + 10
    while time.monotonic() < until and _alive(pid):
        time.sleep(0.05)
    assert not _alive(pid)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_worker_that_cannot_start_is_told(folder: Path) -> None:
    with NoPool() as pool, pytest.raises(DecoderUnavailable, match="before it was ready"):
        pool.open_one(folder / "first.png")


@pytest.mark.parametrize(
    "wrong",
    [
        {"workers": 0},
        {"memory_limit_bytes": 1},
        {"time_limit_s": 0},
        {"time_limit_s": float("nan")},
        {"pictures_per_worker": 0},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidArgument, match="decoder pool"):
        DecoderPool(**wrong)  # type: ignore[arg-type]


def test_pictures_are_not_imported_from(tmp_path: Path) -> None:
    """A folder of pictures that is the working folder may hold a PIL.py; it is not run."""
    (tmp_path / "PIL.py").write_text("import os; os.mkdir('owned')", encoding="utf-8")
    (tmp_path / "a.png").write_bytes(saved(drawing(), "PNG"))
    here = Path.cwd()
    try:
        os.chdir(tmp_path)
        with DecoderPool() as pool:
            assert pool.open_one(tmp_path / "a.png").width
    finally:
        os.chdir(here)
    assert not (tmp_path / "owned").exists()
