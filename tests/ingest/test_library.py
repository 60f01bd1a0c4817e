"""One folder, one writer, and clear words for everything that is no library."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sherd.errors import CorruptData, LibraryBusy, LibraryError, SchemaTooOld
from sherd.ingest.library import Library
from tests.ingest.museum import paint

HOLD = """
import sys, time
from pathlib import Path
from sherd.ingest.library import Library
with Library.open(Path(sys.argv[1])) as library, library.writer():
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_library_is_made_where_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "new/deep", tmp_path / "empty"):
        Library.open(folder, create=True).close()
        with Library.open(folder) as library:
            assert library.catalogue.count() == (0, 0)


@pytest.mark.parametrize("create", [False, True])
def test_a_folder_with_other_files_is_no_library(tmp_path: Path, create: bool) -> None:
    paint(tmp_path / "photo.png", (1, 2, 3))
    with pytest.raises(LibraryError, match=str(tmp_path)):
        Library.open(tmp_path, create=create)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


def test_what_is_not_there_is_no_library(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="sherd ingest SOURCE"):
        Library.open(tmp_path / "none")
    assert not (tmp_path / "none").exists()
    (tmp_path / "file").touch()
    with pytest.raises(LibraryError, match="is a file"):
        Library.open(tmp_path / "file", create=True)


def test_a_library_whose_making_was_cut_off_is_made_by_the_next_ingest(tmp_path: Path) -> None:
    (tmp_path / "writer.lock").touch()
    (tmp_path / "catalogue.sqlite").touch()
    with pytest.raises(SchemaTooOld, match="is empty"):
        Library.open(tmp_path)
    Library.open(tmp_path, create=True).close()
    Library.open(tmp_path).close()


def test_a_damaged_catalogue_is_named(tmp_path: Path) -> None:
    Library.open(tmp_path / "lib", create=True).close()
    path = tmp_path / "lib/catalogue.sqlite"
    path.write_bytes(b"\xff" * 4096 + path.read_bytes()[4096:])
    with pytest.raises(CorruptData, match=r"catalogue\.sqlite"):
        Library.open(tmp_path / "lib")


def test_a_second_writer_is_refused_in_time_and_told_who_holds_it(tmp_path: Path) -> None:
    Library.open(tmp_path / "lib", create=True).close()
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "lib")], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with Library.open(tmp_path / "lib") as library:
            start = time.monotonic()
            with pytest.raises(LibraryBusy, match=rf"process {holder.pid} on .*, since 20\d\d-"), library.writer():
                pass
            assert time.monotonic() - start < 2
            assert library.catalogue.count() == (0, 0)  # reading goes on
            holder.send_signal(signal.SIGKILL)
            holder.wait()
            with library.writer():  # the kernel has freed it
                said = json.loads((tmp_path / "lib/writer.lock").read_text(encoding="utf-8"))
                assert said["pid"] == os.getpid()
    finally:
        holder.kill()
        holder.wait()
        if holder.stdout:
            holder.stdout.close()


def test_holding_it_twice_is_holding_it(tmp_path: Path) -> None:
    with Library.open(tmp_path / "lib", create=True) as library, Library.open(tmp_path / "lib") as other:
        with library.writer():
            with library.writer():
                pass
            with pytest.raises(LibraryBusy), other.writer():
                pass
        with other.writer():
            pass
