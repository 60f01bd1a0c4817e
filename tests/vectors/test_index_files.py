"""Rows over many parts, and saved indexes: whatever the file, the index holds what the catalogue says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sherd.errors import CorruptData, InvalidArgument
from sherd.types import FloatArray, KeyArray
from sherd.vectors.blocks import BlockFile
from sherd.vectors.depths import Depths
from sherd.vectors.faiss_index import IndexSettings
from sherd.vectors.index_files import (
    OBJECT_FILE,
    PART_FILE,
    check_index,
    known_files,
    open_indexes,
    save_indexes,
    saved_indexes,
)
from sherd.vectors.parts import Part, PartInfo, PartStore
from sherd.vectors.protocol import PARTS_PER_KEY
from sherd.vectors.rows import PartRows
from tests.vectors.batches import digests, embeddings

SMALL = IndexSettings(exact_limit=50, tail_limit=15, depths=Depths(100, 200, 60), brute_limit=1)


class Folder:
    """A part store with a plain list for a catalogue."""

    def __init__(self, folder: Path) -> None:
        self.store = PartStore(folder / "vectors")
        self.index = folder / "index"
        self.infos: list[PartInfo] = []
        self.where: dict[int, tuple[str, int]] = {}
        self.objects: dict[int, FloatArray] = {}

    def write(self, start: int, count: int, *, seed: int = 0) -> None:
        keys = np.arange(start, start + count)
        given = embeddings(count, seed=start + seed)
        info = self.store.write(keys, digests(keys), given)
        self.infos.append(info)
        self.where.update({int(key): (info.name, row) for row, key in enumerate(keys)})
        self.objects.update(zip(keys.tolist(), given.object, strict=True))

    def located(self) -> tuple[list[PartInfo], KeyArray, KeyArray, KeyArray]:
        number = {info.name: n for n, info in enumerate(self.infos)}
        keys = np.array(list(self.where), np.int64)
        part_of, rows = np.array([(number[name], row) for name, row in self.where.values()], np.int64).T
        return self.infos, keys, part_of, rows

    def rows(self) -> PartRows:
        return PartRows(self.store, *self.located())


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    for start in range(0, 90, 30):
        made.write(start, 30)
    return made


def test_rows_are_found_over_many_parts(folder: Folder) -> None:
    rows = folder.rows()
    keys = np.array([77, 3, 40, 3])
    assert len(rows) == 90
    assert (rows.dim, rows.parts_per_image) == (8, 3)
    assert np.allclose(rows.object_vectors(keys), np.stack([folder.objects[int(k)] for k in keys]), atol=1e-3)
    assert rows.sha256(keys) == digests(keys)
    assert rows.part_vectors(keys).shape == (4, 3, 8)
    assert rows.boxes(keys).shape == (4, 3, 4)
    one = rows.part_source().vectors(np.array([40 * PARTS_PER_KEY + 2, 3 * PARTS_PER_KEY]))
    assert np.array_equal(one, np.stack([rows.part_vectors(keys)[2, 2], rows.part_vectors(keys)[1, 0]]))
    with pytest.raises(InvalidArgument, match="key 90"):
        rows.object_vectors(np.array([1, 90]))


def test_a_row_that_the_part_does_not_hold_is_never_served(folder: Folder) -> None:
    folder.where[3], folder.where[4] = folder.where[4], folder.where[3]
    with pytest.raises(CorruptData, match="disagree"):
        folder.rows().object_vectors(np.array([3]))


def test_rows_in_an_unlisted_part_and_parts_of_other_shape_are_refused(folder: Folder) -> None:
    infos, keys, part_of, rows = folder.located()
    with pytest.raises(InvalidArgument, match="not among its 2"):
        PartRows(folder.store, infos[1:], keys, part_of, rows)
    other = folder.store.write(np.array([500]), digests(np.array([500])), embeddings(1, dim=6))
    with pytest.raises(InvalidArgument, match="one width"):
        PartRows(folder.store, [*infos, other], keys, part_of, rows)


def test_rows_on_disk_are_asked_for_ahead_and_are_the_same(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = np.array([77, 3, 40])
    before = folder.rows().part_vectors(keys)
    asked: list[str] = []
    soon = Part.soon

    def noted(part: Part, name: str, rows: KeyArray) -> None:
        asked.append(name)
        soon(part, name, rows)

    monkeypatch.setattr(Part, "soon", noted)
    folder.rows().part_vectors(keys)
    assert asked == [], "a small library lies in memory"
    monkeypatch.setattr("sherd.vectors.rows._LARGE", 0)
    assert np.array_equal(folder.rows().part_vectors(keys), before)
    assert asked == ["parts"] * 3
    monkeypatch.setattr("sherd.vectors.rows._FEW", 2)
    folder.rows().part_vectors(keys)
    assert len(asked) == 3, "who reads many reads them in order"


def test_an_altered_part_is_not_read(folder: Folder) -> None:
    path = folder.store.path(folder.infos[1].name)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    rows = folder.rows()
    rows.object_vectors(np.array([3]))
    with pytest.raises(CorruptData, match=path.name):
        rows.object_vectors(np.array([33]))


def _answers(folder: Folder, settings: IndexSettings | None = None) -> list[tuple[list[int], list[int]]]:
    rows = folder.rows()
    where = folder.index if settings else folder.index / "none"  # without settings: the exact answers
    by_object, by_part = open_indexes(where, rows, settings=settings)
    assert by_object.keys().tolist() == sorted(folder.where)
    assert len(by_part) == 3 * len(folder.where)
    query = embeddings(1, seed=5).object
    return [(index.search(query, 8)[1][0].tolist(), index.keys().tolist()) for index in (by_object, by_part)]


def test_a_small_library_needs_no_index_file(folder: Folder) -> None:
    assert save_indexes(folder.index, folder.rows()) == []
    assert not folder.index.exists()


def test_a_saved_index_answers_as_the_exact_one_and_follows_the_catalogue(folder: Folder) -> None:
    files = save_indexes(folder.index, folder.rows(), settings=SMALL)
    assert [path.name for path in files] == [OBJECT_FILE, PART_FILE]
    for path in files:
        check_index(path)
    assert _answers(folder, SMALL) == _answers(folder)
    folder.write(90, 10)
    for key in range(10, 25):
        del folder.where[key]
    assert _answers(folder, SMALL) == _answers(folder)
    save_indexes(folder.index, folder.rows(), settings=SMALL)
    assert _answers(folder, SMALL) == _answers(folder)


def test_index_files_go_when_the_library_has_become_small(folder: Folder) -> None:
    save_indexes(folder.index, folder.rows(), settings=SMALL)
    for key in range(80):
        del folder.where[key]
    assert save_indexes(folder.index, folder.rows(), settings=SMALL) == []
    assert list(folder.index.iterdir()) == []


KINDS = [".index", ".coder", ".rows", ".lists", ".bits"]


def _file(folder: Folder, kind: str) -> Path:
    """One file of the saved object index of that kind."""
    save_indexes(folder.index, folder.rows(), settings=SMALL)
    for key in range(0, 20, 3):
        del folder.where[key]
    save_indexes(folder.index, folder.rows(), settings=SMALL)
    files = [path for path in known_files(folder.index) if path.suffix == kind and "object" in str(path)]
    assert len(files) == 1
    return files[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("where", [0.001, 0.1, 0.3, 0.5, 0.7, 0.9, 0.9999, None])
def test_an_altered_index_file_is_found(folder: Folder, kind: str, where: float | None) -> None:
    path = _file(folder, kind)
    for one in known_files(folder.index):
        check_index(one)
    content = bytearray(path.read_bytes())
    if where is None:
        content = content[:50]
    else:
        content[int(where * len(content))] ^= 16
    path.write_bytes(content)
    with pytest.raises(CorruptData, match=path.name):
        check_index(path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("harm", ["gone", "cut", "empty", "other", "end"])
def test_a_damaged_index_is_passed_over_with_a_warning_and_mended_by_saving(
    folder: Folder, kind: str, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = _file(folder, kind)
    content = path.read_bytes()
    other = next(one for one in known_files(folder.index) if one.suffix != kind).read_bytes()
    told = {"cut": content[:-3], "empty": b"", "other": other, "end": content[:-9] + b"\0" + content[-8:], "gone": b""}
    path.write_bytes(told[harm])
    if harm == "gone":
        path.unlink()
    assert _answers(folder, SMALL) == _answers(folder)
    assert "building the index anew" in caplog.text or (kind, harm) == (".index", "gone")
    save_indexes(folder.index, folder.rows(), settings=SMALL)
    for one in known_files(folder.index):
        check_index(one)
    caplog.clear()
    assert _answers(folder, SMALL) == _answers(folder)
    assert not caplog.text


class Stopped(Exception):
    """In place of a kill: what comes after does not happen."""


STEPS = ["sealing", "kept", "sealed", "tuned", "saved", "swapped", "cleared"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("first", [True, False])
def test_a_save_cut_off_at_any_step_leaves_the_old_index_or_the_new_one(folder: Folder, step: str, first: bool) -> None:
    if not first:
        save_indexes(folder.index, folder.rows(), settings=SMALL)
        folder.write(90, 30)

    def stop(at: str) -> None:
        if at == step:
            raise Stopped

    with pytest.raises(Stopped):
        save_indexes(folder.index, folder.rows(), settings=SMALL, hook=stop)
    assert _answers(folder, SMALL) == _answers(folder)
    save_indexes(folder.index, folder.rows(), settings=SMALL)
    assert _answers(folder, SMALL) == _answers(folder)
    assert {path for path in folder.index.rglob("*") if path.is_file()} == known_files(folder.index)


def test_a_cut_off_build_goes_on_where_it_was(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sherd.vectors.sealing.BLOCK", 10)
    monkeypatch.setattr("sherd.vectors.faiss_index.BLOCK", 10)
    monkeypatch.setattr("sherd.vectors.sealing._SAVE_EVERY", 20)
    seen: list[int] = []

    def told(what: str, done: int, total: int) -> None:
        assert total == (90 if what == "object" else 270)
        seen.append(done)
        if len(seen) == 5:
            raise Stopped

    with pytest.raises(Stopped):
        save_indexes(folder.index, folder.rows(), settings=SMALL, told=told)
    save_indexes(folder.index, folder.rows(), settings=SMALL, told=told)
    assert seen[:6] == [10, 20, 30, 40, 50, 50], "50 were done, 40 of them on disk"
    assert _answers(folder, SMALL) == _answers(folder)


def test_a_build_of_several_segments_keeps_those_that_are_whole(folder: Folder) -> None:
    settings = replace(SMALL, segment_rows=40, merge_ratio=9.0)
    seen: list[int] = []

    def told(what: str, done: int, total: int) -> None:
        assert what == "object"
        seen.append(done)
        if len(seen) == 2:
            raise Stopped

    with pytest.raises(Stopped):
        save_indexes(folder.index, folder.rows(), settings=settings, told=told)
    assert [layer.alive for layer in saved_indexes(folder.index)["object"].layers] == [40]
    assert _answers(folder, settings) == _answers(folder)
    seen.clear()
    with pytest.raises(Stopped):
        save_indexes(folder.index, folder.rows(), settings=settings, told=told)
    assert seen == [40, 50], "of the 50 that were lacking"
    assert [layer.alive for layer in saved_indexes(folder.index)["object"].layers] == [40, 40]


def test_the_index_of_before_serves_until_one_of_the_other_kind_is_whole(folder: Folder) -> None:
    settings = replace(SMALL, segment_rows=40, merge_ratio=9.0)
    save_indexes(folder.index, folder.rows(), settings=settings)
    before = saved_indexes(folder.index)["object"]

    def stop(what: str, done: int, total: int) -> None:
        if done > 40:
            raise Stopped

    with pytest.raises(Stopped):
        save_indexes(folder.index, folder.rows(), settings=replace(settings, kind="hnsw"), told=stop)
    assert saved_indexes(folder.index)["object"] == before


def test_far_bytes_on_disk_are_asked_for_ahead_and_answers_are_the_same(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_indexes(folder.index, folder.rows(), settings=SMALL)
    monkeypatch.setattr("sherd.vectors.sealing._LARGE", 0)
    asked: list[int] = []
    soon = BlockFile.soon

    def noted(file: BlockFile, name: str, rows: KeyArray) -> None:
        asked.append(rows.size)
        soon(file, name, rows)

    monkeypatch.setattr(BlockFile, "soon", noted)
    assert _answers(folder, SMALL) == _answers(folder)
    assert asked
    assert max(asked) <= 60


def test_a_kind_and_a_recall_once_chosen_stay(folder: Folder) -> None:
    chosen = replace(SMALL, kind="hnsw", recall=0.99, depths=None)
    save_indexes(folder.index, folder.rows(), settings=chosen)
    saved = saved_indexes(folder.index)["object"]
    assert (saved.kind, saved.recall) == ("hnsw", 0.99)
    assert saved.dial is not None
    assert saved.dial.at(0.99).recall > 0.9
    by_object, _ = open_indexes(folder.index, folder.rows())
    assert (by_object.settings.kind, by_object.settings.recall) == ("hnsw", 0.99)
    assert by_object.depths() == saved.dial.at(0.99).depths
    save_indexes(folder.index, folder.rows(), settings=replace(SMALL, kind="lists"))
    assert saved_indexes(folder.index)["object"].kind == "lists"
    assert {path.suffix for path in known_files(folder.index)} == {".index", ".rows", ".lists", ".coder"}
