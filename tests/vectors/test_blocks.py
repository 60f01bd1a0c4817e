"""Large files: what is written is what is mapped, and every altered byte is found."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sherd.errors import CorruptData
from sherd.vectors import blocks
from sherd.vectors.blocks import BlockDraft, BlockFile, write_blocks

ARRAYS: dict[str, NDArray[Any]] = {
    "keys": np.arange(37),
    "near": np.arange(111, dtype=np.int8).reshape(37, 3),
    "none": np.empty((0, 4), np.float32),
}


def written(folder: Path) -> Path:
    return write_blocks(folder / "draft", ARRAYS, {"said": 7}, lambda mark: folder / f"{mark[:32]}.x")


def test_arrays_come_back_mapped_and_read_only(tmp_path: Path) -> None:
    file = BlockFile(written(tmp_path))
    file.check()
    assert file.about["said"] == 7
    for name, array in ARRAYS.items():
        assert np.array_equal(file.array(name), array)
        file.check(name)
    assert not file.array("keys").flags.writeable
    file.advise_random("near")
    with pytest.raises(CorruptData, match="no section"):
        file.array("other")
    assert [path.suffix for path in tmp_path.iterdir()] == [".x"]


def test_rows_that_were_asked_for_ahead_are_the_same(tmp_path: Path) -> None:
    wide = np.arange(60_000, dtype=np.int16).reshape(20, 3_000)
    path = write_blocks(tmp_path / "draft", {"a": wide[:3, :7], "wide": wide}, {}, lambda mark: tmp_path / mark)
    file, rows = BlockFile(path), np.array([19, -1, 0, 7, 7])
    file.soon("wide", rows)
    file.soon("wide", np.empty(0, np.int64))
    assert np.array_equal(file.array("wide").take(rows[rows >= 0], axis=0), wide[[19, 0, 7, 7]])


def test_every_altered_byte_is_found_and_what_opening_misses_is_payload(tmp_path: Path) -> None:
    path = written(tmp_path)
    good = path.read_bytes()
    payload = len(good) - len(good[good.index(b'{"said"') :])
    for place in range(0, len(good), 5):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        if place < payload:
            opened = BlockFile(path)
            with pytest.raises(CorruptData, match=path.name):
                opened.check()
        else:
            with pytest.raises(CorruptData, match=path.name):
                BlockFile(path)


@pytest.mark.parametrize("length", [0, 3, 100, -1])
def test_a_file_cut_short_is_not_opened(tmp_path: Path, length: int) -> None:
    path = written(tmp_path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(CorruptData, match="run `sherd repair`"):
        BlockFile(path)


def test_only_the_block_that_is_altered_is_blamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 64)
    path = written(tmp_path)
    with path.open("r+b") as file:
        file.seek(330)  # in `near`: keys take 296 bytes, up to 320 with what fills them up
        file.write(b"\xff")
    opened = BlockFile(path)
    opened.check("keys")
    with pytest.raises(CorruptData):
        opened.check("near")


def test_a_refused_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        written(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_draft_of_the_same_length_is_gone_on_with(tmp_path: Path) -> None:
    sections = {"a": ("<i8", (10,))}
    first = BlockDraft(tmp_path / "d", sections)
    first.array("a")[:5] = 3
    second = BlockDraft(tmp_path / "d", sections)
    assert (first.resumed, second.resumed) == (False, True)
    assert second.array("a").tolist() == [3] * 5 + [0] * 5
    assert not BlockDraft(tmp_path / "d", {"a": ("<i8", (20,))}).resumed
