"""Rows over many parts, and saved indexes: whatever the file, the index holds what the catalogue says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sherd.errors import CorruptData, InvalidArgument
from sherd.types import FloatArray, KeyArray
from sherd.vectors.faiss_index import IndexSettings
from sherd.vectors.index_files import OBJECT_FILE, PART_FILE, check_index, open_indexes, save_indexes
from sherd.vectors.parts import PartInfo, PartStore
from sherd.vectors.protocol import PARTS_PER_KEY
from sherd.vectors.rows import PartRows
from tests.vectors.batches import digests, embeddings

SMALL = IndexSettings(exact_limit=50, probes=100, brute_limit=1)


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

    def located(self) -> tuple[list[PartInfo], KeyArray, list[str], KeyArray]:
        keys = np.array(list(self.where), np.int64)
        names = [name for name, _ in self.where.values()]
        return self.infos, keys, names, np.array([row for _, row in self.where.values()], np.int64)

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
    infos, keys, names, rows = folder.located()
    with pytest.raises(InvalidArgument, match="no such part"):
        PartRows(folder.store, infos[1:], keys, names, rows)
    other = folder.store.write(np.array([500]), digests(np.array([500])), embeddings(1, dim=6))
    with pytest.raises(InvalidArgument, match="one width"):
        PartRows(folder.store, [*infos, other], keys, names, rows)


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
    by_object, by_part = open_indexes(folder.index, rows, settings=settings)
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


@pytest.mark.parametrize("where", [0.001, 0.1, 0.5, 0.9, 0.9999, None])
def test_an_altered_index_file_is_reported_and_never_used(
    folder: Folder, where: float | None, caplog: pytest.LogCaptureFixture
) -> None:
    path = save_indexes(folder.index, folder.rows(), settings=SMALL)[0]
    content = bytearray(path.read_bytes())
    if where is None:
        content = content[:50]
    else:
        content[int(where * len(content))] ^= 16
    path.write_bytes(content)
    with pytest.raises(CorruptData, match=path.name):
        check_index(path)
    assert _answers(folder, SMALL) == _answers(folder)
    assert path.name in caplog.text


def test_a_missing_index_file_is_built_in_memory(folder: Folder) -> None:
    path = save_indexes(folder.index, folder.rows(), settings=SMALL)[0]
    path.unlink()
    assert _answers(folder, SMALL) == _answers(folder)
    with pytest.raises(CorruptData):
        check_index(path)
